"""Plans for the tests of this room, made by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model.plan import Intent, Plan, Step

AT = datetime(2026, 1, 14, 13, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def _step(index):
    start = AT + index * QUARTER
    return Step(
        start=start,
        end=start + QUARTER,
        buy_eur_per_kwh=0.2921,
        sell_eur_per_kwh=0.0778,
        load_w=930.0,
        pv_w=0.0,
        battery_w=930.0,
        ess_w=930.0,
        grid_w=0.0,
        curtailed_w=0.0,
        soc_wh=8_120.0 - 245.0 * index,
        intent=list(Intent)[index],
        lowest_w=-10_000.0,
        highest_w=10_000.0,
        stored_value_eur_per_kwh=0.284,
        values_eur_per_kwh=(0.31, 0.284, 0.12),
        why="the battery carries the house",
    )


@pytest.fixture
def plan():
    """Six quarters from 13:00, one for each intent."""
    return Plan(
        made_at=AT,
        site="home",
        bounds="0123456789abcdef",
        step_s=900,
        status="optimal",
        gap_eur=0.0,
        solver="HiGHS 1.15",
        start_soc_percent=41.0,
        cost_eur=3.11,
        self_consumption_cost_eur=3.92,
        no_battery_cost_eur=5.60,
        wear_eur=0.02,
        self_consumption_wear_eur=0.01,
        stored_value_eur=0.84,
        self_consumption_stored_value_eur=0.70,
        end_value_eur_per_kwh=0.17,
        solve_s=0.021,
        value_soc_wh=(1_000.0, 5_000.0, 9_000.0),
        steps=tuple(_step(index) for index in range(6)),
        notes=("the house is empty",),
    )
