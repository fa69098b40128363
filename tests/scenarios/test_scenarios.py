"""Drop-in scenarios: each `NNN-what-it-shows.toml` is planned, and keeps what it promises.

Keys: `step_minutes`, `start` (UTC), `buy_eur_per_kwh`, `sell_eur_per_kwh`, `load_w`, `pv_w` (a
number or one a step), `soc_percent`, `stored_value_eur_per_kwh`, `[battery]` and `[grid]` as in the
configuration, and `[expect]`: `intents`, `battery_w`, `curtailed_w`, `cost_eur`,
`self_consumption_cost_eur`, `highest_grid_w`, `lowest_grid_w`. For every scenario besides: the plan
passes its own check, costs no more than self-consumption, and is the same when it is made again.
"""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, OperatorLimit, Rule
from optimizer.model.plan_json import to_text
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep

FILES = sorted(Path(__file__).parent.glob("[0-9][0-9][0-9]-*.toml"))
START = datetime(2026, 1, 14, tzinfo=UTC)
SERIES = ("buy_eur_per_kwh", "sell_eur_per_kwh", "load_w", "pv_w")


def steps_of(scenario):
    count = max(len(scenario[name]) for name in SERIES if isinstance(scenario[name], list))
    columns = [
        value if isinstance(value := scenario[name], list) else [value] * count for name in SERIES
    ]
    start, length = scenario.get("start", START), timedelta(minutes=scenario["step_minutes"])
    return tuple(
        ForecastStep(start + index * length, start + (index + 1) * length, *map(float, figures))
        for index, figures in enumerate(zip(*columns, strict=True))
    )


def request_of(scenario, steps):
    grid = scenario.get("grid", {})
    limits = tuple(OperatorLimit(**item) for item in grid.pop("operator_limits", ()))
    rule = Rule(grid.pop("rule", "grid_charge"))
    return PlanRequest(
        made_at=steps[0].start,
        site="scenario",
        battery=Battery(**scenario["battery"]),
        grid=Grid(**grid, rule=rule, operator_limits=limits),
        soc_percent=scenario["soc_percent"],
        stored_value=scenario["stored_value_eur_per_kwh"],
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_scenario_holds(path):
    scenario = tomllib.loads(path.read_text())
    steps = steps_of(scenario)
    request, expected = request_of(scenario, steps), scenario["expect"]
    plan = make_plan(steps, request, lambda: 0.0)
    assert to_text(make_plan(steps, request, lambda: 0.0)) == to_text(plan)
    assert plan.saving_eur > -1e-6
    found = {
        "intents": [step.intent.value for step in plan.steps],
        "battery_w": [step.battery_w for step in plan.steps],
        "curtailed_w": [step.curtailed_w for step in plan.steps],
        "cost_eur": plan.cost_eur,
        "self_consumption_cost_eur": plan.self_consumption_cost_eur,
        "highest_grid_w": max(step.grid_w for step in plan.steps),
        "lowest_grid_w": min(step.grid_w for step in plan.steps),
    }
    assert set(expected) <= set(found)
    for name, value in expected.items():
        exact = name == "intents"
        assert found[name] == (value if exact else pytest.approx(value, rel=0, abs=0.001)), name


def test_scenarios_are_numbered_once():
    assert FILES
    assert len({path.name[:3] for path in FILES}) == len(FILES)
