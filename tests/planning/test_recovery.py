"""A battery found outside its band, and a house that needs more than the grid may give."""

import pytest

FLAT = (0.30, 0.08, 500.0, 0.0)


def stored(plan):
    return [round(step.soc_wh) for step in plan.steps]


def test_a_battery_below_its_band_recovers_at_a_flat_price(plan_of):
    plan = plan_of([FLAT] * 4, soc_percent=2, min_soc_percent=10, end_value=0.28)
    assert stored(plan) == [1_000] * 4
    assert plan.notes == ("the battery starts at 2 %, below min_soc_percent (10): it recovers",)


def test_recovery_waits_out_a_price_peak(plan_of):
    peak, cheap = (0.90, 0.08, 500.0, 0.0), (0.20, 0.08, 500.0, 0.0)
    plan = plan_of([peak, cheap], soc_percent=2, min_soc_percent=10, end_value=0.19)
    assert stored(plan) == [200, 1_000]


def test_where_only_the_roof_may_charge_recovery_waits_for_it(plan_of):
    sun = (0.30, 0.08, 500.0, 1_000.0)
    plan = plan_of(
        [FLAT, sun, sun, sun], soc_percent=2, min_soc_percent=10, rule="pv_only", end_value=0.28
    )
    assert stored(plan)[:3] == [200, 700, 1_200]


def test_a_battery_above_its_band_comes_down_as_the_house_uses_it(plan_of):
    rows = [FLAT, (0.01, 0.08, 500.0, 4_000.0), FLAT, FLAT]
    plan = plan_of(rows, soc_percent=100, max_soc_percent=90, end_value=0.5)
    assert stored(plan) == [9_500, 9_500, 9_000, 9_000]
    assert plan.notes == ("the battery starts at 100 %, above max_soc_percent (90): it recovers",)


def test_a_house_that_needs_more_than_its_limit_gets_a_plan_and_a_note(plan_of):
    plan = plan_of([(0.30, 0.08, 9_000.0, 0.0)] * 2, soc_percent=0, max_buy_w=3_000)
    assert [step.grid_w for step in plan.steps] == [9_000, 9_000]
    assert plan.notes == (
        "grid.max_buy_w (3000 W) cannot be kept in 2 steps: the house alone needs up to 9000 W "
        "there; the limit was relaxed",
    )


def test_the_battery_is_filled_beforehand_to_keep_a_grid_limit(plan_of):
    quiet, busy = (0.30, 0.08, 1_000.0, 0.0), (0.30, 0.08, 5_000.0, 0.0)
    plan = plan_of([quiet, busy], soc_percent=0, max_buy_w=3_000)
    assert [step.grid_w for step in plan.steps] == [3_000, 3_000]
    assert plan.notes == ()


def test_the_requests_own_notes_come_first(task_of, plan_task):
    plan = plan_task(task_of([FLAT], soc_percent=2, min_soc_percent=10), notes=("prices: csv",))
    assert plan.notes[0] == "prices: csv"
    assert len(plan.notes) == 2


def test_without_a_given_end_value_the_automatic_one_is_used(plan_of):
    plan = plan_of([FLAT] * 4, soc_percent=50, end_value=None)
    assert plan.end_value_eur_per_kwh == pytest.approx(0.65 * 0.30)
