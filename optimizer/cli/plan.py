"""`optimizer plan`: the nightly planner."""

import gc
from typing import TYPE_CHECKING, Annotated

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

    from optimizer.cli.inputs import Foreseen
    from optimizer.config.sections import Config
    from optimizer.model.plan import Plan
    from optimizer.planning.planner import Request
    from optimizer.planning.run_json import Run
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
    """Make tomorrow's plan: prices, load and roof in, a stored plan out.

    For a past moment without --soc the store tells what was known then; such a plan is not stored,
    nor is one for a past moment that reaches into the present: control would follow it.
    """
    # A short life with many small objects: collecting garbage would only cost its start-up.
    gc.disable()
    from optimizer.cli import runs
    from optimizer.cli.output import print_plan, zone_of
    from optimizer.cli.report import close_accounts
    from optimizer.model.quarter import QUARTER

    settings, now = load_config(config), moment(None)
    moment_at = now if at is None else moment(at)
    looks_back = soc is None and at is not None and moment_at <= now
    if looks_back:
        request, steps = runs.as_known_then(settings.store.folder, moment_at)
    else:
        request, steps = _gather(settings, moment_at, soc, ahead=moment_at > now)
    outdated = moment_at < now - QUARTER and steps[-1].end > now
    if outdated and not looks_back:
        request = runs.told_outdated(request)
    made, run = _make(request, steps)
    if not (dry_run or looks_back or outdated):
        runs.store(settings.store.folder, made, run, now)
        close_accounts(settings, now)
    capacity_wh = request.battery.capacity_wh
    print_plan(made, capacity_wh, zone_of(settings), csv=csv, as_json=as_json)


def _make(request: "Request", steps: "tuple[ForecastStep, ...]") -> "tuple[Plan, Run]":
    import time

    from optimizer.cli import runs
    from optimizer.planning.planner import make_plan

    made = make_plan(steps, request, time.perf_counter)
    return made, runs.run_of(made, request, steps)


def _gather(
    settings: "Config", at: "datetime", soc: float | None, *, ahead: bool
) -> "tuple[Request, tuple[ForecastStep, ...]]":
    """What a plan is made from: the sources, and the FEMS where it has to be asked."""
    from dataclasses import replace

    from optimizer.cli import inputs, runs
    from optimizer.cli.output import zone_of
    from optimizer.model.grid import Rule
    from optimizer.planning.door import forecast_steps
    from optimizer.planning.planner import Request

    known: list[str] = []
    if soc is None and ahead:
        soc, note = runs.soc_ahead(settings.store.folder, at, settings.battery.capacity_wh)
        known.append(note)
    foreseen = inputs.forecast(settings, at)
    if soc is None:
        with client_of(settings) as client:
            soc = client.soc()
            battery, more = battery_of(settings, client)
    else:
        battery, more = battery_of(settings, None)
    steps, grid = forecast_steps(foreseen.frame), settings.grid.grid(settings.pv.kwp)
    if not foreseen.prices.grid_charging and grid.rule.grid_charging:
        grid = replace(grid, rule=Rule.PV_ONLY)
    request = Request(
        made_at=at,
        site=settings.site,
        battery=battery,
        grid=grid,
        soc_percent=soc,
        notes=(*foreseen.notes, *more, *known),
        peak=None if settings.tariff is None else settings.tariff.tariff().peak,
        last_full_charge=_last_full_charge(settings),
        spread=foreseen.spread,
        roof_days=foreseen.roof_days,
        time_zone=zone_of(settings).key,
    )
    return _with_end_value(request, settings, steps, foreseen), steps


def _with_end_value(
    request: "Request", settings: "Config", steps: "tuple[ForecastStep, ...]", foreseen: "Foreseen"
) -> "Request":
    """The request with what energy is worth that is left at the end."""
    from dataclasses import replace

    from optimizer.cli import inputs
    from optimizer.planning.door import forecast_steps

    stored, tail = settings.planning.stored_value, foreseen.prices.tail
    if stored != "auto":
        return replace(request, stored_value=stored)
    notes = (*request.notes, *inputs.outlook_notes(steps[-1].end, tail))
    if foreseen.beyond is not None:
        return replace(request, beyond=forecast_steps(foreseen.beyond), notes=notes)
    if tail is None:
        return request
    worth = inputs.mean_value(steps, tail, request.battery)
    return replace(request, stored_value=worth, notes=notes)


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
