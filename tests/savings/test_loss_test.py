"""The sequential test of daily gains: its error rate, heavy tails, and how soon it finds a loss."""

import itertools
from datetime import date, timedelta

import pytest

from optimizer.savings import loss_test
from optimizer.savings.account import DayAccount
from optimizer.savings.daily_gains import DailyGain
from optimizer.savings.likely_part import LikelyPart, likely_part
from optimizer.savings.loss_test import BETS, THRESHOLD, evidence, judged

MONDAY = date(2026, 1, 5)


def days(gains, first=MONDAY):
    return [DailyGain(first + timedelta(days=at), eur, 96) for at, eur in enumerate(gains)]


def last(gains, bound=1.0):
    *_, found = evidence(days(gains), bound)
    return found


@pytest.mark.parametrize(("high", "low", "chance"), [(1.0, -1.0, 0.5), (0.2, -0.8, 0.8)])
def test_a_control_that_is_worth_nothing_wins_no_stake_on_average(high, low, chance):
    """Over all courses of ten days with mean 0 the stakes' mean is their number: fair bets."""
    mean = 0.0
    for course in itertools.product((high, low), repeat=10):
        highs = course.count(high)
        mean += chance**highs * (1 - chance) ** (10 - highs) * last(course)
    assert mean == pytest.approx(2.0)  # ten days from a Monday on see two stakes


def test_a_stake_is_laid_in_each_week_on_its_first_day_that_counts():
    idle = [0.0] * 15
    assert list(evidence(days(idle), 1.0)) == [1.0] * 7 + [2.0] * 7 + [3.0]
    gap = [DailyGain(MONDAY + timedelta(days=at), 0.0, 96) for at in (2, 9, 10, 30)]
    assert list(evidence(gap, 1.0)) == [1.0, 2.0, 2.0, 3.0]


def test_no_single_day_decides_and_no_meter_that_slips():
    assert last([-1e6]) == last([-1.0]) == pytest.approx(1 + sum(BETS) / len(BETS))
    assert judged(days([0.1] * 60 + [-1e6] * 3), 1.0) is None
    assert judged(days([0.2, -0.2] * 40), 1.0) is None


def test_a_steady_loss_is_found_and_good_months_before_it_do_not_hide_it():
    losing = [-0.5] * 40
    alone = next(at for at in range(1, 41) if judged(days(losing[:at]), 1.0))
    good = [0.4] * 80
    after = next(at for at in range(1, 41) if judged(days(good + losing[:at]), 1.0))
    assert alone <= 30
    assert after - alone <= 7  # a new stake is laid each Monday
    loss = judged(days(good + losing[:after]), 1.0)
    assert loss.since == MONDAY + timedelta(days=80)
    assert (loss.days, loss.eur) == (after, pytest.approx(0.5 * after))
    assert loss.until == MONDAY + timedelta(days=79 + after)


def test_what_is_longer_ago_than_13_weeks_counts_no_longer():
    long_ago = days([-1.0] * 40)
    recent = days([0.05] * 91, MONDAY + timedelta(days=40))
    assert judged(long_ago, 1.0) is not None
    assert judged(long_ago + recent, 1.0) is None
    assert judged([], 1.0) is None


def test_the_threshold_is_a_year_of_stakes_at_one_percent():
    assert pytest.approx(5_300) == THRESHOLD
    assert loss_test.bound_eur(10_000, 0.30) == pytest.approx(1.0)
    assert loss_test.bound_eur(10_000, -0.30) > 0


@pytest.mark.parametrize(
    ("accounts", "writer_share", "part"),
    [
        ({"execution_eur": -2.0, "planning_eur": 1.0}, 0.0, LikelyPart.EXECUTION),
        ({"execution_eur": -2.0, "planning_eur": 1.0}, 0.1, LikelyPart.WRITER),
        ({"execution_eur": -2.0, "model_off_wh": 4_000.0, "stored_eur_per_kwh": 0.3}, 0.0,
         LikelyPart.BATTERY),
        ({"forecast_eur": -2.0, "execution_eur": -1.0}, 0.0, LikelyPart.FORECAST),
        ({"planning_eur": -2.0, "execution_eur": -1.0}, 0.0, LikelyPart.PLAN),
        ({"planning_eur": 2.0, "execution_eur": 0.1, "forecast_eur": 0.1}, 0.0, LikelyPart.PLAN),
    ],
)  # fmt: skip
def test_the_part_that_lost_most_is_named(accounts, writer_share, part):
    assert (
        likely_part([DayAccount("2026-01-05", 96, 96, 0, 0, 0, **accounts)], writer_share) is part
    )
