"""A cycle's choice, pure: everything that is known goes in, what to hold comes out.

`decide` is the law of steady moments. Around it stand the doubts that have nothing to do with the
plan: no reading, an unsure clock, another writer, another FEMS. The loop only reads before and
acts afterwards, so what it may do can be tried in a million moments without it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from optimizer.control.clock import Clocks, Timekeeping, judge
from optimizer.control.input_checks import BACK_ON_GRID, MAX_AGE, ReadingHistory
from optimizer.control.law import ControlSettings, ControlState, decide
from optimizer.model.plan import Plan
from optimizer.model.snapshot import ORDERED, Decision, Reason, Snapshot

GRACE = timedelta(seconds=15)
"""A step may be written so long after its end: a cycle and its exchanges."""


@dataclass(frozen=True, slots=True)
class ControlInput:
    """Everything that a cycle knows before it chooses."""

    clocks: Clocks
    plan: Plan | None
    snapshot: Snapshot | None
    """None if there is no reading; then `doubt` says why."""
    doubt: Reason | None = None
    """Why nothing may be held whatever the reading says; None if nothing is known against it."""
    note: str = ""
    """The doubt's particulars, for the owner."""


def choose(
    control_input: ControlInput, memory: ControlState, settings: ControlSettings
) -> tuple[Decision, ControlState]:
    """Choose what to hold from now on, and what the next cycle shall know.

    Examples
    --------
    >>> from datetime import UTC
    >>> from optimizer.model.battery import Battery
    >>> from optimizer.model.grid import Grid
    >>> clocks = Clocks(datetime(2026, 1, 14, tzinfo=UTC), 0.0, synchronised=True)
    >>> control_input = ControlInput(clocks, None, None, Reason.UNREACHABLE)
    >>> settings = ControlSettings(Battery(capacity_wh=10_000), Grid())
    >>> choose(control_input, ControlState(), settings)[0].sentence
    'nothing is held: the FEMS does not answer'
    """
    now = control_input.clocks.now
    untimely, clocks = judge(control_input.clocks, memory.clocks)
    past = memory.past if untimely is None else _outage_kept(memory.past, memory.clocks, now)
    memory = replace(memory, clocks=clocks, past=past)
    if control_input.snapshot is None:
        reason = control_input.doubt or Reason.UNREACHABLE
        return Decision(now, None, reason, note=control_input.note), memory.doubtful()
    if untimely is Reason.CLOCK_JUMPED:
        # what was remembered by the old time says nothing
        past = ReadingHistory(off_grid_at=memory.past.off_grid_at)
        memory = ControlState(clocks=clocks, quarter=memory.quarter, past=past)
    decision, memory = decide(now, control_input.plan, control_input.snapshot, memory, settings)
    if untimely is not None:
        reason, note = untimely, _particulars(control_input.clocks)
        if control_input.doubt in ORDERED:  # the owner's order comes first
            reason, note = control_input.doubt, control_input.note
        return Decision(now, None, reason, note=note), memory.doubtful()
    if control_input.doubt is not None:
        decision = Decision(
            now,
            None,
            control_input.doubt,
            step=decision.step,
            until=decision.until,
            note=control_input.note,
        )
        memory = replace(memory, held_w=None)
    return decision, memory


def _outage_kept(
    past: ReadingHistory, earlier: Timekeeping | None, now: datetime
) -> ReadingHistory:
    """Wait anew after an outage whose moment is no longer known, for the clock is wrong."""
    off_at = past.off_grid_at
    if earlier is None or off_at is None or abs(earlier.now - off_at) >= BACK_ON_GRID:
        return past
    return replace(past, off_grid_at=now)


def _particulars(clocks: Clocks) -> str:
    """Readings of the clocks in words, for the owner."""
    if clocks.ahead is None:
        return "the FEMS tells no time, and this computer's clock is not set by the network"
    seconds = clocks.ahead.total_seconds()
    side = "ahead of" if seconds > 0 else "behind"
    return f"the FEMS's clock is {abs(seconds):.0f} s {side} this computer's"


def still_true(decision: Decision, now: datetime, waited_s: float) -> bool:
    """Return true if a decision may still be written: time passes between choosing and writing.

    A computer that slept, or was stopped, in between must not write what was true before.

    Parameters
    ----------
    now
        Wall-clock time right before writing (UTC).
    waited_s
        Time since the decision by the monotonic clock [s].
    """
    if not 0 <= waited_s <= MAX_AGE.total_seconds() or abs(now - decision.at) > MAX_AGE:
        return False
    return decision.until is None or now <= decision.until + GRACE
