"""The paid peak is carried out by the meter: what is left of the quarter-hour, at what price."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random

import pytest

from optimizer.control import peak_guard
from optimizer.control.law import READY_AFTER, ControlSettings, ControlState, decide
from optimizer.control.peak_guard import MeteredPeak, left_w, metered_peak, target_w
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.moments import QUARTER
from optimizer.model.plan import Intent
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import Reason
from optimizer.model.tariff import Peak
from optimizer.simulation.plant import Plant, held_power

PEAK = Peak(10.0)
START = datetime(2026, 1, 15, 2, tzinfo=UTC)
TEN_S = timedelta(seconds=10)


def quarter(minutes, drawn_wh, seconds=None):
    at = START + timedelta(minutes=minutes)
    return QuarterEnergy(START, at, 60.0 * minutes if seconds is None else seconds,
                         drawn_wh=drawn_wh)  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "drawn_wh", "seconds", "expected"),
    [
        (0, 0, None, 1_500),          # nothing drawn yet: the target itself
        (7.5, 187.5, None, 1_500),    # exactly on its way
        (7.5, 0, None, 3_000),        # nothing so far: the rest may take all of it
        (7.5, 300, None, 600),
        (10, 375, None, 0),           # the quarter-hour's energy is drawn: nothing is left
        (10, 800, None, 0),
        (5, 0, 0, 1_500),             # not seen: counts as if the target had been drawn
        (14.5, 350, None, 1_500),     # 25 Wh in the last half minute, counted as a whole one
    ],
)  # fmt: skip
def test_what_is_left_of_a_quarter_hour(minutes, drawn_wh, seconds, expected):
    at = START + timedelta(minutes=minutes)
    assert left_w(quarter(minutes, drawn_wh, seconds), at, 1_500.0) == pytest.approx(expected)


def test_a_new_quarter_hour_begins_with_its_whole_energy():
    assert left_w(quarter(14, 900), START + QUARTER, 1_500.0) == 1_500.0
    assert left_w(None, START, 1_500.0) == 1_500.0


def test_the_meters_peak_of_the_month_is_remembered():
    ended = quarter(15, 600)
    running = QuarterEnergy(START + QUARTER, START + QUARTER, previous=ended)
    first = metered_peak(None, running, PEAK)
    assert first == MeteredPeak((2026, 1), 2_400.0)
    assert metered_peak(first, replace(running, previous=quarter(15, 100)), PEAK) == first
    february = QuarterEnergy(datetime(2026, 2, 1, tzinfo=UTC), START, drawn_wh=50)
    fresh = metered_peak(first, replace(running, previous=february), PEAK)
    assert fresh == MeteredPeak((2026, 2), 200.0)
    assert metered_peak(first, quarter(5, 0), PEAK) is first
    assert metered_peak(None, running, None) is None


def test_hours_that_the_operator_does_not_count_make_no_peak():
    day = replace(PEAK, from_=time(7), to=time(21))  # 02:00 UTC is 03:00 in Berlin
    running = QuarterEnergy(START + QUARTER, START + QUARTER, previous=quarter(15, 600))
    assert metered_peak(None, running, day) is None
    winter = replace(PEAK, months=(11, 12, 1, 2))
    assert metered_peak(None, running, winter) is not None
    assert winter.counts(START)
    assert not winter.counts(START + timedelta(days=120))
    assert not day.counts(START)


@pytest.fixture
def paid(make_plan, make_settings):
    """Plan and settings of a hold at 14 % with a paid peak of 1,500 W."""

    def make(peak=PEAK, peak_w=1_500.0, **changes):
        settings = replace(make_settings(follow="intent"), peak=peak)
        values = {"intent": Intent.HOLD, "highest_w": 0.0, "lowest_w": -10_000.0} | changes
        plan = make_plan(settings=settings, **values)
        steps = tuple(replace(step, peak_w=peak_w) for step in plan.steps)
        return replace(plan, steps=steps), settings

    return make


@pytest.fixture
def oven(make_snapshot):
    """6 kW over the meter, 14 % in the battery, which stands still."""
    return make_snapshot(soc_percent=14.0, grid_w=6_000.0, ess_w=0.0, battery_w=0.0)


def test_a_house_above_the_paid_peak_is_served_from_the_battery(paid, oven, decide_now):
    plan, settings = paid()
    decision = decide_now(plan, oven, settings)
    assert decision.reason is Reason.HOLDING
    assert decision.intent is Intent.DISCHARGE
    assert decision.setpoint_w == 6_000 - 1_500 + 100
    assert decision.note == ("the month's peak: 1500 W may be bought in this quarter-hour's rest")


def test_what_was_drawn_before_counts(paid, oven):
    plan, settings = paid()
    memory = ControlState(READY_AFTER, quarter=QuarterEnergy(
        START, oven.at - TEN_S, (oven.at - TEN_S - START).total_seconds(), drawn_wh=375.0
    ))  # fmt: skip
    decision, _ = decide(oven.at, plan, oven, memory, settings)
    # The quarter-hour's energy is drawn: all of the load is served, as the FEMS does by itself.
    assert decision.setpoint_w is None
    assert decision.intent is Intent.DISCHARGE


@pytest.mark.parametrize(
    "changes",
    [
        {"peak": None},
        {"peak_w": None},
        {"peak_w": 8_000.0},
        {"peak": Peak(0.01), "values": (0.9, 0.9)},  # a stored kWh is worth more than the peak
    ],
    ids=["no price", "not planned", "below it", "not worth it"],
)
def test_nothing_changes_where_no_peak_is_at_stake(paid, oven, decide_now, changes):
    plan, settings = paid(**changes)
    decision = decide_now(plan, oven, settings)
    assert decision.setpoint_w == 0  # the hold of the plan
    assert decision.intent is Intent.HOLD


def test_a_higher_peak_of_the_meter_is_the_target(paid, oven):
    plan, settings = paid()
    memory = ControlState(READY_AFTER, metered=MeteredPeak((2026, 1), 4_000.0))
    decision, _ = decide(oven.at, plan, oven, memory, settings)
    assert decision.setpoint_w == 6_000 - 4_000 + 100
    assert target_w(plan.steps[0], START, PEAK, MeteredPeak((2025, 12), 9_000.0)) == 1_500.0


def test_an_empty_battery_gives_nothing(paid, oven, decide_now):
    plan, settings = paid()
    empty = replace(oven, soc_percent=0.0, allowed_discharge_w=0.0)
    assert decide_now(plan, empty, settings).setpoint_w in (None, 0)


def test_charging_is_reduced_before_anything_is_discharged(paid, make_snapshot, decide_now):
    plan, settings = paid(intent=Intent.CHARGE, highest_w=-4_000.0, peak_w=3_000.0, soc_wh=20_000.0)
    seen = make_snapshot(grid_w=1_000.0, ess_w=0.0, battery_w=0.0)
    decision = decide_now(plan, seen, settings)
    assert decision.setpoint_w == -1_900
    assert decision.intent is Intent.LIMIT


@pytest.mark.parametrize("seed", range(20))
def test_no_quarter_hour_exceeds_the_paid_peak_while_there_is_energy(seed, make_plan):
    """A real law on a plant in cycles of ten seconds; ovens and kettles at random."""
    rng = Random(seed)  # noqa: S311
    battery, grid = Battery(capacity_wh=22_000.0), Grid()
    plant, memory = Plant(battery, grid, 12_000.0), ControlState()
    settings = ControlSettings(battery, grid, "intent", peak=PEAK)
    plan = make_plan(settings=settings, intent=Intent.HOLD, highest_w=0.0, steps=12)
    plan = replace(plan, steps=tuple(replace(step, peak_w=1_500.0) for step in plan.steps))
    load_w, held, means = 400.0, None, []
    for count in range(12 * 90):
        if rng.random() < 0.02:
            load_w = rng.choice([300.0, 800.0, 2_500.0, 6_000.0, 9_000.0])
        at = START + count * TEN_S
        flow = plant.run(load_w, 0.0, held, TEN_S.total_seconds() / 3600)
        if count % 90 == 0:
            means.append(0.0)
        means[-1] += flow.grid_w / 90
        seen = plant.snapshot(at + TEN_S, flow, TEN_S.total_seconds() / 3600)
        seen = replace(seen, soc_percent=float(round(seen.soc_percent)))
        decision, memory = decide(at + TEN_S, plan, seen, memory, settings)
        held = held_power(decision)
    assert plant.soc_wh > battery.min_wh
    assert max(means[1:]) <= 1_500.0 * 1.03
    assert min(memory.metered.highest_w, 1e9) == pytest.approx(max(means[:-1]), rel=0.02)


def test_the_target_is_infinite_without_a_planned_peak(paid):
    plan, _ = paid(peak_w=None)
    assert target_w(plan.steps[0], START, PEAK, None) == float("inf")
    assert peak_guard.left_w(None, START, float("inf")) == float("inf")
