"""When to plan anew: by the hour, off the plan's corridor, for new prices."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.control.replan import ForecastDeviation, ReplanInterval, follow, replan_reason
from optimizer.model.battery import Battery

BATTERY = Battery(capacity_wh=22_000)
BERLIN = ZoneInfo("Europe/Berlin")
HOURLY = ReplanInterval(zone=BERLIN, site="home")
SELDOM = ReplanInterval(timedelta(days=1), BERLIN, "home")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def plan(make_plan, make_settings, now):
    """Two days of steps with 500 W of load, half full; the rhythm's last turn is long done."""
    made = make_plan(settings=make_settings(), steps=192, soc_wh=11_000.0)
    return replace(made, made_at=now)


@pytest.fixture
def live(make_snapshot):
    """A course of some minutes with the same powers and charge; gives the last wish."""

    def run(plan, begin, minutes, rhythm=SELDOM, course=None, **powers):
        course, why = course or ForecastDeviation(), None
        for number in range(minutes * 6 + 1):
            at = begin + timedelta(seconds=10 * number)
            values = {"grid_w": 0.0, "battery_w": 500.0, "pv_w": 0.0} | powers
            seen = make_snapshot(at=at, **values)
            course = follow(course, at, plan, seen, BATTERY)
            why = replan_reason(course, at, plan, seen.soc_percent, rhythm, BATTERY)
            if why is not None:
                return why, at - begin, course
        return None, None, course

    return run


def test_a_day_as_planned_needs_no_new_plan(live, plan, now):
    assert live(plan, now, 300)[0] is None


@pytest.mark.parametrize(
    ("powers", "text"),
    [
        ({"soc_percent": 56.0}, "the charge is 56 % instead of 50 %"),
        ({"grid_w": 900.0}, "the house needs 798 W more than forecast"),
        ({"pv_w": 1_500.0, "grid_w": -1_500.0}, "the roof gives 1297 W more than forecast"),
    ],
)
def test_outside_the_corridor_a_plan_is_wished_for_but_not_at_once(live, plan, now, powers, text):
    why, after, _ = live(plan, now, 120, **powers)
    assert why == text
    assert timedelta(minutes=30) <= after <= timedelta(minutes=34)  # the plan is new


@pytest.mark.parametrize("powers", [{"soc_percent": 54.0}, {"grid_w": 650.0}, {"grid_w": -650.0}])
def test_small_differences_are_life(live, plan, now, powers):
    assert live(plan, now, 120, **powers)[0] is None


def test_a_kettle_is_no_reason(live, plan, now):
    begin = now + timedelta(hours=1)
    _, _, course = live(plan, begin, 30)
    why, _, course = live(plan, begin + 30 * MINUTE, 5, course=course, grid_w=2_500.0)
    assert why is None
    assert live(plan, begin + 35 * MINUTE, 60, course=course)[0] is None


def test_runs_keep_their_distance(live, plan, now):
    begin = now + timedelta(hours=2)
    why, after, course = live(plan, begin, 60, soc_percent=70.0)
    assert (bool(why), after) == (True, 10 * MINUTE)
    course = replace(course, tried_at=begin + after, outside_since=None)
    why, again, _ = live(plan, begin + after, 120, course=course, soc_percent=70.0)
    assert (bool(why), again) == (True, 30 * MINUTE)


def test_by_the_hour_at_a_minute_of_its_own(plan, now):
    run_options = []
    course = ForecastDeviation()
    for minute in range(180):
        at = now + minute * MINUTE
        why = replan_reason(course, at, plan, 50.0, HOURLY, BATTERY)
        if why is not None:
            run_options.append((at, why))
            course = replace(course, tried_at=at)
            if len(run_options) != 2:  # the second run fails
                plan = replace(plan, made_at=at)
    assert [why for _, why in run_options] == ["by the hour"] * 3
    assert {at.minute for at, _ in run_options} == {(HOURLY.offset_s(3_600) // 60 + 1) % 60}
    others = {ReplanInterval(site=site).offset_s(3_600) // 60 for site in ("a", "b", "c", "d", "e")}
    assert len(others) > 2


def test_never_means_never(plan, now):
    never = replace(HOURLY, every=timedelta(0))
    assert (
        replan_reason(ForecastDeviation(), now + timedelta(hours=9), plan, 90.0, never, BATTERY)
        is None
    )
    assert replan_reason(ForecastDeviation(), now, None, 90.0, never, BATTERY) is None


def test_without_a_plan_one_is_wished_for_each_quarter_hour(plan, now):
    why = "no plan covers this moment"
    later = now + timedelta(days=9)
    assert replan_reason(ForecastDeviation(), now, None, 50.0, HOURLY, BATTERY) == why
    assert replan_reason(ForecastDeviation(), later, plan, 50.0, HOURLY, BATTERY) == why
    tried = ForecastDeviation(tried_at=now)
    assert replan_reason(tried, now + 14 * MINUTE, None, 50.0, HOURLY, BATTERY) is None
    assert replan_reason(tried, now + 15 * MINUTE, None, 50.0, HOURLY, BATTERY) == why


def at_local(hour, minute=0):
    return datetime(2026, 1, 15, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "made_at", "steps", "wished"),
    [
        (at_local(12, 50), at_local(3), 192, False),  # not yet
        (at_local(13, 20), at_local(3), 192, True),  # made before they came
        (at_local(13, 50), at_local(13, 17), 192, False),  # made with them
        (at_local(13, 50), at_local(13, 17), 84, True),  # it ends at midnight: they were late
        (at_local(20, 10), at_local(13, 17), 84, False),  # no use today
    ],
)
def test_new_prices_are_asked_for_after_their_publication(plan, at, made_at, steps, wished):
    old = replace(plan, made_at=made_at, steps=plan.steps[:steps])
    rhythm = replace(SELDOM, every=timedelta(days=30))
    why = replan_reason(ForecastDeviation(), at, old, 50.0, rhythm, BATTERY)
    assert why == ("new prices should be there" if wished else None)
    tried = ForecastDeviation(tried_at=at - 20 * MINUTE)
    assert replan_reason(tried, at, old, 50.0, rhythm, BATTERY) is None


def test_the_planned_charge_lies_between_the_steps_ends(plan, now):
    steps = (plan.steps[0], replace(plan.steps[1], soc_wh=13_000.0))
    plan = replace(plan, steps=steps, start_soc_percent=40.0)
    half = timedelta(minutes=7, seconds=30)
    assert plan.soc_wh_at(steps[0].start, BATTERY.capacity_wh) == 8_800.0
    assert plan.soc_wh_at(steps[0].start + half, BATTERY.capacity_wh) == 9_900.0
    assert plan.soc_wh_at(steps[1].start + half, BATTERY.capacity_wh) == 12_000.0
    for outside in (steps[0].start - MINUTE, steps[1].end):
        assert plan.soc_wh_at(outside, BATTERY.capacity_wh) is None


def test_half_a_minute_after_a_plan_within_a_step_the_battery_is_where_it_was(
    plan, now, make_snapshot
):
    """Charging at 10 kW from 20 % of 5.5 kWh: half a minute is 1.4 %, not that of a quarter."""
    small, soon = Battery(capacity_wh=5_500), timedelta(seconds=30)
    begin = plan.steps[0].end - timedelta(minutes=9, seconds=19)
    after_wh = small.stored_after(1_100, -10_000, 559 / 3_600)
    first = replace(plan.steps[0], start=begin, battery_w=-10_000.0, soc_wh=after_wh)
    made = replace(plan, made_at=begin, start_soc_percent=20.0, steps=(first, *plan.steps[1:]))
    planned_wh = small.stored_after(1_100, -10_000, 30 / 3_600)
    assert made.soc_wh_at(begin + soon, 5_500) == pytest.approx(planned_wh)
    seen = make_snapshot(at=begin + soon, soc_percent=21.0, battery_w=0.0, grid_w=500.0)
    assert follow(ForecastDeviation(), begin + soon, made, seen, small).outside_since is None
    whole = replace(made, steps=(replace(first, start=plan.steps[0].start), *plan.steps[1:]))
    assert (
        follow(ForecastDeviation(), begin + soon, whole, seen, small).outside_since == begin + soon
    )


def test_an_unknown_power_is_not_followed(plan, now, make_snapshot):
    course = ForecastDeviation(at=now, load_off_w=300.0)
    assert follow(course, now, plan, make_snapshot(pv_w=None), BATTERY) == course
    gone = replace(course, outside_since=now)
    assert follow(gone, now, plan, None, BATTERY).outside_since is None
    assert follow(gone, now, None, make_snapshot(), BATTERY).outside_since is None
