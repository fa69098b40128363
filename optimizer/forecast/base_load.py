"""Base load of a house: what it needs while nobody is at home.

For each local hour the tenth part of its known quarter-hours in the last four weeks lie below it:
refrigerator, heating pump and what is never switched off, at the hour's own temperature and habits
of the heating, but hardly a meal or a wash. A lower quantile hits the meter's dropouts, a higher
one people. Until a week is known, a share of a standard household's mean stands in.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.forecast.load_forecast import known_quarters

QUANTILE = 0.1
"""Share of an hour's known quarter-hours below its base load."""

LEAST_QUARTERS = 28
"""Quarter-hours of an hour of the day that have to be known: those of a week."""

STANDARD_SHARE = 0.4
"""Base load over the mean load, while too little is known of the house. In the sample weeks of
`data/` it is 0.4 to 0.7, the more the house heats with power."""

HOURS = 24


def base_load_w(
    history: pd.DataFrame | None, at: datetime, zone: ZoneInfo, annual_kwh: float,
    most_w: float = np.inf,
) -> tuple[float, ...]:  # fmt: skip
    """Base load of each local hour, 0 to 23 [W].

    Parameters
    ----------
    history
        `load_w` of the past, means over its steps; None if there is none.
    at
        Now, the end of the known time.
    annual_kwh
        Annual consumption of the house, where too little is known of it.
    most_w
        Highest power that fuse, battery and PV can carry together [W].
    """
    past = known_quarters(history, at, zone, most_w)
    hours = past.starts.hour.to_numpy()
    standard_w = STANDARD_SHARE * annual_kwh * 1000 / 8_760
    found = []
    for hour in range(HOURS):
        known_w = past.load_w[hours == hour]
        enough = len(known_w) >= LEAST_QUARTERS
        found.append(float(np.quantile(known_w, QUANTILE)) if enough else standard_w)
    return tuple(round(watts, 2) for watts in found)
