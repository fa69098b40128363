"""Hold a set-point for a while and watch its effect: `optimizer fems set` and `check --prove`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.control.device_guard import safe_interval_s
from optimizer.control.setpoint_monitor import (
    SentSetpoint,
    SetpointOutcome,
    Verdict,
    verify,
    verify_reactive,
)
from optimizer.errors import DataError, UsageError
from optimizer.fems.writable_channels import HandedOver, SetPoint
from optimizer.model.snapshot import Channel, Snapshot

EVERY_S = 4.0
"""Interval of writing [s], unless the time-out wants a shorter one; a write shows after 1.6 to
2.3 s."""

PROOF_S = 60.0
HARMLESS_W = 200.0
"""Distance of a proof's set-point from what the battery does anyway [W]."""


class LiveTestFems(Protocol):
    """Access to a FEMS for a test."""

    def snapshot(self, at: datetime) -> Snapshot:
        """Read everything once."""
        ...

    def handed_over(self) -> HandedOver:
        """Read what the interfaces hand over, whoever wrote it."""
        ...

    def applied_reactive(self) -> int | None:
        """Reactive power that the solver applied last [var]; None if unknown."""
        ...

    def timeout_s(self) -> int | None:
        """Time after which the FEMS drops what was written [s]; None if unknown."""
        ...

    def hold(self, channel: SetPoint, setpoint: float) -> None:
        """Hold a power until the FEMS's time-out."""
        ...

    def release(self) -> None:
        """Give back what was held."""
        ...


@dataclass(frozen=True, slots=True)
class LiveTestBeat:
    """Sent set-point, and the readings before the next write."""

    second: int
    """Since the start."""
    setpoint: int
    """[W, AC] or [var]."""
    verdict: Verdict
    snapshot: Snapshot
    channel: SetPoint = Channel.EQUALS

    @property
    def applied(self) -> float | None:
        """Power that the solver applied [W or var]; None if unknown."""
        active = isinstance(self.channel, Channel)
        return self.snapshot.applied_w if active else self.verdict.shown_w


def refuse_beyond(setpoint_w: int, snapshot: Snapshot, configured_w: tuple[float, float]) -> None:
    """Refuse an active power outside of the range that the FEMS allows now.

    Parameters
    ----------
    setpoint_w
        Power on the AC side: + leaves the unit [W].
    configured_w
        Lowest and highest power of the configuration [W], where the FEMS does not say.

    Raises
    ------
    UsageError
        With the range.
    """
    said_w, limits_w = (snapshot.allowed_charge_w, snapshot.allowed_discharge_w), []
    for said, own in zip(said_w, configured_w, strict=True):
        limits_w.append(own if said is None else said)
    low_w, high_w = limits_w
    if low_w <= setpoint_w <= high_w:
        return
    who = "the configuration allows" if None in said_w else "the FEMS allows now"
    raise UsageError(
        f"{setpoint_w} W is beyond what {who}, {low_w:.0f} to {high_w:.0f} W: nothing was written"
    )


LiveTestSetpoint = Callable[[Snapshot], float]


def hold_for(
    device: LiveTestFems,
    clock: Clock,
    channel: SetPoint,
    requested: LiveTestSetpoint,
    seconds: float,
    report: Callable[[LiveTestBeat], None],
) -> None:
    """Hold a set-point, written again and again, and release it in any case.

    Parameters
    ----------
    requested
        Gives the set-point from the newest reading; called before each write.
    seconds
        Duration [s]; less if the clock is stopped.
    report
        Called after each write, when its effect can be seen.

    Raises
    ------
    UnsafeTimeoutError
        If the FEMS would hold the set-point for ever, or for longer than 300 s; asked before each
        write, for its time-out may be changed meanwhile.
    UnreachableError, RefusedError
        If the FEMS does not answer or refuses; a release is tried first.
    """
    begun = first = clock.monotonic()
    before: int | None = None
    try:
        snapshot = device.snapshot(clock.now())
        while (left := seconds - (clock.monotonic() - begun)) > 0:
            every_s = safe_interval_s(device.timeout_s(), EVERY_S)
            setpoint = round(requested(snapshot))
            if setpoint != before:
                first, before = clock.monotonic(), setpoint
            device.hold(channel, setpoint)
            stopped = clock.wait(min(every_s, left))
            snapshot = device.snapshot(clock.now())
            sent = channel, setpoint, clock.monotonic() - first
            verdict = _verdict(device, *sent, snapshot)
            report(
                LiveTestBeat(round(clock.monotonic() - begun), setpoint, verdict, snapshot, channel)
            )
            if stopped:
                break
    finally:
        device.release()


def _verdict(
    device: LiveTestFems, channel: SetPoint, setpoint: int, age_s: float, snapshot: Snapshot
) -> Verdict:
    """Effect of a set-point: of a reactive one by the reactive power that the FEMS applied."""
    if isinstance(channel, Channel):
        return verify(SentSetpoint(channel, setpoint, age_s), snapshot, device.handed_over())
    applied_var = device.applied_reactive()
    return verify_reactive(channel, setpoint, age_s, applied_var, device.handed_over())


def harmless(snapshot: Snapshot, *, hybrid: bool, min_soc_percent: float) -> LiveTestSetpoint:
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

    def requested(now: Snapshot) -> float:
        dc_pv_w = 0.0
        if hybrid and now.ess_w is not None and now.battery_w is not None:
            dc_pv_w = max(0.0, now.ess_w - now.battery_w)
        return dc_pv_w + wanted_w

    return requested


@dataclass(slots=True)
class LiveTestResult:
    """Result of a live test."""

    beats: int = 0
    applied: int = 0
    last: Verdict | None = None

    def count(self, beat: LiveTestBeat) -> None:
        """Count a beat whose outcome is known."""
        if beat.verdict.outcome is SetpointOutcome.PENDING:
            return
        self.beats += 1
        self.applied += beat.verdict.outcome is SetpointOutcome.APPLIED
        self.last = beat.verdict

    @property
    def proved(self) -> bool:
        """Return true if nearly every set-point arrived."""
        return self.beats > 0 and self.applied >= 0.8 * self.beats
