"""What the sources of load and roof have in common."""

from collections.abc import Iterable

import pandas as pd

from optimizer.sources import series
from optimizer.sources.failures import NotPublishedError
from optimizer.sources.series import Point


def frame(points: Iterable[Point], column: str, origin: str) -> pd.DataFrame:
    """Means over steps [W], in order; unknown values are holes: rows that are left out.

    Raises
    ------
    NotPublishedError
        If no value is known.
    RejectedError
        If a step or value is not what it should be, see `series.frame`.
    """
    made = series.frame(points, column, origin)
    if made.empty:
        raise NotPublishedError(f"{origin} knows nothing of this time")
    return made
