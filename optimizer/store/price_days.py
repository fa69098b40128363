"""Prices that a source has published, kept by delivery day: what is published does not change.

So a day is asked for once, and a service that is down does no harm to a day that is kept.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from optimizer.model.plan import iso
from optimizer.store.database import transaction


class PriceStep(NamedTuple):
    """Prices of a step, as the source names them [EUR/kWh]."""

    start: datetime
    end: datetime
    prices: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PriceDay:
    """What a source has published for one local day."""

    day: date
    kept_at: datetime
    steps: tuple[PriceStep, ...]


def keep(
    connection: sqlite3.Connection, source: str, settings: str, days: Sequence[PriceDay],
    oldest: date,
) -> None:  # fmt: skip
    """Keep days, each in place of what was kept of it; forget those before `oldest`.

    Parameters
    ----------
    source, settings
        Whose prices these are: name, and a text that tells zones and tariffs apart.
    """
    with transaction(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO price_day VALUES (?, ?, ?, ?, ?)",
            [(source, settings, str(day.day), iso(day.kept_at), _text(day.steps)) for day in days],
        )
        connection.execute("DELETE FROM price_day WHERE day < ?", (str(oldest),))


def kept(connection: sqlite3.Connection, source: str, settings: str, first: date) -> list[PriceDay]:
    """The days that are kept from `first` on, oldest first; a damaged one is left out."""
    rows = connection.execute(
        "SELECT day, kept_at, steps FROM price_day WHERE source = ? AND settings = ? AND day >= ? "
        "ORDER BY day",
        (source, settings, str(first)),
    )
    days = []
    for day, at, text in rows:
        try:
            days.append(PriceDay(date.fromisoformat(day), datetime.fromisoformat(at), _steps(text)))
        except (ValueError, TypeError, AttributeError):
            continue
    return days


def _text(steps: Sequence[PriceStep]) -> str:
    return json.dumps([[iso(step.start), iso(step.end), dict(step.prices)] for step in steps])


def _steps(text: str) -> tuple[PriceStep, ...]:
    return tuple(
        PriceStep(
            datetime.fromisoformat(start),
            datetime.fromisoformat(end),
            {name: float(value) for name, value in prices.items()},
        )
        for start, end, prices in json.loads(text)
    )
