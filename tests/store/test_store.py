"""Plans and journal in one SQLite file."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError, NoPlanError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.store import database, journal, live_state, plan_store

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(at=START, hours=6):
    steps = tuple(
        ForecastStep(at + n * HOUR, at + (n + 1) * HOUR, 0.2 + 0.05 * n, 0.08, 500.0, 0.0)
        for n in range(hours)
    )
    request = PlanRequest(at, "home", Battery(capacity_wh=10_000), Grid(), 50.0)
    return make_plan(steps, request, lambda: 0.0)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def test_a_plan_comes_back_as_it_was_stored(store):
    plan = made()
    number = plan_store.save(store, plan, {"why": "test"})
    assert plan_store.load(store, number) == plan
    assert plan_store.number_in_force(store, START) == number
    assert plan_store.run_of(store, number) == {"why": "test"}
    (known,) = store.execute("SELECT count(*) FROM price").fetchone()
    assert known == len(plan.steps)


def quarters(prices, at, minutes):
    """A plan from a moment on, in steps that end on the clock; a price for each step."""
    ends = [START + (n + 1) * timedelta(minutes=minutes) for n in range(len(prices))]
    spans = zip([at, *ends], ends, prices, strict=False)
    steps = tuple(ForecastStep(*span, 0.08, 500.0, 0.0) for span in spans)
    request = PlanRequest(at, "home", Battery(10_000), Grid(), 50.0, step_s=60 * minutes)
    return make_plan(steps, request, lambda: 0.0)


@pytest.mark.parametrize(
    ("minutes", "kept"),
    [
        (15, [("02:00", 900, 0.3), ("02:15", 900, 0.2)]),
        (
            60,
            [("02:00", 3600, 0.1), ("02:30", 900, 0.3), ("02:45", 900, 0.3), ("03:00", 3600, 0.2)],
        ),
    ],
)
def test_a_plan_within_a_step_keeps_no_price_for_the_part_before(store, minutes, kept):
    """Its price is a mean over the rest: of the quarter-hours before it says nothing."""
    part = timedelta(minutes=40 if minutes == 60 else 5, seconds=12)
    plan_store.save(store, quarters([0.1, 0.2], START, minutes), {})
    plan = quarters([0.3, 0.2], START + part, minutes)
    assert plan.step_s == 60 * minutes
    plan_store.save(store, plan, {})
    known = plan_store.prices(store, START, START + 3 * HOUR)
    rows = sorted((f"{at:%H:%M}", step_s, buy) for at, step_s, buy, _ in known)
    assert rows == kept


def test_a_plan_within_a_step_is_in_force_from_its_moment_on(store):
    old, new = quarters([0.1, 0.2], START, 60), quarters([0.3, 0.2], START + HOUR / 2, 60)
    plan_store.save(store, old, {})
    plan_store.save(store, new, {})
    just_before = START + HOUR / 2 - timedelta(seconds=1)
    assert plan_store.in_force(store, just_before) == old
    assert plan_store.in_force(store, START + HOUR / 2) == new


def test_the_newest_plan_that_covers_the_moment_is_in_force(store):
    old, new = made(hours=12), made(START + 2 * HOUR, hours=2)
    plan_store.save(store, old, {})
    plan_store.save(store, new, {})
    assert plan_store.in_force(store, START + 2 * HOUR) == new
    assert plan_store.in_force(store, START + 6 * HOUR) == old
    assert plan_store.in_force(store, START) == old


def test_without_a_plan_the_reason_is_said(store):
    with pytest.raises(NoPlanError, match="there is no plan yet: make one with 'optimizer plan'"):
        plan_store.in_force(store, START)
    plan_store.save(store, made(), {})
    for moment in (START - HOUR, START + 6 * HOUR):
        with pytest.raises(NoPlanError, match=r"runs from 2026-01-15T02:00:00Z to .*08:00:00Z"):
            plan_store.in_force(store, moment)


def test_a_damaged_plan_is_refused_whole(store):
    number = plan_store.save(store, made(), {})
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
            plan_store.load(store, number)
        store.execute("ROLLBACK TO before")
        store.execute("RELEASE before")
    for poll in (plan_store.load, plan_store.run_of):
        with pytest.raises(NoPlanError, match="no plan 99"):
            poll(store, 99)
    store.execute("UPDATE run SET input = x'00'")
    with pytest.raises(NoPlanError, match="the stored planning run cannot be read"):
        plan_store.run_of(store, number)


def test_a_plan_is_stored_whole_or_not_at_all(store):
    plan_store.save(store, made(), {})
    known = store.execute("SELECT * FROM price").fetchall()
    store.execute(
        "CREATE TRIGGER full BEFORE INSERT ON price WHEN new.start > '2026-01-15T04:00:00Z' "
        "BEGIN SELECT raise(ABORT, 'the disk is full'); END"
    )
    later = made(START + HOUR)
    with pytest.raises(sqlite3.IntegrityError, match="the disk is full"):
        plan_store.save(store, later, {})
    assert store.execute("SELECT max(id) FROM plan").fetchone() == (1,)
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


def test_the_journal_notes_changes_and_a_summary_each_quarter(store):
    active_plan = journal.Journal(store)
    own, held = Decision(START, None, Reason.SELF_CONSUMPTION), Decision(
        START, -3_000, Reason.HOLDING, Intent.CHARGE, Channel.EQUALS, START, "cheap"
    )  # fmt: skip
    for second in range(0, 3_600, 10):
        at = START + timedelta(seconds=second)
        kind = held if second >= 1_800 else own
        grid_w = 100.0 if second % 20 else 300.0
        seen = Snapshot(at=at, soc_percent=50.0, grid_w=grid_w, pv_w=None)
        active_plan.note(replace(kind, at=at), seen)
    active_plan.flush()
    changes = journal.ticks(store, START, "change")
    assert [tick.reason for tick in changes] == ["SELF_CONSUMPTION", "HOLDING"]
    assert (changes[1].setpoint_w, changes[1].channel) == (-3_000, "SetActivePowerEquals")
    assert (changes[1].intent, changes[1].note) == ("charge", "cheap")
    summaries = journal.ticks(store, START, "summary")
    assert [tick.at[11:16] for tick in summaries] == ["02:15", "02:30", "02:45"]
    assert [tick.seconds for tick in summaries] == [900.0, 900.0, 900.0]
    assert [tick.held_share for tick in summaries] == [0.0, 0.0, 1.0]
    assert summaries[0].grid_w == pytest.approx(200.0)
    assert summaries[0].pv_w is None


def test_the_journal_knows_when_the_battery_was_full_last(store):
    active_plan, own = journal.Journal(store), Decision(START, None, Reason.SELF_CONSUMPTION)
    for minute, soc in enumerate([50.0, 100.0, 99.0]):
        at = START + timedelta(minutes=minute)
        changed = replace(own, at=at, intent=list(Intent)[minute])
        active_plan.note(changed, Snapshot(at=at, soc_percent=soc))
    assert journal.last_full(store) is None
    active_plan.flush()
    assert journal.last_full(store) == START + timedelta(minutes=1)


def test_the_journal_writes_seldom(store):
    """A day of 10-second cycles with a change every ten minutes stays far below 2 MB."""
    active_plan = journal.Journal(store)
    for second in range(0, 86_400, 10):
        at = START + timedelta(seconds=second)
        held = second // 600 % 2
        decision = Decision(
            at, -second if held else None, Reason.HOLDING if held else Reason.SELF_CONSUMPTION
        )
        active_plan.note(decision, Snapshot(at=at, soc_percent=50.0, grid_w=float(second)))
    active_plan.flush()
    (count,) = store.execute("SELECT count(*) FROM tick").fetchone()
    assert 95 + 144 <= count <= 96 + 145
    (pages,) = store.execute("PRAGMA page_count").fetchone()
    assert pages * 4096 < 200_000


def test_an_unreadable_fems_leaves_rows_without_values(store):
    active_plan = journal.Journal(store)
    active_plan.note(Decision(START, None, Reason.UNREACHABLE), None)
    active_plan.flush()
    (tick,) = journal.ticks(store, START, "change")
    assert (tick.reason, tick.soc_percent, tick.grid_w) == ("UNREACHABLE", None, None)


def test_the_live_file_is_replaced_whole_and_private(tmp_path):
    path = tmp_path / "live.json"
    decision = Decision(START, -3_000, Reason.HOLDING, Intent.CHARGE, note="cheap")
    live_state.write(path, decision, Snapshot(at=START, soc_percent=51.0), 7)
    seen = live_state.read(path)
    assert seen is not None
    assert (seen["setpoint_w"], seen["reason"], seen["soc_percent"]) == (-3_000, "holding", 51.0)
    assert path.stat().st_mode & 0o077 == 0
    live_state.write(path, replace(decision, setpoint_w=None), None, 7)
    assert live_state.read(path)["soc_percent"] is None
    assert [item.name for item in tmp_path.iterdir()] == ["live.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "soon"}', "{}"])
def test_a_live_file_that_cannot_be_read_is_none(tmp_path, text):
    path = tmp_path / "live.json"
    path.write_text(text)
    assert live_state.read(path) is None
    assert live_state.read(tmp_path / "nothing") is None


def test_each_store_has_its_own_live_file(tmp_path, monkeypatch):
    assert live_state.path_for(tmp_path / "a") != live_state.path_for(tmp_path / "b")
    monkeypatch.setattr(live_state, "MEMORY_FOLDERS", (str(tmp_path / "none"),))
    assert live_state.path_for(tmp_path).name.startswith("optimizer-")


def test_a_damaged_newer_plan_leaves_the_whole_one_before_in_force(store):
    plan = made()
    plan_store.save(store, plan, {})
    plan_store.save(store, made(), {})
    store.execute("UPDATE plan SET body = x'7b' WHERE id = 2")
    assert plan_store.in_force(store, START) == plan
    store.execute("UPDATE plan SET body = x'7b'")
    with pytest.raises(NoPlanError, match="cannot be read"):
        plan_store.in_force(store, START)


def test_after_a_commit_that_failed_the_next_transaction_works(store):
    """A deferred constraint fails at the commit, as a full disk does."""
    store.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    store.execute("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), database.transaction(store):
        store.execute("INSERT INTO child VALUES (7)")
    with database.transaction(store):
        store.execute("INSERT INTO parent VALUES (1)")
    assert store.execute("SELECT count(*) FROM child").fetchone() == (0,)


def test_a_process_that_is_gone_has_ended():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert live_state.has_ended({"pid": process.pid})
    assert not live_state.has_ended({"pid": os.getpid()})
    assert not live_state.has_ended({"pid": 1})  # another user's, perhaps
    assert not live_state.has_ended({"pid": 2**70})
