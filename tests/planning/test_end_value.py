"""What energy is worth at the plan's end: a falling line from the day after, or one worth."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.model.grid import Grid, OperatorLimit
from optimizer.model.load_spread import certain, generic
from optimizer.planning import end_value, planner, program, water_value_exact

NIGHT, SUN = (0.40, 0.08, 1_000.0, 0.0), (0.40, 0.08, 0.0, 3_000.0)


def test_a_worked_day_after(task_of):
    """1 kWh is used before the roof brings 3 kWh: the 2 kWh that it leaves open wait for later."""
    task = task_of([NIGHT, SUN], capacity_wh=5_000)
    marginal_value = end_value.beyond(task.steps, task.battery, Grid(), certain())
    later = end_value.auto_end_value(task.steps, task.battery)
    assert later == pytest.approx(0.65 * 0.40)
    assert marginal_value == pytest.approx([0.40] * 5 + [later] * 10 + [0.08] * 10)


def test_an_uncertain_load_bends_the_edges_and_moves_no_money(task_of):
    """Of 1 kWh of expected load the first part comes for sure, and some may be needed beyond it."""
    task = task_of([NIGHT], capacity_wh=5_000)
    sure = end_value.beyond(task.steps, task.battery, Grid(), certain())
    open_ = end_value.beyond(task.steps, task.battery, Grid(), generic())
    assert open_[0] == pytest.approx(0.40)
    assert sure[4] > open_[4] > open_[5] > sure[5]
    assert sum(open_) == pytest.approx(sum(sure), abs=0.001)


def test_a_dimmed_night_makes_what_is_stored_worth_more(task_of):
    """What cannot be bought in the cheap hours has to be there before."""
    rows = [(0.20, 0.08, 200.0, 0.0)] * 3 + [(0.40, 0.08, 3_000.0, 0.0)] * 3
    task, free = task_of(rows, max_charge_w=3_000), Grid()
    dimmed = replace(
        free, operator_limits=(OperatorLimit(task.steps[0].start, task.steps[2].end, 500.0),)
    )
    open_, bound = (
        end_value.beyond(task.steps, task.battery, grid, certain()) for grid in (free, dimmed)
    )
    assert open_[12] == pytest.approx(0.20)
    assert bound[12] == pytest.approx(0.40)
    assert all(b > a - 0.002 for a, b in zip(open_, bound, strict=True))


def test_the_worth_falls_and_never_costs(random_task):
    for seed in range(9400, 9420):
        task = random_task(seed, 96, tricky=True)
        marginal_value = end_value.beyond(task.steps, task.battery, task.grid, generic())
        assert len(marginal_value) == 25
        assert min(marginal_value) >= 0
        assert list(marginal_value) == sorted(marginal_value, reverse=True)


def test_what_rounding_breaks_is_mended():
    made = end_value.falling(np.array([[0.3, 0.3000001, 0.2, -0.1, -0.0]]))
    assert made.tolist() == [[0.3, 0.3, 0.2, 0.0, 0.0]]
    assert not np.signbit(made).any()


def test_the_plan_leaves_what_is_worth_more_then(plan_of):
    """At 30 ct now the kWh of 20 ct are used, those of 40 ct are kept; from either side."""
    used = plan_of([(0.30, 0.08, 9_000.0, 0.0)], soc_percent=100, end_value=(0.40, 0.20))
    assert used.steps[0].soc_wh == pytest.approx(5_000)
    assert used.stored_value_eur == pytest.approx(2.0)
    assert used.self_consumption_stored_value_eur == pytest.approx(0.40)
    assert used.end_value_eur_per_kwh == pytest.approx(0.30)
    bought = plan_of(
        [(0.30, 0.08, 0.0, 0.0)], soc_percent=10, end_value=(0.40, 0.20), max_charge_w=9_000
    )
    assert bought.steps[0].soc_wh == pytest.approx(5_000)


def test_the_first_worth_counts_below_the_band_and_the_last_above(task_of):
    task = task_of(
        [NIGHT], end_value=(0.40, 0.20), min_soc_percent=20, max_soc_percent=80, soc_percent=90
    )
    assert task.end_eur(9_000) == pytest.approx(5 * 0.40 + 4 * 0.20)
    assert task.end_eur(1_000) == pytest.approx(0.40)
    assert task.end_segments(1_000, 6_000) == [(0.40, 4.0), (0.20, 1.0)]


def test_the_day_after_is_foreseen_and_never_planned(task_of):
    """A roof that will fill the battery anyway makes room of it; the plan itself ends before."""
    task = task_of([(0.30, 0.08, 400.0, 0.0)] * 12, capacity_wh=5_000, soc_percent=100)
    rows = [(0.30, 0.08, 400.0, 6_000.0)] * 4 + [(0.30, 0.08, 400.0, 0.0)] * 8
    length = task.steps[-1].end - task.steps[0].start
    after = [replace(s, start=s.start + length, end=s.end + length) for s in task_of(rows).steps]
    request = planner.PlanRequest(
        task.steps[0].start, "home", task.battery, task.grid, 100.0, beyond=tuple(after)
    )
    seen = planner.make_plan(task.steps, request, lambda: 0.0)
    blind = planner.make_plan(task.steps, replace(request, beyond=()), lambda: 0.0)
    assert seen.steps[-1].end == blind.steps[-1].end == task.steps[-1].end
    assert seen.steps[-1].values_eur_per_kwh[0] == pytest.approx(0.08, abs=1e-6)
    assert blind.steps[-1].values_eur_per_kwh[0] == pytest.approx(0.65 * 0.30)


def test_program_and_recursion_agree_on_falling_worths(whole_task):
    rng, compared = np.random.default_rng(4), 0
    for seed in range(9440, 9470, 2):
        task = replace(whole_task(seed, 36), peak=None, full_by=None)
        marginal_values = tuple(sorted(rng.uniform(0, 0.4, 25).tolist(), reverse=True))
        task = replace(task, end_values=marginal_values)
        found, exact = program.solve(task), water_value_exact.water_values(task)
        if not found.binaries:
            assert found.objective_eur == pytest.approx(exact.objective_eur, rel=0, abs=1e-6)
            compared += 1
    assert compared > 5
