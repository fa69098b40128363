"""The executor beside other writers, other controllers and strange time-outs."""

import logging
from dataclasses import replace

import pytest

from optimizer.control.active_plan import ActivePlan
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.errors import UnreachableError, UnsafeTimeoutError
from optimizer.fems.client import FemsClient
from optimizer.fems.writable_channels import Entry, HandedOver
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, plan_store
from tests.control.stepped import START, SteppedClock

HELD = -10_000


class Device(FemsClient):
    """A FEMS of which some facts can be set."""

    timeout = 60
    others: tuple[Entry, ...] = ()
    failing = False
    applied = None
    ids = ("ctrlBalancing0", "ctrlEssLimiter14a0")

    def timeout_s(self):
        if isinstance(self.timeout, Exception):
            raise self.timeout
        return self.timeout

    def handed_over(self):
        if self.failing:
            raise UnreachableError("not now")
        log = super().handed_over()
        return HandedOver(log.entries + self.others, known=log.known, failed=log.failed)

    def controllers(self):
        if self.failing:
            raise UnreachableError("not now")
        return self.ids

    def snapshot(self, at):
        shot = super().snapshot(at)
        return shot if self.applied is None else replace(shot, applied_w=self.applied)


@pytest.fixture
def world(tmp_path, make_plan, caplog):
    caplog.set_level(logging.INFO)
    battery = Battery(capacity_wh=22_000)
    settings = ControlSettings(battery, Grid())
    load, pv = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    connection = database.connect(tmp_path)
    plan_store.save(connection, make_plan(settings=settings, buy=0.10, values=(0.3, 0.3)), {})
    with (
        SimulatedFems(SimulatedHouse(battery, load, pv, START, 50)) as fems,
        Device(fems.url, "owner", deadline_s=2) as client,
    ):
        yield Executor(
            client,
            ActivePlan(connection),
            journal.Journal(connection),
            SteppedClock(fems),
            settings,
        )
    connection.close()


def reasons(executor):
    return [tick.reason for tick in journal.ticks(executor.active_plan.connection, START, "change")]


def reported(caplog, words):
    return [record.message for record in caplog.records if words in record.message]


def test_another_writer_on_our_channel_gets_the_battery(world, caplog):
    fems, seen = world.clock.fems, {}

    def write(second):
        if 60 <= second < 200 and second % 5 == 0:
            fems.house.write(Channel.EQUALS, 1_234)
        if second in (55, 190):
            seen[second] = fems.house.shown.applied_w

    world.clock.each = write
    world.run(420)
    assert seen == {55: HELD, 190: 1_234}
    assert reasons(world) == ["STARTING", "HOLDING", "YIELDED", "HOLDING", "STOPPED"]
    # named once, and never as something that another controller, or their order, has done
    (named,) = reported(caplog, "another program")[:1]
    assert named == (
        "nothing is held: another program writes to the battery (1234 to "
        "ess0/SetActivePowerEquals over ctrlApiRest0; we give way until it stops)"
    )
    assert len(reported(caplog, "1234")) == 1
    assert reported(caplog, "instead of our") == []
    assert len(reported(caplog, "back to work")) == 1


def test_another_writer_elsewhere_is_told_once(world, caplog):
    world.fems.others = (Entry("ctrlApiModbusTcp0", "ess0/SetActivePowerLessOrEquals", "5"),)
    world.run(200)
    assert len(reported(caplog, "another program writes 5")) == 1
    assert reasons(world) == ["STARTING", "HOLDING", "STOPPED"]


def test_our_own_older_values_are_ours(world, caplog):
    world._approach.interval_s = 1
    world.run(100)
    assert not reported(caplog, "another program")


def test_a_log_that_cannot_be_read_changes_nothing(world):
    world.fems.failing = True
    world.run(100)
    assert reasons(world) == ["STARTING", "HOLDING", "STOPPED"]


@pytest.mark.parametrize(
    ("ids", "cause"),
    [
        (("ctrlBalancing0", "ctrlEssLimiter14a0"), "dimming by the grid operator"),
        (("ctrlBalancing0",), "the order of its controllers may be wrong"),
    ],
)
def test_the_cause_of_an_override_is_named(world, caplog, ids, cause):
    world.fems.applied, world.fems.ids = -4_200.0, ids
    world.run(200)
    assert len(reported(caplog, "instead of our -10000 W")) == 1
    assert cause in reported(caplog, "instead of our -10000 W")[0]


def test_an_override_by_nobody_known(world, caplog):
    world.fems.applied, world.fems.failing = -4_200.0, True
    world.run(200)
    assert "overridden by another controller" in reported(caplog, "instead of our")[0]


def test_a_clipped_set_point_is_normal(world, caplog):
    class Weak(type(world.fems)):
        def snapshot(self, at):
            # the limit sinks so fast that the last set-point lay beyond it
            self.limit = getattr(self, "limit", -9_000.0) + 150.0
            shot = super().snapshot(at)
            limits = {"allowed_charge_w": self.limit, "applied_w": self.limit}
            return replace(shot, ess_w=self.limit, battery_w=self.limit, grid_w=800.0, **limits)

    world.fems.__class__ = Weak
    world.run(200)
    assert not [r for r in caplog.records if "instead" in r.message and r.levelno > logging.INFO]


def test_an_inverter_that_does_not_follow_is_told(world, caplog):
    class Internal(type(world.fems)):
        def snapshot(self, at):
            return replace(super().snapshot(at), ess_w=800.0, battery_w=800.0, grid_w=0.0)

    world.fems.__class__ = Internal
    world.run(200)
    assert "control mode may be INTERNAL" in reported(caplog, "not followed by the inverter")[0]


def test_what_is_not_handed_over_is_told(world, caplog):
    class Lost(type(world.fems)):
        def handed_over(self):
            return HandedOver((), known=True, failed=True)

        def snapshot(self, at):
            return replace(super().snapshot(at), applied_w=800.0)

    world.fems.__class__ = Lost
    world.run(200)
    assert "run 'optimizer check'" in reported(caplog, "not handed over")[0]


@pytest.mark.parametrize("timeout_s", [0, 301])
def test_nothing_is_held_without_a_safe_time_out(world, timeout_s):
    world.fems.timeout = timeout_s
    with pytest.raises(UnsafeTimeoutError):
        world.run(100)
    assert not world.clock.fems.house.written.values
    assert reasons(world) == ["STOPPED"]


def test_a_shadow_only_warns(world, caplog):
    world.fems.timeout, world.shadow = 0, True
    world.run(60)
    assert reported(caplog, "never lets a set-point go")
    assert "HOLDING" in reasons(world)


def test_a_short_time_out_shortens_the_interval(world, caplog):
    world.fems.timeout = 15
    world.run(60)
    assert world.interval_s == 3
    assert reported(caplog, "written every 3 s")


def test_an_unknown_time_out_is_told_once(world, caplog):
    world.fems.timeout = None
    world.run(100)
    assert len(reported(caplog, "does not tell its time-out")) == 1


def test_a_time_out_that_cannot_be_asked_for_is_asked_again(world):
    world.fems.timeout = UnreachableError("not now")
    world.clock.each = lambda second: second == 40 and setattr(world.fems, "timeout", 15)
    world.run(100)
    assert world.interval_s == 3
