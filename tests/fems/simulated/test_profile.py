"""Power over time: repetition, pieces, bursts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from optimizer.errors import DataError
from optimizer.simulation.fems.profile import Profile

START = datetime(2026, 1, 14, tzinfo=UTC)
DAY = Profile(START, 900, tuple(float(step * 10) for step in range(96)))


def test_a_step_lasts_until_the_next_one():
    assert DAY.at(START) == 0
    assert DAY.at(START + timedelta(minutes=14, seconds=59)) == 0
    assert DAY.piece(START + timedelta(minutes=20)) == (10, 600)


def test_it_repeats_for_ever_in_both_directions():
    moment = START + timedelta(hours=5)
    for days in (-400, -1, 1, 3_000):
        assert DAY.at(moment + timedelta(days=days)) == DAY.at(moment)


def test_local_times_are_understood():
    berlin = datetime(2026, 1, 14, 2, tzinfo=timezone(timedelta(hours=1)))
    assert DAY.at(berlin) == DAY.at(START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("start", "step_s", "watts", "fault"),
    [
        (datetime(2026, 1, 14), 900, (1.0,), "time zone"),  # noqa: DTZ001 - the fault
        (START, 900, (), "at least one step"),
        (START, 0, (1.0,), "at least one second"),
        (START, 900, (1.0, -1.0), "Step 1 .* -1.0 W"),
        (START, 900, (float("nan"),), "Step 0"),
        (START, 900, (float("inf"),), "Step 0"),
    ],
)
def test_a_useless_profile_is_refused(start, step_s, watts, fault):
    with pytest.raises(DataError, match=fault):
        Profile(start, step_s, watts)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_bursts_keep_the_mean_of_each_step(share):
    minutes = DAY.spiky(7, share=share)
    assert (minutes.step_s, len(minutes.watts)) == (60, 96 * 15)
    assert min(minutes.watts) >= 0
    for step, mean_w in enumerate(DAY.watts):
        part = minutes.watts[step * 15 : step * 15 + 15]
        assert sum(part) / 15 == pytest.approx(mean_w, abs=1e-9)


def test_bursts_are_bursts_and_repeatable():
    spiky = DAY.spiky(7)
    assert spiky == DAY.spiky(7)
    assert spiky != DAY.spiky(8)
    assert max(spiky.watts) > 2 * max(DAY.watts)


@pytest.mark.parametrize(("step_s", "share"), [(90, 0.5), (900, -0.1), (900, 1.1)])
def test_bursts_need_minutes_and_a_share(step_s, share):
    with pytest.raises(DataError, match="whole minutes"):
        Profile(START, step_s, (1.0,)).spiky(1, share=share)
