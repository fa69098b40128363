"""From the store to accounts: which days there are, what was known then, what is closed."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.errors import NoPlanError
from optimizer.model.moments import QUARTER, floor
from optimizer.model.plan import Plan
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings import account
from optimizer.savings.account import DayAccount
from optimizer.savings.battery_path import AccountingRules
from optimizer.savings.measured_day import KnownQuarters, QuarterPrice, ReachedPeaks
from optimizer.store import closed_accounts, overrides, plan_store, quarter_record
from optimizer.store.overrides import Ending, StoredOverride

SETTLED = timedelta(hours=1)
"""So long after its end a day may be closed: the executor has written its last rows."""

CLOSED_BACK = 3
"""Days that are looked at for closing: as long as every plan is kept."""


@dataclass(frozen=True, slots=True)
class AccountInputs:
    """Inputs of the accounts of a site."""

    site: str
    terms: AccountingRules
    zone: ZoneInfo


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A local day's first moment and its end (UTC): 23, 24 or 25 hours apart.

    >>> begin, end = bounds(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    >>> (end - begin) // timedelta(hours=1)
    23
    """
    begin, end = (
        datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(1))
    )
    return begin, end


def metered(connection: sqlite3.Connection, begin: datetime, end: datetime) -> KnownQuarters:
    """Measurements, prices and overrides of a span, without the plans."""
    return KnownQuarters(
        quarter_record.between(connection, begin, end),
        _prices(connection, begin, end),
        {},
        override_prices(overrides.between(connection, begin, end), begin, end),
    )


def known(connection: sqlite3.Connection, begin: datetime, end: datetime) -> KnownQuarters:
    """Everything that is known of a span."""
    found = metered(connection, begin, end)
    return replace(found, plans=_in_force(connection, begin, end, found.quarters))


def _reached(
    connection: sqlite3.Connection, house: AccountInputs, day: date, now: datetime
) -> ReachedPeaks:
    """Highest powers of the month or year before a day, by the accounts of its days."""
    peak = house.terms.peak
    begin, _ = bounds(day, house.zone)
    if peak is None:
        return ReachedPeaks()
    first = peak.period_begin(begin).date()
    before = closed_days(connection, first, day - timedelta(days=1))
    closed = {one.day for one in before}
    for back in range(1, CLOSED_BACK + 1):
        open_day = day - timedelta(days=back)
        if open_day >= first and open_day.isoformat() not in closed:
            made = _account(connection, house, open_day, now, ReachedPeaks())
            before += [] if made is None else [made]
    return ReachedPeaks(
        max([peak.reached_w, *(one.peak_w for one in before)]),
        max([peak.reached_w, *(one.self_consumption_peak_w for one in before)]),
    )


def override_prices(
    taken: Sequence[StoredOverride], begin: datetime, end: datetime
) -> dict[datetime, float]:
    """Prices of overrides, spread over their time: what falls to each quarter-hour [EUR].

    The whole price falls to the time that an override was meant to last; one that was cancelled or
    replaced has cost its part until then, a charge that was there earlier all of it. One that no
    plan was made under has cost nothing.
    """
    prices: dict[datetime, float] = {}
    for stored in taken:
        order, over = stored.override, stored.end()
        whole = over if stored.ending is Ending.REACHED else order.until
        length = max(whole - order.since, timedelta(seconds=1))
        at = floor(max(begin, order.since))
        while at < min(end, over):
            part = min(at + QUARTER, over) - max(at, order.since)
            share = max(part, timedelta(0)) / length
            prices[at] = prices.get(at, 0.0) + (stored.cost_eur or 0.0) * share
            at += QUARTER
    return prices


def _prices(
    connection: sqlite3.Connection, begin: datetime, end: datetime
) -> dict[datetime, QuarterPrice]:
    """Prices of quarter-hours: the last reported ones count, shorter steps are averaged."""
    longer: dict[datetime, QuarterPrice] = {}
    shorter: dict[datetime, dict[datetime, QuarterPrice]] = {}
    for start, step_s, buy, sell in plan_store.prices(connection, begin, end):
        quarter = floor(start)
        if step_s < QUARTER.total_seconds():
            shorter.setdefault(quarter, {})[start] = QuarterPrice(buy, sell)
            continue
        shorter.pop(quarter, None)
        for place in range(max(1, round(step_s / QUARTER.total_seconds()))):
            longer[quarter + place * QUARTER] = QuarterPrice(buy, sell)
    for quarter, parts in shorter.items():
        buys, sells = zip(*parts.values(), strict=True)
        longer[quarter] = QuarterPrice(sum(buys) / len(buys), sum(sells) / len(sells))
    return longer


def _in_force(
    connection: sqlite3.Connection, begin: datetime, end: datetime,
    measured: Sequence[QuarterEnergy],
) -> dict[datetime, Plan]:  # fmt: skip
    """For each measured quarter-hour the newest plan that was made by its start and covers it."""
    spans, loaded, found = plan_store.spans(connection, begin, end), dict[int, Plan | None](), {}
    for quarter in measured:
        at = quarter.start
        for number, made_at, first, last in reversed(spans):
            if not (made_at <= at and first <= at < last):
                continue
            if number not in loaded:
                loaded[number] = _readable(connection, number)
            plan = loaded[number]
            if plan is not None:
                found[at] = plan
                break
    return found


def _readable(connection: sqlite3.Connection, number: int) -> Plan | None:
    try:
        return plan_store.load(connection, number)
    except NoPlanError:
        return None


def of_day(
    connection: sqlite3.Connection, house: AccountInputs, day: date, now: datetime
) -> DayAccount | None:
    """A day's account as far as it has come; None if nothing of it can be counted."""
    return _account(connection, house, day, now, _reached(connection, house, day, now))


def _account(
    connection: sqlite3.Connection, house: AccountInputs, day: date, now: datetime,
    reached: ReachedPeaks,
) -> DayAccount | None:  # fmt: skip
    begin, end = bounds(day, house.zone)
    end = min(end, now - (now - begin) % QUARTER)
    if end <= begin:
        return None
    found = replace(known(connection, begin, end), reached=reached)
    return account.account(day, begin, end, found, house.terms)


def days(
    connection: sqlite3.Connection, house: AccountInputs, now: datetime, count: int
) -> list[DayAccount]:
    """The accounts of the last days up to today, oldest first."""
    today = now.astimezone(house.zone).date()
    return between(connection, house, today - timedelta(days=count - 1), today, now)


def closed_days(connection: sqlite3.Connection, first: date, last: date) -> list[DayAccount]:
    """The closed accounts of local days, both included, oldest first."""
    closed = closed_accounts.load(connection, first.isoformat(), last.isoformat())
    return [_from_json(figures) for figures in closed.values()]


def between(
    connection: sqlite3.Connection, house: AccountInputs, first: date, last: date, now: datetime
) -> list[DayAccount]:
    """The accounts of local days, both included, oldest first; closed days as they were closed.

    Days of which nothing can be counted are left out.
    """
    wanted = [first + timedelta(days=later) for later in range((last - first).days + 1)]
    closed = closed_accounts.load(connection, first.isoformat(), last.isoformat())
    found = (
        _from_json(closed[day.isoformat()])
        if day.isoformat() in closed
        else of_day(connection, house, day, now)
        for day in wanted
    )
    return [day for day in found if day is not None]


def _from_json(figures: Mapping[str, Any]) -> DayAccount:
    names = [item.name for item in fields(DayAccount)]
    return DayAccount(**{name: figures[name] for name in names if name in figures})


def close(connection: sqlite3.Connection, house: AccountInputs, now: datetime) -> int:
    """Close the last days that are over, while their plans are kept; how many were."""
    today, done = now.astimezone(house.zone).date(), 0
    first = today - timedelta(days=CLOSED_BACK)
    closed = closed_accounts.load(connection, first.isoformat(), today.isoformat())
    for back in range(CLOSED_BACK, 0, -1):
        day = today - timedelta(days=back)
        if day.isoformat() in closed or now < bounds(day, house.zone)[1] + SETTLED:
            continue
        made = of_day(connection, house, day, now)
        if made is not None:
            figures = {item.name: getattr(made, item.name) for item in fields(DayAccount)}
            closed_accounts.save(connection, made.day, house.site, now, figures)
            done += 1
    return done


def self_consumption_charge(
    known: KnownQuarters, begin: datetime, end: datetime, house: AccountInputs
) -> list[tuple[datetime, float]]:
    """Stored energy, had the battery been left to itself, from each day's measured charge [Wh]."""
    path: list[tuple[datetime, float]] = []
    at = begin
    while at < end:
        _, until = bounds(at.astimezone(house.zone).date(), house.zone)
        path += account.self_consumption_charge(at, min(until, end), known, house.terms)
        at = until
    return path
