"""Baselines without a plan: the battery left to itself, and no battery at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from optimizer.model.site import wear_eur
from optimizer.planning.task import ForecastStep, Task


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run without a plan."""

    cost_eur: float
    """Bill over the steps."""
    wear_eur: float
    end_wh: float
    """Stored energy at the end."""
    peak_eur: float = 0.0
    """What new peaks cost."""


def _grid_w(task: Task, step: ForecastStep, battery_w: float) -> float:
    """Grid power of a step at a battery power [W].

    What the inverter cannot pass and what may not be fed in is throttled.
    """
    return task.site_at(step).grid_w(step.load_w, step.pv_w, battery_w)


def _bill(step: ForecastStep, grid_w: float) -> float:
    return grid_w * step.hours / 1000 * (step.buy if grid_w > 0 else step.sell)


def peak_eur(task: Task, grid_w: Sequence[float]) -> float:
    """Cost of the new peaks of the steps' grid powers [EUR]."""
    if task.peak is None:
        return 0.0
    highest = [task.free_peak_w(period) for period in range(max(task.periods) + 1)]
    free = fsum(highest)
    for step, period, drawn_w in zip(task.steps, task.periods, grid_w, strict=True):
        if not task.peak.counts(step.start):
            continue
        highest[period] = max(highest[period], drawn_w)
    return (fsum(highest) - free) / 1000 * task.peak.eur_per_kw


def self_consumption(task: Task) -> Baseline:
    """The FEMS's own balancing over the forecast: the grid is kept at zero while it can be."""
    battery, soc_wh, powers = task.battery, task.start_wh, list[float]()
    wanted_w = task.site.self_consumption_w(task.load_w, task.pv_w)
    for step, power_w in zip(task.steps, wanted_w.tolist(), strict=True):
        battery_w, soc_wh = battery.step(soc_wh, power_w, step.hours)
        powers.append(battery_w)
    done_w = np.array(powers, dtype=float)
    drawn_w: list[float] = task.site.grid_w(task.load_w, task.pv_w, done_w).tolist()
    worn: list[float] = wear_eur(battery, done_w, task.hours).tolist()
    cost = sum(_bill(step, grid_w) for step, grid_w in zip(task.steps, drawn_w, strict=True))
    return Baseline(cost, sum(worn), soc_wh, peak_eur(task, drawn_w))


def no_battery(task: Task) -> Baseline:
    """The house with its roof alone."""
    drawn_w = [_grid_w(task, step, 0.0) for step in task.steps]
    cost = fsum(_bill(step, w) for step, w in zip(task.steps, drawn_w, strict=True))
    return Baseline(cost, 0.0, 0.0, peak_eur(task, drawn_w))
