"""The FEMS that was written to: what it was, so that no other one is taken for it."""

import sqlite3
from datetime import datetime

from optimizer.model.plan import iso
from optimizer.store.database import transaction


def known(connection: sqlite3.Connection) -> str | None:
    """Identity of the device as it was noted; None before the first time."""
    row = connection.execute("SELECT identity FROM device").fetchone()
    return None if row is None else str(row[0])


def note(connection: sqlite3.Connection, identity: str, origin: str, at: datetime) -> None:
    """From now on this is the one."""
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO device (id, origin, identity, met_at) VALUES (1, ?, ?, ?)",
            (origin, identity, iso(at)),
        )
