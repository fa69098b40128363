"""A planning run's whole input as JSON data: the `run/2` contract, for `replay` and `explain`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.errors import DataError
from optimizer.model import json_records
from optimizer.model.ranges import EUR_PER_KWH, Range
from optimizer.planning.planner import PlanRequest
from optimizer.planning.task import Steps, check_steps

SCHEMA = "run/2"
FORMER_SCHEMA = "run/1"
FORMER_KEYS = {
    "dimming": "operator_limits",
    "rests_roof": "price_curtailment",
    "roof_days": "pv_days",
}
"""Keys of `run/1` that have another name today."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions that the run was made with: the same versions give the same bytes."""

    optimizer: str
    python: str
    pulp: str
    solver: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything that `make_plan` reads."""

    request: PlanRequest
    steps: Steps
    solve_s: Annotated[float, Range(0, 1e6)]
    """How long the planning took [s]: part of the plan, so part of what is repeated."""
    versions: Versions

    def timer(self) -> Callable[[], float]:
        """A clock that shows the time which the planning took then."""
        ticks = chain([0.0], repeat(self.solve_s))
        return lambda: next(ticks)


def to_json(run: RunRecord) -> dict[str, Any]:
    """A run as JSON data under the `run/2` contract; it holds no secrets."""
    data: dict[str, Any] = json_records.plain(run)
    return {"schema": SCHEMA} | data


def from_json(data: Any) -> RunRecord:
    """Read a run back, whole or not at all; a plan beside it (key `plan`) is left alone.

    Raises
    ------
    DataError
        If the schema is another one, or anything is missing, unknown, of another type or outside
        of its range.
    """
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or schema not in (SCHEMA, FORMER_SCHEMA):
        raise DataError(
            f"this is no planning run that this version reads ({SCHEMA!r}; it says {schema!r}): "
            "'optimizer export run' writes one"
        )
    if schema == FORMER_SCHEMA:
        data = _renamed(data)
    body = {key: value for key, value in data.items() if key not in ("schema", "plan")}
    try:
        run = json_records.read_record(RunRecord, body, "run")
        _check(run)
    except ValueError as error:
        raise DataError(f"the planning run cannot be read: {error}") from error
    return run


def _renamed(value: Any) -> Any:
    """Data of `run/1` under today's keys."""
    if isinstance(value, Mapping):
        return {FORMER_KEYS.get(key, key): _renamed(item) for key, item in value.items()}
    return [_renamed(item) for item in value] if isinstance(value, list) else value


def _check(run: RunRecord) -> None:
    """Refuse what each value alone does not show.

    Raises
    ------
    ValueError
        With the place.
    """
    request = run.request
    if not run.steps:
        raise ValueError("run.steps is empty")
    check_steps(run.steps, "run.steps")
    check_steps(request.beyond, "run.request.beyond")
    prices = EUR_PER_KWH.sized(request.money.size)
    for place, steps in (("run.steps", run.steps), ("run.request.beyond", request.beyond)):
        for at, step in enumerate(steps):
            prices.check(step.buy, f"{place}[{at}].buy")
            prices.check(step.sell, f"{place}[{at}].sell")
    try:
        ZoneInfo(request.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError("run.request.time_zone is no time zone such as Europe/Berlin") from error
