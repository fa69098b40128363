"""The loop beside a simulated FEMS when things go wrong: writes, passwords, strangers, clocks."""

import contextlib
import logging
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.book import DeviceBook, PlanBook
from optimizer.control.executor import Change, Executor
from optimizer.control.memory import Settings
from optimizer.control.replan import Rhythm
from optimizer.errors import UnreachableError
from optimizer.fems.client import FemsClient
from optimizer.fems.simulated.house import Profile, SimulatedHouse
from optimizer.fems.simulated.listener import NO_LIMITS
from optimizer.fems.simulated.simulator import SimulatedFems
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.state import Channel, Reason
from optimizer.store import database, exchange, journal, plans

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
HELD = -10_000
ALONE = 800


class Clock:
    """Simulated time; `each` runs once a second; `ahead_s` is what the computer adds to it."""

    def __init__(self, fems):
        self.fems, self.each, self.ahead_s, self.slept_s = fems, lambda second: None, 0.0, 0.0

    def now(self):
        return self.fems.house.moment + timedelta(seconds=self.ahead_s)

    def monotonic(self):
        return (self.fems.house.moment - START).total_seconds() - self.slept_s

    def wait(self, seconds):
        for _ in range(round(seconds)):
            self.fems.advance(1)
            self.each(round((self.fems.house.moment - START).total_seconds()))
        return False


class Device(FemsClient):
    """A FEMS to which some writes come late, or of which the answer is lost."""

    late = ()
    writes = ()

    def hold(self, channel, setpoint):
        self.writes = (*self.writes, setpoint)
        if len(self.writes) in self.late:
            raise UnreachableError("no answer in time")
        super().hold(channel, setpoint)


@pytest.fixture
def house():
    battery = Battery(capacity_wh=22_000)
    load, roof = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    return SimulatedHouse(battery, load, roof, START, 50)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


@pytest.fixture
def world(house, store, make_plan, caplog):
    """An executor with a plan that charges at all hours."""
    caplog.set_level(logging.INFO)
    settings = Settings(house.battery, Grid(), site="home")
    plans.save(store, make_plan(settings=settings, buy=0.10, values=(0.3, 0.3), steps=8), {})
    with (
        SimulatedFems(house, limits=NO_LIMITS) as fems,
        Device(fems.url, "owner", deadline_s=2) as client,
    ):
        yield Executor(
            client, PlanBook(store), journal.Journal(store), Clock(fems), settings,
            acquaintances=DeviceBook(store),
        )  # fmt: skip


def reasons(executor):
    return [tick.reason for tick in journal.ticks(executor.book.connection, START, "change")]


def told(caplog, words):
    return [record.message for record in caplog.records if words in record.message]


def test_a_late_write_is_given_back_again(world, house):
    """The write of second 40 gets no answer and lands at 53, after the release of second 50."""
    world.fems.late, seen = (3,), {}

    def each(second):
        if second == 41:
            world.book.connection.execute("DELETE FROM plan")
            world.book = PlanBook(world.book.connection)
        if second == 53:
            house.write(Channel.EQUALS, HELD)
        if second in (52, 58, 65):
            seen[second] = house.shown.applied_w

    world.clock.each = each
    world.run(80)
    assert seen == {52: ALONE, 58: HELD, 65: ALONE}
    assert not house.written.values


@pytest.mark.parametrize("login", ["nobody's", "user"])
def test_a_refused_password_is_tried_once_a_minute(world, house, store, login):
    fems, tries = world.clock.fems, []
    with FemsClient(fems.url, login, deadline_s=2) as client:
        post, get = client._link.post, client._link.get
        client._link.post = lambda *args: (tries.append("POST"), post(*args))[1]
        client._link.get = lambda *args, **more: (tries.append("GET"), get(*args, **more))[1]
        Executor(
            client, PlanBook(store), journal.Journal(store), Clock(fems), world.settings
        ).run(300)  # fmt: skip
    kind = "POST" if login == "user" else "GET"
    refused = tries.count(kind)
    assert 5 <= refused <= 6
    assert not house.written.values
    assert reasons(world)[-2:] == ["REFUSED", "STOPPED"]


def test_the_other_programs_value_stays_when_we_give_way_and_when_we_end(world, house):
    seen = {}

    def each(second):
        if second >= 60 and second % 5 == 0:
            house.write(Channel.EQUALS, 1_234)
        if second in (55, 130):
            seen[second] = house.shown.applied_w

    posts = []
    post = world.fems._link.post
    world.fems._link.post = lambda *args: (posts.append((house.moment, args)), post(*args))[1]
    world.clock.each = each
    world.run(131)
    assert reasons(world) == ["STARTING", "HOLDING", "YIELDED", "STOPPED"]
    assert seen == {55: HELD, 130: 1_234}
    assert house.written.values == {Channel.EQUALS: 1_234}
    given_back = [at for at, (_, _, value) in posts if value is None]
    assert max(given_back) < START + timedelta(seconds=30)  # at the start


def test_we_come_back_to_the_channel_that_we_left(world, house):
    def each(second):
        if 60 <= second < 150 and second % 5 == 0:
            house.write(Channel.EQUALS, 1_234)

    world.clock.each = each
    world.run(400)
    assert reasons(world)[2:] == ["YIELDED", "HOLDING", "STOPPED"]
    assert not house.written.values


def test_a_stranger_is_not_written_to_until_it_is_accepted(world, house, store, caplog):
    world.run(60)
    assert reasons(world) == ["STARTING", "HOLDING", "STOPPED"]
    neighbour = SimulatedHouse(
        Battery(capacity_wh=11_000), Profile(START, 900, (500.0,)), Profile(START, 900, (0.0,)),
        house.moment, 30,
    )  # fmt: skip
    with (
        SimulatedFems(neighbour, limits=NO_LIMITS) as fems,
        FemsClient(fems.url, "owner", deadline_s=2) as client,
    ):
        clock, posts = Clock(fems), []
        post = client._link.post
        client._link.post = lambda *args: (posts.append(args), post(*args))[1]

        def each(second):
            if second == 200:
                assert posts == []
                DeviceBook(store).meet(client.identity(), fems.url, clock.now())

        clock.each = each
        Executor(
            client, PlanBook(store), journal.Journal(store), clock, world.settings,
            acquaintances=DeviceBook(store),
        ).run(250)  # fmt: skip
    assert reasons(world)[3:] == ["STRANGER", "HOLDING", "STOPPED"]
    warning = told(caplog, "nothing is held: another FEMS than before answers")
    assert len(warning) == 1
    assert "ess0/Capacity is 11000 instead of 22000" in warning[0]
    assert "'optimizer fems accept'" in warning[0]


def test_after_a_minute_without_an_answer_nothing_is_written_blindly(world, house, caplog):
    posts = []

    def count(*_, **__):
        posts.append(house.moment)
        raise UnreachableError("gone")

    def each(second):
        if second == 35:
            world.fems._link.post = world.fems._link.get = count

    world.clock.each = each
    world.run(300)
    last = max(posts)  # reads go on: one each cycle
    assert last == START + timedelta(seconds=290)
    pairs = [sum(1 for at in posts if at == START + timedelta(seconds=s)) for s in (40, 90, 120)]
    assert pairs[0] > 1  # the reading and the release
    assert pairs[2] == 1  # the reading alone
    assert len(told(caplog, "nothing is held: the FEMS does not answer")) == 1
    assert len(told(caplog, "the release was not taken")) == 1


@pytest.mark.parametrize(("ahead_s", "reason"), [(130.0, "CLOCK_SKEW"), (90.0, "CLOCK_UNSURE")])
def test_a_wrong_clock_holds_nothing(world, house, ahead_s, reason):
    world.clock.ahead_s = ahead_s
    world.run(60)
    assert reasons(world) == [reason, "STOPPED"]
    assert house.shown.applied_w == ALONE


def test_a_synchronised_clock_needs_no_witness(world):
    world.clock.ahead_s, world.synchronised = 90.0, lambda: True
    world.run(60)
    assert reasons(world) == ["STARTING", "HOLDING", "STOPPED"]


def test_a_clock_that_is_set_releases_at_once(world, house):
    seen = {}

    def each(second):
        if second == 45:
            world.clock.ahead_s = 40.0
        if second in (44, 55):
            seen[second] = house.shown.applied_w

    world.clock.each = each
    world.run(120)
    assert seen == {44: HELD, 55: ALONE}
    assert reasons(world)[2:] == ["CLOCK_JUMPED", "STARTING", "HOLDING", "STOPPED"]


def test_what_was_decided_before_a_sleep_is_not_written_after_it(world, house):
    """The computer sleeps between reading and writing for ten minutes."""

    def asleep():
        if house.moment == START + timedelta(seconds=40):
            world.fems._link.post = refuse
            world.clock.ahead_s = 600.0
            world.clock.fems.advance(1)
        return True

    posts, post = [], world.fems._link.post

    def refuse(*args):
        posts.append(args)
        return post(*args)

    real = world.book.at

    def at(now):
        plan = real(now)
        clocks_are_read = house.moment >= START + timedelta(seconds=40)
        if clocks_are_read and world.clock.ahead_s == 0.0:
            asleep()
        return plan

    world.synchronised = lambda: True
    world.book = type("Book", (), {"at": staticmethod(at), "news": lambda _: "",
                                   "connection": world.book.connection})()  # fmt: skip
    world.run(45)
    assert [value for _, _, value in posts] == [None]  # the release only
    assert "STALE" in reasons(world)


def test_settings_are_changed_between_two_cycles(world, house, caplog):
    gentle = Settings(Battery(capacity_wh=22_000), Grid(max_buy_w=3_900), site="home")
    changes = [None] * 5 + [Change(gentle, 5.0, Rhythm())] + [None] * 60
    world.reload = lambda: changes.pop(0)
    world.run(120)
    assert world.interval_s == 5.0
    assert reasons(world) == ["STARTING", "HOLDING", "FOREIGN_PLAN", "STOPPED"]
    assert house.shown.applied_w == ALONE


def test_a_new_plan_is_noted(world, store, make_plan, caplog):
    newer = make_plan(settings=world.settings, buy=0.40)

    def each(second):
        if second == 50:
            plans.save(store, newer, {})

    world.clock.each = each
    world.run(100)
    notes = [tick.note for tick in journal.ticks(store, START, "event")]
    first = "plan made 2026-01-15T02:00:00Z to "
    assert notes == [first + "2026-01-15T04:00:00Z", first + "2026-01-15T02:30:00Z"]
    assert len(told(caplog, "a new plan is followed")) == 2


def test_the_record_for_the_law_is_kept_by_the_quarter_hour(world, store):
    """Charged with 10 kW from the grid all the time but the first 20 s: in the record."""
    world.run(1_830)
    rows = store.execute("SELECT start, seconds, bought_wh, held_sold_wh FROM quarter").fetchall()
    assert [row[0][11:16] for row in rows] == ["02:00", "02:15", "02:30"]
    assert rows[1][1] == 900
    assert rows[1][2] == pytest.approx(2_500)
    sums = exchange.sums(store, START)
    assert sums.bought_wh == pytest.approx(5_000, abs=150)
    assert (sums.sold_wh, sums.held_sold_wh) == (0.0, 0.0)
    assert exchange.sums(store, START + timedelta(hours=1)).seconds == 0


def test_the_loop_waits_for_a_disk_with_a_few_rows_only(store, make_plan):
    notes = journal.Journal(store)
    store.execute("PRAGMA query_only = ON")
    for number in range(2_000):
        decision = _decision(START + timedelta(seconds=10 * number), number % 2)
        with contextlib.suppress(sqlite3.OperationalError):
            notes.note(decision, None)
    assert len(notes._rows) <= journal.KEPT + 100  # what a quarter-hour adds
    store.execute("PRAGMA query_only = OFF")
    notes.flush()
    assert journal.ticks(store, START, "change")


def _decision(at, held):
    from optimizer.model.state import Decision

    reason = Reason.HOLDING if held else Reason.OWN_USE
    return Decision(at, HELD if held else None, reason)


def test_a_release_that_fails_by_a_fault_of_ours_does_not_end_the_loop(world, house, caplog):
    released, cycles = world.fems.release, []

    def broken(*_, **__):
        raise ZeroDivisionError

    def reload():
        cycles.append(house.moment)
        if len(cycles) in (5, 6):
            world.fems.release = broken if len(cycles) == 5 else released
            raise ZeroDivisionError

    world.reload = reload
    world.run(100)
    assert len(told(caplog, "a fault of this program, the ")) == 2
    assert len(told(caplog, "the release failed by a fault of this program")) == 1
    assert reasons(world) == ["STARTING", "HOLDING", "MISHAP", "STARTING", "HOLDING", "STOPPED"]
    assert not house.written.values
