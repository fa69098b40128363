"""What is throttled without price curtailment: only what house, grid and battery cannot take.

Rows are (buy, sell, load, PV) in EUR/kWh and W; 10 kWh without losses, one hour each.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from optimizer.model.grid import OperatorLimit
from optimizer.planning import water_value_exact

PAID = (-0.10, 0.0, 500.0, 6_000.0)
"""Drawing is paid for while the PV power exceeds what the house uses."""

COUPLINGS = pytest.mark.parametrize("hybrid", [False, True], ids=["AC-coupled", "hybrid"])


def bill_by_hand(task, steps):
    """Bill of the planned battery powers with the least possible throttling [EUR]."""
    total = 0.0
    for step in steps:
        ac_w = step.battery_w + step.pv_w
        rating = task.battery.max_ac_w if task.battery.hybrid else float("inf")
        thrown_w = max(0.0, ac_w - step.load_w - task.grid.max_sell_w, ac_w - rating)
        grid_w = step.load_w - ac_w + thrown_w
        price = step.buy_eur_per_kwh if grid_w > 0 else step.sell_eur_per_kwh
        total += grid_w * price * step.hours / 1000
    return total


@COUPLINGS
def test_power_that_is_paid_for_is_not_bought_in_place_of_pv(plan_of, hybrid):
    """A full battery and no feed-in: 5.5 kW are throttled either way, and nothing is bought."""
    plan = plan_of([PAID] * 3, soc_percent=100, max_sell_w=0, end_value=0.2, hybrid=hybrid)
    assert [step.grid_w for step in plan.steps] == [0, 0, 0]
    assert [step.curtailed_w for step in plan.steps] == [5_500] * 3
    assert plan.cost_eur == 0.0
    assert plan.notes == ()


@COUPLINGS
def test_a_charging_battery_takes_what_was_throttled_before_anything_is_bought(plan_of, hybrid):
    gentle = plan_of([PAID], soc_percent=0, max_sell_w=0, max_charge_w=5_000, hybrid=hybrid)
    step = gentle.steps[0]
    assert (step.battery_w, step.curtailed_w, step.grid_w) == (-5_000, 500, 0)
    strong = plan_of([PAID], soc_percent=0, max_sell_w=0, max_charge_w=8_000, hybrid=hybrid)
    step = strong.steps[0]
    assert (step.battery_w, step.curtailed_w, step.grid_w) == (-8_000, 0, 2_500)
    assert strong.cost_eur == pytest.approx(-0.25)


@COUPLINGS
def test_at_a_feed_in_limit_selling_at_a_loss_goes_on_while_pv_is_throttled(plan_of, hybrid):
    row = (0.30, -0.05, 500.0, 8_000.0)
    plan = plan_of([row], soc_percent=100, max_sell_w=6_000, end_value=0.2, hybrid=hybrid)
    step = plan.steps[0]
    assert (step.grid_w, step.curtailed_w) == (-6_000, 1_500)
    assert plan.cost_eur == pytest.approx(0.30)
    assert step.why.endswith("the grid takes no more: the roof is throttled")


def test_behind_a_full_inverter_the_house_still_buys(plan_of):
    """A hybrid that passes 4 kW: the house's other 2 kW are bought, paid for or not."""
    row = (-0.10, -0.10, 6_000.0, 7_000.0)
    plan = plan_of([row], soc_percent=100, hybrid=True, max_ac_w=4_000, end_value=0.2)
    step = plan.steps[0]
    assert (step.ess_w, step.curtailed_w, step.grid_w) == (4_000, 3_000, 2_000)


def test_price_curtailment_still_may_throttle_it_all(plan_of):
    plan = plan_of([PAID], soc_percent=100, max_sell_w=0, end_value=0.2, price_curtailment=True)
    assert plan.cost_eur == pytest.approx(-0.05)


@COUPLINGS
@pytest.mark.parametrize("limits", [{"max_charge_w": 0.0}, {"max_discharge_w": 0.0},
                                    {"max_charge_w": 0.0, "max_discharge_w": 0.0}])  # fmt: skip
@pytest.mark.parametrize("load_w", [790.1, 0.1, 1_234.567, 3_333.3])
def test_a_battery_without_power_has_a_plan_at_a_binding_limit(plan_of, hybrid, limits, load_w):
    """0.1 W of a sum's rounding put the highest power below the lowest one."""
    night, day = (0.30, 0.08, load_w, 0.0), (0.30, 0.08, load_w, load_w + 4_111.7)
    plan = plan_of([night, day, day, night], soc_percent=50, max_sell_w=0, hybrid=hybrid, **limits)
    assert [step.grid_w for step in plan.steps[1:3]] == pytest.approx([0, 0], abs=0.01)
    assert all(step.battery_w <= 0.01 for step in plan.steps) or limits.get("max_discharge_w") != 0


@pytest.mark.parametrize("max_sell_w", [0.0, 0.3, 1_000.1])
def test_a_battery_dimmed_to_zero_serves_the_house(task_of, plan_task, max_sell_w):
    rows = [(0.30, 0.08, 790.1, 5_000.7)] * 4 + [(0.30, 0.08, 790.1, 0.0)] * 2
    task = task_of(rows, soc_percent=20, max_sell_w=max_sell_w)
    hours = (task.steps[0].start, task.steps[0].start + timedelta(hours=4))
    task = replace(task, grid=replace(task.grid, operator_limits=(OperatorLimit(*hours, 0.0),)))
    plan = plan_task(task)
    assert [step.battery_w for step in plan.steps] == pytest.approx(
        [0, 0, 0, 0, 790.1, 790.1], abs=0.01
    )


@COUPLINGS
@pytest.mark.parametrize("standby_w", [0.0, 30.0])
@pytest.mark.parametrize("options", [{}, {"full_charge_every_days": 5.0}, {"max_sell_w": 0}])
def test_prices_that_are_all_zero_have_a_plan(plan_of, hybrid, standby_w, options):
    rows = [(0.0, 0.0, 500.0, 0.0), (0.0, 0.0, 500.0, 4_000.0)] * 2
    plan = plan_of(rows, hybrid=hybrid, standby_w=standby_w, **options)
    assert (plan.status, plan.cost_eur) == ("optimal", 0.0)


@pytest.mark.parametrize("seed", range(60_000, 60_012))
def test_random_plans_promise_what_the_meter_will_say(extreme_task, plan_task, seed):
    task = replace(extreme_task(seed), full_by=None)
    task = replace(task, grid=replace(task.grid, price_curtailment=False), steps=task.steps[:96])
    plan = plan_task(task)
    assert plan.cost_eur == pytest.approx(bill_by_hand(task, plan.steps), rel=0, abs=0.001)


def test_the_recursion_throttles_what_the_program_throttles(task_of):
    task = task_of([(0.30, 0.08, 500.0, 8_000.0)], soc_percent=100, max_sell_w=6_000)
    assert water_value_exact.water_values(task).objective_eur == pytest.approx(-0.48)
