"""Corners in which a plan once went wrong, a case each."""

import pytest

from optimizer.errors import ConfigError
from optimizer.planning import planner


def test_throttling_for_money_keeps_the_buying_limit(plan_of):
    plan = plan_of([(-0.20, 0.08, 0, 500)], soc_percent=0, end_value=0.1, max_buy_w=3_000)
    assert plan.steps[0].grid_w <= 3_001
    assert plan.notes == ()


def test_no_room_for_either_needs_no_binary(plan_of):
    assert plan_of([(-0.1, -0.1, 700, 700)], rule="pv_only").steps[0].battery_w == 0


def test_overload_is_not_enlarged_by_charging(plan_of):
    rows = [(0.10, 0.08, 2_000, 0), (0.30, 0.08, 2_000, 0)]
    plan = plan_of(rows, soc_percent=0, max_buy_w=1_000)
    assert max(step.grid_w for step in plan.steps) <= 2_001


def test_above_the_band_is_never_charged(plan_of):
    rows = [(0.30, 0.29, 0, 0), (0.01, 0, 0, 0), (0.30, 0.29, 0, 0)]
    plan = plan_of(
        rows, soc_percent=100, max_soc_percent=90, max_discharge_w=500, rule="mixed", end_value=0.2
    )
    assert plan.steps[1].battery_w >= -1


def test_below_the_band_is_never_discharged(plan_of):
    rows = [(0.30, 0.08, 500, 0), (0.10, 0.08, 500, 0), (0.90, 0.08, 500, 0), (0.90, 0.08, 500, 0)]
    plan = plan_of(rows, soc_percent=2, min_soc_percent=10)
    stored = [200.0, *(step.soc_wh for step in plan.steps)]
    assert stored == sorted(stored) or min(stored[2:]) >= 999
    assert stored[2] > 1_000  # the cheap hour lifts it above the band's lower end, for the peak
    assert stored[-1] == pytest.approx(1_000)


def test_standby_above_the_charging_power_overloads(plan_of):
    plan = plan_of(
        [(0.3, 0.08, 3_000, 0)], soc_percent=0, max_charge_w=0, standby_w=20, max_buy_w=3_000
    )
    assert plan.steps[0].grid_w == 3_020


def test_a_negative_end_value_is_refused(task_of):
    task = task_of([(0.3, 0.0, 0, 0)])
    request = planner.PlanRequest(task.steps[0].start, "home", task.battery, task.grid, 50.0, -0.1)
    with pytest.raises(ConfigError, match="stored_value cannot be negative"):
        planner.make_plan(task.steps, request, lambda: 0.0)


def test_the_reason_to_hold_does_not_contradict_itself(plan_of):
    step = plan_of([(0.40, 0.08, 1_000, 0), (0.44, 0.08, 1_000, 0)], soc_percent=10).steps[0]
    assert step.why == (
        "keep for dearer hours (44.0 ct at 15:00): a stored kWh is worth 44.0 ct then, 40.0 ct now"
    )


def test_roof_power_that_the_inverter_cannot_pass_is_not_a_grid_charge(plan_of):
    rows = [(0.30, 0.08, 8_000, 4_000), (0.30, 0.08, 8_000, 0)]
    plan = plan_of(rows, soc_percent=10, hybrid=True, max_ac_w=3_000)
    assert plan.steps[0].intent == "self_consumption"


def test_emptying_within_the_step_is_self_consumption_with_standby_too(plan_of):
    plan = plan_of([(0.30, 0.08, 500, 0)], soc_percent=0.5, standby_w=70)
    assert plan.steps[0].intent == "self_consumption"


def test_without_its_battery_a_hybrid_sells_what_its_inverter_passes(plan_of):
    plan = plan_of([(0.3, 0.08, 0, 15_000)], soc_percent=100, hybrid=True, max_ac_w=10_000)
    assert plan.no_battery_cost_eur == pytest.approx(-0.8)


def test_the_planned_power_is_in_its_band_with_standby_too(plan_of):
    plan = plan_of([(0.30, 0.08, 0, 30)], soc_percent=50, standby_w=50, end_value=0.2)
    step = plan.steps[0]
    assert step.lowest_w <= step.battery_w <= step.highest_w
