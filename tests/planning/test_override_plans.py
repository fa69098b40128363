"""Plans under an override: what it costs, how far it reaches, and what never gives way to it."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from optimizer.model.override import Override, OverrideKind
from optimizer.model.tariff import Peak
from optimizer.planning import program, water_value, water_value_exact, why_not
from optimizer.planning.override_path import fastest_wh, reach, with_override
from tests.planning.conftest import AT
from tests.planning.test_exact_model import exact_model

TENTH_OF_A_CENT = 0.001
CHEAP, DEAR = (0.20, 0.08, 500.0, 0.0), (0.40, 0.08, 1_500.0, 0.0)


def charge_to(percent, until, **more):
    return Override(1, OverrideKind.CHARGE, AT, until, "owner", percent, **more)


def order(kind, until):
    return Override(1, kind, AT, until, "owner")


def inside(task):
    """The task with a start within the band, where an order of the owner has something to say."""
    battery = task.battery
    return replace(task, start_wh=min(max(task.start_wh, battery.min_wh), battery.max_wh))


@pytest.mark.parametrize("seed", range(61_000, 61_040))
def test_a_charge_by_a_moment_costs_what_the_exact_model_with_that_row_says(whole_task, seed):
    """Any house: tapers, peaks, operator's limits, paid power, hybrids, full charges."""
    task = inside(whole_task(seed, 24))
    at = 4 + seed % 15
    override = charge_to(70.0 + seed % 30, task.steps[at].end)
    level_wh = min(task.battery.capacity_wh * override.soc_percent / 100, task.battery.max_wh)
    level_wh = min(level_wh, fastest_wh(with_override(task, override))[at])
    matrix = exact_model(task)
    column = matrix.stored[at]
    matrix.least[column] = max(matrix.least[column], (level_wh - 0.02) / 1000)
    best, bound = matrix.solve(20)
    ours = program.solve(with_override(task, override))
    assert ours.stored_wh[at] >= level_wh - 0.05
    assert bound - TENTH_OF_A_CENT <= ours.objective_eur <= best + TENTH_OF_A_CENT


@pytest.mark.parametrize("seed", range(61_100, 61_130))
def test_the_recursion_prices_a_charge_like_the_program(random_task, seed):
    """Where the connection carries the house: an overload is dearer than what is demanded."""
    task = inside(random_task(seed, 48))
    task = replace(task, grid=replace(task.grid, max_buy_w=20_000))
    at = 10 + seed % 30
    task = with_override(task, charge_to(60.0 + seed % 40, task.steps[at].end))
    if not program.is_convex(task):
        pytest.skip("needs binaries: the recursion is a relaxation")
    ours, values = program.solve(task), water_value_exact.water_values(task)
    # the recursion prices a charge that is out of reach, the program does without it
    missing_kwh = max(0.0, task.override.level_wh - fastest_wh(task)[at]) / 1000
    assert values.objective_eur - 8.0 * missing_kwh == pytest.approx(
        ours.objective_eur, rel=0, abs=TENTH_OF_A_CENT
    )


def test_eighty_percent_by_seven_is_there_and_the_night_stays_free(task_of, plan_task):
    """Charged in the cheapest hours before, not at once; afterwards the evening decides again."""
    rows = [DEAR] * 4 + [CHEAP] * 4 + [DEAR] * 8
    override = charge_to(80.0, AT + timedelta(hours=10))
    task = with_override(task_of(rows, soc_percent=20, max_charge_w=3_000), override)
    free, plan = plan_task(replace(task, override=None)), plan_task(task)
    assert plan.steps[9].soc_wh == pytest.approx(8_000, abs=0.1)
    assert [step.intent.value for step in plan.steps[:4]] == ["self_consumption"] * 4
    assert free.steps[9].soc_wh < 8_000
    assert plan.notes[0] == "override: charge to 80 % by Sun 00:00"
    charging = [step.why for step in plan.steps[:10] if step.intent.value == "charge"]
    assert all(why.startswith("override (charge to 80 % by Sun 00:00): ") for why in charging)
    assert plan.override == task.override.override


def test_as_soon_as_possible_takes_the_fastest_path_at_the_power_that_was_named(task_of):
    rows = [DEAR] * 3 + [CHEAP] * 6
    task = task_of(rows, soc_percent=20, max_buy_w=9_000)
    override = charge_to(80.0, AT + timedelta(days=1), at_once=True)
    slow = with_override(task, replace(override, power_w=2_000.0))
    assert program.solve(slow).stored_wh[:3] == pytest.approx((4_000, 6_000, 8_000), abs=0.05)
    fast = with_override(task, override)  # the house's 1 500 W leave 7 500 W of the connection
    assert program.solve(fast).stored_wh[0] == pytest.approx(8_000, abs=0.05)


def test_the_named_power_stands_above_no_pv_surplus(task_of):
    rows = [(0.30, 0.08, 500.0, 5_500.0), DEAR]
    task = with_override(
        task_of(rows, soc_percent=20, end_value=0.2),
        charge_to(60.0, AT + timedelta(hours=1), power_w=1_000.0),
    )
    assert program.solve(task).stored_wh[0] == pytest.approx(7_000, abs=0.05)


@pytest.mark.parametrize("seed", range(61_200, 61_220))
@pytest.mark.parametrize("kind", [OverrideKind.HOLD, OverrideKind.SELF_CONSUMPTION])
def test_hold_and_self_consumption_fix_the_path_in_any_house(whole_task, plan_task, seed, kind):
    whole = whole_task(seed, 24)
    assert program.solve(with_override(whole, order(kind, whole.steps[11].end))).stored_wh
    task = inside(whole)
    task = replace(task, battery=replace(task.battery, hybrid=False))
    until = task.steps[11].end
    under, stored_wh = with_override(task, order(kind, until)), task.start_wh
    found = program.solve(under).stored_wh
    for step, ours in zip(task.steps[:12], found, strict=False):
        wanted_w = task.self_consumption_w(step)
        wanted_w = min(0.0, wanted_w) if kind is OverrideKind.HOLD else wanted_w
        _, stored_wh = task.battery.step(stored_wh, wanted_w, step.hours)
        assert ours == pytest.approx(stored_wh, abs=0.05)
    assert program.solve(task).objective_eur <= program.solve(under).objective_eur + 1e-3


def test_an_order_that_the_rule_narrows_reaches_what_the_sun_gives(task_of):
    sunny = [(0.30, 0.08, 500.0, 2_500.0)] * 4
    task = task_of(sunny, soc_percent=20, rule="pv_only")
    far = reach(task, charge_to(80.0, AT + timedelta(hours=2)))
    assert far.by_wh == pytest.approx(6_000)
    assert far.earliest == AT + timedelta(hours=3)
    dark = reach(task_of([DEAR] * 4, rule="pv_only"), charge_to(80.0, AT + timedelta(hours=2)))
    assert (dark.by_wh, dark.earliest) == (5_000.0, None)


def test_a_moment_beyond_the_plans_end_asks_for_what_the_rest_cannot_bring(task_of):
    task = task_of([DEAR] * 4, soc_percent=10, max_charge_w=1_000)
    override = charge_to(80.0, AT + timedelta(hours=7))
    under = with_override(task, override, task_of([CHEAP] * 24).steps[4:])
    # three hours at 1 kW are left after the end
    assert program.solve(under).stored_wh[3] == pytest.approx(5_000, abs=0.1)
    # what is not forecast is taken from the time before
    assert program.solve(with_override(task, override)).stored_wh[3] == pytest.approx(
        5_000, abs=0.1
    )


def test_a_peak_that_costs_money_is_paid_for_an_order(task_of):
    rows = [CHEAP] * 3 + [DEAR]
    task = replace(task_of(rows, soc_percent=10), peak=Peak(50.0, reached_w=2_000))
    under = with_override(task, charge_to(80.0, AT + timedelta(hours=3)))
    solution = program.solve(under)
    assert solution.stored_wh[2] == pytest.approx(8_000, abs=0.05)
    assert max(solution.decided.peaks_w) == pytest.approx(500 + 7_000 / 3, abs=1)


def test_no_overload_is_caused_by_an_order(task_of):
    """The house alone needs more than its connection: the battery helps out all the same."""
    rows = [(0.20, 0.08, 4_000.0, 0.0)] * 2 + [CHEAP]
    task = task_of(rows, soc_percent=50, max_buy_w=3_000)
    under = with_override(task, charge_to(80.0, AT + timedelta(hours=2)))
    assert program.solve(under).stored_wh[:2] == pytest.approx((4_000, 3_000), abs=0.1)


def test_the_table_demands_the_charge_at_any_price_and_no_more_of_it(task_of, plan_task):
    """Below the demanded charge the last step's worth is beyond any price, above it ordinary."""
    rows = [DEAR] * 4 + [CHEAP] * 4 + [DEAR] * 4
    for percent in (50, 63, 80, 90, 97, 100):
        override = charge_to(percent, AT + timedelta(hours=8))
        task = with_override(task_of(rows, soc_percent=20, end_value=0.15), override)
        plan = plan_task(task)
        assert 25 <= len(plan.value_soc_wh) <= 50
        step, kink_wh = plan.steps[7], plan.value_kink_wh
        assert -20 <= kink_wh - 100 * percent <= 200
        assert plan.value_at(step, min(kink_wh, 10_000) - 1) > 7
        assert plan.value_at(step, kink_wh) < 0.5 or percent == 100
        assert plan.value_at(plan.steps[8], 100.0) < 0.5  # the night after is free


def test_the_named_power_is_in_the_table(task_of):
    """Slow charging has to begin earlier, so a stored kWh is worth more before."""
    rows = [DEAR] * 4 + [CHEAP] * 4
    override = charge_to(80.0, AT + timedelta(hours=8))
    spread = water_value.LoadSpread("Europe/Berlin", ((1.0,),) * 24)
    tables = [
        water_value.of_task(with_override(task_of(rows, soc_percent=20), each), spread)
        for each in (override, replace(override, power_w=1_000.0))
    ]
    assert tables[0][0][2] < 1 < tables[1][0][2]


def test_a_charge_that_has_come_out_of_reach_is_planned_as_far_as_it_goes(task_of, plan_task):
    task = task_of([DEAR] * 3, soc_percent=20, max_charge_w=1_000)
    plan = plan_task(with_override(task, charge_to(80.0, AT + timedelta(hours=2))))
    assert plan.steps[1].soc_wh == pytest.approx(4_000, abs=0.1)
    assert plan.notes[0].endswith("; 40 % can be reached by then")


def any_order(rng, end):
    kind = rng.choice(list(OverrideKind))
    override = order(kind, AT + (end - AT) * rng.uniform(0.01, 1.4))
    if kind is not OverrideKind.CHARGE:
        return override
    power_w = rng.choice([None, None, 500.0, 3_000.0])
    at_once = rng.random() < 0.4
    return replace(override, soc_percent=rng.uniform(1, 100), power_w=power_w, at_once=at_once)


@pytest.mark.parametrize("seed", range(62_000, 62_040))
def test_any_order_has_a_plan_in_any_house(extreme_task, whole_task, plan_task, seed):
    """Checked like every plan; 0.1 kWh to 1 MWh, starts outside the band, ends beyond the plan."""
    rng = Random(seed)  # noqa: S311
    task = extreme_task(seed) if seed % 2 else whole_task(seed, 24)
    plan = plan_task(with_override(task, any_order(rng, task.steps[-1].end)))
    assert plan.notes[0].startswith("override: ")
    assert "planned without it" not in plan.notes[0]


def test_a_path_that_cannot_be_planned_to_the_watt_hour_leaves_a_plan(extreme_task, plan_task):
    """One of 260 such houses: 0.1 kWh behind three times its roof, dimmed, without export."""
    task = extreme_task(62_081)
    override = order(OverrideKind.SELF_CONSUMPTION, AT + timedelta(hours=6.75))
    plan = plan_task(with_override(task, override))
    assert plan.notes[0].endswith("its path cannot be planned to the watt-hour")
    assert plan.override == override  # control carries it out


@pytest.mark.parametrize("seed", range(63_000, 63_010))
def test_alternatives_are_told_under_any_order(whole_task, plan_task, seed):
    """Asked at the plan's rounded stored energies, also where an order leaves no choice."""
    task, rng = whole_task(seed, 24), Random(seed)  # noqa: S311
    task = with_override(task, any_order(rng, task.steps[-1].end))
    plan = plan_task(task)
    for at in (0, 3, 20):
        found = why_not.alternatives(task, plan, at)
        assert [item.decision for item in found] == [
            "charge", "hold", "discharge", "self_consumption",
        ]  # fmt: skip
        assert all(item.note or item.battery_w is not None for item in found)
