"""When to plan anew within the day, pure: by the hour, off the plan's corridor, for new prices.

A plan with a value table hardly ages: planned once a day it loses some 1 EUR a year against every
hour (simulated years). So nothing here is urgent, and runs keep a distance from each other.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from optimizer.model.battery import Battery
from optimizer.model.plan import Plan, Step
from optimizer.model.state import Snapshot

APART = timedelta(minutes=30)
"""From one run to the next, whatever happens."""

RETRY = timedelta(minutes=15)
"""The same while there is no plan for this moment."""

PUBLICATION = time(13, 5)
"""Day-ahead prices for tomorrow are out, local time."""
LATEST = time(20)
"""Then nobody asks for them any more today."""
SPREAD_S = 600
"""Houses ask for prices within so many seconds, not all at once."""

SOC_PERCENT = 5.0
"""So far the charge may be from the plan's."""
LOAD_W, LOAD_SHARE = 700.0, 0.5
"""So far load or roof may be from the forecast's, by the larger of the two."""
FADING = timedelta(minutes=15)
"""Time constant of the mean that is compared."""
SUSTAINED = timedelta(minutes=10)
"""The plan's corridor is left when it is left for so long."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, and where."""

    every: timedelta = timedelta(hours=1)
    """0 is never."""
    zone: tzinfo = UTC
    """Where the prices are published by local time."""
    site: str = ""
    """Sets the minute, so that houses do not plan all at once."""

    def offset_s(self, within_s: float) -> float:
        """The share of a span that is this house's [s]."""
        number = int.from_bytes(hashlib.sha256(self.site.encode()).digest()[:4], "big")
        return number % max(1, round(within_s))

    def turn(self, now: datetime) -> datetime:
        """The newest moment of the rhythm."""
        period_s = self.every.total_seconds()
        offset_s = self.offset_s(period_s)
        turns = math.floor((now.timestamp() - offset_s) / period_s)
        return datetime.fromtimestamp(turns * period_s + offset_s, UTC)


@dataclass(frozen=True, slots=True)
class Course:
    """How the day has gone so far, and when it was planned anew."""

    at: datetime | None = None
    load_off_w: float = 0.0
    """By how much the house needed more than forecast, in the mean of the last minutes [W]."""
    roof_off_w: float = 0.0
    outside_since: datetime | None = None
    """Since when the day has been outside the plan's corridor."""
    tried_at: datetime | None = None
    """When the last run began."""


def follow(
    course: Course, now: datetime, plan: Plan | None, snapshot: Snapshot | None, battery: Battery
) -> Course:
    """The course after another reading; without one it stays as it is."""
    step = None if plan is None else plan.step_at(now)
    if plan is None or step is None or snapshot is None:
        return replace(course, outside_since=None)
    grid, battery_w, roof = snapshot.grid_w, snapshot.battery_w, snapshot.pv_w
    if grid is None or battery_w is None or roof is None:
        return course
    passed = timedelta(0) if course.at is None else now - course.at
    weight = 1 - math.exp(-max(0.0, passed / FADING))
    load_off_w = grid + battery_w + roof - step.load_w
    course = replace(
        course,
        at=now,
        load_off_w=course.load_off_w + weight * (load_off_w - course.load_off_w),
        roof_off_w=course.roof_off_w + weight * (roof - step.pv_w - course.roof_off_w),
    )
    outside = bool(_outside(course, now, plan, step, snapshot.soc_percent, battery))
    since = (course.outside_since or now) if outside else None
    return replace(course, outside_since=since)


def wish(
    course: Course, now: datetime, plan: Plan | None, soc_percent: float | None,
    rhythm: Rhythm, battery: Battery,
) -> str | None:  # fmt: skip
    """Why a plan should be made now; None if it should not."""
    if not rhythm.every:
        return None
    step = None if plan is None else plan.step_at(now)
    waited = timedelta.max if course.tried_at is None else now - course.tried_at
    if plan is None or step is None:
        return "no plan covers this moment" if waited >= RETRY else None
    since_plan = now - plan.made_at
    if min(waited, since_plan) < APART and since_plan >= timedelta(0):
        return None
    if plan.made_at < rhythm.turn(now) and (
        course.tried_at is None or course.tried_at < rhythm.turn(now)
    ):
        return "by the hour" if rhythm.every == timedelta(hours=1) else "by the rhythm"
    if _prices_are_out(now, plan, rhythm):
        return "new prices should be there"
    if course.outside_since is not None and now - course.outside_since >= SUSTAINED:
        return _outside(course, now, plan, step, soc_percent, battery)
    return None


def planned_soc_wh(plan: Plan, step: Step, now: datetime, battery: Battery) -> float:
    """The plan's stored energy at a moment [Wh]."""
    place = plan.steps.index(step)
    begin = battery.capacity_wh * plan.start_soc_percent / 100
    if place > 0:
        begin = plan.steps[place - 1].soc_wh
    return begin + (step.soc_wh - begin) * ((now - step.start) / (step.end - step.start))


def _outside(
    course: Course, now: datetime, plan: Plan, step: Step, soc_percent: float | None,
    battery: Battery,
) -> str | None:  # fmt: skip
    """In what the day is outside the plan's corridor; None if it is inside."""
    if soc_percent is not None:
        planned = 100 * planned_soc_wh(plan, step, now, battery) / battery.capacity_wh
        if abs(soc_percent - planned) > SOC_PERCENT:
            return f"the charge is {soc_percent:.0f} % instead of {planned:.0f} %"
    for off_w, expected_w, what in (
        (course.load_off_w, step.load_w, "the house needs"),
        (course.roof_off_w, step.pv_w, "the roof gives"),
    ):
        if abs(off_w) > max(LOAD_W, LOAD_SHARE * expected_w):
            return f"{what} {abs(off_w):.0f} W {'more' if off_w > 0 else 'less'} than forecast"
    return None


def _prices_are_out(now: datetime, plan: Plan, rhythm: Rhythm) -> bool:
    """Whether tomorrow's prices should be known, and the plan does without them."""
    local = now.astimezone(rhythm.zone)
    out = datetime.combine(local.date(), PUBLICATION, rhythm.zone)
    out += timedelta(seconds=rhythm.offset_s(SPREAD_S))
    if local < out or local.time() >= LATEST:
        return False
    tomorrows_end = datetime.combine(local.date() + timedelta(days=2), time(0), rhythm.zone)
    return plan.made_at < out or plan.steps[-1].end < tomorrows_end
