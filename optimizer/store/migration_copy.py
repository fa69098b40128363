"""Copy of the store as it was before a migration, so that an update can be taken back."""

import logging
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from optimizer.store.files import give_to_folder_owner

log = logging.getLogger(__name__)

ENDING = "before-"
"""Ending of a copy's name, in front of the schema that came after it."""


def keep(connection: sqlite3.Connection, path: Path, newest_schema: int) -> None:
    """Copy a store beside itself, for its owner alone; copies of earlier migrations go.

    Raises
    ------
    OSError, sqlite3.Error
        If there is no room for it; then nothing is migrated.
    """
    copy = path.with_name(f"{path.name}.{ENDING}{newest_schema}")
    part = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(part, isolation_level=None)) as target:
            connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it
        give_to_folder_owner(part)
        part.replace(copy)
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + ending).unlink(missing_ok=True)
    for other in _copies(path):
        if other != copy:
            other.unlink(missing_ok=True)
    log.warning("the store is brought into a newer form; as it was it is kept in %s", copy)


def way_back(path: Path, newest_schema: int) -> str:
    """Words about a copy that a program with this newest schema can read; "" without one."""
    for copy in _copies(path):
        with suppress(sqlite3.Error), closing(sqlite3.connect(copy)) as connection:
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            if schema <= newest_schema:
                return (
                    "; or take the update back, without what was noted since: stop the executor, "
                    f"then 'mv {copy} {path}'"
                )
    return ""


def _copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.{ENDING}*"))
