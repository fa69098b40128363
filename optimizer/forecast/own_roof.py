"""Without any service: what the roof itself gave on the days before."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.forecast import steps
from optimizer.model import frames
from optimizer.model.quarter import QUARTER

DAYS = 14
LEAST_DAYS = 3
"""A mean of fewer days is weather, not a forecast."""


def from_own_past(
    measured: pd.DataFrame, start: datetime, end: datetime, at: datetime
) -> pd.DataFrame | None:
    """Without any service: the mean of the last 14 days at the same time of day (UTC).

    Returns
    -------
    DataFrame or None
        Quarter-hours of `pv_w`; None if fewer than three days are known at any time of day.
    """
    seen = measured[(measured["end"] <= at) & (measured.index >= at - timedelta(DAYS))]
    if seen.empty:
        return None
    past = steps.grid(frames.starts_of(seen)[0], frames.ends_of(seen)[-1], QUARTER)
    fine = steps.resample(seen[["end", "pv_w"]], past, QUARTER)["pv_w"].dropna()
    place = _quarter(pd.DatetimeIndex(fine.index))
    count = np.bincount(place, minlength=96)
    if count.min() < LEAST_DAYS:
        return None
    mean = np.bincount(place, weights=fine, minlength=96) / count
    ahead = steps.grid(start, end, QUARTER)
    values = mean[_quarter(pd.DatetimeIndex(ahead))].tolist()
    return frames.frame_of(ahead, [moment + QUARTER for moment in ahead], pv_w=values)


def _quarter(stamps: pd.DatetimeIndex) -> np.ndarray:
    quarters: np.ndarray = (stamps.hour * 4 + stamps.minute // 15).to_numpy()
    return quarters
