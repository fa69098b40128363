"""Roof and battery behind one inverter: its AC rating binds both, the rest is throttled.

Rows are (buy, sell, load, roof) in EUR/kWh and W; 10 kWh without losses, one hour each.
"""

import pytest


def hybrid(plan_of, rows, **options):
    return plan_of(rows, hybrid=True, **({"max_ac_w": 5_000} | options)).steps


def test_the_ac_rating_binds_roof_and_battery_together(plan_of):
    step = hybrid(plan_of, [(0.50, 0.08, 9_000, 3_000)])[0]
    assert (step.ess_w, step.battery_w, step.grid_w) == (5_000, 2_000, 4_000)


def test_an_ac_coupled_battery_does_not_share_the_rating(plan_of):
    step = plan_of([(0.50, 0.08, 9_000, 3_000)], max_ac_w=5_000, soc_percent=100).steps[0]
    assert (step.ess_w, step.battery_w, step.grid_w) == (6_000, 6_000, 0)


def test_the_ac_rating_binds_charging_from_the_grid(plan_of):
    rows = [(0.10, 0.08, 0, 1_000), (0.90, 0.08, 9_000, 0), (0.90, 0.08, 9_000, 0)]
    step = hybrid(plan_of, rows, soc_percent=0, max_ac_w=4_000)[0]
    assert (step.ess_w, step.battery_w, step.grid_w) == (-4_000, -5_000, 4_000)


def test_roof_power_beyond_the_rating_goes_into_the_battery(plan_of):
    step = hybrid(plan_of, [(0.30, 0.08, 1_000, 8_000)])[0]
    assert (step.ess_w, step.battery_w, step.curtailed_w) == (5_000, -3_000, 0)


def test_roof_power_beyond_the_rating_is_throttled_when_the_battery_is_full(plan_of):
    step = hybrid(plan_of, [(0.30, 0.08, 1_000, 8_000)], soc_percent=100)[0]
    assert (step.ess_w, step.battery_w, step.curtailed_w) == (5_000, 0, 3_000)
    assert step.grid_w == -4_000


def test_the_battery_keeps_room_for_a_roof_that_the_inverter_cannot_pass(plan_of):
    """Without the second hour the first one's surplus would be stored at once."""
    rows = [(0.30, 0.08, 0, 3_000), (0.30, 0.08, 0, 9_000)]
    first, second = hybrid(plan_of, rows, soc_percent=60, end_value=0.2)
    assert first.intent == "defer"
    assert (second.battery_w, second.curtailed_w) == (-4_000, 0)


def test_on_hybrids_the_inverter_carries_the_roof_in_every_step(random_task, plan_task):
    seen = 0
    for seed in range(8000, 8020):
        task = random_task(seed, 24)
        for step in plan_task(task).steps:
            dc_pv_w = step.pv_w - step.curtailed_w if task.battery.hybrid else 0.0
            assert step.ess_w == pytest.approx(step.battery_w + dc_pv_w, abs=0.02)
            seen += task.battery.hybrid and step.curtailed_w > 1
    assert seen > 10


@pytest.mark.parametrize("coupling", [True, False], ids=["hybrid", "AC-coupled"])
def test_what_may_not_be_fed_in_is_throttled(plan_of, coupling):
    step = plan_of(
        [(0.30, 0.08, 1_000, 8_000)], soc_percent=100, max_sell_w=2_000, hybrid=coupling
    ).steps[0]
    assert (step.grid_w, step.curtailed_w, step.battery_w) == (-2_000, 5_000, 0)
    assert step.ess_w == (3_000 if coupling else 0)


def test_zero_export_throttles_all_that_has_no_room(plan_of):
    rows = [(0.30, 0.08, 1_000, 3_000)] * 2
    steps = plan_of(rows, soc_percent=85, max_sell_w=0, end_value=0.2).steps
    assert [step.grid_w for step in steps] == [0, 0]
    assert sum(step.curtailed_w for step in steps) == pytest.approx(2_500, abs=0.1)


@pytest.mark.parametrize("coupling", [True, False], ids=["hybrid", "AC-coupled"])
def test_a_negative_selling_price_throttles_rather_than_pays(plan_of, coupling):
    rows = [(0.30, -0.05, 1_000, 4_000)]
    plan = plan_of(rows, soc_percent=100, hybrid=coupling, price_curtailment=True)
    step = plan.steps[0]
    assert (step.grid_w, step.curtailed_w) == (0, 3_000)
    assert step.cost_eur == 0


@pytest.mark.parametrize("coupling", [True, False], ids=["hybrid", "AC-coupled"])
def test_a_roof_that_nobody_rests_sells_at_a_loss(plan_of, coupling):
    """The FEMS throttles nothing for money's sake, so no plan may count on it."""
    rows = [(0.30, -0.05, 1_000, 4_000), (-0.40, 0.0, 1_000, 4_000)]
    first, second = plan_of(rows, soc_percent=100, hybrid=coupling).steps
    assert (first.grid_w, first.curtailed_w, first.battery_w) == (-3_000, 0, 0)
    assert first.cost_eur == pytest.approx(0.15)
    assert (second.grid_w, second.curtailed_w, second.battery_w) == (-3_000, 0, 0)


def test_a_roof_that_nobody_rests_still_gives_way_to_the_limits(plan_of):
    rows = [(0.30, -0.05, 1_000, 8_000)]
    step = hybrid(plan_of, rows, soc_percent=100, max_sell_w=2_000)[0]
    assert (step.grid_w, step.curtailed_w) == (-2_000, 5_000)
    inverter = hybrid(plan_of, rows, soc_percent=100)[0]
    assert (inverter.grid_w, inverter.curtailed_w) == (-4_000, 3_000)


def test_energy_is_not_burnt_to_sell_less_at_a_loss(plan_of):
    """Charging and discharging at once would eat the roof's surplus; the battery cannot."""
    rows = [(0.30, -0.50, 500, 5_000)] * 2
    losses = {"charge_efficiency": 0.9, "discharge_efficiency": 0.9}
    plan = plan_of(rows, soc_percent=80, end_value=0.2, **losses)
    stored_w = sum(step.battery_w for step in plan.steps)
    assert stored_w == pytest.approx(-2_000 / 0.9, abs=0.1)
    assert sum(step.grid_w for step in plan.steps) == pytest.approx(-9_000 + 2_000 / 0.9, abs=0.1)


def test_a_price_of_nothing_is_enough_to_let_it_run(plan_of):
    step = plan_of([(0.30, 0.0, 1_000, 4_000)], soc_percent=100).steps[0]
    assert (step.grid_w, step.curtailed_w) == (-3_000, 0)


def test_being_paid_for_drawing_throttles_the_whole_roof(plan_of):
    plan = plan_of([(-0.10, -0.10, 1_000, 4_000)], soc_percent=100, price_curtailment=True)
    step = plan.steps[0]
    assert (step.grid_w, step.curtailed_w) == (1_000, 4_000)
    assert step.cost_eur == pytest.approx(-0.10)
    assert plan.notes == (
        "the plan curtails the PV in 1 steps (4.0 kWh) because of negative prices, as "
        "grid.price_curtailment allows: if nobody does, the bill will be 0.40 EUR higher",
    )
