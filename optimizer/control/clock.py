"""Time as a port: the loop asks it, tests and the simulation set it."""

import ctypes
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd when it has the time."""

UNSYNCHRONISED = 5
"""`adjtimex(2)`: TIME_ERROR, also where no daemon sets the clock."""


class Clock(Protocol):
    """What the loop needs to know of time."""

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
        """Whether the network sets the machine's clock, as systemd or the kernel say."""
        return SYNCHRONISED.exists() or _kernel_is_synchronised()

    def stop(self) -> None:
        """Ask the loop to end; safe in a signal's context."""
        self._stop.set()


def _kernel_is_synchronised() -> bool:
    """Ask the kernel (chrony and ntpd tell it); nothing is changed by asking."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):  # another system than Linux
        return False
    return 0 <= state < UNSYNCHRONISED
