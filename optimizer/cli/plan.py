"""`optimizer plan`: the nightly planner."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.options import (
    AtOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    battery_of,
    client_of,
    load_config,
    moment,
)

if TYPE_CHECKING:
    from datetime import datetime

    from optimizer.config.sections import Config
    from optimizer.model.plan import Plan
    from optimizer.planning.planner import Request
    from optimizer.planning.task import ForecastStep


def plan(
    at: AtOption = None,
    soc: Annotated[
        float | None,
        typer.Option(
            help="State of charge now, instead of asking the FEMS.", min=0, max=100,
            metavar="PERCENT",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not store the plan.")] = False,
    csv: CsvOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Make tomorrow's plan: prices, load and roof in, a stored plan out."""
    if at is not None and soc is None:
        raise typer.BadParameter(
            "--at needs --soc: the FEMS only knows how full the battery is now", param_hint="--at"
        )
    # A short life with many small objects: collecting garbage would only cost its start-up.
    gc.disable()
    settings = load_config(config)
    made, request, steps = _make(settings, moment(at), soc)
    if not dry_run:
        _store(settings, made, request, steps)
    _print(settings, made, csv, as_json)


def _make(
    settings: "Config", at: "datetime", soc: float | None
) -> "tuple[Plan, Request, tuple[ForecastStep, ...]]":
    import time
    from dataclasses import replace

    from optimizer.cli import inputs
    from optimizer.model.grid import Rule
    from optimizer.planning.door import forecast_steps
    from optimizer.planning.planner import Request, make_plan

    frame, prices, spread, notes = inputs.forecast(settings, at)
    if soc is None:
        with client_of(settings) as client:
            soc = client.soc()
            battery, more = battery_of(settings, client)
    else:
        battery, more = battery_of(settings, None)
    steps, grid = forecast_steps(frame), settings.grid.grid()
    if not prices.grid_charging and grid.rule.grid_charging:
        grid = replace(grid, rule=Rule.PV_ONLY)
    stored = settings.planning.stored_value
    end_value = None if stored == "auto" else stored
    if end_value is None and prices.tail is not None:
        end_value, note = inputs.end_value(steps, prices.tail, battery)
        notes.append(note)
    request = Request(
        made_at=at,
        site=settings.site,
        battery=battery,
        grid=grid,
        soc_percent=soc,
        stored_value=end_value,
        notes=(*notes, *more),
        spread=spread,
    )
    return make_plan(steps, request, time.perf_counter), request, steps


def _store(
    settings: "Config", made: "Plan", request: "Request", steps: "tuple[ForecastStep, ...]"
) -> None:
    from dataclasses import asdict, fields

    from optimizer.model.plan import iso
    from optimizer.store import database, plans

    def plain(value: Any) -> Any:
        return iso(value) if hasattr(value, "isoformat") else value

    names = [item.name for item in fields(steps[0])]
    rows = [{name: plain(getattr(step, name)) for name in names} for step in steps]
    data = {key: plain(value) for key, value in asdict(request).items()} | {"steps": rows}
    connection = database.connect(settings.store.folder)
    try:
        plans.save(connection, made, data)
    finally:
        connection.close()


def _print(settings: "Config", made: "Plan", csv: Path | None, as_json: bool) -> None:
    from optimizer.cli.output import print_plan

    print_plan(settings, made, None, csv, as_json)
