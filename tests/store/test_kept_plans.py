"""How long plans and runs are kept, how small they are, and how an old file is brought forward."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan_json import step_to_json, to_json
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.run_record import RunRecord, Versions
from optimizer.planning.run_record import to_json as run_to_json
from optimizer.planning.task import ForecastStep
from optimizer.store import database, journal, plan_store

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def request_of(at):
    return PlanRequest(at, "home", Battery(capacity_wh=10_000), Grid(), 50.0)


def steps_of(at, count, length=HOUR, rng=None):
    rng = rng or Random(1)  # noqa: S311
    return tuple(
        ForecastStep(
            at + n * length, at + (n + 1) * length, round(rng.uniform(0.2, 0.5), 6), 0.08,
            round(rng.uniform(200, 3_000), 2), 0.0,
        )
        for n in range(count)
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return make_plan(steps_of(START, 3), request_of(START), lambda: 0.0)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


def made_ats(store):
    return [at for (at,) in store.execute("SELECT made_at FROM plan ORDER BY made_at")]


def test_three_days_are_kept_whole_then_the_last_plan_of_each_day_for_a_year(store, plan):
    store.execute("PRAGMA synchronous = OFF")
    hours = 24 * 400
    for n in range(0, hours, 4):
        plan_store.save(store, replace(plan, made_at=START + n * HOUR), {"n": n})
    kept, last = made_ats(store), START + (hours - 4) * HOUR
    recent = [at for at in kept if datetime.fromisoformat(at) >= last - timedelta(days=3)]
    assert len(recent) == 3 * 6 + 1
    old = [at for at in kept if at not in recent]
    assert all(at[11:16] == "22:00" for at in old)
    assert len({at[:10] for at in old}) == len(old) == 363
    assert datetime.fromisoformat(old[0]) >= last - timedelta(days=366)
    assert store.execute("SELECT count(*) FROM run").fetchone() == (len(kept),)
    for at in (kept[0], kept[-1]):
        number = plan_store.last_before(store, datetime.fromisoformat(at))
        hour = (datetime.fromisoformat(at) - START) / HOUR
        assert plan_store.run_of(store, number) == {"n": hour}


def test_what_counts_is_when_a_plan_was_stored_not_for_when_it_was_made(store, plan):
    now = START + timedelta(days=900)
    for n in range(3):
        plan_store.save(store, replace(plan, made_at=START + n * HOUR), {}, now + n * HOUR)
    assert len(made_ats(store)) == 3
    plan_store.save(store, plan, {}, now + timedelta(days=4))
    assert made_ats(store) == ["2026-01-15T02:00:00Z", "2026-01-15T04:00:00Z"]


def test_the_newest_plan_stays_whatever_its_moment(store, plan):
    plan_store.save(store, plan, {})
    plan_store.save(store, replace(plan, made_at=START - timedelta(days=800)), {})
    assert store.execute("SELECT max(id) FROM plan").fetchone() == (2,)
    assert len(made_ats(store)) == 2


def test_two_days_of_quarter_hours_take_little_room(store):
    """250 kB a plan, 24 times a day, would fill a card; a few kB do not."""
    quarter = timedelta(minutes=15)
    for n in range(20):
        at = START + n * HOUR
        steps = steps_of(at, 192, quarter, Random(n))  # noqa: S311
        run = RunRecord(
            request_of(at), steps, 0.1, Versions("0.1.0", "3.11.7", "3.3.2", "HiGHS 1.15.1")
        )
        if n == 0:
            plan = make_plan(steps, request_of(at), lambda: 0.0)
            assert len(json.dumps(to_json(plan))) > 100_000
        plan_store.save(store, replace(plan, made_at=at), run_to_json(run))
    (size,) = store.execute(
        "SELECT avg(length(body)) + (SELECT avg(length(input)) FROM run) FROM plan"
    ).fetchone()
    assert size < 40_000


def test_plans_are_found_by_when_they_were_made(store, plan):
    for n in (4, 0, 2):
        plan_store.save(store, replace(plan, made_at=START + n * HOUR), {"n": n})
    assert plan_store.last_before(store, START - HOUR) is None
    assert plan_store.last_before(store, START + 3 * HOUR) == 3
    assert plan_store.last_before(store, START + 9 * HOUR) == 1
    assert plan_store.made_between(store, START, START + 4 * HOUR) == [2, 3]
    assert plan_store.number_in_force(store, START) == 3


def test_a_file_of_the_first_version_is_brought_forward(tmp_path, plan):
    old = sqlite3.connect(tmp_path / database.FILE_NAME)
    old.executescript(f"{database.MIGRATIONS[0]} PRAGMA user_version = 1;")
    head = {key: value for key, value in to_json(plan).items() if key != "steps"}
    old.execute("INSERT INTO run VALUES (7, '2026-01-15T02:00:00Z', '{\"soc\": 50.0}')")
    old.execute(
        "INSERT INTO plan VALUES (3, 7, '2026-01-15T02:00:00Z', 'home', ?, ?, ?, ?)",
        (
            plan.bounds, "2026-01-15T02:00:00Z", "2026-01-15T05:00:00Z", json.dumps(head),
        ),
    )  # fmt: skip
    old.executemany(
        "INSERT INTO plan_step VALUES (3, ?, ?)",
        [(f"2026-01-15T0{n}:00:00Z", json.dumps(step_to_json(step)))
         for n, step in reversed([*enumerate(plan.steps, 2)])],
    )  # fmt: skip
    old.commit()
    old.close()
    store = database.connect(tmp_path)
    assert plan_store.in_force(store, START + HOUR) == plan
    assert plan_store.run_of(store, 3) == {"soc": 50.0}
    assert plan_store.save(store, replace(plan, made_at=START + HOUR), {}) == 4
    store.close()


def test_the_journal_tells_the_last_known_state_of_charge(store):
    active_plan = journal.Journal(store)
    for minutes, soc in ((0, 41.0), (20, 47.0), (40, None)):
        at = START + timedelta(minutes=minutes)
        active_plan.note(Decision(at, minutes, Reason.HOLDING), Snapshot(at=at, soc_percent=soc))
    active_plan.flush()
    assert journal.soc_before(store, START - HOUR) is None
    assert journal.soc_before(store, START + timedelta(minutes=19)) == (41.0, START)
    late = journal.soc_before(store, START + 5 * HOUR)
    assert late == (47.0, START + timedelta(minutes=20))
    rows = journal.ticks_between(store, START, START + timedelta(minutes=40))
    assert [(row.kind, row.at[11:16]) for row in rows] == [
        ("change", "02:00"), ("summary", "02:20"),
    ]  # fmt: skip
