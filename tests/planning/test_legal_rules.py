"""What the law lets the battery do with the grid holds in every plan, at every price."""

from dataclasses import replace

import pytest

from optimizer.model.grid import Rule

ROOF_ONLY = ["pv_only", "green_export"]
NO_EXPORT = ["pv_only", "grid_charge"]
PAID_FOR_DRAWING = [(-0.20, -0.20, 1_000, 3_000)] * 2


@pytest.mark.parametrize("rule", ROOF_ONLY)
def test_paid_drawing_does_not_enter_a_battery_that_only_the_roof_may_charge(plan_of, rule):
    """Throttling the roof, buying the house's power and storing "surplus" would pay."""
    for step in plan_of(PAID_FOR_DRAWING, rule=rule, end_value=0.2).steps:
        assert step.battery_w >= -2_000
        assert step.grid_w <= 0 or step.battery_w >= 0


@pytest.mark.parametrize("rule", ["grid_charge", "mixed"])
def test_where_grid_energy_may_be_stored_paid_drawing_fills_the_battery(plan_of, rule):
    plan = plan_of(PAID_FOR_DRAWING, rule=rule, end_value=0.2, price_curtailment=True)
    assert plan.steps[-1].soc_wh == pytest.approx(10_000, abs=1)
    assert sum(step.grid_w for step in plan.steps) == pytest.approx(7_000, abs=1)


@pytest.mark.parametrize("rule", ROOF_ONLY)
def test_cheap_energy_is_not_bought_for_a_battery_that_only_the_roof_may_charge(plan_of, rule):
    rows = [(0.01, 0.0, 500, 0), (0.90, 0.0, 5_000, 0)]
    plan = plan_of(rows, soc_percent=0, rule=rule)
    assert [step.battery_w for step in plan.steps] == [0, 0]


@pytest.mark.parametrize("rule", NO_EXPORT)
@pytest.mark.parametrize("buy", [0.20, 2.00], ids=["selling pays more", "buying costs more"])
def test_a_battery_that_may_not_feed_in_only_carries_the_house(plan_of, rule, buy):
    rows = [(buy, 1.50, 500, 0), (buy, 1.50, 500, 2_000), (0.10, 0.0, 500, 0)]
    steps = plan_of(rows, soc_percent=100, rule=rule).steps
    assert steps[0].battery_w <= 500
    assert steps[1].battery_w <= 0
    assert [step.grid_w >= -1_500 for step in steps] == [True] * 3


@pytest.mark.parametrize("rule", ["green_export", "mixed"])
def test_a_battery_that_may_feed_in_sells_at_a_good_price(plan_of, rule):
    step = plan_of([(2.00, 1.50, 500, 0)], soc_percent=100, rule=rule).steps[0]
    assert (step.battery_w, step.grid_w) == (10_000, -9_500)


def test_the_rules_hold_at_random_prices_of_every_kind(random_task, plan_task):
    """No energy bought while charging from the roof alone, none sold while discharging."""
    stored = sold = 0
    for seed in range(9000, 9060):
        task = random_task(seed, 12, tricky=True)
        idle_w = task.battery.standby_w + 1
        for step in plan_task(task).steps:
            if not task.grid.rule.grid_charging and step.battery_w < -idle_w:
                stored += 1
                assert step.grid_w <= 1
            if not task.grid.rule.battery_export and step.battery_w > 1:
                sold += 1
                assert step.grid_w >= -1
    assert stored >= 40
    assert sold >= 40


def test_a_freer_rule_never_costs_more(random_task, plan_task):
    def cost(task, rule):
        plan = plan_task(replace(task, grid=replace(task.grid, rule=Rule(rule))))
        return plan.cost_eur + plan.wear_eur - plan.stored_value_eur

    for seed in range(9100, 9110):
        task = random_task(seed, 24)
        task = replace(
            task, start_wh=task.battery.min_wh, grid=replace(task.grid, max_buy_w=30_000)
        )
        strict, free = cost(task, "pv_only"), cost(task, "mixed")
        for between in ("grid_charge", "green_export"):
            assert free - 1e-3 <= cost(task, between) <= strict + 1e-3
