"""Days whose account is closed: what was in force then is not kept as long as they are."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from optimizer.model.plan import iso
from optimizer.store.database import transaction


def save(
    connection: sqlite3.Connection, day: str, site: str, closed_at: datetime,
    figures: Mapping[str, Any],
) -> None:  # fmt: skip
    """Close a day; one that is closed stays as it is."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO ledger_day VALUES (?, ?, ?, ?) ON CONFLICT (day) DO NOTHING",
            (day, site, iso(closed_at), json.dumps(figures)),
        )


def load(connection: sqlite3.Connection, first: str, last: str) -> dict[str, Any]:
    """The figures of closed days from the first to the last, by day."""
    rows = connection.execute(
        "SELECT day, body FROM ledger_day WHERE day >= ? AND day <= ? ORDER BY day", (first, last)
    )
    return {day: json.loads(body) for day, body in rows}
