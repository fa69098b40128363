"""Plans as JSON data: the `plan/2` contract that other programs read; `plan/1` is still read."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from optimizer.errors import NoPlanError
from optimizer.model import moments, override
from optimizer.model.currency import EUR
from optimizer.model.plan import Intent, Plan, Step, check_contiguous, iso
from optimizer.model.printable import printable

SCHEMA = "plan/2"
FORMER_SCHEMA = "plan/1"
"""Schema up to version 0.1, with `own_use` for `self_consumption`."""
LARGEST = 1e12
"""Largest number of a plan [W, Wh, EUR]: beyond it is none."""
LONGEST_TEXT = 2_000
"""Longest text of a plan [characters]."""
ADDED = frozenset({"peak_w", "peak_eur", "self_consumption_peak_eur", "price_from", "currency"})
"""Keys that the first versions' plans lack."""
OPTIONAL = frozenset({"override", "value_kink_wh"})
"""Keys that only the plans of an override have."""


def _plain(value: Any) -> Any:
    """Value of a field as JSON data; -0.0 becomes 0.0."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, override.Override):
        return value.as_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value + 0.0
    return value


def step_to_json(step: Step) -> dict[str, Any]:
    """A step as JSON data, keys in the contract's order."""
    return {item.name: _plain(getattr(step, item.name)) for item in fields(Step)}


def to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON data under the `plan/2` contract."""
    named = {item.name: _plain(getattr(plan, item.name)) for item in fields(Plan)}
    head = {
        name: value
        for name, value in named.items()
        if name != "steps" and not (name in OPTIONAL and value is None)
    }
    if plan.currency == EUR.code:  # as before there was the key
        del head["currency"]
    return {"schema": SCHEMA} | head | {"steps": [step_to_json(step) for step in plan.steps]}


def to_text(plan: Plan) -> str:
    """A plan as JSON text: a line for each key of its head, a line for each step.

    A comparison of two such texts shows the lines that differ.
    """
    data = to_json(plan)
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in data.items()
        if key != "steps"
    ]
    steps = [json.dumps(step, ensure_ascii=False) for step in data["steps"]]
    return "{" + ",\n ".join([*lines, '"steps": [\n  ' + ",\n  ".join(steps) + "\n ]"]) + "}"


def _read(kind: type[Plan] | type[Step], data: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in fields(kind):
        if item.name in ADDED | OPTIONAL and item.name not in data:
            continue
        value = data[item.name]
        if item.name == "override":
            value = None if value is None else override.from_json(value)
        elif item.type is datetime:
            value = moments.utc(_offset(item.name, datetime.fromisoformat(value)))
        elif item.type is float or (item.type == float | None and value is not None):
            value = _finite(item.name, value)
        elif item.type == tuple[float, ...]:
            value = tuple(_finite(item.name, number) for number in value)
        elif item.type is str:
            value = _line(item.name, value)
        elif item.type is int:
            value = int(_finite(item.name, value))
        elif item.type == tuple[str, ...]:
            value = tuple(_line(item.name, text) for text in value)
        values[item.name] = value
    return values


def _offset(name: str, value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{name} has no offset from UTC")
    return value


def _finite(name: str, value: Any) -> float:
    """A number; one that is too large for a power, an energy or a price is none."""
    if isinstance(value, bool | str) or not abs(value) <= LARGEST:
        raise ValueError(f"{name} is not finite")
    return float(value)


def _line(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return printable(value, LONGEST_TEXT)


def _from_former(data: Mapping[str, Any]) -> dict[str, Any]:
    """A plan of `plan/1` under today's keys."""
    renamed = {key.replace("own_use", "self_consumption"): data[key] for key in data}
    if isinstance(renamed.get("steps"), list):
        renamed["steps"] = [
            {**step, "intent": Intent.SELF_CONSUMPTION.value}
            if isinstance(step, Mapping) and step.get("intent") == "own_use"
            else step
            for step in renamed["steps"]
        ]
    return renamed | {"schema": SCHEMA}


def from_json(data: Mapping[str, Any]) -> Plan:
    """Plan from JSON data, whole or not at all.

    Raises
    ------
    NoPlanError
        If the schema is another one, a field is missing or not finite, or the steps do not follow
        each other without a gap.
    """
    if isinstance(data, Mapping) and data.get("schema") == FORMER_SCHEMA:
        data = _from_former(data)
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if schema != SCHEMA:
        raise NoPlanError(
            f"the stored plan has schema {printable(repr(schema))}, this version reads {SCHEMA!r}: "
            "make a new one with 'optimizer plan'"
        )
    try:
        steps = tuple(
            Step(**(_read(Step, item) | {"intent": Intent(item["intent"])}))
            for item in data["steps"]
        )
        plan = Plan(**(_read(Plan, data) | {"steps": steps}))
    except (KeyError, TypeError, ValueError) as error:
        raise NoPlanError(
            f"the stored plan cannot be read ({printable(str(error))}): make a new one with "
            "'optimizer plan'"
        ) from error
    check_contiguous(plan)
    return plan
