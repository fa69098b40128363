"""Waiting for an event, never for a duration: one bound, far above what any event needs.

A duration that is promised is measured by `Stopwatch`, which leaves out the time in which the
processes concerned waited for a processor: a machine under load fails no promise.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 90.0
"""Longest wait for an event of a test [s]; only a fault lasts so long."""


def wait_for(
    what: Callable[[], object], seconds: float = PATIENCE_S,
    why: Callable[[], object] = lambda: "waited too long",
) -> float:  # fmt: skip
    """Wait until something is true; gives the seconds that it took.

    `why` is asked where it never comes true.
    """
    begun_s = time.monotonic()
    while not what():
        assert time.monotonic() - begun_s < seconds, why()
        time.sleep(0.02)
    return time.monotonic() - begun_s


def within_one_quarter(ask: Callable[[], T]) -> T:
    """What is asked for within one quarter-hour: once more if one has ended meanwhile."""
    while True:
        quarter = time.time() // 900
        answer = ask()
        if time.time() // 900 == quarter:
            return answer


class Stopwatch:
    """Seconds that pass, without those in which this process or others waited for a processor.

    Linux counts the waiting of each thread (`schedstat`); where it does not, nothing is left out.
    Threads that wait at the same time are each counted: in doubt less is measured.
    """

    def __init__(self, *processes: int) -> None:
        self._processes = (os.getpid(), *processes)
        self._before = self._waited_ns()
        self._last = dict(self._before)
        self._begun_s = time.monotonic()

    def _waited_ns(self) -> dict[tuple[int, str], int]:
        """Nanoseconds that each thread has waited."""
        found = {}
        for process in self._processes:
            for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
                try:
                    found[process, path.parent.name] = int(path.read_text().split()[1])
                except (OSError, IndexError):  # it has ended, or nothing is counted here
                    continue
        return found

    def waited_s(self) -> float:
        """Seconds in which a processor was waited for since the start."""
        self._last |= self._waited_ns()  # threads that have ended count as they were seen last
        return sum(ns - self._before.get(thread, 0) for thread, ns in self._last.items()) / 1e9

    def passed_s(self) -> float:
        """All seconds since the start."""
        return time.monotonic() - self._begun_s

    def seconds(self) -> float:
        """Seconds since the start in which no processor was waited for."""
        return max(0.0, self.passed_s() - self.waited_s())

    def within(self, what: Callable[[], object], seconds: float) -> bool:
        """Wait until something is true; false if so many seconds since the start do not do.

        However long a processor was waited for, it ends `PATIENCE_S` later.
        """
        while not what():
            if self.seconds() >= seconds or self.passed_s() >= seconds + PATIENCE_S:
                return False
            time.sleep(0.02)
        return True

    def until(self, what: Callable[[], object]) -> float:
        """Wait until something is true; gives the seconds since the start."""
        assert self.within(what, PATIENCE_S), "waited too long"
        return self.seconds()
