"""Standing down: control that loses beyond chance goes on without holding anything.

The planner judges the days that are over, once for each new one; the executor only finds the pause.
"""

import logging
import sqlite3
from datetime import date, datetime
from typing import TYPE_CHECKING

from optimizer.app.accounts import account_inputs
from optimizer.savings import daily_accounts, loss_test
from optimizer.savings.daily_gains import daily_gains
from optimizer.savings.likely_part import LikelyPart, likely_part
from optimizer.savings.loss_test import Loss
from optimizer.store import journal, judged_days, pause
from optimizer.store.pause import Pause, PauseKind

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.savings.daily_accounts import AccountInputs

log = logging.getLogger(__name__)


def stand_down_if_losing(
    connection: sqlite3.Connection, config: "Config", now: datetime
) -> Pause | None:
    """Judge the days that are over, and stand down where control loses beyond chance.

    Returns
    -------
    Pause | None
        The stand-down that was begun; None without one, also while control is paused.
    """
    folder = config.store.folder
    stored = pause.load(folder)
    if not config.control.stand_down or (stored is not None and stored.in_force(now)):
        return None
    house = account_inputs(config)
    loss = _loss(connection, house, judged_days.since(folder), now)
    if loss is None:
        return None
    part = _part(connection, house, loss)
    lost = f"{config.money.amount(loss.eur)} in {loss.days} days (since {loss.since})"
    by = f"the accounts: control lost {lost} against the battery left to itself; likely {part}"
    order = Pause(now, by, kind=PauseKind.STAND_DOWN)
    pause.store(folder, order)
    log.warning("control stands down %s", order.text(config.zone))
    return order


def _loss(
    connection: sqlite3.Connection, house: "AccountInputs", since: datetime | None, now: datetime
) -> Loss | None:
    """Loss of the last weeks, if it is beyond chance; today is not over and does not count."""
    today = now.astimezone(house.zone).date()
    begin, _ = daily_accounts.bounds(today - loss_test.LOOKED_BACK, house.zone)
    end, _ = daily_accounts.bounds(today, house.zone)
    known = daily_accounts.metered(connection, max(begin, since or begin), end)
    gains = daily_gains(known, house.terms, house.zone)
    if not gains:
        return None
    buys = [price.buy for price in known.prices.values()]
    battery = house.terms.battery
    bound = loss_test.bound_eur(battery.max_wh - battery.min_wh, sum(buys) / len(buys))
    return loss_test.judged(gains, bound)


def _part(connection: sqlite3.Connection, house: "AccountInputs", loss: Loss) -> LikelyPart:
    days = daily_accounts.closed_days(connection, loss.since, loss.until)
    return likely_part(days, _writer_share(connection, house, loss.since))


def _writer_share(connection: sqlite3.Connection, house: "AccountInputs", since: date) -> float:
    """Share of the summaries in which control gave way to another writer."""
    begin, _ = daily_accounts.bounds(since, house.zone)
    rows = journal.ticks(connection, begin, "summary")
    return sum(row.reason == "YIELDED" for row in rows) / max(1, len(rows))
