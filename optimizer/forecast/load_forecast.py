"""Load forecast, learned from the house's own past by local time of day.

The mean of the last 14 days at the same local time of day, times the square root of the last 24
hours' ratio to it. `tests/bench/forecasts.py` measures it on real homes, in euros: medians and
learned regressions have smaller errors and earn less, because their low bias leaves too little
energy for the evening.

For the first days, until the house is known, the standard household of BDEW's profile H25 stands
in. Its table here is computed from the published one (BDEW 2025, H25; quarter-hours by month and
kind of day, times its polynomial in the day of the year): means by hour, season and kind of day, in
W for a house of 1000 kWh a year. An approximation: its quarter-hours are off by 5 % of the mean
load. Holidays count by their day of the week. The profile is the mean of thousands of homes: a
single one has peaks three to five times as high. P25 and S25, the profiles of homes with PV and
battery, are what such homes draw from the grid, so they would count PV and battery twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.forecast import load_faults
from optimizer.forecast.forecast_frame import ExpectedSeries
from optimizer.model import frames
from optimizer.model.moments import QUARTER

_WINTER = (
    (89, 76, 72, 72, 76, 87, 114, 123, 115, 110, 111, 121,
     126, 125, 122, 127, 147, 181, 203, 202, 184, 164, 144, 115),
    (97, 82, 75, 73, 74, 76, 90, 116, 143, 156, 167, 181,
     179, 172, 167, 168, 180, 204, 213, 200, 179, 162, 148, 124),
    (102, 87, 79, 76, 75, 76, 87, 109, 141, 167, 188, 211,
     203, 185, 174, 170, 180, 207, 218, 207, 185, 162, 142, 114),
)  # fmt: skip
_BETWEEN = (
    (77, 66, 63, 63, 66, 78, 100, 105, 98, 96, 96, 105,
     109, 107, 103, 105, 114, 134, 159, 171, 164, 146, 125, 98),
    (86, 73, 68, 66, 67, 70, 82, 106, 129, 140, 147, 157,
     154, 145, 140, 137, 139, 150, 167, 172, 162, 146, 131, 109),
    (89, 76, 70, 68, 68, 71, 80, 101, 131, 153, 168, 185,
     176, 157, 145, 138, 139, 155, 173, 177, 166, 147, 125, 98),
)  # fmt: skip
_SUMMER = (
    (76, 65, 61, 60, 63, 71, 85, 92, 89, 88, 89, 97,
     102, 99, 96, 97, 104, 119, 135, 141, 138, 132, 119, 95),
    (82, 70, 64, 62, 62, 64, 74, 93, 112, 123, 129, 139,
     138, 131, 127, 124, 125, 132, 139, 138, 134, 130, 121, 103),
    (85, 73, 67, 64, 62, 63, 70, 88, 111, 130, 143, 158,
     153, 138, 128, 123, 123, 133, 144, 145, 140, 133, 118, 94),
)  # fmt: skip
_BY_MONTH = (
    _WINTER, _WINTER, _BETWEEN, _BETWEEN, _SUMMER, _SUMMER,
    _SUMMER, _SUMMER, _BETWEEN, _BETWEEN, _WINTER, _WINTER,
)  # fmt: skip
_SATURDAY, _SUNDAY = 5, 6


def standard_w(local: datetime, annual_kwh: float) -> float:
    """Mean load of the standard household in a local hour [W].

    Parameters
    ----------
    local
        A moment of that hour, in local time.
    annual_kwh
        Annual consumption of the house.

    Examples
    --------
    >>> standard_w(datetime(2026, 1, 14, 18, 30), annual_kwh=4000)
    812.0
    """
    kinds = _BY_MONTH[local.month - 1]
    weekday = local.weekday()
    kind = kinds[2] if weekday == _SUNDAY else kinds[1] if weekday == _SATURDAY else kinds[0]
    return kind[local.hour] * annual_kwh / 1000


DAYS = 14
"""Count of known values at the same time of day that make a mean."""
AHEAD = timedelta(hours=2)
"""A file that reaches this far ahead is a forecast itself; the shortest horizon is 2 h."""
REACH = timedelta(days=28)
"""Holes are filled from further back; older values say nothing about this season."""
PRIOR_DAYS = 3.0
"""Weight of the standard profile [days] while the house's own past is short; it falls to 0 at 14
days."""
LEVEL_SPAN = timedelta(hours=24)
LEVEL_LIMITS = (0.25, 4.0)
"""A last day of parties or of absence changes a forecast by no more than the root of these."""
QUARTERS = 96


@dataclass(frozen=True, slots=True)
class KnownPast:
    """Known quarter-hours, newest first."""

    starts: pd.DatetimeIndex
    """Local."""
    load_w: np.ndarray

    @property
    def days(self) -> float:
        """Length of the known time [days]."""
        return len(self.load_w) / QUARTERS


def load_forecast(
    history: pd.DataFrame | None,
    start: datetime,
    end: datetime,
    at: datetime,
    zone: ZoneInfo,
    annual_kwh: float,
    most_w: float = np.inf,
) -> ExpectedSeries:
    """Load on the quarter-hours from `start` to `end` [W].

    Parameters
    ----------
    history
        `load_w` of the past, means over its steps; None if there is none. Rows after `at` are
        ignored.
    at
        Now, the end of the known time.
    zone
        Time zone of the house's days.
    annual_kwh
        Annual consumption of the house: the level while nothing better is known.
    most_w
        Highest power that fuse, battery and PV can carry together [W].
    """
    past = known_quarters(history, at, zone, most_w)
    made = frames.steps(start, end, QUARTER)
    load_w = ahead_w(past, pd.DatetimeIndex(made.index).tz_convert(zone), at, annual_kwh)
    origin = "forecast own past" if past.days >= 1 / QUARTERS else "stand-in BDEW H25"
    faults = () if history is None else load_faults.notes(_recent(history, at), most_w, zone)
    notes = (*faults, *_absence(past, at), *_notes(past, annual_kwh))
    return ExpectedSeries(made.assign(load_w=load_w, origin=origin), notes)


def ahead_w(
    past: KnownPast, ahead: pd.DatetimeIndex, at: datetime, annual_kwh: float
) -> np.ndarray:
    """The same from known quarter-hours, for the local starts of those ahead [W]."""
    home = load_faults.at_home(past.starts, past.load_w, at)
    past = KnownPast(past.starts[home], past.load_w[home])
    load_w: np.ndarray = _profile(past, ahead, annual_kwh) * _level(past, at, annual_kwh)
    return load_w


def known_quarters(
    history: pd.DataFrame | None, at: datetime, zone: ZoneInfo, most_w: float = np.inf
) -> KnownPast:
    """Whole known quarter-hours of the last weeks."""
    if history is None or history.empty:
        return KnownPast(pd.DatetimeIndex([], tz=zone), np.empty(0))
    known = load_faults.clean(_recent(history, at), most_w)
    if known.empty:
        return known_quarters(None, at, zone)
    steps = frames.steps(frames.starts_of(known)[0], frames.ends_of(known)[-1], QUARTER)
    fine = frames.on_steps(known[["end", "load_w"]], steps).dropna()[::-1]
    return KnownPast(pd.DatetimeIndex(fine.index).tz_convert(zone), fine["load_w"].to_numpy())


def _recent(history: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """The last weeks of a history."""
    recent: pd.DataFrame = history[(history["end"] <= at) & (history.index >= at - REACH)]
    return recent


def quarter_of_day(local: pd.DatetimeIndex) -> np.ndarray:
    """0 to 95 by local time, so days of 23 and 25 hours need no care."""
    quarters: np.ndarray = local.hour.to_numpy() * 4 + local.minute.to_numpy() // 15
    return quarters


def _newest(place: np.ndarray) -> np.ndarray:
    """Mask of the quarter-hours among the newest 14 of their time of day; newest come first."""
    order = np.argsort(place, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=QUARTERS))])
    newest = np.empty(len(place), dtype=bool)
    newest[order] = np.arange(len(place)) - first[place[order]] < DAYS
    return newest


def _profile(past: KnownPast, ahead: pd.DatetimeIndex, annual_kwh: float) -> np.ndarray:
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


def _scale(past: KnownPast, annual_kwh: float) -> float:
    """Ratio of this house to the standard one; `annual_kwh` counts for one day."""
    standard = _standard(past.starts, annual_kwh).sum()
    day = annual_kwh * 1000 / 365 * 4
    return float((past.load_w.sum() + day) / (standard + day))


def _level(past: KnownPast, at: datetime, annual_kwh: float) -> float:
    """Root of the last 24 hours' energy against the profile's, 1 with less than a day's half."""
    last = past.starts >= pd.Timestamp(at - LEVEL_SPAN)
    if last.sum() < QUARTERS / 2 or past.days < PRIOR_DAYS:
        return 1.0
    usual = _profile(past, past.starts[last], annual_kwh).sum()
    return float(np.sqrt(np.clip(past.load_w[last].sum() / usual, *LEVEL_LIMITS)))


def _absence(past: KnownPast, at: datetime) -> tuple[str, ...]:
    """Note about an absence that is over."""
    days = (~load_faults.at_home(past.starts, past.load_w, at)).sum() / QUARTERS
    return (f"load: {days:.0f} days of absence are left out of the forecast",) if days else ()


def _notes(past: KnownPast, annual_kwh: float) -> tuple[str, ...]:
    if past.days >= DAYS:
        return ()
    kwh = f"a standard household of {annual_kwh:,.0f} kWh a year".replace(",", " ")
    if past.days < 1 / QUARTERS:
        return (f"load: nothing is known of this house's past, so {kwh} (BDEW H25) was planned",)
    return (
        f"load: {past.days:.1f} days of this house's past are known, {DAYS} are wanted: mixed with "
        f"{kwh} (BDEW H25)",
    )
