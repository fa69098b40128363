"""The plan/2 contract: whole or not at all, there and back."""

import copy
import json
import math
from dataclasses import replace

import pytest

from optimizer.errors import NoPlanError
from optimizer.model.plan_json import ADDED, SCHEMA, from_json, to_json

HEAD = [
    "schema", "made_at", "site", "bounds", "step_s", "status", "gap_eur", "solver",
    "start_soc_percent", "cost_eur", "self_consumption_cost_eur", "no_battery_cost_eur", "wear_eur",
    "self_consumption_wear_eur", "stored_value_eur", "self_consumption_stored_value_eur",
    "end_value_eur_per_kwh",
    "solve_s", "value_soc_wh", "notes", "peak_w", "peak_eur", "self_consumption_peak_eur", "steps",
]  # fmt: skip

STEP = [
    "start", "end", "buy_eur_per_kwh", "sell_eur_per_kwh", "load_w", "pv_w", "battery_w", "ess_w",
    "grid_w", "curtailed_w", "soc_wh", "intent", "lowest_w", "highest_w",
    "stored_value_eur_per_kwh", "values_eur_per_kwh", "why", "peak_w", "price_from",
]  # fmt: skip


@pytest.fixture
def data(plan):
    """The plan as another program would read it."""
    return json.loads(json.dumps(to_json(plan)))


def test_a_plan_survives_the_way_through_text(plan, data):
    assert from_json(data) == plan


def test_the_keys_are_the_contracts(data):
    assert list(data) == HEAD
    assert [list(step) for step in data["steps"]] == [STEP] * 6


def test_moments_are_utc_text_and_intents_are_words(data):
    assert data["schema"] == SCHEMA == "plan/2"
    assert data["made_at"] == "2026-01-14T13:00:00Z"
    assert data["steps"][0]["end"] == "2026-01-14T13:15:00Z"
    words = [step["intent"] for step in data["steps"]]
    assert words == ["self_consumption", "hold", "defer", "charge", "limit", "discharge"]


def test_no_negative_zero_is_written(plan, data):
    data["gap_eur"] = -0.0
    assert math.copysign(1, to_json(from_json(data))["gap_eur"]) == 1


def as_plan_1(value):
    """The same plan as versions up to 0.1 wrote it."""
    text = json.dumps(value).replace("self_consumption", "own_use").replace("plan/2", "plan/1")
    return json.loads(text)


def test_a_plan_of_the_former_schema_is_read(plan, data):
    former = as_plan_1(data)
    assert former["schema"] == "plan/1"
    assert "own_use_cost_eur" in former
    assert from_json(former) == plan


@pytest.mark.parametrize("damage", [{"steps": 3}, {"steps": [3]}, {"steps": None}])
def test_a_damaged_plan_of_the_former_schema_is_refused(data, damage):
    with pytest.raises(NoPlanError, match="cannot be read"):
        from_json(as_plan_1(data) | damage)


@pytest.mark.parametrize("schema", ["plan/3", "plan", None, 1])
def test_another_schema_is_refused_by_name(data, schema):
    data["schema"] = schema
    with pytest.raises(NoPlanError, match=f"schema {schema!r}, this version reads 'plan/2'"):
        from_json(data)


@pytest.mark.parametrize("name", [name for name in HEAD if name not in {"schema", *ADDED}])
def test_a_missing_field_of_the_plan_is_refused_by_name(data, name):
    del data[name]
    with pytest.raises(NoPlanError, match=rf"cannot be read \('{name}'\): make a new one"):
        from_json(data)


def test_a_plan_that_does_not_tell_where_its_prices_came_from_is_an_earlier_one(plan, data):
    for step in data["steps"]:
        del step["price_from"]
    assert from_json(data) == plan
    data["steps"][0]["price_from"] = "cached smard"
    assert from_json(data).steps[0].price_from == "cached smard"


@pytest.mark.parametrize("name", STEP[:-2])
def test_a_missing_field_of_a_step_is_refused_by_name(data, name):
    del data["steps"][3][name]
    with pytest.raises(NoPlanError, match=rf"cannot be read \('{name}'\)"):
        from_json(data)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "NaN"])
@pytest.mark.parametrize("name", ["lowest_w", "highest_w", "battery_w", "soc_wh"])
def test_a_number_of_a_step_that_is_not_finite_is_refused(data, name, value):
    data["steps"][2][name] = value
    with pytest.raises(NoPlanError, match=f"{name} is not finite"):
        from_json(data)


@pytest.mark.parametrize("name", ["cost_eur", "start_soc_percent", "end_value_eur_per_kwh"])
def test_a_number_of_the_plan_that_is_not_finite_is_refused(data, name):
    data[name] = math.nan
    with pytest.raises(NoPlanError, match=f"{name} is not finite"):
        from_json(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("load_w", None),
        ("load_w", "much"),
        ("start", "yesterday"),
        ("start", 1_768_395_600),
        ("intent", "sleep"),
    ],
)
def test_a_field_of_another_kind_is_refused(data, name, value):
    data["steps"][0][name] = value
    with pytest.raises(NoPlanError, match="cannot be read"):
        from_json(data)


def test_steps_that_are_no_list_are_refused(data):
    data["steps"] = None
    with pytest.raises(NoPlanError, match="cannot be read"):
        from_json(data)


def test_a_plan_without_steps_is_refused(data):
    data["steps"] = []
    with pytest.raises(NoPlanError, match="no steps: make a new one"):
        from_json(data)


@pytest.mark.parametrize("fault", ["gap", "overlap", "twice"])
def test_steps_that_do_not_follow_each_other_are_refused(data, fault):
    steps = copy.deepcopy(data["steps"])
    if fault == "gap":
        del steps[2]
    elif fault == "overlap":
        steps[2]["start"] = "2026-01-14T13:25:00Z"
    else:
        steps.insert(2, steps[1])
    at = {"gap": "13:45", "overlap": "13:25", "twice": "13:15"}[fault]
    with pytest.raises(NoPlanError, match=f"gap or overlap at 2026-01-14T{at}:00Z"):
        from_json(data | {"steps": steps})


def test_an_empty_step_is_refused(data):
    data["steps"][-1]["end"] = data["steps"][-1]["start"]
    with pytest.raises(NoPlanError, match="step 2026-01-14T14:15:00Z is damaged"):
        from_json(data)


def test_a_value_table_of_another_size_is_refused(data):
    data["steps"][1]["values_eur_per_kwh"].pop()
    with pytest.raises(NoPlanError, match="step 2026-01-14T13:15:00Z is damaged"):
        from_json(data)


def test_a_plan_without_a_value_table_is_refused(data):
    data["value_soc_wh"] = []
    for step in data["steps"]:
        step["values_eur_per_kwh"] = []
    with pytest.raises(NoPlanError, match="is damaged"):
        from_json(data)


def test_offsets_other_than_z_are_read_as_the_same_moment(plan, data):
    data["steps"][0]["start"] = "2026-01-14T14:00:00+01:00"
    assert from_json(data).steps[0].start == plan.steps[0].start


def test_a_plan_from_before_peaks_had_a_price_is_read(plan, data):
    for name in ("peak_w", "peak_eur", "self_consumption_peak_eur"):
        del data[name]
    for step in data["steps"]:
        del step["peak_w"]
    assert from_json(data) == plan


def test_a_plan_with_peaks_survives_the_way_through_text(plan):
    steps = tuple(replace(step, peak_w=4_200.0) for step in plan.steps)
    peaked = replace(plan, peak_w=4_000.0, peak_eur=1.5, gap_eur=None, steps=steps)
    assert from_json(json.loads(json.dumps(to_json(peaked)))) == peaked
