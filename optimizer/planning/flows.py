"""The program's variables with their bounds, and the rows that no price can change."""

from dataclasses import dataclass

import numpy as np

from optimizer.model.battery import Line
from optimizer.planning.task import Task
from optimizer.planning.words import Array, Problem, Series, Sum


@dataclass(frozen=True, slots=True)
class Flows:
    """The variables, one a step [kW, kWh]; a flow that could only be zero is left out."""

    buy: Series
    sell: Series
    charge: Series
    discharge: Series
    curtailed: Series
    overload: Series
    """What is drawn above the grid's limit; only where the house alone needs that."""
    stored: Series
    """Stored energy after the step."""
    shortfalls: tuple[tuple[Series, Array], ...]
    """(What is missing below a level, its price [EUR/kWh])."""

    def stored_wh(self) -> tuple[float, ...]:
        """Stored energy after each step in the last solution [Wh]."""
        return tuple((1000.0 * self.stored.value()).tolist())

    @property
    def bought(self) -> Sum:
        """All that is drawn from the grid."""
        return self.buy + self.overload

    @property
    def battery(self) -> Sum:
        """The battery's power without its standby."""
        return self.discharge - self.charge


def variables(problem: Problem, task: Task) -> Flows:
    """All variables of the steps, with their constant bounds."""
    grid, standby_w, steps = task.grid, task.battery.standby_w, task.steps
    every, ceilings_wh = np.ones(len(steps)), np.array(task.ceilings_wh())
    ranges = [task.power_range(s, c) for s, c in zip(steps, ceilings_wh.tolist(), strict=True)]
    low_w, high_w = np.array(ranges).T
    over_w = np.array([task.buy_limit_w(step) for step in steps]) - grid.max_buy_w
    throttled_w = np.array([task.throttle_limit_w(step) for step in steps])

    def flow(name: str, most_w: Array, least_w: Array | float = 0.0) -> Series:
        return problem.variables(name, most_w / 1000, np.maximum(least_w, 0.0) / 1000)

    stored = problem.variables("stored", ceilings_wh / 1000, task.floor_wh / 1000)
    return Flows(
        buy=flow("buy", grid.max_buy_w * every),
        sell=flow("sell", grid.max_sell_w * every),
        charge=flow("charge", -low_w - standby_w, -high_w - standby_w),
        discharge=flow("discharge", high_w + standby_w, low_w + standby_w),
        curtailed=flow("curtailed", throttled_w),
        overload=flow("overload", over_w),
        stored=stored,
        shortfalls=_shortfalls(problem, task, stored),
    )


def _shortfalls(problem: Problem, task: Task, stored: Series) -> tuple[tuple[Series, Array], ...]:
    """What is missing after each step below each level that has a price."""
    result = []
    # each step has the same levels, until the program has decided on a full charge
    levels = zip(*(task.shortfalls(t) for t in range(len(task.steps))), strict=True)
    for number, priced in enumerate(levels):
        levels_wh, prices = np.array(priced).T
        missing = problem.variables(f"missing_{number}", np.full(len(levels_wh), np.inf))
        problem += stored + missing >= levels_wh / 1000
        result.append((missing, prices))
    return tuple(result)


def physics(problem: Problem, task: Task, flows: Flows) -> None:
    """Balance, store, tapers and inverter."""
    battery, hours = task.battery, task.hours
    need_kw = np.array([step.need_w for step in task.steps]) / 1000
    problem += (
        flows.bought - flows.sell - flows.curtailed + flows.battery
        == need_kw + battery.standby_w / 1000
    )  # fmt: skip
    first = np.arange(len(hours)) == 0
    change = (
        battery.charge_efficiency * hours * flows.charge
        - hours / battery.discharge_efficiency * flows.discharge
    )
    problem += flows.stored - flows.stored.before - change == first * task.start_wh / 1000
    for line in battery.charge_lines:
        _taper(problem, task, flows.charge, flows.stored, line)
    for line in battery.discharge_lines:
        _taper(problem, task, flows.discharge, flows.stored, line)
    _inverter(problem, task, flows)


def _taper(problem: Problem, task: Task, flow: Series, stored: Series, line: Line) -> None:
    """Limit a flow by a straight line over the stored energy at the step's start."""
    power_w, rise = line
    limit_kw = np.full(len(task.steps), power_w / 1000)
    limit_kw[0] = max(0.0, power_w + rise * task.start_wh) / 1000
    binds = flow.there & ((limit_kw < flow.most) | (rise != 0.0))
    problem += (flow - rise * stored.before <= limit_kw).where(binds)


def _inverter(problem: Problem, task: Task, flows: Flows) -> None:
    """Keep the AC side of a hybrid's inverter within its rating, where that can bind at all."""
    battery = task.battery
    pv_w = np.array([step.pv_w for step in task.steps])
    draw_w = np.array([task.max_draw_w(step) for step in task.steps])
    ac, roof_w = flows.battery - flows.curtailed, pv_w - battery.standby_w
    if battery.hybrid:
        full = task.max_ac_w < pv_w + battery.max_discharge_w
        problem += (ac <= (task.max_ac_w - roof_w) / 1000).where(full)
        full = draw_w < battery.max_charge_w + pv_w
        problem += (ac >= (-draw_w - roof_w) / 1000).where(full)
