"""What went between battery and grid, by the measured meter, quarter-hour by quarter-hour; pure.

The law counts by the quarter-hour. What we hold is judged by this record: the house's swings
between two set-points may carry some energy the wrong way, and where that comes to more than a
trifle the rest of the quarter-hour is left to the FEMS, which follows the meter every second.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from optimizer.control.soc import LONGEST
from optimizer.model.exchange import Quarter

QUARTER = timedelta(minutes=15)


def start_of(at: datetime) -> datetime:
    """The quarter-hour that a moment lies in."""
    return at - timedelta(seconds=at.timestamp() % QUARTER.total_seconds())


def count(
    before: Quarter | None, at: datetime, grid_w: float, battery_w: float, *, held: bool
) -> Quarter:
    """Add the time since the last reading at the powers of this one.

    Parameters
    ----------
    grid_w, battery_w
        As measured now [W]: + buys, + discharges.
    held
        Whether we held something in between.
    """
    start = start_of(at)
    if before is None or not timedelta(0) <= at - before.at <= LONGEST:
        same = before is not None and before.start == start
        return replace(before, at=at, previous=None) if before and same else Quarter(start, at)
    before = replace(before, previous=None)
    if before.start == start:
        return _add(before, at, grid_w, battery_w, held=held)
    ended = _add(before, start, grid_w, battery_w, held=held)
    return _add(Quarter(start, start, previous=ended), at, grid_w, battery_w, held=held)


def _add(quarter: Quarter, to: datetime, grid_w: float, battery_w: float, *, held: bool) -> Quarter:
    seconds = (to - quarter.at).total_seconds()
    bought_wh = max(0.0, min(grid_w, -battery_w)) * seconds / 3600
    sold_wh = max(0.0, min(-grid_w, battery_w)) * seconds / 3600
    return replace(
        quarter,
        at=to,
        seconds=quarter.seconds + seconds,
        bought_wh=quarter.bought_wh + bought_wh,
        sold_wh=quarter.sold_wh + sold_wh,
        held_bought_wh=quarter.held_bought_wh + bought_wh * held,
        held_sold_wh=quarter.held_sold_wh + sold_wh * held,
    )
