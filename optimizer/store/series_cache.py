"""Cache of the series that sources answered with: the stand-in while a source does not answer.

One table holds the steps of all series, column by column. A value of the past is written once; a
value of a step that has not ended is replaced by newer ones. So the cached past of a forecast is
what was forecast last, and a correction can be learned from it.
"""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from optimizer.model import moments
from optimizer.model.plan import iso
from optimizer.store.database import transaction

REACH = timedelta(days=40)
"""Steps that are older than the newest answer by more are dropped."""
LONGEST = timedelta(hours=1)
"""Longest step of any source."""


class SeriesValue(NamedTuple):
    """Value of a column over a step."""

    column: str
    start: datetime
    end: datetime
    value: float


class CachedValue(NamedTuple):
    """A value, and the moment of the answer that it came with."""

    column: str
    start: datetime
    end: datetime
    value: float
    known_at: datetime


def keep(
    connection: sqlite3.Connection, series: str, known_at: datetime, values: Iterable[SeriesValue]
) -> None:
    """Keep the values of an answer; an older answer never replaces a newer one.

    Parameters
    ----------
    series
        Kind and name of the source, and the settings that it was asked with.
    """
    rows = [
        (series, item.column, iso(item.start), iso(item.end), item.value, iso(known_at))
        for item in values
    ]
    with transaction(connection):
        connection.executemany(
            "INSERT INTO series_value VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "end = excluded.end, value = excluded.value, known_at = excluded.known_at "
            "WHERE excluded.end > excluded.known_at AND excluded.known_at >= series_value.known_at",
            rows,
        )
        connection.execute("DELETE FROM series_value WHERE start < ?", (iso(known_at - REACH),))


def kept(connection: sqlite3.Connection, series: str, since: datetime) -> list[CachedValue]:
    """The cached values of a series from a moment on, in order; damaged rows are left out."""
    rows = connection.execute(
        "SELECT column_name, start, end, value, known_at FROM series_value "
        "WHERE series = ? AND start >= ? ORDER BY start",
        (series, iso(since)),
    )
    return [found for row in rows if (found := _value(*row)) is not None]


def _value(column: str, start: str, end: str, value: float, at: str) -> CachedValue | None:
    try:
        begin, until, known_at = (
            moments.utc(datetime.fromisoformat(text)) for text in (start, end, at)
        )
    except ValueError:
        return None
    if not begin < until <= begin + LONGEST:
        return None
    return CachedValue(column, begin, until, value, known_at)
