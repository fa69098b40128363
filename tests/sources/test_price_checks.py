"""Another unit is seen by its size, a true price passes (the long campaign: bench/units.py)."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.http.failures import RejectedError
from optimizer.model import frames
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


@pytest.mark.parametrize("factor", [100, 1000])
def test_a_factor_against_the_weeks_before(factor):
    with pytest.raises(RejectedError, match="times those of the last weeks"):
        price_checks.check("x", steps(30, 2, factor), steps(0, 30))


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


def test_a_day_may_be_seven_times_dearer_and_any_times_cheaper():
    price_checks.check("x", steps(30, 1, 7), steps(0, 30))
    price_checks.check("x", steps(30, 1, 0.002), steps(0, 30))


def test_corrected_prices_are_no_factor():
    fresh = steps(29, 1)
    fresh.iloc[3, 1] = 0.9
    price_checks.check("x", fresh, steps(0, 30))


def test_one_hour_at_the_bound_of_the_market_passes():
    fresh = steps(30, 1)
    fresh.iloc[8, 1] = 2.10
    fresh.iloc[12, 1] = -0.5
    price_checks.check("x", fresh, steps(0, 30))
