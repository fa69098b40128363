"""What the load's forecast would have said on the days before, beside what came."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.forecast import spread
from optimizer.forecast.load import (
    DAYS,
    LEVEL_LIMITS,
    QUARTERS,
    Past,
    known_quarters,
    quarter_of_day,
)
from optimizer.model.quarter import QUARTER
from optimizer.model.spread import LoadSpread

LEAST_DAYS = 7
"""So many days before it a forecast needs to be looked back on, and so many of them a spread."""


def spread_of(
    history: pd.DataFrame | None, at: datetime, zone: ZoneInfo, step: timedelta
) -> LoadSpread | None:
    """How far this house strays from its forecast, learned from its last weeks.

    Parameters
    ----------
    history
        `load_w` of the past; None if there is none.
    step
        Of the plan: longer steps are smoother.

    Returns
    -------
    LoadSpread or None
        None while fewer than 14 days are known: then an average home counts.
    """
    return spread_from(known_quarters(history, at, zone), zone, step)


def spread_from(past: Past, zone: ZoneInfo, step: timedelta) -> LoadSpread | None:
    """The same from known quarter-hours."""
    days = pd.factorize(past.starts[::-1].date)[0]
    if len(days) == 0 or days[-1] + 1 < 2 * LEAST_DAYS:
        return None
    came = np.full((days[-1] + 1, QUARTERS), np.nan)
    came[days, quarter_of_day(past.starts[::-1])] = past.load_w[::-1]
    told = _looked_back(came)
    group = max(1, round(step / QUARTER))
    shape = (-1, QUARTERS // group, group)
    came, told = (values.reshape(shape).mean(axis=2) for values in (came, told))
    hours = np.tile(np.arange(QUARTERS // group) * group // 4, len(came))
    return spread.learn(
        came.ravel().tolist(), told.ravel().tolist(), hours.tolist(), group / 4, zone.key
    )


def _looked_back(came: np.ndarray) -> np.ndarray:
    """Each day's forecast as of its midnight, by the method of `load`; NaN with too little past."""
    told = np.full_like(came, np.nan)
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
        told[day] = profile * np.sqrt(np.clip(level, *LEVEL_LIMITS))
    return told
