"""Another unit is seen by its size, a true price passes (the long campaign: bench/units.py)."""

from datetime import UTC, datetime, timedelta
from math import pi, sin
from random import Random

import pytest

from optimizer.http.failures import RejectedError
from optimizer.model import frames
from optimizer.model.currency import CURRENCIES
from optimizer.sources import price_checks

BEGIN, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)


def steps(first_day, days, factor=1.0, column="spot_eur_per_kwh"):
    """A quiet winter: 5 to 16 ct, now and then 0."""
    starts = [BEGIN + (24 * first_day + n) * HOUR for n in range(24 * days)]
    prices = [factor * ((at.hour * 7 + at.day) % 12) * 0.0145 for at in starts]
    return frames.frame_of(starts, [at + HOUR for at in starts], **{column: prices})


@pytest.mark.parametrize("factor", [10, 100, 1000, 0.1, 0.01, 0.001])
def test_a_factor_against_known_hours_is_seen_exactly(factor):
    with pytest.raises(RejectedError, match=r"(10+ times|a 10+th of) what they were for the same"):
        price_checks.check("x", steps(29, 2, factor), steps(0, 30))


def days_of(prices, first_day=0):
    """Days of 24 prices each."""
    flat = [price for day in prices for price in day]
    starts = [BEGIN + (24 * first_day + n) * HOUR for n in range(len(flat))]
    return frames.frame_of(starts, [at + HOUR for at in starts], spot_eur_per_kwh=flat)


def usual(day, level=0.1):
    """A day with a night, two peaks and its own noise, in whole quotes of 0.01 EUR/MWh."""
    rng = Random(day)  # noqa: S311
    return [
        round(level * (1 + 0.35 * sin((hour - 6) * pi / 6)) * rng.uniform(0.93, 1.07), 5)
        for hour in range(24)
    ]


PAST = [usual(day) for day in range(30)]


@pytest.mark.parametrize("factor", [10, 100, 1000, 0.1, 0.01, 0.001])
def test_a_day_of_the_same_shape_at_a_power_of_ten(factor):
    wrong = days_of([[factor * price for price in usual(30)]], 30)
    with pytest.raises(
        RejectedError, match=r"(10+ times|a 10+th of) those of 2026-01-\d\d, hour by"
    ):
        price_checks.check("x", wrong, days_of(PAST))


def test_a_dear_day_of_a_small_zone_is_right():
    """Estonia, 5 January 2024: a mean of 890.54 EUR/MWh after 104.77, at most 1,896."""
    shape = [0.25] * 6 + [0.9, 1.3, 1.6, 1.4, 1.2, 1.1, 1.0, 0.9, 0.95, 1.2, 1.7, 2.13, 1.9, 1.3,
                          0.9, 0.55, 0.35, 0.27]  # fmt: skip
    mean = sum(shape) / 24
    dear = [round(0.89054 * part / mean, 5) for part in shape]
    before = [[round(0.10477 * price / 0.1, 5) for price in usual(day)] for day in range(30)]
    price_checks.check("x", days_of([dear], 30), days_of(before))
    price_checks.check("x", days_of([*before, dear]), None)


def test_a_month_of_a_zone_with_hardly_any_price_is_right_and_a_thousandth_is_not():
    """Northern Norway: 0.2 to 0.9 EUR/MWh, in whole quotes; a thousandth has more digits."""
    low = [[round(price / 200, 5) for price in day] for day in PAST]
    price_checks.check("x", days_of(low), None)
    price_checks.check("x", days_of([usual(31)], 31), days_of(low))
    with pytest.raises(RejectedError, match="is not plausible: look at the unit"):
        price_checks.check("x", days_of([[price / 1000 for price in day] for day in PAST]), None)


def test_ten_times_the_price_shows_in_the_digits():
    """Prices of August 2022 are as high, and have a hundredth of a EUR/MWh in them."""
    high = [[round(price * 4.371, 5) for price in day] for day in PAST]
    price_checks.check("x", days_of(high), None)
    with pytest.raises(RejectedError, match="is not plausible: look at the unit"):
        price_checks.check("x", days_of([[10 * price for price in day] for day in PAST]), None)


@pytest.mark.parametrize("days", [1, 2, 30])
@pytest.mark.parametrize(("factor", "told"), [(1, ""), (10, "10 times"), (0.1, "a 10th of")])
def test_a_table_that_nothing_is_known_beside_is_doubted_by_its_digits(days, factor, told):
    """A day is enough: level and digits together; right prices are never doubted."""
    prices = days_of(
        [[round(factor * round(0.6 * price, 5), 7) for price in day] for day in PAST[:days]]
    )
    said = price_checks.doubt(price_checks.prices_of(prices))
    assert (said is not None) is bool(told)
    assert told in (said or "")
    price_checks.check_table("x", prices)


def test_rounded_prices_of_a_dear_week_are_told_and_not_refused():
    """12 December 2024 in ct/kWh with two decimals looks like ten times 39.5 EUR/MWh."""
    dear = days_of([[round(4 * price, 4) for price in day] for day in PAST[:2]])
    assert "coarser" in price_checks.doubt(price_checks.prices_of(dear))
    price_checks.check_table("x", dear)
    usual = days_of([[round(price, 4) for price in day] for day in PAST[:2]])
    assert price_checks.doubt(price_checks.prices_of(usual)) is None


@pytest.mark.parametrize("factor", [1e-3, 1e-2, 10, 25.3])
def test_a_table_beyond_any_day_is_refused(factor):
    wrong = days_of([[round(factor * price, 9) for price in day] for day in PAST[:2]])
    with pytest.raises(RejectedError, match=r"x: a mean price of .* is not plausible: look at the"):
        price_checks.check_table("x", wrong)
    kroner = wrong.rename(columns={"spot_eur_per_kwh": "buy_eur_per_kwh"})
    price_checks.check_table("x", kroner, CURRENCIES["SEK"])


def test_all_in_prices_are_judged_in_their_currency():
    kroner = steps(0, 30, 25, "buy_eur_per_kwh")
    price_checks.check("x", kroner, None, CURRENCIES["SEK"])
    with pytest.raises(RejectedError, match=r"EUR/kWh over 30 days is not plausible"):
        price_checks.check("x", kroner, None)


@pytest.mark.parametrize("factor", [100, 0.01])
def test_a_factor_by_itself(factor):
    with pytest.raises(RejectedError, match=r"over 30 days is not plausible: look at the unit"):
        price_checks.check("x", steps(0, 30, factor), None)


def test_right_prices_pass_with_and_without_a_past():
    price_checks.check("x", steps(29, 2), steps(0, 30))
    price_checks.check("x", steps(30, 2), steps(0, 30))
    price_checks.check("x", steps(0, 30), None)
    price_checks.check("x", steps(0, 1), None)
    price_checks.check("x", steps(0, 1), steps(0, 1))


def test_corrected_prices_are_no_factor():
    fresh = steps(29, 1)
    fresh.iloc[3, 1] = 0.9
    price_checks.check("x", fresh, steps(0, 30))


def test_one_hour_at_the_bound_of_the_market_passes():
    fresh = steps(30, 1)
    fresh.iloc[8, 1] = 2.10
    fresh.iloc[12, 1] = -0.5
    price_checks.check("x", fresh, steps(0, 30))
