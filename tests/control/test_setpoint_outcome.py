"""What became of a set-point: table of cases; the time-out; a trial that always gives back."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control import live_test
from optimizer.control.device_guard import safe_interval_s
from optimizer.control.setpoint_monitor import (
    SentSetpoint,
    SetpointOutcome,
    Verdict,
    verify,
    verify_reactive,
)
from optimizer.errors import DataError, ExitCode, UnreachableError, UnsafeTimeoutError
from optimizer.fems.client import FemsClient
from optimizer.fems.writable_channels import Entry, HandedOver, ReactiveChannel
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Channel, Snapshot
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems

AT = datetime(2026, 6, 14, 12, tzinfo=UTC)
EQ, LE, GE = Channel
PENDING, APPLIED, CLIPPED, OVERRIDDEN, IGNORED, LOST = SetpointOutcome


def log_of(*channels, failed=False, known=True):
    entries = (Entry("ctrlApiRest0", f"ess0/{channel}", "1") for channel in channels)
    return HandedOver(tuple(entries), known=known, failed=failed)


CASES = [
    # channel, sent, age, applied, inverter, log, outcome
    (EQ, 1000, 2, 3000, 3000, None, PENDING),
    (EQ, 1000, 3, 1000, 900, None, APPLIED),
    (EQ, 1000, 3, 1002, 900, None, APPLIED),
    (EQ, 1, 3, 0, 0, None, APPLIED),
    (EQ, -9000, 4, -6000, -6000, None, CLIPPED),
    (EQ, 9000, 4, 5990, 5990, None, CLIPPED),
    (EQ, 1000, 4, 3000, 3000, None, OVERRIDDEN),
    (EQ, -9000, 4, 3000, 3000, None, OVERRIDDEN),
    (EQ, 5000, 4, 6000, 6000, None, OVERRIDDEN),
    (EQ, 1000, 19, 1000, 3000, None, APPLIED),
    (EQ, 1000, 20, 1000, 3000, None, IGNORED),
    (EQ, 1000, 20, 1000, 1149, None, APPLIED),
    (EQ, 8000, 20, 8000, 7650, None, APPLIED),
    (EQ, 1000, 20, 1000, None, None, APPLIED),
    (EQ, 1000, 19, None, 3000, None, PENDING),
    (EQ, 1000, 20, None, 3000, None, IGNORED),
    (EQ, 1000, 20, None, 1100, None, APPLIED),
    (EQ, 1000, 20, None, None, None, PENDING),
    (LE, 500, 4, 300, 300, None, APPLIED),
    (LE, 500, 4, 800, 800, None, OVERRIDDEN),
    (LE, -9000, 4, -6000, -6000, None, CLIPPED),
    (GE, 500, 4, 800, 800, None, APPLIED),
    (GE, 500, 4, 300, 300, None, OVERRIDDEN),
    (GE, 9000, 4, 6000, 6000, None, CLIPPED),
    (EQ, 1000, 4, 3000, 3000, log_of(), LOST),
    (EQ, 1000, 4, 3000, 3000, log_of(LE), LOST),
    (EQ, 1000, 4, 3000, 3000, log_of(EQ, failed=True), LOST),
    (EQ, 1000, 4, 3000, 3000, log_of(EQ), OVERRIDDEN),
    (EQ, 1000, 4, 1000, 1000, log_of(known=False), APPLIED),
]


@pytest.mark.parametrize(("channel", "sent", "age", "applied", "ess", "log", "outcome"), CASES)
def test_what_became_of_it(channel, sent, age, applied, ess, log, outcome):
    seen = Snapshot(
        AT, ess_w=ess, applied_w=applied, allowed_charge_w=-6_000, allowed_discharge_w=6_000
    )
    verdict = verify(SentSetpoint(channel, sent, age), seen, log)
    assert verdict.outcome is outcome


def test_without_limits_nothing_counts_as_clipped():
    seen = Snapshot(AT, applied_w=-6_000)
    assert verify(SentSetpoint(EQ, -9_000, 5), seen).outcome is OVERRIDDEN


def test_a_set_point_that_moves_a_little_is_judged_by_the_longer_time():
    seen = Snapshot(AT, ess_w=0, applied_w=1_010)
    assert verify(SentSetpoint(EQ, 1_010, 5, steady_s=30), seen).outcome is IGNORED


@pytest.mark.parametrize(
    ("timeout_s", "interval_s", "safe_s"),
    [(60, 10, 10), (60, 20, 12), (300, 20, 20), (15, 10, 3), (1, 1, 0.2), (None, 20, 20)],
)
def test_a_set_point_is_written_five_times_within_the_time_out(timeout_s, interval_s, safe_s):
    assert safe_interval_s(timeout_s, interval_s) == pytest.approx(safe_s)


@pytest.mark.parametrize(("timeout_s", "words"), [(0, "never lets"), (301, "for 301 s")])
def test_a_time_out_that_does_not_protect_is_refused(timeout_s, words):
    with pytest.raises(UnsafeTimeoutError, match=words) as caught:
        safe_interval_s(timeout_s, 10)
    assert caught.value.exit_code is ExitCode.UNSAFE_TIMEOUT


class Stepped:
    """Simulated time that stops when it is told to."""

    def __init__(self, fems, stop_at=10**9):
        self.fems, self.stop_at, self.passed = fems, stop_at, 0

    def now(self):
        return self.fems.house.moment

    def monotonic(self):
        return float(self.passed)

    def wait(self, seconds):
        self.passed += round(seconds)
        self.fems.advance(round(seconds))
        return self.passed >= self.stop_at


def house(*, load_w=800.0, pv_w=0.0, hybrid=False, soc_percent=50.0):
    battery = Battery(capacity_wh=22_000, hybrid=hybrid)
    return SimulatedHouse(
        battery, Profile(AT, 900, (load_w,)), Profile(AT, 900, (pv_w,)), AT, soc_percent
    )


@pytest.fixture
def tried():
    """Run a proof in a house; gives beats, tally and what is left written."""

    def run(place, *, stop_at=10**9, channel=EQ, requested=None, seconds=60.0):
        beats, tally = [], live_test.LiveTestResult()
        with SimulatedFems(place) as fems, FemsClient(fems.url, "owner", reactive=True) as client:
            fems.advance(3)
            clock = Stepped(fems, stop_at)
            hybrid = place.battery.hybrid
            requested = requested or live_test.harmless(
                client.snapshot(clock.now()), hybrid=hybrid, min_soc_percent=5
            )

            def report(beat):
                beats.append(beat)
                tally.count(beat)

            live_test.hold_for(client, clock, channel, requested, seconds, report)
        return beats, tally, dict(place.written.values)

    return run


def test_a_proof_moves_the_battery_by_little_and_gives_back(tried):
    beats, tally, left = tried(house())
    assert {beat.setpoint for beat in beats} == {600}
    assert beats[-1].second == 60
    assert (tally.beats, tally.applied, tally.proved) == (15, 15, True)
    assert not left


@pytest.mark.parametrize(
    ("place", "setpoint"),
    [
        (house(load_w=500, pv_w=4_000, hybrid=True), 700),
        (house(load_w=4_000, pv_w=500, hybrid=True), 3_800),
        (house(load_w=0), 200),
        (house(load_w=0, soc_percent=6), -200),
    ],
)
def test_a_harmless_power_by_the_state_of_the_battery(tried, place, setpoint):
    beats, tally, _ = tried(place, seconds=8)
    assert {beat.setpoint for beat in beats} == {setpoint}
    assert tally.proved


def test_a_trial_that_is_stopped_gives_back_at_once(tried):
    beats, _, left = tried(house(), stop_at=8)
    assert [beat.second for beat in beats] == [4, 8]
    assert not left


@pytest.mark.parametrize(
    ("hybrid", "requested_var", "outcome", "applied_var"),
    [
        (False, 500, SetpointOutcome.APPLIED, 500),
        (False, 50_000, SetpointOutcome.OVERRIDDEN, 9_967),  # beyond what the rating leaves
        (True, 500, SetpointOutcome.OVERRIDDEN, 0),  # without effect in a home system
    ],
)
def test_reactive_power_is_judged_by_reactive_power(
    tried, hybrid, requested_var, outcome, applied_var
):
    """The active power of 800 W beside it, whatever it is, plays no part."""
    beats, tally, left = tried(
        house(hybrid=hybrid), channel=ReactiveChannel.EQUALS, requested=lambda _: requested_var,
        seconds=8,
    )  # fmt: skip
    assert [beat.verdict for beat in beats] == [Verdict(outcome, applied_var)] * 2
    assert [beat.applied for beat in beats] == [applied_var] * 2
    assert tally.proved == (outcome is SetpointOutcome.APPLIED)
    assert not left


@pytest.mark.parametrize(
    ("channel", "applied_var", "outcome"),
    [
        (ReactiveChannel.EQUALS, 101, SetpointOutcome.APPLIED),
        (ReactiveChannel.EQUALS, 0, SetpointOutcome.OVERRIDDEN),
        (ReactiveChannel.LESS_OR_EQUALS, -500, SetpointOutcome.APPLIED),
        (ReactiveChannel.LESS_OR_EQUALS, 500, SetpointOutcome.OVERRIDDEN),
        (ReactiveChannel.GREATER_OR_EQUALS, 500, SetpointOutcome.APPLIED),
        (ReactiveChannel.GREATER_OR_EQUALS, -500, SetpointOutcome.OVERRIDDEN),
        (ReactiveChannel.EQUALS, None, SetpointOutcome.PENDING),
    ],
)
def test_a_reactive_set_point_on_each_channel(channel, applied_var, outcome):
    assert verify_reactive(channel, 100, 5.0, applied_var).outcome is outcome
    assert verify_reactive(channel, 100, 1.0, applied_var).outcome is SetpointOutcome.PENDING
    nothing = HandedOver((), known=True, failed=False)
    lost = verify_reactive(channel, 100, 5.0, applied_var, nothing).outcome
    assert lost is SetpointOutcome.NOT_CONVERTED


def test_a_trial_that_fails_gives_back_too():
    place = house()
    with SimulatedFems(place) as fems, FemsClient(fems.url, "owner") as client:

        def fail(_):
            raise UnreachableError("gone")

        with pytest.raises(UnreachableError, match="gone"):
            live_test.hold_for(client, Stepped(fems), EQ, lambda _: 7, 60, fail)
    assert not place.written.values


@pytest.mark.parametrize(("seconds", "beats"), [(0, 0), (301, 0)])
def test_nothing_is_set_by_hand_where_it_would_stay(seconds, beats):
    place, seen = house(), []
    place.written.timeout_s = seconds
    with SimulatedFems(place) as fems, FemsClient(fems.url, "owner") as client:
        place.write(EQ, 1_000)
        with pytest.raises(UnsafeTimeoutError):
            live_test.hold_for(client, Stepped(fems), EQ, lambda _: 7, 60, seen.append)
    assert len(seen) == beats
    assert not place.written.values


def test_a_time_out_that_becomes_unsafe_ends_what_is_set_by_hand():
    place, seen = house(), []
    with SimulatedFems(place) as fems, FemsClient(fems.url, "owner") as client:

        def report(beat):
            seen.append(beat.second)
            if beat.second == 8:
                place.written.timeout_s = 0

        with pytest.raises(UnsafeTimeoutError):
            live_test.hold_for(client, Stepped(fems), EQ, lambda _: 7, 60, report)
    assert seen == [4, 8]
    assert not place.written.values


def test_nothing_is_tried_on_an_incomplete_reading():
    with pytest.raises(DataError, match="nothing was tried"):
        live_test.harmless(Snapshot(AT + timedelta(0)), hybrid=True, min_soc_percent=5)


def test_what_is_pending_is_not_counted():
    tally = live_test.LiveTestResult()
    verdict = verify(SentSetpoint(EQ, 1, 0), Snapshot(AT))
    tally.count(live_test.LiveTestBeat(1, 1, verdict, Snapshot(AT)))
    assert tally.beats == 0
