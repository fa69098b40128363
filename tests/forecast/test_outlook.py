"""Prices that nobody has published: like days, moved to the level of the last known day."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from optimizer.forecast.tariff_prices import like_days
from optimizer.model.moments import QUARTER

END = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)


def known(days, price):
    begin = END - days * DAY
    return np.array([price(begin + n * QUARTER) for n in range(96 * days)])


def test_the_same_weekday_counts_and_most_of_the_last_days_level_stays():
    """Mondays are dear at 18 h; the last day lies 2 ct above its own like days."""

    def price(at):
        level = 0.02 if at >= END - DAY else 0.0
        return 0.10 + level + (0.30 if at.weekday() == 0 and at.hour == 18 else 0.0)

    made = like_days(known(28, price), 96)
    assert len(made) == 96
    assert made[4 * 18] == pytest.approx(0.415)
    assert made[4 * 12] == pytest.approx(0.115)


def test_the_days_before_stand_in_for_weekdays_that_are_not_known():
    made = like_days(known(2, lambda at: 0.01 * at.hour), 96)
    assert made[4 * 7] == pytest.approx(0.07)


def test_a_hole_in_a_like_day_leaves_the_others():
    past = known(28, lambda at: 0.3 if at.day == 2 else 0.1)
    past[-7 * 96 : -6 * 96] = np.nan
    assert like_days(past, 96)[0] == pytest.approx((0.1 + 0.1 + 0.3) / 3)


def test_without_a_past_there_is_no_outlook():
    assert like_days(np.array([]), 96).size == 0


def test_it_ends_where_nothing_like_it_is_known():
    assert like_days(np.array([0.2] * 8), 192).size == 0
    assert len(like_days(np.array([0.2] * 10 + [np.nan] + [0.2] * 85), 96)) == 10


def test_only_what_follows_the_published_part_is_given():
    made = like_days(known(28, lambda at: 0.1 + 0.001 * at.hour), 96)
    assert made.tolist() == pytest.approx([0.1 + 0.001 * (n // 4) for n in range(96)])
