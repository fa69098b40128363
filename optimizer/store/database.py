"""The SQLite file: opening, migrating forward by numbered steps, one transaction a change."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optimizer.errors import DataError

FILE_NAME = "optimizer.sqlite"

MIGRATIONS = (
    """
    CREATE TABLE run (
        id INTEGER PRIMARY KEY, made_at TEXT NOT NULL, input TEXT NOT NULL
    ) STRICT;
    CREATE TABLE plan (
        id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run(id),
        made_at TEXT NOT NULL, site TEXT NOT NULL, bounds TEXT NOT NULL,
        first_start TEXT NOT NULL, last_end TEXT NOT NULL, head TEXT NOT NULL
    ) STRICT;
    CREATE TABLE plan_step (
        plan_id INTEGER NOT NULL REFERENCES plan(id), start TEXT NOT NULL, step TEXT NOT NULL,
        PRIMARY KEY (plan_id, start)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE price (
        start TEXT NOT NULL, step_s INTEGER NOT NULL, known_at TEXT NOT NULL,
        buy_eur_per_kwh REAL NOT NULL, sell_eur_per_kwh REAL NOT NULL,
        PRIMARY KEY (start, step_s)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE forecast (
        start TEXT NOT NULL, step_s INTEGER NOT NULL, known_at TEXT NOT NULL,
        load_w REAL NOT NULL, pv_w REAL NOT NULL,
        PRIMARY KEY (start, step_s, known_at)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tick (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at TEXT NOT NULL, seconds REAL NOT NULL,
        soc_percent REAL, grid_w REAL, ess_w REAL, battery_w REAL, pv_w REAL,
        setpoint_w INTEGER, channel TEXT, reason TEXT NOT NULL, intent TEXT, step TEXT,
        applied_w REAL, held_share REAL, note TEXT NOT NULL
    ) STRICT;
    CREATE INDEX tick_at ON tick(at);
    """,
    """
    CREATE TABLE quarter (
        start TEXT PRIMARY KEY, seconds REAL NOT NULL,
        bought_wh REAL NOT NULL, sold_wh REAL NOT NULL,
        held_bought_wh REAL NOT NULL, held_sold_wh REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE device (
        id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, identity TEXT NOT NULL,
        met_at TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE packed_run (
        id INTEGER PRIMARY KEY, made_at TEXT NOT NULL, stored_at TEXT NOT NULL, input BLOB NOT NULL
    ) STRICT;
    INSERT INTO packed_run SELECT id, made_at, made_at, packed(input) FROM run;
    CREATE TABLE packed_plan (
        id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES packed_run(id),
        made_at TEXT NOT NULL, site TEXT NOT NULL, bounds TEXT NOT NULL,
        first_start TEXT NOT NULL, last_end TEXT NOT NULL, body BLOB NOT NULL
    ) STRICT;
    INSERT INTO packed_plan
        SELECT id, run_id, made_at, site, bounds, first_start, last_end, packed(json_set(
            head, '$.steps', (
                SELECT json_group_array(json(step)) FROM (
                    SELECT step FROM plan_step WHERE plan_id = plan.id ORDER BY start
                )
            )
        )) FROM plan;
    DROP TABLE plan_step;
    DROP TABLE plan;
    DROP TABLE run;
    DROP TABLE forecast;
    ALTER TABLE packed_run RENAME TO run;
    ALTER TABLE packed_plan RENAME TO plan;
    CREATE INDEX run_made_at ON run(made_at);
    """,
    """
    CREATE TABLE price_day (
        source TEXT NOT NULL, settings TEXT NOT NULL, day TEXT NOT NULL, kept_at TEXT NOT NULL,
        steps TEXT NOT NULL, PRIMARY KEY (source, settings, day)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE kept (
        series TEXT NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL, value REAL NOT NULL,
        known_at TEXT NOT NULL, PRIMARY KEY (series, start)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE quarter ADD COLUMN drawn_wh REAL;
    ALTER TABLE quarter ADD COLUMN fed_wh REAL;
    ALTER TABLE quarter ADD COLUMN charged_wh REAL;
    ALTER TABLE quarter ADD COLUMN discharged_wh REAL;
    ALTER TABLE quarter ADD COLUMN short_wh REAL;
    ALTER TABLE quarter ADD COLUMN spare_wh REAL;
    ALTER TABLE quarter ADD COLUMN pv_wh REAL;
    ALTER TABLE quarter ADD COLUMN first_soc_wh REAL;
    ALTER TABLE quarter ADD COLUMN soc_wh REAL;
    CREATE TABLE ledger_day (
        day TEXT PRIMARY KEY, site TEXT NOT NULL, closed_at TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
)
"""SQL that takes the file from schema version n to n + 1."""


def packed(text: str) -> bytes:
    """Text, compressed: plans and runs are JSON, a tenth is enough for them."""
    return zlib.compress(text.encode())


def unpacked(data: bytes) -> Any:
    """The JSON data in a compressed text.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    try:
        return json.loads(zlib.decompress(data))
    except (zlib.error, TypeError, RecursionError) as error:
        raise ValueError(f"{error}") from error


def connect(folder: Path) -> sqlite3.Connection:
    """Open (and create or migrate) the store in a folder of the owner's alone.

    Raises
    ------
    DataError
        If the folder or file cannot be used, or is newer than this version.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(folder / FILE_NAME, timeout=10, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("packed", 1, packed, deterministic=True)
        _migrate(connection, folder / FILE_NAME)
    except (OSError, sqlite3.Error) as error:
        raise DataError(
            f"the store {folder / FILE_NAME} cannot be used ({error}): look at the folder's rights "
            "and at the room on its disk"
        ) from error
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise DataError(
            f"the store {path} was written by a newer version (schema {version}, this one knows "
            f"{len(MIGRATIONS)}): update optimizer"
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; COMMIT;")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors of SQLite's own have rolled back already
            connection.execute("ROLLBACK")
        raise
