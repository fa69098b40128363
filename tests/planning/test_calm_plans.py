"""Plans change as little as `calm_eur` buys, and are never dearer than that."""

from dataclasses import replace
from itertools import groupby, pairwise

import pytest

from optimizer.model.plan import Intent
from optimizer.planning import calm_plan, planner, program, self_consumption
from optimizer.planning.arrays import forecast_steps
from optimizer.simulation import sample_data
from tests.planning.test_ties import flat, left_to_itself, powers

CALM_EUR = 0.005


def objective_eur(plan):
    return plan.cost_eur + plan.wear_eur + plan.peak_eur - plan.stored_value_eur


def changes_kw(plan):
    """Changes of what is charged beyond the surplus, and discharged beyond the need [kW]."""
    traded = [
        max(min(s.battery_w, s.battery_w - s.need_w), 0.0)
        if s.battery_w > 0
        else min(max(s.battery_w, s.battery_w - s.need_w), 0.0)
        for s in plan.steps
    ]
    return sum(abs(after - before) for before, after in pairwise(traded)) / 1000


def charging_blocks(plan):
    return sum(charging for charging, _ in groupby(s.intent is Intent.CHARGE for s in plan.steps))


@pytest.fixture(scope="module")
def winter_steps():
    """Forecast of a sample winter day and the next, in quarter-hours."""
    week = sample_data.folder() / "winter"
    first, _ = sample_data.days(week)
    begin, end = sample_data.midnight(first, 1), sample_data.midnight(first, 3)
    return forecast_steps(sample_data.forecast(week, begin, end))


@pytest.fixture(scope="module")
def winter_plans(winter_steps):
    """The cheapest and the calm plan of the sample winter day."""
    request = planner.PlanRequest(
        winter_steps[0].start, "home", sample_data.BATTERY, sample_data.GRID, 40.0, calm_eur=0.0
    )
    calm = replace(request, calm_eur=CALM_EUR)
    return [planner.make_plan(winter_steps, asked, lambda: 0.0) for asked in (request, calm)]


def test_the_winter_day_is_charged_in_fewer_gentler_blocks(winter_plans):
    cheapest, calm = winter_plans
    assert changes_kw(calm) < 0.7 * changes_kw(cheapest)
    assert charging_blocks(calm) < charging_blocks(cheapest)


def test_calm_costs_no_more_than_it_may(winter_plans):
    cheapest, calm = winter_plans
    assert objective_eur(cheapest) <= objective_eur(calm) + 1e-6
    assert objective_eur(calm) <= objective_eur(cheapest) + CALM_EUR + 1e-6


@pytest.mark.parametrize(("second", "power_w"), [(0.2000, 2_000), (0.2001, 2_000), (0.2100, 4_000)])
def test_two_prices_make_one_block_where_they_differ_by_less_than_calm_is_worth(
    task_of, plan_task, second, power_w
):
    """4 kWh are wanted: in the cheaper hour alone, or at half the power in both."""
    rows = [(0.20, 0.0, 0.0, 0.0), (second, 0.0, 0.0, 0.0), (0.60, 0.0, 4_000.0, 0.0)]
    task = replace(task_of(rows, soc_percent=0), calm_eur=CALM_EUR)
    plan = plan_task(task)
    assert -plan.steps[0].battery_w == pytest.approx(power_w, abs=1.0)
    assert plan.steps[2].battery_w == pytest.approx(4_000, abs=1.0)


def test_a_pause_of_a_few_watt_hours_is_left_out(task_of, plan_task):
    """Keeping for one cheap quarter-hour and serving again is worth less than a switch."""
    hours = [(price, 0.0, 1_000.0, 0.0) for price in (0.30, 0.299, 0.301, 0.25)]
    task = task_of(hours, soc_percent=5, minutes=15, end_value=0.2995, rule="pv_only")
    kept = [step.battery_w for step in plan_task(task).steps]
    calm = [step.battery_w for step in plan_task(replace(task, calm_eur=CALM_EUR)).steps]
    assert kept == pytest.approx([1_000, 0, 1_000, 0], abs=1.0)
    assert sorted(calm, reverse=True) == calm
    assert sum(calm) == pytest.approx(2_000, abs=1.0)


@pytest.mark.parametrize("sell", [0.0, 0.08])
def test_with_a_flat_tariff_calm_plans_are_self_consumption(random_task, plan_task, sell):
    for seed in range(6000, 6006):
        task = replace(flat(random_task(seed, 48), sell), calm_eur=CALM_EUR)
        plan = plan_task(task)
        assert powers(plan) == pytest.approx(left_to_itself(task), rel=0, abs=1.0), f"seed {seed}"


def test_calm_plans_keep_every_bound_and_their_budget(random_task, plan_task):
    """`make_plan` verifies each; the budget ends where self-consumption is cheaper."""
    spent = 0
    for seed in range(7000, 7024):
        task = close_prices(random_task(seed, 24))
        plan, least_eur = plan_task(task), program.solve(task).objective_eur
        assert objective_eur(plan) <= least_eur + CALM_EUR + 1e-4, f"seed {seed}"
        alone = self_consumption.self_consumption(task)
        alone_eur = alone.cost_eur + alone.wear_eur - task.end_eur(alone.end_wh)
        assert objective_eur(plan) <= max(alone_eur, least_eur) + 1e-4, f"seed {seed}"
        spent += objective_eur(plan) > least_eur + 1e-4
    assert spent > 3


def close_prices(task):
    """The task with prices that differ by cents, inside its band: without any penalty."""
    steps = tuple(
        replace(step, buy=round(0.25 + 0.1 * step.buy, 4), sell=0.08) for step in task.steps
    )
    start_wh = min(max(task.start_wh, task.battery.min_wh), task.battery.max_wh)
    grid = replace(task.grid, max_buy_w=30_000)
    return replace(task, steps=steps, grid=grid, start_wh=start_wh, calm_eur=CALM_EUR)


def test_one_solve_follows_the_cheapest_plan(random_task, monkeypatch):
    """The tie-break is part of the calm solve: two solves a plan, not three."""
    solved = []
    monkeypatch.setattr(
        calm_plan, "settle",
        lambda problem, *given, settle=calm_plan.settle: solved.append(_counted(problem))
        or settle(problem, *given),
    )  # fmt: skip
    program.solve(replace(random_task(3, 48), calm_eur=CALM_EUR))
    assert [runs.count for runs in solved] == [1]


class _Runs:
    """Counts a problem's solves."""

    def __init__(self, solve):
        self.count, self._solve = 0, solve

    def __call__(self):
        self.count += 1
        return self._solve()


def _counted(problem):
    problem.solve = _Runs(problem.solve)
    return problem.solve
