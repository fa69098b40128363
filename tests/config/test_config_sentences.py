"""No sentence of pydantic reaches an owner: each error that a section can raise has one of ours."""

import re
import tomllib
from importlib import import_module
from string import Formatter
from typing import get_args

import pytest
from pydantic import TypeAdapter

from optimizer.config import faults
from optimizer.config.loading import validate
from optimizer.config.sections import Config
from optimizer.errors import ConfigError

ERROR_TYPES = get_args(import_module("pydantic_core.core_schema").ErrorType)
"""Kinds of errors; the package is a part of pydantic, which pins it."""

RAISES = {
    "dataclass": {"dataclass_type", "dataclass_exact_type"},
    "dataclass-args": {"missing", faults.NOT_A_KEY, "dataclass_type"},
    "str": {"string_type", "string_unicode"},
    "bool": {"bool_type", "bool_parsing"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "literal": {"literal_error"},
    "enum": {"enum"},
    "tuple": {"tuple_type", "missing", "too_short", "too_long"},
    "dict": {"dict_type"},
    "date": {"date_type", "date_parsing", "date_from_datetime_parsing",
             "date_from_datetime_inexact"},
    "time": {"time_type", "time_parsing"},
    "datetime": {"datetime_type", "datetime_parsing", "datetime_object_invalid",
                 "datetime_from_date_parsing"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "function-plain": set(),
    "no-info": set(), "with-info": set(),
    # what they wrap raises; `custom_error_type` says where it is named anew
    "definitions": set(), "definition-ref": set(), "dataclass-field": set(), "default": set(),
    "lax-or-strict": set(), "json-or-python": set(), "union": set(), "nullable": set(),
    "custom-error": set(), "to-string": set(),
    # branches that a custom error hides
    "is-instance": set(), "none": set(),
}  # fmt: skip
"""Types of errors by pydantic's types of schemas, as its documentation has them."""

CONSTRAINTS = {
    "ge": "greater_than_equal", "le": "less_than_equal", "gt": "greater_than", "lt": "less_than",
    "multiple_of": "multiple_of", "pattern": "string_pattern_mismatch",
}  # fmt: skip
OURS = {faults.NOT_A_KEY, "value_error"}
"""Told apart by `faults` itself, or raised with a sentence of ours."""


def schemas(node):
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for name, value in node.items():
            if name not in ("serialization", "metadata"):
                yield from schemas(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from schemas(value)


def raised():
    found = set()
    for schema in schemas(TypeAdapter(Config).core_schema):
        assert schema["type"] in RAISES, f"a new kind of schema: {schema['type']}"
        found |= RAISES[schema["type"]]
        found |= {error for name, error in CONSTRAINTS.items() if name in schema}
        found |= {schema["custom_error_type"]} if "custom_error_type" in schema else set()
    return found


def test_each_error_that_can_be_raised_has_a_sentence():
    assert raised() - OURS - faults.TEXTS.keys() == set()


def test_each_sentence_is_for_an_error_of_pydantic():
    custom = {"path_type", "zoneinfo_str"}
    assert faults.TEXTS.keys() - custom <= set(ERROR_TYPES)
    fields = {name for text in faults.TEXTS.values() for _, name, _, _ in Formatter().parse(text)}
    assert fields - {None} == {"ge", "le", "min_length", "max_length", "expected"}  # all met below


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prices.sources = []", "prices.sources has too few items: at least 1"),
        ("prices.sources = 'smard'", "prices.sources should be a list in brackets (it is 'smard')"),
        ("prices.sources = [3]", "prices.sources.0 should be a text in quotation marks (it is 3)"),
        ("grid.max_buy_w = 'much'", "grid.max_buy_w should be a number (it is 'much')"),
        ("grid.max_buy_w = 1e7", "grid.max_buy_w should be at most 1000000 (it is 10000000.0)"),
        ("grid.max_buy_w = []", "grid.max_buy_w should be a number"),
        ("metrics.port = 8.5", "metrics.port should be a whole number (it is 8.5)"),
        ("metrics.port = 70_000", "metrics.port should be at most 65535 (it is 70000)"),
        ("battery.charge_taper = [[90]]", "battery.charge_taper.0.1 is missing"),
        ("battery.charge_taper = [[90, 1, 2]]",
         "battery.charge_taper.0 has too many items: at most 2"),
        ("load.grid_only = 2", "load.grid_only should be true or false (it is 2)"),
        ("load.tags = 'x'", "load.tags should be a table of keys and values (it is 'x')"),
        ("load.file = 5", "load.file should be the name of a file or folder in quotation marks "
         "(it is 5)"),
        ("tariff.valid_to = 'soon'", "tariff.valid_to should be a date such as 2026-12-31 (it is "
         "'soon')"),
        ("tariff.valid_to = true", "tariff.valid_to should be a date such as 2026-12-31 (it is "
         "True)"),
        ("tariff.time_zone = 3", "tariff.time_zone should be a time zone such as Europe/Berlin (it "
         "is 3)"),
        ("tariff.window = [{ from = 'x', to = '15:00', grid_fee_eur_per_kwh = 0.1 }]",
         "tariff.window.0.from should be a time of day such as \"10:00\" (it is 'x')"),
        ("control.follow = 3", "control.follow should be 'value', 'intent' or 'power' (it is 3)"),
        ("grid.rule = 3", "grid.rule should be 'pv_only', 'grid_charge', 'green_export' or 'mixed' "
         "(it is 3)"),
        ("fems.password = 5", "fems.password should be a text in quotation marks"),
    ],
)  # fmt: skip
def test_a_fault_is_a_sentence_of_ours(text, sentence):
    data = tomllib.loads(
        f"fems = {{ url = 'http://192.168.0.23', password = 'x' }}\n{text}"
        if "fems." not in text
        else f"fems.url = 'http://192.168.0.23'\n{text}"
    )
    data.setdefault("battery", {})["capacity_wh"] = 22_000
    with pytest.raises(ConfigError) as caught:
        validate(data)
    said = str(caught.value)
    assert said == sentence
    assert not re.search(r"[Ii]nput|\bvalid\b|[Tt]uple|string|boolean|unable|parse", said)
