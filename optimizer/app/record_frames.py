"""Stored records as DataFrames with a UTC index: journal, quarter-hours, prices, savings."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.app import stored_tables
from optimizer.app.accounts import account_inputs
from optimizer.app.stored_tables import StoredTable
from optimizer.errors import DataError, UsageError
from optimizer.model.moments import QUARTER, utc
from optimizer.savings import daily_accounts
from optimizer.savings.account import DayAccount
from optimizer.savings.measured_day import SEEN_S
from optimizer.store import quarter_record, reading

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.planning.task import ForecastStep

JOURNAL_TEXTS = ("kind", "channel", "reason", "intent", "note")
Moment = datetime | date | str
DATE_LENGTH = len("2026-01-14")
EXAMPLE = "2026-01-14T18:00+01:00, or 2026-01-14 for its local midnight"
INSTANT = timedelta(microseconds=1)


def recorded_days(config: "Config", count: int) -> tuple[datetime, datetime]:
    """Begin and end (UTC) of the newest local days with a record, `count` days at most.

    Raises
    ------
    DataError
        If nothing is recorded yet.
    """
    folder, zone = config.store.folder, config.zone
    with closing(reading.reader_or_empty(folder)) as connection:
        span = quarter_record.recorded_span(connection)
    if span is None:
        raise DataError(f"{folder}: the executor has recorded nothing yet")
    oldest, last = (at.astimezone(zone).date() for at in span)
    first = max(last - timedelta(days=count - 1), oldest)
    return daily_accounts.bounds(first, zone)[0], daily_accounts.bounds(last, zone)[1]


def _indexed(table: StoredTable, index: str) -> pd.DataFrame:
    """A stored table with one of its moments as the index."""
    frame = pd.DataFrame(list(table.rows), columns=list(table.columns))
    frame[index] = pd.to_datetime(frame[index], utc=True)
    return frame.set_index(index)


def journal_frame(config: "Config", begin: datetime, end: datetime) -> pd.DataFrame:
    """Rows of the journal by `at`; unknown numbers are NaN."""
    frame = _indexed(stored_tables.journal_table(config, begin, end), "at")
    frame["step"] = pd.to_datetime(frame["step"], utc=True)
    numbers = [name for name in frame.columns if name not in (*JOURNAL_TEXTS, "step")]
    return frame.astype(dict.fromkeys(numbers, float))


def quarters_frame(config: "Config", begin: datetime, end: datetime) -> pd.DataFrame:
    """Metered quarter-hours by `start`, with `end` and `load_wh` [Wh] of the house."""
    frame = _indexed(stored_tables.quarters_table(config, begin, end), "start").astype(float)
    frame.insert(0, "end", frame.index + QUARTER)
    frame["load_wh"] = (
        frame["drawn_wh"] - frame["fed_wh"] + frame["discharged_wh"] - frame["charged_wh"]
        + frame["pv_wh"]
    )  # fmt: skip
    return frame


def prices_frame(config: "Config", begin: datetime, end: datetime) -> pd.DataFrame:
    """All-in prices of quarter-hours by `start`, as the last plans for them had them [EUR/kWh]."""
    with closing(reading.reader_or_empty(config.store.folder)) as connection:
        known = daily_accounts.known(connection, begin, end)
    prices = {at: price for at, price in sorted(known.prices.items()) if begin <= at < end}
    return _by_start({
        "start": list(prices),
        "end": [at + QUARTER for at in prices],
        "buy_eur_per_kwh": [price.buy for price in prices.values()],
        "sell_eur_per_kwh": [price.sell for price in prices.values()],
    })  # fmt: skip


def savings_frame(config: "Config", begin: datetime, end: datetime, now: datetime) -> pd.DataFrame:
    """Accounts of the local days that a span touches, by the `start` of the day."""
    house = account_inputs(config)
    first, last = (at.astimezone(house.zone).date() for at in (begin, min(end, now) - INSTANT))
    with closing(reading.reader_or_empty(config.store.folder)) as connection:
        accounts = daily_accounts.between(connection, house, first, last, now)
    names = [item.name for item in fields(DayAccount)]
    columns = {
        name: [getattr(day, name) for day in accounts]
        for name in (*names, "worn_eur", "saving_eur")
    }
    starts = [daily_accounts.bounds(date.fromisoformat(day.day), house.zone)[0] for day in accounts]
    return _by_start({"start": starts, **columns})


def steps_frame(steps: "Sequence[ForecastStep]") -> pd.DataFrame:
    """Forecast steps by `start`: `end`, prices [EUR/kWh], `load_w` and `pv_w` [W]."""
    return _by_start({
        "start": [step.start for step in steps],
        "end": [step.end for step in steps],
        "buy_eur_per_kwh": [step.buy for step in steps],
        "sell_eur_per_kwh": [step.sell for step in steps],
        "load_w": [step.load_w for step in steps],
        "pv_w": [step.pv_w for step in steps],
    })  # fmt: skip


def planned_frame(config: "Config", begin: datetime, end: datetime) -> pd.DataFrame:
    """Steps of quarter-hours by `start`, each of the plan that was in force at its start."""
    with closing(reading.reader_or_empty(config.store.folder)) as connection:
        known = daily_accounts.known(connection, begin, end)
    steps = {at: plan.step_at(at) for at, plan in sorted(known.plans.items())}
    found = {at: step for at, step in steps.items() if step is not None}
    return _by_start({
        "start": list(found),
        "end": [at + QUARTER for at in found],
        "intent": [step.intent.value for step in found.values()],
        "battery_w": [step.battery_w for step in found.values()],
        "load_w": [step.load_w for step in found.values()],
        "pv_w": [step.pv_w for step in found.values()],
        "soc_wh": [known.plans[at].soc_wh_at(at, config.battery.capacity_wh) for at in found],
    })  # fmt: skip


def forecast_comparison(config: "Config", begin: datetime, end: datetime) -> pd.DataFrame:
    """Load and PV of quarter-hours [W]: by the plan in force at their start, and as metered.

    Columns `end`, `forecast_load_w`, `load_w`, `forecast_pv_w`, `pv_w`. Quarter-hours that were not
    metered whole, or had no plan, are left out.
    """
    planned = planned_frame(config, begin, end)
    metered = quarters_frame(config, begin, end)
    metered = metered[(metered["seconds"] >= SEEN_S) & metered["load_wh"].notna()]
    both = metered.join(planned[["load_w", "pv_w"]], how="inner")
    hours = both["seconds"] / 3600
    return pd.DataFrame({
        "end": both["end"],
        "forecast_load_w": both["load_w"],
        "load_w": both["load_wh"] / hours,
        "forecast_pv_w": both["pv_w"],
        "pv_w": both["pv_wh"] / hours,
    })  # fmt: skip


def moment_of(at: Moment, zone: ZoneInfo) -> datetime:
    """A moment in UTC; a date is its local midnight.

    Raises
    ------
    UsageError
        If a text is no moment, or has no offset from UTC.

    Examples
    --------
    >>> moment_of("2026-01-14", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-01-13T23:00:00+00:00'
    """
    if isinstance(at, str):
        try:
            parse = date.fromisoformat if len(at) == DATE_LENGTH else datetime.fromisoformat
            at = parse(at)
        except ValueError as error:
            raise UsageError(f"'{at}' is not a moment such as {EXAMPLE}") from error
    try:
        if isinstance(at, pd.Timestamp):
            at = at.to_pydatetime()
        if isinstance(at, date) and not isinstance(at, datetime):
            at = datetime.combine(at, time(), zone)
        if isinstance(at, datetime):
            return utc(at)
    except (OverflowError, ValueError) as error:
        raise UsageError(f"{at} {error}") from error
    raise UsageError(f"{at!r} is not a moment such as {EXAMPLE}")


def _by_start(columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """A table by its column `start`, whose moments are UTC also in an empty table."""
    frame = pd.DataFrame(columns)
    for name in ("start", "end"):
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.set_index("start")
