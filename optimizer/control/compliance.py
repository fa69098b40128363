"""What went between battery and grid, by the measured meter, quarter-hour by quarter-hour; pure.

The law counts by the quarter-hour. What we hold is judged by this record: the house's swings
between two set-points may carry some energy the wrong way, and where that comes to more than a
trifle the rest of the quarter-hour is left to the FEMS, which follows the meter every second.
"""

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
    if before is None or before.start != start:
        earlier = start if before is None else max(start, before.at)
        known = before is not None and at - before.at <= LONGEST
        before = Quarter(start, earlier if known else at)
    passed = at - before.at
    seconds = passed.total_seconds() if timedelta(0) <= passed <= LONGEST else 0.0
    bought_wh = max(0.0, min(grid_w, -battery_w)) * seconds / 3600
    sold_wh = max(0.0, min(-grid_w, battery_w)) * seconds / 3600
    return Quarter(
        start,
        at,
        before.seconds + seconds,
        before.bought_wh + bought_wh,
        before.sold_wh + sold_wh,
        before.held_bought_wh + bought_wh * held,
        before.held_sold_wh + sold_wh * held,
    )
