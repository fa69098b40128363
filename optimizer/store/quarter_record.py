"""Each quarter-hour as metered: the record for the law and for the savings."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from optimizer.model.moments import QUARTER
from optimizer.model.plan import iso
from optimizer.model.quarter_energy import QuarterEnergy


@dataclass(frozen=True, slots=True)
class EnergySums:
    """Energies over some time [Wh]; see `Quarter` for their meaning."""

    seconds: float
    bought_wh: float
    sold_wh: float
    held_bought_wh: float
    held_sold_wh: float

    def as_json(self) -> dict[str, float]:
        """For programs: how long was seen, what went wherever, and what while we held."""
        return {
            "seconds": round(self.seconds),
            "bought_into_battery_wh": round(self.bought_wh, 1),
            "sold_from_battery_wh": round(self.sold_wh, 1),
            "held_bought_into_battery_wh": round(self.held_bought_wh, 1),
            "held_sold_from_battery_wh": round(self.held_sold_wh, 1),
        }


ADDED = (
    "seconds", "bought_wh", "sold_wh", "held_bought_wh", "held_sold_wh", "drawn_wh", "fed_wh",
    "charged_wh", "discharged_wh", "residual_load_wh", "surplus_wh", "pv_wh",
)  # fmt: skip
"""Columns of which parts of a quarter-hour add up; what is unknown stays unknown."""

CHARGES = ("first_soc_wh", "soc_wh")


def add(connection: sqlite3.Connection, quarters: Sequence[QuarterEnergy]) -> None:
    """Add quarter-hours, or parts of them, within the caller's transaction."""
    names = (*ADDED, *CHARGES)
    added = ", ".join(f"{name} = {name} + excluded.{name}" for name in ADDED)
    connection.executemany(
        f"INSERT INTO quarter (start, {', '.join(names)}) "  # noqa: S608 own names
        f"VALUES (?{', ?' * len(names)}) ON CONFLICT (start) DO UPDATE SET {added}, "
        "first_soc_wh = coalesce(first_soc_wh, excluded.first_soc_wh), soc_wh = excluded.soc_wh",
        [(iso(q.start), *(getattr(q, name) for name in names)) for q in quarters],
    )


def sums(connection: sqlite3.Connection, since: datetime) -> EnergySums:
    """The sums of all quarter-hours that began since a moment."""
    row = connection.execute(
        "SELECT total(seconds), total(bought_wh), total(sold_wh), total(held_bought_wh), "
        "total(held_sold_wh) FROM quarter WHERE start >= ?",
        (iso(since.astimezone(UTC)),),
    ).fetchone()
    return EnergySums(*row)


def recorded_span(connection: sqlite3.Connection) -> tuple[datetime, datetime] | None:
    """Starts of the first and the last metered quarter-hour; None if there is none."""
    first, last = connection.execute(
        "SELECT min(start), max(start) FROM quarter WHERE seconds > 0 AND drawn_wh IS NOT NULL"
    ).fetchone()
    if first is None:
        return None
    return datetime.fromisoformat(first), datetime.fromisoformat(last)


def between(
    connection: sqlite3.Connection, begin: datetime, end: datetime
) -> Sequence[QuarterEnergy]:
    """Quarter-hours that began in a span, oldest first.

    Those of versions that did not count the meter's energies yet are left out.
    """
    names = (*ADDED, *CHARGES)
    rows = connection.execute(
        f"SELECT start, {', '.join(names)} FROM quarter "  # noqa: S608 own names
        "WHERE start >= ? AND start < ? AND drawn_wh IS NOT NULL ORDER BY start",
        (iso(begin.astimezone(UTC)), iso(end.astimezone(UTC))),
    )
    found = []
    for start, *values in rows:
        at = datetime.fromisoformat(start)
        found.append(QuarterEnergy(at, at + QUARTER, **dict(zip(names, values, strict=True))))
    return found
