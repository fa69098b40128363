"""Moment from which on the days of control are judged: the end of the last stand-down.

A small file beside the pause's, for the same reasons (`pause.py`).
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from optimizer.model.moments import utc
from optimizer.model.plan import iso
from optimizer.store import files

FILE_NAME = "judged_days.json"

MOST_BYTES = 10_000
"""Largest file that is read."""


def begin_anew(folder: Path, at: datetime) -> None:
    """Let what was before a moment count no longer.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    text = json.dumps({"schema": "judged_days/1", "since": iso(at)})
    files.keep(folder / FILE_NAME, text, "the end of the stand-down cannot be stored")


def since(folder: Path) -> datetime | None:
    """Moment before which nothing counts (UTC); None if everything does.

    A file that cannot be read counts from its last change on: the days before it may be those of a
    stand-down that has ended.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            data, changed_s = file.read(MOST_BYTES), os.fstat(file.fileno()).st_mtime
        return utc(datetime.fromisoformat(json.loads(data)["since"]))
    except FileNotFoundError:
        return None
    except OSError:
        return datetime.now(UTC)
    except (ValueError, KeyError, TypeError, RecursionError):
        return datetime.fromtimestamp(changed_s, UTC)
