"""The executor's hold on the battery where a write comes late."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.setpoint_monitor import SetpointMonitor
from optimizer.control.setpoint_writer import SetpointWriter
from optimizer.errors import UnreachableError
from optimizer.fems.channels import API
from optimizer.fems.writable_channels import Entry, HandedOver
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
EQ, LE = Channel.EQUALS, Channel.LESS_OR_EQUALS


class Slow:
    """A FEMS that puts the next writes off: their answer never comes, they land when told."""

    ess = "ess0"

    def __init__(self):
        self.held, self.late, self.putting_off = {}, [], False

    def hold(self, channel, setpoint):
        if self.putting_off:
            self.late.append((channel, setpoint))
            raise UnreachableError("The FEMS did not answer in time.")
        self.held[channel] = setpoint

    def give_back(self, channel):
        self.held.pop(channel, None)

    def release(self, *, everything=False):
        self.held.clear()

    def land(self):
        self.held.update(self.late)
        self.late.clear()


class Clock:
    seconds = 0.0

    def now(self):
        return START + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds


@pytest.fixture
def fems():
    return Slow()


@pytest.fixture
def cycle(fems):
    """One cycle: hold a value on a channel, or nothing."""
    clock = Clock()
    writer = SetpointWriter(fems, SetpointMonitor(fems), clock)

    def run(setpoint_w, channel=EQ):
        clock.seconds += 10
        writer.carry_out(
            Decision(clock.now(), setpoint_w, Reason.HOLDING, channel=channel), clock.seconds
        )
        return dict(fems.held)

    run.writer = writer
    return run


def test_a_late_write_on_the_channel_left_behind_is_given_back(fems, cycle):
    assert cycle(-3_000) == {EQ: -3_000}
    fems.putting_off = True
    cycle(-2_000)
    fems.putting_off = False
    fems.held.clear()
    assert cycle(100, LE) == {LE: 100}
    fems.land()
    assert fems.held == {EQ: -2_000, LE: 100}
    assert cycle(100, LE) == {LE: 100}
    assert cycle(100, LE) == {LE: 100}


def test_coming_back_to_a_channel_keeps_what_is_held_there(fems, cycle):
    cycle(-3_000)
    fems.putting_off = True
    cycle(-2_000)
    fems.putting_off = False
    cycle(100, LE)
    assert cycle(-1_000)[EQ] == -1_000
    assert cycle(-1_000)[EQ] == -1_000


def test_a_late_write_after_a_release_is_released_again(fems, cycle):
    cycle(-3_000)
    fems.putting_off = True
    cycle(-2_000)
    assert cycle(None) == {}
    fems.land()
    assert cycle(None) == {}


def test_who_writes_over_us_is_seen_although_our_answers_are_lost(fems, cycle):
    """The value that we tried is none of another program's, and the channel is one of ours."""
    logs = {}

    def handed_over():
        entries = tuple(Entry(API, f"ess0/{c}", str(v)) for c, v in logs.items())
        return HandedOver(entries, known=True, failed=False)

    fems.handed_over = handed_over
    watch = cycle.writer.watch
    fems.putting_off = True
    for number in range(6):
        cycle(-3_000 - number)
        logs[EQ] = -3_000 - number
        watch.poll(Snapshot(START), 10.0 * number + 15)
    assert not watch.yielded
    for number in range(4):
        cycle(-4_000)
        logs[EQ] = 777
        watch.poll(Snapshot(START), 10.0 * number + 75)
    assert watch.yielded
    assert watch.taken_from_us is EQ
