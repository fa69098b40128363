"""Strategies of other programs, on the same house with the same forecasts, emulated briefly.

OpenEMS-like is carried out perfectly: its bands of battery power are kept to by the device itself,
without lag; EMHASS-like and evcc-like by this program's own control law, from value tables. Both
flatters them. What the names stand for:

- *OpenEMS-like*: "Energy Schedule Handler" of `io.openems.edge.controller.ess.timeofusetariff`:
  each quarter-hour one of the modes balancing, delay discharge and charge from the grid at full
  power; least cost of bought energy, 1.17 times for what is stored, no losses, nothing for what is
  left or sold. Its genetic search is replaced by an exact one over the state of charge.
- *EMHASS-like*: least cost with `soc_final = soc_init` in every run (its default for MPC).
- *evcc-like*: energy at the end is worth the cheapest price of the horizon x efficiency x 0.99
  (`core/site_optimizer.go`).
- *blind*: the planned power written as it stands: `follow = "power"`, for the warning.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.backtest.information_set import (
    HOURLY,
    InformationSet,
    forecasts,
    in_batches,
    moments,
)
from optimizer.backtest.scenario_data import Array, Scenario
from optimizer.backtest.stored_plans import TablePlans
from optimizer.backtest.strategies import FlowSpan
from optimizer.planning import water_value, water_value_exact
from optimizer.planning.arrays import Forecasts
from optimizer.planning.task import ForecastStep, Task
from optimizer.planning.water_value_exact import TABLE_SIZE
from optimizer.simulation.plant import Plant

STORED_FACTOR = 1.17
"""What OpenEMS puts on energy that is bought to be stored."""
LEVELS = 9
"""States of charge at which EMHASS-like tables are made."""
GRID_POINTS = 41
"""States of charge of the exact search over modes."""
CHARGES = 9
"""Stored energies that a part after a left-out day may begin with."""
SHORT_EUR_PER_KWH = 1.0
"""Price of ending below the wished state of charge: more than any spread, so it is met."""


def attainable_eur(scenario: Scenario, start_wh: float, end_value: float) -> float:
    """Least cost of a case if all had been known: bill and wear, stored energy counted [EUR].

    The exact recursion of planning at the case's own ticks, over the whole period in one, or over
    each part between days that do not count, which begins with the charge that is best for it.
    """
    total, steps = 0.0, _every_step(scenario)
    for place, (first, end) in enumerate(scenario.spans):
        part = steps[first * scenario.ticks : end * scenario.ticks]
        begins = [start_wh] if first == scenario.begin and place == 0 else _charges(scenario)
        tasks = (
            Task(part, scenario.battery, scenario.grid, wh, (end_value,),
                 money_size=scenario.money_size)
            for wh in begins
        )  # fmt: skip
        total += min(
            water_value_exact.water_values(task).objective_eur + end_value * task.start_wh / 1000
            for task in tasks
        )
    return total


def _every_step(scenario: Scenario) -> tuple[ForecastStep, ...]:
    """The ticks of a case as steps."""
    step = (scenario.at(1) - scenario.at(0)) / scenario.ticks
    figures = zip(
        scenario.repeated(scenario.buy).tolist(), scenario.repeated(scenario.sell).tolist(),
        scenario.load_w.tolist(), scenario.pv_w.tolist(), strict=True,
    )  # fmt: skip
    return tuple(
        ForecastStep(scenario.start + at * step, scenario.start + (at + 1) * step, *row)
        for at, row in enumerate(figures)
    )


def _charges(scenario: Scenario) -> list[float]:
    """Stored energies over the allowed band [Wh], among which the best start is sought."""
    battery = scenario.battery
    return [float(wh) for wh in np.linspace(battery.min_wh, battery.max_wh, CHARGES)]


def no_battery_eur(scenario: Scenario) -> float:
    """Bill of the house with its roof alone [EUR]."""
    from optimizer.planning.self_consumption import no_battery

    bare, steps = replace(scenario.battery, standby_w=0.0), _every_step(scenario)
    parts = [steps[a * scenario.ticks : b * scenario.ticks] for a, b in scenario.spans]
    tasks = (
        Task(part, bare, scenario.grid, bare.min_wh, (0.0,), money_size=scenario.money_size)
        for part in parts
    )
    return sum(no_battery(task).cost_eur for task in tasks)


class OpenEmsLike:
    """Modes by the quarter-hour."""

    BALANCING, DELAY, CHARGE = range(3)

    def __init__(self, information: InformationSet) -> None:
        scenario = information.scenario
        self._case, battery = scenario, scenario.battery
        self._moments = moments(scenario, HOURLY)
        self._energies = np.linspace(battery.min_wh, battery.max_wh, GRID_POINTS)
        keep = max(min(at.until, at.end) - at.first for at in self._moments)
        reported = (
            forecasts(information, part, np.zeros((len(part), 1)), sure=True)
            for part in in_batches(self._moments)
        )
        self._table = np.concatenate([self._modes(item, keep) for item in reported])
        self._place = 0

    def _modes(self, reported: Forecasts, keep: int) -> NDArray[np.int8]:
        """Best mode of each plan's first steps at each energy: (plans, keep, energies)."""
        battery, count = self._case.battery, len(reported.buy)
        later, rows = np.zeros((count, GRID_POINTS)), np.arange(count)[:, None] * GRID_POINTS
        made = np.zeros((count, keep, GRID_POINTS), dtype=np.int8)
        cell = self._energies[1] - self._energies[0]
        for step in reversed(range(reported.hours.shape[1])):
            hours, buy = reported.hours[:, step, None], reported.buy[:, step, None]
            need = reported.load_w[:, step, None] - reported.pv_w[:, step, None]
            # A step of 0 h (it fills up a shorter plan) changes nothing.
            length = np.maximum(hours, 1e-9)
            low = np.maximum(
                -battery.max_charge_w, (self._energies - battery.max_wh)[None, :] / length
            )
            high = np.minimum(
                battery.max_discharge_w, (self._energies - battery.min_wh)[None, :] / length
            )
            costs = []
            for wished in (need, np.minimum(need, 0.0), np.full_like(need, -np.inf)):
                power = np.minimum(np.maximum(wished, low), high)
                grid = np.maximum(need - power, 0.0)
                stored = np.minimum(grid, np.maximum(-power, 0.0))
                cost = (grid + (STORED_FACTOR - 1) * stored) * hours / 1000 * buy
                place = (self._energies - power * hours - battery.min_wh) / cell
                left = np.clip(place.astype(np.intp), 0, GRID_POINTS - 2)
                share, flat = place - left, later.ravel()
                ahead = flat[rows + left] * (1 - share) + flat[rows + left + 1] * share
                costs.append(cost + ahead)
            every = np.stack(costs)
            every[1:] += 1e-9  # ties go to balancing
            best = every.argmin(axis=0)
            later = np.take_along_axis(every, best[None], axis=0)[0]
            if step < keep:
                made[:, step] = best
        return made

    def tick(
        self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float
    ) -> list[FlowSpan]:
        """Carry the mode out."""
        while self._place + 1 < len(self._moments):
            if self._moments[self._place + 1].first > quarter:
                break
            self._place += 1
        at = self._moments[self._place]
        share = (plant.soc_wh - self._energies[0]) / (self._energies[-1] - self._energies[0])
        point = round(min(max(share, 0.0), 1.0) * (GRID_POINTS - 1))
        mode = self.BALANCING
        if quarter < at.end:
            mode = int(self._table[self._place, quarter - at.first, point])
        highest = float("inf") if mode == self.BALANCING else 0.0
        if mode == self.CHARGE:
            highest = -plant.battery.max_charge_w
        hours = self._case.hours
        return [FlowSpan(plant.keep(load_w, pv_w, float("-inf"), highest, hours), hours)]


class EmhassLike(TablePlans):
    """Plans that have to end as full as they begin."""

    def __init__(self, information: InformationSet) -> None:
        self._level = 0
        count = len(moments(information.scenario, HOURLY))
        super().__init__(information, HOURLY, end_values=np.zeros(count), sure=True)

    def tables(self, reported: Forecasts, keep: int) -> Array:
        """Tables for each level of the last state of charge: (plans, keep, levels x cells)."""
        made = []
        price = SHORT_EUR_PER_KWH * self.scenario.money_size
        for level in np.linspace(0, 1, LEVELS):
            edges = np.linspace(0, 1, TABLE_SIZE + 1)
            below = np.clip((level - edges[:-1]) / np.diff(edges), 0, 1) * price
            fall = np.zeros((*reported.hours.shape, TABLE_SIZE))
            fall[:, -1] = below
            found = water_value.tables(
                self.scenario.battery,
                self.scenario.grid,
                replace(reported, shortfall=fall),
                keep=keep,
            )
            made.append(np.pad(found, ((0, 0), (0, keep - found.shape[1]), (0, 0))))
        return np.concatenate(made, axis=2)

    def table(self, place: int, soc_wh: float) -> Array:
        """The table of the level nearest to where the plan begins."""
        battery = self.scenario.battery
        share = (soc_wh - battery.min_wh) / (battery.max_wh - battery.min_wh)
        level = round(min(max(share, 0.0), 1.0) * (LEVELS - 1))
        table: Array = self._tables[place][:, level * TABLE_SIZE : (level + 1) * TABLE_SIZE]
        return table


def evcc_like(information: InformationSet) -> TablePlans:
    """Plans whose end is worth the cheapest price."""
    scenario = information.scenario
    factor = 0.99 * scenario.battery.usual_round_trip
    ends = [
        max(0.0, float(scenario.buy[at.first : at.end].min()) * factor)
        for at in moments(scenario, HOURLY)
    ]
    return TablePlans(information, HOURLY, end_values=np.array(ends), sure=True)
