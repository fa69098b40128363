"""The options of many steps at once are those of one step, figure for figure."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.planning.step_options import StepConditions, step_options
from optimizer.planning.task import ProgramFacts
from tests.planning import scalar_step

SAME = 1e-9


def conditions(steps):
    rows = np.array([(s.hours, s.buy, s.sell, s.load_w, s.pv_w) for s in steps]).T
    return StepConditions(*rows)


def merged(segments):
    """Segments of the same worth in one, empty ones left out: what matters of them."""
    result = []
    for marginal_value, length in segments:
        if length <= SAME:
            continue
        if result and abs(result[-1][0] - marginal_value) < 1e-6:
            result[-1][1] += length
        else:
            result.append([marginal_value, length])
    return result


def in_band(task):
    return replace(task, start_wh=(task.battery.min_wh + task.battery.max_wh) / 2)


@pytest.mark.parametrize("seed", range(8000, 8120))
def test_the_options_are_those_of_one_step(random_task, seed):
    task = in_band(random_task(seed, 24, tricky=seed % 2 == 0))
    many = step_options(task.battery, task.grid, conditions(task.steps))
    for index, step in enumerate(task.steps):
        segments, _, most_in = scalar_step.options(task, step, task.battery.max_wh)
        expected = merged(sorted(segments, key=lambda item: -item[0]))
        found = merged(zip(many.marginal_value[:, index], many.length[:, index], strict=True))
        assert np.array(found) == pytest.approx(np.array(expected), rel=0, abs=SAME)
        assert many.most_in[index] == pytest.approx(most_in, rel=0, abs=SAME)


@pytest.mark.parametrize("seed", range(8150, 8210))
def test_so_they_are_with_dimming_and_a_peak(whole_task, seed):
    """The peak that the program would decide on is taken somewhere among the loads."""
    task = in_band(whole_task(seed, 24))
    free = 0.0 if task.peak is None else task.free_peak_w(0)
    peaks = (max(free, task.steps[5].load_w), max(free, task.steps[11].load_w))
    task = replace(task, decided=ProgramFacts(peaks), forced=())
    step = replace(conditions(task.steps), limits=task.limits)
    if task.peak is not None:
        peak_w = np.array([task.decided_peak_w(s) for s in task.steps])
        step = replace(step, peak_w=peak_w, peak_eur_per_kw=task.peak.eur_per_kw)
    many = step_options(task.battery, task.grid, step)
    for index, each in enumerate(task.steps):
        segments, _, most_in = scalar_step.options(task, each, task.battery.max_wh)
        expected = merged(sorted(segments, key=lambda item: -item[0]))
        found = merged(zip(many.marginal_value[:, index], many.length[:, index], strict=True))
        assert np.array(found) == pytest.approx(np.array(expected), rel=1e-7, abs=SAME)
        assert many.most_in[index] == pytest.approx(most_in, rel=0, abs=SAME)


def test_the_worth_falls_also_where_a_step_is_not_convex(random_task):
    for seed in range(8200, 8220):
        task = in_band(random_task(seed, 24, tricky=True))
        marginal_value = step_options(
            task.battery, task.grid, conditions(task.steps)
        ).marginal_value
        assert (marginal_value[1:] <= marginal_value[:-1]).all()


def test_a_worked_step(task_of):
    """1 kW of roof above the house, 8 ct for selling, 30 ct for buying, 90 % in: an hour.

    The roof's surplus is stored first (0.9 kWh at 8 / 0.9 ct), then the grid's energy.
    """
    task = task_of(
        [(0.30, 0.08, 500.0, 1_500.0)], charge_efficiency=0.9, max_charge_w=3_000,
    )  # fmt: skip
    many = step_options(task.battery, task.grid, conditions(task.steps))
    segments = merged(zip(many.marginal_value[:, 0], many.length[:, 0], strict=True))
    assert segments[0] == pytest.approx([0.30 / 0.9, 1.8])
    assert segments[1] == pytest.approx([0.08 / 0.9, 0.9])
    assert many.most_in[0] == pytest.approx(2.7)


def test_a_step_of_no_length_has_no_options(task_of):
    task = task_of([(0.30, 0.08, 500.0, 0.0)])
    step = conditions(task.steps)
    none = step_options(task.battery, task.grid, replace(step, hours=np.zeros(1)))
    assert none.length.sum() == 0
    assert none.most_in.tolist() == [0.0]
