"""Checks of a snapshot: a reading that can be trusted, or the reason why it cannot; pure."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from optimizer.model.battery import Battery
from optimizer.model.snapshot import FAULT, ON_GRID, Reason, Snapshot

HALF_PERCENT = 0.5
"""A whole percent stands for everything that rounds to it."""

LONGEST = timedelta(minutes=1)
"""Over a longer gap nothing is integrated: the power in between is not known."""


@dataclass(frozen=True, slots=True)
class SocEstimate:
    """Stored energy as followed from reading to reading."""

    at: datetime
    soc_wh: float
    battery_w: float


def estimate(
    before: SocEstimate | None,
    at: datetime,
    soc_percent: float,
    battery_w: float | None,
    battery: Battery,
) -> SocEstimate:
    """Follow the stored energy by the battery's physics, kept within what the FEMS says.

    Parameters
    ----------
    before
        The last estimate, or None at the start.
    soc_percent
        The FEMS's state of charge [%], whole.
    battery_w
        Battery power now [W]; unknown counts as standing still.
    """
    unit = battery.capacity_wh / 100
    lowest, highest = ((soc_percent + side * HALF_PERCENT) * unit for side in (-1, 1))
    soc_wh = soc_percent * unit
    if before is not None and timedelta(0) <= at - before.at <= LONGEST:
        hours = (at - before.at) / timedelta(hours=1)
        soc_wh = battery.stored_after(before.soc_wh, before.battery_w, hours)
    power_w = -battery.standby_w if battery_w is None else battery_w
    return SocEstimate(at, min(max(soc_wh, lowest), highest), power_w)


MAX_AGE = timedelta(seconds=15)
"""A reading older than this says nothing about now."""

JUMP_PERCENT = 20.0
"""No battery's state of charge moves so far between two readings."""

BACK_ON_GRID = timedelta(minutes=5)
"""So long the house has to be back on the grid before anything is held: outages come in rows."""

FROZEN = timedelta(seconds=120)
"""A real meter shows another number long before this."""

MOVED_W = 20.0
"""So far the inverter's power has to have moved meanwhile: then the grid's cannot be the same."""

PINNED_W, PINNED_SHARE = 150.0, 0.05
"""So closely an inverter keeps to a set-point that binds it."""


@dataclass(frozen=True, slots=True)
class StuckMeterCheck:
    """A grid power that does not change."""

    grid_w: float
    since: datetime
    lowest_ess_w: float
    highest_ess_w: float
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class ReadingHistory:
    """Facts of earlier readings by which a new one is checked."""

    soc: SocEstimate | None = None
    soc_percent: float | None = None
    """The FEMS's last whole percent."""
    at: datetime | None = None
    off_grid_at: datetime | None = None
    """Time when the house was last seen off the grid."""
    still: StuckMeterCheck | None = None


@dataclass(frozen=True, slots=True)
class CheckedReading:
    """A snapshot without unknowns [W, Wh]."""

    soc: SocEstimate
    soc_percent: float
    """As estimated, not only whole percents."""
    dc_pv_w: float
    """Roof behind the inverter; 0 where the coupling is AC."""
    need_w: float
    """Battery power that would bring the grid to zero."""
    allowed_low_w: float
    """Battery power that the FEMS allows now."""
    allowed_high_w: float
    grid_w: float
    battery_w: float
    allowed_ac_w: float = math.inf
    """Highest set-point that the FEMS allows now [W, AC]; on hybrids it may lie below the PV of the
    moment, where the two channels contradict each other."""
    pv_w: float | None = None
    """Whole production of the roof; None is unknown."""


def read(
    snapshot: Snapshot, now: datetime, past: ReadingHistory, battery: Battery,
    held_w: float | None = None, *, bound: bool = False,
) -> tuple[CheckedReading | Reason, ReadingHistory]:  # fmt: skip
    """A reading that can be trusted, or why it cannot; and what the next one shall know.

    Parameters
    ----------
    held_w
        The set-point that was held when this was read [W, AC]; None for none.
    bound
        Whether it was held as a bound, within which the FEMS balances.
    """
    at, soc = snapshot.at, snapshot.soc_percent
    grid, ess = snapshot.grid_w, snapshot.ess_w
    if snapshot.grid_mode is not None and snapshot.grid_mode != ON_GRID:
        past = replace(past, off_grid_at=at)
    past = replace(past, still=_still(past.still, snapshot, held_w, bound=bound))
    reason = _doubt(snapshot, now, past)
    jumped = _jumped(past, soc, at)
    possible = soc is not None and 0 <= soc <= 100
    past = replace(past, soc_percent=soc if possible else None, at=at)
    if reason is not None:
        return reason, past
    if jumped:
        return Reason.JUMPED, replace(past, soc=None)
    pv = _dc_pv_w(snapshot, battery)
    charge, discharge = snapshot.allowed_charge_w, snapshot.allowed_discharge_w
    if soc is None or grid is None or ess is None or charge is None or discharge is None:
        return Reason.UNKNOWN, past
    if pv is None:
        return Reason.UNKNOWN, past
    followed = estimate(past.soc, at, soc, snapshot.battery_w, battery)
    reading = CheckedReading(
        soc=followed,
        soc_percent=100 * followed.soc_wh / battery.capacity_wh,
        dc_pv_w=pv,
        need_w=ess + grid - pv,
        allowed_low_w=charge,
        allowed_high_w=max(0.0, discharge - pv),
        grid_w=grid,
        battery_w=ess - pv,
        allowed_ac_w=discharge,
        pv_w=snapshot.pv_w,
    )
    return reading, replace(past, soc=followed)


def _doubt(snapshot: Snapshot, now: datetime, past: ReadingHistory) -> Reason | None:
    """Fault of a snapshot, apart from values that are missing in it."""
    if abs(now - snapshot.at) > MAX_AGE:
        return Reason.STALE
    if snapshot.state == FAULT:
        return Reason.FAULT
    if snapshot.state is None or snapshot.grid_mode is None or not _plausible(snapshot):
        return Reason.UNKNOWN
    if snapshot.grid_mode != ON_GRID:
        return Reason.OFF_GRID
    if past.off_grid_at is not None and timedelta(0) <= now - past.off_grid_at < BACK_ON_GRID:
        return Reason.BACK_ON_GRID
    if past.still is not None and past.still.frozen:
        return Reason.FROZEN
    return None


def _plausible(snapshot: Snapshot) -> bool:
    """Return true if values are possible: numbers, limits of the right sign, a percentage."""
    numbers = (
        snapshot.soc_percent, snapshot.grid_w, snapshot.ess_w, snapshot.battery_w,
        snapshot.allowed_charge_w, snapshot.allowed_discharge_w,
    )  # fmt: skip
    if not all(number is None or math.isfinite(number) for number in numbers):
        return False
    soc, charge, discharge = (
        snapshot.soc_percent, snapshot.allowed_charge_w, snapshot.allowed_discharge_w,
    )  # fmt: skip
    return (
        (soc is None or 0 <= soc <= 100)
        and (charge is None or charge <= 0)
        and (discharge is None or discharge >= 0)
    )


def _jumped(past: ReadingHistory, soc: float | None, at: datetime) -> bool:
    if soc is None or past.soc_percent is None or past.at is None:
        return False
    near = timedelta(0) <= at - past.at <= LONGEST
    return near and abs(soc - past.soc_percent) > JUMP_PERCENT


def _dc_pv_w(snapshot: Snapshot, battery: Battery) -> float | None:
    """Roof behind the inverter [W]: 0 where the coupling is AC, None where it is not known."""
    if not battery.hybrid:
        return 0.0
    if snapshot.battery_w is None or snapshot.ess_w is None:
        return None
    return max(0.0, snapshot.ess_w - snapshot.battery_w)


def _still(
    before: StuckMeterCheck | None, snapshot: Snapshot, held_w: float | None, *, bound: bool
) -> StuckMeterCheck | None:
    """Follow a grid power that does not change; it proves nothing while the FEMS balances.

    A set-point that binds takes the inverter away from the meter. When its own power moves all the
    same, as every real one's does by some watts, the grid's has to move too, unless the house
    does just the opposite each time. A bound that lies beside a balanced grid does not bind. A
    standing state of charge, on the other hand, is normal.
    """
    grid, ess = snapshot.grid_w, snapshot.ess_w
    same = before is not None and grid == before.grid_w
    if before is not None and before.frozen and (same or grid is None):
        return before
    if grid is None or ess is None or held_w is None:
        return None
    if abs(ess - held_w) > max(PINNED_W, PINNED_SHARE * abs(held_w)):
        return None
    if bound and abs(grid) <= PINNED_W:
        return None
    if before is None or not same:
        return StuckMeterCheck(grid, snapshot.at, ess, ess)
    lowest, highest = min(before.lowest_ess_w, ess), max(before.highest_ess_w, ess)
    frozen = snapshot.at - before.since >= FROZEN and highest - lowest >= MOVED_W
    return StuckMeterCheck(grid, before.since, lowest, highest, frozen)
