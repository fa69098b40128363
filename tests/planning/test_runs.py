"""A planning run as data: whole, strict, and repeated bit for bit."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from optimizer.errors import DataError
from optimizer.model import plan_json
from optimizer.model.grid import Grid, Rule
from optimizer.model.roof_days import RoofDays
from optimizer.planning import planner, run_json

VERSIONS = run_json.Versions("0.1.0", "3.11.7", "3.3.2", "HiGHS 1.15.1")


@pytest.fixture
def run(random_task):
    task = random_task(8000, 12)
    battery = replace(task.battery, hybrid=True, standby_w=31.7, wear_eur_per_kwh=0.01)
    request = planner.Request(
        made_at=datetime(2026, 3, 28, 13, 0, 1, 234_567, UTC),
        site="home",
        battery=battery,
        grid=Grid(9_000, 3_000.5, Rule.MIXED),
        soc_percent=41,
        stored_value=0.1 + 0.2,
        beyond=task.steps[:2],
        notes=("a note", "umlauts: äöü"),
        roof_days=RoofDays("Europe/Lisbon", (0.5, 0.2, 0.3)),
        time_zone="Europe/Lisbon",
    )
    return run_json.Run(request, task.steps, 0.1234, VERSIONS)


def through_text(run):
    return run_json.from_json(json.loads(json.dumps(run_json.to_json(run), allow_nan=False)))


def test_a_run_comes_back_as_it_was(run):
    assert through_text(run) == run
    other = [item.name for item in fields(planner.Request)]
    assert run_json.to_json(run)["request"].keys() == set(other)


def test_a_repeated_run_gives_the_same_bytes(random_task, run):
    for seed in range(8100, 8106):
        task = random_task(seed, 24, tricky=seed % 2 == 1)
        ticks = iter([100.0, 100.0 + 0.01 * seed])
        stored, beyond = (None, task.steps[:4]) if seed % 3 == 0 else (0.3, ())
        request = replace(
            run.request, battery=task.battery, grid=task.grid, stored_value=stored, beyond=beyond
        )
        then = planner.make_plan(task.steps, request, lambda ticks=ticks: next(ticks))
        again = through_text(run_json.Run(request, task.steps, then.solve_s, VERSIONS))
        now = planner.make_plan(again.steps, again.request, again.timer())
        assert plan_json.to_text(now) == plan_json.to_text(then)
        assert then.solve_s > 0


def test_the_plans_text_has_a_line_for_each_key_and_step(run):
    plan = planner.make_plan(run.steps, run.request, run.timer())
    text = plan_json.to_text(plan)
    assert json.loads(text) == plan_json.to_json(plan)
    assert text.isprintable() is False
    assert "umlauts: äöü" in text
    lines = text.splitlines()
    assert sum(line.startswith(' "solver": ') for line in lines) == 1
    assert sum(line.startswith('  {"start": ') for line in lines) == len(plan.steps)


def test_the_reasons_hours_are_those_of_the_owner(run):
    texts = []
    for zone in ("Europe/Berlin", "Europe/Lisbon"):
        request = replace(run.request, time_zone=zone)
        plan = planner.make_plan(run.steps, request, run.timer())
        texts.append(" ".join(step.why for step in plan.steps))
    assert texts[0] != texts[1]


def changed(data, place, value):
    """The data with one thing changed."""
    data = json.loads(json.dumps(data))
    at = data
    for key in place[:-1]:
        at = at[key]
    if value is ...:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return data


WRONG = [
    (("schema",), "run/2", "this is no planning run that this version reads"),
    (("schema",), ..., "it says None"),
    (("request", "battery", "capacity_wh"), ..., "run.request.battery.capacity_wh is missing"),
    (("request", "battery", "colour"), "red", "run.request.battery.colour is not known"),
    (("request", "grid", "rule"), "all", "run.request.grid.rule is no rule: 'all'"),
    (("steps", 3, "buy"), "0.3", "run.steps[3].buy is no finite number"),
    (("steps",), [], "run.steps is empty"),
    (("solve_s",), ..., "run.solve_s is missing"),
    (("versions", "pulp"), 3.3, "run.versions.pulp is no str"),
]


@pytest.mark.parametrize(("place", "value", "said"), WRONG)
def test_a_run_is_read_whole_or_not_at_all(run, place, value, said):
    data = changed(run_json.to_json(run), place, value)
    with pytest.raises(DataError) as caught:
        run_json.from_json(data)
    assert said in str(caught.value)


def test_a_plan_beside_the_run_is_left_alone(run):
    assert run_json.from_json(run_json.to_json(run) | {"plan": {}}) == run
    with pytest.raises(DataError, match="'optimizer export run' writes one"):
        run_json.from_json(["run"])
