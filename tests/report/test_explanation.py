"""One step explained: figures, words, and what does not apply left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.planning import planner, why_not
from optimizer.planning.task import ForecastStep
from optimizer.report.explanation import Explanation

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def explain():
    def make(rows, at=0, soc=20.0, actual=None, rule="grid_charge", rests=False, **limits):
        steps = tuple(
            ForecastStep(START + n * HOUR, START + (n + 1) * HOUR, *row)
            for n, row in enumerate(rows)
        )
        battery, grid = (
            Battery(10_000, **({"wear_eur_per_kwh": 0.0} | limits)),
            Grid(9_000, 9_000, Rule(rule), price_curtailment=rests),
        )
        request = planner.PlanRequest(START, "home", battery, grid, soc, 0.10)
        plan = planner.make_plan(steps, request, lambda: 0.0)
        asked = why_not.alternatives(planner.task_of(steps, request), plan, at)
        return Explanation(steps[at].start, plan, at, battery, grid, tuple(asked), actual)

    return make


CHEAP, DEAR = (0.10, 0.08, 500.0, 0.0), (0.50, 0.08, 2_000.0, 0.0)


def test_a_cheap_hour_before_a_peak(explain):
    reported = explain([CHEAP, DEAR], min_soc_percent=10)
    assert reported.lines(ZONE) == [
        "Thu 15 Jan 03:00-04:00: charge, battery takes 1 163 W (plan of Thu 15 Jan 03:00)",
        "why         cheap before the peak (50.0 ct at 04:00): a kWh stored now costs 10.5 ct, "
        "later it is worth at least 47.5 ct",
        "price       10.0 ct to buy, 8.0 ct to sell",
        "expected    house 500 W, roof 0 W, grid 1 663 W",
        "battery     20 % at the start, 31 % at the end",
        "stored kWh  worth 47.5 ct after this step; charged from the grid below 45.1 ct, "
        "serves the house above 50.0 ct",
        "why not",
        "  charge 8 421 W            costs 3.6 ct more (at most: the battery is full)",
        "  hold                      costs 40.9 ct more",
        "  discharge 500 W           costs 60.9 ct more (at most: the rule 'grid_charge' forbids "
        "selling from the battery)",
        "  self-consumption 500 W    costs 60.9 ct more",
    ]


def test_the_figures_behind_the_words(explain):
    reported = explain([CHEAP, DEAR], min_soc_percent=10, wear_eur_per_kwh=0.02)
    data = reported.as_json()
    assert data["schema"] == "explain/1"
    assert (data["at"], data["plan_made_at"]) == ("2026-01-15T02:00:00Z",) * 2
    assert "values_eur_per_kwh" not in data["step"]
    assert data["why"] == data["step"]["why"]
    assert data["soc_before_wh"] == 2_000
    marginal_value = data["stored_value_eur_per_kwh"]
    assert marginal_value == pytest.approx(0.5 * 0.95 - 0.02)
    assert data["charge_below_eur_per_kwh"] == pytest.approx(marginal_value * 0.95)
    assert data["serve_above_eur_per_kwh"] == pytest.approx(0.5)
    assert (data["actual_soc_percent"], data["actual_stored_value_eur_per_kwh"]) == (None, None)
    hold = data["alternatives"][1]
    assert hold == {
        "decision": "hold", "battery_w": 0.0, "difference_eur": hold["difference_eur"],
        "planned": False, "note": "",
    }  # fmt: skip
    assert hold["difference_eur"] > 0.3


def test_the_actual_state_of_charge_has_its_own_worth(explain):
    reported = explain([CHEAP, DEAR], min_soc_percent=10, actual=90.0)
    assert reported.actual_value == reported.plan.value_at(reported.step, 9_000)
    assert reported.actual_value < reported.step.stored_value_eur_per_kwh
    line = next(line for line in reported.lines(ZONE) if line.startswith("now"))
    assert line == (
        "now         90 %: worth 10.0 ct; charged from the grid below 9.5 ct, "
        "serves the house above 10.5 ct"
    )


def test_the_wear_of_an_unconfigured_battery_is_in_the_thresholds_and_in_words(explain):
    usual = Battery(10_000).wear_eur_per_kwh
    worn = explain([CHEAP, DEAR], min_soc_percent=10, wear_eur_per_kwh=usual)
    bare = explain([CHEAP, DEAR], min_soc_percent=10)
    worth = worn.step.stored_value_eur_per_kwh
    assert worth == pytest.approx(0.5 * 0.95 - 0.01)
    assert worn.serve_above(worth) == pytest.approx((worth + 0.01) / 0.95)
    lines = worn.lines(ZONE)
    at = lines.index("why not")
    assert lines[at - 2 : at] == [
        "stored kWh  worth 46.5 ct after this step; charged from the grid below 44.2 ct, "
        "serves the house above 50.0 ct",
        "wear        1.0 ct for each kWh taken out, counted above and below as losses are",
    ]
    assert "wear" not in "\n".join(bare.lines(ZONE))
    # What is charged now and used in the dear hour is used less gladly by the wear of each kWh.
    holds = [reported.alternatives[1].difference_eur for reported in (bare, worn)]
    stored_kwh = (worn.step.soc_wh - worn.before_wh) / 1000
    assert holds[0] - holds[1] == pytest.approx(0.01 * stored_kwh, abs=1e-6)


def test_what_the_rule_forbids_is_not_offered(explain):
    reported = explain([CHEAP, DEAR], rule="pv_only", soc=5.0)
    lines = "\n".join(reported.lines(ZONE))
    assert "charged from the grid below" not in lines
    assert reported.as_json()["charge_below_eur_per_kwh"] is None
    assert (
        "  charge                    not possible: "
        "the rule 'pv_only' forbids charging from the grid\n"
        "  hold                      is the plan\n"
        "  discharge                 not possible: the battery is empty\n"
        "  self-consumption 0 W      is the plan"
    ) in lines


def test_a_throttled_roof_is_told(explain):
    reported = explain([(0.30, -0.05, 500.0, 4_000.0)], soc=100.0, rests=True)
    text = "\n".join(reported.lines(ZONE))
    assert "roof 4 000 W, grid 0 W, 3 500 W of the roof throttled" in text
    assert ": self-consumption (plan of" in text
    assert "the battery is full and selling would cost money: the roof is throttled" in text


def test_a_later_step_begins_where_the_one_before_ended(explain):
    reported = explain([CHEAP, DEAR], at=1)
    assert reported.before_wh == reported.plan.steps[0].soc_wh
    assert (
        "Thu 15 Jan 04:00-05:00: self-consumption, battery gives 2 000 W" in reported.lines(ZONE)[0]
    )


def test_a_large_difference_is_told_in_euros(explain):
    reported = explain([CHEAP, DEAR])
    huge = replace(reported.alternatives[1], difference_eur=12.345)
    reported = replace(reported, alternatives=(huge,))
    assert reported.lines(ZONE)[-1] == "  hold                      costs 12.35 EUR more"


def test_room_for_paid_power_is_told_as_room(explain):
    paid = (-0.40, -0.40, 500.0, 0.0)
    reported = explain([(0.20, 0.0, 0.0, 2_000.0), paid, paid], soc=50.0, max_charge_w=4_000)
    lines = reported.lines(ZONE)
    assert lines[1] == (
        "why         keep room: selling pays 0.0 ct now, drawing is paid with 40.0 ct at 04:00"
    )
    assert lines[5] == (
        "stored kWh  worth nothing, room for one 42.1 ct after this step; "
        "charged from the grid below -40.0 ct, serves the house"
    )
