"""Rows of power as a checked frame: what the sources of load and roof have in common."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import pandas as pd

from optimizer.errors import DataError
from optimizer.model import frames
from optimizer.model.plan import iso
from optimizer.sources.failures import NotPublishedError, RejectedError

LONGEST = timedelta(hours=1)
"""A mean over more than an hour says nothing of the time of day."""


def frame_of(
    rows: Iterable[tuple[datetime, datetime, float | None]], column: str, origin: str
) -> pd.DataFrame:
    """Means over steps [W], in order; unknown values are holes: rows that are left out.

    Parameters
    ----------
    rows
        Start, end (aware, half-open) and value.
    column
        `load_w` or `pv_w`.
    origin
        Whose they are, for messages.

    Raises
    ------
    NotPublishedError
        If no value is known.
    RejectedError
        If steps overlap or are too long, or a value is not plausible.
    """
    known: dict[datetime, tuple[datetime, float | None]] = {}
    for start, end, value in sorted(row for row in rows if row[2] is not None):
        if not timedelta(0) < end - start <= LONGEST:
            raise RejectedError(f"{origin}: the step at {iso(start)} is not 5 to 60 min long")
        if known.setdefault(start, (end, value)) != (end, value):
            raise RejectedError(f"{origin}: there are two values for {iso(start)}")
    if not known:
        raise NotPublishedError(f"{origin} knows nothing of this time")
    frame = frames.frame_of(
        list(known), [end for end, _ in known.values()],
        **{column: [float(value) for _, value in known.values() if value is not None]},
    )  # fmt: skip
    return checked(frame, column, origin)


def checked(frame: pd.DataFrame, column: str, origin: str) -> pd.DataFrame:
    """The check at the door, as a failure of a source."""
    try:
        return frames.check(frame, (column,), origin)
    except DataError as error:
        raise RejectedError(str(error)) from error


def list_of(document: object, *path: str | int, origin: str) -> list[object]:
    """The list at a place of a JSON document.

    Raises
    ------
    RejectedError
        If there is none.
    """
    for part in path:
        inside = isinstance(document, Mapping) and part in document
        within = isinstance(document, list) and isinstance(part, int) and part < len(document)
        if not (inside or within):
            raise RejectedError(f"{origin} answered without '{part}': its format is not known here")
        document = document[part]  # type: ignore[index]
    if not isinstance(document, list):
        raise RejectedError(f"{origin} answered '{path[-1]}' of an unknown form")
    return document


def number(value: object, origin: str) -> float | None:
    """A number of a JSON document; null is unknown.

    Raises
    ------
    RejectedError
        If it is something else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RejectedError(f"{origin} answered '{str(value)[:20]}' where a number belongs")
    return float(value)


def moment(value: object, origin: str) -> datetime:
    """An ISO 8601 moment with its offset.

    Raises
    ------
    RejectedError
        If it is something else.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RejectedError(f"{origin} answered '{str(value)[:30]}' where a moment belongs")
    return at
