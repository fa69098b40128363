"""Plans as JSON data: the `plan/1` contract that other programs read."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from optimizer.errors import NoPlanError
from optimizer.model.plan import Intent, Plan, Step, check_contiguous, iso

SCHEMA = "plan/1"
ADDED = frozenset({"peak_w", "peak_eur", "own_use_peak_eur", "price_from"})
"""Keys that plans of the first versions do not have yet."""


def _plain(value: Any) -> Any:
    """A field's value as JSON knows it: powers to 0.01 W, energies to 0.01 Wh, money to 1e-6."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value + 0.0
    return value


def step_to_json(step: Step) -> dict[str, Any]:
    """A step as JSON data, keys in the contract's order."""
    return {item.name: _plain(getattr(step, item.name)) for item in fields(Step)}


def to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON data under the `plan/1` contract."""
    head = {
        item.name: _plain(getattr(plan, item.name)) for item in fields(Plan) if item.name != "steps"
    }
    return {"schema": SCHEMA} | head | {"steps": [step_to_json(step) for step in plan.steps]}


def to_text(plan: Plan) -> str:
    """A plan as JSON text: a line for each key of its head, a line for each step.

    What a text compares of two plans is then the line that differs.
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
        if item.name in ADDED and item.name not in data:
            continue
        value = data[item.name]
        if item.type is datetime:
            value = datetime.fromisoformat(value)
            if value.tzinfo is None:
                raise ValueError(f"{item.name} has no offset from UTC")
        elif item.type is float or (item.type == float | None and value is not None):
            value = _finite(item.name, value)
        elif item.type == tuple[float, ...]:
            value = tuple(_finite(item.name, number) for number in value)
        elif isinstance(value, list) and item.name != "steps":
            value = tuple(value)
        values[item.name] = value
    return values


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool | str) or not math.isfinite(float(value)):
        raise ValueError(f"{name} is not finite")
    return float(value)


def from_json(data: Mapping[str, Any]) -> Plan:
    """Read a plan back, whole or not at all.

    Raises
    ------
    NoPlanError
        If the schema is another one, a field is missing or not finite, or the steps do not follow
        each other without a gap.
    """
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if schema != SCHEMA:
        raise NoPlanError(
            f"the stored plan has schema {schema!r}, this version reads {SCHEMA!r}: "
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
            f"the stored plan cannot be read ({error}): make a new one with 'optimizer plan'"
        ) from error
    check_contiguous(plan)
    return plan
