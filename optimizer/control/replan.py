"""Re-planning within the day: when it is due, and the process that does it.

A plan with a value table hardly ages: planned once a day it loses some 1 EUR a year against every
hour (simulated years). So nothing here is urgent, and runs keep a distance from each other.
"""

import contextlib
import hashlib
import logging
import math
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from queue import Empty, SimpleQueue
from typing import IO

from optimizer.control.clock import Clock
from optimizer.model.battery import Battery
from optimizer.model.plan import Plan, Step
from optimizer.model.snapshot import Decision, Snapshot

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
class ReplanInterval:
    """Interval of re-planning, and its conditions."""

    every: timedelta = timedelta(hours=1)
    """0 is never."""
    zone: tzinfo = UTC
    """Zone by whose time prices are published."""
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
class ForecastDeviation:
    """Deviation of the day from its forecast, and the time of the last plan."""

    at: datetime | None = None
    load_off_w: float = 0.0
    """By how much the house needed more than forecast, in the mean of the last minutes [W]."""
    pv_off_w: float = 0.0
    outside_since: datetime | None = None
    """Since when the day has been outside the plan's corridor."""
    tried_at: datetime | None = None
    """Time when the last run began."""


def follow(
    course: ForecastDeviation,
    now: datetime,
    plan: Plan | None,
    snapshot: Snapshot | None,
    battery: Battery,
) -> ForecastDeviation:
    """The course after another reading; without one it stays as it is."""
    step = None if plan is None else plan.step_at(now)
    if plan is None or step is None or snapshot is None:
        return replace(course, outside_since=None)
    grid, battery_w, pv = snapshot.grid_w, snapshot.battery_w, snapshot.pv_w
    if grid is None or battery_w is None or pv is None:
        return course
    passed = timedelta(0) if course.at is None else now - course.at
    weight = 1 - math.exp(-max(0.0, passed / FADING))
    load_off_w = grid + battery_w + pv - step.load_w
    course = replace(
        course,
        at=now,
        load_off_w=course.load_off_w + weight * (load_off_w - course.load_off_w),
        pv_off_w=course.pv_off_w + weight * (pv - step.pv_w - course.pv_off_w),
    )
    outside = bool(_outside(course, now, plan, step, snapshot.soc_percent, battery))
    since = (course.outside_since or now) if outside else None
    return replace(course, outside_since=since)


def replan_reason(
    course: ForecastDeviation, now: datetime, plan: Plan | None, soc_percent: float | None,
    rhythm: ReplanInterval, battery: Battery,
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


def _outside(
    course: ForecastDeviation, now: datetime, plan: Plan, step: Step, soc_percent: float | None,
    battery: Battery,
) -> str | None:  # fmt: skip
    """In what the day is outside the plan's corridor; None if it is inside."""
    planned_wh = plan.soc_wh_at(now, battery.capacity_wh)
    if soc_percent is not None and planned_wh is not None:
        planned = 100 * planned_wh / battery.capacity_wh
        if abs(soc_percent - planned) > SOC_PERCENT:
            return f"the charge is {soc_percent:.0f} % instead of {planned:.0f} %"
    for off_w, expected_w, what in (
        (course.load_off_w, step.load_w, "the house needs"),
        (course.pv_off_w, step.pv_w, "the roof gives"),
    ):
        if abs(off_w) > max(LOAD_W, LOAD_SHARE * expected_w):
            return f"{what} {abs(off_w):.0f} W {'more' if off_w > 0 else 'less'} than forecast"
    return None


def _prices_are_out(now: datetime, plan: Plan, rhythm: ReplanInterval) -> bool:
    """Return true if tomorrow's prices should be known, and the plan lacks them."""
    local = now.astimezone(rhythm.zone)
    out = datetime.combine(local.date(), PUBLICATION, rhythm.zone)
    out += timedelta(seconds=rhythm.offset_s(SPREAD_S))
    if local < out or local.time() >= LATEST:
        return False
    tomorrows_end = datetime.combine(local.date() + timedelta(days=2), time(0), rhythm.zone)
    return plan.made_at < out or plan.steps[-1].end < tomorrows_end


log = logging.getLogger(__name__)

LONGEST_S = 300.0
"""A planning run takes some seconds, on a small computer perhaps a minute."""

NICENESS = 10
"""The loop comes first."""

END_S = 2.0
"""So long a run that is ended gets to end by itself."""


@dataclass(slots=True)
class PlanningProcess:
    """A planning run that is going on."""

    process: "subprocess.Popen[bytes]"
    errors: IO[bytes]
    why: str
    begun_s: float


@dataclass(slots=True)
class Replanner:
    """Starts the planner when it is time, and looks after it from cycle to cycle."""

    command: Sequence[str]
    """Command of the planner."""
    rhythm: ReplanInterval
    battery: Battery
    clock: Clock
    longest_s: float = LONGEST_S
    done: str = "planned anew"
    """Meaning of a run that ended well, for the log."""
    requests: SimpleQueue[str] = field(default_factory=SimpleQueue)
    """Reasons of runs that are wanted with the next cycle, from any thread."""
    _course: ForecastDeviation = field(default_factory=ForecastDeviation)
    _run: PlanningProcess | None = None

    def poll(self, decision: Decision, plan: Plan | None, snapshot: Snapshot | None) -> None:
        """Begin or end a run if it is time; never waits for it."""
        now = decision.at
        self._course = follow(self._course, now, plan, snapshot, self.battery)
        if self._run is not None:
            self._look_after(self._run)
            return
        soc = None if snapshot is None else snapshot.soc_percent
        why = self._requested() or replan_reason(
            self._course, now, plan, soc, self.rhythm, self.battery
        )
        if why is not None:
            self._course = replace(self._course, tried_at=now, outside_since=None)
            self._start(why)

    def stop(self) -> None:
        """End a run that is still going."""
        if self._run is not None:
            self._end(self._run)

    def _requested(self) -> str | None:
        """The newest request, which a run answers together with those before it."""
        newest = None
        with contextlib.suppress(Empty):
            while True:
                newest = self.requests.get_nowait()
        return newest

    def _start(self, why: str) -> None:
        errors = _memory_file()
        try:
            process = subprocess.Popen(  # noqa: S603 our own command
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            errors.close()
            log.warning("the planner cannot be started: %s", error)
            return
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        self._run = PlanningProcess(process, errors, why, self.clock.monotonic())

    def _look_after(self, run: PlanningProcess) -> None:
        code = run.process.poll()
        took_s = self.clock.monotonic() - run.begun_s
        if code is None:
            if took_s > self.longest_s:
                self._end(run)
                log.warning("the planner was ended after %.0f s: the plan in force stays", took_s)
            return
        self._run = None
        last = _last_line(run.errors)
        if code == 0:
            log.info("%s: %s", self.done, run.why)
        else:
            log.warning(
                "the planner failed with exit code %d, the plan in force stays: %s", code, last
            )

    def _end(self, run: PlanningProcess) -> None:
        self._run = None
        run.process.terminate()
        try:
            run.process.wait(END_S)
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait()
        run.errors.close()


def _memory_file() -> IO[bytes]:
    """A file in memory for the output of a process: a service may have no writable folder."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("planner"), "w+b")
    return tempfile.TemporaryFile()


def _last_line(errors: IO[bytes]) -> str:
    """Last line of a run's output; the file is closed."""
    with errors:
        errors.seek(0, os.SEEK_END)
        errors.seek(max(0, errors.tell() - 2_000))
        lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"
