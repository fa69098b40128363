"""The value table under uncertain loads: against the exact recursion, the program and by hand."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from optimizer.model.load_spread import LoadSpread, certain, generic
from optimizer.planning import program, water_value, water_value_exact
from optimizer.planning.arrays import Forecasts
from optimizer.planning.task import ForecastStep


def in_band(task):
    return replace(task, start_wh=(task.battery.min_wh + task.battery.max_wh) / 2)


def without_overload(task):
    """No step that costs 10 EUR/kWh for the fuse: next to it all else would be noise."""
    return replace(in_band(task), grid=replace(task.grid, max_buy_w=50_000))


def table(task, spread, **options):
    forecasts = water_value.forecasts_of(task, spread, options.get("cells", 25))
    return water_value.tables(task.battery, task.grid, forecasts, **options)[0]


def of_loads(*ratios):
    return LoadSpread("Europe/Berlin", (ratios,) * 24)


@pytest.mark.parametrize("seed", range(9000, 9012))
def test_with_many_cells_and_one_load_it_is_the_exact_recursion(random_task, seed):
    """Each step smears the worth over at most a cell, so finer cells come closer."""
    task = without_overload(random_task(seed, 48, tricky=seed % 3 == 0))
    exact = np.array(water_value_exact.water_values(task).table)
    errors = []
    for fine in (4, 16, 64):
        found = table(task, certain(), cells=25 * fine).reshape(len(task.steps), 25, fine)
        errors.append(np.abs(found.mean(axis=2) - exact).mean())
    assert errors[0] < 0.01
    assert errors[1] < 0.004
    assert errors[2] < 0.001


@pytest.mark.parametrize("seed", [9050, 9052, 9053, 9054, 9056, 9058, 9059, 9061, 9062, 9064])
def test_so_it_is_with_all_that_a_house_may_have(whole_task, seed):
    """Tapers, a reserve, peaks, dimming, a full charge that is due."""
    task = without_overload(whole_task(seed, 48))
    task = replace(task, decided=program.solve(task).decided)
    exact, errors = np.array(water_value_exact.water_values(task).table), []
    for fine in (4, 32):
        forecasts = water_value.forecasts_of(task, certain(), 25 * fine)
        found = water_value.tables(task.battery, task.grid, forecasts, 25 * fine)[0]
        errors.append(np.abs(found.reshape(48, 25, fine).mean(axis=2) - exact).mean())
    assert errors[0] < 0.02
    assert errors[1] < max(errors[0] / 4, 0.0001)
    assert errors[1] < 0.002


def test_the_last_step_is_worth_the_end_value(random_task):
    task = without_overload(random_task(9020, 24))
    assert table(task, generic())[-1] == pytest.approx([*task.end_values] * 25)


def test_no_cost_difference_is_lost_between_the_cells(task_of):
    """Between empty and full the cost differs by the sum of length x worth, in any cells.

    Only one step: with more of them the cells' edges matter.
    """
    rows = [(0.31, 0.08, 1_700.0, 0.0), (0.20, 0.08, 0.0, 0.0)]
    task = task_of(rows, capacity_wh=7_700, end_value=0.11)
    exact = np.array(water_value_exact.water_values(task).table)[0].sum() * 7.7 / 25
    for cells in (3, 7, 25):
        assert table(task, certain(), cells=cells)[0].sum() * 7.7 / cells == pytest.approx(exact)


def test_the_mean_over_the_loads_is_the_expected_cost_by_the_program(task_of):
    """One uncertain step before the end: each load by the program, the differences averaged."""
    rows = [(0.20, 0.0, 0.0, 0.0), (0.40, 0.0, 1_000.0, 0.0)]
    task, ratios = task_of(rows, capacity_wh=5_000, end_value=0.05, rule="pv_only"), (0.5, 0.9, 1.6)
    expected = np.zeros(26)
    for ratio in ratios:
        step = replace(task.steps[1], load_w=1_000.0 * ratio)
        for edge in range(26):
            rest = replace(task, steps=(step,), start_wh=200.0 * edge)
            expected[edge] += program.solve(rest).objective_eur / 3
    marginal_values = [(left - right) / 0.2 for left, right in itertools.pairwise(expected)]
    assert table(task, of_loads(*ratios))[0] == pytest.approx(marginal_values, rel=0, abs=1e-6)


def test_a_worked_table(task_of):
    """An hour of 0.5 or 1.5 kWh at 40 ct: the second half is needed in one of two cases only."""
    rows = [(0.20, 0.0, 0.0, 0.0), (0.40, 0.0, 1_000.0, 0.0)]
    task = task_of(rows, capacity_wh=5_000, end_value=0.05, rule="pv_only")
    row = table(task, of_loads(0.5, 1.5), cells=10)[0]
    assert row == pytest.approx([0.40] + [0.225] * 2 + [0.05] * 7)


def test_uncertain_loads_keep_energy_for_a_rare_evening(task_of):
    """A kWh above the forecast's need is worth more than its end value, one below it less."""
    rows = [(0.20, 0.0, 0.0, 0.0), *[(0.40, 0.0, 1_000.0, 0.0)] * 3]
    task = task_of(rows, capacity_wh=10_000, end_value=0.10, rule="pv_only")
    sure, unsure = table(task, certain())[0], table(task, generic())[0]
    assert unsure[9] > sure[9] + 0.05
    assert unsure[5] < sure[5] - 0.01


def test_the_worth_falls_with_the_state_of_charge(random_task):
    for seed in range(9100, 9130):
        task = in_band(random_task(seed, 24, tricky=seed % 2 == 0))
        rows = table(task, generic())
        assert (np.diff(rows, axis=1) <= 1e-9).all()
        assert np.isfinite(rows).all()


def test_many_plans_at_once_are_the_same_as_one_by_one(random_task, monkeypatch):
    """Also where plans end earlier, and where more come than are taken back together."""
    monkeypatch.setattr(water_value, "FORECASTS", 4)
    base = in_band(random_task(9200, 60))
    plans = [base.steps[index : index + count] for index, count in
             ((0, 60), (3, 30), (7, 53), (11, 1), (20, 40), (25, 24), (30, 30))]  # fmt: skip
    ends = [0.05 + 0.02 * index for index in range(len(plans))]
    together = water_value.tables(
        base.battery, base.grid, Forecasts.of(plans, generic(), [(end,) for end in ends]), keep=20
    )
    assert together.shape == (len(plans), 20, 25)
    for rows, steps, end in zip(together, plans, ends, strict=True):
        without_plan = table(replace(base, steps=steps, end_values=(end,)), generic(), keep=20)
        assert rows[: len(without_plan)] == pytest.approx(without_plan, rel=0, abs=1e-12)


def test_the_ratio_is_that_of_the_local_hour(task_of):
    """13:00 UTC in March is 14:00 in Berlin: only that hour's load is uncertain."""
    at = datetime(2026, 3, 28, 13, tzinfo=UTC)
    rows = [(1.0, 1.0) if hour != 14 else (0.2, 1.8) for hour in range(24)]
    forecasts = Forecasts.of(
        [task_of([(0.2, 0.1, 500.0, 0.0)] * 3).steps], LoadSpread("Europe/Berlin", tuple(rows)), [0]
    )
    assert forecasts.ratios[0].tolist() == [[0.2, 1.8], [1.0, 1.0], [1.0, 1.0]]
    assert at == task_of([(0.2, 0.1, 500.0, 0.0)]).steps[0].start


def test_the_plan_carries_the_uncertain_table(random_task, plan_task):
    task = in_band(random_task(9300, 24))
    wide = of_loads(0.2, 0.5, 2.3)
    plan = plan_task(task, spread=wide)
    expected = water_value.of_task(task, wide.widened())
    for step, row in zip(plan.steps, expected, strict=True):
        assert step.values_eur_per_kwh == pytest.approx(row, rel=0, abs=1e-6)
    assert plan_task(task) == plan_task(task, spread=generic())
    assert plan_task(task).steps != plan.steps


def test_below_its_band_the_battery_follows_the_exact_table(task_of, plan_task):
    task = task_of([(0.20, 0.0, 300.0, 0.0)] * 6, min_soc_percent=20, soc_percent=5, end_value=0.1)
    exact = water_value_exact.water_values(task).table
    for step, row in zip(plan_task(task).steps, exact, strict=True):
        assert step.values_eur_per_kwh == pytest.approx(row, rel=0, abs=1e-6)


def test_steps_may_be_of_different_length(at):
    from datetime import timedelta

    quarter = timedelta(minutes=15)
    long = ForecastStep(at, at + 4 * quarter, 0.3, 0.08, 800.0, 0.0)
    short = [
        ForecastStep(at + i * quarter, at + (i + 1) * quarter, 0.3, 0.08, 800.0, 0.0)
        for i in range(4)
    ]
    forecasts = Forecasts.of([[long], short], certain(), [0.1, 0.1])
    assert forecasts.hours.tolist() == [[1, 0, 0, 0], [0.25] * 4]


@pytest.mark.parametrize("sell", [0.08, 0.30, 0.0, -0.02])
@pytest.mark.parametrize("capped", [False, True])
def test_on_a_flat_tariff_self_consumption_is_right_at_any_charge(task_of, plan_task, sell, capped):
    """Nothing to gain: no grid energy is stored, nothing kept back from the house.

    Nor is the roof sold while the house could use it later, unless selling pays as much.
    """
    sun = [0, 0, 0, 3_000, 6_000, 6_000, 4_000, 1_000, 0, 0, 0, 0] * 2
    rows = [(0.30, sell, 400.0 + 90 * (hour % 5), pv) for hour, pv in enumerate(sun)]
    losses = {"charge_efficiency": 0.95, "discharge_efficiency": 0.95}
    limit = {"max_sell_w": 2_000} if capped else {}
    plan = plan_task(task_of(rows, end_value=None, **losses, **limit))
    for step in plan.steps:
        for marginal_value in step.values_eur_per_kwh:
            assert marginal_value <= step.buy_eur_per_kwh * 0.95 + 0.002
            if sell < 0.30:
                assert marginal_value >= step.sell_eur_per_kwh / 0.95 - 0.002 or capped
