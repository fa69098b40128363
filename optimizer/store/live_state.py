"""State of the running executor: a small file in memory, for `optimizer status`.

Written every cycle, so it lies where no SD card wears out.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from optimizer.model.plan import iso
from optimizer.model.snapshot import Decision, Snapshot
from optimizer.store.files import give_to_folder_owner

SERVICE_FOLDER = Path("/run/optimizer")
"""The memory folder of an installed service; systemd makes it."""
MEMORY_FOLDERS = ("/run/user/{uid}", "/dev/shm")  # noqa: S108 tmpfs on purpose; file is 0600


def path_for(store: Path) -> Path:
    """Path of the state of a store's executor, the same for every process of one user.

    An installed service writes into its own folder, where root finds it too.
    """
    mark = hashlib.sha256(str(store.absolute()).encode()).hexdigest()[:12]
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    service = Path(given) if given else SERVICE_FOLDER
    if os.access(service, os.W_OK):
        return service / f"{mark}.json"
    name = f"optimizer-{os.getuid()}-{mark}.json"
    for pattern in MEMORY_FOLDERS:
        folder = Path(pattern.format(uid=os.getuid()))
        if os.access(folder, os.W_OK):
            return folder / name
    return Path(tempfile.gettempdir()) / name


def write(
    path: Path, decision: Decision, snapshot: Snapshot | None, pid: int,
    read_s: float | None = None, *, shadow: bool = False,
) -> None:  # fmt: skip
    """Replace the file in one go; raises OSError if it cannot be written.

    Parameters
    ----------
    read_s
        How long the reading took [s].
    shadow
        True where nothing is written to the FEMS.
    """
    data: dict[str, Any] = {
        "schema": "live/1",
        "pid": pid,
        "at": iso(decision.at),
        "setpoint_w": decision.setpoint_w,
        "channel": decision.channel.value,
        "reason": decision.reason.name.lower(),
        "intent": decision.intent.value,
        "note": decision.note,
        "read_s": None if read_s is None else round(read_s, 4),
        "shadow": shadow,
    }
    for item in fields(Snapshot):
        if item.name != "at":
            data[item.name] = None if snapshot is None else getattr(snapshot, item.name)
    part = path.with_suffix(f".{pid}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file)
    give_to_folder_owner(part)
    part.replace(path)


def has_ended(live: Mapping[str, Any]) -> bool:
    """True if the process that wrote a state is gone, as far as the caller may know."""
    try:
        os.kill(int(live["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's, or no process id
        return False
    return False


def read(path: Path) -> Mapping[str, Any] | None:
    """Last written state, or None if there is nothing readable."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        datetime.fromisoformat(data["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return data if isinstance(data, dict) else None
