"""What would happen without a plan: the battery left to itself, and no battery at all."""

from dataclasses import dataclass
from math import fsum

from optimizer.planning.task import ForecastStep, Task


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run without a plan."""

    cost_eur: float
    """Bill over the steps."""
    wear_eur: float
    end_wh: float
    """Stored energy at the end."""


def _bill(task: Task, step: ForecastStep, battery_w: float) -> float:
    """Bill of a step at a battery power [EUR].

    What the inverter cannot pass and what may not be fed in is throttled.
    """
    throttled_w = max(0.0, battery_w + step.pv_w - task.max_ac_w)
    grid_w = max(step.need_w - battery_w + throttled_w, -task.grid.max_sell_w)
    return grid_w * step.hours / 1000 * (step.buy if grid_w > 0 else step.sell)


def own_use(task: Task) -> Baseline:
    """The FEMS's own balancing over the forecast: the grid is kept at zero while it can be."""
    battery = task.battery
    soc_wh, cost, wear = task.start_wh, 0.0, 0.0
    for step in task.steps:
        battery_w, soc_wh = battery.step(soc_wh, task.own_use_w(step), step.hours)
        cost += _bill(task, step, battery_w)
        cells_w = max(0.0, battery_w + battery.standby_w) / battery.discharge_efficiency
        wear += cells_w * step.hours / 1000 * battery.wear_eur_per_kwh
    return Baseline(cost, wear, soc_wh)


def no_battery(task: Task) -> Baseline:
    """The house with its roof alone."""
    return Baseline(fsum(_bill(task, step, 0.0) for step in task.steps), 0.0, 0.0)
