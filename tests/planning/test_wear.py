"""Wear of the battery that nobody has configured: what a plan does and does not do for it."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.config import loading
from optimizer.control import power_band
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.load_spread import certain
from optimizer.model.plan import Intent
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHEAP_EUR = 0.20
LOSSES_EUR = CHEAP_EUR / 0.95 / 0.95
"""Later price at which a swing pays for its losses alone."""
WORTH_IT_EUR = (CHEAP_EUR / 0.95 + 0.01) / 0.95
"""Later price at which it also pays for the wear of a kWh out of the cells."""


def swing(later_eur, **battery):
    """The plan of an empty battery for a cheap hour and a dearer one with 2 kWh of load."""
    rows = ((CHEAP_EUR, 0.0, 0.0, 0.0), (later_eur, 0.0, 2_000.0, 0.0))
    steps = tuple(ForecastStep(START + n * HOUR, START + (n + 1) * HOUR, *row)
                  for n, row in enumerate(rows))  # fmt: skip
    request = PlanRequest(
        START, "home", Battery(10_000, **battery), Grid(), 5.0, 0.0, spread=certain()
    )
    return make_plan(steps, request, lambda: 0.0)


def test_an_unconfigured_battery_wears_by_one_cent():
    least = {"fems": {"url": "http://x", "password": "y"}, "battery": {"capacity_wh": 22_000}}
    assert loading.validate(least).battery.battery(hybrid=False).wear_eur_per_kwh == 0.01
    least["battery"]["wear_eur_per_kwh"] = 0
    assert loading.validate(least).battery.battery(hybrid=False).wear_eur_per_kwh == 0


@pytest.mark.parametrize(
    ("later_eur", "battery", "swings"),
    [
        (WORTH_IT_EUR + 0.001, {}, True),
        (WORTH_IT_EUR - 0.001, {}, False),
        (WORTH_IT_EUR - 0.001, {"wear_eur_per_kwh": 0.0}, True),
        (LOSSES_EUR + 0.001, {"wear_eur_per_kwh": 0.0}, True),
        (LOSSES_EUR - 0.001, {"wear_eur_per_kwh": 0.0}, False),
    ],
)
def test_a_swing_is_made_where_it_earns_more_than_losses_and_wear(later_eur, battery, swings):
    plan = swing(later_eur, **battery)
    charge_w, discharge_w = (step.battery_w for step in plan.steps)
    if not swings:
        assert (charge_w, discharge_w, plan.wear_eur) == (0, 0, 0)
        return
    assert charge_w == pytest.approx(-2_000 / 0.95 / 0.95, abs=0.5)
    assert discharge_w == pytest.approx(2_000, abs=0.5)
    wear_eur_per_kwh = battery.get("wear_eur_per_kwh", 0.01)
    assert plan.wear_eur == pytest.approx(2 / 0.95 * wear_eur_per_kwh, abs=1e-6)
    earned = 2 * (later_eur - LOSSES_EUR) - plan.wear_eur
    assert plan.saving_eur == pytest.approx(earned, abs=1e-5)
    assert plan.saving_eur > 0


@pytest.mark.parametrize(("above_eur", "intent"), [(0.005, Intent.CHARGE), (-0.005, None)])
def test_control_reads_the_wear_from_the_plans_table(above_eur, intent):
    """The table's worth of a kWh is what it saves later less its wear; control adds none to it."""
    plan, battery = swing(WORTH_IT_EUR + above_eur), Battery(10_000)
    value = plan.value_at(plan.steps[0], 600.0)
    assert value == pytest.approx((WORTH_IT_EUR + above_eur) * 0.95 - 0.01, abs=1e-4)
    band = power_band.by_value(plan, plan.steps[0], 600.0, battery, Rule.GRID_CHARGE)
    assert (band.intent is Intent.CHARGE) == (intent is Intent.CHARGE)


def test_what_is_left_at_the_end_has_its_wear_before_it(task_of):
    """Where buying costs little more than selling pays, a kWh is as well used now as later.

    If only its use now had wear, it would be kept for ever.
    """
    rows = [(0.100, 0.095, 1_000.0, 0.0)] * 2
    task = task_of(rows, wear_eur_per_kwh=0.01, charge_efficiency=0.95, discharge_efficiency=0.95)
    assert auto_end_value(task.steps, task.battery) == pytest.approx(0.1 * 0.95 - 0.01)
    request = PlanRequest(START, "home", task.battery, Grid(), 50.0)
    plan = make_plan(task.steps, request, lambda: 0.0)
    assert [step.battery_w for step in plan.steps] == pytest.approx([1_000.0, 1_000.0])
