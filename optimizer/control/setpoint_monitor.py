"""Monitor of our set-points: their effect, and other programs that write too.

`verify` judges one set-point, pure: HTTP 200 only means that the FEMS has put it on a list
(contract of the interface, section 3.3; the figures there were measured). `SetpointMonitor` follows
them from cycle to cycle, and gives way to another writer.
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from optimizer.errors import OptimizerError
from optimizer.fems.channels import API
from optimizer.fems.edge_config import above_rest
from optimizer.fems.writable_channels import Entry, HandedOver, ReactiveChannel, SetPoint
from optimizer.model.printable import printable
from optimizer.model.snapshot import Channel, Snapshot

SHOWN_AFTER_S = 3.0
"""A write shows in the FEMS's channels after 1.6 to 2.3 s."""

FOLLOWED_AFTER_S = 20.0
"""A real inverter filters and ramps; after this it should be there."""

SAME_W = 2.0
"""The solver rounds to this."""

LIMIT_W, LIMIT_SHARE = 25.0, 0.02
"""So far the limit that clipped a set-point may have moved until it is read."""

INVERTER_W, INVERTER_SHARE = 150.0, 0.05
"""So closely an inverter follows the solver."""


class SetpointOutcome(StrEnum):
    """Outcome of a set-point; the words are what the owner reads."""

    PENDING = "not known yet"
    APPLIED = "applied"
    CLIPPED = "clipped to what the battery allows now"
    OVERRIDDEN = "overridden by another controller"
    IGNORED = "not followed by the inverter"
    NOT_CONVERTED = "not handed over by the FEMS's REST app"


@dataclass(frozen=True, slots=True)
class SentSetpoint:
    """A set-point on its way."""

    channel: Channel
    setpoint_w: int
    age_s: float
    """Since it was first sent with this value [s]."""
    steady_s: float | None = None
    """Since the set-point has been about the same [s]; None: as long as `age_s`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on a set-point."""

    outcome: SetpointOutcome
    shown_w: float | None = None
    """Power that solver or inverter show instead [W, AC]; [var] of a reactive set-point."""


def verify(sent: SentSetpoint, snapshot: Snapshot, log: HandedOver | None = None) -> Verdict:
    """Compare what was sent with what the FEMS shows.

    Parameters
    ----------
    sent
        The newest set-point.
    snapshot
        A reading after it.
    log
        What the FEMS's interfaces hand over, if that was read too.
    """
    if sent.age_s < SHOWN_AFTER_S:
        return Verdict(SetpointOutcome.PENDING)
    if log is not None and log.known and (log.failed or not log.has(sent.channel)):
        return Verdict(SetpointOutcome.NOT_CONVERTED, snapshot.applied_w)
    applied_w = snapshot.applied_w
    if applied_w is None:
        return _unshown(sent, snapshot)
    if _deviation_w(sent, applied_w) > SAME_W:
        clipped = _clipped(sent, applied_w, snapshot)
        return Verdict(
            SetpointOutcome.CLIPPED if clipped else SetpointOutcome.OVERRIDDEN, applied_w
        )
    if _lags(sent, snapshot, applied_w):
        return Verdict(SetpointOutcome.IGNORED, snapshot.ess_w)
    return Verdict(SetpointOutcome.APPLIED, applied_w)


def verify_reactive(
    channel: ReactiveChannel, setpoint_var: int, age_s: float, applied_var: float | None,
    log: HandedOver | None = None,
) -> Verdict:  # fmt: skip
    """Compare a reactive set-point with the reactive power that the FEMS shows.

    Active power says nothing about it: both are held side by side.

    Parameters
    ----------
    age_s
        Time since it was first sent with this value [s].
    applied_var
        `DebugSetReactivePower` [var]; None where the FEMS does not show it.
    """
    if age_s < SHOWN_AFTER_S:
        return Verdict(SetpointOutcome.PENDING)
    if log is not None and log.known and (log.failed or not log.has(channel)):
        return Verdict(SetpointOutcome.NOT_CONVERTED, applied_var)
    if applied_var is None:
        return Verdict(SetpointOutcome.PENDING)
    applied = _beyond(channel, applied_var - setpoint_var) <= SAME_W
    return Verdict(SetpointOutcome.APPLIED if applied else SetpointOutcome.OVERRIDDEN, applied_var)


def _deviation_w(sent: SentSetpoint, power_w: float) -> float:
    """Part of a power that breaks what was sent [W]."""
    return _beyond(sent.channel, power_w - sent.setpoint_w)


def _beyond(channel: SetPoint, over: float) -> float:
    """Part of a difference that breaks a set-point on a channel: of a bound only one side."""
    if channel in (Channel.LESS_OR_EQUALS, ReactiveChannel.LESS_OR_EQUALS):
        return max(0.0, over)
    if channel in (Channel.GREATER_OR_EQUALS, ReactiveChannel.GREATER_OR_EQUALS):
        return max(0.0, -over)
    return abs(over)


def _clipped(sent: SentSetpoint, applied_w: float, snapshot: Snapshot) -> bool:
    """Return true if a limit of the moment was applied in place of the set-point."""
    for limit_w, side in ((snapshot.allowed_charge_w, -1), (snapshot.allowed_discharge_w, 1)):
        if limit_w is None:
            continue
        near_w = max(LIMIT_W, LIMIT_SHARE * abs(limit_w))
        beyond = side * (sent.setpoint_w - applied_w) > SAME_W
        if beyond and abs(applied_w - limit_w) <= near_w:
            return True
    return False


def _lags(sent: SentSetpoint, snapshot: Snapshot, wanted_w: float) -> bool:
    """Return true if the inverter has long been elsewhere than commanded."""
    steady_s = sent.age_s if sent.steady_s is None else sent.steady_s
    if snapshot.ess_w is None or steady_s < FOLLOWED_AFTER_S:
        return False
    near_w = max(INVERTER_W, INVERTER_SHARE * abs(wanted_w))
    return abs(snapshot.ess_w - wanted_w) > near_w


def _unshown(sent: SentSetpoint, snapshot: Snapshot) -> Verdict:
    """A FEMS without a solver for this unit: only the inverter's own power tells."""
    steady_s = sent.age_s if sent.steady_s is None else sent.steady_s
    if snapshot.ess_w is None or steady_s < FOLLOWED_AFTER_S:
        return Verdict(SetpointOutcome.PENDING)
    near_w = max(INVERTER_W, INVERTER_SHARE * abs(sent.setpoint_w))
    followed = _deviation_w(sent, snapshot.ess_w) <= near_w
    return Verdict(SetpointOutcome.APPLIED if followed else SetpointOutcome.IGNORED, snapshot.ess_w)


log = logging.getLogger(__name__)

REPORT_AFTER = 3
"""Cycles in a row without effect before the owner is warned."""

POLL_EVERY = 3
"""Cycles between two looks at who writes; after a suspicion it is looked at once a cycle."""

YIELD_AFTER = 2
"""Looks in a row that find another value than ours on our channel, until we give way."""

RESUME_AFTER = 3
"""Looks in a row that find nobody, until we come back."""

OURS_FOR_S = 90.0
"""For so long a value that we sent may still be on the FEMS's list [s]."""


class MonitoredFems(Protocol):
    """Part of a FEMS client that the monitor needs."""

    ess: str

    def handed_over(self) -> HandedOver:
        """Values that all interfaces hand over, whoever wrote them."""
        ...

    def controllers(self) -> tuple[str, ...]:
        """Ids of the controllers that are switched on."""
        ...


@dataclass(slots=True)
class SetpointMonitor:
    """Remembers what was sent; looks, and says once what is wrong."""

    device: MonitoredFems
    yielded: bool = False
    """True while another program has the battery."""
    note: str = ""
    """The other program's value, for the owner."""
    taken_from_us: Channel | None = None
    """The channel on which somebody else's value stands instead of ours."""
    _sent: SentSetpoint | None = None
    _channel: Channel | None = None
    """Channel of the last write, whether it arrived or not."""
    _first_s: float = 0.0
    _steady_from: tuple[float, float] = (0.0, 0.0)
    """Since when [s] the set-point has been about the same, and which [W]."""
    _ours: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=64))
    """Set-points that were sent lately: time [s], address and value."""
    _log: HandedOver | None = None
    _cycles: int = 0
    _conflicts: int = 0
    _quiet: int = 0
    _streak: tuple[SetpointOutcome, int] = (SetpointOutcome.PENDING, 0)
    _others: tuple[Entry, ...] = ()
    """Values of other programs, when it was last looked at who writes."""
    _known: bool = False
    """True if the FEMS said then what its interfaces hand over."""
    _warned: bool = False
    """True once the owner was warned of them."""

    @property
    def in_doubt(self) -> bool:
        """True while the last set-point is known not to be applied as written."""
        return self._streak[0] not in (SetpointOutcome.PENDING, SetpointOutcome.APPLIED)

    def sent(self, channel: Channel, setpoint_w: int, now_s: float) -> None:
        """Note a set-point that the FEMS has taken."""
        before = self._sent
        if before is None or before.channel is not channel:
            self._first_s, self._steady_from = now_s, (now_s, setpoint_w)
        elif before.setpoint_w != setpoint_w:
            self._first_s = now_s
        if abs(setpoint_w - self._steady_from[1]) > INVERTER_W:
            self._steady_from = (now_s, setpoint_w)
        self._sent, self._channel = SentSetpoint(channel, setpoint_w, 0.0), channel
        self._ours.append((now_s, f"{self.device.ess}/{channel}", str(setpoint_w)))

    def tried(self, channel: Channel, setpoint_w: int, now_s: float) -> None:
        """Note a set-point whose answer was lost: whether the FEMS has it is not known."""
        self.released()
        self._channel = channel
        self._ours.append((now_s, f"{self.device.ess}/{channel}", str(setpoint_w)))

    def released(self) -> None:
        """Note that nothing is held any more."""
        self._sent, self._channel, self._streak = None, None, (SetpointOutcome.PENDING, 0)

    def poll(self, snapshot: Snapshot, now_s: float) -> None:
        """Compare with a new reading; every few cycles also look at who writes."""
        self._cycles += 1
        self._log = None
        doubt = self.in_doubt and self._streak[1] <= REPORT_AFTER
        if doubt or self._conflicts or self._cycles % POLL_EVERY == 0:
            self._poll_writers(now_s)
        if self._sent is None:
            return
        sent = SentSetpoint(
            self._sent.channel, self._sent.setpoint_w, now_s - self._first_s,
            now_s - self._steady_from[0],
        )  # fmt: skip
        self._judge(sent, verify(sent, snapshot, self._log))

    def _judge(self, sent: SentSetpoint, verdict: Verdict) -> None:
        """Tell the owner once when something goes on being wrong."""
        if verdict.outcome is SetpointOutcome.PENDING:
            return
        outcome, times = self._streak
        times = times + 1 if outcome is verdict.outcome else 1
        self._streak = (verdict.outcome, times)
        if verdict.outcome is SetpointOutcome.APPLIED or times != REPORT_AFTER:
            return
        if verdict.outcome is SetpointOutcome.OVERRIDDEN and self._others:
            return  # who overrides is named already
        level = logging.INFO if verdict.outcome is SetpointOutcome.CLIPPED else logging.WARNING
        shown = "an unknown power" if verdict.shown_w is None else f"{verdict.shown_w:.0f} W"
        log.log(
            level, "the FEMS applies %s instead of our %d W on %s: it was %s; %s",
            shown, sent.setpoint_w, sent.channel, verdict.outcome.value,
            self._cause(verdict.outcome), extra={"kind": verdict.outcome},
        )  # fmt: skip

    def _cause(self, outcome: SetpointOutcome) -> str:
        """Known cause, and the next move of the owner."""
        if outcome is SetpointOutcome.CLIPPED:
            return "this is normal near full and empty"
        if outcome is SetpointOutcome.NOT_CONVERTED:
            return "run 'optimizer check'"
        if outcome is SetpointOutcome.IGNORED:
            return "its control mode may be INTERNAL, or it has a fault: run 'optimizer check'"
        try:
            names = above_rest(self.device.controllers())
        except OptimizerError:
            names = ()
        if names:
            return f"before us decide {printable(', '.join(names))}"
        return "the order of its controllers may be wrong: run 'optimizer check'"

    def _poll_writers(self, now_s: float) -> None:
        try:
            self._log = self.device.handed_over()
        except OptimizerError as error:
            log.debug("who writes is not known: %s", error)
            return
        ours = {(API, *sent[1:]) for sent in self._ours if now_s - sent[0] < OURS_FOR_S}
        entries = self._log.on(self.device.ess)
        self._known = self._log.known
        self._others = tuple(entry for entry in entries if tuple(entry) not in ours)
        mine = None if self._channel is None else f"{self.device.ess}/{self._channel}"
        conflict = [
            one for one in self._others if one.api == API and one.address == mine and one.is_number
        ]
        self._give_way(conflict)
        if not conflict and not self.yielded:
            self._warn()

    def _warn(self) -> None:
        """Warn once of other programs, for as long as none is known to have left."""
        if self._others and not self._warned:
            log.warning(
                "another program writes %s: only one can control the battery",
                _described(self._others),
            )
        self._warned = bool(self._others) or (self._warned and not self._known)

    def _give_way(self, conflict: list[Entry]) -> None:
        """Yield to who writes where we do; come back when nobody has been seen for a while.

        Nothing is logged: the decision says it, with the other's value.
        """
        if self.yielded:
            self._quiet = 0 if self._others else self._quiet + 1
            if self._quiet >= RESUME_AFTER:
                self.yielded, self._quiet, self._conflicts = False, 0, 0
                self.taken_from_us, self.note = None, ""
            return
        self._conflicts = self._conflicts + 1 if conflict else 0
        if self._conflicts >= YIELD_AFTER:
            self.yielded, self._conflicts = True, 0
            self.taken_from_us = self._channel
            self.note = f"{_described(conflict)}; we give way until it stops"


def _described(others: Sequence[Entry]) -> str:
    """The first of other programs' values, and how many more there are.

    >>> _described([Entry("ctrlApiRest0", "ess0/SetActivePowerEquals", "5")])
    '5 to ess0/SetActivePowerEquals over ctrlApiRest0'
    """
    first = others[0]
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"{printable(first.value, 20)} to {first.address} over {printable(first.api, 64)}{more}"
