"""Coming near a FEMS: reading it, and asking it before anything may be written.

Nothing is written to a FEMS that would hold it for ever, or that is another one than before; and a
FEMS that refuses the password is left alone for a minute.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from optimizer.control.grip import AFTER_REFUSAL_S
from optimizer.control.timekeeping import Clocks
from optimizer.control.watchdog import safe_interval_s
from optimizer.errors import (
    DataError,
    LoginError,
    RefusedError,
    UnreachableError,
    UnsafeTimeoutError,
)
from optimizer.fems.identity import Identity
from optimizer.model.state import Reason, Snapshot

log = logging.getLogger(__name__)

ASK_AGAIN_S = 60.0
"""A stranger is looked at again after this: a FEMS that starts does not show all it has."""

GONE_S = 60.0
"""After so long without an answer it may be another FEMS that answers next; and what we wrote to
this one has ended by itself."""


class Seen(Protocol):
    """What is asked of a FEMS here."""

    @property
    def device_time(self) -> datetime | None:
        """The FEMS's clock at its last answer."""
        ...

    @property
    def origin(self) -> str:
        """Its address."""
        ...

    def timeout_s(self) -> int | None:
        """The time after which the FEMS drops what was written [s]; None if unknown."""
        ...

    def snapshot(self, at: datetime) -> Snapshot:
        """Read everything once."""
        ...

    def identity(self) -> Identity:
        """What tells this FEMS from another one."""
        ...


class Acquaintances(Protocol):
    """The FEMS that was written to before."""

    def known(self) -> Identity | None:
        """What is known of it; None before the first time."""
        ...

    def meet(self, identity: Identity, origin: str, at: datetime) -> None:
        """Note the first one."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """What came of looking."""

    snapshot: Snapshot | None
    doubt: Reason | None = None
    note: str = ""


@dataclass(slots=True)
class Approach:
    """Looks at one FEMS, and decides whether it may be written to at all."""

    fems: Seen
    acquaintances: Acquaintances | None = None
    """None takes any FEMS."""
    shadow: bool = False
    interval_s: float = 10.0
    may_write: bool = False
    """Whether it is known to be the right one."""
    _asked: bool = False
    """Whether it was asked since it last came back."""
    _answered_s: float = float("-inf")
    _refused_s: float = float("-inf")
    _refusal: str = ""
    _stranger_s: float = float("-inf")
    _strange: str = ""
    _told_unknown: bool = False

    def look(self, now: datetime, now_s: float) -> View:
        """Read it once.

        Raises
        ------
        UnsafeTimeoutError
            If it would hold a set-point for ever, and this is no shadow.
        """
        if now_s - self._refused_s < AFTER_REFUSAL_S:
            return View(None, Reason.REFUSED, self._refusal)
        try:
            snapshot = self.fems.snapshot(now)
            self._answered_s = now_s
            return self._checked(snapshot, now, now_s)
        except RefusedError as error:
            self._asked = False
            if isinstance(error, LoginError):
                self._refused_s, self._refusal = now_s, str(error)
            return View(None, Reason.REFUSED, str(error))
        except UnreachableError as error:
            self._asked = False
            if now_s - self._answered_s > GONE_S:
                self.may_write = False
            return View(None, Reason.UNREACHABLE, str(error))

    def clocks(self, now: datetime, now_s: float, view: View, *, synchronised: bool) -> Clocks:
        """What is known of time; the FEMS's own only just after it has answered."""
        told = None if view.snapshot is None else self.fems.device_time
        return Clocks(now, now_s, synchronised, None if told is None else told - now)

    def ask_again(self) -> None:
        """Ask for time-out and identity again in the next cycle."""
        self._asked = False

    def _checked(self, snapshot: Snapshot, now: datetime, now_s: float) -> View:
        """The reading, or why this FEMS may not be written to."""
        if not self._asked:
            self._ask_for_timeout()
            self._identify(now, now_s)
            self._asked = True
        elif self._strange and now_s - self._stranger_s >= ASK_AGAIN_S:
            self._identify(now, now_s)
        if self._strange:
            return View(snapshot, Reason.STRANGER, self._strange)
        return View(snapshot)

    def _identify(self, now: datetime, now_s: float) -> None:
        """Compare it with the FEMS that was written to before."""
        if self.acquaintances is None:
            self.may_write = True
            return
        seen = self.fems.identity()
        try:
            before = self.acquaintances.known()
        except DataError as error:
            before = None
            log.warning("%s", error)
        if before is None:
            self.acquaintances.meet(seen, self.fems.origin, now)
        difference = None if before is None else seen.differs_from(before)
        self.may_write, self._strange = difference is None, ""
        if difference is not None:
            self._stranger_s = now_s
            self._strange = f"{difference}; if it is yours: 'optimizer fems accept'"

    def _ask_for_timeout(self) -> None:
        """Never hold anything that the FEMS would not drop by itself; write often enough."""
        timeout_s = self.fems.timeout_s()
        if timeout_s is None and not self._told_unknown:
            self._told_unknown = True
            log.warning("the FEMS does not tell its time-out: make sure in its app that it is 60 s")
        try:
            interval_s = safe_interval_s(timeout_s, self.interval_s)
        except UnsafeTimeoutError as error:
            if not self.shadow:
                raise
            log.warning("%s", error)
            return
        if interval_s < self.interval_s:
            log.warning("written every %g s: the FEMS's time-out is %s s", interval_s, timeout_s)
            self.interval_s = interval_s
