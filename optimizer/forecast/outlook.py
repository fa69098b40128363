"""Prices beyond the published day, from like days; a forecast, and never acted on.

The plan ends where published prices end. What comes after only says what energy left in the battery
will be worth: the mean of a whole day, where the published prices alone would be an evening's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import fmean

from optimizer.model.quarter import QUARTER

WHOLE_DAY = timedelta(hours=24)
SHARE = 0.75
"""Share of the last day's distance from its like days that is expected to stay. Over five series
(DE-LU, AT, CH, DK1, 2018 to 2026) 0.75 tells the mean of the next day as well as or better than
1, 0.5 or 0. Against the published part alone at 18:35 it halves the error, over eight series by
0.9 to 2.7 ct/kWh (`tests/bench/outlook.py`); only late prices that lie near the mean do as well."""
WEEKS = (1, 2, 3, 4)
DAYS = (1, 2, 3)


def like_days(
    known: Mapping[datetime, float], end: datetime, until: datetime
) -> dict[datetime, float]:
    """Prices [EUR/kWh] of the quarters from `end` to `until`, as far as like days are known.

    The mean of the same quarter of up to four same weekdays, or else of the last three days, moved
    by most of what the last known day lies above its own like days.

    Parameters
    ----------
    known
        Published prices by quarter; also those of past days.
    end
        Where published prices end.

    Notes
    -----
    Quarters are compared at the same time UTC: in the week after the clocks change the
    shape comes an hour late, which hardly moves a mean.
    """
    last_day = [at for at in known if end - WHOLE_DAY <= at < end]
    pairs = [(known[at], like) for at in last_day if (like := _like(known, at)) is not None]
    shift = SHARE * fmean(now - like for now, like in pairs) if pairs else 0.0
    made: dict[datetime, float] = {}
    at = end
    while at < until:
        like = _like(known, at)
        if like is None:
            break
        made[at] = like + shift
        at += QUARTER
    return made


def _like(known: Mapping[datetime, float], at: datetime) -> float | None:
    """Mean of the same quarter of like days; None if there are none."""
    for unit, counts in ((timedelta(weeks=1), WEEKS), (timedelta(days=1), DAYS)):
        found = [known[at - n * unit] for n in counts if at - n * unit in known]
        if found:
            return fmean(found)
    return None
