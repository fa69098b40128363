"""Days of more or less roof than forecast, side by side in the value table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from optimizer.model.load_spread import certain, generic
from optimizer.model.pv_days import PvDays
from optimizer.planning import water_value
from optimizer.planning.arrays import DayStates, Forecasts


@pytest.fixture(scope="module")
def task(task_of):
    """Two days of three steps: night, sun, evening; little room, so the roof's energy matters."""
    day = [(0.20, 0.08, 300.0, 0.0), (0.25, 0.08, 500.0, 3_000.0), (0.40, 0.08, 1_500.0, 0.0)]
    return task_of(day * 2, capacity_wh=3_000, end_value=0.12, max_sell_w=1_000)


def table(task, days=None, spread=None):
    forecasts = Forecasts.of([task.steps], spread or certain(), [task.end_values])
    return water_value.tables(task.battery, task.grid, replace(forecasts, days=days))[0]


def states(ratios, weights, days):
    return DayStates(
        np.array(ratios), np.ones(len(ratios)), np.array([weights], dtype=float), np.array([days])
    )


def with_pv(task, *ratios):
    """The task with each step's roof times its ratio."""
    steps = zip(task.steps, ratios, strict=True)
    return replace(task, steps=tuple(replace(s, pv_w=s.pv_w * r) for s, r in steps))


def test_one_state_as_forecast_is_the_table_without_states(random_task):
    task = random_task(60_000, 40)
    one = states([1.0], [[1.0]] * 40, [1] * 25 + [2] * 15)
    assert table(task, one, generic()) == pytest.approx(table(task, None, generic()))


def test_within_a_day_each_state_goes_on_by_itself(task):
    found = table(task, states([0.5, 1.3], [[0.25, 0.75]] * 6, [1] * 6))
    poor, rich = (table(with_pv(task, *[ratio] * 6)) for ratio in (0.5, 1.3))
    assert found == pytest.approx(0.25 * poor + 0.75 * rich)
    assert np.abs(poor - rich).max() > 0.01


def test_a_days_load_is_more_or_less_throughout(task):
    days = DayStates(
        np.ones(2), np.array([0.6, 1.5]), np.full((1, 6, 2), 0.5), np.ones((1, 6), int)
    )
    found = table(task, days, certain())
    steps = [[replace(s, load_w=s.load_w * ratio) for s in task.steps] for ratio in (0.6, 1.5)]
    low, high = (table(replace(task, steps=tuple(some))) for some in steps)
    assert found == pytest.approx((low + high) / 2)


def test_a_plans_kinds_of_days_are_its_states(task):
    """Six hours of one local day and six of the next: today's weights, then those of any day."""
    kinds = PvDays("Europe/Berlin", (0.7, 0.2, 0.1), (0.2, 0.3, 0.5))
    first = datetime(2026, 6, 14, 19, tzinfo=UTC)
    hours = [first + timedelta(hours=n) for n in range(6)]
    steps = tuple(
        replace(step, start=at, end=at + timedelta(hours=1))
        for step, at in zip(task.steps, hours, strict=True)
    )
    later = replace(task, steps=steps)
    weights = [kinds.today] * 3 + [kinds.later] * 3
    expected = table(later, states(kinds.ratios, weights, [1] * 3 + [2] * 3))
    assert water_value.of_task(later, certain(), kinds) == pytest.approx(expected)
    assert water_value.of_task(later, certain()) != pytest.approx(expected, abs=1e-4)


def test_over_night_the_states_are_forgotten(task):
    """The second day's mean counts at the end of the first, whatever the first one was like."""
    days, general, today = [1] * 3 + [2] * 3, [0.5, 0.5], [0.1, 0.9]
    found = table(task, states([0.5, 1.3], [today] * 3 + [general] * 3, days))
    poor, rich = (table(with_pv(task, *[ratio] * 6)) for ratio in (0.5, 1.3))
    assert found[3:] == pytest.approx((poor[3:] + rich[3:]) / 2)
    before = [(table(with_pv(task, *[1.0] * 3, *[ratio] * 3))[2]) for ratio in (0.5, 1.3)]
    assert found[2] == pytest.approx(sum(before) / 2)


def test_with_states_many_plans_are_the_same_as_one_by_one(random_task, monkeypatch):
    monkeypatch.setattr(water_value, "FORECASTS", 2)
    base = random_task(60_010, 30)
    plans = [base.steps[index : index + 20] for index in (0, 4, 9)]
    weights = np.random.default_rng(1).dirichlet([1, 1, 1], (3, 20))
    day = np.array([[1] * 12 + [2] * 8, [1] * 8 + [2] * 12, [1] * 3 + [2] * 17])
    ratios = np.array([0.6, 0.9, 1.2])
    forecasts = Forecasts.of(plans, generic(), [(0.1,), (0.2,), (0.15,)])
    together = water_value.tables(
        base.battery,
        base.grid,
        replace(forecasts, days=DayStates(ratios, ratios[::-1], weights, day)),
    )
    for index, steps in enumerate(plans):
        pv = DayStates(ratios, ratios[::-1], weights[index : index + 1], day[index : index + 1])
        one = Forecasts.of([steps], generic(), [forecasts.end_values[index]])
        without_plan = water_value.tables(base.battery, base.grid, replace(one, days=pv))
        assert together[index] == pytest.approx(without_plan[0], rel=0, abs=1e-12)
