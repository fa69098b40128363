"""The record of quarter-hours and closed days in the store."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.store import closed_accounts, database, quarter_record
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
    journal.quarter(
        QuarterEnergy(
            AT,
            AT + QUARTER,
            300,
            drawn_wh=10,
            fed_wh=1,
            residual_load_wh=5,
            pv_wh=7,
            first_soc_wh=5_000,
            soc_wh=4_900,
        )
    )
    journal.flush()
    journal.quarter(
        QuarterEnergy(
            AT,
            AT + QUARTER,
            500,
            drawn_wh=20,
            fed_wh=2,
            surplus_wh=6,
            pv_wh=7,
            first_soc_wh=4_800,
            soc_wh=4_700,
        )
    )
    journal.flush()
    (found,) = quarter_record.between(store, AT, AT + QUARTER)
    assert found == QuarterEnergy(
        AT,
        AT + QUARTER,
        800,
        drawn_wh=30,
        fed_wh=3,
        residual_load_wh=5,
        surplus_wh=6,
        pv_wh=14,
        first_soc_wh=5_000,
        soc_wh=4_700,
    )
    assert quarter_record.between(store, AT + QUARTER, AT + 2 * QUARTER) == []
    assert quarter_record.sums(store, AT).seconds == 800


def test_what_is_unknown_in_a_part_stays_unknown(store):
    for pv_wh in (7.0, None, 7.0):
        with database.transaction(store):
            quarter_record.add(store, [QuarterEnergy(AT, AT, 100, pv_wh=pv_wh)])
    (found,) = quarter_record.between(store, AT, AT + QUARTER)
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
        quarter_record.add(connection, [QuarterEnergy(AT, AT, 500, drawn_wh=9)])
    assert quarter_record.between(connection, AT, AT + QUARTER) == []
    assert quarter_record.sums(connection, AT).seconds == 900
    connection.close()


def test_a_store_of_the_former_names_is_migrated(tmp_path, monkeypatch):
    renamed = next(i for i, sql in enumerate(database.MIGRATIONS) if "RENAME COLUMN" in sql)
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:renamed])
        old = database.connect(tmp_path)
        columns = "start, seconds, bought_wh, sold_wh, held_bought_wh, held_sold_wh"
        old.execute(
            f"INSERT INTO quarter ({columns}, drawn_wh, short_wh, spare_wh) "  # noqa: S608
            "VALUES (?, 900, 0, 0, 0, 0, 1, 2, 3)",
            ("2026-01-15T02:00:00Z",),
        )
        old.execute(
            "INSERT INTO ledger_day VALUES ('2026-01-14', 'home', '2026-01-15', ?)",
            ('{"own_use_bill_eur": 1.5, "own_use_wear_eur": 0.5}',),
        )
        for reason, intent in (("OWN_USE", "own_use"), ("MISHAP", None), ("HOLDING", "charge")):
            old.execute(
                "INSERT INTO tick (kind, at, seconds, reason, intent, note) "
                "VALUES ('change', '2026-01-15T02:00:00Z', 1, ?, ?, '')",
                (reason, intent),
            )
        old.close()
    connection = database.connect(tmp_path)
    (found,) = quarter_record.between(connection, AT, AT + QUARTER)
    assert (found.residual_load_wh, found.surplus_wh) == (2, 3)
    assert closed_accounts.load(connection, "2026-01-14", "2026-01-14") == {
        "2026-01-14": {"self_consumption_bill_eur": 1.5, "self_consumption_wear_eur": 0.5}
    }
    ticks = connection.execute("SELECT reason, intent FROM tick ORDER BY id").fetchall()
    assert ticks == [
        ("SELF_CONSUMPTION", "self_consumption"), ("INTERNAL_ERROR", None), ("HOLDING", "charge"),
    ]  # fmt: skip
    connection.close()


def test_a_closed_day_stays_as_it_is(store):
    closed_accounts.save(store, "2026-01-14", "home", AT, {"bill_eur": 1.5})
    closed_accounts.save(store, "2026-01-14", "home", AT, {"bill_eur": 9.9})
    closed_accounts.save(store, "2026-01-15", "home", AT, {"bill_eur": 2.5})
    assert closed_accounts.load(store, "2026-01-01", "2026-01-14") == {
        "2026-01-14": {"bill_eur": 1.5}
    }
    with pytest.raises(sqlite3.IntegrityError):
        store.execute("INSERT INTO ledger_day VALUES ('2026-01-14', '', '', '')")
