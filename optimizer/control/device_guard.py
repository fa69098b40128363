"""Guard of the device: checks before, and while, a FEMS is written to.

Nothing is written to a FEMS that would hold it for ever, or that is another one than before; and a
FEMS that refuses the password is read once a minute.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from optimizer.control.clock import Clocks
from optimizer.control.setpoint_writer import AFTER_REFUSAL_S, LONGEST_HOLD_S
from optimizer.errors import (
    DataError,
    LoginError,
    RefusedError,
    UnreachableError,
    UnsafeTimeoutError,
)
from optimizer.fems.identity import Identity
from optimizer.model.snapshot import Reason, Snapshot

log = logging.getLogger(__name__)

WRITES_A_TIMEOUT = 5
"""Writes of a set-point within the time-out: three in a row may be lost, with time to spare for the
next."""

TIMEOUT_EVERY_S = 180.0
"""Interval of asking for the time-out where nothing gives reason to ask earlier [s]."""

TIMEOUT_IN_DOUBT_S = 15.0
"""The same while set-points are not applied as written [s]: every second cycle."""

ASK_AGAIN_S = 60.0
"""Interval of asking a stranger for its identity [s]: a FEMS that starts does not show all it
has."""

GONE_S = 60.0
"""After so long without an answer it may be another FEMS that answers next; and what was written to
this one has ended by itself [s]."""


def safe_interval_s(timeout_s: int | None, interval_s: float) -> float:
    """Interval of writing [s], at most a fifth of the time-out; an unknown one changes nothing.

    Raises
    ------
    UnsafeTimeoutError
        If the FEMS would hold a set-point for ever, or for longer than 300 s.

    Examples
    --------
    >>> safe_interval_s(60, 10), safe_interval_s(15, 10), safe_interval_s(None, 10)
    (10, 3.0, 10)
    """
    if timeout_s is None:
        return interval_s
    if not 0 < timeout_s <= LONGEST_HOLD_S:
        effect = (
            "never lets a set-point go"
            if timeout_s <= 0
            else f"holds a set-point for {timeout_s} s after its program has died"
        )
        raise UnsafeTimeoutError(
            f"The FEMS {effect}: set the time-out of its app REST/JSON Write Access to 60 s."
        )
    return min(interval_s, timeout_s / WRITES_A_TIMEOUT)


class ReadableFems(Protocol):
    """Read access to a FEMS."""

    @property
    def connections(self) -> int:
        """Number of connections that were opened to it so far."""
        ...

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
        """Read the components and serial numbers that tell this FEMS from another one."""
        ...


class DeviceMemory(Protocol):
    """The FEMS that was written to before."""

    def known(self) -> Identity | None:
        """Its identity; None before the first time."""
        ...

    def remember(self, identity: Identity, origin: str, at: datetime) -> None:
        """Note the first one."""
        ...


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """A reading, or why nothing may be held."""

    snapshot: Snapshot | None
    doubt: Reason | None = None
    note: str = ""


@dataclass(slots=True)
class DeviceGuard:
    """Reads one FEMS, and decides whether it may be written to at all."""

    fems: ReadableFems
    device_memory: DeviceMemory | None = None
    """None takes any FEMS."""
    shadow: bool = False
    interval_s: float = 10.0
    """Interval of writing that is wished for [s]."""
    may_write: bool = False
    """True once it is known to be the right one."""
    timeout_s: int | None = None
    """Its time-out as it said last [s]; None is unknown."""
    in_doubt: bool = False
    """True while set-points are not applied as written: its time-out may have changed."""
    _identified: bool = False
    """True once it was asked since it last came back."""
    _timeout_s_at: float = float("-inf")
    """Time when it was last asked for its time-out [s, monotonic]."""
    _connections: int = -1
    """Connections opened to it until then: the app restarts when its time-out is changed, and a
    client that reconnects in silence does not see it otherwise."""
    _answered_s: float = float("-inf")
    _refused_s: float = float("-inf")
    _refusal: str = ""
    _stranger_s: float = float("-inf")
    _strange: str = ""
    _warned_of: object = ()
    """The time-out that the owner was warned of last."""

    @property
    def write_interval_s(self) -> float:
        """Interval of writing [s], at most a fifth of the time-out."""
        try:
            return safe_interval_s(self.timeout_s, self.interval_s)
        except UnsafeTimeoutError:  # a shadow goes on
            return self.interval_s

    @property
    def answered(self) -> bool:
        """True once it was read."""
        return self._answered_s > float("-inf")

    def poll(self, now: datetime, now_s: float) -> GuardVerdict:
        """Read it once.

        Raises
        ------
        UnsafeTimeoutError
            If it would hold a set-point for ever, and this is no shadow.
        """
        if now_s - self._refused_s < AFTER_REFUSAL_S:
            return GuardVerdict(None, Reason.REFUSED, self._refusal)
        try:
            snapshot = self.fems.snapshot(now)
            self._answered_s = now_s
            return self._checked(snapshot, now, now_s)
        except RefusedError as error:
            self._identified = False
            if isinstance(error, LoginError):
                self._refused_s, self._refusal = now_s, str(error)
            return GuardVerdict(None, Reason.REFUSED, str(error))
        except UnreachableError as error:
            self._identified = False
            if now_s - self._answered_s > GONE_S:
                self.may_write = False
            return GuardVerdict(None, Reason.UNREACHABLE, str(error))

    def clocks(
        self, now: datetime, now_s: float, view: GuardVerdict, *, synchronised: bool
    ) -> Clocks:
        """Both clocks; the FEMS's own only just after it has answered."""
        reported = None if view.snapshot is None else self.fems.device_time
        return Clocks(now, now_s, synchronised, None if reported is None else reported - now)

    def ask_again(self) -> None:
        """Ask for time-out and identity again in the next cycle."""
        self._identified = False

    def _checked(self, snapshot: Snapshot, now: datetime, now_s: float) -> GuardVerdict:
        """The reading, or why this FEMS may not be written to."""
        came_back = not self._identified
        if came_back or (self._strange and now_s - self._stranger_s >= ASK_AGAIN_S):
            self._identify(now, now_s)
        if came_back or self._timeout_is_due(now_s):
            self._ask_for_timeout(now_s)
        self._identified = True
        if self._strange:
            return GuardVerdict(snapshot, Reason.STRANGER, self._strange)
        return GuardVerdict(snapshot)

    def _identify(self, now: datetime, now_s: float) -> None:
        """Compare it with the FEMS that was written to before."""
        if self.device_memory is None:
            self.may_write = True
            return
        seen = self.fems.identity()
        try:
            before = self.device_memory.known()
        except DataError as error:
            before = None
            log.warning("%s", error)
        if before is None:
            self.device_memory.remember(seen, self.fems.origin, now)
        difference = None if before is None else seen.differs_from(before)
        self.may_write, self._strange = difference is None, ""
        if difference is not None:
            self._stranger_s = now_s
            self._strange = f"{difference}; if it is yours: 'optimizer fems accept'"

    def _timeout_is_due(self, now_s: float) -> bool:
        """True after a reconnect, every few minutes, and sooner while set-points have no effect."""
        every_s = TIMEOUT_IN_DOUBT_S if self.in_doubt else TIMEOUT_EVERY_S
        reconnected = self.fems.connections != self._connections
        return reconnected or now_s - self._timeout_s_at >= every_s

    def _ask_for_timeout(self, now_s: float) -> None:
        """Never hold anything that the FEMS would not drop by itself; write often enough."""
        timeout_s, before_s = self.fems.timeout_s(), self.timeout_s
        self._timeout_s_at, self._connections = now_s, self.fems.connections
        self.timeout_s = before_s if timeout_s is None else timeout_s
        if self.timeout_s is None:
            self._warn("the FEMS does not tell its time-out: make sure in its app that it is 60 s")
            return
        try:
            safe_interval_s(self.timeout_s, self.interval_s)
        except UnsafeTimeoutError as error:
            if not self.shadow:
                raise
            self._warn(str(error))
            return
        interval_s = self.write_interval_s
        if interval_s < self.interval_s:
            self._warn(f"written every {interval_s:g} s: the FEMS's time-out is {self.timeout_s} s")
        elif before_s not in (None, self.timeout_s):
            log.info("the FEMS's time-out is %d s now, it was %d s", self.timeout_s, before_s)

    def _warn(self, sentence: str) -> None:
        """Warn once of each time-out."""
        if self._warned_of != self.timeout_s:
            log.warning("%s", sentence)
        self._warned_of = self.timeout_s
