"""Whether prices are of the size that they should be: a service may change its unit overnight.

Each adapter checks the declared unit. Here the figures speak: against what is already known of the
same hours, where a factor of ten is seen exactly; against the month before; and by themselves.
Figures from day-ahead prices of DE-LU, AT, CH, FR, NL and DK1, 2018 to 2026 (SMARD, CC BY 4.0),
with hours of -0.5 and +0.94 EUR/kWh among them: a day's mean of absolute prices is 0.003 to 3.6
times its median over the 30 days before; the mean over 30 days is 0.019 to 0.52 EUR/kWh.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean, median
from zoneinfo import ZoneInfo

from optimizer.sources.failures import RejectedError
from optimizer.store.price_days import PriceStep

MOST_TIMES = 8.0
"""A day may be this many times dearer than the median day before; cheap days have no bound."""
LEVEL = (0.004, 0.9)
"""Mean of absolute prices over a week or more [EUR/kWh]."""
WEEK = timedelta(days=7)
APART_EUR_PER_KWH = 0.005
TIMES_APART = 5.0
COMMON_QUARTERS = 16
TELLING_EUR_PER_KWH = 0.0005
"""Smaller prices say nothing about a factor."""
TELLING_STEPS = 2
SAME = 0.02
"""Spread of a factor's decimal logarithm within which it is a power of ten."""


def check(origin: str, fresh: Sequence[PriceStep], known: Sequence[PriceStep]) -> None:
    """Refuse fresh prices whose size contradicts what is known.

    Parameters
    ----------
    fresh, known
        Steps of one kind of price; the first price of each counts.

    Raises
    ------
    RejectedError
        Naming the factor.
    """
    before, now = _prices(known), _prices(fresh)
    power = _power_of_ten(before, now)
    if power:
        words = f"{10**power} times" if power > 0 else f"a {10**-power}th of"
        raise RejectedError(
            f"{origin}: its prices are {words} what they were for the same hours: its unit has "
            "changed, so they are not used"
        )
    days, new = _daily(before), _daily(now)
    usual = median(days.values()) if len(days) >= WEEK.days else None
    for day, mean in new.items():
        if usual is not None and mean > MOST_TIMES * usual and day not in days:
            raise RejectedError(
                f"{origin}: prices of {day} are {mean / usual:.0f} times those of the last weeks: "
                "they look like another unit (ct?), so they are not used"
            )
    level = fmean(new.values()) if len(new) >= WEEK.days else None
    if level is not None and not LEVEL[0] <= level <= LEVEL[1]:
        raise RejectedError(
            f"{origin}: a mean price of {level:.4g} EUR/kWh over {len(new)} days is not "
            "plausible: look at the unit"
        )


def apart(
    first: Mapping[datetime, Mapping[str, float]], second: Mapping[datetime, Mapping[str, float]]
) -> tuple[bool, str] | None:
    """How far two sources lie apart where both know a price: usable or not, and words.

    Means over all common quarters are compared, so that hours and quarters agree. None if they do.
    """
    common = first.keys() & second.keys()
    if len(common) < COMMON_QUARTERS:
        return None
    one, other = (
        fmean(next(iter(prices[at].values())) for at in common) for prices in (first, second)
    )
    if abs(one - other) <= APART_EUR_PER_KWH:
        return None
    size = sorted((abs(one), abs(other)))
    usable = size[0] > 0 and size[1] / size[0] < TIMES_APART
    text = f"{one * 100:.1f} and {other * 100:.1f} ct on average"
    return usable, text if usable else f"{text}; it is not used"


def repeats(steps: Sequence[PriceStep], zone: ZoneInfo) -> bool:
    """Whether the two last local days have the same prices, which exchanges never had."""
    days: dict[str, list[float]] = {}
    for step in steps:
        day = f"{step.start.astimezone(zone):%Y-%m-%d}"
        days.setdefault(day, []).append(next(iter(step.prices.values())))
    last = [days[day] for day in sorted(days)][-2:]
    return len(last) == 2 and last[0] == last[1] and len(set(last[0])) > 1


def _prices(steps: Sequence[PriceStep]) -> Mapping[datetime, float]:
    return {step.start: next(iter(step.prices.values())) for step in steps}


def _daily(prices: Mapping[datetime, float]) -> dict[str, float]:
    """Mean of absolute prices by day (UTC)."""
    days: dict[str, list[float]] = {}
    for at, price in prices.items():
        days.setdefault(f"{at:%Y-%m-%d}", []).append(abs(price))
    return {day: fmean(values) for day, values in days.items()}


def _power_of_ten(before: Mapping[datetime, float], now: Mapping[datetime, float]) -> int:
    """The power of ten by which all common prices differ; 0 if it is none or one."""
    pairs = [(before[at], now[at]) for at in now.keys() & before.keys()]
    telling = [
        math.log10(new / old)
        for old, new in pairs
        if old * new > 0 and abs(old) > TELLING_EUR_PER_KWH
    ]
    if len(telling) < TELLING_STEPS:
        return 0
    power = round(median(telling))
    return power if all(abs(value - power) < SAME for value in telling) else 0
