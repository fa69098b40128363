"""What services and devices told: kept for the evening on which they do not answer.

Past values are written once; forecasts are replaced by newer ones until their time has come, so
what is kept of a past time is what was expected last, and a correction can be learned from it.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from optimizer.model.plan import iso
from optimizer.store.database import transaction

REACH = timedelta(days=40)
"""What is older is dropped."""


@dataclass(frozen=True, slots=True)
class Row:
    """A value over a step, and when it was told."""

    start: datetime
    end: datetime
    value: float
    known_at: datetime


def keep(
    connection: sqlite3.Connection,
    series: str,
    known_at: datetime,
    rows: Iterable[tuple[datetime, datetime, float]],
) -> None:
    """Keep a series; an older word never replaces a newer one.

    Parameters
    ----------
    series
        Whose values of what, with the settings that they were asked for.
    rows
        Start, end and value of each step.
    """
    told = [(series, iso(start), iso(end), value, iso(known_at)) for start, end, value in rows]
    with transaction(connection):
        connection.executemany(
            "INSERT INTO kept VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET end = excluded.end, "
            "value = excluded.value, known_at = excluded.known_at "
            "WHERE excluded.end > excluded.known_at AND excluded.known_at >= kept.known_at",
            told,
        )
        connection.execute("DELETE FROM kept WHERE start < ?", (iso(known_at - REACH),))


def rows(connection: sqlite3.Connection, series: str, since: datetime) -> list[Row]:
    """What is kept of a series from a moment on, in order."""
    found = connection.execute(
        "SELECT start, end, value, known_at FROM kept WHERE series = ? AND start >= ? "
        "ORDER BY start",
        (series, iso(since)),
    )
    moment = datetime.fromisoformat
    return [Row(moment(start), moment(end), value, moment(at)) for start, end, value, at in found]
