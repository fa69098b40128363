"""The bills to compare with, worked by hand: the battery left to itself, and no battery.

Rows are (buy, sell, load, roof) in EUR/kWh and W; one hour each.
"""

import pytest

from optimizer.planning.self_consumption import no_battery, self_consumption

ROWS = [
    (0.30, 0.08, 1_000.0, 0.0),
    (0.30, 0.08, 500.0, 4_000.0),
    (0.40, 0.08, 3_000.0, 0.0),
]
LOSSES = {"charge_efficiency": 0.8, "discharge_efficiency": 0.5}


def test_three_hours_of_self_consumption_by_hand(task_of):
    # 5 kWh, 2.4 kWh stored. Hour 1: 1 kWh from 2 kWh of the cells, 0.4 are left.
    # Hour 2: 3.5 kWh to spare give 2.8 in the cells. Hour 3: 3.2 kWh are 1.6, 1.4 are bought.
    without_plan = self_consumption(task_of(ROWS, capacity_wh=5_000, soc_percent=48, **LOSSES))
    assert without_plan.cost_eur == pytest.approx(1.4 * 0.40)
    assert without_plan.end_wh == pytest.approx(0)
    assert without_plan.wear_eur == 0


def test_a_full_battery_sells_the_rest(task_of):
    # 3 kWh full but for 0.4: hour 1 makes room for 2 kWh, hour 2 stores 2.4 out of 3 kWh.
    without_plan = self_consumption(
        task_of(ROWS, capacity_wh=3_000, soc_percent=2_600 / 30, **LOSSES)
    )
    assert without_plan.cost_eur == pytest.approx(-0.5 * 0.08 + 1.5 * 0.40)


def test_wear_counts_the_energy_out_of_the_cells(task_of):
    task = task_of(ROWS, capacity_wh=5_000, soc_percent=48, wear_eur_per_kwh=0.10, **LOSSES)
    assert self_consumption(task).wear_eur == pytest.approx((2.0 + 3.2) * 0.10)


def test_standby_is_taken_from_the_cells_or_bought(task_of):
    # Idle with 100 Wh: the first hour drains them, in the second the house buys 100 W for it.
    rows = [(0.30, 0.08, 0.0, 0.0)] * 2
    without_plan = self_consumption(
        task_of(rows, soc_percent=1, standby_w=100.0, wear_eur_per_kwh=0.10)
    )
    assert (without_plan.cost_eur, without_plan.end_wh) == (
        pytest.approx(0.1 * 0.30),
        pytest.approx(0),
    )
    assert without_plan.wear_eur == pytest.approx(0.1 * 0.10)


def test_a_feed_in_cap_throttles_what_is_left(task_of):
    # Full: 3.5 kWh to spare, 1 kWh may be sold; then 2 kWh of the evening are carried.
    task = task_of(ROWS[1:], soc_percent=100, max_sell_w=1_000, max_discharge_w=2_000)
    without_plan = self_consumption(task)
    assert without_plan.cost_eur == pytest.approx(-1.0 * 0.08 + 1.0 * 0.40)
    assert without_plan.end_wh == pytest.approx(8_000)


def test_a_hybrid_with_a_feed_in_cap_by_hand(task_of):
    """3 kW inverter, 2 kW feed-in; 10 kWh with 0.5 kWh of room.

    Hour 1: load 500, roof 6,000. The AC side passes 3,000, so at least 3,000 would have to be
    stored; 500 fit. 2,500 are thrown away behind the inverter, 500 more at the feed-in cap: the
    house takes 500 of the 3,000 and 2,000 of the remaining 2,500 are sold.
    Hour 2: load 4,000, roof 1,000: the inverter gives 3,000 in all, 1,000 are bought.
    Hour 3: load 4,000, no roof: 3,000 from the battery, 1,000 are bought.
    """
    rows = [
        (0.30, 0.08, 500.0, 6_000.0),
        (0.30, 0.08, 4_000.0, 1_000.0),
        (0.40, 0.08, 4_000.0, 0.0),
    ]
    task = task_of(rows, soc_percent=95, hybrid=True, max_ac_w=3_000, max_sell_w=2_000)
    without_plan = self_consumption(task)
    assert without_plan.cost_eur == pytest.approx(-2.0 * 0.08 + 1.0 * 0.30 + 1.0 * 0.40)
    assert without_plan.end_wh == pytest.approx(10_000 - 2_000 - 3_000)


def test_a_full_hybrid_sells_no_more_than_its_inverter_passes(task_of):
    # Roof 8,000, AC rating 5,000: 3,000 are lost, the house takes 1,000, 4,000 are sold.
    rows = [(0.30, 0.08, 1_000.0, 8_000.0)]
    without_plan = self_consumption(task_of(rows, soc_percent=100, hybrid=True, max_ac_w=5_000))
    assert without_plan.cost_eur == pytest.approx(-4.0 * 0.08)


def test_no_battery_by_hand(task_of):
    bare = no_battery(task_of(ROWS))
    assert bare.cost_eur == pytest.approx(1.0 * 0.30 - 3.5 * 0.08 + 3.0 * 0.40)
    assert (bare.wear_eur, bare.end_wh) == (0, 0)


def test_no_battery_keeps_the_feed_in_cap(task_of):
    bare = no_battery(task_of(ROWS, max_sell_w=1_000))
    assert bare.cost_eur == pytest.approx(1.0 * 0.30 - 1.0 * 0.08 + 3.0 * 0.40)


def test_the_plan_carries_both_bills_and_the_saving(plan_of):
    plan = plan_of(
        [(0.10, 0.0, 0, 0), (0.50, 0.0, 2_000, 0)], soc_percent=0, wear_eur_per_kwh=0.02,
        end_value=0.05,
    )  # fmt: skip
    assert (plan.cost_eur, plan.wear_eur) == (pytest.approx(0.20), pytest.approx(0.04))
    assert (plan.self_consumption_cost_eur, plan.no_battery_cost_eur) == (1.0, 1.0)
    assert plan.saving_eur == pytest.approx(1.0 - 0.24)


def test_the_saving_credits_the_energy_that_is_left(plan_of):
    """Both end with the same bill, self-consumption with 2 kWh fewer in store."""
    rows = [(0.40, 0.0, 2_000, 0), (0.42, 0.0, 2_000, 0)]
    plan = plan_of(rows, soc_percent=40, end_value=0.41, rule="pv_only")
    assert plan.steps[0].intent == "hold"
    assert (plan.self_consumption_cost_eur, plan.cost_eur) == (0.0, pytest.approx(0.80, abs=1e-4))
    assert plan.self_consumption_stored_value_eur == 0
    assert plan.saving_eur == pytest.approx(2 * 0.41 - 0.80, abs=1e-4)
