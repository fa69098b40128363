"""What became of a set-point, pure: HTTP 200 only means that the FEMS has put it on a list.

Contract of the interface, section 3.3; the figures there were measured.
"""

from dataclasses import dataclass
from enum import StrEnum

from optimizer.fems.writes import HandedOver
from optimizer.model.state import Channel, Snapshot

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


class Outcome(StrEnum):
    """What a set-point came to; the words are what the owner reads."""

    PENDING = "not known yet"
    APPLIED = "applied"
    CLIPPED = "clipped to what the battery allows now"
    OVERRIDDEN = "overridden by another controller"
    IGNORED = "not followed by the inverter"
    NOT_CONVERTED = "not handed over by the FEMS's REST app"


@dataclass(frozen=True, slots=True)
class Sent:
    """A set-point on its way."""

    channel: Channel
    setpoint_w: int
    age_s: float
    """Since it was first sent with this value [s]."""
    steady_s: float | None = None
    """Since the set-point has been about the same [s]; None: as long as `age_s`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a set-point."""

    outcome: Outcome
    shown_w: float | None = None
    """What solver or inverter show instead [W, AC]."""


def verify(sent: Sent, snapshot: Snapshot, log: HandedOver | None = None) -> Verdict:
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
        return Verdict(Outcome.PENDING)
    if log is not None and log.known and (log.failed or not log.has(sent.channel)):
        return Verdict(Outcome.NOT_CONVERTED, snapshot.applied_w)
    applied_w = snapshot.applied_w
    if applied_w is None:
        return _unshown(sent, snapshot)
    if _deviation_w(sent, applied_w) > SAME_W:
        clipped = _clipped(sent, applied_w, snapshot)
        return Verdict(Outcome.CLIPPED if clipped else Outcome.OVERRIDDEN, applied_w)
    if _lags(sent, snapshot, applied_w):
        return Verdict(Outcome.IGNORED, snapshot.ess_w)
    return Verdict(Outcome.APPLIED, applied_w)


def _deviation_w(sent: Sent, power_w: float) -> float:
    """By how much a power breaks what was sent [W]."""
    over_w = power_w - sent.setpoint_w
    if sent.channel is Channel.LESS_OR_EQUALS:
        return max(0.0, over_w)
    if sent.channel is Channel.GREATER_OR_EQUALS:
        return max(0.0, -over_w)
    return abs(over_w)


def _clipped(sent: Sent, applied_w: float, snapshot: Snapshot) -> bool:
    """Whether the set-point lies beyond a limit of the moment, and the limit was applied."""
    for limit_w, side in ((snapshot.allowed_charge_w, -1), (snapshot.allowed_discharge_w, 1)):
        if limit_w is None:
            continue
        near_w = max(LIMIT_W, LIMIT_SHARE * abs(limit_w))
        beyond = side * (sent.setpoint_w - applied_w) > SAME_W
        if beyond and abs(applied_w - limit_w) <= near_w:
            return True
    return False


def _lags(sent: Sent, snapshot: Snapshot, wanted_w: float) -> bool:
    """Whether the inverter is long elsewhere than it was told."""
    steady_s = sent.age_s if sent.steady_s is None else sent.steady_s
    if snapshot.ess_w is None or steady_s < FOLLOWED_AFTER_S:
        return False
    near_w = max(INVERTER_W, INVERTER_SHARE * abs(wanted_w))
    return abs(snapshot.ess_w - wanted_w) > near_w


def _unshown(sent: Sent, snapshot: Snapshot) -> Verdict:
    """A FEMS without a solver for this unit: only the inverter's own power tells."""
    steady_s = sent.age_s if sent.steady_s is None else sent.steady_s
    if snapshot.ess_w is None or steady_s < FOLLOWED_AFTER_S:
        return Verdict(Outcome.PENDING)
    near_w = max(INVERTER_W, INVERTER_SHARE * abs(sent.setpoint_w))
    followed = _deviation_w(sent, snapshot.ess_w) <= near_w
    return Verdict(Outcome.APPLIED if followed else Outcome.IGNORED, snapshot.ess_w)
