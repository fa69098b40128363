"""The legal rule and the connection, kept on the live meter with a margin."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.input_checks import CheckedReading, SocEstimate
from optimizer.control.law import READY_AFTER, ControlState, decide
from optimizer.control.power_band import (
    HYSTERESIS_EUR_PER_KWH,
    PowerPeak,
    allowed,
    by_value,
    peak_of,
)
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, OperatorLimit, Rule
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Reason

NOON = datetime(2026, 1, 14, 11, tzinfo=UTC)


def reading(need_w, dc_pv_w=0.0, now=NOON):
    soc = SocEstimate(now, 11_000.0, 0.0)
    return CheckedReading(soc, 50.0, dc_pv_w, need_w, -20_000.0, 20_000.0, 0.0, 0.0)


# rule, hybrid, need, roof behind the inverter -> lowest and highest battery power
RULES = [
    (Rule.GRID_CHARGE, False, 1_000.0, 0.0, -10_000, 950),
    (Rule.GRID_CHARGE, False, 50.0, 0.0, -10_000, 0),
    (Rule.GRID_CHARGE, False, -2_000.0, 0.0, -10_000, 0),
    (Rule.GRID_CHARGE, True, 1_000.0, 3_000.0, -10_000, 950),
    (Rule.GRID_CHARGE, True, -2_000.0, 3_000.0, -10_000, -50),
    (Rule.GRID_CHARGE, True, -20.0, 30.0, -10_000, -30),
    (Rule.PV_ONLY, False, 1_000.0, 0.0, 0, 950),
    (Rule.PV_ONLY, False, -50.0, 0.0, 0, 0),
    (Rule.PV_ONLY, False, -2_000.0, 0.0, -1_950, 0),
    (Rule.GREEN_EXPORT, False, -2_000.0, 0.0, -1_950, 10_000),
    (Rule.MIXED, False, -2_000.0, 0.0, -10_000, 10_000),
]


@pytest.mark.parametrize(("rule", "hybrid", "need", "pv", "low", "high"), RULES)
def test_the_rule_is_kept_with_a_margin_on_the_cheap_side(rule, hybrid, need, pv, low, high):
    battery = Battery(capacity_wh=22_000, hybrid=hybrid, max_ac_w=20_000)
    got = allowed(reading(need, pv), PowerPeak(None, need), battery, Grid(rule=rule))
    assert got == (low, high)


@pytest.mark.parametrize(
    ("need", "peak", "paid", "low"),
    [
        (500.0, 500.0, None, -7_400),  # 8 kW less the house and 100 W
        (500.0, 3_000.0, None, -4_900),  # a kettle was on a moment ago
        (9_000.0, 9_000.0, None, 1_000),  # the house alone is too much: the battery helps
        (7_950.0, 7_950.0, None, 0),
        (500.0, 500.0, 5_000.0, -4_400),  # the plan paid for 5 kW only
        (6_000.0, 6_000.0, 5_000.0, 0),  # then the house may, but nothing is charged
    ],
)
def test_charging_leaves_room_for_the_newest_peak(need, peak, paid, low):
    battery, grid = Battery(capacity_wh=22_000), Grid(max_buy_w=8_000)
    assert allowed(reading(need), PowerPeak(None, peak), battery, grid, paid)[0] == low


def test_nothing_is_charged_beyond_the_peak_of_the_plan(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings()
    plan = make_plan(settings=settings, buy=0.1, values=(0.3, 0.3))
    plan = replace(plan, steps=tuple(replace(step, peak_w=4_000.0) for step in plan.steps))
    seen = make_snapshot(grid_w=500.0, ess_w=0.0, battery_w=0.0)
    assert decide_now(plan, seen, settings).setpoint_w == -3_400


def test_dimming_is_kept_to_its_second(now):
    events = (OperatorLimit(now, now + timedelta(hours=1)),)
    battery, grid = Battery(capacity_wh=22_000), Grid(operator_limits=events)
    for at, low in ((now, -4_200), (now + timedelta(hours=1), -10_000)):
        assert allowed(reading(500.0, now=at), PowerPeak(at, 500.0), battery, grid)[0] == low


@pytest.mark.parametrize(("need", "high"), [(500.0, 3_400), (-2_000.0, 1_000), (-5_000.0, -2_000)])
def test_selling_keeps_to_the_feed_in_limit(need, high):
    grid = Grid(max_sell_w=3_000, rule=Rule.MIXED)
    assert allowed(reading(need), PowerPeak(None, need), Battery(capacity_wh=1e4), grid)[1] == high


def test_a_peak_fades_in_some_minutes(now):
    peak = peak_of(None, now, 500.0)
    peak = peak_of(peak, now + timedelta(seconds=10), 3_000.0)
    assert peak_of(peak, now + timedelta(seconds=70), 500.0).need_w == 2_400.0
    assert peak_of(peak, now + timedelta(seconds=300), 500.0).need_w == 500.0
    assert peak_of(peak, now, 200.0).need_w == 200.0  # time went back


@pytest.mark.parametrize(
    ("above_ct", "before", "intent"),
    [
        (0.18, Intent.SELF_CONSUMPTION, Intent.SELF_CONSUMPTION),
        (0.22, Intent.SELF_CONSUMPTION, Intent.HOLD),
        (0.18, Intent.HOLD, Intent.HOLD),
        (-0.01, Intent.HOLD, Intent.SELF_CONSUMPTION),
    ],
)
def test_what_is_done_begins_beyond_the_hysteresis_and_ends_when_the_comparison_turns(
    make_plan, make_settings, above_ct, before, intent
):
    assert HYSTERESIS_EUR_PER_KWH == 0.002
    settings = make_settings()
    battery = settings.battery
    saved = 0.25 * battery.discharge_efficiency - battery.wear_eur_per_kwh
    plan = make_plan(settings=settings, buy=0.25, values=(saved + above_ct / 100,) * 2)
    got = by_value(plan, plan.steps[0], 11_000.0, battery, settings.grid.rule, before)
    assert got.intent is intent


def decide_with(plan, seen, settings, now, **memory):
    return decide(now, plan, seen, ControlState(READY_AFTER, **memory), settings)


def test_what_the_fems_does_better_by_itself_is_not_held(
    make_plan, make_settings, make_snapshot, decide_now
):
    """A planned discharge beyond the need: the FEMS gives just the need, every second."""
    settings = make_settings(follow="power")
    plan = make_plan(settings=settings, battery_w=5_000.0)
    assert decide_now(plan, make_snapshot(grid_w=300.0), settings).reason is Reason.SELF_CONSUMPTION
    part = make_plan(settings=settings, battery_w=300.0)
    assert decide_now(part, make_snapshot(grid_w=300.0), settings).setpoint_w == 300


def test_without_grid_charging_a_planned_charge_is_left_to_the_fems(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(follow="intent", grid=Grid(rule=Rule.PV_ONLY))
    plan = make_plan(settings=settings, intent=Intent.CHARGE, highest_w=-3_000.0, soc_wh=20_000.0)
    sunny = make_snapshot(grid_w=-1_000.0, ess_w=0.0, battery_w=0.0, pv_w=1_500.0)
    assert decide_now(plan, sunny, settings).reason is Reason.SELF_CONSUMPTION


def test_a_swinging_house_ends_the_holding_for_the_quarter_hour(
    make_plan, make_settings, make_snapshot, now
):
    """Clouds over a hybrid that defers: its battery fills the gaps, and some of it is sold."""
    settings = make_settings(follow="intent", hybrid=True)
    plan = make_plan(settings=settings, intent=Intent.DEFER, lowest_w=0.0, steps=4)
    steady = {"ess_w": 4_000.0, "battery_w": 0.0, "pv_w": 4_000.0, "grid_w": -3_500.0}
    cloud = {"ess_w": 3_900.0, "battery_w": 1_900.0, "pv_w": 2_000.0, "grid_w": -3_400.0}
    memory, reasons = ControlState(READY_AFTER), []
    for number in range(60):
        at = now + timedelta(seconds=10 * number)
        seen = make_snapshot(at=at, **(cloud if number % 2 else steady))
        decision, memory = decide(at, plan, seen, memory, settings)
        reasons.append(decision.reason)
    first = reasons.index(Reason.RULE)
    assert reasons[:first] == [Reason.HOLDING] * first
    assert first * 10 / 3600 / 2 * 1_900 == pytest.approx(25, abs=6)  # Wh until then
    quarter = 8 * 6  # from 02:07 to 02:15
    assert set(reasons[first:quarter]) == {Reason.RULE}
    assert reasons[quarter] is Reason.HOLDING


def test_what_the_fems_lets_through_by_itself_is_not_ours(
    make_plan, make_settings, make_snapshot, now
):
    settings = make_settings()
    plan = make_plan(settings=settings, buy=0.40)
    memory = ControlState(READY_AFTER)
    for number in range(40):
        at = now + timedelta(seconds=10 * number)
        seen = make_snapshot(at=at, ess_w=900.0, battery_w=900.0, grid_w=-900.0)
        decision, memory = decide(at, plan, seen, memory, settings)
        assert decision.reason is Reason.SELF_CONSUMPTION
    quarter = memory.quarter
    assert quarter.sold_wh == pytest.approx(390 / 3600 * 900)
    assert (quarter.held_sold_wh, quarter.bought_wh) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("limits", "socs"),
    [
        ({"min_soc_percent": 20.0}, (20.6, 20.0, 20.6, 20.9, 21.1)),
        ({"max_soc_percent": 90.0}, (89.4, 90.0, 89.4, 89.1, 88.9)),
    ],
)
def test_a_limit_of_charge_counts_until_one_percent_away(
    make_plan, make_settings, make_snapshot, now, limits, socs
):
    settings = make_settings(**limits)
    plan = make_plan(settings=settings, buy=0.40)
    up = "max_soc_percent" in limits
    power = {"ess_w": 0.0, "battery_w": 0.0, "grid_w": -2_000.0 if up else 800.0, "pv_w": 0.0}
    memory, got = ControlState(READY_AFTER), []
    for number, soc in enumerate(socs):
        at = now + timedelta(minutes=1, seconds=61 * number)
        seen = make_snapshot(at=at, soc_percent=soc, **power)
        decision, memory = decide(at, plan, seen, memory, settings)
        got.append(decision.setpoint_w is not None)
    assert got == [False, True, True, True, False]


def test_hold_and_self_consumption_do_not_take_turns(make_plan, make_settings, make_snapshot, now):
    """The worth wavers around the tie by less than it: what was begun in a step goes on."""
    settings = make_settings()
    # saved in the house: 25 * 0.95 = 23.75 ct; the worth falls by 0.1 ct a percent
    plan = make_plan(settings=settings, buy=0.25, values=(0.2900, 0.1900))
    plan = replace(plan, value_soc_wh=(0.0, 22_000.0))
    changes = {}
    for first, socs in (
        ("self-consumption", (54.5, 52.3, 53.0, 51.9)),
        ("hold", (49.0, 51.0, 50.4, 52.0)),
    ):
        memory, intents = ControlState(READY_AFTER), []
        for number, soc in enumerate(socs):
            at = now + timedelta(seconds=61 * number)
            seen = make_snapshot(at=at, soc_percent=soc)
            decision, memory = decide(at, plan, seen, memory, settings)
            intents.append(decision.intent)
        changes[first] = set(intents)
    assert changes == {"self-consumption": {Intent.SELF_CONSUMPTION}, "hold": {Intent.HOLD}}
    fresh, _ = decide_with(plan, make_snapshot(soc_percent=51.0), settings, now)
    assert fresh.intent is Intent.SELF_CONSUMPTION


@pytest.mark.parametrize(
    ("buy", "before", "intent", "words"),
    [
        (0.2840, None, Intent.HOLD, ", charging would gain less than 0.2 ct a kWh, in the house"),
        (0.2840, Intent.CHARGE, Intent.CHARGE, "a stored kWh is worth 30.0 ct, stored from the"),
        (0.2800, None, Intent.CHARGE, "stored from the grid 29.5 ct"),
        (0.2851, None, Intent.HOLD, "a stored kWh is worth 30.0 ct, in the house now 27.1 ct"),
        (0.3150, None, Intent.SELF_CONSUMPTION, "holding would gain less than 0.2 ct a kWh"),
        (0.3150, Intent.HOLD, Intent.HOLD, "30.0 ct, in the house now 29.9 ct"),
        (0.3200, None, Intent.SELF_CONSUMPTION, "a stored kWh is worth 30.0 ct"),
    ],
)
def test_the_note_is_true_near_a_tie(make_plan, make_settings, buy, before, intent, words):
    """Worth 30 ct in the cells; charging pays below 28.5 ct, serving above 31.6 ct."""
    settings = make_settings()
    plan = make_plan(settings=settings, values=(0.30, 0.30))
    step = replace(plan.steps[0], buy_eur_per_kwh=buy, sell_eur_per_kwh=0.08)
    band = by_value(plan, step, 5_000.0, settings.battery, Rule.GRID_CHARGE, before)
    assert band.intent is intent
    assert words in band.note
    assert ("would gain" in band.note) == ("would gain" in words)


GROWING = ((2_000.0, 0.97), (6_000.0, 0.95), (10_000.0, 0.92))
"""Marginal efficiencies 0.97, 0.94 and 0.875."""

SELLING = ((3_000.0, 0.96), (6_000.0, 0.94), (10_000.0, 0.90))
"""Marginal efficiencies 0.96, 0.921 and 0.846."""


@pytest.mark.parametrize(
    ("value", "power_w"),
    [(0.25, 2_030), (0.2599, 6_030), (0.27, 6_030), (0.30, 10_000)],
)
def test_charging_goes_on_to_the_power_at_which_the_marginal_kwh_costs_its_worth(
    make_plan, make_settings, value, power_w
):
    """Bought at 24 ct a kWh costs 24.7, 25.5 and 27.4 ct in the cells."""
    battery = Battery(22_000, charge_efficiency=GROWING, standby_w=30)
    plan = make_plan(settings=make_settings(), buy=0.24, values=(value, value))
    band = by_value(plan, plan.steps[0], 11_000, battery, Rule.GRID_CHARGE, Intent.CHARGE)
    assert band.intent is Intent.CHARGE
    assert -band.highest_w == power_w
    assert band.lowest_w == float("-inf")


@pytest.mark.parametrize(("value", "power_w"), [(0.20, 10_000), (0.2702, 2_970), (0.263, 5_970)])
def test_selling_goes_on_to_the_power_at_which_the_marginal_kwh_earns_its_worth(
    make_plan, make_settings, value, power_w
):
    """Sold at 30 ct a kWh out of the cells earns 27.8, 26.6 and 24.4 ct, wear deducted."""
    battery = Battery(22_000, discharge_efficiency=SELLING, standby_w=30)
    plan = make_plan(settings=make_settings(), buy=0.32, sell=0.30, values=(value, value))
    band = by_value(plan, plan.steps[0], 11_000, battery, Rule.MIXED, Intent.DISCHARGE)
    assert band.intent is Intent.DISCHARGE
    assert band.lowest_w == power_w
