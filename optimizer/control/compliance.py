"""Each quarter-hour's energies by the measured meter; pure.

The law counts by the quarter-hour. What we hold is judged by this record: the house's swings
between two set-points may carry some energy the wrong way, and where that comes to more than a
trifle the rest of the quarter-hour is left to the FEMS, which follows the meter every second.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from optimizer.control.input_checks import LONGEST
from optimizer.model.moments import floor
from optimizer.model.quarter_energy import QuarterEnergy


@dataclass(frozen=True, slots=True)
class MeterSample:
    """Part of a reading that is counted."""

    grid_w: float
    """+ buys."""
    battery_w: float
    """+ discharges."""
    pv_w: float | None = None
    """The whole roof; None is unknown."""
    soc_wh: float | None = None


def count(
    before: QuarterEnergy | None, at: datetime, seen: MeterSample, *, held: bool
) -> QuarterEnergy:
    """Add the time since the last reading at the powers of this one.

    Parameters
    ----------
    seen
        As measured now.
    held
        Whether we held something in between.
    """
    start = floor(at)
    if before is None or not timedelta(0) <= at - before.at <= LONGEST:
        same = before is not None and before.start == start
        if before and same:
            return replace(before, at=at, soc_wh=seen.soc_wh, previous=None)
        return QuarterEnergy(start, at, first_soc_wh=seen.soc_wh, soc_wh=seen.soc_wh)
    before = replace(before, previous=None)
    if before.start == start:
        return _add(before, at, seen, held=held)
    between = replace(seen, soc_wh=_soc_at(before, start, at, seen.soc_wh))
    ended = _add(before, start, between, held=held)
    fresh = QuarterEnergy(start, start, first_soc_wh=between.soc_wh, previous=ended)
    return _add(fresh, at, seen, held=held)


def _soc_at(
    before: QuarterEnergy, start: datetime, at: datetime, soc_wh: float | None
) -> float | None:
    """Stored energy at a moment between two readings [Wh]."""
    if before.soc_wh is None or soc_wh is None:
        return None
    return before.soc_wh + (soc_wh - before.soc_wh) * ((start - before.at) / (at - before.at))


def _add(quarter: QuarterEnergy, to: datetime, seen: MeterSample, *, held: bool) -> QuarterEnergy:
    seconds = (to - quarter.at).total_seconds()
    hours, grid_w, battery_w = seconds / 3600, seen.grid_w, seen.battery_w
    bought_wh = max(0.0, min(grid_w, -battery_w)) * hours
    sold_wh = max(0.0, min(-grid_w, battery_w)) * hours
    known = quarter.pv_wh is not None and seen.pv_w is not None
    return replace(
        quarter,
        at=to,
        seconds=quarter.seconds + seconds,
        bought_wh=quarter.bought_wh + bought_wh,
        sold_wh=quarter.sold_wh + sold_wh,
        held_bought_wh=quarter.held_bought_wh + bought_wh * held,
        held_sold_wh=quarter.held_sold_wh + sold_wh * held,
        drawn_wh=quarter.drawn_wh + max(0.0, grid_w) * hours,
        fed_wh=quarter.fed_wh + max(0.0, -grid_w) * hours,
        charged_wh=quarter.charged_wh + max(0.0, -battery_w) * hours,
        discharged_wh=quarter.discharged_wh + max(0.0, battery_w) * hours,
        residual_load_wh=quarter.residual_load_wh + max(0.0, grid_w + battery_w) * hours,
        surplus_wh=quarter.surplus_wh + max(0.0, -grid_w - battery_w) * hours,
        pv_wh=(quarter.pv_wh or 0.0) + (seen.pv_w or 0.0) * hours if known else None,
        soc_wh=seen.soc_wh,
    )
