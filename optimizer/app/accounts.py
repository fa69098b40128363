"""Accounts of what was saved, from the configuration and its store; without pandas."""

import logging
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from optimizer.app.device_access import battery_of
from optimizer.errors import DataError

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.savings.account import DayAccount
    from optimizer.savings.daily_accounts import AccountInputs

log = logging.getLogger(__name__)


def account_inputs(config: "Config") -> "AccountInputs":
    """Battery, grid, rule of following and time zone that the accounts use."""
    from optimizer.savings.battery_path import AccountingRules
    from optimizer.savings.daily_accounts import AccountInputs

    battery, _ = battery_of(config, None)
    peak = None if config.tariff is None else config.tariff.peak
    rules = AccountingRules(battery, config.connection, config.control.follow, peak)
    return AccountInputs(config.site, rules, config.zone)


def close_accounts(config: "Config", now: datetime) -> None:
    """Close the accounts of the last days while the plans that were in force are kept.

    After a day that was closed, all of the last weeks are judged (`stand_down.py`). It runs after
    each nightly plan, which must not fail for an account: an error is one line in the log.
    """
    from optimizer.app.stand_down import stand_down_if_losing
    from optimizer.savings import daily_accounts
    from optimizer.store import database

    try:
        with closing(database.connect(config.store.folder)) as connection:
            if daily_accounts.close(connection, account_inputs(config), now):
                stand_down_if_losing(connection, config, now)
    except (DataError, sqlite3.Error) as error:
        log.warning("the savings of the last days cannot be accounted for: %s", error)


def account_of_today(
    connection: sqlite3.Connection, config: "Config", now: datetime
) -> "DayAccount | None":
    """Today's account so far; None if no quarter-hour of today can be counted."""
    from optimizer.savings import daily_accounts

    house = account_inputs(config)
    return daily_accounts.of_day(connection, house, now.astimezone(house.zone).date(), now)
