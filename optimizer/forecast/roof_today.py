"""What kind of day it is for the roof, by what it gave in the last two hours."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.forecast import roof
from optimizer.model.quarter import QUARTER
from optimizer.model.roof_days import RoofDays, seen

LOOKED_AT = timedelta(hours=2)
"""A single cloud says little, and the morning little of the afternoon."""

LIKELY = 0.5
"""A kind of day that is at least so likely is mentioned."""

LATE = timedelta(hours=1)
"""What is measured may end so long before the plan."""


def kinds(
    told: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: roof.Place, time_zone: str,
    *, correct: bool = True,
) -> RoofDays:  # fmt: skip
    """How likely days of less and of more roof than forecast are, today and later.

    Parameters
    ----------
    told, measured, at, place, correct
        As for `roof.expected`: the kinds are those of the corrected forecast.
    time_zone
        Whose midnights part the days.
    """
    pair = roof.pair_of(told, measured, at, place)
    last = pair[-round(LOOKED_AT / QUARTER) :]
    if last.empty or last.index[0] < at - LATE - LOOKED_AT:
        return RoofDays(time_zone)
    correction = roof.correction_of(pair) if correct else roof.Correction()
    factors = np.array(correction.factors)[pd.DatetimeIndex(last.index).hour]
    told_w = np.minimum(last["told"].to_numpy() * factors, place.inverter_w)
    return seen(time_zone, float(told_w.mean()), float(last["seen"].mean()))


def notes(days: RoofDays) -> tuple[str, ...]:
    """What the owner should know of today, where it is likely not a day as told."""
    weight, ratio = max(zip(days.today, days.ratios, strict=True))
    if weight < LIKELY or ratio == 1:
        return ()
    return (
        f"roof: by the last two hours it is a day of about {100 * ratio:.0f} % of its forecast "
        f"({100 * weight:.0f} % likely): what a stored kWh is worth reckons with that",
    )
