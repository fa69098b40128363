"""`optimizer status`: what is held and why."""

import json
from datetime import timedelta

import typer

from optimizer.cli.options import ConfigOption, JsonOption, load_config, moment
from optimizer.errors import ExitCode, NoPlanError


def status(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say in five lines what is held and why; exit code 6 when no plan covers this moment."""
    from optimizer.analysis.ledger import book
    from optimizer.analysis.status import Status
    from optimizer.cli.output import zone_of
    from optimizer.cli.report import house_of
    from optimizer.store import database, exchange, live, plans

    settings, now = load_config(config), moment(None)
    connection = database.connect(settings.store.folder)
    plan, no_plan = None, ""
    try:
        plan = plans.in_force(connection, now)
    except NoPlanError as error:
        no_plan = str(error)
    finally:
        last_day = exchange.sums(connection, now - timedelta(days=1))
        house = house_of(settings)
        today = book.of_day(connection, house, now.astimezone(house.zone).date(), now)
        connection.close()
    seen = live.read(live.path_for(settings.store.folder))
    saving = None if today is None else today.saving_eur
    state = Status(now, plan, no_plan, seen, settings.battery.capacity_wh, saving)
    if as_json:
        data = state.as_json() | {
            "last_day": last_day.as_json(),
            "today": None if today is None else today.as_json(),
        }
        typer.echo(json.dumps(data, ensure_ascii=False))
    else:
        typer.echo("\n".join(state.lines(zone_of(settings))))
    if plan is None:
        raise typer.Exit(ExitCode.NO_PLAN)
