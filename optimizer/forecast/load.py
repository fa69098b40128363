"""What the house will use: learned from its own past, by local time of day.

The mean of the last 14 days at the same local time of day, times the square root of how the last
24 hours compare with it. `tests/bench/forecasts.py` measures it on real homes, in euros: medians
and learned regressions have smaller errors and earn less, because their low bias starves the
evening.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.forecast import steps
from optimizer.forecast.expected import Expected
from optimizer.forecast.standard_profile import standard_w
from optimizer.model import frames
from optimizer.model.quarter import QUARTER

DAYS = 14
"""So many known values at the same time of day make a mean."""
AHEAD = timedelta(hours=2)
"""A file that reaches so far ahead is a forecast itself; the shortest horizon is 2 h."""
REACH = timedelta(days=28)
"""Holes are filled from further back; older values say nothing of this season."""
PRIOR_DAYS = 3.0
"""The standard profile counts for so many days while the house's own past is short; its weight
falls to nothing at 14 days."""
LEVEL_SPAN = timedelta(hours=24)
LEVEL_LIMITS = (0.25, 4.0)
"""A last day of parties or of absence changes a forecast by no more than the root of these."""
DROPOUT_W = 1.0
"""No house uses so little: the meter was away."""
FROZEN_S = 6 * 3600.0
"""A mean that does not change at all for so long comes from a meter that stands still."""
QUARTERS = 96


@dataclass(frozen=True, slots=True)
class Past:
    """Known quarter-hours, newest first."""

    starts: pd.DatetimeIndex
    """Local."""
    load_w: np.ndarray

    @property
    def days(self) -> float:
        """How much is known [days]."""
        return len(self.load_w) / QUARTERS


def clean(history: pd.DataFrame) -> pd.DataFrame:
    """A history of `load_w` without dropouts: rows near 0 W or frozen for hours are left out.

    Holes are rows that are not there.
    """
    values = history["load_w"].to_numpy(dtype=float)
    lengths = (history["end"] - history.index.to_series()).dt.total_seconds().to_numpy(dtype=float)
    runs = np.cumsum(np.diff(values, prepend=np.nan) != 0.0) - 1
    frozen = np.bincount(runs, weights=lengths)[runs] >= FROZEN_S
    kept: pd.DataFrame = history[(values > DROPOUT_W) & ~frozen]
    return kept


def expected(
    history: pd.DataFrame | None,
    start: datetime,
    end: datetime,
    at: datetime,
    zone: ZoneInfo,
    annual_kwh: float,
) -> Expected:
    """Load on the quarter-hours from `start` to `end` [W].

    Parameters
    ----------
    history
        `load_w` of the past, means over its steps; None if there is none. What lies after `at` is
        not looked at.
    at
        Now: what is known ends here.
    zone
        Where the house's days begin.
    annual_kwh
        What the house uses in a year: the level while nothing better is known.
    """
    past = known_quarters(history, at, zone)
    starts = steps.grid(start, end, QUARTER)
    load_w = ahead_w(past, _local(starts, zone), at, annual_kwh)
    ends = [moment + QUARTER for moment in starts]
    return Expected(frames.frame_of(starts, ends, load_w=load_w.tolist()), _notes(past, annual_kwh))


def ahead_w(past: Past, ahead: pd.DatetimeIndex, at: datetime, annual_kwh: float) -> np.ndarray:
    """The same from known quarter-hours, for the local starts of those ahead [W]."""
    load_w: np.ndarray = _profile(past, ahead, annual_kwh) * _level(past, at, annual_kwh)
    return load_w


def _local(starts: list[datetime], zone: ZoneInfo) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(starts).tz_convert(zone)


def known_quarters(history: pd.DataFrame | None, at: datetime, zone: ZoneInfo) -> Past:
    """Whole known quarter-hours of the last weeks."""
    if history is None or history.empty:
        return Past(pd.DatetimeIndex([], tz=zone), np.empty(0))
    known = clean(history)
    known = known[(known["end"] <= at) & (known.index >= at - REACH)]
    if known.empty:
        return known_quarters(None, at, zone)
    starts = steps.grid(known.index[0].to_pydatetime(), known["end"].iloc[-1], QUARTER)
    fine = steps.resample(known[["end", "load_w"]], starts, QUARTER).dropna()[::-1]
    return Past(pd.DatetimeIndex(fine.index).tz_convert(zone), fine["load_w"].to_numpy())


def quarter_of_day(local: pd.DatetimeIndex) -> np.ndarray:
    """0 to 95 by the clock on the wall, so days of 23 and 25 hours need no care."""
    quarters: np.ndarray = local.hour.to_numpy() * 4 + local.minute.to_numpy() // 15
    return quarters


def _newest(place: np.ndarray) -> np.ndarray:
    """Which quarter-hours are among the newest 14 of their time of day; newest come first."""
    order = np.argsort(place, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=QUARTERS))])
    newest = np.empty(len(place), dtype=bool)
    newest[order] = np.arange(len(place)) - first[place[order]] < DAYS
    return newest


def _profile(past: Past, ahead: pd.DatetimeIndex, annual_kwh: float) -> np.ndarray:
    """The mean of the newest 14 days at the same time of day; the standard while it is short."""
    place = quarter_of_day(past.starts)
    newest = _newest(place)
    count = np.bincount(place[newest], minlength=QUARTERS).astype(float)
    total = np.bincount(place[newest], weights=past.load_w[newest], minlength=QUARTERS)
    weight = np.maximum(PRIOR_DAYS * (1 - count / DAYS), 0.0)
    at = quarter_of_day(ahead)
    standard = np.zeros(len(at))
    if weight[at].any():
        standard = _standard(ahead, annual_kwh) * _scale(past, annual_kwh)
    mean: np.ndarray = (total[at] + weight[at] * standard) / (count[at] + weight[at])
    return mean


def _standard(local: pd.DatetimeIndex, annual_kwh: float) -> np.ndarray:
    """The standard household's load [W]."""
    return np.array([standard_w(moment, annual_kwh) for moment in local.to_pydatetime()])


def _scale(past: Past, annual_kwh: float) -> float:
    """How this house compares with the standard one; `annual_kwh` counts for one day."""
    standard = _standard(past.starts, annual_kwh).sum()
    day = annual_kwh * 1000 / 365 * 4
    return float((past.load_w.sum() + day) / (standard + day))


def _level(past: Past, at: datetime, annual_kwh: float) -> float:
    """Root of the last 24 hours' energy against the profile's, 1 with less than a day's half."""
    last = past.starts >= pd.Timestamp(at - LEVEL_SPAN)
    if last.sum() < QUARTERS / 2 or past.days < PRIOR_DAYS:
        return 1.0
    usual = _profile(past, past.starts[last], annual_kwh).sum()
    return float(np.sqrt(np.clip(past.load_w[last].sum() / usual, *LEVEL_LIMITS)))


def _notes(past: Past, annual_kwh: float) -> tuple[str, ...]:
    if past.days >= DAYS:
        return ()
    kwh = f"a standard household of {annual_kwh:,.0f} kWh a year".replace(",", " ")
    if past.days < 1 / QUARTERS:
        return (f"load: nothing is known of this house's past, so {kwh} (BDEW H25) was planned",)
    return (
        f"load: {past.days:.1f} days of this house's past are known, {DAYS} are wanted: mixed with "
        f"{kwh} (BDEW H25)",
    )
