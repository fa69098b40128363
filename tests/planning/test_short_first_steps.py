"""A plan that begins within a step: some seconds or minutes of it are left."""

from dataclasses import replace
from datetime import timedelta

import pytest

from optimizer.model.grid import OperatorLimit
from optimizer.planning import highs_direct, program, solvers, water_value_exact
from optimizer.planning.program import is_convex

pytestmark = pytest.mark.no_cover

LEFT_S = (1, 2, 13, 119)
ENGINES = {"HiGHS": solvers.solver, "direct": highs_direct.engine}
if solvers.cbc_solver() is not None:
    ENGINES["CBC"] = lambda: (solvers.cbc_solver(), "CBC")


def begun(task, left_s):
    """The task some seconds before its first step ends."""
    first = task.steps[0]
    short = replace(first, start=first.end - timedelta(seconds=left_s))
    return replace(task, steps=(short, *task.steps[1:]))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_seconds_that_are_left_have_a_checked_plan(whole_task, random_task, plan_task, engine):
    """A watt-hour more or less is kilowatts there; the plan's own check allows 1 W and 1 Wh."""
    chosen = ENGINES[engine]()
    for seed in range(500, 540):
        count = (1, 2, 12)[seed % 3]
        task = whole_task(seed, count) if seed % 2 else random_task(seed, count, tricky=True)
        task = begun(task, LEFT_S[seed % 4])
        plan = plan_task(task, chosen)
        first = plan.steps[0]
        hours = LEFT_S[seed % 4] / 3600
        after_wh = task.battery.stored_after(task.start_wh, first.battery_w, hours)
        assert first.soc_wh == pytest.approx(after_wh, abs=0.02)
        assert first.battery_w >= -task.battery.max_charge_w
        assert first.battery_w <= task.battery.max_discharge_w
        assert "disagree" not in " ".join(plan.notes)


def test_program_and_recursion_agree_to_the_second(random_task):
    compared = 0
    for seed in range(600, 640):
        task = begun(random_task(seed, 24), LEFT_S[seed % 4])
        if is_convex(task):
            compared += 1
            exact_eur = water_value_exact.water_values(task).objective_eur
            assert program.solve(task).objective_eur == pytest.approx(exact_eur, abs=1e-6)
    assert compared > 20


def test_a_second_weighs_a_second(task_of, plan_task):
    """Cheap now, dear in an hour: the second that is left charges for a second."""
    task = begun(
        task_of([(0.10, 0.0, 500.0, 0.0), (0.50, 0.0, 3_000.0, 0.0)], minutes=15, soc_percent=0), 1
    )
    first, _ = plan_task(task).steps
    # ties may cost 1e-7 EUR, which is a watt for a second
    assert (first.battery_w, first.grid_w) == pytest.approx((-10_000, 10_500), abs=1)
    assert first.soc_wh == pytest.approx(10_000 / 3_600, abs=0.01)
    assert first.cost_eur == pytest.approx(10.5 / 3_600 * 0.10, rel=1e-3)


def test_a_time_of_dimming_that_is_over_does_not_count_for_the_rest_of_the_step(task_of, plan_task):
    task = task_of([(0.10, 0.0, 500.0, 0.0), (0.50, 0.0, 3_000.0, 0.0)], minutes=60, soc_percent=0)
    begin, minute = task.steps[0].start, timedelta(minutes=1)
    over = OperatorLimit(begin, begin + 20 * minute, 1_000)
    dimmed = replace(task, grid=replace(task.grid, operator_limits=(over,)))
    assert plan_task(dimmed).steps[0].battery_w == -1_000.0
    assert plan_task(begun(dimmed, 40 * 60)).steps[0].battery_w < -3_000.0
    assert plan_task(begun(dimmed, 40 * 60 + 1)).steps[0].battery_w == -1_000.0


@pytest.mark.parametrize(("count", "step_s"), [(1, None), (1, 900), (8, 900)])
def test_the_nominal_step_is_told_however_little_is_left(random_task, plan_task, count, step_s):
    task = begun(random_task(4, count), 13)
    plan = plan_task(task, step_s=step_s)
    assert plan.step_s == (step_s or 13)
