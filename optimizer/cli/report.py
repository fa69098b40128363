"""`optimizer report`: the plan, what happened, and what it saved, as one HTML file."""

import json
import logging
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import (
    AtOption,
    ConfigOption,
    JsonOption,
    battery_of,
    load_config,
    moment,
)
from optimizer.errors import DataError, NoPlanError

if TYPE_CHECKING:
    from optimizer.analysis.ledger.book import House
    from optimizer.analysis.ledger.day import Day
    from optimizer.analysis.owner_report import Story
    from optimizer.config.sections import Config
    from optimizer.store.journal import Tick

log = logging.getLogger(__name__)

FILE = Path("optimizer-report.html")


def report(
    days: Annotated[
        int, typer.Option(help="Days to account for, today included.", min=1, max=366)
    ] = 7,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help=f"Default: {FILE}.", metavar="FILE", dir_okay=False),
    ] = None,
    at: AtOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Write one HTML file that opens offline, and print what was saved, day by day.

    With --json the accounts are printed as JSON, and the file is written only if it is named.
    """
    from optimizer.analysis import owner_report
    from optimizer.analysis.ledger import book, words
    from optimizer.store import database

    settings, now = load_config(config), moment(at)
    house = house_of(settings)
    connection = database.connect(settings.store.folder)
    try:
        book.close(connection, house, now)
        accounts = book.days(connection, house, now, days)
        story = _story(connection, settings, house, now, accounts)
    finally:
        connection.close()
    path = out if out is not None or as_json else FILE
    if path is not None:
        _write(path, owner_report.render(story))
    if as_json:
        head = {"schema": "report/1", "at": now.isoformat(), "file": path and str(path)}
        typer.echo(json.dumps(head | words.as_json(accounts)))
        return
    typer.echo("\n".join(words.lines(accounts, settings.battery.capacity_wh)))
    typer.echo(f"The whole story with pictures: {path}")


def house_of(config: "Config") -> "House":
    """What the accounts go by."""
    from optimizer.analysis.ledger.book import House
    from optimizer.analysis.ledger.walk import Terms
    from optimizer.cli.output import zone_of

    battery, _ = battery_of(config, None)
    terms = Terms(battery, config.grid.grid(config.pv.kwp), config.control.follow)
    return House(config.site, terms, zone_of(config))


def close_accounts(config: "Config", now: datetime) -> None:
    """Close the accounts of the last days while the plans that were in force are kept.

    A plan is worth more than an account: what goes wrong here is one line in the log.
    """
    from optimizer.analysis.ledger import book
    from optimizer.store import database

    try:
        connection = database.connect(config.store.folder)
        try:
            book.close(connection, house_of(config), now)
        finally:
            connection.close()
    except (DataError, sqlite3.Error) as error:
        log.warning("the savings of the last days cannot be accounted for: %s", error)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _story(
    connection: sqlite3.Connection, config: "Config", house: "House", now: datetime,
    accounts: "list[Day]",
) -> "Story":  # fmt: skip
    from optimizer.analysis.ledger import book
    from optimizer.analysis.owner_report import PICTURED, Story, doubts
    from optimizer.analysis.status import Status
    from optimizer.store import live, plans

    plan, no_plan = None, ""
    try:
        plan = plans.in_force(connection, now)
    except NoPlanError as error:
        no_plan = str(error)
    capacity_wh = config.battery.capacity_wh
    seen = live.read(live.path_for(config.store.folder))
    state = Status(now, plan, no_plan, seen, capacity_wh)
    begin = book.bounds((now - PICTURED).astimezone(house.zone).date(), house.zone)[1]
    known = book.known(connection, begin, now)
    first = now - timedelta(days=max(1, len(accounts)))
    return Story(
        site=config.site,
        now=now,
        zone=house.zone,
        capacity_wh=capacity_wh,
        state=f"{state.state.replace('_', ' ').capitalize()}: {state.why}",
        plan=plan,
        no_plan=no_plan,
        days=accounts,
        quarters=known.quarters,
        prices=known.prices,
        alone=book.own_use_charge(known, begin, now, house),
        reasons=doubts(_changes(connection, first, now), now),
        attributions=_attributions(config),
    )


def _changes(connection: sqlite3.Connection, first: datetime, now: datetime) -> "list[Tick]":
    from optimizer.store import journal

    return [t for t in journal.ticks_between(connection, first, now) if t.kind == "change"]


def _attributions(config: "Config") -> list[str]:
    """Whom the sources that are used oblige us to name."""
    from optimizer.sources import registry

    used = [
        *(registry.PRICES.get(name) for name in config.prices.sources),
        registry.LOAD.get(config.load.source),
        registry.ROOF.get(config.pv.source),
    ]
    named = [source.attribution for source in used if source is not None and source.attribution]
    return list(dict.fromkeys(named))
