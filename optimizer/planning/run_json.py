"""A planning run's whole input as JSON data: the `run/1` contract, for `replay` and `explain`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from optimizer.errors import DataError
from optimizer.model import records
from optimizer.planning.planner import Request
from optimizer.planning.task import ForecastStep

SCHEMA = "run/1"


@dataclass(frozen=True, slots=True)
class Versions:
    """What the run was made with: the same versions give the same bytes."""

    optimizer: str
    python: str
    pulp: str
    solver: str


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that `make_plan` reads."""

    request: Request
    steps: tuple[ForecastStep, ...]
    solve_s: float
    """How long the planning took [s]: part of the plan, so part of what is repeated."""
    versions: Versions

    def timer(self) -> Callable[[], float]:
        """A clock that shows the time which the planning took then."""
        ticks = chain([0.0], repeat(self.solve_s))
        return lambda: next(ticks)


def to_json(run: Run) -> dict[str, Any]:
    """A run as JSON data under the `run/1` contract; it holds no secrets."""
    data: dict[str, Any] = records.plain(run)
    return {"schema": SCHEMA} | data


def from_json(data: Any) -> Run:
    """Read a run back, whole or not at all; a plan beside it (key `plan`) is left alone.

    Raises
    ------
    DataError
        If the schema is another one, or anything is missing, unknown or of another type.
    """
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if schema != SCHEMA:
        raise DataError(
            f"this is no planning run that this version reads ({SCHEMA!r}; it says {schema!r}): "
            "'optimizer export run' writes one"
        )
    body = {key: value for key, value in data.items() if key not in ("schema", "plan")}
    try:
        run = records.read(Run, body, "run")
    except ValueError as error:
        raise DataError(f"the planning run cannot be read: {error}") from error
    if not run.steps:
        raise DataError("the planning run cannot be read: run.steps is empty")
    return run
