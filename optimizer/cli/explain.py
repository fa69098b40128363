"""`optimizer explain`: why a step does what it does, and why not something else."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import ConfigOption, JsonOption, load_config, moment

if TYPE_CHECKING:
    from datetime import datetime

    from optimizer.analysis.explanation import Explanation
    from optimizer.config.sections import Config


def explain(
    at: Annotated[
        str | None, typer.Argument(help="A moment with its offset; default: now.", metavar="ISO")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say why a step of the plan does what it does, and what the alternatives would cost."""
    from optimizer.cli.output import zone_of

    settings = load_config(config)
    told = _explain(settings, moment(at, "ISO"), is_now=at is None)
    if as_json:
        typer.echo(json.dumps(told.as_json(), ensure_ascii=False))
    else:
        typer.echo("\n".join(told.lines(zone_of(settings))))


def _explain(settings: "Config", at: "datetime", *, is_now: bool) -> "Explanation":
    from optimizer.analysis import status
    from optimizer.analysis.explanation import Explanation
    from optimizer.planning import planner, run_json, why_not
    from optimizer.store import database, live, plans

    connection = database.connect(settings.store.folder)
    try:
        number = plans.number_in_force(connection, at)
        plan = plans.load(connection, number)
        run = run_json.from_json(plans.run_of(connection, number))
    finally:
        connection.close()
    index = next(place for place, step in enumerate(plan.steps) if step.end > at)
    task = planner.task_of(run.steps, run.request)
    soc = None
    if is_now:
        seen = live.read(live.path_for(settings.store.folder))
        running = status.Status(at, plan, "", seen, task.battery.capacity_wh).running
        soc = seen["soc_percent"] if running and seen is not None else None
    asked = tuple(why_not.alternatives(task, plan, index))
    return Explanation(at, plan, index, task.battery, task.grid, asked, soc)
