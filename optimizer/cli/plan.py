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

    from optimizer.cli import inputs
    from optimizer.planning.door import forecast_steps
    from optimizer.planning.planner import Request, make_plan

    frame, notes = inputs.forecast(settings, at)
    if soc is None:
        with client_of(settings) as client:
            soc = client.soc()
            battery, more = battery_of(settings, client)
    else:
        battery, more = battery_of(settings, None)
    stored = settings.planning.stored_value
    request = Request(
        made_at=at,
        site=settings.site,
        battery=battery,
        grid=settings.grid.grid(settings.pv.kwp),
        soc_percent=soc,
        stored_value=None if stored == "auto" else stored,
        notes=(*notes, *more),
        peak=None if settings.tariff is None else settings.tariff.tariff().peak,
        last_full_charge=_last_full_charge(settings),
    )
    steps = forecast_steps(frame)
    return make_plan(steps, request, time.perf_counter), request, steps


def _last_full_charge(settings: "Config") -> "datetime | None":
    """From the journal, and only where the owner wants full charges."""
    from optimizer.store import database, journal

    if not settings.battery.full_charge_every_days:
        return None
    connection = database.connect(settings.store.folder)
    try:
        return journal.last_full(connection)
    finally:
        connection.close()


def _store(
    settings: "Config", made: "Plan", request: "Request", steps: "tuple[ForecastStep, ...]"
) -> None:
    from dataclasses import asdict, fields
    from zoneinfo import ZoneInfo

    from optimizer.model.plan import iso
    from optimizer.store import database, plans

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if hasattr(value, "isoformat"):
            return iso(value)
        return str(value) if isinstance(value, ZoneInfo) else value

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
