"""What a planning run is made of: its input, the versions, and where it is stored."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from optimizer.errors import NoPlanError
from optimizer.model.plan import iso

if TYPE_CHECKING:
    import sqlite3

    from optimizer.model.plan import Plan
    from optimizer.planning.planner import Request
    from optimizer.planning.run_json import Run
    from optimizer.planning.task import ForecastStep

KNOWN_SO_LONG = timedelta(minutes=30)
"""A state of charge older than this says nothing of the moment."""


def run_of(made: "Plan", request: "Request", steps: "tuple[ForecastStep, ...]") -> "Run":
    """The run behind a plan that was just made."""
    import platform
    from importlib.metadata import version

    from optimizer import __version__
    from optimizer.planning.run_json import Run, Versions

    versions = Versions(__version__, platform.python_version(), version("pulp"), made.solver)
    return Run(request, steps, made.solve_s, versions)


def store(folder: "Path", made: "Plan", run: "Run", now: datetime) -> None:
    """Store a plan with its run."""
    from optimizer.planning import run_json
    from optimizer.store import database, plans

    connection = database.connect(folder)
    try:
        plans.save(connection, made, run_json.to_json(run), now)
    finally:
        connection.close()


def as_known_then(folder: "Path", at: datetime) -> "tuple[Request, tuple[ForecastStep, ...]]":
    """What a plan for a past moment is made from: the forecast and the battery as known then.

    Raises
    ------
    typer.BadParameter
        If the store does not know that moment.
    """
    from optimizer.planning import run_json
    from optimizer.store import database, plans

    connection = database.connect(folder)
    try:
        number = plans.last_before(connection, at)
        if number is None:
            raise _needs_soc(f"no planning run made at or before {iso(at)} is stored")
        run = run_json.from_json(plans.run_of(connection, number))
        soc, known = _soc_then(connection, run, at)
    finally:
        connection.close()
    steps = tuple(step for step in run.steps if step.end > at)
    made = iso(run.request.made_at)
    if not steps:
        raise _needs_soc(f"the forecast known at {iso(at)}, of {made}, ends before")
    notes = (
        *run.request.notes,
        f"looked back: forecast, battery and limits as known in the run of {made}, {known}; "
        "the plan is not stored",
    )
    return replace(run.request, made_at=at, soc_percent=soc, notes=notes), steps


def _soc_then(connection: "sqlite3.Connection", run: "Run", at: datetime) -> tuple[float, str]:
    """State of charge at a past moment, and where it is from: the journal, or the run itself."""
    from optimizer.store import journal

    noted = journal.soc_before(connection, at)
    if noted is not None and at - noted[1] <= KNOWN_SO_LONG:
        return noted[0], f"state of charge {noted[0]:.0f} % by the journal of {iso(noted[1])}"
    if at - run.request.made_at <= KNOWN_SO_LONG:
        return run.request.soc_percent, f"state of charge {run.request.soc_percent:.0f} % too"
    raise _needs_soc(f"the journal does not know the state of charge at {iso(at)}")


def told_outdated(request: "Request") -> "Request":
    """The request of a plan for a past moment that reaches into the present, saying so."""
    note = "made for a past moment, reaching into the present: the plan is not stored"
    return replace(request, notes=(*request.notes, note))


def soc_ahead(folder: "Path", at: datetime, capacity_wh: float) -> tuple[float, str]:
    """State of charge that the plan in force has at a moment to come, and a note.

    Raises
    ------
    typer.BadParameter
        If no plan covers that moment.
    """
    from optimizer.store import database, plans

    connection = database.connect(folder)
    try:
        plan = plans.in_force(connection, at)
    except NoPlanError as error:
        raise _needs_soc(f"{iso(at)} is still to come and no plan covers it") from error
    finally:
        connection.close()
    soc = plan.start_soc_percent
    for step in plan.steps:
        if step.end > at:
            break
        soc = 100 * step.soc_wh / capacity_wh
    note = f"state of charge {soc:.0f} % as in the plan of {iso(plan.made_at)}"
    return round(soc, 4), note


def _needs_soc(why: str) -> typer.BadParameter:
    return typer.BadParameter(f"--at needs --soc here: {why}", param_hint="--at")
