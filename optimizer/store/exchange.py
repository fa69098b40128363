"""What went between battery and grid, quarter-hour by quarter-hour: the record for the law."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from optimizer.model.exchange import Quarter
from optimizer.model.plan import iso


@dataclass(frozen=True, slots=True)
class Sums:
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


def add(connection: sqlite3.Connection, quarters: Sequence[Quarter]) -> None:
    """Add quarter-hours, or parts of them, within the caller's transaction."""
    connection.executemany(
        "INSERT INTO quarter VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (start) DO UPDATE SET "
        "seconds = seconds + excluded.seconds, bought_wh = bought_wh + excluded.bought_wh, "
        "sold_wh = sold_wh + excluded.sold_wh, "
        "held_bought_wh = held_bought_wh + excluded.held_bought_wh, "
        "held_sold_wh = held_sold_wh + excluded.held_sold_wh",
        [
            (iso(q.start), q.seconds, q.bought_wh, q.sold_wh, q.held_bought_wh, q.held_sold_wh)
            for q in quarters
        ],
    )


def sums(connection: sqlite3.Connection, since: datetime) -> Sums:
    """The sums of all quarter-hours that began since a moment."""
    row = connection.execute(
        "SELECT total(seconds), total(bought_wh), total(sold_wh), total(held_bought_wh), "
        "total(held_sold_wh) FROM quarter WHERE start >= ?",
        (iso(since.astimezone(UTC)),),
    ).fetchone()
    return Sums(*row)
