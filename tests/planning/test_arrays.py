"""Where pandas stops, and what the program is told about a task."""

from datetime import timedelta

import pandas as pd
import pytest

from optimizer.errors import DataError
from optimizer.model import frames
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.program import is_convex, may_burn, may_circle, may_wash


@pytest.fixture
def frame(at):
    starts = [at, at + timedelta(minutes=15)]
    return frames.frame_of(
        starts,
        [start + timedelta(minutes=15) for start in starts],
        buy_eur_per_kwh=[0.3, 0.2],
        sell_eur_per_kwh=[0.08, 0.07],
        load_w=[500, 600],
        pv_w=[0, 100],
        spot_eur_per_kwh=[0.1, 0.05],
    )


def test_rows_become_plain_steps(frame, at):
    first, second = forecast_steps(frame)
    assert (first.start, first.end) == (at, second.start)
    assert (second.buy, second.sell, second.load_w, second.pv_w) == (0.2, 0.07, 600.0, 100.0)
    assert type(second.load_w) is float
    assert (second.hours, second.need_w) == (0.25, 500.0)


def test_an_incomplete_forecast_does_not_pass(frame):
    with pytest.raises(DataError, match="forecast: column 'pv_w' is missing"):
        forecast_steps(frame.drop(columns="pv_w"))
    frame.loc[frame.index[1], "load_w"] = float("nan")
    with pytest.raises(DataError, match=r"load_w \[W\] is missing at 2026-03-28T13:15:00Z"):
        forecast_steps(frame)


def test_a_frame_is_not_changed_by_reading_it(frame):
    before = frame.copy()
    forecast_steps(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("buy", "sell", "marginal_value"),
    [
        (0.30, 0.08, 0.65 * 0.30 * 0.9),
        (0.20, 0.12, 0.12 / 0.8 + 0.001),
        (0.30, 0.30, 0.30 * 0.9),
        (0.30, -0.05, 0.65 * 0.30 * 0.9),
        (-0.20, -0.20, 0.0),
        (0.0, 0.0, 0.0),
    ],
    ids=[
        "most of the mean price",
        "above the pay for feed-in",
        "never above what it saves",
        "negative feed-in",
        "never negative",
        "free",
    ],
)
def test_the_automatic_end_value(task_of, buy, sell, marginal_value):
    task = task_of([(buy, sell, 500, 0)] * 3, charge_efficiency=0.8, discharge_efficiency=0.9)
    assert auto_end_value(task.steps, task.battery) == pytest.approx(marginal_value)


def test_the_automatic_end_value_weighs_steps_by_their_length(task_of):
    short = task_of([(0.50, 0.0, 0, 0)], minutes=15).steps
    long = task_of([(0.10, 0.0, 0, 0)], minutes=60)
    marginal_value = auto_end_value(short + long.steps, long.battery)
    assert marginal_value == pytest.approx(0.65 * (0.5 * 0.25 + 0.1 * 1.0) / 1.25)


def test_which_steps_could_cheat(task_of):
    rows = [(0.3, 0.1, 0, 0), (-0.1, -0.2, 0, 0), (0.1, 0.2, 0, 0), (0.1, 0.1, 0, 0)]
    task = task_of(rows)
    steps = task.steps
    assert may_burn(task) == [True, True, False, False]
    assert [may_circle(step) for step in steps] == [False, False, True, False]
    strict, free = task_of(rows, rule="pv_only").grid, task_of(rows).grid
    assert [may_wash(step, strict) for step in steps] == [False, True, False, False]
    assert not any(may_wash(step, free) for step in steps)


@pytest.mark.parametrize(
    ("rows", "convex"),
    [
        ([(0.3, 0.1, 0, 0), (0.1, 0.1, 0, 0)], True),
        ([(0.3, -0.1, 0, 0)], True),
        ([(0.3, 0.1, 0, 0), (-0.01, -0.1, 0, 0)], False),
        ([(0.1, 0.2, 0, 0)], False),
    ],
)
def test_a_task_without_such_steps_needs_no_binary(task_of, rows, convex):
    assert is_convex(task_of(rows)) is convex


def test_the_device_range_always_holds_standing_still(task_of):
    rows = [(0.3, 0.1, 500, 2_000), (0.3, 0.1, 2_000, 500), (0.3, 0.1, 700, 700)]
    for rule in ("pv_only", "grid_charge", "green_export", "mixed"):
        task = task_of(rows, rule=rule, standby_w=60, hybrid=True, max_ac_w=4_000)
        for step in task.steps:
            low, high = task.battery_range(step)
            assert low <= -60 <= 0 <= high <= 4_000
