"""The plans of a case, as control would have found them in the store."""

import time
from typing import Any, Protocol

import numpy as np

from optimizer.backtest.information_set import (
    InformationSet,
    PlanMoment,
    PlanTimes,
    forecasts,
    in_batches,
    moments,
)
from optimizer.backtest.scenario_data import Array, Scenario
from optimizer.model.moments import QUARTER
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.planning import solvers, water_value
from optimizer.planning.arrays import Forecasts
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.planning.water_value_exact import TABLE_SIZE

SITE = "back-test"


class Plans(Protocol):
    """Whoever knows the plan in force."""

    def at(self, quarter: int, soc_wh: float) -> Plan | None:
        """The plan in force in a quarter-hour; a new one starts from this stored energy."""


class TablePlans:
    """Plans that hold what `follow = "value"` reads: prices and value tables.

    The tables do not depend on the state of charge, so all plans are made at once, by the
    planner's own recursion.

    Parameters
    ----------
    end_values
        Worth of a kWh at each plan's end [EUR/kWh], one for each; as the planner's "auto" by
        default.
    sure
        Take the load's forecast as certain.
    """

    def __init__(
        self, information: InformationSet, times: PlanTimes, *,
        end_values: Array | None = None, sure: bool = False,
    ) -> None:  # fmt: skip
        self.scenario, self._moments = information.scenario, moments(information.scenario, times)
        keep = max(min(at.until, at.end) - at.first for at in self._moments)
        parts, done = list[Array](), 0
        for part in in_batches(self._moments):
            size = len(part)
            ends = None if end_values is None else end_values[done : done + size, None]
            parts.append(self.tables(forecasts(information, part, ends, sure=sure), keep))
            done += size
        self._tables: Array = np.concatenate(parts)
        self._place, self._plan = -1, light_plan(self.scenario, self._moments[0], self._tables[0])

    def tables(self, reported: Forecasts, keep: int) -> Array:
        """Tables of some plans: (plans, keep, cells)."""
        found = water_value.tables(self.scenario.battery, self.scenario.grid, reported, keep=keep)
        missing = keep - found.shape[1]
        return np.pad(found, ((0, 0), (0, missing), (0, 0)))

    def at(self, quarter: int, soc_wh: float) -> Plan | None:
        """The plan in force."""
        place = max(self._place, 0)
        while place + 1 < len(self._moments) and self._moments[place + 1].first <= quarter:
            place += 1
        if place != self._place:
            at = self._moments[place]
            self._place = place
            self._plan = light_plan(self.scenario, at, self.table(place, soc_wh))
        return self._plan

    def table(self, place: int, soc_wh: float) -> Array:
        """Table of a plan that starts from some stored energy: (steps, cells)."""
        table: Array = self._tables[place]
        return table


UNPLANNED_W: dict[str, Any] = dict.fromkeys(
    ("load_w", "pv_w", "battery_w", "ess_w", "grid_w", "curtailed_w"), 0.0
)
UNCOUNTED: dict[str, Any] = dict.fromkeys(
    (
        "start_soc_percent", "cost_eur", "self_consumption_cost_eur", "no_battery_cost_eur",
        "wear_eur", "self_consumption_wear_eur", "stored_value_eur",
        "self_consumption_stored_value_eur", "end_value_eur_per_kwh", "solve_s",
    ),
    0.0,
)  # fmt: skip
"""Figures that the control law does not read."""


def light_plan(scenario: Scenario, at: PlanMoment, table: Array) -> Plan:
    """A plan's steps up to the next plan, with what `control.decide` reads by value.

    Powers that only people and the other ways to follow read are left at what self-consumption
    would do.
    """
    battery, count = scenario.battery, min(at.until, at.end) - at.first
    cell = (battery.max_wh - battery.min_wh) / TABLE_SIZE
    prices = [series[at.first : at.end].tolist() for series in (scenario.buy, scenario.sell)]
    rows = np.round(table[:count], 6).tolist()
    start, steps = scenario.at(at.first), []
    for index, (buy, sell, row) in enumerate(zip(*prices, rows, strict=False)):
        begin = start + index * QUARTER
        steps.append(
            Step(
                begin, begin + QUARTER, buy, sell, **UNPLANNED_W, soc_wh=battery.min_wh,
                intent=Intent.SELF_CONSUMPTION, lowest_w=-battery.max_charge_w,
                highest_w=battery.max_discharge_w, stored_value_eur_per_kwh=row[0],
                values_eur_per_kwh=tuple(row), why="",
            )
        )  # fmt: skip
    middles = tuple(battery.min_wh + cell * (index + 0.5) for index in range(TABLE_SIZE))
    return Plan(
        made_at=start, site=SITE, bounds=fingerprint(battery, scenario.grid), step_s=900,
        status="optimal", gap_eur=None, solver="", **UNCOUNTED, value_soc_wh=middles,
        steps=tuple(steps),
    )  # fmt: skip


class ProgramPlans:
    """Whole plans by `make_plan`, each from the state of charge of its moment."""

    def __init__(self, information: InformationSet, times: PlanTimes) -> None:
        self._knowledge, self._engine = information, solvers.for_many_plans()
        self._ahead = moments(information.scenario, times)[::-1]
        self._plan: Plan | None = None

    def at(self, quarter: int, soc_wh: float) -> Plan | None:
        """The plan in force."""
        while self._ahead and self._ahead[-1].first <= quarter:
            self._plan = self._made(self._ahead.pop(), soc_wh)
        return self._plan

    def _made(self, at: PlanMoment, soc_wh: float) -> Plan:
        information, scenario = self._knowledge, self._knowledge.scenario
        figures = (*information.prices(at), information.load_w(at), information.pv_w(at))
        rows = zip(range(at.first, at.beyond), *(row.tolist() for row in figures), strict=True)
        every = tuple(ForecastStep(scenario.at(q), scenario.at(q + 1), *row) for q, *row in rows)
        steps, beyond = every[: at.end - at.first], every[at.end - at.first :]
        request = PlanRequest(
            made_at=scenario.at(at.first),
            site=SITE,
            battery=scenario.battery,
            grid=scenario.grid,
            soc_percent=min(100 * soc_wh / scenario.battery.capacity_wh, 100.0),
            beyond=beyond,
            spread=information.spread(at),
            pv_days=information.pv_days(at),
            time_zone=scenario.zone.key,
        )
        return make_plan(steps, request, time.perf_counter, self._engine)
