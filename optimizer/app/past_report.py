"""Inputs of the owner's report: accounts, record, plan in force and attributions."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from optimizer.app.accounts import account_inputs
from optimizer.errors import NoPlanError
from optimizer.report.owner_report import PICTURED, OwnerReport, interruptions
from optimizer.report.picture_inputs import GERMANY
from optimizer.report.status_lines import Status
from optimizer.savings import daily_accounts
from optimizer.sources import registry
from optimizer.store import database, journal, live_state, plan_store

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.savings.account import DayAccount
    from optimizer.savings.daily_accounts import AccountInputs
    from optimizer.store.journal import Tick


def owner_report(config: "Config", now: datetime, days: int) -> OwnerReport:
    """Close the days that are over, and gather the report of the last days up to today."""
    house = account_inputs(config)
    with closing(database.connect(config.store.folder)) as connection:
        daily_accounts.close(connection, house, now)
        accounts = daily_accounts.days(connection, house, now, days)
        return _gathered(connection, config, house, now, accounts)


def _gathered(
    connection: sqlite3.Connection, config: "Config", house: "AccountInputs", now: datetime,
    accounts: "list[DayAccount]",
) -> OwnerReport:  # fmt: skip
    plan, no_plan = None, ""
    try:
        plan = plan_store.in_force(connection, now)
    except NoPlanError as error:
        no_plan = str(error)
    capacity_wh = config.battery.capacity_wh
    live = live_state.read(live_state.path_for(config.store.folder))
    status = Status(now, plan, no_plan, live, capacity_wh)
    begin = daily_accounts.bounds((now - PICTURED).astimezone(house.zone).date(), house.zone)[1]
    known = daily_accounts.known(connection, begin, now)
    first = now - timedelta(days=max(1, len(accounts)))
    return OwnerReport(
        site=config.site,
        now=now,
        zone=house.zone,
        capacity_wh=capacity_wh,
        state=f"{status.state.replace('_', ' ').capitalize()}: {status.why}",
        plan=plan,
        no_plan=no_plan,
        days=accounts,
        quarters=known.quarters,
        prices=known.prices,
        without_plan=daily_accounts.self_consumption_charge(known, begin, now, house),
        reasons=interruptions(_changes(connection, first, now), now),
        attributions=_attributions(config),
        lowest_percent=config.battery.min_soc_percent,
        highest_percent=config.battery.max_soc_percent,
        place=_place(config),
        money=config.money,
    )


def _place(config: "Config") -> tuple[float, float]:
    """Latitude and longitude of the house [degrees]; the middle of Germany if unknown."""
    latitude, longitude = config.pv.latitude, config.pv.longitude
    return GERMANY if latitude is None or longitude is None else (latitude, longitude)


def _changes(connection: sqlite3.Connection, begin: datetime, end: datetime) -> "list[Tick]":
    return [tick for tick in journal.ticks_between(connection, begin, end) if tick.kind == "change"]


def _attributions(config: "Config") -> list[str]:
    """Attributions that the licences of the sources in use require."""
    used = [
        *(registry.PRICES.get(name) for name in config.prices.names),
        registry.LOAD.get(config.load.source),
        registry.PV.get(config.pv.source),
    ]
    named = [source.attribution for source in used if source is not None and source.attribution]
    return list(dict.fromkeys(named))
