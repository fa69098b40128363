"""Clock of the loop, and checks of the wall clock."""

import ctypes
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from optimizer.model.snapshot import Reason

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd when it has the time."""

UNSYNCHRONISED = 5
"""`adjtimex(2)`: TIME_ERROR, also where no daemon sets the clock."""


class Clock(Protocol):
    """Time as the loop uses it."""

    def now(self) -> datetime:
        """Wall-clock time, UTC: it says which step it is."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow: they say how long something took."""
        ...

    def wait(self, seconds: float) -> bool:
        """Let time pass; true if the loop shall end."""
        ...


class SystemClock:
    """The machine's own time; `stop` wakes a waiting loop."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Sleep, or wake up early when stopped."""
        return self._stop.wait(max(0.0, seconds))

    def synchronised(self) -> bool:
        """Return true if the network sets the machine's clock, by systemd or the kernel."""
        return SYNCHRONISED.exists() or _kernel_is_synchronised()

    def stop(self) -> None:
        """Ask the loop to end; safe in a signal's context."""
        self._stop.set()

    def stopped(self) -> bool:
        """True once the loop was asked to end."""
        return self._stop.is_set()


def _kernel_is_synchronised() -> bool:
    """Ask the kernel (chrony and ntpd tell it); nothing is changed by asking."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):  # another system than Linux
        return False
    return 0 <= state < UNSYNCHRONISED


AGREES = timedelta(seconds=60)
"""Two clocks this close prove each other right."""

SKEW = timedelta(seconds=120)
"""FEMS and computer so far apart: one of them is wrong, and nobody knows which."""

DRIFT = timedelta(seconds=30)
"""The wall clock may run away from the monotonic one by this, at once or little by little: more is
a clock that was set, or a computer that slept."""


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """Both clocks at the last cycle, and the trust in the wall clock."""

    now: datetime
    monotonic_s: float
    trusted: bool
    """True if the wall clock was proved, and has not run away since."""
    crept: timedelta = timedelta(0)
    """Its distance from the monotonic clock since it was last found to have jumped."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """All that is known of time at the start of a cycle."""

    now: datetime
    monotonic_s: float
    synchronised: bool = False
    """True if the computer says that its clock is set by the network."""
    ahead: timedelta | None = None
    """By how much the FEMS's clock is ahead of ours; None if it did not tell."""


def judge(clocks: Clocks, before: Timekeeping | None) -> tuple[Reason | None, Timekeeping]:
    """Judge the wall clock: why it cannot be trusted, and the state for the next cycle.

    A clock that was proved once stays trusted until it has run away from the monotonic one, in one
    step or in many, or contradicts the FEMS's; then it has to be proved again.
    """
    reason, crept = None, timedelta(0)
    trusted = before is not None and before.trusted
    if before is not None:
        passed = timedelta(seconds=clocks.monotonic_s - before.monotonic_s)
        step = clocks.now - before.now - passed
        crept = before.crept + step
        if abs(step) > DRIFT or abs(crept) > DRIFT:
            reason, trusted, crept = Reason.CLOCK_JUMPED, False, timedelta(0)
    if clocks.ahead is not None and abs(clocks.ahead) > SKEW:
        reason, trusted = Reason.CLOCK_SKEW, False
    elif clocks.synchronised or (clocks.ahead is not None and abs(clocks.ahead) <= AGREES):
        trusted = True
    if not trusted and reason is None:
        reason = Reason.CLOCK_UNSURE
    return reason, Timekeeping(clocks.now, clocks.monotonic_s, trusted, crept)
