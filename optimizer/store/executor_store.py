"""The store of a running executor: control goes on whatever becomes of the file or its disk.

A file that was deleted or replaced is opened anew, and its lock with it; a corrupt one is moved
aside. Where the store cannot be written the journal waits in memory and plans are still read.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.errors import DataError, NewerStoreError
from optimizer.store import database, reading
from optimizer.store.executor_lock import ExecutorLock

log = logging.getLogger(__name__)

TRY_AGAIN_S = 60.0
"""A store that cannot be written is tried again after this [s]."""

LOCKED_S = 0.5
"""Wait for a store that another program has locked [s]: a cycle asks it up to four times, and
SIGTERM waits for all of them."""

WAL = database.BESIDE[0]

FileMark = tuple[int, int] | None


@dataclass(slots=True)
class ExecutorStore:
    """A connection, the executor's lock, and what they are connected to."""

    folder: Path
    connection: sqlite3.Connection
    writable: bool
    lock: ExecutorLock
    _mark: FileMark
    _wal_mark: FileMark
    _tried_s: float
    _takers: list[Callable[[sqlite3.Connection, bool], None]] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path, now_s: float) -> "ExecutorStore":
        """Become the executor of a store.

        Raises
        ------
        AlreadyRunningError
            If it has another one.
        NewerStoreError
            If a newer version has written it.
        """
        lock = ExecutorLock.acquire(folder)
        try:
            connection, writable = _opened(folder)
        except BaseException:
            lock.release()
            raise
        marks = _mark(folder), _mark(folder, WAL)
        return cls(folder, connection, writable, lock, *marks, now_s)

    def give_to(self, taker: Callable[[sqlite3.Connection, bool], None]) -> None:
        """Pass the connection and its writability to a user, now and whenever it is a new one."""
        self._takers.append(taker)
        taker(self.connection, self.writable)

    def poll(self, now_s: float, *, corrupt: bool = False) -> str:
        """Open the store anew where that is due; return the reason in words, "" for none.

        Parameters
        ----------
        now_s
            Monotonic clock [s].
        corrupt
            Whether a user has found the file damaged.

        Raises
        ------
        AlreadyRunningError
            If another executor has the lock of what is there now.
        """
        moved = not self.lock.intact
        if moved:
            self.lock.release()
            self.lock = ExecutorLock.acquire(self.folder)
        replaced = self.writable and _mark(self.folder) != self._mark
        due = not self.writable and now_s - self._tried_s >= TRY_AGAIN_S
        if not (moved or replaced or corrupt or due):
            self._wal_mark = _mark(self.folder, WAL)
            return ""
        self._tried_s = now_s
        if corrupt:
            database.move_aside(self.folder)
        return self._reopen(moved or replaced)

    def _reopen(self, replaced: bool) -> str:
        before = self.writable
        if replaced and self._wal_mark is not None and _mark(self.folder, WAL) == self._wal_mark:
            database.drop_beside(self.folder)  # SQLite would carry the old file's changes over
        connection, self.writable = _opened(self.folder, quiet=not before)
        self._mark, self._wal_mark = _mark(self.folder), _mark(self.folder, WAL)
        for taker in self._takers:
            taker(connection, self.writable)
        self.connection.close()
        self.connection = connection
        if self.writable and not before:
            reason = "the store can be written again"
        elif replaced:
            reason = "the store was deleted or replaced: opened anew"
        else:
            return ""
        log.warning(reason)
        return reason

    def close(self) -> None:
        """Close the connection and let another executor begin."""
        self.connection.close()
        self.lock.release()


def _mark(folder: Path, ending: str = "") -> FileMark:
    """Device and inode of the store's file, or of one beside it; None if there is none."""
    try:
        status = os.stat(folder / f"{database.FILE_NAME}{ending}")  # noqa: PTH116 - each cycle
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _opened(folder: Path, *, quiet: bool = False) -> tuple[sqlite3.Connection, bool]:
    """A connection to the store, and whether it can be written."""
    try:
        return database.connect(folder, LOCKED_S), True
    except NewerStoreError:
        raise
    except DataError as error:
        if not quiet:
            log.warning("control goes on without a journal: %s", error)
        return reading.reader_at_any_rate(folder), False
