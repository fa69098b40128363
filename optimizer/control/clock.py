"""Time as a port: the loop asks it, tests and the simulation set it."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


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

    def stop(self) -> None:
        """Ask the loop to end; safe in a signal's context."""
        self._stop.set()
