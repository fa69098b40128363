"""Limit of the log: each kind of warning at most once an hour, in bounded memory.

A device or a network that flaps must not fill a disk, nor bury what matters. A kind is the place in
the program that logs, and the `kind` that it names there: `log.warning(..., extra={"kind": why})`.
What is no warning, and names no kind, passes.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

EVERY_S = 3_600.0
"""Shortest time between two messages of a kind [s]."""

MOST_KINDS = 256
"""Most kinds that are remembered; beyond them the one that was logged longest ago is forgotten."""


@dataclass(slots=True)
class _Said:
    at_s: float
    left_out: int = 0


@dataclass(slots=True, eq=False)
class HourlyFilter(logging.Filter):
    """A filter for a handler: passes the first message of each kind in an hour.

    The next one that passes says how many were left out before it.

    Examples
    --------
    >>> limit, now = HourlyFilter(lambda: now[0]), [0.0]
    >>> def said(seconds):
    ...     now[0] = seconds
    ...     record = logging.LogRecord("optimizer.control", 30, "f.py", 1, "gone", (), None)
    ...     return record.getMessage() if limit.filter(record) else None
    >>> [said(0), said(10), said(20), said(3_600)]
    ['gone', None, None, 'gone (and 2 times before, within the hour)']
    """

    monotonic: Callable[[], float] = time.monotonic
    _said: "OrderedDict[object, _Said]" = field(default_factory=OrderedDict)

    def filter(self, record: logging.LogRecord) -> bool:
        """True if the record is to be logged."""
        name = getattr(record, "kind", None)
        if name is None and record.levelno < logging.WARNING:
            return True
        kind = name, record.pathname, record.lineno
        now_s, before = self.monotonic(), self._said.get(kind)
        if before is not None and now_s - before.at_s < EVERY_S:
            before.left_out += 1
            return False
        if before is not None and before.left_out:
            note = f" (and {before.left_out} times before, within the hour)"
            record.msg, record.args = record.getMessage() + note, ()
        self._said[kind] = _Said(now_s)
        self._said.move_to_end(kind)
        if len(self._said) > MOST_KINDS:
            self._said.popitem(last=False)
        return True
