"""Override on a task: what it fixes, what it demands, and how soon a charge can be there.

- *Hold* and *self-consumption* leave nothing to choose: the battery follows the house, and the path
  of the stored energy is fixed.
- *Charge as soon as possible* demands the fastest path up to the charge.
- *Charge by a moment* demands the charge after the steps that hold the moment; before it the
  program is free. A moment beyond the plan's end demands there what can no longer be charged after
  it, by the forecast of the day after.
- *Away* only changes the load, before the task is made.

Every demand is capped by the fastest path, so that it can always be kept: what load and PV take
away meanwhile lowers it, and no limit is broken for it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

import numpy as np

from optimizer.model.override import Override, OverrideKind
from optimizer.planning.override_terms import EASE_WH, OverrideTerms
from optimizer.planning.step_options import StepArrays
from optimizer.planning.task import ForecastStep, Task

SAME_WH = 0.5
"""So close below a demanded charge it counts as reached [Wh]."""

DAY = timedelta(days=1)


def with_override(task: Task, override: Override, beyond: tuple[ForecastStep, ...] = ()) -> Task:
    """The task under an override.

    Parameters
    ----------
    beyond
        The steps that follow the task's, as far as they are forecast.
    """
    count = sum(step.end <= override.until for step in task.steps)
    capped = replace(task, override=_caps(task, override))
    match override.kind:
        case OverrideKind.CHARGE:
            return _charging(capped, override, beyond)
        case OverrideKind.HOLD | OverrideKind.SELF_CONSUMPTION:
            return _fixed(capped, override.kind is OverrideKind.HOLD, count)
        case OverrideKind.AWAY:
            return capped


def _caps(task: Task, override: Override) -> OverrideTerms:
    """The limits of power of the steps that end within the override."""
    charge_w = inf if override.power_w is None else override.power_w
    discharge_w = 0.0 if override.kind is OverrideKind.HOLD else inf
    within = [step.end <= override.until for step in task.steps]
    if override.kind is OverrideKind.CHARGE:  # the last one may hold the moment
        within = [step.start < override.until for step in task.steps]
    return OverrideTerms(
        override,
        tuple(charge_w if inside else inf for inside in within),
        tuple(discharge_w if inside else inf for inside in within),
    )


def _limited(task: Task, least: list[float], most: list[float]) -> OverrideTerms:
    assert task.override is not None  # noqa: S101 set by `_caps`
    return replace(task.override, least_wh=tuple(least), most_wh=tuple(most))


def _fixed(task: Task, hold: bool, count: int) -> Task:
    """The path of the stored energy while the battery follows the house."""
    arrays, least, most, stored_wh = StepArrays.of(task), [], [], task.start_wh
    wanted = np.array([task.self_consumption_w(step) for step in task.steps])
    wanted = np.clip(np.minimum(wanted, 0.0) if hold else wanted, arrays.low, arrays.high)
    moves = zip(task.steps, wanted.tolist(), task.ceilings_wh(), strict=True)
    for at, (step, wanted_w, ceiling_wh) in enumerate(moves):
        _, stored_wh = task.battery.step(stored_wh, wanted_w, step.hours)
        stored_wh = min(stored_wh, ceiling_wh)
        least.append(stored_wh - EASE_WH if at < count else 0.0)
        most.append(stored_wh + EASE_WH if at < count else inf)
    return replace(task, override=_limited(task, least, most))


def _charging(task: Task, override: Override, beyond: tuple[ForecastStep, ...]) -> Task:
    """Demands of a charge after each step."""
    level_wh = min(_level_wh(task, override), task.battery.max_wh)
    fastest = fastest_wh(task)
    if override.at_once:
        begun = [step.start < override.until for step in task.steps]
        reached = next((at for at, wh in enumerate(fastest) if wh >= level_wh), len(fastest))
        least = [
            min(wh, level_wh) - EASE_WH if at <= reached and begun[at] else 0.0
            for at, wh in enumerate(fastest)
        ]
        return replace(task, override=_limited(task, least, [inf] * len(fastest)))
    demanded = tuple(_holds(step, override.until) for step in task.steps)
    least = [
        min(wh, level_wh) - EASE_WH if asked else 0.0
        for wh, asked in zip(fastest, demanded, strict=True)
    ]
    if override.until > task.steps[-1].end:
        least[-1] = min(fastest[-1], _left_to_do_wh(task, override, beyond)) - EASE_WH
    terms = replace(
        _limited(task, least, [inf] * len(fastest)), level_wh=level_wh, demanded=demanded
    )
    return replace(task, override=terms)


def _holds(step: ForecastStep, moment: datetime) -> bool:
    """True for the step that a moment ends, or for both that it lies in and that ends before."""
    return step.start < moment < step.end or step.end <= moment < step.end + (step.end - step.start)


def _level_wh(task: Task, override: Override) -> float:
    return task.battery.capacity_wh * (override.soc_percent or 0.0) / 100


def fastest_wh(task: Task) -> list[float]:
    """Stored energy after each step when the battery is charged as fast as everything allows [Wh].

    Device, legal rule, operator, connection, inverter, tapers and the override's power. Where the
    house alone needs more than the connection gives, the battery helps out.
    """
    arrays, stored_wh, path = StepArrays.of(task), task.start_wh, []
    short_w = arrays.need - task.limits.buy_w
    relief = np.minimum(np.maximum(short_w, arrays.low), arrays.high)
    wanted = np.where(short_w > 0, np.maximum(relief, arrays.low), arrays.low)
    moves = zip(task.steps, wanted.tolist(), task.ceilings_wh(), strict=True)
    for step, power_w, ceiling_wh in moves:
        _, stored_wh = task.battery.step(stored_wh, power_w, step.hours)
        stored_wh = min(stored_wh, ceiling_wh)
        path.append(stored_wh)
    return path


def _after(task: Task, beyond: tuple[ForecastStep, ...], until: datetime) -> Task:
    """A task of the steps after the plan's end up to a moment, as far as they can be foreseen.

    What is not forecast is taken from the same time of the days before.
    """
    end = task.steps[-1].end
    steps = [step for step in beyond if end <= step.start < until]
    back = [step for step in task.steps if step.end > end - DAY and step.end - step.start]
    while not steps or steps[-1].end < until:
        at = steps[-1].end if steps else end
        shift = at - back[0].start
        steps += [
            replace(step, start=step.start + shift, end=step.end + shift)
            for step in back
            if step.start + shift < until
        ]
    assert task.override is not None  # noqa: S101 set by `_caps`
    bare = replace(task, steps=tuple(steps), forced=(), full_by=None, override=None)
    return replace(bare, override=_caps(bare, task.override.override))


def _left_to_do_wh(task: Task, override: Override, beyond: tuple[ForecastStep, ...]) -> float:
    """Stored energy at the plan's end from which a later moment can still be kept [Wh]."""
    after, level_wh = _after(task, beyond, override.until), _level_wh(task, override)
    lowest, highest = task.battery.min_wh, level_wh
    for _ in range(30):  # what is reached rises with what is there
        middle = (lowest + highest) / 2
        reached = fastest_wh(replace(after, start_wh=middle))[-1]
        lowest, highest = (lowest, middle) if reached >= level_wh else (middle, highest)
    return highest


@dataclass(frozen=True, slots=True)
class Reach:
    """Best that a charge can come to."""

    by_wh: float
    """Stored energy at the demanded moment [Wh]."""
    earliest: datetime | None
    """Earliest moment of the demanded charge; None if it lies beyond what is forecast."""


def reach(task: Task, override: Override, beyond: tuple[ForecastStep, ...] = ()) -> Reach:
    """Charge that can be had by its moment, and the earliest moment of the demanded one."""
    until = max(override.until, task.steps[-1].end + DAY)
    capped = replace(task, override=_caps(task, replace(override, until=until)))
    after = _after(capped, beyond, until)
    path_wh = fastest_wh(capped)
    later_wh = fastest_wh(replace(after, start_wh=path_wh[-1]))
    steps, level_wh = (*task.steps, *after.steps), _level_wh(task, override)
    earliest, by_wh, before_wh = None, task.start_wh, task.start_wh
    for step, after_wh in zip(steps, (*path_wh, *later_wh), strict=True):
        if earliest is None and after_wh >= level_wh - SAME_WH:
            rise = after_wh - before_wh
            share = min(max((level_wh - before_wh) / rise, 0.0), 1.0) if rise > 0 else 0.0
            earliest = step.start + share * (step.end - step.start)
        if step.start < override.until:
            share = min((override.until - step.start) / (step.end - step.start), 1.0)
            by_wh = before_wh + share * (after_wh - before_wh)
        before_wh = after_wh
    return Reach(by_wh, earliest)
