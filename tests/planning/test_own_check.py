"""The plan's own check: a good plan passes, each kind of damage is refused by name."""

from dataclasses import replace

import pytest

from optimizer.errors import NoPlanError, OptimizerError
from optimizer.planning import verify

ROWS = [(0.20, 0.08, 500.0, 0.0), (0.30, 0.08, 500.0, 3_000.0), (0.40, 0.08, 2_000.0, 0.0)]


@pytest.fixture
def task(task_of):
    return task_of(ROWS, soc_percent=50, end_value=0.1, rule="mixed", hybrid=True, max_ac_w=5_000)


@pytest.fixture
def plan(task, plan_task):
    return plan_task(task)


@pytest.fixture
def check(task):
    """The check with the promise that belongs to the good plan unless another is given."""

    def run(plan, promise=None, overload=False):
        own = plan.cost_eur + plan.wear_eur - plan.stored_value_eur
        promise = own if promise is None else promise
        return verify.check(plan, task.battery, task.grid, promise, overload)

    return run


def damaged(plan, index=1, **changes):
    """The plan with one step changed."""
    steps = list(plan.steps)
    steps[index] = replace(steps[index], **changes)
    return replace(plan, steps=tuple(steps))


def shifted(plan, watts):
    """The plan with a battery power in its second step that the grid makes up for."""
    step = plan.steps[1]
    return damaged(
        plan,
        battery_w=step.battery_w + watts,
        grid_w=step.grid_w - watts,
        ess_w=step.ess_w + watts,
        soc_wh=step.soc_wh - watts,
    )


def test_a_good_plan_passes(check, plan):
    assert check(plan) is None


def test_deviations_below_a_watt_and_a_watt_hour_pass(check, plan):
    step = plan.steps[1]
    assert check(damaged(plan, grid_w=step.grid_w + 0.9)) is None
    assert check(damaged(plan, index=2, soc_wh=plan.steps[2].soc_wh + 0.9)) is None


@pytest.mark.parametrize("name", ["grid_w", "load_w", "pv_w", "curtailed_w"])
def test_powers_that_do_not_balance_are_refused(check, plan, name):
    value = getattr(plan.steps[1], name) + 2
    with pytest.raises(OptimizerError, match=r"do not balance by -?2.0 W"):
        check(damaged(plan, **{name: value}))


def test_a_fault_names_its_step_and_asks_for_a_report(check, plan):
    with pytest.raises(OptimizerError, match=r"2026-03-28T14:00:00Z.*not stored, please report"):
        check(damaged(plan, grid_w=plan.steps[1].grid_w + 2))


def test_stored_energy_that_physics_does_not_give_is_refused(check, plan):
    with pytest.raises(OptimizerError, match=r"soc_wh \d+ should be \d+"):
        check(damaged(plan, soc_wh=plan.steps[1].soc_wh + 2))


def test_the_first_step_starts_from_the_plans_start(check, plan):
    with pytest.raises(OptimizerError, match="13:00:00Z: soc_wh 4500 should be 4600"):
        check(replace(plan, start_soc_percent=51))


@pytest.mark.parametrize(
    ("watts", "text"),
    [
        (-9_000, r"soc_wh \d+ is outside 0 to 10000"),
        (16_000, r"soc_wh -\d+ is outside 0 to 10000"),
    ],
    ids=["above its band", "below its band"],
)
def test_stored_energy_outside_its_band_is_refused(check, plan, watts, text):
    with pytest.raises(OptimizerError, match=text):
        check(shifted(plan, watts))


@pytest.mark.parametrize(
    ("cap", "text"),
    [
        ({"max_charge_w": 1_000}, "battery_w -2500 W is outside -1000 to 5000 W"),
        ({"max_ac_w": 400}, "ess_w 500 W is outside -400 to 400 W"),
    ],
    ids=["charging power", "AC rating"],
)
def test_a_power_beyond_the_device_is_refused(task, plan, cap, text):
    if "max_charge_w" in cap:
        cap = cap | {"max_discharge_w": 5_000}
    with pytest.raises(OptimizerError, match=text):
        verify.check(plan, replace(task.battery, **cap), task.grid, 0.0, False)


@pytest.mark.parametrize("rule", ["pv_only", "grid_charge"])
def test_a_battery_that_feeds_in_against_the_rule_is_refused(plan_of, task_of, rule):
    rows = [(0.30, 0.29, 500.0, 0.0)]
    plan = plan_of(rows, rule="mixed")
    assert plan.steps[0].grid_w == -4_500
    strict = task_of(rows, rule=rule)
    with pytest.raises(OptimizerError, match=r"battery_w \d+ W is outside .* to 500 W"):
        verify.check(plan, strict.battery, strict.grid, 0.0, False)


@pytest.mark.parametrize("rule", ["pv_only", "green_export"])
def test_a_battery_charged_from_the_grid_against_the_rule_is_refused(plan_of, task_of, rule):
    rows = [(0.10, 0.08, 500.0, 0.0), (0.50, 0.08, 5_000.0, 0.0)]
    plan = plan_of(rows, rule="grid_charge", soc_percent=0)
    assert plan.steps[0].battery_w < -4_000
    strict = task_of(rows, rule=rule)
    with pytest.raises(OptimizerError, match=r"battery_w -\d+ W is outside 0 to"):
        verify.check(plan, strict.battery, strict.grid, 0.0, False)


def test_feeding_in_more_than_allowed_is_refused(plan_of, task_of):
    rows = [(0.30, 0.08, 500.0, 4_000.0)]
    plan, strict = plan_of(rows, soc_percent=100), task_of(rows, max_sell_w=2_000)
    with pytest.raises(OptimizerError, match="grid_w -3500 W is outside -2000 to 20000 W"):
        verify.check(plan, strict.battery, strict.grid, 0.0, False)


def test_buying_more_than_allowed_passes_only_where_the_limit_was_relaxed(task_of, plan_of):
    rows = [(0.30, 0.08, 9_000.0, 0.0)]
    plan, strict = plan_of(rows, soc_percent=0), task_of(rows, max_buy_w=3_000)
    assert verify.check(plan, strict.battery, strict.grid, 2.7, True) is None
    with pytest.raises(OptimizerError, match="grid_w 9000 W is outside -20000 to 3000 W"):
        verify.check(plan, strict.battery, strict.grid, 2.7, False)


def test_throttling_more_than_the_roof_gives_is_refused(check, plan):
    step = plan.steps[0]
    worse = damaged(plan, 0, curtailed_w=50.0, grid_w=step.grid_w + 50, ess_w=step.ess_w - 50)
    with pytest.raises(OptimizerError, match="curtailed_w 50 W is outside 0 to 0 W"):
        check(worse)


def test_a_bill_that_does_not_add_up_is_refused(check, plan):
    with pytest.raises(OptimizerError, match=r"the plan's steps cost -?\d.\d{4} EUR, not -?\d"):
        check(replace(plan, cost_eur=plan.cost_eur + 0.002))


def test_a_plan_dearer_than_its_promise_is_refused(check, plan):
    own = plan.cost_eur + plan.wear_eur - plan.stored_value_eur
    with pytest.raises(OptimizerError, match=r"costs .* EUR, the program promised"):
        check(plan, promise=own - 0.002)
    assert check(plan, promise=own - 0.0005) is None


def test_a_plan_with_a_gap_is_refused(check, plan):
    with pytest.raises(NoPlanError, match="gap or overlap at 2026-03-28T15:00:00Z"):
        check(replace(plan, steps=(plan.steps[0], plan.steps[2])))
