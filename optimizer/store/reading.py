"""The store for those who only read: nothing is migrated or moved aside, nothing stays behind.

A file in WAL mode has two others beside it while anybody has it open (`-wal`, `-shm`), and the last
one to close it removes them. A connection of `mode=ro` makes them too, but never removes them. Its
owner, and root, therefore open it with `mode=rw` and `query_only`: works beside executor and
planner, and leaves the folder as it was. Root's are the owner's: SQLite sees to that. Anybody else
could only make files that the owner cannot use: they read with `mode=ro` while the files are there;
otherwise nobody changes the store, and `immutable` reads it as it lies there, as on a disk that
cannot be written. A store of an earlier version is brought up to date in memory.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from optimizer.errors import DataError, NewerStoreError, NoStoreError
from optimizer.store import database


def reader(folder: Path, wait_s: float = 10.0) -> sqlite3.Connection:
    """Open the store of a folder for reading.

    Parameters
    ----------
    wait_s
        Longest wait of each statement for what another program has locked [s].

    Raises
    ------
    NoStoreError
        If there is none yet.
    DataError
        If it cannot be read, is damaged, or is newer than this version.
    """
    path = folder / database.FILE_NAME
    try:
        os.stat(path)  # noqa: PTH116 - `exists` hides what is in the way
        return _opened(path, wait_s)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoStoreError(
            f"there is no plan yet, and no store in {folder}: make one with 'optimizer plan'"
        ) from error
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: no name of a file
        raise DataError(_sentence(path, error)) from error


def reader_or_empty(folder: Path) -> sqlite3.Connection:
    """Open the store for reading; an empty one in memory where there is none yet.

    Raises
    ------
    DataError
        As `reader` does.
    """
    with suppress(NoStoreError):
        return reader(folder)
    return empty()


def reader_at_any_rate(folder: Path) -> sqlite3.Connection:
    """A store for reading, whatever its disk allows: at worst an empty one in memory."""
    with suppress(NoStoreError, DataError):
        return reader(folder)
    return empty()


def empty() -> sqlite3.Connection:
    """An empty store in memory, for reading."""
    return _in_memory(None)


def is_outdated(folder: Path) -> bool:
    """Return true for a store that an update has not brought into this version's form yet.

    Raises
    ------
    NoStoreError, DataError
        As `reader` does.
    """
    reader(folder).close()
    path = folder / database.FILE_NAME
    with closing(_opened(path, 10.0, lambda connection, _: connection)) as connection:
        return database.schema_version(connection) < database.newest_schema()


def _opened(
    path: Path, wait_s: float,
    take: Callable[[sqlite3.Connection, Path], sqlite3.Connection] | None = None,
) -> sqlite3.Connection:  # fmt: skip
    failure: sqlite3.Error | None = None
    for mode in _modes(path):
        try:
            return (take or _current)(_connected(path, mode, wait_s), path)
        except sqlite3.Error as error:
            if database.is_corrupt(error):
                raise
            failure = failure or error
    assert failure is not None  # noqa: S101 each mode returned or failed
    raise failure


def _modes(path: Path) -> Iterator[str]:
    """Ways to open the file, the best first."""
    owned = os.geteuid() in (0, path.stat().st_uid)
    if owned and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        yield "mode=rw"
    if all(path.with_name(path.name + ending).exists() for ending in database.BESIDE):
        yield "mode=ro"
    yield "mode=ro&immutable=1"


def _connected(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(address, uri=True, timeout=wait_s, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _current(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A connection of this version's schema: the same one, or to a migrated copy in memory."""
    try:
        version = database.schema_version(connection)
        if version == database.newest_schema():
            return connection
        if version > database.newest_schema():
            raise NewerStoreError(database.newer(path, version))
        copy = _in_memory(connection)
    except BaseException:
        connection.close()
        raise
    connection.close()
    return copy


def _in_memory(source: sqlite3.Connection | None) -> sqlite3.Connection:
    """A copy of a store, or an empty one, in this version's schema."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    if source is not None:
        source.backup(copy)
    copy.create_function("packed", 1, database.packed, deterministic=True)
    database.migrate(copy, None)
    copy.execute("PRAGMA query_only = ON")
    return copy


def _sentence(path: Path, error: Exception) -> str:
    if database.is_corrupt(error):
        return (
            f"the store {path} is damaged ({error}): the next 'optimizer plan' moves it aside and "
            "begins a new one"
        )
    return f"the store {path} cannot be read ({error}): look at the folder's rights"
