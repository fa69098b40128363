"""Answers of sources, kept for later."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.store import database, series_cache
from optimizer.store.series_cache import SeriesValue

AT = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def day(value, start=AT, count=4):
    starts = [start + n * QUARTER for n in range(count)]
    return [SeriesValue("load_w", at, at + QUARTER, value) for at in starts]


def values(store, series="a", since=AT - timedelta(days=9)):
    return [row.value for row in series_cache.kept(store, series, since)]


def test_a_series_comes_back_as_it_was_answered(store):
    series_cache.keep(store, "a", AT, day(5.0))
    series_cache.keep(store, "b", AT, day(7.0))
    rows = series_cache.kept(store, "a", AT)
    assert [SeriesValue(*row[:4]) for row in rows] == day(5.0)
    assert {row.known_at for row in rows} == {AT}
    assert series_cache.kept(store, "a", AT + 2 * QUARTER) == rows[2:]


def test_a_forecast_is_replaced_until_its_time_has_come(store):
    series_cache.keep(store, "a", AT, day(5.0))
    series_cache.keep(store, "a", AT + QUARTER, day(6.0))
    assert values(store) == [5.0, 6.0, 6.0, 6.0]


def test_the_past_is_written_once(store):
    past = day(5.0, AT - timedelta(hours=2))
    series_cache.keep(store, "a", AT, past)
    series_cache.keep(store, "a", AT + QUARTER, day(6.0, AT - timedelta(hours=2)))
    assert values(store) == [5.0] * 4


def test_an_older_answer_replaces_no_newer_one(store):
    series_cache.keep(store, "a", AT, day(5.0))
    series_cache.keep(store, "a", AT - timedelta(hours=1), day(4.0))
    assert values(store) == [5.0] * 4


def test_what_is_older_than_forty_days_is_dropped(store):
    series_cache.keep(store, "a", AT, day(5.0))
    series_cache.keep(store, "b", AT + series_cache.REACH + timedelta(minutes=20), [])
    assert values(store) == [5.0, 5.0]


def test_prices_of_older_versions_are_kept_on(tmp_path):
    """Prices were a JSON text a day. Load and PV had keys of their own and are asked for anew."""
    added = next(n for n, sql in enumerate(database.MIGRATIONS) if "TABLE series_value" in sql)
    path = tmp_path / database.FILE_NAME
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:added])
        old = database.connect(tmp_path)
    at = "2026-11-22T18:30:00Z"
    first, second, third = "2026-11-22T00:00:00Z", "2026-11-22T01:00:00Z", "2026-11-22T01:15:00Z"
    days = {
        "2026-11-22": [[first, second, {"buy_eur_per_kwh": 0.3, "spot_eur_per_kwh": 0}],
                       [second, third, {"buy_eur_per_kwh": 0.2}]],
        "2026-11-20": [[1], 2, "x", [first, second, 3], [None, second, {"a": 1}], {"a": [1]}],
        "2026-11-19": {"a": 1},
    }  # fmt: skip
    for day, steps in days.items():
        old.execute("INSERT INTO price_day VALUES ('tibber', 'DE-LU||x|8.1', ?, ?, ?)",
                    (day, at, json.dumps(steps)))  # fmt: skip
    old.execute("INSERT INTO price_day VALUES ('tibber', 'AT', '2026-11-18', ?, '{')", (at,))
    old.close()
    assert path.exists()
    store = database.connect(tmp_path)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    prices = series_cache.kept(store, "prices tibber DE-LU||x|8.1", since)
    assert [(item.column, item.start.hour, item.value) for item in prices] == [
        ("buy_eur_per_kwh", 0, 0.3), ("spot_eur_per_kwh", 0, 0.0), ("buy_eur_per_kwh", 1, 0.2)
    ]  # fmt: skip
    assert store.execute("SELECT count(*) FROM series_value").fetchone() == (3,)
    store.close()
