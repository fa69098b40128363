"""The SQLite file: opening, migrating forward by numbered steps, one transaction a change."""

import fcntl
import json
import logging
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optimizer.errors import DataError, NewerStoreError
from optimizer.store import migration_copy
from optimizer.store.files import give_to_folder_owner

log = logging.getLogger(__name__)

FILE_NAME = "optimizer.sqlite"

MOST_BYTES = 64 * 1024 * 1024
"""Largest record of a planning run, unpacked."""

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
    """
    ALTER TABLE quarter RENAME COLUMN short_wh TO residual_load_wh;
    ALTER TABLE quarter RENAME COLUMN spare_wh TO surplus_wh;
    UPDATE ledger_day SET body = replace(body, '"own_use_', '"self_consumption_');
    UPDATE tick SET intent = 'self_consumption' WHERE intent = 'own_use';
    UPDATE tick SET reason = 'SELF_CONSUMPTION' WHERE reason = 'OWN_USE';
    UPDATE tick SET reason = 'INTERNAL_ERROR' WHERE reason = 'MISHAP';
    """,
    """
    CREATE TABLE series_value (
        series TEXT NOT NULL, column_name TEXT NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL,
        value REAL NOT NULL, known_at TEXT NOT NULL, PRIMARY KEY (series, column_name, start)
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO series_value
        SELECT 'prices ' || source || ' ' || settings, price.key, json_extract(step.value, '$[0]'),
            json_extract(step.value, '$[1]'), price.value, kept_at
        FROM price_day
        JOIN json_each(iif(json_valid(steps), steps, '[]')) AS step
        JOIN json_each(iif(step.type = 'array', step.value, '[]'), '$[2]') AS price
        WHERE price.type IN ('real', 'integer');
    DROP TABLE kept;
    DROP TABLE price_day;
    """,
    """
    CREATE TABLE override (
        number INTEGER PRIMARY KEY, taken_at TEXT NOT NULL, until TEXT NOT NULL,
        body TEXT NOT NULL, cost_eur REAL NOT NULL, ended_at TEXT, ending TEXT
    ) STRICT;
    ALTER TABLE plan ADD COLUMN override INTEGER REFERENCES override(number);
    """,
    """
    ALTER TABLE override ADD COLUMN priced INTEGER NOT NULL DEFAULT 1;
    """,
)
"""SQL that takes the file from schema version n to n + 1."""


def newest_schema() -> int:
    """Schema version that this program writes."""
    return len(MIGRATIONS)


def packed(text: str) -> bytes:
    """Text, compressed: plans and runs are JSON, a tenth is enough for them."""
    return zlib.compress(text.encode())


def unpacked(data: bytes, most_bytes: int = MOST_BYTES) -> Any:
    """The JSON data in a compressed text.

    Raises
    ------
    ValueError
        If it cannot be read, or unpacks to more than `most_bytes`.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, most_bytes + 1)
        if len(text) > most_bytes:
            raise ValueError(f"it has more than {most_bytes:,} bytes")
        if not unpacker.eof:
            raise ValueError("it is not complete")
        return json.loads(text)
    except (zlib.error, TypeError, RecursionError) as error:
        raise ValueError(f"{error}") from error


def connect(folder: Path, wait_s: float = 10.0) -> sqlite3.Connection:
    """Open (and create or migrate) the store in a folder of the owner's alone.

    A file that is no database, or a damaged one, is moved aside; a new one takes its place.

    Parameters
    ----------
    wait_s
        Longest wait of each statement for what another program has locked [s].

    Raises
    ------
    DataError
        If the folder or file cannot be used, or is newer than this version.
    """
    try:
        try:
            return _connected(folder, wait_s)
        except sqlite3.DatabaseError as error:
            if not (is_corrupt(error) and move_aside(folder)):
                raise
        return _connected(folder, wait_s)
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: no name of a file
        raise DataError(
            f"the store {folder / FILE_NAME} cannot be used ({error}): look at the folder's rights "
            "and at the room on its disk"
        ) from error


def _connected(folder: Path, wait_s: float) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE_NAME
    _create(path)
    connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("packed", 1, packed, deterministic=True)
        if schema_version(connection) != newest_schema():
            with _one_at_a_time(folder):
                migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make sure that the file is there and belongs to its folder's owner.

    SQLite gives the files beside it (`-wal`, `-shm`) to the same owner.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for ending in ("", *BESIDE):
        give_to_folder_owner(path.with_name(path.name + ending))


BESIDE = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside a database."""


def is_corrupt(error: BaseException) -> bool:
    """Return true for SQLite's errors about a damaged file, or one that is no database."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def move_aside(folder: Path) -> bool:
    """Move a damaged store aside; return true if none is left in its place.

    One process at a time does so, and none moves a store that another one has just begun anew.
    """
    try:
        with _one_at_a_time(folder):
            return not _damaged(folder / FILE_NAME) or _moved(folder / FILE_NAME)
    except OSError as error:
        log.warning("the damaged store %s cannot be moved: %s", folder / FILE_NAME, error.strerror)
        return False


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep other processes from moving or migrating the store meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _damaged(path: Path) -> bool:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        return str(verdict) != "ok"
    except sqlite3.DatabaseError as error:
        return is_corrupt(error)
    finally:
        connection.close()


def _moved(path: Path) -> bool:
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    path.replace(aside)
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(aside.with_name(aside.name + ending))
    log.warning("the store was damaged and is now %s: a new one is begun, without its past", aside)
    return True


def drop_beside(folder: Path) -> None:
    """Remove what SQLite keeps beside a database that was replaced by another one."""
    for ending in BESIDE:
        with suppress(OSError):
            (folder / f"{FILE_NAME}{ending}").unlink()


def schema_version(connection: sqlite3.Connection) -> int:
    """Schema version of a file; 0 for a new one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring a store to this version's schema; a copy of a file stays as it was.

    Parameters
    ----------
    path
        Place of the file; None in memory.

    Raises
    ------
    NewerStoreError
        If a newer version has written it.
    OSError, sqlite3.Error
        If there is no room for the copy; then nothing is migrated.
    """
    version, newest = schema_version(connection), newest_schema()
    if version > newest:
        raise NewerStoreError(newer(path or Path(FILE_NAME), version))
    if path is not None and 0 < version < newest:
        migration_copy.keep(connection, path, newest)
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; COMMIT;")


def newer(path: Path, version: int) -> str:
    """The sentence about a store of a newer version."""
    return (
        f"the store {path} was written by a newer version (schema {version}, this one knows "
        f"{newest_schema()}): update optimizer{migration_copy.way_back(path, newest_schema())}"
    )


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
