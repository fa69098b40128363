"""Among plans of the same cost the one that a battery left to itself would make, now."""

from dataclasses import replace

import pytest

from optimizer.planning.end_value import auto_end_value
from optimizer.planning.task import Task

FLAT_BUY = 0.30


def flat(task, sell):
    """The task with a flat tariff and nothing else to plan around: no cap, no start outside."""
    steps = tuple(replace(step, buy=FLAT_BUY, sell=sell) for step in task.steps)
    grid = replace(task.grid, max_buy_w=30_000, max_sell_w=30_000)
    battery = replace(task.battery, max_ac_w=30_000)
    start_wh = min(max(task.start_wh, task.battery.min_wh), task.battery.max_wh)
    end_value = auto_end_value(steps, task.battery)
    return Task(steps, battery, grid, start_wh, (end_value,))


def left_to_itself(task):
    """Battery powers of self-consumption by the battery's physics."""
    powers, soc_wh = [], task.start_wh
    for step in task.steps:
        battery_w, soc_wh = task.battery.step(soc_wh, step.need_w, step.hours)
        powers.append(battery_w)
    return powers


def powers(plan):
    return [step.battery_w for step in plan.steps]


@pytest.mark.parametrize("sell", [0.0, 0.08])
def test_with_a_flat_tariff_the_plan_is_self_consumption_and_saves_nothing(
    random_task, plan_task, sell
):
    for seed in range(6000, 6012):
        task = flat(random_task(seed, 48), sell)
        plan = plan_task(task)
        assert powers(plan) == pytest.approx(left_to_itself(task), rel=0, abs=1.0), f"seed {seed}"
        assert plan.saving_eur == pytest.approx(0.0, abs=0.0005)
        if task.battery.standby_w == 0:
            assert {step.intent for step in plan.steps} == {"self_consumption"}


def test_a_surplus_larger_than_the_room_fills_the_battery_at_once(plan_of):
    rows = [(0.30, 0.08, 500.0, 3_500.0)] * 4 + [(0.30, 0.08, 1_000.0, 0.0)] * 4
    plan = plan_of(rows, soc_percent=40, end_value=0.2)
    assert powers(plan)[:4] == [-3_000, -3_000, 0, 0]
    assert {step.intent for step in plan.steps} == {"self_consumption"}


def test_the_house_is_carried_now_rather_than_later(plan_of):
    plan = plan_of([(0.30, 0.08, 1_000.0, 0.0)] * 4, soc_percent=20)
    assert powers(plan) == [1_000, 1_000, 0, 0]
    assert {step.intent for step in plan.steps} == {"self_consumption"}


def test_a_full_battery_with_nothing_to_do_does_nothing(plan_of):
    plan = plan_of([(0.30, 0.08, 0.0, 0.0)] * 3, soc_percent=100, end_value=0.2)
    assert powers(plan) == [0, 0, 0]


def test_unpaid_feed_in_is_not_throttled_while_export_is_allowed(plan_of):
    rows = [(0.30, 0.0, 500.0, 5_000.0)] * 4
    plan = plan_of(rows, soc_percent=80, end_value=0.2)
    assert [step.curtailed_w for step in plan.steps] == [0, 0, 0, 0]
    assert plan.steps[3].grid_w == -4_500


@pytest.mark.parametrize("sell", [0.0, -0.05])
@pytest.mark.parametrize("efficiency", [1.0, 0.95, 0.9])
def test_energy_is_not_burnt_where_feed_in_earns_nothing(plan_of, sell, efficiency):
    """With losses, charging and discharging in turn would make room for free energy."""
    sun, night = (0.30, sell, 500.0, 5_000.0), (0.30, sell, 500.0, 0.0)
    plan = plan_of(
        [sun, sun, night, sun, sun],
        soc_percent=90,
        end_value=0.2,
        rule="mixed",
        price_curtailment=True,
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
    )
    assert powers(plan)[0] == pytest.approx(-1_000 / efficiency, abs=0.01)
    assert powers(plan)[1:3] == pytest.approx([0, 500], abs=0.01)
    assert powers(plan)[3] == pytest.approx(-500 / efficiency**2, abs=0.01)
    assert powers(plan)[4] == 0


def test_grid_charging_waits_for_no_price_difference(plan_of):
    """Losses make a flat tariff a bad trade; without losses it is a tie, and nothing is traded."""
    for efficiency in (1.0, 0.95):
        plan = plan_of(
            [(0.30, 0.08, 1_000.0, 0.0)] * 4, soc_percent=0, end_value=0.30,
            charge_efficiency=efficiency, discharge_efficiency=efficiency,
        )  # fmt: skip
        assert powers(plan) == [0, 0, 0, 0]
