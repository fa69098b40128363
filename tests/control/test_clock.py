"""Trust in the wall clock, which chooses the step."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.clock import Clocks, judge
from optimizer.model.snapshot import Reason

AT = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)


def clocks(seconds=0.0, *, jumped=0.0, synchronised=False, ahead=None):
    """Both clocks after some seconds; the wall clock may have jumped."""
    away = None if ahead is None else timedelta(seconds=ahead)
    return Clocks(AT + timedelta(seconds=seconds + jumped), 100 + seconds, synchronised, away)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({}, Reason.CLOCK_UNSURE),
        ({"synchronised": True}, None),
        ({"ahead": 59.0}, None),
        ({"ahead": -60.0}, None),
        ({"ahead": 61.0}, Reason.CLOCK_UNSURE),
        ({"ahead": 120.0, "synchronised": True}, None),
        ({"ahead": 121.0, "synchronised": True}, Reason.CLOCK_SKEW),
        ({"ahead": -121.0, "synchronised": True}, Reason.CLOCK_SKEW),
        ({"ahead": 3_600.0}, Reason.CLOCK_SKEW),
    ],
)
def test_at_the_start_the_clock_has_to_be_proved(seen, reason):
    assert judge(clocks(**seen), None)[0] is reason


def test_a_clock_that_was_proved_stays_so_without_a_witness():
    _, before = judge(clocks(synchronised=True), None)
    assert judge(clocks(10), before)[0] is None
    assert judge(clocks(10, ahead=100.0), before)[0] is None


@pytest.mark.parametrize("jumped", [31.0, -31.0, 600.0, -3_600.0])
def test_a_jump_is_told_once_and_the_clock_has_to_be_proved_anew(jumped):
    _, before = judge(clocks(synchronised=True), None)
    reason, after = judge(clocks(10, jumped=jumped), before)
    assert reason is Reason.CLOCK_JUMPED
    assert judge(clocks(20, jumped=jumped), after)[0] is Reason.CLOCK_UNSURE
    assert judge(clocks(20, jumped=jumped, ahead=1.0), after)[0] is None


def test_a_witness_does_not_hide_a_jump():
    _, before = judge(clocks(synchronised=True), None)
    reason, after = judge(clocks(10, jumped=500.0, synchronised=True), before)
    assert reason is Reason.CLOCK_JUMPED
    assert judge(clocks(20, jumped=500.0, synchronised=True), after)[0] is None


@pytest.mark.parametrize("jumped", [29.0, -29.0])
def test_a_leap_second_or_a_small_correction_changes_nothing(jumped):
    _, before = judge(clocks(synchronised=True), None)
    assert judge(clocks(10, jumped=jumped), before)[0] is None


@pytest.mark.parametrize("step", [2.0, -2.0, 29.0])
def test_a_clock_that_creeps_away_has_jumped_as_soon_as_it_is_far(step):
    """29 s at a time, or 2: no single step is a jump."""
    _, before = judge(clocks(synchronised=True), None)
    jumps, crept = [], 0.0
    for cycle in range(1, 40):
        crept += step
        reason, before = judge(clocks(10.0 * cycle, jumped=crept, ahead=-crept), before)
        jumps += [cycle] if reason is Reason.CLOCK_JUMPED else []
        # the FEMS disagrees by more than a minute: nothing proves the clock any more
        assert reason is None or reason is Reason.CLOCK_JUMPED or abs(crept) > 60
    assert jumps[0] == int(30 / abs(step)) + 1


def test_a_clock_that_is_corrected_to_and_fro_has_not_crept():
    _, before = judge(clocks(synchronised=True), None)
    for cycle in range(1, 100):
        reason, before = judge(clocks(10.0 * cycle, jumped=20.0 * (cycle % 2)), before)
        assert reason is None


def test_a_jump_back_to_where_it_was_is_a_jump():
    _, before = judge(clocks(synchronised=True), None)
    _, before = judge(clocks(10, jumped=29.0), before)
    assert judge(clocks(20, jumped=-2.0), before)[0] is Reason.CLOCK_JUMPED


def test_after_a_skew_the_clock_has_to_be_proved_anew():
    _, before = judge(clocks(synchronised=True), None)
    _, skewed = judge(clocks(10, ahead=500.0), before)
    assert judge(clocks(20), skewed)[0] is Reason.CLOCK_UNSURE
