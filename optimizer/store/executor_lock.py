"""The lock of a store's one executor; it goes with the process, also when that is killed."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import AlreadyRunningError, DataError
from optimizer.store import live_state
from optimizer.store.files import give_to_folder_owner

FILE_NAME = "executor.lock"

PATIENCE_S = 0.5
"""Time for which a taken lock is tried again [s]: `executor_running` takes it for a moment."""


@dataclass(slots=True)
class ExecutorLock:
    """A lock that this process holds."""

    path: Path
    _descriptor: int

    @classmethod
    def acquire(cls, folder: Path) -> "ExecutorLock":
        """Become the executor of the store in a folder.

        Where the folder cannot be written the lock lies where the live state does.

        Raises
        ------
        AlreadyRunningError
            If another process is the executor.
        DataError
            If no lock can be made anywhere.
        """
        path, descriptor = _opened(folder)
        until_s = time.monotonic() + PATIENCE_S
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= until_s:
                os.close(descriptor)
                raise AlreadyRunningError(
                    f"another executor already uses {folder}: stop it first ('optimizer status')"
                )
            time.sleep(PATIENCE_S / 10)
        return cls(path, descriptor)

    @property
    def intact(self) -> bool:
        """True while its path names the locked file: a folder may be deleted or replaced."""
        try:
            named, locked = self.path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        except OSError:  # a disk that fails says nothing about the file
            return True
        return (named.st_dev, named.st_ino) == (locked.st_dev, locked.st_ino)

    def release(self) -> None:
        """Let another executor begin."""
        os.close(self._descriptor)


def executor_running(folder: Path) -> bool:
    """Return true if an executor of this store runs, as far as the caller's rights show it."""
    for path in _paths(folder):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if not _locked(descriptor, fcntl.LOCK_SH):
                return True
        finally:
            os.close(descriptor)
    return False


def _paths(folder: Path) -> tuple[Path, Path]:
    return folder / FILE_NAME, live_state.path_for(folder).with_suffix(".lock")


def _opened(folder: Path) -> tuple[Path, int]:
    """The lock's file and a descriptor of it."""
    fault: OSError | None = None
    for path in _paths(folder):
        try:
            if path.parent == folder:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            fault = fault or error
            continue
        give_to_folder_owner(path)
        return path, descriptor
    raise DataError(f"no lock can be made in {folder} ({fault}): look at its rights") from fault


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
