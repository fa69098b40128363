"""A plan in another currency is the same plan: penalties and texts follow the prices' size."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from optimizer.model import plan_json
from optimizer.model.battery import Battery
from optimizer.model.currency import CURRENCIES
from optimizer.model.grid import Grid, Rule
from optimizer.model.tariff import BERLIN
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.text.phases import phases

AT = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def steps(size, seed=3, load_w=1_500.0):
    chance = Random(seed)  # noqa: S311
    return tuple(
        ForecastStep(
            AT + n * HOUR, AT + (n + 1) * HOUR, round(chance.uniform(0.1, 0.45), 3) * size,
            0.07 * size, load_w if n != 5 else 14_000.0, 2_000.0 if 8 < n < 12 else 0.0,
        )
        for n in range(30)
    )  # fmt: skip


def request(code, **more):
    size = CURRENCIES[code].size
    battery = Battery(10_000, wear_eur_per_kwh=0.01 * size, full_charge_every_days=20)
    grid = Grid(12_000, 6_000, Rule.GRID_CHARGE)
    return PlanRequest(AT, "home", battery, grid, 3.0, currency=code, **more)


def made(size, code):
    return make_plan(steps(size), request(code), lambda: 0.0)


@pytest.mark.parametrize("code", ["SEK", "PLN", "CZK", "HUF"])
def test_an_overload_a_recovery_and_a_full_charge_cost_as_much(code):
    """Below its band, above the fuse, a full charge due: by powers the plan of EUR."""
    size = CURRENCIES[code].size
    own, other = made(1.0, "EUR"), made(size, code)
    assert [step.battery_w for step in other.steps] == pytest.approx(
        [step.battery_w for step in own.steps], abs=1.0
    )
    assert other.cost_eur == pytest.approx(own.cost_eur * size, rel=1e-6)
    assert other.saving_eur == pytest.approx(own.saving_eur * size, rel=1e-4, abs=1e-4)
    named = [phase.activity for phase in phases(own, 10_000, BERLIN)]
    assert [phase.activity for phase in phases(other, 10_000, BERLIN)] == named
    assert max(step.soc_wh for step in other.steps) == pytest.approx(10_000, abs=1)


def test_the_currency_is_kept_with_the_plan_and_missing_in_eur():
    own, other = made(1.0, "EUR"), made(10.0, "SEK")
    assert "currency" not in plan_json.to_json(own)
    again = plan_json.from_json(plan_json.to_json(other))
    assert again.currency == "SEK"
    assert again.money is CURRENCIES["SEK"]
    assert plan_json.from_json(plan_json.to_json(own)) == own
    unknown = replace(other, currency="XXX")
    assert plan_json.from_json(plan_json.to_json(unknown)).money is CURRENCIES["EUR"]
    assert any("öre" in step.why for step in other.steps)
    assert not any(" ct" in step.why for step in other.steps)
