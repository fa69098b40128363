"""The pause: a small file in the store's folder that keeps control away from the FEMS.

The owner's commands write it, and the planner where the accounts say that control loses: that is a
stand-down, a pause with a reason of its own and without an end.

It is a file of its own and no table, so that it can be read while the database is locked, corrupt
or being replaced, and so that one `stat` tells a running executor whether it has changed.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from pathlib import Path

from optimizer.errors import DataError
from optimizer.model.plan import iso
from optimizer.model.snapshot import Reason
from optimizer.store import files

FILE_NAME = "pause.json"

MOST_BYTES = 10_000
"""Largest file that is read as a pause."""


class PauseKind(StrEnum):
    """Origin of a pause."""

    OWNER = "owner"
    STAND_DOWN = "stand_down"
    """The accounts say that control loses."""


REASONS = {PauseKind.OWNER: Reason.PAUSED, PauseKind.STAND_DOWN: Reason.STOOD_DOWN}
WORDS = {PauseKind.OWNER: "PAUSED", PauseKind.STAND_DOWN: "STOOD DOWN"}


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which nothing is held."""

    since: datetime
    """Begin (UTC)."""
    by: str
    """The command that began it, and its user; of a stand-down the loss and its likely part."""
    until: datetime | None = None
    """End (UTC); None: `optimizer resume` ends it."""
    kind: PauseKind = PauseKind.OWNER

    def in_force(self, now: datetime) -> bool:
        """Return true until its end; the clock may have been set back since it began."""
        return self.until is None or now < self.until

    def text(self, zone: tzinfo) -> str:
        """Begin, origin and end in local time.

        >>> Pause(datetime(2026, 1, 14, 12, tzinfo=UTC), "'optimizer release'").text(UTC)
        "since 2026-01-14 12:00 by 'optimizer release', until 'optimizer resume'"
        """
        end = "'optimizer resume'" if self.until is None else _local(self.until, zone)
        return f"since {_local(self.since, zone)} by {self.by}, until {end}"

    def as_json(self) -> dict[str, str | None]:
        """Data of the file, and of `status --json`."""
        until = None if self.until is None else iso(self.until)
        return {
            "since": iso(self.since),
            "until": until,
            "by": self.by,
            "kind": self.kind.value,
        }


def _local(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def store(folder: Path, pause: Pause) -> None:
    """Begin a pause, in place of an earlier one; on the disk when this returns.

    A stand-down stays: it lasts as long as any pause, and would be forgotten with the shorter one.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    before = load(folder)
    if before is not None and before.kind is PauseKind.STAND_DOWN:
        return
    text = json.dumps({"schema": "pause/1", **pause.as_json()}, ensure_ascii=False)
    files.keep(folder / FILE_NAME, text, "the pause cannot be stored")


def load(folder: Path) -> Pause | None:
    """The stored pause, ended or not; None without one.

    A file that cannot be understood counts as a pause: somebody wanted one.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            data, changed_s = file.read(MOST_BYTES), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        return Pause(datetime.now(UTC), f"a file that cannot be read ({path}: {error.strerror})")
    try:
        found = json.loads(data)
        until = None if found["until"] is None else _moment(found["until"])
        kind = PauseKind(found.get("kind", PauseKind.OWNER))
        return Pause(_moment(found["since"]), str(found["by"]), until, kind)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Pause(datetime.fromtimestamp(changed_s, UTC), f"a damaged file ({path})")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without offset")
    return moment.astimezone(UTC)


def end(folder: Path) -> Pause | None:
    """End the pause; return the one that was ended, None without one.

    Raises
    ------
    DataError
        If it cannot be removed.
    """
    ended = load(folder)
    try:
        (folder / FILE_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"the pause in {folder} cannot be ended ({error.strerror}): use sudo"
        ) from error
    return ended


@dataclass(slots=True)
class PauseWatch:
    """The pause as the executor's loop asks for it: one `stat`, and reading only after a change."""

    folder: Path
    zone: tzinfo = UTC
    _mark: tuple[int, int, int] | None = None
    _pause: Pause | None = None
    _reported: Pause | None = None

    def current(self, now: datetime) -> str:
        """The pause in force in words; "" without one."""
        self._reported = found = self._in_force(now)
        return "" if found is None else f"{WORDS[found.kind]} {found.text(self.zone)}"

    @property
    def reason(self) -> Reason:
        """Reason of the pause that `current` named last."""
        kind = PauseKind.OWNER if self._reported is None else self._reported.kind
        return REASONS[kind]

    def changed(self, now: datetime) -> bool:
        """Return true if `current` would say something else than it did last."""
        return self._in_force(now) != self._reported

    def _in_force(self, now: datetime) -> Pause | None:
        mark = self._stat()
        if mark != self._mark:
            self._mark, self._pause = mark, load(self.folder) if mark else None
        return self._pause if self._pause is not None and self._pause.in_force(now) else None

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            status = os.stat(self.folder / FILE_NAME)  # noqa: PTH116 - twice a second
        except FileNotFoundError:
            return None
        except OSError:  # a disk that fails: what was known last holds
            return self._mark
        return status.st_mtime_ns, status.st_ino, status.st_size
