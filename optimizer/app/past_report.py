"""Inputs of the owner's report: accounts, record, plan in force and attributions."""

import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from optimizer.app.accounts import account_inputs
from optimizer.app.current_plan import current_state, opened_store
from optimizer.report.owner_report import PICTURED, OwnerReport, interruptions
from optimizer.report.picture_inputs import GERMANY
from optimizer.report.status_lines import Status
from optimizer.savings import daily_accounts
from optimizer.sources.attributions import ATTRIBUTIONS
from optimizer.store import journal
from optimizer.text import account_text

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.store.journal import Tick


def owner_report(config: "Config", now: datetime, days: int) -> OwnerReport:
    """Gather the report of the last days up to today; nothing is written."""
    house = account_inputs(config)
    status = current_state(config, now).status
    with opened_store(config.store.folder) as (connection, _):
        accounts = daily_accounts.days(connection, house, now, days)
        begin, _ = daily_accounts.bounds((now - PICTURED).astimezone(house.zone).date(), house.zone)
        known = daily_accounts.known(connection, begin, now)
        first = now - timedelta(days=max(1, len(accounts)))
        reasons = interruptions(_changes(connection, first, now), now)
    return OwnerReport(
        **of_house(config, status),
        days=accounts,
        quarters=known.quarters,
        prices=known.prices,
        without_plan=daily_accounts.self_consumption_charge(known, begin, now, house),
        reasons=reasons,
        footnotes=account_text.footnotes(accounts, house.terms, config.money),
    )


def of_house(config: "Config", status: Status) -> dict[str, Any]:
    """Arguments of an `OwnerReport` that need no record: site, state and plan."""
    return {
        "site": config.site,
        "now": status.now,
        "zone": config.zone,
        "capacity_wh": config.battery.capacity_wh,
        "state": _sentence(status),
        "plan": status.plan,
        "no_plan": status.no_plan,
        "attributions": _attributions(config),
        "lowest_percent": config.battery.min_soc_percent,
        "highest_percent": config.battery.max_soc_percent,
        "place": _place(config),
        "money": config.money,
    }


def _sentence(status: Status) -> str:
    """The state and its reason, which is the state itself where no executor is running."""
    if status.state == "not_running":
        return status.why[0].upper() + status.why[1:]
    return f"{status.state.replace('_', ' ').capitalize()}: {status.why}"


def _place(config: "Config") -> tuple[float, float]:
    """Latitude and longitude of the house [degrees]; the middle of Germany if unknown."""
    latitude, longitude = config.pv.latitude, config.pv.longitude
    return GERMANY if latitude is None or longitude is None else (latitude, longitude)


def _changes(connection: sqlite3.Connection, begin: datetime, end: datetime) -> "list[Tick]":
    return [tick for tick in journal.ticks_between(connection, begin, end) if tick.kind == "change"]


def _attributions(config: "Config") -> list[str]:
    """Attributions that the licences of the sources in use require."""
    used = (*config.prices.names, config.load.source, config.pv.source)
    return list(dict.fromkeys(ATTRIBUTIONS[name] for name in used if name in ATTRIBUTIONS))
