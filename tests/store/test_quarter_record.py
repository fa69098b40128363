"""The record of quarter-hours and closed days in the store."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model.exchange import Quarter
from optimizer.store import database, exchange, ledger_days
from optimizer.store.journal import Journal

AT = datetime(2026, 1, 15, 2, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def test_parts_of_a_quarter_hour_add_up(store):
    journal = Journal(store)
    journal.quarter(Quarter(AT, AT + QUARTER, 300, drawn_wh=10, fed_wh=1, short_wh=5, pv_wh=7,
                            first_soc_wh=5_000, soc_wh=4_900))  # fmt: skip
    journal.flush()
    journal.quarter(Quarter(AT, AT + QUARTER, 500, drawn_wh=20, fed_wh=2, spare_wh=6, pv_wh=7,
                            first_soc_wh=4_800, soc_wh=4_700))  # fmt: skip
    journal.flush()
    (found,) = exchange.between(store, AT, AT + QUARTER)
    assert found == Quarter(AT, AT + QUARTER, 800, drawn_wh=30, fed_wh=3, short_wh=5, spare_wh=6,
                            pv_wh=14, first_soc_wh=5_000, soc_wh=4_700)  # fmt: skip
    assert exchange.between(store, AT + QUARTER, AT + 2 * QUARTER) == []
    assert exchange.sums(store, AT).seconds == 800


def test_what_is_unknown_in_a_part_stays_unknown(store):
    for pv_wh in (7.0, None, 7.0):
        with database.transaction(store):
            exchange.add(store, [Quarter(AT, AT, 100, pv_wh=pv_wh)])
    (found,) = exchange.between(store, AT, AT + QUARTER)
    assert (found.pv_wh, found.seconds) == (None, 300)


def test_quarter_hours_of_older_versions_are_no_measurement(tmp_path, monkeypatch):
    added = next(i for i, sql in enumerate(database.MIGRATIONS) if "drawn_wh" in sql)
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:added])
        old = database.connect(tmp_path)
        old.execute("INSERT INTO quarter VALUES (?, 400, 1, 2, 0, 0)", ("2026-01-15T02:00:00Z",))
        old.close()
    connection = database.connect(tmp_path)
    with database.transaction(connection):
        exchange.add(connection, [Quarter(AT, AT, 500, drawn_wh=9)])
    assert exchange.between(connection, AT, AT + QUARTER) == []
    assert exchange.sums(connection, AT).seconds == 900
    connection.close()


def test_a_closed_day_stays_as_it_is(store):
    ledger_days.save(store, "2026-01-14", "home", AT, {"bill_eur": 1.5})
    ledger_days.save(store, "2026-01-14", "home", AT, {"bill_eur": 9.9})
    ledger_days.save(store, "2026-01-15", "home", AT, {"bill_eur": 2.5})
    assert ledger_days.load(store, "2026-01-01", "2026-01-14") == {"2026-01-14": {"bill_eur": 1.5}}
    with pytest.raises(sqlite3.IntegrityError):
        store.execute("INSERT INTO ledger_day VALUES ('2026-01-14', '', '', '')")
