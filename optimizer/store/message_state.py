"""Memory of the messages to the owner: a small file in the store's folder.

It is a file of its own, so that messages about a database that cannot be used are sent too. Only
`optimizer notify` reads and writes it.
"""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from optimizer.errors import DataError
from optimizer.store import files

log = logging.getLogger(__name__)

FILE_NAME = "messages.json"
SCHEMA = "messages/1"

MOST_BYTES = 200_000
"""Largest file that is read."""


def load(folder: Path) -> Mapping[str, Any]:
    """The stored data; empty without a file, and where it cannot be understood.

    Raises
    ------
    DataError
        If the file is there and cannot be read.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): use sudo") from error
    with suppress(ValueError, RecursionError):
        data = json.loads(text) if len(text) <= MOST_BYTES else None
        if isinstance(data, dict) and data.get("schema") == SCHEMA:
            return data
    log.warning("%s cannot be understood: what was sent before may be sent again", path)
    return {}


def store(folder: Path, data: Mapping[str, Any]) -> None:
    """Replace the stored data; on the disk when this returns.

    Raises
    ------
    DataError
        If they cannot be written.
    """
    text = json.dumps({"schema": SCHEMA, **data}, ensure_ascii=False)
    files.keep(folder / FILE_NAME, text, "nothing is sent, since what was sent cannot be stored")
