"""Full charges, which calibrate the state of charge: when one is due, and what to say of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from optimizer.model.battery import Battery
from optimizer.model.plan import Step, iso
from optimizer.planning.switches import full_wh
from optimizer.planning.task import ForecastStep, Task

OVERDUE = timedelta(hours=24)
"""Time to catch up on a full charge that is overdue: a whole day, so that noon and night count."""


def due(steps: Sequence[ForecastStep], battery: Battery, last: datetime | None) -> int | None:
    """Index of the last step at whose end a full charge is in time; None if none is due.

    An unknown last full charge is due at the horizon's end; one that is overdue within a day.
    """
    if battery.full_charge_every_days <= 0:
        return None
    if last is None:
        return len(steps) - 1
    by = last + timedelta(days=battery.full_charge_every_days)
    if by > steps[-1].end:
        return None
    by = max(by, steps[0].start + OVERDUE)
    in_time = [index for index, step in enumerate(steps) if step.end <= by]
    return in_time[-1] if in_time else 0


def notes(task: Task, steps: Sequence[Step]) -> list[str]:
    """What the plan does about a full charge that is due."""
    if task.decided is None or task.decided.full_at is None:
        return []
    step = steps[task.decided.full_at]
    if step.soc_wh >= full_wh(task) - 1.0:
        return [f"full charge for calibration: the battery is full at {iso(step.end)}"]
    percent = 100 * step.soc_wh / task.battery.capacity_wh
    return [
        f"a full charge for calibration is due, but cannot be had within the limits at any price "
        f"that is worth it: the battery reaches {percent:.0f} % at {iso(step.end)}"
    ]
