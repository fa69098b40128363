"""Notes on a plan for its owner: relaxed bounds, a start outside the band, full charges."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import fsum
from zoneinfo import ZoneInfo

from optimizer.model.battery import Battery
from optimizer.model.currency import EUR, Currency
from optimizer.model.override import OverrideKind
from optimizer.model.plan import Step, iso
from optimizer.planning import verify
from optimizer.planning.program import full_charge_wh
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


def full_charge_notes(task: Task, steps: Sequence[Step]) -> list[str]:
    """Notes on a full charge that is due."""
    if task.decided is None or task.decided.full_at is None:
        return []
    step = steps[task.decided.full_at]
    if step.soc_wh >= full_charge_wh(task) - 1.0:
        return [f"full charge for calibration: the battery is full at {iso(step.end)}"]
    percent = 100 * step.soc_wh / task.battery.capacity_wh
    return [
        f"a full charge for calibration is due, but cannot be had within the limits at any price "
        f"that is worth it: the battery reaches {percent:.0f} % at {iso(step.end)}"
    ]


NOTED_EUR = 0.01
"""Least gain of curtailing PV that a note mentions [EUR]."""


def notes_of(
    task: Task, soc_percent: float, steps: Sequence[Step], zone: ZoneInfo, money: Currency = EUR
) -> list[str]:
    """Notes of a plan for its owner; `soc_percent` is the state of charge at the start [%]."""
    notes = [
        *_override(task, steps, zone),
        *_relaxed(task, steps),
        *_outside(task, soc_percent, steps),
    ]
    notes += [*full_charge_notes(task, steps), *_throttled(task, steps, money)]
    return notes


SHORT_PERCENT = 0.1
"""Least shortfall of a demanded charge that a note mentions [%]."""


def _override(task: Task, steps: Sequence[Step], zone: ZoneInfo) -> list[str]:
    """Notes on the owner's override, and on a charge that has come out of reach."""
    terms = task.override
    if terms is None:
        return []
    text, asked = f"override: {terms.override.text(zone)}", terms.override.soc_percent
    last = terms.last_demand
    if not terms.least_wh and terms.override.kind is not OverrideKind.AWAY:
        return [f"{text}; planned without it, since its path cannot be planned to the watt-hour"]
    if asked is None or last is None:
        return [text]
    percent = 100 * steps[last].soc_wh / task.battery.capacity_wh
    if percent >= asked - SHORT_PERCENT:
        return [text]
    return [f"{text}; {percent:.0f} % can be reached by then"]


def _relaxed(task: Task, steps: Sequence[Step]) -> list[str]:
    drawn = [(step.grid_w, task.grid.limits(step.start, step.end).buy_w) for step in steps]
    over = [pair for pair in drawn if pair[0] > pair[1] + verify.POWER_TOLERANCE_W]
    if not over:
        return []
    worst_w, limit_w = max(over)
    return [
        f"grid.max_buy_w ({limit_w:.0f} W) cannot be kept in {len(over)} steps: the "
        f"house alone needs up to {worst_w:.0f} W there; the limit was relaxed"
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


def _throttled(task: Task, steps: Sequence[Step], money: Currency) -> list[str]:
    """Throttling for money's sake: a plan may count on it where the owner says so.

    Control never does it. The inverter throttles by itself what the grid or its own rating cannot
    take; curtailment because drawing (or not selling) is paid needs a command of somebody else.
    """
    pairs = zip(task.steps, steps, strict=True)
    chosen = [
        (step, step.curtailed_w - _unavoidable_w(task, forecast, step)) for forecast, step in pairs
    ]
    chosen = [(step, watts) for step, watts in chosen if watts > verify.POWER_TOLERANCE_W]
    marginal_value = fsum(
        replace(step, grid_w=step.grid_w - watts).cost_eur - step.cost_eur for step, watts in chosen
    )
    if marginal_value < NOTED_EUR * money.size:
        return []
    wh = fsum(watts * step.hours for step, watts in chosen)
    return [
        f"the plan curtails the PV in {len(chosen)} steps ({wh / 1000:.1f} kWh) because of "
        "negative prices, as grid.price_curtailment allows: if nobody does, the bill will be "
        f"{money.amount(marginal_value)} higher"
    ]


def _unavoidable_w(task: Task, forecast: ForecastStep, step: Step) -> float:
    """PV power that nothing can take at the planned battery power [W]."""
    return task.site_at(forecast).curtailed_w(forecast.load_w, forecast.pv_w, step.battery_w)
