"""The loop beside a simulated FEMS when things go wrong: writes, passwords, strangers, clocks."""

import contextlib
import json
import logging
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.active_plan import ActivePlan, StoredDevice
from optimizer.control.device_guard import TIMEOUT_EVERY_S
from optimizer.control.executor import Executor, SettingsChange
from optimizer.control.law import ControlSettings
from optimizer.control.replan import ReplanInterval
from optimizer.errors import RefusedError, UnreachableError, UnsafeTimeoutError
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.snapshot import FAULT, ON_GRID, Channel, Reason
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.installation import OFF_GRID
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, plan_store, quarter_record

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
HELD = -10_000
ALONE = 800


class Clock:
    """Simulated time; `each` runs once a second; `ahead_s` is what the computer adds to it."""

    def __init__(self, fems):
        self.fems, self.each, self.ahead_s, self.slept_s = fems, lambda second: None, 0.0, 0.0
        self.least_s = 0
        """Shortest wait: intervals below a second become one."""

    def now(self):
        return self.fems.house.moment + timedelta(seconds=self.ahead_s)

    def monotonic(self):
        return (self.fems.house.moment - START).total_seconds() - self.slept_s

    def wait(self, seconds):
        for _ in range(max(self.least_s, round(seconds))):
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
    load, pv = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    return SimulatedHouse(battery, load, pv, START, 50)


@pytest.fixture
def store(tmp_path):
    connection = database.connect(tmp_path)
    yield connection
    connection.close()


@pytest.fixture
def world(house, store, make_plan, caplog):
    """An executor with a plan that charges at all hours."""
    caplog.set_level(logging.INFO)
    settings = ControlSettings(house.battery, Grid(), site="home")
    plan_store.save(store, make_plan(settings=settings, buy=0.10, values=(0.3, 0.3), steps=8), {})
    with (
        SimulatedFems(house, limits=NO_LIMITS) as fems,
        Device(fems.url, "owner", deadline_s=2) as client,
    ):
        yield Executor(
            client, ActivePlan(store), journal.Journal(store), Clock(fems), settings,
            device_memory=StoredDevice(store),
        )  # fmt: skip


def reasons(executor):
    return [tick.reason for tick in journal.ticks(executor.active_plan.connection, START, "change")]


def reported(caplog, words):
    return [record.message for record in caplog.records if words in record.message]


def test_a_late_write_is_given_back_again(world, house):
    """The write of second 40 gets no answer and lands at 53, after the release of second 50."""
    world.fems.late, seen = (3,), {}

    def each(second):
        if second == 41:
            world.active_plan.connection.execute("DELETE FROM plan")
            world.active_plan = ActivePlan(world.active_plan.connection)
        if second == 53:
            house.write(Channel.EQUALS, HELD)
        if second in (52, 58, 65):
            seen[second] = house.shown.applied_w

    world.clock.each = each
    world.run(80)
    assert seen == {52: ALONE, 58: HELD, 65: ALONE}
    assert not house.written.values


@pytest.mark.parametrize(
    ("login", "method", "seconds"),
    [
        ("nobody's", "GET", [0, 60, 120, 180, 240]),
        # releases only: in each cycle while something of an executor before us may be held, then
        # once a minute, and at the end
        ("user", "POST", [0, 10, 20, 30, 40, 50, 60, 120, 180, 240, 300]),
    ],
)
def test_a_refused_password_is_tried_once_a_minute(world, house, store, login, method, seconds):
    fems, tries = world.clock.fems, set()

    def note(request):
        if request.method == method:
            tries.add(round(world.clock.monotonic()))
            assert "null" in request.body or method == "GET"
        return False

    fems.faults.when(note, "null")
    with FemsClient(fems.url, login, deadline_s=2) as client:
        Executor(
            client, ActivePlan(store), journal.Journal(store), Clock(fems), world.settings
        ).run(300)  # fmt: skip
    assert sorted(tries) == seconds
    assert not house.written.values
    assert reasons(world)[-2:] == ["REFUSED", "STOPPED"]


REFUSALS = {
    "another password": ("nobody's", "ess0", {}, "does not accept the password"),
    "a guest's password": ("user", "ess0", {}, "lets this password only read"),
    "the app that only reads": ("owner", "ess0", {"read_only": True}, "can only be read"),
    "an unknown unit": ("owner", "ess7", {}, "has no component ess7"),
}


@pytest.mark.parametrize("what", REFUSALS)
@pytest.mark.parametrize("by_hand", [True, False])
def test_a_refusal_from_the_start_ends_what_was_started_by_hand(
    world, house, store, what, by_hand, caplog
):
    """A service keeps trying, for its owner may mend it, and says that nothing is held."""
    login, ess, changes, words = REFUSALS[what]
    house.install(replace(house.installation, **changes))
    fems = world.clock.fems
    with FemsClient(fems.url, login, ess, deadline_s=2) as client:
        executor = Executor(
            client, ActivePlan(store), journal.Journal(store), Clock(fems), world.settings,
            by_hand=by_hand,
        )  # fmt: skip
        if by_hand:
            with pytest.raises(RefusedError, match=words):
                executor.run(60)
            assert house.moment == START
        else:
            executor.run(60)
            assert len(reported(caplog, "nothing is held: the FEMS refuses (")) == 1
            assert words in reported(caplog, "nothing is held: the FEMS refuses (")[0]
    assert not house.written.values


def test_a_refusal_that_comes_later_ends_nothing(world, house):
    world.by_hand = True
    world.clock.each = lambda second: second == 45 and world.clock.fems.faults.always("refused")
    world.run(120)
    assert reasons(world) == ["STARTING", "HOLDING", "REFUSED", "STOPPED"]


def refuse_one_write(world, status=401):
    """Let the next write alone be refused."""
    fault, left = f"refused={status}", [1]

    def is_next_write(request):
        if request.method == "POST" and left:
            left.clear()
            return True
        return False

    world.clock.fems.faults.when(is_next_write, fault)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("doubt", ["fault", "off grid", "unknown", "no plan"])
def test_a_refused_write_puts_off_no_release(world, house, status, doubt):
    """The set-point of second 40 is refused; the null follows at once, and again at each doubt."""
    seen = {}

    def each(second):
        if second == 39:
            refuse_one_write(world, status)
        if second == 41:
            house.conditions.state = FAULT if doubt == "fault" else 0
            house.conditions.grid_mode = OFF_GRID if doubt == "off grid" else ON_GRID
            house.conditions.unknown = "ess0/Soc" if doubt == "unknown" else ""
            if doubt == "no plan":
                world.active_plan.connection.execute("DELETE FROM plan")
        if second in (39, 42, 52):
            seen[second] = dict(house.written.values)

    world.clock.each = each
    world.run(60)
    assert seen == {39: {Channel.EQUALS: HELD}, 42: {}, 52: {}}


def test_a_release_is_tried_in_each_cycle_while_the_fems_refuses_to_take_it(world, house):
    """From second 35 on each write is refused, at 41 the device has a fault, at 58 it ends."""
    tries, freed = [], []

    def note(request):
        if request.method == "POST":
            tries.append((round(world.clock.monotonic()), json.loads(request.body)["value"]))
        return False

    def each(second):
        if second == 35:
            world.clock.fems.faults.writes("refused")
        if second == 41:
            house.conditions.state = FAULT
        if second == 58:
            world.clock.fems.faults.clear()
            world.clock.fems.faults.when(note, "null")
        if second > 36 and not house.written.values:
            freed.append(second)

    world.clock.fems.faults.when(note, "null")
    world.clock.each = each
    world.run(80)
    assert [one for one in tries if one[0] >= 35] == [
        (40, HELD), (40, None), (50, None), (60, None),
    ]  # fmt: skip
    assert freed[0] == 61


def test_after_a_refusal_only_set_points_wait(world, house):
    tries = []

    def note(request):
        if request.method == "POST":
            tries.append((round(world.clock.monotonic()), json.loads(request.body)["value"]))
        return False

    world.clock.fems.faults.when(note, "null")
    world.clock.each = lambda second: second == 39 and refuse_one_write(world)
    world.run(121)
    values = [second for second, value in tries if value is not None and second >= 40]
    assert values == [40, 100, 110, 120]
    assert (40, None) in tries
    assert not house.written.values


def test_the_end_releases_although_a_write_was_refused_just_before(world, house):
    """Refused at 50, with a FEMS that would hold the value of 40 for five minutes."""
    house.written.timeout_s = 300
    world.clock.each = lambda second: (
        second == 49 and world.clock.fems.faults.next(None, None, "refused", "refused")
    )
    world.run(51)
    assert not house.written.values
    assert reasons(world) == ["STARTING", "HOLDING", "REFUSED", "STOPPED"]


@pytest.mark.parametrize("seconds", [0, 301, 600])
def test_a_time_out_that_becomes_unsafe_ends_control_as_at_the_start(world, house, seconds):
    """Changed at 45: the app restarts, the connection ends once, and the next cycle sees it."""
    at = {45: lambda: world.clock.fems.change_timeout(seconds)}
    world.clock.each = lambda second: at.get(second, lambda: None)()
    with pytest.raises(UnsafeTimeoutError):
        world.run(300)
    assert house.moment == START + timedelta(seconds=50)
    assert not house.written.values


@pytest.mark.parametrize("seconds", [0, 301])
def test_an_unsafe_time_out_that_nothing_shows_is_found_within_minutes(world, house, seconds):
    """No connection ended: as where a proxy keeps its side open."""
    at = {45: lambda: setattr(house.written, "timeout_s", seconds)}
    world.clock.each = lambda second: at.get(second, lambda: None)()
    with pytest.raises(UnsafeTimeoutError):
        world.run(400)
    assert house.moment <= START + timedelta(seconds=45 + TIMEOUT_EVERY_S)
    assert not house.written.values


def test_at_the_start_an_unsafe_time_out_still_lets_what_was_left_behind_be_released(world, house):
    house.written.timeout_s = 0
    house.write(Channel.LESS_OR_EQUALS, -2_000)
    with pytest.raises(UnsafeTimeoutError):
        world.run(60)
    assert not house.written.values


@pytest.mark.parametrize("restarts", [True, False])
def test_a_shorter_time_out_is_written_for_and_a_longer_one_again(world, house, restarts, caplog):
    """4 s at 45: without another interval the battery would be held for 4 of each 10 s."""
    applied, fems = [], world.clock.fems

    def change(seconds):
        if restarts:
            fems.change_timeout(seconds)
        else:
            house.written.timeout_s = seconds

    at = {45: lambda: change(4), 150: lambda: change(60)}

    def each(second):
        at.get(second, lambda: None)()
        applied.append((second, house.shown.applied_w))

    world.clock.each, world.clock.least_s = each, 1
    world.run(145)
    steady = 52 if restarts else 75  # two cycles with a restart, else two after the first doubt
    assert {w for second, w in applied if steady <= second < 145} == {HELD}
    assert world.interval_s == pytest.approx(0.8)
    world.run(200)
    assert world.interval_s == 10
    assert len(reported(caplog, "written every 0.8 s: the FEMS's time-out is 4 s")) == 1
    assert len(reported(caplog, "the FEMS's time-out is 60 s now, it was 4 s")) == 1


def test_a_reconnect_alone_makes_the_time_out_asked_for(world):
    asked = []
    world.clock.fems.faults.when(
        lambda request: (
            "_PropertyApiTimeout" in request.target and asked.append(round(world.clock.monotonic()))
        ),
        "null",
    )
    drops = {45: ("reset",), 75: ("drop-before",)}
    world.clock.each = lambda second: world.clock.fems.faults.next(*drops.get(second, ()))
    world.run(120)
    assert asked == [0, 50, 80]


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
                StoredDevice(store).remember(client.identity(), fems.url, clock.now())

        clock.each = each
        Executor(
            client, ActivePlan(store), journal.Journal(store), clock, world.settings,
            device_memory=StoredDevice(store),
        ).run(250)  # fmt: skip
    assert reasons(world)[3:] == ["STRANGER", "HOLDING", "STOPPED"]
    warning = reported(caplog, "nothing is held: another FEMS than before answers")
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
    assert len(reported(caplog, "nothing is held: the FEMS does not answer")) == 1
    assert len(reported(caplog, "the release was not taken")) == 1


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

    real = world.active_plan.at

    def at(now):
        plan = real(now)
        clocks_are_read = house.moment >= START + timedelta(seconds=40)
        if clocks_are_read and world.clock.ahead_s == 0.0:
            asleep()
        return plan

    world.synchronised = lambda: True
    world.active_plan = type("Book", (), {"at": staticmethod(at), "news": lambda _: "",
                                   "end_override": lambda *_: None,
                                   "connection": world.active_plan.connection})()  # fmt: skip
    world.run(45)
    assert [value for _, _, value in posts] == [None]  # the release only
    assert "STALE" in reasons(world)


def test_settings_are_changed_between_two_cycles(world, house, caplog):
    gentle = ControlSettings(Battery(capacity_wh=22_000), Grid(max_buy_w=3_900), site="home")
    changes = [None] * 5 + [SettingsChange(gentle, 5.0, ReplanInterval())] + [None] * 60
    world.reload = lambda: changes.pop(0)
    world.run(120)
    assert world.interval_s == 5.0
    assert reasons(world) == ["STARTING", "HOLDING", "FOREIGN_PLAN", "STOPPED"]
    assert house.shown.applied_w == ALONE


def test_a_new_plan_is_noted(world, store, make_plan, caplog):
    newer = make_plan(settings=world.settings, buy=0.40)

    def each(second):
        if second == 50:
            plan_store.save(store, newer, {})

    world.clock.each = each
    world.run(100)
    notes = [tick.note for tick in journal.ticks(store, START, "event")]
    first = "plan made 2026-01-15T02:00:00Z to "
    assert notes == [first + "2026-01-15T04:00:00Z", first + "2026-01-15T02:30:00Z"]
    assert len(reported(caplog, "a new plan is followed")) == 2


def test_the_record_for_the_law_is_kept_by_the_quarter_hour(world, store):
    """Charged with 10 kW from the grid all the time but the first 20 s: in the record."""
    world.run(1_830)
    rows = store.execute("SELECT start, seconds, bought_wh, held_sold_wh FROM quarter").fetchall()
    assert [row[0][11:16] for row in rows] == ["02:00", "02:15", "02:30"]
    assert rows[1][1] == 900
    assert rows[1][2] == pytest.approx(2_500)
    sums = quarter_record.sums(store, START)
    assert sums.bought_wh == pytest.approx(5_000, abs=150)
    assert (sums.sold_wh, sums.held_sold_wh) == (0.0, 0.0)
    assert quarter_record.sums(store, START + timedelta(hours=1)).seconds == 0


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
    from optimizer.model.snapshot import Decision

    reason = Reason.HOLDING if held else Reason.SELF_CONSUMPTION
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
    assert len(reported(caplog, "a fault of this program, the ")) == 2
    assert len(reported(caplog, "the release failed by a fault of this program")) == 1
    assert reasons(world) == [
        "STARTING", "HOLDING", "INTERNAL_ERROR", "STARTING", "HOLDING", "STOPPED",
    ]  # fmt: skip
    assert not house.written.values
