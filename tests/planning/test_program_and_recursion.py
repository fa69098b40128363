"""Two methods that share no algorithm agree: the proof that plans are optimal."""

import itertools

import pytest

from optimizer.model.grid import Rule
from optimizer.planning import program, water_value_exact
from optimizer.planning.program import is_convex
from tests.planning import scalar_step

pytestmark = pytest.mark.no_cover

COUNT = 200


@pytest.fixture(scope="module")
def convex_tasks(random_task):
    """The first 200 random tasks without any binary, by seed."""
    tasks = ((seed, random_task(seed)) for seed in itertools.count())
    return list(itertools.islice((pair for pair in tasks if is_convex(pair[1])), COUNT))


@pytest.mark.parametrize("first", range(0, COUNT, 20))
def test_program_and_recursion_agree_on_the_money(convex_tasks, first):
    for seed, task in convex_tasks[first : first + 20]:
        solution, values = program.solve(task), water_value_exact.water_values(task)
        assert solution.binaries == 0
        assert values.objective_eur == pytest.approx(solution.objective_eur, rel=0, abs=1e-6), (
            f"seed {seed}"
        )


def test_the_random_tasks_hold_everything_they_should(convex_tasks):
    tasks = [task for _, task in convex_tasks]
    assert len(tasks) == COUNT
    assert {task.grid.rule for task in tasks} == set(Rule)
    assert {task.battery.hybrid for task in tasks} == {True, False}
    assert {len(task.steps) for task in tasks} == {24, 48, 96, 144, 192}
    assert {task.steps[0].hours for task in tasks} == {0.25, 0.5, 1.0}
    seen = {
        "above the band": any(task.start_wh > task.battery.max_wh for task in tasks),
        "standby": any(task.battery.standby_w for task in tasks),
        "wear": any(task.battery.wear_eur_per_kwh for task in tasks),
        "zero export": any(task.grid.max_sell_w == 0 for task in tasks),
        "cap below the load": any(
            step.need_w > task.grid.max_buy_w for task in tasks for step in task.steps
        ),
    }
    assert all(seen.values()), seen


def test_the_recursions_own_powers_earn_its_promise(random_task):
    """The recursion's path, walked by the battery's physics, ends with the promised objective."""
    for seed in range(300, 330):
        task = random_task(seed, 48)
        values, soc_wh, bill = water_value_exact.water_values(task), task.start_wh, 0.0
        for step, battery_w in zip(task.steps, values.battery_w, strict=True):
            low, high = task.battery_range(step)
            assert low - 1e-6 <= battery_w <= high + 1e-6
            soc_wh = task.battery.stored_after(soc_wh, battery_w, step.hours)
            bill += scalar_step.step_cost(task, step, battery_w)
            bill += max(0.0, task.battery.min_wh - soc_wh) / 1000 * 0.05 * step.hours
        assert bill - task.end_eur(soc_wh) == pytest.approx(values.objective_eur)
