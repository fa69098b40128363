"""What services told, kept for later."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.store import database, kept

AT = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def day(value, start=AT, count=4):
    return [(start + n * QUARTER, start + (n + 1) * QUARTER, value) for n in range(count)]


def values(store, series="a", since=AT - timedelta(days=9)):
    return [row.value for row in kept.rows(store, series, since)]


def test_a_series_comes_back_as_it_was_told(store):
    kept.keep(store, "a", AT, day(5.0))
    kept.keep(store, "b", AT, day(7.0))
    rows = kept.rows(store, "a", AT)
    assert [(row.start, row.end, row.value) for row in rows] == day(5.0)
    assert {row.known_at for row in rows} == {AT}
    assert kept.rows(store, "a", AT + 2 * QUARTER) == rows[2:]


def test_a_forecast_is_replaced_until_its_time_has_come(store):
    kept.keep(store, "a", AT, day(5.0))
    kept.keep(store, "a", AT + QUARTER, day(6.0))
    assert values(store) == [5.0, 6.0, 6.0, 6.0]


def test_the_past_is_written_once(store):
    past = day(5.0, AT - timedelta(hours=2))
    kept.keep(store, "a", AT, past)
    kept.keep(store, "a", AT + QUARTER, day(6.0, AT - timedelta(hours=2)))
    assert values(store) == [5.0] * 4


def test_an_older_word_replaces_no_newer_one(store):
    kept.keep(store, "a", AT, day(5.0))
    kept.keep(store, "a", AT - timedelta(hours=1), day(4.0))
    assert values(store) == [5.0] * 4


def test_what_is_older_than_forty_days_is_dropped(store):
    kept.keep(store, "a", AT, day(5.0))
    kept.keep(store, "b", AT + kept.REACH + timedelta(minutes=20), [])
    assert values(store) == [5.0, 5.0]
