"""What we promise, as one check over what was read, decided, sent and held; pure.

A campaign tells the `Judge` of each cycle of an executor, with what only its world can know (what
was wrong in truth, what the FEMS held in truth), and is told which promise that cycle breaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.override import OverrideKind
from optimizer.model.plan import Plan, Step
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot

GRACE_S = 15.0
"""So long after its end a step may still be written [s]."""

BELIEVED_S = 120.0
"""Largest error of a clock that is believed [s]: further from the FEMS's nothing is held."""

GOOD_CYCLES = 3
"""Good cycles, the present one included, before anything is held."""

BACK_ON_GRID_S = 300.0
"""So long the house is back on the grid before anything is held [s]."""

LOST_IN_A_ROW = 3
"""So many lost POSTs do not flap control."""

YIELD_AFTER = 7
"""Cycles in which another program has put its value in the place of ours, until we give way."""

UNSAFE_CYCLES, UNSAFE_S = 2, 195.0
"""Cycles, after a reconnect, and seconds, without one, until an unsafe time-out is seen."""

LATE_CYCLES = 3
"""Cycles until a set-point is found that came into effect after we had given it up."""

LEAK_WH = 25.0
"""So much may go the wrong way between battery and grid in a quarter-hour [Wh]: a mean of 100 W."""

BIAS_W = 101.0
"""So far the distance that is kept from the legal limits may take a set-point out of its band."""

ROUNDED_W = 1.0
SECOND = timedelta(seconds=1)
QUARTER_S = 900


class Promise(StrEnum):
    """The promises by name."""

    LIMITS = "a set-point lies within what configuration, plan and device allow"
    STEP = "a step is written between its start and its end + 15 s"
    RELEASE = "in doubt nothing is held, and what is held is given back"
    REWRITE = "three lost writes do not let a set-point go"
    RECOVERY = "something is held after three good cycles, not before"
    RESTART = "a new executor gives everything back first"
    PLAN = "a valid plan is followed, whatever happens to the planner"
    SECRET = "no text tells a secret"
    RULE = "the legal rule is kept, by the meter"
    YIELD = "another program that writes gets the battery"
    FRESH = "a cycle writes its own wish, and once"
    ELSEWHERE = "nothing is sent to anybody but the FEMS"
    ENDS = "an executor that ends or dies leaves a free FEMS"
    PAUSE = "while the owner pauses control nothing is held or written"
    OVERRIDE = "an override of the owner's is obeyed"
    ALIVE = "the watchdog is fed by completed decisions alone"
    TIMEOUT = "a FEMS that would hold for ever, or too long, is let go and refused"
    SOUND = "nothing that befalls it is an error of the program"
    PLAIN = "no text of a FEMS breaks a line or reaches a terminal as it is"
    NAMED = "another writer is named once"


class Broken(NamedTuple):
    """A promise that was broken, when, and how."""

    promise: Promise
    at_s: float
    how: str


class Post(NamedTuple):
    """A write on its way."""

    at_s: float
    channel: str
    value: Any
    """None gives the channel back."""
    taken: bool
    """Whether it came into effect at once, as the FEMS knows."""


class Cycle(NamedTuple):
    """One cycle of an executor; times are true seconds, whatever clocks say."""

    begun_s: float
    utc: datetime
    """True time at the beginning."""
    first: bool
    """Of this executor."""
    doubt: str
    """What was wrong with reading or clock, as the world knows; "" for nothing."""
    snapshot: Snapshot | None
    plan: Plan | None
    """The newest valid plan for this battery."""
    decision: Decision
    posts: Sequence[Post]
    held: frozenset[str]
    """Channels on which the FEMS held something of ours at the beginning."""
    overwritten: bool = False
    """Whether another program has put its value in the place of ours since the last cycle."""
    timed_out: bool = False
    """Whether the FEMS's time-out has dropped something of ours since the last cycle."""
    texts: str = ""
    """Log lines and notes."""
    paused: bool = False
    """True while the owner pauses control."""
    clock_error_s: float = 0.0
    """By how much the computer's clock is wrong in truth; as far as it is believed a step may begin
    and end so much earlier or later."""
    unsafe_s: float | None = None
    """Seconds since the FEMS's time-out has become unsafe; None while it is safe."""
    reconnected: bool = False
    """True if the connection has ended, and another one was opened, since it became unsafe."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the promises are measured by."""

    battery: Battery
    grid: Grid
    follow: str = "value"
    secrets: tuple[str, ...] = ()


class Judge:
    """Looks at the cycles of executors that follow each other on one FEMS."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._good = 0
        self._lost = 0
        self._late = 0
        self._overwritten = self._unsafe = 0
        self._off_grid_s: float | None = None
        self._held = False
        self._cleared: set[str] = set()
        self._wrote = False
        self._read: tuple[float, int] | None = None
        self._leak_wh = 0.0

    def poll(self, cycle: Cycle) -> Broken | None:
        """The first promise that this cycle breaks."""
        self._remember(cycle)
        wrong = (
            _held_in_pause(cycle)
            or self._wrong_posts(cycle)
            or self._wrong_release(cycle)
            or self._wrong_plan(cycle)
            or self._flapped(cycle)
            or self._not_yielded(cycle)
            or self._reported(cycle)
            or self._unsafely_held(cycle)
            or (self._wrong_set_point(cycle) if cycle.decision.setpoint_w is not None else None)
        )
        self._held = cycle.decision.setpoint_w is not None
        return None if wrong is None else Broken(wrong[0], cycle.begun_s, wrong[1])

    def _remember(self, cycle: Cycle) -> None:
        self._good = 0 if cycle.doubt else 1 if cycle.first else self._good + 1
        if cycle.first:
            self._lost, self._held, self._off_grid_s = 0, False, None
        seen = cycle.snapshot
        if seen is not None and seen.grid_mode not in (None, 1):
            self._off_grid_s = cycle.begun_s
        self._meter(cycle)

    def _meter(self, cycle: Cycle) -> None:
        """Count what went the wrong way by the readings, while something was held."""
        seen, quarter = cycle.snapshot, int(cycle.utc.timestamp()) // QUARTER_S
        before, self._read = self._read, (cycle.begun_s, quarter)
        if before is None or before[1] != quarter or cycle.first:
            self._leak_wh = 0.0
        if cycle.doubt or seen is None or before is None or not self._held:
            return
        battery, grid = _battery_w(seen, self.terms.battery), seen.grid_w or 0.0
        rule, wrong_w = self.terms.grid.rule, 0.0
        if not rule.grid_charging:
            # what goes into the battery of a hybrid straight from its own roof is not bought
            wrong_w = max(wrong_w, min(grid, -(seen.ess_w or 0.0)))
        if not rule.battery_export:
            wrong_w = max(wrong_w, min(-grid, battery))
        self._leak_wh += wrong_w * (cycle.begun_s - before[0]) / 3600

    def _wrong_posts(self, cycle: Cycle) -> tuple[Promise, str] | None:
        if cycle.first:
            self._cleared, self._wrote = set(), False
        for post in cycle.posts:
            if post.value is None and post.taken:
                self._cleared.add(post.channel)
            elif post.value is not None and not self._wrote:
                self._wrote = True
                if len(self._cleared) < len(Channel):
                    return Promise.RESTART, f"only {sorted(self._cleared)} were given back before"
        return _wrong_values(cycle.decision, [p for p in cycle.posts if p.value is not None])

    def _wrong_release(self, cycle: Cycle) -> tuple[Promise, str] | None:
        requested = cycle.decision.setpoint_w
        if cycle.doubt and requested is not None:
            return Promise.RELEASE, f"{requested} W held: {cycle.doubt}"
        if requested is not None and self._good < GOOD_CYCLES:
            return Promise.RECOVERY, f"held after {self._good} good cycles"
        off_s = self._off_grid_s
        if requested is not None and off_s is not None and cycle.begun_s - off_s < BACK_ON_GRID_S:
            return Promise.RECOVERY, f"held {cycle.begun_s - off_s:.0f} s after an outage"
        given_back = {post.channel for post in cycle.posts if post.value is None}
        kept = set() if requested is None else {cycle.decision.channel}
        forgotten = cycle.held - given_back - kept
        # a null would clear another program's value; what of ours comes late there ends by itself
        yielded = cycle.decision.reason is Reason.YIELDED
        if cycle.snapshot is None or yielded:
            forgotten = frozenset()
        self._late = self._late + 1 if forgotten else 0
        known = self._held and requested is None
        if forgotten and (known or self._late > LATE_CYCLES):
            return Promise.RELEASE, f"{', '.join(sorted(forgotten))} is not given back"
        return None

    def _wrong_plan(self, cycle: Cycle) -> tuple[Promise, str] | None:
        decision, step = cycle.decision, _step_at(cycle.plan, cycle.utc)
        if decision.setpoint_w is None:
            missed = decision.reason.name in ("NO_PLAN", "NO_STEP", "FOREIGN_PLAN")
            near = step is not None and _inside(step, cycle.utc, _margin(cycle))
            if missed and near and not cycle.doubt:
                return Promise.PLAN, f"{decision.reason.name}, although there is a plan"
            return None
        if cycle.plan is None:
            return Promise.STEP, "held without a valid plan"
        for post in cycle.posts:
            at = cycle.utc + timedelta(seconds=post.at_s - cycle.begun_s)
            covered = _covered(cycle.plan, decision.step, at, _margin(cycle))
            if post.value is not None and not covered:
                return Promise.STEP, f"the step of {decision.step} is written at {at}"
        return None

    def _flapped(self, cycle: Cycle) -> tuple[Promise, str] | None:
        going_on = self._held and not cycle.doubt and not cycle.first
        if cycle.timed_out and going_on and self._lost <= LOST_IN_A_ROW:
            return Promise.REWRITE, f"let go after {self._lost} lost writes"
        if cycle.posts:
            self._lost = 0 if cycle.posts[-1].taken else self._lost + 1
        return None

    def _not_yielded(self, cycle: Cycle) -> tuple[Promise, str] | None:
        if not cycle.overwritten:
            self._overwritten = 0
        elif cycle.decision.setpoint_w is not None:
            self._overwritten += 1
        if self._overwritten > YIELD_AFTER:
            return Promise.YIELD, f"{self._overwritten} times another program wrote over ours"
        return None

    def _reported(self, cycle: Cycle) -> tuple[Promise, str] | None:
        reported = [secret for secret in self.terms.secrets if secret in cycle.texts]
        if reported:
            return Promise.SECRET, f"{reported[0][:3]}... is told"
        if not cycle.texts.replace("\n", "").isprintable():
            return Promise.PLAIN, f"{cycle.texts!r}"
        if cycle.decision.reason is Reason.INTERNAL_ERROR:
            return Promise.SOUND, f"an error of the program: {cycle.texts}"
        return None

    def _unsafely_held(self, cycle: Cycle) -> tuple[Promise, str] | None:
        """A set-point that is held on although nothing would end it without us."""
        if cycle.unsafe_s is None or cycle.decision.setpoint_w is None:
            self._unsafe = 0
            return None
        self._unsafe += cycle.reconnected
        if self._unsafe > UNSAFE_CYCLES or cycle.unsafe_s > UNSAFE_S:
            return Promise.TIMEOUT, f"held {cycle.unsafe_s:.0f} s after its time-out was unsafe"
        return None

    def _wrong_set_point(self, cycle: Cycle) -> tuple[Promise, str] | None:
        seen, requested = cycle.snapshot, cycle.decision.setpoint_w
        battery, grid = self.terms.battery, self.terms.grid
        if seen is None or requested is None:
            return Promise.RELEASE, "held without a reading"
        known = (seen.soc_percent, seen.grid_w, seen.ess_w, seen.allowed_charge_w)
        if None in known or seen.allowed_discharge_w is None:
            return Promise.RELEASE, "held on an unknown reading"
        dc_pv_w = seen.ess_w - _battery_w(seen, battery)
        battery_w = requested - dc_pv_w
        lowest = max(-battery.max_charge_w, seen.allowed_charge_w)
        highest = min(battery.max_discharge_w, seen.allowed_discharge_w - dc_pv_w)
        if battery.hybrid:
            lowest = max(lowest, -battery.max_ac_w - dc_pv_w)
            highest = min(highest, battery.max_ac_w - dc_pv_w)
        if requested > seen.allowed_discharge_w + ROUNDED_W:
            return Promise.LIMITS, f"{requested} W, allowed {seen.allowed_discharge_w:.0f} W"
        if not min(lowest, 0) - ROUNDED_W <= battery_w <= max(highest, 0) + ROUNDED_W:
            return Promise.LIMITS, f"battery {battery_w:.0f} W, allowed {lowest} to {highest}"
        need_w = seen.ess_w + seen.grid_w - dc_pv_w
        # a bound lets the FEMS balance the house on its free side
        forced_w = battery_w
        if cycle.decision.channel is Channel.LESS_OR_EQUALS:
            forced_w = min(need_w, battery_w)
        elif cycle.decision.channel is Channel.GREATER_OR_EQUALS:
            forced_w = max(need_w, battery_w)
        return (
            self._beyond_connection(cycle, forced_w, need_w - forced_w)
            or self._against_override(cycle, battery_w, need_w)
            or self._beyond_band(cycle, battery_w, need_w)
            or _against_rule(grid, forced_w, need_w - forced_w, dc_pv_w)
            or self._leaked()
        )

    def _beyond_connection(
        self, cycle: Cycle, battery_w: float, grid_w: float
    ) -> tuple[Promise, str] | None:
        limits = self.terms.grid.limits(cycle.utc, cycle.utc + SECOND)
        if battery_w < 0 and grid_w > limits.buy_w + ROUNDED_W:
            return Promise.LIMITS, f"charging with {grid_w:.0f} W from the grid"
        if battery_w > 0 and -grid_w > limits.sell_w + ROUNDED_W:
            return Promise.LIMITS, f"discharging with {-grid_w:.0f} W into the grid"
        return None

    def _against_override(
        self, cycle: Cycle, battery_w: float, need_w: float
    ) -> tuple[Promise, str] | None:
        """Held although an override leaves it to the FEMS, or discharged although it keeps."""
        order = None if cycle.plan is None else cycle.plan.override
        if order is None or cycle.utc >= order.until - _margin(cycle):
            return None
        limits = self.terms.grid.limits(cycle.utc, cycle.utc + SECOND)
        relief_w = max(0.0, need_w - limits.buy_w)  # the fuse comes before it
        if order.kind is OverrideKind.HOLD and battery_w > relief_w + BIAS_W:
            return Promise.OVERRIDE, f"{battery_w:.0f} W discharged under 'hold'"
        # a full battery that the owner wants less full stands still, or takes what nobody may sell
        unsold_w = min(0.0, need_w + limits.sell_w)
        left = unsold_w - BIAS_W <= battery_w <= relief_w + BIAS_W
        if order.kind is OverrideKind.SELF_CONSUMPTION and not left:
            return Promise.OVERRIDE, f"{battery_w:.0f} W held under 'self-consumption'"
        return None

    def _beyond_band(
        self, cycle: Cycle, battery_w: float, need_w: float
    ) -> tuple[Promise, str] | None:
        """Outside the plan's own band, where that is what is followed."""
        step = _step_at(cycle.plan, cycle.utc)
        if self.terms.follow == "value" or step is None or cycle.decision.step != step.start:
            return None
        low, high = step.lowest_w, step.highest_w
        if self.terms.follow == "power":
            low = high = step.battery_w
        order = None if cycle.plan is None else cycle.plan.override
        if order is not None and cycle.utc >= order.until + _margin(cycle):
            order = None  # it is over
        if order is not None and order.kind is OverrideKind.CHARGE and order.at_once:
            low = min(low, -(order.power_w or self.terms.battery.max_charge_w))
        if order is not None and order.kind is not OverrideKind.AWAY:  # and what the roof spares
            low = min(low, need_w)
        # what is reached is kept, and fuse and feed-in limit come before the plan
        low, high = min(low, 0.0), max(high, 0.0)
        limits = self.terms.grid.limits(cycle.utc, cycle.utc + SECOND)
        high = max(high, need_w - limits.buy_w + BIAS_W)
        low = min(low, need_w + limits.sell_w)
        if not low - BIAS_W <= battery_w <= high + BIAS_W:
            return Promise.LIMITS, f"battery {battery_w:.0f} W, planned {low:.0f} to {high:.0f}"
        return None

    def _leaked(self) -> tuple[Promise, str] | None:
        if self._leak_wh > LEAK_WH + ROUNDED_W:
            return Promise.RULE, f"{self._leak_wh:.0f} Wh went the wrong way, and it is held on"
        return None


def _held_in_pause(cycle: Cycle) -> tuple[Promise, str] | None:
    wrote = any(post.value is not None for post in cycle.posts)
    if cycle.paused and (wrote or cycle.decision.setpoint_w is not None):
        return Promise.PAUSE, f"{cycle.decision.setpoint_w} W held in a pause"
    return None


def _wrong_values(decision: Decision, values: Sequence[Post]) -> tuple[Promise, str] | None:
    """More than the one value that was decided; one that was refused is held no longer."""
    if len(values) > 1:
        return Promise.FRESH, f"{len(values)} values in one cycle"
    for post in values:
        if type(post.value) is not int:
            return Promise.LIMITS, f"{post.value!r} is no whole number"
        if decision.reason is Reason.REFUSED and not post.taken:
            continue
        if (post.channel, post.value) != (decision.channel, decision.setpoint_w):
            return Promise.FRESH, f"{post.value} sent, {decision.setpoint_w} decided"
    return None


def held_too_long(
    last_post_s: float | None, free_s: float | None, now_s: float, timeout_s: float
) -> Broken | None:
    """Whether a FEMS was held longer after the last write than its time-out and a second.

    Parameters
    ----------
    last_post_s
        When the executor last wrote; None if it never did.
    free_s
        When the FEMS was on its own; None if it is not yet.
    """
    if last_post_s is None:
        return None
    held_s = (now_s if free_s is None else free_s) - last_post_s
    if held_s > timeout_s + 1:
        return Broken(Promise.ENDS, now_s, f"held for {held_s:.1f} s after the last write")
    return None


def _battery_w(seen: Snapshot, battery: Battery) -> float:
    """The battery's own power [W]; on hybrids the inverter's contains the roof."""
    ess_w = seen.ess_w or 0.0
    if not battery.hybrid or seen.battery_w is None:
        return ess_w
    return min(ess_w, seen.battery_w)


def _against_rule(
    grid: Grid, battery_w: float, grid_w: float, dc_pv_w: float
) -> tuple[Promise, str] | None:
    """A set-point that asks for what the law forbids, by the reading that it was made from."""
    bought_w = min(grid_w, -battery_w - dc_pv_w)
    if not grid.rule.grid_charging and bought_w > ROUNDED_W:
        return Promise.RULE, f"{bought_w:.0f} W from the grid into the battery"
    if not grid.rule.battery_export and min(-grid_w, battery_w) > ROUNDED_W:
        return Promise.RULE, f"{min(-grid_w, battery_w):.0f} W from the battery into the grid"
    return None


def _step_at(plan: Plan | None, at: datetime) -> Step | None:
    """The plan's step for a moment, found in its own way."""
    found = [s for s in plan.steps if s.start <= at < s.end] if plan is not None else []
    return found[0] if found else None


def _margin(cycle: Cycle) -> timedelta:
    """Grace at the ends of a step: a cycle, and the error of a clock that is believed."""
    return timedelta(seconds=GRACE_S + min(abs(cycle.clock_error_s), BELIEVED_S))


def _inside(step: Step, at: datetime, margin: timedelta) -> bool:
    """Whether a moment is so far inside a step that no small error of a clock matters."""
    return step.start + margin <= at < step.end - margin


def _covered(plan: Plan, start: datetime | None, at: datetime, margin: timedelta) -> bool:
    """Whether the step that was followed may be written at a moment."""
    return any(s.start == start and s.start - margin <= at < s.end + margin for s in plan.steps)
