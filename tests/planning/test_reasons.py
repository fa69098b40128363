"""What an owner is told: one sentence for each step, from the look at the whole plan.

Rows are (buy, sell, load, roof) in EUR/kWh and W; 10 kWh without losses unless said, one hour each
from 14:00 local time.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model.battery import Battery
from optimizer.model.currency import EUR
from optimizer.model.grid import Grid, Rule
from optimizer.model.plan import Intent
from optimizer.model.tariff import BERLIN, Peak
from optimizer.planning import planner
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.text import phases

NIGHT, DEAR, CHEAP = (0.30, 0.08, 500, 0), (0.50, 0.08, 2_000, 0), (0.10, 0.08, 500, 0)
SUN = (0.30, 0.08, 500, 3_000)
LOSSES = {"charge_efficiency": 0.9, "discharge_efficiency": 0.9}


def why(plan_of, rows, at=0, **options):
    return plan_of(rows, **options).steps[at].why


SAID = {
    "the next peak, not the one after the next charging": (
        [CHEAP, DEAR, CHEAP, (0.90, 0.08, 2_000, 0)], 0, {"soc_percent": 0, "max_charge_w": 2_000},
        "cheap before the peak (50.0 ct at 15:00): a kWh stored now costs 10.0 ct, "
        "later it is worth at least 50.0 ct",
    ),
    "the fuse": (
        [CHEAP, *[(0.50, 0.08, 2_500, 0)] * 2], 0, {"soc_percent": 0, "max_buy_w": 3_000},
        "cheap before the peak (50.0 ct at 15:00): a kWh stored now costs 10.0 ct, later it is "
        "worth at least 50.0 ct, as fast as the grid connection allows",
    ),
    "a fuse that the house alone will overload": (
        [CHEAP, (0.50, 0.08, 9_000, 0)],
        0,
        {"soc_percent": 0, "max_buy_w": 3_000},
        "needed later, when the house alone would overload the grid connection: charge, "
        "as fast as the grid connection allows",
    ),
    "kept for a fuse that the house alone will overload": (
        [DEAR, (0.30, 0.08, 9_000, 0)],
        0,
        {"soc_percent": 50, "max_buy_w": 3_000, "rule": "pv_only"},
        "needed later, when the house alone would overload the grid connection: keep",
    ),
    "charging for what comes after the plan": (
        [CHEAP, CHEAP], 0, {"soc_percent": 0, "end_value": 0.3, "max_charge_w": 2_000},
        "cheap: a kWh stored now costs 10.0 ct, later it is worth at least 30.0 ct",
    ),
    "paid for charging": (
        [(-0.20, -0.30, 500, 0), DEAR], 0, {"soc_percent": 50},
        "drawing is paid with 20.0 ct a kWh: charge",
    ),
    "paid, and the battery full": (
        [(-0.20, -0.30, 500, 0), DEAR], 0, {"soc_percent": 100},
        "drawing is paid with 20.0 ct a kWh: the house buys",
    ),
    "charged again soon": (
        [(0.15, 0.08, 500, 0), (0.14, 0.08, 500, 0), (0.60, 0.08, 5_000, 0)], 0,
        {"soc_percent": 50, "max_charge_w": 5_000, **LOSSES},
        "keep: a stored kWh saves 13.5 ct now, charging it again costs 15.6 ct",
    ),
    "kept for what comes after the plan": (
        [NIGHT, NIGHT], 0, {"end_value": 0.35, "soc_percent": 50, "rule": "pv_only"},
        "keep for later: a stored kWh is worth 35.0 ct then, 30.0 ct now",
    ),
    "the day on which the peak is": (
        [*[NIGHT] * 20, DEAR], 3, {"soc_percent": 10, "rule": "pv_only"},
        "keep for dearer hours (50.0 ct at Sun 11:00): a stored kWh is worth 50.0 ct then, "
        "30.0 ct now",
    ),
    "room for paid power": (
        [(0.30, 0.08, 0, 2_000), (-0.20, -0.20, 0, 0), NIGHT], 0,
        {"soc_percent": 50, "end_value": 0.1, "max_charge_w": 5_000},
        "keep room: selling pays 8.0 ct now, drawing is paid with 20.0 ct at 15:00",
    ),
    "room for the best paid hour": (
        [(0.30, 0.08, 0, 2_000), (-0.02, -0.02, 0, 0), (-0.30, -0.30, 0, 0), NIGHT],
        0,
        {"soc_percent": 60, "end_value": 0.1, "max_charge_w": 5_000},
        "keep room: selling pays 8.0 ct now, drawing is paid with 30.0 ct at 16:00",
    ),
    "room, and no fall of the price": (
        [(0.30, 0.081, 500, 3_000), SUN, SUN], 0, {"soc_percent": 60, "end_value": 0.2},
        "keep room: selling pays 8.1 ct now, the roof still fills the battery by 17:00 when "
        "selling pays 8.0 ct",
    ),
    "full by": ([SUN, SUN, SUN], 0, {"soc_percent": 40, "end_value": 0.2},
        "the roof covers the house, the rest is stored (full by 17:00)",
    ),
    "never full": ([SUN, NIGHT], 0, {"soc_percent": 20, "end_value": 0.2},
        "the roof covers the house, the rest is stored",
    ),
    "more sun than the battery takes": (
        [SUN, NIGHT], 0, {"soc_percent": 20, "end_value": 0.2, "max_charge_w": 1_000},
        "the roof covers the house, the battery takes all it can, the rest is sold",
    ),
    "full and selling costs": (
        [(0.30, -0.05, 500, 3_000)], 0,
        {"soc_percent": 100, "end_value": 0.2, "price_curtailment": True},
        "the battery is full and selling would cost money: the roof is throttled",
    ),
    "full and the cap": (
        [SUN], 0, {"soc_percent": 100, "end_value": 0.2, "max_sell_w": 1_000},
        "the battery is full and the grid takes no more: the roof is throttled",
    ),
    "as fast as it can, and the cap": (
        [SUN], 0,
        {"soc_percent": 50, "end_value": 0.2, "max_sell_w": 1_000, "max_charge_w": 1_000},
        "the battery takes all it can and the grid takes no more: the roof is throttled",
    ),
    "full and the inverter": (
        [(0.30, 0.08, 500, 6_000)], 0,
        {"soc_percent": 100, "end_value": 0.2, "hybrid": True, "max_ac_w": 4_000},
        "the battery is full and the inverter passes no more: the roof is throttled",
    ),
    "empty, and the rule": (
        [NIGHT, DEAR], 0, {"soc_percent": 0, "rule": "pv_only"},
        "the battery is empty: the house buys (the rule 'pv_only' forbids charging from the grid)",
    ),
    "empty, cheaper soon": (
        [NIGHT, CHEAP, DEAR], 0, {"soc_percent": 0},
        "the battery is empty: the house buys, charging is cheaper at 15:00",
    ),
    "empty, and losses": (
        [NIGHT, (0.33, 0.08, 500, 0)], 0, {"soc_percent": 0, **LOSSES},
        "the battery is empty: the house buys, charging would not pay after losses",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_the_reason_is(plan_of, name):
    rows, at, options, said = SAID[name]
    assert why(plan_of, rows, at, **options) == said


def test_a_reason_stays_the_same_over_like_steps(plan_of):
    """Blocks of one kind stay one block for people."""
    plan = plan_of([SUN, SUN, SUN, NIGHT, NIGHT, NIGHT], soc_percent=40, end_value=0.2)
    assert len({step.why for step in plan.steps[:2]}) == 1
    assert len({step.why for step in plan.steps[3:]}) == 1


def test_no_reason_contradicts_its_own_figures(random_task, plan_task):
    """Whatever the house: charged for less than it is worth, kept for more than it saves."""
    seen = set()
    for seed in range(8200, 8230):
        plan = plan_task(random_task(seed, 24, tricky=seed % 3 == 0))
        for step in plan.steps:
            figures = [float(word) for word in re.findall(r"-?\d+\.\d", step.why)]
            if "later it is worth at least" in step.why:
                assert figures[-2] <= figures[-1] + 0.1, step.why
                seen.add("charge")
            if "then, " in step.why:
                assert figures[-2] >= figures[-1] - 0.1, step.why
                seen.add("hold")
            assert "nan" not in step.why
            assert step.why
            assert len(step.why) < 170
    assert seen == {"charge", "hold"}


def test_a_price_is_never_minus_zero():
    assert EUR.price(-0.0) == "0.0 ct"


def reported(task, **more):
    """The reasons of a plan for a task that is more than its rows say."""
    request = planner.PlanRequest(
        task.steps[0].start, "home", task.battery, task.grid,
        100 * task.start_wh / task.battery.capacity_wh, *task.end_values, **more,
    )  # fmt: skip
    return [step.why for step in planner.make_plan(task.steps, request, lambda: 0.0).steps]


def test_what_serves_the_peak_power_says_so(task_of):
    task = task_of([NIGHT, (0.30, 0.08, 6_000, 0), NIGHT], soc_percent=20)
    words = reported(task, peak=Peak(10.0))
    assert words[0] == (
        "needed later to keep the month's peak power down: charge, "
        "within the month's peak power"
    )  # fmt: skip
    kept = replace(task, grid=replace(task.grid, rule=Rule.PV_ONLY))
    yearly = Peak(10.0, "year")
    assert reported(kept, peak=yearly)[0] == "needed later to keep the year's peak power down: keep"


def test_a_full_charge_that_is_due_says_so(task_of):
    task = task_of([NIGHT, DEAR, NIGHT], soc_percent=80)
    task = replace(task, battery=replace(task.battery, full_charge_every_days=7))
    words = reported(task, last_full_charge=task.steps[0].start - timedelta(days=30))
    assert any(
        why.startswith("for the full charge that calibrates the battery, due by ") for why in words
    ), words


MIDNIGHT = datetime(2026, 1, 14, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_PRICES = (0.30, 0.28, 0.10, 0.12, 0.12, 0.15, 0.25, 0.40, 0.45, 0.30, 0.22, 0.2, 0.1, -0.02,
              0.05, 0.2, 0.3, 0.5, 0.57, 0.4, 0.35, 0.33, 0.3, 0.3)  # fmt: skip
DAY_PV_W = (*[0] * 8, 500, 1_500, 3_000, 5_000, 6_000, 5_500, 3_000, 1_000, 200, *[0] * 7)
ODD = {
    "gives nothing": {"max_discharge_w": 0},
    "gives next to nothing": {"max_discharge_w": 1},
    "takes nothing": {"max_charge_w": 0},
    "takes next to nothing": {"max_charge_w": 1},
    "neither": {"max_charge_w": 0, "max_discharge_w": 0},
    "gives nothing, hybrid": {"max_discharge_w": 0, "hybrid": True},
    "gives nothing, standby": {"max_discharge_w": 0, "standby_w": 50},
    "1 Wh": {"capacity_wh": 1},
    "100 Wh": {"capacity_wh": 100},
    "no room": {"min_soc_percent": 50, "max_soc_percent": 50.01},
    "gives nothing when low": {"discharge_taper": ((0, 0), (30, 0.5), (60, 5_000))},
    "as usual": {},
}


def untrue(plan, battery, at):
    """What a reason claims against the plan's own figures."""
    step, later = plan.steps[at], plan.steps[at + 1 :]
    again = next((item for item in later if item.intent is Intent.CHARGE), None)
    full = next((item for item in plan.steps[at:] if item.soc_wh >= battery.max_wh - 1), None)
    stored = step.buy_eur_per_kwh / battery.charge_efficiency
    cost = re.search(r"charging it again costs (-?[\d.]+) ct", step.why)
    claims = {
        "is empty": step.soc_wh <= battery.min_wh + 1,
        "is full": step.soc_wh >= battery.max_wh - 1,
        "keep for": battery.max_discharge_w > 1,
        "keep:": battery.max_discharge_w > 1,
        "keep room": battery.max_charge_w > 1,
        "takes all it can": battery.max_charge_w > 1,
        "would not pay": battery.max_charge_w > 1 and stored > step.stored_value_eur_per_kwh - 5e-4,
        "charging it again": cost is None or abs(
            float(cost[1]) / 100 - again.buy_eur_per_kwh / battery.charge_efficiency) < 1e-3,
        "the roof still fills": full is not None and not any(
            item.intent is Intent.CHARGE and item.start <= full.start for item in later),
        "later it is worth": battery.max_discharge_w > 0 or battery.standby_w > 0,
        "it recovers": at == 0 or plan.steps[at - 1].soc_wh < battery.min_wh,
        "carries the house": step.battery_w > 1,
        "lets the battery give nothing": battery.max_discharge_w <= 1,
        "lets the battery take nothing": battery.max_charge_w <= 1,
        "next to nothing": battery.max_wh - battery.min_wh <= 10,
    }  # fmt: skip
    return [words for words, true in claims.items() if words in step.why and not true]


@pytest.mark.parametrize("soc_percent", [0, 5, 60, 100])
@pytest.mark.parametrize("name", ODD)
def test_reasons_of_odd_batteries_are_true(name, soc_percent):
    battery = Battery(**{"capacity_wh": 10_000, **ODD[name]})
    steps = tuple(
        ForecastStep(
            MIDNIGHT + n * HOUR, MIDNIGHT + (n + 1) * HOUR, buy, 0.08, 800.0 + 100 * (n % 3), pv
        )
        for n, (buy, pv) in enumerate(zip(DAY_PRICES, DAY_PV_W, strict=True))
    )
    plan = make_plan(
        steps, PlanRequest(MIDNIGHT, "home", battery, Grid(), soc_percent), lambda: 0.0
    )
    wrong = [
        (step.why, untrue(plan, battery, at))
        for at, step in enumerate(plan.steps)
        if untrue(plan, battery, at)
    ]
    assert wrong == []
    made = phases.phases(plan, battery.capacity_wh, BERLIN)
    words = " ".join(phase.words(BERLIN) for phase in made)
    assert ("gives nothing" in words) <= (battery.max_discharge_w <= 1)
    assert ("takes nothing" in words) <= (battery.max_charge_w <= 1)
    if battery.max_discharge_w == 0:
        assert not any(step.intent in (Intent.HOLD, Intent.DISCHARGE) for step in plan.steps)
        assert plan.end_value_eur_per_kwh == 0
