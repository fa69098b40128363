"""What the owner should know of a plan: relaxed bounds, a start outside the band, its promises."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

from optimizer.model.plan import Step
from optimizer.planning import calibration, verify
from optimizer.planning.convexity import is_convex
from optimizer.planning.task import Task

AGREEMENT_EUR = 0.001
"""Program and recursion have to agree this well where both are exact."""

TOLD_EUR = 0.01
"""What throttling the roof has to be worth before it is told."""


def told_of(
    task: Task, soc_percent: float, steps: Sequence[Step], disagreement_eur: float
) -> list[str]:
    """Notes of a plan.

    Parameters
    ----------
    soc_percent
        State of charge at the start [%].
    disagreement_eur
        By how much the program's and the recursion's objectives differ.
    """
    notes = [*_relaxed(task, steps), *_outside(task, soc_percent, steps)]
    notes += [*calibration.notes(task, steps), *_throttled(task, steps)]
    if is_convex(task) and abs(disagreement_eur) > AGREEMENT_EUR:
        notes.append(
            f"program and recursion disagree by {abs(disagreement_eur):.4f} EUR: please report "
            "this plan"
        )
    return notes


def _relaxed(task: Task, steps: Sequence[Step]) -> list[str]:
    limit_w = task.grid.max_buy_w
    over = [step for step in steps if step.grid_w > limit_w + verify.POWER_TOLERANCE_W]
    if not over:
        return []
    worst = max(step.grid_w for step in over)
    return [
        f"grid.max_buy_w ({limit_w:.0f} W) cannot be kept in {len(over)} steps: the "
        f"house alone needs up to {worst:.0f} W there; the limit was relaxed"
    ]


def _outside(task: Task, soc_percent: float, steps: Sequence[Step]) -> list[str]:
    battery, notes = task.battery, []
    soc = f"the battery starts at {soc_percent:.0f} %"
    if task.start_wh < battery.min_wh:
        notes.append(f"{soc}, below min_soc_percent ({battery.min_soc_percent:.0f}): it recovers")
    if task.start_wh > battery.max_wh:
        notes.append(f"{soc}, above max_soc_percent ({battery.max_soc_percent:.0f}): it recovers")
    missing = [
        step for step in steps if step.soc_wh < battery.reserve_wh - verify.ENERGY_TOLERANCE_WH
    ]
    if missing:
        notes.append(
            f"the charge goes below reserve_soc_percent ({battery.reserve_soc_percent:.0f}) in "
            f"{len(missing)} steps"
        )
    return notes


def _throttled(task: Task, steps: Sequence[Step]) -> list[str]:
    """Throttling for money's sake: a plan may count on it where the owner says so.

    Control never does it. The inverter throttles by itself what the grid or its own rating cannot
    take; a roof that shall rest because drawing (or not selling) is paid has to be told so.
    """
    chosen = [(step, max(0.0, step.curtailed_w - _forced_w(task, step))) for step in steps]
    chosen = [(step, watts) for step, watts in chosen if watts > verify.POWER_TOLERANCE_W]
    worth = fsum(
        replace(step, grid_w=step.grid_w - watts).cost_eur - step.cost_eur for step, watts in chosen
    )
    if worth < TOLD_EUR:
        return []
    wh = fsum(watts * step.hours for step, watts in chosen)
    return [
        f"the plan rests the roof in {len(chosen)} steps ({wh / 1000:.1f} kWh) because of "
        "negative prices, as grid.rests_roof allows: if nobody does, the bill will be "
        f"{worth:.2f} EUR higher"
    ]


def _forced_w(task: Task, step: Step) -> float:
    """Roof power that limits alone throttle at the planned battery power [W]."""
    surplus_w = step.battery_w + step.pv_w - step.load_w
    return max(0.0, surplus_w - task.grid.max_sell_w, step.battery_w + step.pv_w - task.max_ac_w)
