"""Holding a set-point for a while with an eye on it: `optimizer fems set` and `check --prove`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.control.outcome import Outcome, Sent, Verdict, verify
from optimizer.errors import DataError
from optimizer.fems.writes import HandedOver, SetPoint
from optimizer.model.state import Channel, Snapshot

EVERY_S = 4.0
"""Written anew after so long; a write shows after 1.6 to 2.3 s."""

PROOF_S = 60.0
HARMLESS_W = 200.0
"""So far a proof moves the battery from what it does anyway."""


class Device(Protocol):
    """What a trial needs of a FEMS."""

    def snapshot(self, at: datetime) -> Snapshot:
        """Read everything once."""
        ...

    def handed_over(self) -> HandedOver:
        """What is handed over, whoever wrote it."""
        ...

    def hold(self, channel: SetPoint, setpoint: float) -> None:
        """Hold a power until the FEMS's time-out."""
        ...

    def release(self) -> None:
        """Give back what was held."""
        ...


@dataclass(frozen=True, slots=True)
class Beat:
    """What was sent, and what was seen of it before the next write."""

    second: int
    """Since the start."""
    setpoint: int
    """[W, AC] or [var]."""
    verdict: Verdict | None
    """None for reactive power, which the FEMS does not show."""
    snapshot: Snapshot


Wish = Callable[[Snapshot], float]


def hold_for(
    device: Device,
    clock: Clock,
    channel: SetPoint,
    wish: Wish,
    seconds: float,
    tell: Callable[[Beat], None],
) -> None:
    """Hold what is wished for, again and again, and give it back in any case.

    Parameters
    ----------
    wish
        Says from the newest reading what to hold; it is asked before each write.
    seconds
        For how long; less if the clock is stopped.
    tell
        Called after each write, when its effect can be seen.

    Raises
    ------
    UnreachableError, RefusedError
        When the FEMS does not answer or refuses; what was held is tried to be given back first.
    """
    begun = first = clock.monotonic()
    before: int | None = None
    try:
        snapshot = device.snapshot(clock.now())
        while (left := seconds - (clock.monotonic() - begun)) > 0:
            setpoint = round(wish(snapshot))
            if setpoint != before:
                first, before = clock.monotonic(), setpoint
            device.hold(channel, setpoint)
            stopped = clock.wait(min(EVERY_S, left))
            snapshot = device.snapshot(clock.now())
            verdict = None
            if isinstance(channel, Channel):
                sent = Sent(channel, setpoint, clock.monotonic() - first)
                verdict = verify(sent, snapshot, device.handed_over())
            tell(Beat(round(clock.monotonic() - begun), setpoint, verdict, snapshot))
            if stopped:
                break
    finally:
        device.release()


def harmless(snapshot: Snapshot, *, hybrid: bool, min_soc_percent: float) -> Wish:
    """A power that differs a little from what the battery does now, so that its effect shows.

    The battery is discharged by 200 W less while it discharges, charged by 200 W less while it
    charges; from standstill it discharges, or charges when it is nearly empty. On hybrids the
    set-point contains the roof of the moment, as in normal work.

    Raises
    ------
    DataError
        If the reading is not complete.
    """
    battery_w, soc_percent = snapshot.battery_w, snapshot.soc_percent
    if battery_w is None or snapshot.ess_w is None or soc_percent is None:
        raise DataError("The FEMS does not tell the battery's power or charge: nothing was tried.")
    wanted_w = battery_w - (HARMLESS_W if battery_w > 0 else -HARMLESS_W)
    if abs(battery_w) < HARMLESS_W:
        wanted_w = HARMLESS_W if soc_percent > min_soc_percent + 2 else -HARMLESS_W

    def wish(now: Snapshot) -> float:
        roof_w = 0.0
        if hybrid and now.ess_w is not None and now.battery_w is not None:
            roof_w = max(0.0, now.ess_w - now.battery_w)
        return roof_w + wanted_w

    return wish


@dataclass(slots=True)
class Tally:
    """How a trial went."""

    beats: int = 0
    applied: int = 0
    last: Verdict | None = None

    def count(self, beat: Beat) -> None:
        """Count a beat whose outcome is known."""
        if beat.verdict is None or beat.verdict.outcome is Outcome.PENDING:
            return
        self.beats += 1
        self.applied += beat.verdict.outcome is Outcome.APPLIED
        self.last = beat.verdict

    @property
    def proved(self) -> bool:
        """Whether nearly everything arrived."""
        return self.beats > 0 and self.applied >= 0.8 * self.beats
