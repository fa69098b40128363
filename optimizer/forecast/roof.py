"""What the roof will give: a service's forecast, corrected by what the roof gave before.

A forecast knows neither the trees nor the chimney, and its system losses are guesses. The correction
compares what was expected with what was measured, as a whole and by hour of the day, shrunk to 1
while little is known. Steps in which the roof was not free (the inverter or the export at its
limit) say nothing and are left out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.forecast import steps
from optimizer.forecast.sun import is_night
from optimizer.model import frames

REACH = timedelta(days=30)
"""The sun's path and the leaves of a season."""
WHOLE_PRIOR_DAYS = 3.0
HOUR_PRIOR_DAYS = 10.0
"""So many days of "the forecast is right" are mixed in: for all hours together, for one hour."""
FACTOR_LIMITS = (0.25, 4.0)
AT_LIMIT = 0.97
"""From this share of a limit on, the roof may have been held back by it."""
FALLBACK_DAYS = 14
LEAST_DAYS = 3
"""A mean of fewer days is weather, not a forecast."""


@dataclass(frozen=True, slots=True)
class Place:
    """What bounds a roof's power."""

    inverter_w: float
    max_sell_w: float = float("inf")
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """Measured against expected."""

    factors: tuple[float, ...] = (1.0,) * 24
    """By hour of the day (UTC, so that the sun's hours stay the same over the year)."""
    whole: float = 1.0
    days: float = 0.0
    """Days of daylight that it was learned from."""


def free(measured: pd.DataFrame, place: Place) -> pd.DataFrame:
    """The rows of `pv_w` in which nothing held the roof back, as far as the meters tell.

    Parameters
    ----------
    measured
        `pv_w`, and perhaps `grid_w` (+ buys), NaN where it is unknown.
    """
    bound = measured["pv_w"] >= AT_LIMIT * place.inverter_w
    if "grid_w" in measured.columns:
        bound |= measured["grid_w"] <= -AT_LIMIT * place.max_sell_w
    return measured[~bound]


def learn(
    expected: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: Place
) -> Correction:
    """The correction from the last 30 days before `at`.

    Parameters
    ----------
    expected
        What the service had forecast, uncorrected: `pv_w`.
    measured
        What the meters say: `pv_w`, and perhaps `grid_w`.
    """
    seen = _before(free(measured, place), at)
    told = _before(expected, at)
    if seen.empty or told.empty:
        return Correction()
    begin = max(frames.starts_of(seen)[0], frames.starts_of(told)[0])
    end = min(frames.ends_of(seen)[-1], frames.ends_of(told)[-1])
    starts = steps.grid(begin, end, steps.QUARTER)
    pair = pd.DataFrame(
        {
            name: steps.resample(frame[["end", "pv_w"]], starts, steps.QUARTER)["pv_w"]
            for name, frame in (("told", told), ("seen", seen))
        }
    ).dropna()
    return _factors(pair)


def _before(frame: pd.DataFrame, at: datetime) -> pd.DataFrame:
    return frame[(frame["end"] <= at) & (frame.index >= at - REACH)]


def _factors(pair: pd.DataFrame) -> Correction:
    """Shrunk ratios of sums, so that bright hours count for what they give."""
    days = len(pair) / 96
    if days == 0 or pair["told"].sum() <= 0:
        return Correction()
    hours = pd.DatetimeIndex(pair.index).hour
    told = np.bincount(hours, weights=pair["told"], minlength=24)
    seen = np.bincount(hours, weights=pair["seen"], minlength=24)
    prior = WHOLE_PRIOR_DAYS * told.sum() / days
    whole = float(np.clip((seen.sum() + prior) / (told.sum() + prior), *FACTOR_LIMITS))
    one_hour = HOUR_PRIOR_DAYS * told / days
    ratios = np.divide(
        seen + one_hour * whole, told + one_hour, out=np.full(24, whole), where=told > 0
    )
    return Correction(tuple(np.clip(ratios, *FACTOR_LIMITS).tolist()), whole, days)


def corrected(expected: pd.DataFrame, correction: Correction, place: Place) -> pd.DataFrame:
    """The forecast with the correction, within what inverter and sun allow.

    Values below 0 and at night become 0 W; the column keeps its name `pv_w`.
    """
    hours = pd.DatetimeIndex(expected.index).hour.to_numpy()
    values = expected["pv_w"].to_numpy(dtype=float) * np.array(correction.factors)[hours]
    values = np.clip(values, 0.0, place.inverter_w)
    if place.latitude is not None and place.longitude is not None:
        moments = zip(frames.starts_of(expected), frames.ends_of(expected), strict=True)
        dark = [is_night(*moment, place.latitude, place.longitude) for moment in moments]
        values = np.where(dark, 0.0, values)
    return expected.assign(pv_w=values)[["end", "pv_w"]]


def from_own_past(
    measured: pd.DataFrame, start: datetime, end: datetime, at: datetime
) -> pd.DataFrame | None:
    """Without any service: the mean of the last 14 days at the same time of day (UTC).

    Returns
    -------
    DataFrame or None
        Quarter-hours of `pv_w`; None if fewer than three days are known at any time of day.
    """
    seen = measured[(measured["end"] <= at) & (measured.index >= at - timedelta(FALLBACK_DAYS))]
    if seen.empty:
        return None
    past = steps.grid(frames.starts_of(seen)[0], frames.ends_of(seen)[-1], steps.QUARTER)
    fine = steps.resample(seen[["end", "pv_w"]], past, steps.QUARTER)["pv_w"].dropna()
    place = _quarter(pd.DatetimeIndex(fine.index))
    count = np.bincount(place, minlength=96)
    if count.min() < LEAST_DAYS:
        return None
    mean = np.bincount(place, weights=fine, minlength=96) / count
    ahead = steps.grid(start, end, steps.QUARTER)
    values = mean[_quarter(pd.DatetimeIndex(ahead))].tolist()
    return frames.frame_of(ahead, [moment + steps.QUARTER for moment in ahead], pv_w=values)


def _quarter(stamps: pd.DatetimeIndex) -> np.ndarray:
    quarters: np.ndarray = (stamps.hour * 4 + stamps.minute // 15).to_numpy()
    return quarters
