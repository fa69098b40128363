"""A plan's own arithmetic: which step covers a moment, what it costs, what it saves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.plan import fingerprint, iso


@pytest.mark.parametrize(
    ("at", "index"),
    [
        ("12:59:59", None),
        ("13:00:00", 0),
        ("13:14:59", 0),
        ("13:15:00", 1),
        ("14:29:59", 5),
        ("14:30:00", None),
    ],
)
def test_a_step_covers_its_start_and_not_its_end(plan, at, index):
    found = plan.step_at(datetime.fromisoformat(f"2026-01-14T{at}+00:00"))
    assert found == (None if index is None else plan.steps[index])


def test_moments_of_another_zone_find_the_same_step(plan):
    berlin = timezone(timedelta(hours=1))
    assert plan.step_at(datetime(2026, 1, 14, 14, 20, tzinfo=berlin)) == plan.steps[1]


@pytest.mark.parametrize(
    ("grid_w", "cost"), [(2_000, 0.5 * 0.2921), (-2_000, -0.5 * 0.0778), (0, 0)]
)
def test_a_quarter_is_bought_or_sold(plan, grid_w, cost):
    step = replace(plan.steps[0], grid_w=float(grid_w))
    assert step.cost_eur == pytest.approx(cost)


def test_what_the_house_needs_is_load_minus_roof(plan):
    assert replace(plan.steps[0], load_w=500.0, pv_w=2_000.0).need_w == -1_500


def test_the_saving_counts_wear_and_what_is_left(plan):
    own = 3.92 + 0.01 - 0.70
    assert plan.saving_eur == pytest.approx(own - (3.11 + 0.02 - 0.84))


@pytest.mark.parametrize(
    ("soc_wh", "marginal_value"),
    [(0, 0.31), (1_000, 0.31), (3_000, 0.297), (5_000, 0.284), (7_000, 0.202), (9_500, 0.12)],
)
def test_the_worth_of_a_kwh_between_the_tables_states_of_charge(plan, soc_wh, marginal_value):
    assert plan.value_at(plan.steps[0], soc_wh) == pytest.approx(marginal_value)


def test_the_fingerprint_changes_with_every_bound_but_the_coupling():
    battery, grid = Battery(22_000), Grid()
    prints = {
        fingerprint(battery, grid),
        fingerprint(replace(battery, capacity_wh=21_000), grid),
        fingerprint(replace(battery, min_soc_percent=6), grid),
        fingerprint(replace(battery, max_charge_w=9_000), grid),
        fingerprint(replace(battery, max_ac_w=9_000), grid),
        fingerprint(battery, replace(grid, max_sell_w=9_000)),
        fingerprint(battery, replace(grid, rule=Rule.MIXED)),
    }
    assert len(prints) == 7
    assert fingerprint(replace(battery, hybrid=True), grid) == fingerprint(battery, grid)


def test_moments_are_printed_in_utc_to_the_second():
    berlin = timezone(timedelta(hours=1))
    assert iso(datetime(2026, 1, 14, 14, 5, 12, 999, tzinfo=berlin)) == "2026-01-14T13:05:12Z"
    assert iso(datetime(2026, 1, 14, 13, tzinfo=UTC)) == "2026-01-14T13:00:00Z"
