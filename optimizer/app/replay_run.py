"""A planning run repeated from its record, and compared with the plan that it made then."""

import json
from dataclasses import dataclass, fields
from typing import Any

from optimizer.app.make_plan import run_record_of
from optimizer.model.plan import Plan
from optimizer.model.plan_json import to_json
from optimizer.planning import run_record
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.run_record import Versions

VERSION_KEY = "solver"
"""The plan's only key that names a version."""


@dataclass(frozen=True, slots=True)
class RepeatedRun:
    """A repeated run."""

    plan: Plan
    request: PlanRequest
    difference: str | None
    """First difference from the plan of then, as a sentence; None if equal or nothing to compare
    with."""
    same_versions: bool


def repeat_run(data: Any) -> RepeatedRun:
    """Repeat a run from the JSON data of `optimizer export run`.

    Raises
    ------
    DataError
        If the data are no run that this version reads.
    """
    run = run_record.from_json(data)
    plan = make_plan(run.steps, run.request, run.timer())
    place = _first_difference(data.get("plan"), to_json(plan))
    now = run_record_of(plan, run.request, run.steps).versions
    text = None
    if place is not None:
        text = f"the plan of then was another one, first at {place}{_versions(run.versions, now)}"
    return RepeatedRun(plan, run.request, text, run.versions == now)


def _first_difference(then: Any, now: Any, place: str = "plan") -> str | None:
    """The first place where two plans differ; None if there was no plan to compare with."""
    if then is None and place == "plan":
        return None
    if isinstance(then, dict) and isinstance(now, dict):
        pairs = [(f"{place}.{key}", then.get(key), now.get(key)) for key in {**now, **then}]
        pairs = [pair for pair in pairs if pair[0] != f"plan.{VERSION_KEY}"]
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = [(f"{place}[{at}]", *pair) for at, pair in enumerate(zip(then, now, strict=True))]
    else:
        return None if then == now else f"{place}: {_short(then)} then, {_short(now)} now"
    found = (_first_difference(one, other, name) for name, one, other in pairs)
    return next((text for text in found if text is not None), None)


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something that nests too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _versions(then: Versions, now: Versions) -> str:
    pairs = [(item.name, getattr(then, item.name), getattr(now, item.name)) for item in fields(now)]
    changed = [f"{name} {one}, now {other}" for name, one, other in pairs if one != other]
    return f" (it was made with {'; '.join(changed)})" if changed else ", by the same versions"
