"""Whether the wall clock can be trusted, pure: a step is chosen by it, so it has to be right."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from optimizer.model.state import Reason

AGREES = timedelta(seconds=60)
"""Two clocks this close prove each other right."""

SKEW = timedelta(seconds=120)
"""FEMS and computer so far apart: one of them is wrong, and nobody knows which."""

DRIFT = timedelta(seconds=30)
"""The wall clock may run away from the monotonic one by this between two cycles: more is a clock
that was set, or a computer that slept."""


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """Both clocks at the last cycle, and whether the wall clock had been proved."""

    now: datetime
    monotonic_s: float
    trusted: bool


@dataclass(frozen=True, slots=True)
class Clocks:
    """All that is known of time at the start of a cycle."""

    now: datetime
    monotonic_s: float
    synchronised: bool = False
    """Whether the computer says that its clock is set by the network."""
    ahead: timedelta | None = None
    """By how much the FEMS's clock is ahead of ours; None if it did not tell."""


def judge(clocks: Clocks, before: Timekeeping | None) -> tuple[Reason | None, Timekeeping]:
    """Why the time cannot be trusted, None if it can; and what the next cycle shall know.

    A clock that was proved once stays trusted until it jumps or contradicts the FEMS's.
    """
    reason = None
    trusted = before is not None and before.trusted
    if before is not None:
        passed = timedelta(seconds=clocks.monotonic_s - before.monotonic_s)
        if abs(clocks.now - before.now - passed) > DRIFT:
            reason, trusted = Reason.CLOCK_JUMPED, False
    if clocks.ahead is not None and abs(clocks.ahead) > SKEW:
        reason, trusted = Reason.CLOCK_SKEW, False
    elif clocks.synchronised or (clocks.ahead is not None and abs(clocks.ahead) <= AGREES):
        trusted = True
    if not trusted and reason is None:
        reason = Reason.CLOCK_UNSURE
    return reason, Timekeeping(clocks.now, clocks.monotonic_s, trusted)
