"""The control law: moments, bands, limits and doubts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from optimizer.control.law import READY_AFTER, ControlState, decide
from optimizer.model.grid import Grid, Rule
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Channel, Reason


def test_a_cheap_night_is_charged_as_planned(
    make_plan, make_settings, make_snapshot, decide_now, now
):
    settings = make_settings(follow="intent")
    plan = make_plan(settings=settings, intent=Intent.CHARGE, highest_w=-3_000.0, soc_wh=20_000.0)
    seen = make_snapshot(grid_w=300.0, ess_w=0.0, battery_w=0.0)
    decision = decide_now(plan, seen, settings)
    assert (decision.setpoint_w, decision.reason) == (-3_000, Reason.HOLDING)
    assert (decision.channel, decision.step) == (Channel.EQUALS, plan.steps[0].start)


@pytest.mark.parametrize("follow", ["intent", "power"])
def test_a_sunny_noon_on_a_hybrid_writes_the_roof_with_the_battery(
    make_plan, make_settings, make_snapshot, decide_now, follow
):
    settings = make_settings(follow=follow, hybrid=True)
    plan = make_plan(
        settings=settings, intent=Intent.LIMIT, lowest_w=-1_500.0, battery_w=-1_500.0,
        load_w=900.0, pv_w=4_200.0,
    )  # fmt: skip
    seen = make_snapshot(grid_w=-1_800.0, ess_w=2_700.0, battery_w=-1_500.0, pv_w=4_200.0)
    assert decide_now(plan, seen, settings).setpoint_w == 2_700


def test_the_raw_battery_power_would_buy_at_noon(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(follow="power", hybrid=False)  # the roof is forgotten
    plan = make_plan(settings=settings, battery_w=-1_500.0)
    seen = make_snapshot(grid_w=-1_800.0, ess_w=2_700.0, battery_w=-1_500.0, pv_w=4_200.0)
    assert decide_now(plan, seen, settings).setpoint_w == -1_500


@pytest.mark.parametrize("follow", ["value", "intent"])
def test_no_kettle_is_bought_in_self_consumption(
    make_plan, make_settings, make_snapshot, decide_now, follow
):
    settings = make_settings(follow=follow)
    plan = make_plan(settings=settings, buy=0.29)
    kettle = make_snapshot(grid_w=2_200.0, ess_w=500.0)
    decision = decide_now(plan, kettle, settings)
    assert (decision.setpoint_w, decision.reason) == (None, Reason.SELF_CONSUMPTION)


# buy, sell and worth of a stored kWh [ct]; load and roof [W] -> set-point (AC-coupled)
VALUE_TABLE = [
    ("charge: cheaper than it is worth, losses counted", 25.0, 8.0, 27.0, 500, 0, -10_000),
    ("self-consumption: the price is the worth", 25.0, 8.0, 23.75, 500, 0, None),
    ("a tie within 0.2 ct is self-consumption", 25.0, 8.0, 23.9, 500, 0, None),
    ("hold: the house would get less than it is worth", 25.0, 8.0, 25.0, 500, 0, 0),
    ("hold does not bind when the roof gives more than the house", 25.0, 8.0, 25.0, 500, 900, None),
    ("keep room: selling pays more than storing", 25.0, 12.0, 10.0, 500, 3_000, 0),
    ("storing pays more than selling", 25.0, 8.0, 10.0, 500, 3_000, None),
    ("negative price: charge even a worthless battery", -5.0, 0.0, 0.0, 500, 0, -10_000),
]


@pytest.mark.parametrize(
    ("title", "buy", "sell", "marginal_value", "load", "pv", "setpoint"), VALUE_TABLE
)
def test_value_compares_the_price_with_the_worth(
    make_plan, make_settings, make_snapshot, decide_now,
    title, buy, sell, marginal_value, load, pv, setpoint,
):  # fmt: skip
    settings = make_settings()
    plan = make_plan(
        settings=settings,
        buy=buy / 100,
        sell=sell / 100,
        values=(marginal_value / 100, marginal_value / 100),
    )
    seen = make_snapshot(ess_w=0.0, battery_w=0.0, grid_w=float(load - pv), pv_w=float(pv))
    assert decide_now(plan, seen, settings).setpoint_w == setpoint, title


def test_a_new_plan_within_a_step_does_not_make_hold_and_self_consumption_take_turns(
    make_plan, make_settings, make_snapshot
):
    """A tie goes on as it was: the step is the same one, though the new plan begins within it."""
    settings, seen = make_settings(), make_snapshot(grid_w=500.0, ess_w=0.0, battery_w=0.0)
    plan = make_plan(settings=settings, buy=0.25, values=(0.25, 0.25))
    held, memory = decide(seen.at, plan, seen, ControlState(READY_AFTER), settings)
    tied = make_plan(settings=settings, buy=0.25, values=(0.239, 0.239))
    begun = replace(tied.steps[0], start=seen.at)
    anew = replace(tied, made_at=seen.at, steps=(begun, *tied.steps[1:]))
    still, _ = decide(seen.at, anew, seen, memory, settings)
    fresh, _ = decide(seen.at, anew, seen, ControlState(READY_AFTER), settings)
    assert (held.setpoint_w, still.setpoint_w, fresh.setpoint_w) == (0, 0, None)


def test_the_worth_is_taken_at_the_actual_state_of_charge(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings()
    plan = make_plan(settings=settings, buy=0.25, values=(0.30, 0.20))
    for soc, setpoint in ((22.0, -10_000), (40.0, 0), (60.0, None)):
        seen = make_snapshot(soc_percent=soc, grid_w=500.0, ess_w=0.0, battery_w=0.0)
        assert decide_now(plan, seen, settings).setpoint_w == setpoint, soc


def test_selling_from_the_battery_needs_a_rule_that_allows_it(
    make_plan, make_settings, make_snapshot, decide_now
):
    for rule, setpoint in ((Rule.MIXED, 10_000), (Rule.GRID_CHARGE, None)):
        settings = make_settings(grid=Grid(rule=rule))
        plan = make_plan(settings=settings, buy=0.30, sell=0.29, values=(0.2, 0.2))
        decision = decide_now(plan, make_snapshot(), settings)
        assert decision.setpoint_w == setpoint


@pytest.mark.parametrize(
    ("rule", "charge"), [(Rule.GRID_CHARGE, True), (Rule.MIXED, True), (Rule.PV_ONLY, False),
                         (Rule.GREEN_EXPORT, False)],
)  # fmt: skip
def test_grid_charging_needs_a_rule_that_allows_it(
    make_plan, make_settings, make_snapshot, decide_now, rule, charge
):
    settings = make_settings(follow="intent", grid=Grid(rule=rule))
    plan = make_plan(settings=settings, intent=Intent.CHARGE, highest_w=-3_000.0, soc_wh=20_000.0)
    seen = make_snapshot(grid_w=300.0, ess_w=0.0, battery_w=0.0)
    # where it is forbidden the stale intent is trimmed on the live meter to standing still
    assert decide_now(plan, seen, settings).setpoint_w == (-3_000 if charge else 0)


# field of the reading, limit and the charging set-point that is left of -10 kW
LIMITS = [
    ({"allowed_charge_w": -4_000.0}, {}, Grid(), -4_000),
    ({"grid_w": 5_000.0}, {}, Grid(max_buy_w=8_000), -2_900),  # 100 W away from the fuse
    ({}, {"max_charge_w": 2_500.0}, Grid(), -2_500),
]


@pytest.mark.parametrize(("seen", "battery", "grid", "setpoint"), LIMITS)
def test_the_tightest_limit_wins(
    make_plan, make_settings, make_snapshot, decide_now, seen, battery, grid, setpoint
):
    settings = make_settings(grid=grid, **battery)
    plan = make_plan(settings=settings, buy=0.1, values=(0.3, 0.3))
    snapshot = make_snapshot(**({"grid_w": 500.0, "ess_w": 0.0, "battery_w": 0.0} | seen))
    assert decide_now(plan, snapshot, settings).setpoint_w == setpoint


def test_self_consumption_is_not_held_only_because_the_device_is_at_its_limit(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings()
    plan = make_plan(settings=settings, buy=0.4)
    for seen in (
        make_snapshot(grid_w=4_000.0, ess_w=10_000.0, battery_w=10_000.0),
        make_snapshot(grid_w=500.0, ess_w=0.0, battery_w=0.0, allowed_discharge_w=0.0),
    ):
        assert decide_now(plan, seen, settings).setpoint_w is None


@pytest.mark.parametrize(
    ("intent", "band", "reading"),
    [
        (Intent.HOLD, {"highest_w": 0.0}, {"grid_w": 500.0, "allowed_discharge_w": 0.0}),
        (Intent.DEFER, {"lowest_w": 0.0}, {"grid_w": -500.0, "allowed_charge_w": 0.0}),
    ],
)
def test_an_empty_or_full_battery_is_not_told_what_it_does_anyway(
    make_plan, make_settings, make_snapshot, decide_now, intent, band, reading
):
    settings = make_settings(follow="intent")
    plan = make_plan(settings=settings, intent=intent, **band)
    seen = make_snapshot(ess_w=0.0, battery_w=0.0, **reading)
    assert decide_now(plan, seen, settings).reason is Reason.SELF_CONSUMPTION


def test_the_owners_reserve_is_kept_where_the_device_would_go_on(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(min_soc_percent=20.0)
    plan = make_plan(settings=settings, buy=0.4)
    assert decide_now(plan, make_snapshot(soc_percent=20.0), settings).setpoint_w == 0
    assert decide_now(plan, make_snapshot(soc_percent=22.0), settings).setpoint_w is None


def test_the_owners_ceiling_is_kept(make_plan, make_settings, make_snapshot, decide_now):
    settings = make_settings(max_soc_percent=90.0)
    plan = make_plan(settings=settings, buy=0.4)
    sunny = {"ess_w": 0.0, "battery_w": 0.0, "grid_w": -2_000.0, "pv_w": 2_500.0}
    assert decide_now(plan, make_snapshot(soc_percent=90.0, **sunny), settings).setpoint_w == 0
    assert decide_now(plan, make_snapshot(soc_percent=88.0, **sunny), settings).setpoint_w is None


def test_a_nearly_full_hybrid_is_never_told_to_swallow_the_roof(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(follow="intent", hybrid=True)
    plan = make_plan(settings=settings, intent=Intent.CHARGE, highest_w=-2_000.0, soc_wh=22_000.0)
    seen = make_snapshot(
        soc_percent=99.0, ess_w=3_000.0, battery_w=0.0, pv_w=3_000.0, grid_w=-2_500.0
    )
    assert (
        decide_now(plan, seen, settings).reason is Reason.SELF_CONSUMPTION
    )  # the roof fills it anyway
    dark_house = make_snapshot(
        soc_percent=99.0, ess_w=1_000.0, battery_w=0.0, pv_w=1_000.0, grid_w=2_000.0
    )
    assert decide_now(plan, dark_house, settings).reason is Reason.NO_ROOM


def test_a_hybrid_is_never_asked_for_more_than_its_inverter_gives(
    make_plan, make_settings, make_snapshot, decide_now
):
    grid = Grid(rule=Rule.MIXED)
    settings = make_settings(hybrid=True, max_ac_w=6_000.0, grid=grid)
    plan = make_plan(settings=settings, buy=0.5, sell=0.45, values=(0.2, 0.2))
    seen = make_snapshot(ess_w=4_000.0, battery_w=0.0, pv_w=4_000.0, grid_w=-3_500.0)
    assert decide_now(plan, seen, settings).setpoint_w == 6_000


def test_intents_end_at_the_planned_state_of_charge(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(follow="intent", grid=Grid(rule=Rule.MIXED))
    charge = make_plan(settings=settings, intent=Intent.CHARGE, highest_w=-3e3, soc_wh=11_000.0)
    night = {"grid_w": 500.0, "ess_w": 0.0, "battery_w": 0.0}
    assert decide_now(charge, make_snapshot(soc_percent=45.0, **night), settings).setpoint_w == -3e3
    assert decide_now(charge, make_snapshot(soc_percent=50.0, **night), settings).setpoint_w == 0
    sell = make_plan(settings=settings, intent=Intent.DISCHARGE, lowest_w=4e3, soc_wh=11_000.0)
    assert decide_now(sell, make_snapshot(soc_percent=60.0, **night), settings).setpoint_w == 4e3
    assert decide_now(sell, make_snapshot(soc_percent=50.0, **night), settings).setpoint_w == 0


def test_a_planned_part_of_the_load_is_given_until_the_rest_is_to_be_kept(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(follow="intent")
    plan = make_plan(settings=settings, battery_w=200.0, load_w=500.0, soc_wh=11_000.0)
    assert decide_now(plan, make_snapshot(soc_percent=51.0), settings).setpoint_w is None
    assert decide_now(plan, make_snapshot(soc_percent=50.0), settings).setpoint_w == 0


BOUNDS = [
    (Intent.SELF_CONSUMPTION, -10_000.0, 10_000.0, None, None),
    (Intent.HOLD, -10_000.0, 0.0, Channel.LESS_OR_EQUALS, 2_000),
    (Intent.CHARGE, -10_000.0, -3_000.0, Channel.LESS_OR_EQUALS, -1_000),
    # while the house sells, a fading roof must not be filled up from the battery: 50 W less
    (Intent.DEFER, 0.0, 10_000.0, Channel.GREATER_OR_EQUALS, 1_950),
    (Intent.LIMIT, -1_500.0, 10_000.0, Channel.GREATER_OR_EQUALS, 500),
]


@pytest.mark.parametrize(("intent", "low", "high", "channel", "setpoint"), BOUNDS)
def test_bounds_leave_the_balancing_to_the_fems(
    make_plan, make_settings, make_snapshot, decide_now, intent, low, high, channel, setpoint
):
    settings = make_settings(follow="intent", write="bounds", hybrid=True)
    plan = make_plan(
        settings=settings, intent=intent, lowest_w=low, highest_w=high, soc_wh=20_000.0
    )
    seen = make_snapshot(ess_w=2_000.0, battery_w=0.0, pv_w=2_000.0, grid_w=-1_500.0)
    decision = decide_now(plan, seen, settings)
    assert decision.setpoint_w == setpoint
    if channel is not None:
        assert decision.channel is channel


def test_bounds_of_one_power_are_that_power(make_plan, make_settings, make_snapshot, decide_now):
    settings = make_settings(follow="power", write="bounds")
    plan = make_plan(settings=settings, battery_w=-2_000.0)
    decision = decide_now(plan, make_snapshot(), settings)
    assert (decision.channel, decision.setpoint_w) == (Channel.EQUALS, -2_000)


DOUBTS = [
    ({"soc_percent": None}, Reason.UNKNOWN),
    ({"grid_w": None}, Reason.UNKNOWN),
    ({"ess_w": None}, Reason.UNKNOWN),
    ({"allowed_charge_w": None}, Reason.UNKNOWN),
    ({"allowed_discharge_w": None}, Reason.UNKNOWN),
    ({"grid_mode": None}, Reason.UNKNOWN),
    ({"grid_mode": 2}, Reason.OFF_GRID),
    ({"state": 3}, Reason.FAULT),
]


@pytest.mark.parametrize(("change", "reason"), DOUBTS)
def test_on_any_doubt_nothing_is_held(make_plan, make_settings, make_snapshot, now, change, reason):
    settings = make_settings()
    plan = make_plan(settings=settings, buy=0.1, values=(0.3, 0.3))
    decision, memory = decide(now, plan, make_snapshot(**change), ControlState(9), settings)
    assert (decision.setpoint_w, decision.reason) == (None, reason)
    assert memory.good_cycles == 0


def test_a_hybrid_without_its_battery_power_is_a_doubt(
    make_plan, make_settings, make_snapshot, decide_now
):
    settings = make_settings(hybrid=True)
    plan = make_plan(settings=settings)
    decision = decide_now(plan, make_snapshot(battery_w=None), settings)
    assert decision.reason is Reason.UNKNOWN


@pytest.mark.parametrize("seconds", [16, -16])
def test_an_old_reading_is_a_doubt(make_plan, make_settings, make_snapshot, now, seconds):
    settings = make_settings()
    seen = make_snapshot(at=now - timedelta(seconds=seconds))
    decision, _ = decide(now, make_plan(settings=settings), seen, ControlState(9), settings)
    assert decision.reason is Reason.STALE


def test_without_a_step_nothing_is_held(make_plan, make_settings, make_snapshot, decide_now, now):
    settings = make_settings()
    plan = make_plan(settings=settings, buy=0.1, values=(0.3, 0.3))
    assert decide_now(None, make_snapshot(), settings).reason is Reason.NO_PLAN
    for moment in (now - timedelta(minutes=8), now + timedelta(minutes=23)):
        decision = decide_now(plan, make_snapshot(at=moment), settings, at=moment)
        assert (decision.setpoint_w, decision.reason) == (None, Reason.NO_STEP), moment


def test_a_plan_of_another_battery_is_refused(make_plan, make_settings, make_snapshot, decide_now):
    plan = make_plan(settings=make_settings(capacity_wh=11_000.0), buy=0.1, values=(0.3, 0.3))
    decision = decide_now(plan, make_snapshot(), make_settings())
    assert (decision.setpoint_w, decision.reason) == (None, Reason.FOREIGN_PLAN)


def test_a_plan_under_the_strictest_rule_is_kept_to_whatever_the_owner_allows(
    make_plan, make_settings, make_snapshot, decide_now
):
    """Its prices do not tell the bill, so that nothing is charged from the grid, cheap or not."""
    owner, strict = make_settings(), make_settings(grid=Grid(rule=Rule.PV_ONLY))
    cheap = {"buy": 0.1, "values": (0.3, 0.3)}
    free = decide_now(make_plan(settings=owner, **cheap), make_snapshot(), owner)
    assert free.setpoint_w == -10_000
    held = decide_now(make_plan(settings=strict, **cheap), make_snapshot(), owner)
    assert held.reason is not Reason.FOREIGN_PLAN
    assert held.setpoint_w in (None, 0)
    other = make_settings(grid=Grid(rule=Rule.MIXED))
    refused = decide_now(make_plan(settings=other, **cheap), make_snapshot(), owner)
    assert refused.reason is Reason.FOREIGN_PLAN


def test_the_coupling_does_not_make_a_plan_foreign(
    make_plan, make_settings, make_snapshot, decide_now
):
    plan = make_plan(settings=make_settings(hybrid=True), buy=0.4)
    assert decide_now(plan, make_snapshot(), make_settings()).reason is Reason.SELF_CONSUMPTION


def test_it_starts_released_and_returns_only_after_steady_readings(
    make_plan, make_settings, make_snapshot, now
):
    settings = make_settings()
    plan, memory = make_plan(settings=settings, buy=0.1, values=(0.3, 0.3)), ControlState()
    reasons = []
    for good in [True] * 4 + [False] + [True] * 3:
        seen = make_snapshot() if good else make_snapshot(soc_percent=None)
        decision, memory = decide(now, plan, seen, memory, settings)
        reasons.append(decision.reason)
    starting = [Reason.STARTING] * (READY_AFTER - 1)
    held = Reason.HOLDING
    assert reasons == [*starting, held, held, Reason.UNKNOWN, *starting, held]
