"""Checks of the unit of prices: a service may change it overnight.

Each adapter checks the declared unit; here the figures are compared. A mistake of unit is a power
of ten: it shows exactly against the known prices of the same hours, in the shape of a whole day
against the days before, and in the digits, since exchanges quote 0.01 EUR/MWh. A price's size alone
is no mistake: small zones have days of ten times the day before (Estonia, 5 January 2024), and
months of 0.5 EUR/MWh (northern Norway).
Figures from day-ahead prices of DE-LU, AT, CH, FR, NL and DK1, 2018 to 2026 (SMARD, CC BY 4.0): of
6,389 days none had the shape of one of the seven days before within `SAME_SHAPE` at more than four
times or less than a quarter of its level.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.http.failures import RejectedError
from optimizer.model.currency import EUR, Currency

LEVEL = (0.004, 0.9)
"""Mean of absolute all-in prices over a week or more [about EUR/kWh]; exchange prices beyond it are
looked at by their digits."""
COARSE_EUR_PER_KWH = 0.2
"""Mean of exchange prices above which their digits are looked at."""
QUOTED_EUR_PER_KWH = 1e-5
"""Smallest step of an exchange's price: 0.01 EUR/MWh."""
DISTINCT = 20
"""Fewest different prices whose digits say something."""
POWERS = (1, 2, 3)
"""Powers of ten between units of prices: ct/kWh, EUR/MWh, EUR/kWh."""
CHEAP_EUR_PER_KWH = 0.03
"""Mean of exchange prices below which more digits than an exchange's are doubted."""
FINE = -2
"""Digits that no rounding of an hourly mean explains."""
IMPOSSIBLE_EUR_PER_KWH = 2.0
"""Mean of absolute prices above every day of an exchange, with fees and VAT too."""
WEEK = timedelta(days=7)
APART_EUR_PER_KWH = 0.005
TIMES_APART = 5.0
COMMON_QUARTERS = 16
SIGNIFICANT_EUR_PER_KWH = 0.0005
"""Smaller prices say nothing about a factor [about EUR/kWh]."""
SIGNIFICANT_STEPS = 2
SAME = 0.02
"""Spread of a factor's decimal logarithm within which it is a power of ten."""
SAME_SHAPE = 0.15
"""The same for the hours of two days, of which nine in ten have to lie within."""
NEAR_POWER = 0.4
"""Distance of a day's factor from a power of ten, as a decimal logarithm: days differ."""
SHAPE_STEPS = 16
"""Fewest hours of a day that have a shape."""
DEAR_EUR_PER_KWH = 0.02
"""Level of the dearer of two days from which on their shapes are compared."""


def check(
    origin: str, fresh: pd.DataFrame, known: pd.DataFrame | None, money: Currency = EUR
) -> None:
    """Refuse fresh prices whose unit contradicts the known ones, or their own digits.

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
    power = _power_of_ten(before / money.size, now / money.size)
    if power:
        raise RejectedError(
            f"{origin}: its prices are {_times(power)} what they were for the same hours: its "
            "unit has changed, so they are not used"
        )
    _check_shapes(origin, now / money.size, before / money.size)
    mean, days = float(now.abs().mean()), len(_days(now))
    if days >= WEEK.days and _another_unit(now, mean, money):
        raise RejectedError(
            f"{origin}: a mean price of {mean:.4g} {money.code}/kWh over {days} days is not "
            "plausible: look at the unit"
        )


def _times(power: int) -> str:
    return f"{10**power} times" if power > 0 else f"a {10**-power}th of"


def _check_shapes(origin: str, now: "pd.Series[float]", before: "pd.Series[float]") -> None:
    """Refuse a new day that is one of the last days, hour by hour, at a power of ten."""
    old = _days(before)
    for day, new in _days(now).items():
        if day in old:
            continue
        for last in sorted(old)[-WEEK.days :]:
            power = _same_shape(old[last], new)
            if power:
                raise RejectedError(
                    f"{origin}: prices of {day} are {_times(power)} those of {last}, hour by hour: "
                    "they look like another unit, so they are not used"
                )


def _same_shape(old: "pd.Series[float]", new: "pd.Series[float]") -> int:
    """The power of ten between two days of one shape; 0 if there is none."""
    common = old.index.intersection(new.index)
    one, other = old[common].to_numpy(), new[common].to_numpy()
    significant = (one * other > 0) & (np.abs(one) > SIGNIFICANT_EUR_PER_KWH)
    if significant.sum() < SHAPE_STEPS:
        return 0
    one, other = np.abs(one[significant]), np.abs(other[significant])
    logarithms = np.log10(other / one)
    middle = float(np.median(logarithms))
    power, spread = round(middle), float(np.quantile(np.abs(logarithms - middle), 0.9))
    dear = max(np.median(one), np.median(other)) >= DEAR_EUR_PER_KWH
    return power if dear and spread < SAME_SHAPE and abs(middle - power) <= NEAR_POWER else 0


def _another_unit(prices: "pd.Series[float]", mean: float, money: Currency) -> bool:
    """Test the size of all-in prices, and beyond the usual size the digits of the exchange's."""
    usual = LEVEL[0] * money.size <= mean <= LEVEL[1] * money.size
    if prices.name != "spot_eur_per_kwh" or money != EUR:
        return not usual
    if mean > COARSE_EUR_PER_KWH:
        return (_power_by_digits(prices) or 0) > 0 or not usual
    return mean < LEVEL[0] and (_power_by_digits(prices) or 0) < 0


def _power_by_digits(prices: "pd.Series[float]") -> int | None:
    """The power of ten by which prices look multiplied: exchanges quote 0.01 EUR/MWh.

    Of prices ten times too high each is a whole 0.1 EUR/MWh (by chance one in ten is), of those a
    tenth of what they should be some have a digit more. None where few differ, or where they are no
    quotes: means, or with VAT.
    """
    quotes = np.unique(np.abs(prices.dropna().to_numpy())) / QUOTED_EUR_PER_KWH
    if not _whole(quotes):
        return next((-power for power in POWERS if _whole(quotes * 10**power)), None)
    if len(quotes) < DISTINCT:
        return None
    return next((power for power in reversed(POWERS) if _whole(quotes / 10**power)), 0)


def doubt(prices: "pd.Series[float]", money: Currency = EUR) -> str | None:
    """Sentence about an exchange's prices that look like a power of ten; None if they are usual.

    Digits alone are none: a table in ct/kWh may be rounded. They count where the level is unusual
    too.
    """
    if prices.name != "spot_eur_per_kwh" or money != EUR:
        return None
    mean, power = float(prices.abs().mean()), _power_by_digits(prices) or 0
    if not (power > 0 and mean > COARSE_EUR_PER_KWH) and not (
        power < 0 and mean < CHEAP_EUR_PER_KWH
    ):
        return None
    digits = "coarser" if power > 0 else "finer"
    return (
        f"prices of {mean * 1000:.4g} EUR/MWh on average, whose digits are {digits} than an "
        f"exchange's: are they {_times(power)} the right ones? Look at the unit"
    )


def check_table(origin: str, table: pd.DataFrame, money: Currency = EUR) -> None:
    """Refuse an owner's prices that cannot be in the unit that they are read in.

    Raises
    ------
    RejectedError
        With the mean price. What is only doubtful is `doubt`'s.
    """
    prices = prices_of(table)
    mean, unsure = float(prices.abs().mean()), doubt(prices, money)
    fine = unsure is not None and mean < LEVEL[0] and (_power_by_digits(prices) or 0) <= FINE
    coarse = unsure is not None and mean > LEVEL[1]
    if len(prices) >= DISTINCT and (fine or coarse or mean > IMPOSSIBLE_EUR_PER_KWH * money.size):
        raise RejectedError(
            f"{origin}: a mean price of {mean:.4g} {money.code}/kWh is not plausible: look at the "
            "unit"
        )


def _whole(quotes: "np.ndarray") -> bool:
    return bool((np.abs(quotes - np.round(quotes)) < 1e-4).all())


def prices_of(frame: pd.DataFrame) -> "pd.Series[float]":
    """The prices that stand for a frame: all-in ones where it has them, then stated net ones."""
    names = ("buy_eur_per_kwh", "energy_eur_per_kwh", "spot_eur_per_kwh", "sell_eur_per_kwh")
    return frame[next(name for name in names if name in frame.columns)]


def apart(
    first: pd.DataFrame, second: pd.DataFrame, money: Currency = EUR
) -> tuple[bool, str] | None:
    """Distance of two sources where both know a price: usable or not, and words; None if small.

    Means over all common quarters are compared, so that hours and quarters agree.
    """
    one, other = prices_of(first), prices_of(second)
    common = one.index.intersection(other.index)
    if len(common) < COMMON_QUARTERS:
        return None
    means = float(one[common].mean()), float(other[common].mean())
    if abs(means[0] - means[1]) <= APART_EUR_PER_KWH * money.size:
        return None
    size = sorted(abs(mean) for mean in means)
    usable = size[0] > 0 and size[1] / size[0] < TIMES_APART
    text = f"{money.number(means[0])} and {money.price(means[1])} on average"
    return usable, text if usable else f"{text}; it is not used"


def repeats(frame: pd.DataFrame, zone: ZoneInfo) -> bool:
    """Test for two last local days of the same prices, which exchanges never had."""
    prices = prices_of(frame)
    days = pd.DatetimeIndex(prices.index).tz_convert(zone).date
    last = [prices[days == day].tolist() for day in sorted(set(days))[-2:]]
    return len(last) == 2 and last[0] == last[1] and len(set(last[0])) > 1


def _days(prices: "pd.Series[float]") -> dict[date, "pd.Series[float]"]:
    """Hourly means of each day (UTC), by hour."""
    index = pd.DatetimeIndex(prices.index)
    hourly = prices.groupby([index.date, index.hour]).mean()
    return {
        day: hourly.loc[day] for day in dict.fromkeys(hourly.index.get_level_values(0).tolist())
    }


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
