"""The program's variables with their bounds, and the rows that no price can change."""

from dataclasses import dataclass, field
from typing import Any

from optimizer.model.battery import Line
from optimizer.planning.engines import linear
from optimizer.planning.task import ForecastStep, Task


@dataclass(slots=True)
class Flow:
    """The variables of one step [kW, kWh]."""

    buy: Any
    sell: Any
    charge: Any
    discharge: Any
    curtailed: Any
    stored: Any
    overload: Any
    """None where the house alone keeps below the grid's limit."""
    shortfalls: list[tuple[Any, float]] = field(default_factory=list)
    """(What is missing below a level, its price [EUR/kWh])."""

    @property
    def bought(self) -> list[tuple[Any, float]]:
        """All that is drawn from the grid, as terms."""
        return [(var, 1.0) for var in (self.buy, self.overload) if var is not None]

    @property
    def battery(self) -> list[tuple[Any, float]]:
        """The battery's power without its standby, as terms."""
        return [(self.discharge, 1.0), (self.charge, -1.0)]


def _flow(problem: Any, name: str, least_w: float, most_w: float) -> Any:
    """One direction of the battery's power, within bounds of which the negative part is cut off."""
    return problem.add_variable(name, max(0.0, least_w) / 1000, max(0.0, most_w) / 1000)


def variables(problem: Any, task: Task) -> list[Flow]:
    """All variables of the steps, with their constant bounds."""
    grid, standby_w, add = task.grid, task.battery.standby_w, problem.add_variable
    result = []
    for t, (step, ceiling_wh) in enumerate(zip(task.steps, task.ceilings_wh(), strict=True)):
        low, high = task.power_range(step, ceiling_wh)
        over_w = task.buy_limit_w(step) - grid.max_buy_w
        flow = Flow(
            buy=add(f"buy_{t}", 0, grid.max_buy_w / 1000),
            sell=add(f"sell_{t}", 0, grid.max_sell_w / 1000),
            charge=_flow(problem, f"charge_{t}", -high - standby_w, -low - standby_w),
            discharge=_flow(problem, f"discharge_{t}", low + standby_w, high + standby_w),
            curtailed=add(f"curtailed_{t}", 0, task.throttle_limit_w(step) / 1000),
            stored=add(f"stored_{t}", task.floor_wh / 1000, ceiling_wh / 1000),
            overload=add(f"overload_{t}", 0, over_w / 1000) if over_w > 0 else None,
        )
        for place, (level_wh, price) in enumerate(task.shortfalls(t)):
            missing = add(f"missing_{place}_{t}", 0, None)
            problem += linear([(flow.stored, 1.0), (missing, 1.0)]) >= level_wh / 1000
            flow.shortfalls.append((missing, price))
        result.append(flow)
    return result


def physics(problem: Any, task: Task, flows: list[Flow]) -> None:
    """Balance, store, tapers and inverter."""
    battery, standby = task.battery, task.battery.standby_w / 1000
    before: Any = None
    for step, flow in zip(task.steps, flows, strict=True):
        hours = step.hours
        balance = [*flow.bought, (flow.sell, -1.0), (flow.curtailed, -1.0), *flow.battery]
        problem += linear(balance) == step.need_w / 1000 + standby
        stored = [
            (flow.stored, 1.0),
            (flow.charge, -battery.charge_efficiency * hours),
            (flow.discharge, hours / battery.discharge_efficiency),
        ]
        if before is None:
            problem += linear(stored) == task.start_wh / 1000
        else:
            problem += linear([*stored, (before, -1.0)]) == 0
        for line in battery.charge_lines:
            _taper(problem, flow.charge, before, line, task.start_wh)
        for line in battery.discharge_lines:
            _taper(problem, flow.discharge, before, line, task.start_wh)
        _inverter(problem, task, step, flow)
        before = flow.stored


def _taper(problem: Any, flow: Any, before: Any, line: Line, start_wh: float) -> None:
    """Limit a flow by a straight line over the stored energy at the step's start."""
    power_w, rise = line
    if before is None:
        problem += linear([(flow, 1.0)]) <= max(0.0, power_w + rise * start_wh) / 1000
    elif rise != 0.0 or power_w / 1000 < (flow.upBound or 0.0):
        problem += linear([(flow, 1.0), (before, -rise)]) <= power_w / 1000


def _inverter(problem: Any, task: Task, step: ForecastStep, flow: Flow) -> None:
    """Keep the AC side of a hybrid's inverter within its rating, where that can bind at all."""
    battery, draw_w = task.battery, task.max_draw_w(step)
    roof_w = step.pv_w - battery.standby_w
    ac = [*flow.battery, (flow.curtailed, -1.0)]
    if task.max_ac_w < step.pv_w + battery.max_discharge_w:
        problem += linear(ac) <= (task.max_ac_w - roof_w) / 1000
    if battery.hybrid and draw_w < battery.max_charge_w + step.pv_w:
        problem += linear(ac) >= (-draw_w - roof_w) / 1000
