"""Plans and journal in one SQLite file."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError, NoPlanError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent
from optimizer.model.state import Channel, Decision, Reason, Snapshot
from optimizer.planning.planner import Request, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.store import database, journal, live, plans

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(at=START, hours=6):
    steps = tuple(
        ForecastStep(at + n * HOUR, at + (n + 1) * HOUR, 0.2 + 0.05 * n, 0.08, 500.0, 0.0)
        for n in range(hours)
    )
    request = Request(at, "home", Battery(capacity_wh=10_000), Grid(), 50.0)
    return make_plan(steps, request, lambda: 0.0)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def test_a_plan_comes_back_as_it_was_stored(store):
    plan = made()
    number = plans.save(store, plan, {"why": "test"})
    assert plans.load(store, number) == plan
    assert plans.newest_number(store) == number
    assert plans.run_of(store, number) == {"why": "test"}
    (known,) = store.execute("SELECT count(*) FROM price").fetchone()
    assert known == len(plan.steps)


def test_the_newest_plan_that_covers_the_moment_is_in_force(store):
    old, new = made(hours=12), made(START + 2 * HOUR, hours=2)
    plans.save(store, old, {})
    plans.save(store, new, {})
    assert plans.in_force(store, START + 2 * HOUR) == new
    assert plans.in_force(store, START + 6 * HOUR) == old
    assert plans.in_force(store, START) == old


def test_without_a_plan_the_reason_is_said(store):
    with pytest.raises(NoPlanError, match="there is no plan yet: make one with 'optimizer plan'"):
        plans.in_force(store, START)
    plans.save(store, made(), {})
    for moment in (START - HOUR, START + 6 * HOUR):
        with pytest.raises(NoPlanError, match=r"runs from 2026-01-15T02:00:00Z to .*08:00:00Z"):
            plans.in_force(store, moment)


def test_a_damaged_plan_is_refused_whole(store):
    number = plans.save(store, made(), {})
    for damage in (
        "UPDATE plan SET body = x'00'",
        "UPDATE plan SET body = substr(body, 1, 100)",
        "UPDATE plan SET body = packed('{')",
        "UPDATE plan SET body = packed('{}')",
        "UPDATE plan SET body = packed('[]')",
    ):
        store.execute("SAVEPOINT before")
        store.execute(damage)
        with pytest.raises(NoPlanError):
            plans.load(store, number)
        store.execute("ROLLBACK TO before")
        store.execute("RELEASE before")
    for look in (plans.load, plans.run_of):
        with pytest.raises(NoPlanError, match="no plan 99"):
            look(store, 99)
    store.execute("UPDATE run SET input = x'00'")
    with pytest.raises(NoPlanError, match="the stored planning run cannot be read"):
        plans.run_of(store, number)


def test_a_plan_is_stored_whole_or_not_at_all(store):
    plans.save(store, made(), {})
    known = store.execute("SELECT * FROM price").fetchall()
    store.execute(
        "CREATE TRIGGER full BEFORE INSERT ON price WHEN new.start > '2026-01-15T04:00:00Z' "
        "BEGIN SELECT raise(ABORT, 'the disk is full'); END"
    )
    later = made(START + HOUR)
    with pytest.raises(sqlite3.IntegrityError, match="the disk is full"):
        plans.save(store, later, {})
    assert plans.newest_number(store) == 1
    assert store.execute("SELECT count(*) FROM run").fetchone() == (1,)
    assert store.execute("SELECT * FROM price").fetchall() == known


def test_the_file_is_durable_and_the_owners_alone(tmp_path):
    connection = database.connect(tmp_path / "state")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    connection.close()


def test_an_old_file_is_migrated_and_a_newer_one_refused(tmp_path):
    database.connect(tmp_path).close()
    again = database.connect(tmp_path)
    assert again.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
    again.execute(f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
    again.close()
    with pytest.raises(DataError, match=r"newer version.*update optimizer"):
        database.connect(tmp_path)


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"file/optimizer\.sqlite cannot be used"):
        database.connect(tmp_path / "file")
    (tmp_path / "optimizer.sqlite").write_text("this is not a database, only some text" * 50)
    with pytest.raises(DataError, match="not a database"):
        database.connect(tmp_path)


def test_the_journal_notes_changes_and_a_summary_each_quarter(store):
    book = journal.Journal(store)
    own, held = Decision(START, None, Reason.OWN_USE), Decision(
        START, -3_000, Reason.HOLDING, Intent.CHARGE, Channel.EQUALS, START, "cheap"
    )  # fmt: skip
    for second in range(0, 3_600, 10):
        at = START + timedelta(seconds=second)
        kind = held if second >= 1_800 else own
        grid_w = 100.0 if second % 20 else 300.0
        seen = Snapshot(at=at, soc_percent=50.0, grid_w=grid_w, pv_w=None)
        book.note(replace(kind, at=at), seen)
    book.flush()
    changes = journal.ticks(store, START, "change")
    assert [tick.reason for tick in changes] == ["OWN_USE", "HOLDING"]
    assert (changes[1].setpoint_w, changes[1].channel) == (-3_000, "SetActivePowerEquals")
    assert (changes[1].intent, changes[1].note) == ("charge", "cheap")
    summaries = journal.ticks(store, START, "summary")
    assert [tick.at[11:16] for tick in summaries] == ["02:15", "02:30", "02:45"]
    assert [tick.seconds for tick in summaries] == [900.0, 900.0, 900.0]
    assert [tick.held_share for tick in summaries] == [0.0, 0.0, 1.0]
    assert summaries[0].grid_w == pytest.approx(200.0)
    assert summaries[0].pv_w is None


def test_the_journal_knows_when_the_battery_was_full_last(store):
    book, own = journal.Journal(store), Decision(START, None, Reason.OWN_USE)
    for minute, soc in enumerate([50.0, 100.0, 99.0]):
        at = START + timedelta(minutes=minute)
        changed = replace(own, at=at, intent=list(Intent)[minute])
        book.note(changed, Snapshot(at=at, soc_percent=soc))
    assert journal.last_full(store) is None
    book.flush()
    assert journal.last_full(store) == START + timedelta(minutes=1)


def test_the_journal_writes_seldom(store):
    """A day of 10-second cycles with a change every ten minutes stays far below 2 MB."""
    book = journal.Journal(store)
    for second in range(0, 86_400, 10):
        at = START + timedelta(seconds=second)
        held = second // 600 % 2
        decision = Decision(
            at, -second if held else None, Reason.HOLDING if held else Reason.OWN_USE
        )
        book.note(decision, Snapshot(at=at, soc_percent=50.0, grid_w=float(second)))
    book.flush()
    (count,) = store.execute("SELECT count(*) FROM tick").fetchone()
    assert 95 + 144 <= count <= 96 + 145
    (pages,) = store.execute("PRAGMA page_count").fetchone()
    assert pages * 4096 < 200_000


def test_an_unreadable_fems_leaves_rows_without_values(store):
    book = journal.Journal(store)
    book.note(Decision(START, None, Reason.UNREACHABLE), None)
    book.flush()
    (tick,) = journal.ticks(store, START, "change")
    assert (tick.reason, tick.soc_percent, tick.grid_w) == ("UNREACHABLE", None, None)


def test_the_live_file_is_replaced_whole_and_private(tmp_path):
    path = tmp_path / "live.json"
    decision = Decision(START, -3_000, Reason.HOLDING, Intent.CHARGE, note="cheap")
    live.write(path, decision, Snapshot(at=START, soc_percent=51.0), 7)
    seen = live.read(path)
    assert seen is not None
    assert (seen["setpoint_w"], seen["reason"], seen["soc_percent"]) == (-3_000, "holding", 51.0)
    assert path.stat().st_mode & 0o077 == 0
    live.write(path, replace(decision, setpoint_w=None), None, 7)
    assert live.read(path)["soc_percent"] is None
    assert [item.name for item in tmp_path.iterdir()] == ["live.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "soon"}', "{}"])
def test_a_live_file_that_cannot_be_read_is_none(tmp_path, text):
    path = tmp_path / "live.json"
    path.write_text(text)
    assert live.read(path) is None
    assert live.read(tmp_path / "nothing") is None


def test_each_store_has_its_own_live_file(tmp_path, monkeypatch):
    assert live.path_for(tmp_path / "a") != live.path_for(tmp_path / "b")
    monkeypatch.setattr(live, "MEMORY_FOLDERS", (str(tmp_path / "none"),))
    assert live.path_for(tmp_path).name.startswith("optimizer-")


def test_a_damaged_newer_plan_leaves_the_whole_one_before_in_force(store):
    plan = made()
    plans.save(store, plan, {})
    plans.save(store, made(), {})
    store.execute("UPDATE plan SET body = x'7b' WHERE id = 2")
    assert plans.in_force(store, START) == plan
    store.execute("UPDATE plan SET body = x'7b'")
    with pytest.raises(NoPlanError, match="cannot be read"):
        plans.in_force(store, START)


def test_after_a_commit_that_failed_the_next_transaction_works(store):
    """A deferred constraint fails at the commit, as a full disk does."""
    store.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    store.execute("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), database.transaction(store):
        store.execute("INSERT INTO child VALUES (7)")
    with database.transaction(store):
        store.execute("INSERT INTO parent VALUES (1)")
    assert store.execute("SELECT count(*) FROM child").fetchone() == (0,)
