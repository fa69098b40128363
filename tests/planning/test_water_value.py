"""The worth of a stored kWh: falling with the state of charge, and equal to what the program says.

The table's cell k after step t is the mean worth of its stored energy, so times the cell's length
it is what the least cost of the remaining steps differs by between the cell's two ends.
"""

import itertools
from dataclasses import replace

import pytest

from optimizer.model.plan import interpolate
from optimizer.planning import program, water_value_exact


def least_cost(task, after, soc_wh):
    """Least cost of the steps after step `after` from this stored energy [EUR], by the program."""
    rest = replace(task, steps=task.steps[after + 1 :], start_wh=soc_wh)
    return program.solve(rest).objective_eur


def inside(task):
    """The task with its start in the allowed band."""
    start_wh = min(max(task.start_wh, task.battery.min_wh), task.battery.max_wh)
    return replace(task, start_wh=start_wh)


def test_the_worth_falls_with_the_state_of_charge(random_task):
    for seed in range(7000, 7040):
        for row in water_value_exact.water_values(random_task(seed, 24)).table:
            assert all(left >= right - 1e-9 for left, right in itertools.pairwise(row))


def test_the_states_of_charge_are_the_middles_of_25_equal_cells(random_task):
    for seed in range(7040, 7050):
        task = random_task(seed, 12)
        battery, soc_wh = task.battery, water_value_exact.water_values(task).soc_wh
        cell = (battery.max_wh - battery.min_wh) / 25
        assert len(soc_wh) == 25
        assert soc_wh[0] == pytest.approx(battery.min_wh + cell / 2)
        assert soc_wh[-1] == pytest.approx(battery.max_wh - cell / 2)


@pytest.mark.parametrize("seed", range(7100, 7106))
def test_each_cell_is_the_programs_difference_between_its_ends(random_task, seed):
    task = inside(random_task(seed, 16))
    values, battery = water_value_exact.water_values(task), task.battery
    cell = (battery.max_wh - battery.min_wh) / 25
    for after in (0, 7):
        edges = [battery.min_wh + cell * index for index in range(26)]
        costs = [least_cost(task, after, edge) for edge in edges]
        marginal_values = [
            (left - right) / (cell / 1000) for left, right in itertools.pairwise(costs)
        ]
        assert values.table[after] == pytest.approx(marginal_values, rel=0, abs=1e-5)


def test_100_wh_more_or_less_at_the_start_change_the_cost_by_the_worth(task_of):
    """A battery whose cells are 200 Wh: +-0.1 kWh around each middle."""
    rows = [(0.20 + 0.03 * (hour % 5), 0.08, 900.0, 1_500.0 * (hour % 3)) for hour in range(12)]
    losses = {"charge_efficiency": 0.95, "discharge_efficiency": 0.95}
    task = task_of(rows, capacity_wh=5_000, end_value=0.12, **losses)
    values = water_value_exact.water_values(task)
    for index, middle in enumerate(values.soc_wh):
        marginal_value = (
            least_cost(task, 0, middle - 100) - least_cost(task, 0, middle + 100)
        ) / 0.2
        assert values.table[0][index] == pytest.approx(marginal_value, rel=0, abs=1e-6)


def test_after_the_last_step_the_worth_is_the_end_value(task_of):
    task = task_of([(0.3, 0.08, 500.0, 0.0)] * 3, end_value=0.17)
    assert water_value_exact.water_values(task).table[-1] == pytest.approx([0.17] * 25)


def test_a_worked_table(task_of):
    """1 kWh at 40 ct and 1 kWh at 30 ct are still to be saved, all more is worth the end value."""
    task = task_of(
        [(0.20, 0.0, 0.0, 0.0), (0.40, 0.0, 1_000.0, 0.0), (0.30, 0.0, 1_000.0, 0.0)],
        capacity_wh=5_000, end_value=0.05, rule="pv_only",
    )  # fmt: skip
    row = water_value_exact.water_values(task).table[0]
    assert row[:5] == pytest.approx([0.40] * 5)
    assert row[5:10] == pytest.approx([0.30] * 5)
    assert row[10:] == pytest.approx([0.05] * 15)


def test_a_worked_table_of_a_battery_found_below_its_band(task_of):
    """As above with a reserve of 1 kWh and nothing in it; each hour below it costs 5 ct per kWh.

    The first kWh above the reserve carries the house at 30 ct, since the reserve itself would be
    used at 40 ct, and spares an hour below it. The next one only spares the last hour.
    """
    task = task_of(
        [(0.20, 0.0, 0.0, 0.0), (0.40, 0.0, 1_000.0, 0.0), (0.30, 0.0, 1_000.0, 0.0)],
        capacity_wh=5_000, end_value=0.05, rule="pv_only", min_soc_percent=20, soc_percent=0,
    )  # fmt: skip
    values = water_value_exact.water_values(task)
    row = values.table[0]
    assert values.soc_wh[0] == 1_080
    assert row[:6] == pytest.approx([0.35] * 6)
    assert row[7:12] == pytest.approx([0.10] * 5)
    assert row[13:] == pytest.approx([0.05] * 12)


def test_where_grid_energy_may_be_stored_no_kwh_is_worth_more_than_buying_it(task_of):
    task = task_of(
        [(0.20, 0.0, 0.0, 0.0), (0.20, 0.0, 0.0, 0.0), (0.40, 0.0, 5_000.0, 0.0)],
        charge_efficiency=0.8,
    )  # fmt: skip
    values = water_value_exact.water_values(task)
    assert max(values.table[0]) == pytest.approx(0.20 / 0.8)
    assert max(values.table[1]) == pytest.approx(0.40)


def test_the_plan_shows_the_worth_at_its_own_state_of_charge(random_task, plan_task):
    for seed in range(7200, 7205):
        task = random_task(seed, 24)
        plan, values = plan_task(task), water_value_exact.water_values(task)
        assert plan.value_soc_wh == pytest.approx(values.soc_wh, abs=0.01)
        for index, step in enumerate(plan.steps):
            marginal_value = interpolate(step.soc_wh, plan.value_soc_wh, step.values_eur_per_kwh)
            assert plan.value_at(step, step.soc_wh) == marginal_value
            sides = [
                values.marginal_value(index, step.soc_wh, next_kwh=side) for side in (True, False)
            ]
            assert sides[0] <= sides[1]
            assert any(step.stored_value_eur_per_kwh == pytest.approx(s, abs=1e-6) for s in sides)


@pytest.mark.parametrize(
    ("soc_wh", "marginal_value"),
    [
        (0, 0.4),
        (1_000, 0.4),
        (1_500, 0.35),
        (2_000, 0.3),
        (2_750, 0.15),
        (3_000, 0.1),
        (9_999, 0.1),
    ],
)
def test_between_the_cells_the_worth_is_interpolated_and_outside_it_is_held(soc_wh, marginal_value):
    table = (1_000.0, 2_000.0, 3_000.0), (0.4, 0.3, 0.1)
    assert interpolate(soc_wh, *table) == pytest.approx(marginal_value)
