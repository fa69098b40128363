"""Checks of the size of prices: a service may change its unit overnight.

Each adapter checks the declared unit; here the figures are compared: with the known prices of the
same hours, where a factor of ten shows exactly; with the month before; and by themselves.
Figures from day-ahead prices of DE-LU, AT, CH, FR, NL and DK1, 2018 to 2026 (SMARD, CC BY 4.0),
with hours of -0.5 and +0.94 EUR/kWh among them: a day's mean of absolute prices is 0.003 to 3.6
times its median over the 30 days before; the mean over 30 days is 0.019 to 0.52 EUR/kWh.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.http.failures import RejectedError

MOST_TIMES = 8.0
"""A day may be this many times dearer than the median day before; cheap days have no bound."""
LEVEL = (0.004, 0.9)
"""Mean of absolute prices over a week or more [EUR/kWh]."""
WEEK = timedelta(days=7)
APART_EUR_PER_KWH = 0.005
TIMES_APART = 5.0
COMMON_QUARTERS = 16
SIGNIFICANT_EUR_PER_KWH = 0.0005
"""Smaller prices say nothing about a factor."""
SIGNIFICANT_STEPS = 2
SAME = 0.02
"""Spread of a factor's decimal logarithm within which it is a power of ten."""


def check(origin: str, fresh: pd.DataFrame, known: pd.DataFrame | None) -> None:
    """Refuse fresh prices whose size contradicts the known ones.

    Parameters
    ----------
    fresh, known
        Frames of one kind of price, on steps of any length.

    Raises
    ------
    RejectedError
        With the factor.
    """
    now = prices_of(fresh)
    before = now.iloc[:0] if known is None else prices_of(known)
    power = _power_of_ten(before, now)
    if power:
        words = f"{10**power} times" if power > 0 else f"a {10**-power}th of"
        raise RejectedError(
            f"{origin}: its prices are {words} what they were for the same hours: its unit has "
            "changed, so they are not used"
        )
    days, new = _daily(before), _daily(now)
    dear = new[~new.index.isin(days.index)] / days.median() if len(days) >= WEEK.days else new[:0]
    dear = dear[dear > MOST_TIMES]
    if len(dear):
        raise RejectedError(
            f"{origin}: prices of {dear.index[0]} are {dear.iloc[0]:.0f} times those of the last "
            "weeks: they look like another unit (ct?), so they are not used"
        )
    if len(new) >= WEEK.days and not LEVEL[0] <= new.mean() <= LEVEL[1]:
        raise RejectedError(
            f"{origin}: a mean price of {new.mean():.4g} EUR/kWh over {len(new)} days is not "
            "plausible: look at the unit"
        )


def prices_of(frame: pd.DataFrame) -> "pd.Series[float]":
    """The prices that stand for a frame: all-in ones where it has them, then stated net ones."""
    names = ("buy_eur_per_kwh", "energy_eur_per_kwh", "spot_eur_per_kwh")
    return frame[next(name for name in names if name in frame.columns)]


def apart(first: pd.DataFrame, second: pd.DataFrame) -> tuple[bool, str] | None:
    """Distance of two sources where both know a price: usable or not, and words; None if small.

    Means over all common quarters are compared, so that hours and quarters agree.
    """
    one, other = prices_of(first), prices_of(second)
    common = one.index.intersection(other.index)
    if len(common) < COMMON_QUARTERS:
        return None
    means = float(one[common].mean()), float(other[common].mean())
    if abs(means[0] - means[1]) <= APART_EUR_PER_KWH:
        return None
    size = sorted(abs(mean) for mean in means)
    usable = size[0] > 0 and size[1] / size[0] < TIMES_APART
    text = f"{means[0] * 100:.1f} and {means[1] * 100:.1f} ct on average"
    return usable, text if usable else f"{text}; it is not used"


def repeats(frame: pd.DataFrame, zone: ZoneInfo) -> bool:
    """Test for two last local days of the same prices, which exchanges never had."""
    prices = prices_of(frame)
    days = pd.DatetimeIndex(prices.index).tz_convert(zone).date
    last = [prices[days == day].tolist() for day in sorted(set(days))[-2:]]
    return len(last) == 2 and last[0] == last[1] and len(set(last[0])) > 1


def _daily(prices: "pd.Series[float]") -> "pd.Series[float]":
    """Mean of absolute prices by day (UTC)."""
    means: pd.Series[float] = prices.abs().groupby(pd.DatetimeIndex(prices.index).date).mean()
    return means


def _power_of_ten(before: "pd.Series[float]", now: "pd.Series[float]") -> int:
    """The power of ten by which all common prices differ; 0 if there is none, or it is one."""
    common = before.index.intersection(now.index)
    old, new = before[common].to_numpy(), now[common].to_numpy()
    significant = (old * new > 0) & (np.abs(old) > SIGNIFICANT_EUR_PER_KWH)
    if significant.sum() < SIGNIFICANT_STEPS:
        return 0
    logarithms = np.log10(new[significant] / old[significant])
    power = round(float(np.median(logarithms)))
    return power if bool((np.abs(logarithms - power) < SAME).all()) else 0
