"""Prices that nobody has published: like days, moved to the level of the last known day."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.forecast.outlook import like_days
from optimizer.model.quarter import QUARTER

END = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)


def known(days, price):
    begin = END - days * DAY
    return {begin + n * QUARTER: price(begin + n * QUARTER) for n in range(96 * days)}


def test_the_same_weekday_counts_and_most_of_the_last_days_level_stays():
    """Mondays are dear at 18 h; the last day lies 2 ct above its own like days."""

    def price(at):
        level = 0.02 if at >= END - DAY else 0.0
        return 0.10 + level + (0.30 if at.weekday() == 0 and at.hour == 18 else 0.0)

    made = like_days(known(28, price), END, END + DAY)
    assert len(made) == 96
    assert made[END + timedelta(hours=18)] == pytest.approx(0.415)
    assert made[END + timedelta(hours=12)] == pytest.approx(0.115)


def test_the_days_before_stand_in_for_weekdays_that_are_not_known():
    made = like_days(known(2, lambda at: 0.01 * at.hour), END, END + DAY)
    assert made[END + timedelta(hours=7)] == pytest.approx(0.07)


def test_without_a_past_there_is_no_outlook():
    assert like_days({}, END, END + DAY) == {}


def test_it_ends_where_nothing_like_it_is_known():
    evening = {END - n * QUARTER: 0.2 for n in range(1, 9)}
    made = like_days(evening, END, END + 2 * DAY)
    assert made == {}


def test_the_published_part_is_not_touched():
    past = known(28, lambda at: 0.1)
    assert min(like_days(past, END, END + DAY)) == END
