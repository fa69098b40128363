"""What a cycle may do, whatever befalls it: pure, so that odd moments cost nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from optimizer.control.clock import Clocks
from optimizer.control.law import ControlState
from optimizer.control.policy import ControlInput, choose, still_true
from optimizer.model.snapshot import Decision, Reason


@pytest.fixture
def live(make_plan, make_settings, make_snapshot, now):
    """Cycles of 10 s with a plan that charges; a cycle is what differs from a good one."""
    settings = make_settings(site="home")
    plan = make_plan(settings=settings, buy=0.1, values=(0.3, 0.3), steps=40)

    def run(*cycles, plan=plan):
        memory, decisions = ControlState(), []
        for number, change in enumerate(cycles):
            seconds = 10.0 * number
            at = now + timedelta(seconds=seconds + change.get("jumped", 0.0))
            ahead = timedelta(seconds=change.get("ahead", 0.0))
            clocks = Clocks(at, seconds, False, ahead if change.get("date", True) else None)
            seen = change.get("seen", make_snapshot(at=at))
            control_input = ControlInput(
                clocks, plan, seen, change.get("doubt"), change.get("note", "")
            )
            decision, memory = choose(control_input, memory, settings)
            decisions.append(decision)
        return decisions

    return run


GOOD = {}
STARTED = (GOOD,) * 3
CASES = [
    ("no reading", {"seen": None, "doubt": Reason.UNREACHABLE}, Reason.UNREACHABLE, 2),
    ("no reading, nobody says why", {"seen": None}, Reason.UNREACHABLE, 2),
    ("refused", {"seen": None, "doubt": Reason.REFUSED}, Reason.REFUSED, 2),
    ("another writer", {"doubt": Reason.YIELDED}, Reason.YIELDED, 0),
    ("another FEMS", {"doubt": Reason.STRANGER}, Reason.STRANGER, 0),
    ("clocks apart", {"ahead": 300.0}, Reason.CLOCK_SKEW, 2),
    ("paused", {"doubt": Reason.PAUSED}, Reason.PAUSED, 0),
    ("paused without a reading", {"seen": None, "doubt": Reason.PAUSED}, Reason.PAUSED, 2),
    ("paused, clocks apart", {"ahead": 300.0, "doubt": Reason.PAUSED}, Reason.PAUSED, 2),
]


@pytest.mark.parametrize(("title", "cycle", "reason", "waits"), CASES)
def test_a_doubt_releases_and_steadiness_is_proved_anew(live, title, cycle, reason, waits):
    decisions = live(*STARTED, GOOD, cycle, *[GOOD] * 3)
    reasons = [decision.reason for decision in decisions]
    starting = [Reason.STARTING]
    assert reasons[:3] == [*starting * 2, Reason.HOLDING]
    assert (reasons[4], decisions[4].setpoint_w) == (reason, None), title
    assert reasons[5:] == [*starting * waits, *[Reason.HOLDING] * (3 - waits)], title


def test_a_jump_of_the_clock_begins_anew_by_the_new_time(live):
    jump = {"jumped": 900.0}
    decisions = live(*STARTED, jump, *[jump] * 3)
    reasons = [decision.reason for decision in decisions]
    assert reasons[3:] == [Reason.CLOCK_JUMPED, Reason.STARTING, Reason.STARTING, Reason.HOLDING]
    assert decisions[-1].step == decisions[2].step + timedelta(minutes=15)


def test_without_a_witness_nothing_is_held(live):
    without_plan = {"date": False}
    decisions = live(*[without_plan] * 5)
    assert {decision.reason for decision in decisions} == {Reason.CLOCK_UNSURE}
    assert "tells no time" in decisions[0].note
    assert "300 s behind" in live({"ahead": -300.0})[0].note


def test_the_plan_of_another_site_is_not_followed(live, make_plan, make_settings):
    other = make_plan(settings=make_settings(), buy=0.1, values=(0.3, 0.3))
    decisions = live(*STARTED, plan=replace(other, site="the neighbour's"))
    assert decisions[-1].reason is Reason.FOREIGN_PLAN


@pytest.mark.parametrize(
    ("waited_s", "wall_s", "until_s", "true"),
    [
        (1, 1, 60, True),
        (15, 15, 60, True),
        (16, 1, 60, False),  # the loop was stopped
        (1, 600, 900, False),  # the computer slept
        (1, -600, 60, False),
        (-1, 1, 60, False),
        (14, 14, -1, True),  # the step has just ended
        (14, 14, -2, False),
    ],
)
def test_an_old_decision_is_not_written(now, waited_s, wall_s, until_s, true):
    decision = Decision(now, -3_000, Reason.HOLDING, until=now + timedelta(seconds=until_s))
    assert still_true(decision, now + timedelta(seconds=wall_s), waited_s) is true


def test_a_jump_of_the_clock_does_not_shorten_the_wait_after_an_outage(live, make_snapshot, now):
    """Also when the clock jumps there and back, and back while the FEMS does not answer."""
    off = {"seen": make_snapshot(at=now + timedelta(seconds=30), grid_mode=2)}
    there = {"jumped": 7_200.0, "ahead": -7_200.0}
    away = {"seen": None, "doubt": Reason.UNREACHABLE}
    for middle in ([there, there], [there, away], [{"jumped": -600.0}, GOOD]):
        decisions = live(*STARTED, off, *middle, *[GOOD] * 34)
        holding = [n for n, one in enumerate(decisions) if one.setpoint_w is not None]
        assert holding[0] == 2
        assert 33 <= holding[1] <= 39  # 300 s, or anew from when the clock was right again
