"""Ratios of load to its forecast, learned from the past."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.forecast.load_forecast import (
    DAYS,
    LEVEL_LIMITS,
    QUARTERS,
    KnownPast,
    known_quarters,
    quarter_of_day,
)
from optimizer.model.load_spread import GENERIC_RATIOS, HOURS, LoadSpread
from optimizer.model.moments import QUARTER

LOADS = 5
"""Count of loads of each step; three earn up to half a euro a year less."""

ENOUGH_KWH = 5.0
"""Forecast energy [kWh] that an hour of the day needs before its own figures count alone: a
fortnight of a small house. Below that the generic figures are mixed in."""


def learn_ratios(
    actual_w: Sequence[float],
    forecast_w: Sequence[float],
    local_hour: Sequence[int],
    step_hours: float,
    time_zone: str,
) -> LoadSpread:
    """The spread of a house from its own history.

    Parameters
    ----------
    actual_w, forecast_w
        Measured load and the forecast in use [W], step by step; steps where one of them is unknown
        (NaN) are left out.
    local_hour
        Hour of the local day in which each step begins, 0 to 23.
    step_hours
        Length of a step [h]: that of the plan's steps, since longer ones are smoother.

    Raises
    ------
    DataError
        If the time zone is unknown.
    """
    actual, forecast = np.asarray(actual_w, dtype=float), np.asarray(forecast_w, dtype=float)
    hour = np.asarray(local_hour, dtype=int)
    known = np.isfinite(actual) & np.isfinite(forecast) & (forecast > 0) & (actual >= 0)
    rows = []
    for index in range(HOURS):
        here = known & (hour == index)
        seen_kwh = float(forecast[here].sum()) * step_hours / 1000
        share = min(1.0, seen_kwh / ENOUGH_KWH)
        own = ratios(actual[here], forecast[here]) if actual[here].sum() > 0 else None
        generic = GENERIC_RATIOS[index]
        rows.append(generic if own is None else _mixed(own, generic, share))
    return LoadSpread(time_zone, tuple(rows))


def _mixed(own: tuple[float, ...], generic: tuple[float, ...], share: float) -> tuple[float, ...]:
    return tuple(
        share * mine + (1 - share) * other for mine, other in zip(own, generic, strict=True)
    )


def ratios(
    actual_w: Sequence[float] | np.ndarray, forecast_w: Sequence[float] | np.ndarray,
    loads: int = LOADS,
) -> tuple[float, ...]:  # fmt: skip
    """Equally likely ratios of actual to forecast load, rising, with a mean of exactly 1.

    The steps are sorted by their ratio and cut into parts of the same forecast energy; the ratio of
    a part is its actual over its forecast energy. So a large ratio counts by the energy that it
    moves, and no energy is lost. The forecast's own bias is taken out; the forecast corrects it.

    >>> ratios([0, 100, 200, 300], [150, 150, 150, 150], loads=2)
    (0.3333333333333333, 1.6666666666666667)
    """
    actual, forecast = np.asarray(actual_w, dtype=float), np.asarray(forecast_w, dtype=float)
    order = np.argsort(actual / forecast, kind="stable")
    expected = np.concatenate([[0.0], np.cumsum(forecast[order])])
    came = np.concatenate([[0.0], np.cumsum(actual[order])])
    edges = np.interp(np.linspace(0, expected[-1], loads + 1), expected, came)
    parts = np.diff(edges) * loads / edges[-1]
    return tuple(parts.tolist())


LEAST_DAYS = 7
"""Days of past that a forecast of the past needs, and count of such days that a spread needs."""


def spread_of(
    history: pd.DataFrame | None, at: datetime, zone: ZoneInfo, step: timedelta,
    most_w: float = np.inf,
) -> LoadSpread | None:  # fmt: skip
    """Ratios of this house's load to its forecast, learned from its last weeks.

    Parameters
    ----------
    history
        `load_w` of the past; None if there is none.
    step
        Of the plan: longer steps are smoother.
    most_w
        Highest power that fuse, battery and PV can carry together [W].

    Returns
    -------
    LoadSpread or None
        None while fewer than 14 days are known: then an average home counts.
    """
    return spread_from(known_quarters(history, at, zone, most_w), zone, step)


def spread_from(past: KnownPast, zone: ZoneInfo, step: timedelta) -> LoadSpread | None:
    """The same from known quarter-hours."""
    days = pd.factorize(past.starts[::-1].date)[0]
    if len(days) == 0 or days[-1] + 1 < 2 * LEAST_DAYS:
        return None
    came = np.full((days[-1] + 1, QUARTERS), np.nan)
    came[days, quarter_of_day(past.starts[::-1])] = past.load_w[::-1]
    forecast_w = _hindcast(came)
    group = max(1, round(step / QUARTER))
    shape = (-1, QUARTERS // group, group)
    came, forecast_w = (values.reshape(shape).mean(axis=2) for values in (came, forecast_w))
    hours = np.tile(np.arange(QUARTERS // group) * group // 4, len(came))
    return learn_ratios(
        came.ravel().tolist(), forecast_w.ravel().tolist(), hours.tolist(), group / 4, zone.key
    )


def _hindcast(came: np.ndarray) -> np.ndarray:
    """Each day's forecast as of its midnight, by `load_forecast`; NaN with too little past."""
    forecast_w = np.full_like(came, np.nan)
    for day in range(LEAST_DAYS, len(came)):
        before = came[max(0, day - DAYS) : day]
        known = np.isfinite(before)
        count = known.sum(axis=0)
        total = np.where(known, before, 0.0).sum(axis=0)
        profile = np.divide(total, count, out=np.full(QUARTERS, np.nan), where=count >= LEAST_DAYS)
        seen = np.isfinite(came[day - 1]) & np.isfinite(profile)
        if seen.sum() < QUARTERS / 2:
            continue
        level = came[day - 1][seen].sum() / profile[seen].sum()
        forecast_w[day] = profile * np.sqrt(np.clip(level, *LEVEL_LIMITS))
    return forecast_w
