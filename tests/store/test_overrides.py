"""Overrides in the store: one at a time, each with its plans, whatever ends it and when."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError, NoPlanError
from optimizer.model import override as override_json
from optimizer.model import plan_json
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR
from optimizer.model.grid import Grid
from optimizer.model.override import Override, OverrideKind
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.store import database, overrides, plan_store
from optimizer.store.overrides import Ending, OverrideChangedError, StoredOverride

AT = datetime(2026, 1, 15, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path):
    with closing(database.connect(tmp_path)) as connection:
        yield connection


@pytest.fixture(scope="module")
def plan():
    steps = tuple(
        ForecastStep(AT + n * HOUR, AT + (n + 1) * HOUR, 0.3, 0.08, 500.0, 0.0) for n in range(12)
    )
    request = PlanRequest(AT, "home", Battery(10_000), Grid(), 50.0)
    return make_plan(steps, request, lambda: 0.0)


def order(number, hours=8.0, kind=OverrideKind.HOLD, since=AT):
    return Override(number, kind, since, since + hours * HOUR, "owner")


def take(store, plan, number, hours=8.0, cost_eur=0.5):
    taken = order(number, hours)
    return plan_store.save(
        store, replace(plan, override=taken), {}, taken=StoredOverride(taken, cost_eur)
    )


def test_an_override_comes_and_goes_with_its_plan(store, plan):
    free = plan_store.save(store, plan, {})
    under = take(store, plan, 1)
    assert plan_store.number_in_force(store, AT + HOUR) == under
    assert overrides.in_force(store, AT + HOUR) == StoredOverride(order(1), 0.5)
    assert overrides.in_force(store, AT - HOUR) is None
    assert overrides.in_force(store, AT + 8 * HOUR) is None
    # over by itself: its plan goes on
    assert plan_store.number_in_force(store, AT + 9 * HOUR) == under
    assert overrides.close(store, AT + HOUR, Ending.CANCELLED)
    assert not overrides.close(store, AT + HOUR, Ending.CANCELLED)
    assert plan_store.number_in_force(store, AT + HOUR) == free
    assert plan_store.in_force(store, AT + HOUR).override is None


def test_a_void_plan_counted_until_it_was_void(store, plan):
    take(store, plan, 1)
    overrides.close(store, AT + 2 * HOUR, Ending.CANCELLED)
    ((_, _, first, last),) = plan_store.spans(store, AT, AT + 12 * HOUR)
    assert (first, last) == (AT, AT + 2 * HOUR)
    with pytest.raises(NoPlanError):
        plan_store.in_force(store, AT + 3 * HOUR)


def test_a_newer_one_replaces_the_older(store, plan):
    take(store, plan, 1)
    with pytest.raises(OverrideChangedError, match="another override was taken meanwhile"):
        take(store, plan, 1)
    under = take(store, plan, 2)
    assert plan_store.number_in_force(store, AT) == under
    newest, former = overrides.newest(store, 5)
    assert (newest.override.number, newest.state(AT)) == (2, "in force")
    assert (former.state(AT), former.end()) == ("replaced", AT)
    assert newest.state(AT + 9 * HOUR) == "over"


def test_a_plan_made_without_what_is_in_force_by_now_is_not_stored(store, plan):
    """The nightly planner read its inputs before the owner took an override, or after its end."""
    take(store, plan, 1)
    with pytest.raises(OverrideChangedError, match="plan again"):
        plan_store.save(store, plan, {})
    again = replace(plan, override=order(1))
    assert plan_store.save(store, again, {})
    overrides.close(store, AT, Ending.REACHED, number=1)
    with pytest.raises(OverrideChangedError, match="plan again"):
        plan_store.save(store, again, {})
    # a charge that is there leaves its plans in force: they were made for what comes after, too
    assert plan_store.in_force(store, AT).override == order(1)
    assert overrides.has_ended(store, 1)
    assert not overrides.has_ended(store, 2)


def test_neither_is_stored_without_the_other(store, plan):
    """A disk that fails between the two leaves nothing behind."""
    store.execute("CREATE TRIGGER full BEFORE INSERT ON plan BEGIN SELECT RAISE(ABORT, 'x'); END")
    with pytest.raises(sqlite3.Error):
        take(store, plan, 1)
    assert overrides.in_force(store, AT) is None
    assert overrides.next_number(store) == 1


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"kind": "dance"}', "[" * 100_000])
def test_an_override_that_cannot_be_read_is_none(store, plan, body):
    take(store, plan, 1)
    store.execute("UPDATE override SET body = ?", (body,))
    assert overrides.in_force(store, AT) is None
    assert overrides.newest(store, 5) == []
    assert overrides.next_number(store) == 2


def test_a_store_without_overrides_is_migrated_with_its_plans(tmp_path, plan, monkeypatch):
    added = next(n for n, sql in enumerate(database.MIGRATIONS) if "TABLE override" in sql)
    with monkeypatch.context() as former:
        former.setattr(database, "MIGRATIONS", database.MIGRATIONS[:added])
        with closing(database.connect(tmp_path)) as old:
            run = old.execute(
                "INSERT INTO run (made_at, stored_at, input) VALUES ('x', 'x', x'00')"
            )
            body = database.packed(plan_json.to_text(plan))
            old.execute(
                "INSERT INTO plan (run_id, made_at, site, bounds, first_start, last_end, body) "
                "VALUES (?, '2026-01-15T18:00:00Z', 'home', 'x', '2026-01-15T18:00:00Z', "
                "'2026-01-16T06:00:00Z', ?)",
                (run.lastrowid, body),
            )
    with closing(database.connect(tmp_path)) as new:
        assert plan_store.in_force(new, AT) == plan
        assert overrides.in_force(new, AT) is None
        assert take(new, plan, 1)


def test_an_override_in_a_plan_is_read_back_whole_or_not_at_all(plan):
    charge = replace(order(3, kind=OverrideKind.CHARGE), soc_percent=80.0, power_w=3_000.0)
    data = plan_json.to_json(replace(plan, override=charge, value_kink_wh=8_000.0))
    assert data["override"]["kind"] == "charge"
    assert plan_json.from_json(data) == replace(plan, override=charge, value_kink_wh=8_000.0)
    assert "override" not in plan_json.to_json(plan)
    for key, value in (
        ("kind", "dance"), ("soc_percent", 101), ("until", "soon"), ("number", 0), ("power_w", "x"),
    ):  # fmt: skip
        with pytest.raises(NoPlanError, match="override"):
            plan_json.from_json(data | {"override": data["override"] | {key: value}})
        with pytest.raises(ValueError, match="override"):
            override_json.from_json(charge.as_json() | {key: value})


def test_an_override_without_a_price_gets_that_of_its_first_plan(store, plan):
    assert overrides.take_unpriced(store, order(1))
    assert not overrides.take_unpriced(store, replace(order(1), by="somebody else"))
    (found,) = overrides.newest(store, 10)
    assert (found.cost_eur, found.price(EUR)) == (None, "unpriced")
    under = replace(plan, override=found.override)
    with pytest.raises(OverrideChangedError):
        plan_store.save(store, plan, {})  # made without it
    plan_store.save(store, under, {}, price_eur=0.25)
    plan_store.save(store, under, {}, price_eur=0.75)  # the first price stays
    (found,) = overrides.newest(store, 10)
    assert (found.cost_eur, found.price(EUR)) == (0.25, "for 0.25 EUR")
    assert overrides.take_unpriced(store, order(1, hours=9))
    newest, before = overrides.newest(store, 10)
    assert (newest.override.number, before.ending) == (2, Ending.REPLACED)


def test_a_read_only_store_takes_no_override(store):
    store.execute("PRAGMA query_only = ON")
    with pytest.raises(DataError, match="the override cannot be stored"):
        overrides.take_unpriced(store, order(1))
