"""A planning run as data: whole, strict, and repeated bit for bit."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError
from optimizer.model import plan_json
from optimizer.model.grid import Grid, OperatorLimit, Rule
from optimizer.model.pv_days import PvDays
from optimizer.planning import planner, run_record

VERSIONS = run_record.Versions("0.1.0", "3.11.7", "3.3.2", "HiGHS 1.15.1")


@pytest.fixture
def run(random_task):
    task = random_task(8000, 12)
    battery = replace(task.battery, hybrid=True, standby_w=31.7, wear_eur_per_kwh=0.01)
    request = planner.PlanRequest(
        made_at=datetime(2026, 3, 28, 13, 0, 1, 234_567, UTC),
        site="home",
        battery=battery,
        grid=Grid(9_000, 3_000.5, Rule.MIXED),
        soc_percent=41,
        stored_value=0.1 + 0.2,
        beyond=task.steps[:2],
        notes=("a note", "umlauts: äöü"),
        pv_days=PvDays("Europe/Lisbon", (0.5, 0.2, 0.3)),
        time_zone="Europe/Lisbon",
    )
    return run_record.RunRecord(request, task.steps, 0.1234, VERSIONS)


def through_text(run):
    return run_record.from_json(json.loads(json.dumps(run_record.to_json(run), allow_nan=False)))


def test_a_run_comes_back_as_it_was(run):
    assert through_text(run) == run
    other = [item.name for item in fields(planner.PlanRequest)]
    assert run_record.to_json(run)["request"].keys() == set(other)


def as_run_1(value):
    """The same run as versions up to 0.1 wrote it."""
    text = json.dumps(run_record.to_json(value))
    for now, then in (
        ("run/2", "run/1"), ("operator_limits", "dimming"), ("pv_days", "roof_days"),
        ("price_curtailment", "rests_roof"),
    ):  # fmt: skip
        assert f'"{now}"' in text
        text = text.replace(f'"{now}"', f'"{then}"')
    return json.loads(text)


def test_a_run_of_the_former_schema_is_read(run):
    limit = OperatorLimit(run.request.made_at, run.request.made_at + timedelta(hours=1))
    grid = replace(run.request.grid, operator_limits=(limit,), price_curtailment=True)
    run = replace(run, request=replace(run.request, grid=grid))
    assert run_record.from_json(as_run_1(run)) == run


def test_todays_schema_does_not_know_the_former_keys(run):
    data = as_run_1(run) | {"schema": "run/2"}
    with pytest.raises(DataError, match=r"dimming|rests_roof|roof_days"):
        run_record.from_json(data)


def test_a_repeated_run_gives_the_same_bytes(random_task, run):
    for seed in range(8100, 8106):
        task = random_task(seed, 24, tricky=seed % 2 == 1)
        ticks = iter([100.0, 100.0 + 0.01 * seed])
        stored, beyond = (None, task.steps[:4]) if seed % 3 == 0 else (0.3, ())
        request = replace(
            run.request, battery=task.battery, grid=task.grid, stored_value=stored, beyond=beyond
        )
        then = planner.make_plan(task.steps, request, lambda ticks=ticks: next(ticks))
        again = through_text(run_record.RunRecord(request, task.steps, then.solve_s, VERSIONS))
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
    (("schema",), "run/3", "this is no planning run that this version reads"),
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
    data = changed(run_record.to_json(run), place, value)
    with pytest.raises(DataError) as caught:
        run_record.from_json(data)
    assert said in str(caught.value)


def test_a_plan_beside_the_run_is_left_alone(run):
    assert run_record.from_json(run_record.to_json(run) | {"plan": {}}) == run
    with pytest.raises(DataError, match="'optimizer export run' writes one"):
        run_record.from_json(["run"])
