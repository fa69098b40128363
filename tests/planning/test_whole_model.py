"""Tapers, reserve, peaks, dimming and full charges in finished plans, each worked by hand."""

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimizer.errors import OptimizerError
from optimizer.model.grid import OperatorLimit, Rule
from optimizer.model.tariff import ExportKind, Peak
from optimizer.planning import plan_notes, planner, program, verify, water_value_exact
from optimizer.planning.program import is_convex
from optimizer.planning.self_consumption import self_consumption

pytestmark = pytest.mark.no_cover

CHEAP, DEAR = (0.10, 0.0, 0.0, 0.0), (0.50, 0.0, 3_000.0, 0.0)
SEEDS = range(30_000, 30_020)


def powers(plan):
    return [round(step.battery_w, 2) for step in plan.steps]


@pytest.fixture(scope="module")
def cases(whole_task, plan_task):
    sizes = (24, 48, 24, 96)
    tasks = [whole_task(seed, sizes[seed % 4]) for seed in SEEDS]
    return [(task, plan_task(task)) for task in tasks]


def test_the_random_tasks_hold_every_combination_of_rule_and_coupling(whole_task):
    tasks = [whole_task(seed, 24) for seed in range(20_000, 20_300)]
    assert {(t.grid.rule, t.battery.hybrid) for t in tasks} == {
        (rule, hybrid) for rule in Rule for hybrid in (False, True)
    }
    kinds = {
        ExportKind.FIXED: lambda sells: len(sells) == 1,
        ExportKind.SERIES: lambda sells: len(sells) > 2,
        "zero": lambda sells: 0.0 in sells,
        "negative": lambda sells: min(sells) < 0,
    }
    for rule in Rule:
        for kind, has in kinds.items():
            if kind is not ExportKind.FIXED:
                seen = [t for t in tasks if has({s.sell for s in t.steps})]
                assert {t.battery.hybrid for t in seen if t.grid.rule is rule} == {True, False}
    for name in (
        "charge_taper",
        "discharge_taper",
        "reserve_soc_percent",
        "full_charge_every_days",
    ):
        assert sum(bool(getattr(t.battery, name)) for t in tasks) > 50
    assert sum(t.peak is not None for t in tasks) > 100
    assert sum(bool(t.grid.operator_limits) for t in tasks) > 100


def test_every_limit_holds_in_every_plan(cases):
    tapered = dimmed = 0
    for task, plan in cases:
        battery, before_wh = task.battery, task.start_wh
        for step in plan.steps:
            idle, percent = battery.standby_w, 100 * before_wh / battery.capacity_wh
            if battery.charge_taper:
                most = np.interp(percent, *zip(*battery.charge_taper, strict=True))
                assert -step.battery_w <= most + idle + 1
                tapered += -step.battery_w >= most + idle - 1 and step.battery_w < -idle - 1
            if battery.discharge_taper:
                most = np.interp(percent, *zip(*battery.discharge_taper, strict=True))
                assert step.battery_w <= most - idle + 1
            for limit in task.grid.operator_limits:
                if limit.start < step.end and step.start < limit.end:
                    assert step.ess_w >= -max(limit.max_w, idle) - 1
                    dimmed += step.ess_w <= -max(limit.max_w, idle) + 1
            before_wh = step.soc_wh
    assert tapered > 10
    assert dimmed > 5


def test_program_and_recursion_agree_on_all_of_it(cases, whole_task):
    compared = 0
    for seed in range(31_000, 31_040, 2):
        task = whole_task(seed, 48)
        solution = program.solve(task)
        decided = replace(task, decided=solution.decided)
        free = sum(task.free_peak_w(p) for p in range(max(task.periods) + 1)) if task.peak else 0.0
        peaks = (sum(solution.decided.peaks_w) - free) / 1000
        peaks_eur = peaks * task.peak.eur_per_kw if task.peak else 0.0
        if is_convex(task):
            compared += 1
            values = water_value_exact.water_values(decided)
            assert values.objective_eur + peaks_eur == pytest.approx(
                solution.objective_eur, rel=0, abs=1e-5
            ), f"seed {seed}"
    assert compared > 8
    assert not [note for _, plan in cases for note in plan.notes if "disagree" in note]


def test_charging_slows_down_near_full(plan_of):
    """10 kWh, 80 % at the start: 4 kW there, 2.4 at 88 %, ..."""
    taper = ((70.0, 6_000.0), (100.0, 0.0))
    plan = plan_of([CHEAP] * 4, soc_percent=80, end_value=0.3, minutes=15, charge_taper=taper)
    expected, soc = [], 80.0
    for _ in range(4):
        expected.append(-(100 - soc) * 200)
        soc -= expected[-1] / 4 / 100
    assert powers(plan)[:4] == pytest.approx(expected, abs=0.1)
    assert {step.intent.value for step in plan.steps[:4]} == {"charge"}


def test_a_taper_that_slows_self_consumption_down_leaves_it_self_consumption(plan_of):
    sun = (0.30, 0.08, 0.0, 4_000.0)
    plan = plan_of([sun] * 3, soc_percent=90, end_value=0.25, minutes=15,
                   charge_taper=((80.0, 4_000.0), (100.0, 1_000.0)))  # fmt: skip
    assert powers(plan)[0] == -2_500
    assert [step.intent.value for step in plan.steps] == ["self_consumption"] * 3
    night = (0.30, 0.08, 4_000.0, 0.0)
    plan = plan_of([night] * 2, soc_percent=10, minutes=15,
                   discharge_taper=((0.0, 0.0), (20.0, 4_000.0)))  # fmt: skip
    assert powers(plan)[0] == 2_000
    assert plan.steps[0].intent.value == "self_consumption"


def test_a_reserve_is_kept_unless_the_price_is_worth_more(plan_of):
    rows = [(0.30, 0.0, 1_000.0, 0.0), (0.30, 0.0, 1_000.0, 0.0)]
    options = {"soc_percent": 30, "rule": "pv_only", "reserve_soc_percent": 30}
    kept = plan_of(rows, reserve_eur_per_kwh_h=0.2, **options)
    assert powers(kept) == [0, 1_000]
    assert any("below reserve_soc_percent (30) in 1 steps" in note for note in kept.notes)
    used = plan_of(rows, reserve_eur_per_kwh_h=0.1, **options)
    assert powers(used) == [1_000, 1_000]
    tight = plan_of(rows, reserve_eur_per_kwh_h=0.4, **options)
    assert powers(tight) == [0, 0]
    assert tight.notes == ()


def test_hours_that_do_not_count_may_draw_as_much_as_they_like(task_of, plan_task):
    """14:00 to 19:00 in Berlin; only from 16:00 on the operator counts."""
    rows = [(0.10, 0.0, 0.0, 0.0)] * 2 + [(0.50, 0.0, 1_000.0, 0.0)] * 3
    task = task_of(rows, soc_percent=0, max_charge_w=3_000)
    counted = plan_task(replace(task, peak=Peak(2.0)))
    free = plan_task(replace(task, peak=Peak(2.0, from_=time(16), to=time(22))))
    assert counted.peak_w == pytest.approx(600, abs=0.1)  # 3 kWh over five hours
    assert (free.peak_w, free.peak_eur) == (0.0, 0.0)
    assert free.steps[0].peak_w is free.steps[1].peak_w is None
    assert free.steps[2].peak_w == 0.0
    assert max(step.grid_w for step in free.steps) >= 1_500
    assert free.cost_eur < counted.cost_eur + counted.peak_eur
    winter = plan_task(replace(task, peak=Peak(2.0, months=(11, 12))))  # it is March
    assert winter.peak_eur == 0.0


def test_a_peak_price_flattens_charging(task_of, plan_task):
    """4 kWh for the dear hour: at once from the cheapest hour, or flat over four at 2 EUR/kW."""
    rows = [(0.10 + 0.001 * hour, 0.0, 500.0, 0.0) for hour in range(4)] + [(0.9, 0, 4_500.0, 0.0)]
    task = task_of(rows, soc_percent=0)
    assert min(powers(plan_task(task))) < -3_900
    plan = plan_task(replace(task, peak=Peak(2.0)))
    assert plan.peak_w < 1_700
    assert max(powers(plan)[:4]) - min(powers(plan)[:4]) < 1
    assert plan.peak_eur == pytest.approx(2.0 * plan.peak_w / 1000, abs=1e-5)
    assert [step.peak_w for step in plan.steps] == pytest.approx([plan.peak_w] * 5, abs=0.02)
    assert plan.self_consumption_peak_eur == pytest.approx(2.0 * 4.5)
    assert plan.saving_eur > 4


def test_up_to_the_peak_already_reached_drawing_costs_nothing_more(task_of, plan_task):
    rows = [CHEAP, (0.11, 0.0, 0.0, 0.0), (0.9, 0.0, 4_000.0, 0.0)]
    task = task_of(rows, soc_percent=0)
    plan = plan_task(replace(task, peak=Peak(50.0, reached_w=3_000)))
    assert powers(plan)[:2] == [-3_000, -1_000]
    assert (plan.peak_w, plan.peak_eur) == (3_000, 0.0)
    usual = plan_task(replace(task, peak=Peak(50.0, usual_w=2_500)))
    assert powers(usual)[0] == -2_500


def test_each_month_has_its_own_peak(task_of, plan_task):
    """The second hour already lies in another year for an owner in Berlin."""
    rows = [(0.3, 0.0, 4_000.0, 0.0), (0.3, 0.0, 2_000.0, 0.0)]
    task = task_of(rows, soc_percent=0)
    start = task.steps[0].start.replace(month=12, day=31, hour=22)
    hour = timedelta(hours=1)
    steps = tuple(
        replace(step, start=start + n * hour, end=start + (n + 1) * hour)
        for n, step in enumerate(task.steps)
    )
    for period in ("month", "year"):
        plan = plan_task(replace(task, steps=steps, peak=Peak(1.0, period, reached_w=1_000)))
        assert [step.peak_w for step in plan.steps] == [4_000, 2_000]
        assert plan.peak_eur == pytest.approx(3.0 + 2.0)
    utc = Peak(1.0, reached_w=1_000, zone=ZoneInfo("UTC"))
    plan = plan_task(replace(task, steps=steps, peak=utc))
    assert [step.peak_w for step in plan.steps] == [4_000, 4_000]


def test_above_the_plans_peak_no_stored_kwh_is_worth_charging_for(task_of, plan_task):
    """The value table counts the price of a higher peak, per step, as if it alone set it."""
    rows = [(0.10, 0.0, 1_000.0, 0.0)] * 4 + [(0.5, 0.0, 1_000.0, 0.0)]
    task = replace(task_of(rows, soc_percent=0), peak=Peak(5.0, reached_w=1_000))
    plan = plan_task(task)
    assert plan.peak_w == 1_000
    assert powers(plan) == [0, 0, 0, 0, 0]
    decided = replace(task, decided=program.solve(task).decided)
    assert water_value_exact.water_values(decided).marginal_value(
        3, 500, next_kwh=True
    ) == pytest.approx(0.5)
    assert water_value_exact.water_values(decided).marginal_value(
        2, 500, next_kwh=True
    ) == pytest.approx(0.5)


@pytest.mark.parametrize("hybrid", [False, True])
def test_in_a_dimmed_step_the_unit_draws_no_more(task_of, plan_task, hybrid):
    task = task_of([CHEAP, DEAR, DEAR], soc_percent=0, hybrid=hybrid)
    start = task.steps[0].start
    times = (OperatorLimit(start + timedelta(minutes=50), start + timedelta(hours=1), 4_200),)
    plan = plan_task(replace(task, grid=replace(task.grid, operator_limits=times)))
    assert powers(plan)[0] == -4_200
    assert powers(plan_task(task))[0] == -6_000


def test_a_dimmed_battery_left_to_itself_charges_less_too(task_of):
    task = task_of([(0.3, 0.08, 0.0, 6_000.0)], soc_percent=0)
    start = task.steps[0].start
    grid = replace(
        task.grid, operator_limits=(OperatorLimit(start, start + timedelta(hours=1), 1_000),)
    )
    assert self_consumption(replace(task, grid=grid)).end_wh == 1_000


def test_a_full_charge_comes_where_it_costs_least(task_of):
    """2 kWh more than needed, sold back for nothing: bought in the cheapest hour in time."""
    rows = [(0.30, 0.0, 0.0, 0.0), (0.20, 0.0, 0.0, 0.0), (0.25, 0.0, 0.0, 0.0)]
    task = replace(task_of(rows, soc_percent=80), full_by=2)
    free, full = program.solve(replace(task, full_by=None)), program.solve(task)
    assert full.objective_eur - free.objective_eur == pytest.approx(2 * 0.20)
    assert (full.decided.full_at, full.binaries) == (1, 0)
    early = program.solve(replace(task, full_by=0))
    assert early.objective_eur - free.objective_eur == pytest.approx(2 * 0.30)


def test_the_value_table_knows_a_full_charge(task_of):
    rows = [(0.30, 0.0, 0.0, 0.0), (0.20, 0.0, 0.0, 0.0), (0.25, 0.0, 0.0, 0.0)]
    task = replace(task_of(rows, soc_percent=80), full_by=2)
    values = water_value_exact.water_values(replace(task, decided=program.solve(task).decided))
    assert min(values.table[1]) == pytest.approx(2.0)
    assert max(values.table[0]) == pytest.approx(0.20)
    assert max(values.table[2]) == 0.0


def test_a_full_charge_that_comes_by_itself_costs_nothing(task_of, plan_task):
    task = task_of([(0.3, 0.08, 0.0, 9_000.0)] * 2, end_value=0.2)
    plain = program.solve(task)
    asked = program.solve(replace(task, full_by=1))
    assert (asked.objective_eur, asked.binaries) == (plain.objective_eur, 0)
    assert asked.stored_wh == pytest.approx(plain.stored_wh)
    assert (plain.decided.full_at, asked.decided.full_at) == (None, 0)


def test_a_full_charge_out_of_reach_is_said_and_comes_as_far_as_it_may(task_of, at):
    task = task_of([(0.3, 0.0, 500.0, 0.0)] * 3, soc_percent=40, rule="pv_only")
    battery = replace(task.battery, full_charge_every_days=10)
    request = planner.PlanRequest(at, "home", battery, task.grid, 40.0, 0.0)
    plan = planner.make_plan(task.steps, request, lambda: 0.0)
    assert powers(plan)[0] == 0
    assert any("cannot be had" in note and "reaches 40 %" in note for note in plan.notes)
    free = replace(request, grid=replace(task.grid, rule=Rule.MIXED))
    plan = planner.make_plan(task.steps, free, lambda: 0.0)
    assert any("the battery is full at 2026-03-28T14:00:00Z" in note for note in plan.notes)


def test_when_a_full_charge_is_due(task_of, at):
    steps = task_of([CHEAP] * 48).steps
    battery = replace(task_of([CHEAP]).battery, full_charge_every_days=10)
    assert plan_notes.due(steps, replace(battery, full_charge_every_days=0), None) is None
    assert plan_notes.due(steps, battery, None) == 47
    days = timedelta(days=1)
    assert plan_notes.due(steps, battery, at - 7.9 * days) is None
    assert plan_notes.due(steps, battery, at - 8.5 * days) == 35
    assert plan_notes.due(steps, battery, at - 100 * days) == 23
    assert plan_notes.due(steps[:4], battery, at - 9.99 * days) == 3


def test_wrong_peak_money_and_broken_limits_fail_the_check(task_of, plan_task):
    task = replace(task_of([CHEAP, DEAR], soc_percent=50), peak=Peak(2.0))
    plan, battery, grid = plan_task(task), task.battery, task.grid
    promise = plan.cost_eur + plan.peak_eur + plan.wear_eur - plan.stored_value_eur
    verify.check(plan, battery, grid, promise, False, task.peak)
    with pytest.raises(OptimizerError, match="peaks cost"):
        verify.check(replace(plan, peak_eur=plan.peak_eur + 1), battery, grid, 9, False, task.peak)
    slow = replace(battery, discharge_taper=((0.0, 100.0), (100.0, 1_000.0)))
    with pytest.raises(OptimizerError, match=r"battery_w \d+ W is outside"):
        verify.check(plan, slow, grid, promise, False, task.peak)


def test_a_flat_cheap_window_is_one_block_at_the_lowest_power(plan_of):
    rows = [(0.25, 0.0, 500.0, 0.0)] * 2 + [(0.10, 0.0, 500.0, 0.0)] * 4
    rows += [(0.25, 0.0, 500.0, 0.0), (0.60, 0.0, 4_000.0, 0.0)]
    plan = plan_of(rows, soc_percent=0)
    assert powers(plan) == pytest.approx([0, 0, *[-1_125] * 4, 500, 4_000], abs=0.5)


def test_of_two_like_windows_the_earlier_one_is_taken_whole(plan_of):
    cheap, day = (0.10, 0.0, 500.0, 0.0), (0.25, 0.0, 0.0, 0.0)
    plan = plan_of([day, cheap, cheap, day, day, cheap, cheap, day, (0.60, 0.0, 4_000.0, 0.0)],
                   soc_percent=0)  # fmt: skip
    assert powers(plan) == pytest.approx([0, -2_000, -2_000, 0, 0, 0, 0, 0, 4_000], abs=0.5)


def test_ties_cost_no_more_than_a_hundredth_of_a_cent(cases):
    compared = 0
    for task, plan in cases:
        priced = task.battery.reserve_soc_percent or task.battery.full_charge_every_days
        over = any(step.grid_w > task.grid.max_buy_w for step in plan.steps)
        if not priced and not over and task.start_wh >= task.battery.min_wh:
            compared += 1
            money = plan.cost_eur + plan.wear_eur + plan.peak_eur - plan.stored_value_eur
            assert money <= program.solve(task).objective_eur + 1e-4
    assert compared > 2
