"""The loop against a simulated FEMS over a real socket, in simulated time."""

import logging
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.active_plan import ActivePlan
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.control.log_limit import HourlyFilter
from optimizer.errors import OptimizerError
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Channel, Decision, Reason
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, plan_store
from tests.control.stepped import START, SteppedClock

CHARGE = {"buy": 0.10, "values": (0.30, 0.30)}
SELF_CONSUMPTION = {"buy": 0.40}
HELD = -10_000


@pytest.fixture
def fems():
    battery = Battery(capacity_wh=22_000)
    load, pv = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    house = SimulatedHouse(battery, load, pv, START, 50)
    with SimulatedFems(house, limits=NO_LIMITS) as running:
        yield running


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


@pytest.fixture
def settings():
    return ControlSettings(Battery(capacity_wh=22_000), Grid())


@pytest.fixture
def executor(fems, store, settings):
    clock = SteppedClock(fems)
    with FemsClient(fems.url, "owner", deadline_s=2) as client:
        yield Executor(
            client, ActivePlan(store), journal.Journal(store), clock, settings, on_cycle=None
        )


def applied(fems):
    fems.advance(3)
    return fems.house.shown.applied_w


def rows(store, kind="change"):
    return [tick.reason for tick in journal.ticks(store, START, kind)]


def test_a_plan_is_carried_to_the_inverter_and_given_back(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    seen = {}
    executor.clock.events = {60: lambda: seen.setdefault("held", fems.house.shown.applied_w)}
    executor.run(100)
    assert seen["held"] == -10_000
    assert applied(fems) == 800
    assert not fems.house.written.values
    assert rows(store) == ["STARTING", "HOLDING", "STOPPED"]


def test_without_a_plan_nothing_is_written(executor, fems, store):
    executor.run(100)
    assert applied(fems) == 800
    assert rows(store) == ["NO_PLAN", "STOPPED"]


def test_at_the_end_of_the_plan_the_fems_is_on_its_own(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, steps=1, **CHARGE), {})
    executor.run(16 * 60)
    assert rows(store) == ["STARTING", "HOLDING", "NO_STEP", "STOPPED"]


def test_a_new_plan_replaces_the_old_one_between_cycles(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    newer = make_plan(settings=executor.settings, **SELF_CONSUMPTION)
    executor.clock.events = {50: lambda: plan_store.save(store, newer, {})}
    executor.run(120)
    assert rows(store) == ["STARTING", "HOLDING", "SELF_CONSUMPTION", "STOPPED"]


def test_a_damaged_newer_plan_leaves_the_good_one_in_force(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})

    def spoil():
        plan_store.save(store, make_plan(settings=executor.settings, **SELF_CONSUMPTION), {})
        store.execute("UPDATE plan SET body = x'00' WHERE id = 2")

    executor.clock.events = {50: spoil}
    executor.run(120)
    assert rows(store) == ["STARTING", "HOLDING", "STOPPED"]


def test_a_dead_executor_is_followed_by_the_fems_within_its_time_out(
    executor, fems, store, make_plan
):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    for _ in range(4):
        executor.cycle()
        executor.clock.wait(10)
    assert fems.house.shown.applied_w == -10_000
    fems.advance(49)  # the last write was 10 s ago
    assert fems.house.shown.applied_w == -10_000
    fems.advance(5)
    assert fems.house.shown.applied_w == 800


def test_what_a_killed_executor_left_on_another_channel_is_given_back_at_the_start(
    executor, fems, store
):
    with FemsClient(fems.url, "owner") as killed:
        killed.hold(Channel.LESS_OR_EQUALS, 100)
    executor.run(20)
    assert not fems.house.written.values


def test_an_unreachable_fems_is_noted_once_and_work_goes_on_afterwards(
    executor, fems, store, make_plan, caplog
):
    caplog.set_level(logging.INFO)
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    port = int(fems.url.rsplit(":", 1)[1])
    house = fems.house
    executor.clock.events = {45: fems.stop}
    executor.run(100)
    assert rows(store) == ["STARTING", "HOLDING", "UNREACHABLE", "STOPPED"]
    with SimulatedFems(house, port=port) as again:
        executor.clock.fems = again
        executor.run(60)
    assert rows(store)[4:] == ["STARTING", "HOLDING", "STOPPED"]
    texts = [record.message for record in caplog.records]
    assert sum("nothing is held: the FEMS does not answer" in text for text in texts) == 1
    assert sum("back to work" in text for text in texts) == 1


def test_a_wrong_password_is_told_and_nothing_is_held(fems, store, settings, make_plan):
    plan_store.save(store, make_plan(settings=settings, **CHARGE), {})
    with FemsClient(fems.url, "wrong") as client:
        Executor(
            client, ActivePlan(store), journal.Journal(store), SteppedClock(fems), settings
        ).run(60)
    assert rows(store) == ["REFUSED", "STOPPED"]


def test_a_guest_reads_but_his_set_points_are_not_taken(fems, store, settings, make_plan, caplog):
    plan_store.save(store, make_plan(settings=settings, **CHARGE), {})
    with FemsClient(fems.url, "user") as client:
        Executor(
            client, ActivePlan(store), journal.Journal(store), SteppedClock(fems), settings
        ).run(60)
    assert applied(fems) == 800
    assert rows(store) == ["STARTING", "REFUSED", "STOPPED"]
    texts = [record.message for record in caplog.records if "was not taken" in record.message]
    assert len(texts) == 1
    assert "the customer login's instead of the guest's" in texts[0]


def test_a_shadow_writes_nothing(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    executor.shadow = True
    executor.run(100)
    assert fems.house.written.until_s < 0 or not fems.house.written.values
    assert applied(fems) == 800
    assert rows(store) == ["STARTING", "HOLDING", "STOPPED"]


class Overruled(FemsClient):
    """A FEMS in which another controller wins: 200, and no effect."""

    def snapshot(self, at):
        return replace(super().snapshot(at), applied_w=123.0)


def test_a_set_point_without_effect_is_told_once(fems, store, settings, make_plan, caplog):
    plan_store.save(store, make_plan(settings=settings, **CHARGE), {})
    with Overruled(fems.url, "owner") as client:
        Executor(
            client, ActivePlan(store), journal.Journal(store), SteppedClock(fems), settings
        ).run(120)
    reported = [r.message for r in caplog.records if "instead of our" in r.message]
    assert len(reported) == 1
    assert "123 W instead of our -10000 W" in reported[0]


def test_a_journal_that_cannot_be_written_does_not_stop_control(
    executor, fems, store, make_plan, caplog
):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})

    class Full(journal.Journal):
        def note(self, decision, snapshot):
            raise sqlite3.OperationalError("database or disk is full")

        def flush(self):
            raise sqlite3.OperationalError("database or disk is full")

    executor.journal = Full(store)
    seen = {}
    executor.clock.events = {60: lambda: seen.setdefault("held", fems.house.shown.applied_w)}
    executor.run(100)
    assert seen["held"] == -10_000
    assert any("disk is full" in record.message for record in caplog.records)


def test_stopping_the_clock_ends_the_loop_released(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    executor.clock.events = {55: executor.clock.stop}
    executor.run()
    assert executor.clock.monotonic() < 65
    assert applied(fems) == 800


def test_an_unforeseen_error_releases_and_the_loop_begins_anew(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    cycles, powers, reported = [], {}, []

    def fail(decision, _snapshot):
        cycles.append(decision.reason)
        if decision.reason is Reason.HOLDING and len(cycles) < 5:
            raise ZeroDivisionError

    executor.on_cycle, executor.report = fail, reported.append
    executor.clock.events = {25: lambda: powers.update({25: fems.house.shown.applied_w})}
    executor.run(100)
    assert powers == {25: 800}
    starting, held = [Reason.STARTING] * 2, [Reason.HOLDING] * 5
    expected = [*starting, Reason.HOLDING, Reason.INTERNAL_ERROR, *starting, *held, Reason.STOPPED]
    assert cycles == expected
    assert [decision.reason for decision in reported] == [*starting, *starting, *held]
    assert applied(fems) == 800


def test_five_faults_in_a_row_end_the_executor_released(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    executor.cycle()
    executor.cycle()
    executor.cycle()
    assert applied(fems) == HELD
    executor.settings = None
    with pytest.raises(AttributeError):
        executor.run(100)
    assert 40 <= executor.clock.monotonic() < 50
    assert applied(fems) == 800


def test_a_whole_set_point_reaches_the_fems_on_time(executor, fems, store, make_plan):
    """Steps begin when they begin: the charge of 02:15 is held from the first cycle after it."""
    first = make_plan(settings=executor.settings, **SELF_CONSUMPTION)
    cheap = make_plan(settings=executor.settings, **CHARGE).steps[1]
    plan_store.save(store, replace(first, steps=(first.steps[0], cheap)), {})
    powers = {}
    executor.clock.events = {
        second: lambda second=second: powers.update({second: fems.house.shown.applied_w})
        for second in (899, 905)
    }
    executor.run(920)
    assert powers == {899: 800, 905: -10_000}


def test_the_book_keeps_its_plan_when_the_store_fails(store, make_plan, settings):
    plan_store.save(store, make_plan(settings=settings), {})
    active_plan = ActivePlan(store)
    plan = active_plan.at(START)
    assert plan is not None
    store.close()
    assert active_plan.at(START + timedelta(minutes=1)) is plan


def test_the_release_at_the_start_is_tried_again(executor, fems, store):
    calls = []
    real = executor.fems.release

    def refuse(*, everything=False):
        calls.append(everything)
        if len(calls) == 1:
            raise OptimizerError("not now")
        real(everything=everything)

    executor.fems.release = refuse
    executor.run(30)
    assert calls == [True, True]


def test_each_completed_decision_is_told_and_no_other(executor, fems, store, make_plan):
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    reported = []
    executor.report = lambda decision: reported.append(decision.sentence)
    executor.clock.events = {35: fems.stop}
    executor.run(50)
    starting = "nothing is held: waiting for steady readings"
    held = "charge: -10000 W held at the inverter"
    assert reported == [starting, starting, held, held, "nothing is held: the FEMS does not answer"]


ENDED = "ended: control was handed back, the FEMS controls the battery by itself"


def test_the_log_tells_what_is_held_when_that_changes_and_who_has_control_at_the_end(
    executor, fems, store, make_plan, caplog
):
    """Five minutes of a charge whose watts change: a line when it begins, and one at the end."""
    caplog.set_level(logging.INFO)
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    executor.run(300)
    texts = [record.message for record in caplog.records if "a new plan" not in record.message]
    held, ended = texts
    assert held.startswith("charge: -10000 W held at the inverter (a stored kWh is worth ")
    assert ended == ENDED


def test_a_shadow_tells_what_it_would_hold(executor, fems, store, make_plan, caplog):
    caplog.set_level(logging.INFO)
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    executor.shadow = True
    executor.run(120)
    texts = [record.message for record in caplog.records if "a new plan" not in record.message]
    would = "shadow, nothing is written: charge: -10000 W held at the inverter ("
    assert texts[-2].startswith(would)
    assert texts[-1] == "ended: nothing was written (shadow)"
    assert len(texts) == 2
    assert not fems.house.written.values


def test_an_end_without_an_answer_says_when_the_fems_lets_go(
    executor, fems, store, make_plan, caplog
):
    caplog.set_level(logging.INFO)
    plan_store.save(store, make_plan(settings=executor.settings, **CHARGE), {})
    executor.clock.events = {45: fems.stop}
    executor.run(60)
    last = caplog.records[-1]
    assert last.levelno == logging.WARNING
    assert last.message == (
        "ended without a sure release: what the FEMS may still hold of ours ends by itself within "
        "60 s"
    )


def test_what_is_held_does_not_fill_the_log(executor, caplog):
    """A band that is reached and left in each cycle of two hours: a line of each kind an hour."""
    caplog.set_level(logging.INFO)
    now_s, limit = [0.0], HourlyFilter(lambda: now_s[0])
    at = datetime(2026, 1, 14, 12, tzinfo=UTC)
    for cycle in range(720):
        setpoint_w = -3_000 - cycle if cycle % 2 else None
        reason = Reason.SELF_CONSUMPTION if setpoint_w is None else Reason.HOLDING
        before = len(caplog.records)
        executor._log_held(Decision(at, setpoint_w, reason, Intent.LIMIT))
        now_s[0] += 10
        if len(caplog.records) > before and not limit.filter(caplog.records[-1]):
            caplog.records.pop()
    assert len(caplog.records) == 4
    assert "(and 179 times before, within the hour)" in caplog.records[-1].getMessage()
