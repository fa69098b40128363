"""The owner's overrides in the store: one is in force at a time, and each ends once.

A plan notes the override that it was made under. Plans of an override that was cancelled or
replaced are void: the plan before them is in force again at once.
"""

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from optimizer.errors import DataError, OptimizerError
from optimizer.model import override
from optimizer.model.currency import Currency
from optimizer.model.override import Override
from optimizer.model.plan import iso
from optimizer.store.database import transaction

log = logging.getLogger(__name__)


class Ending(StrEnum):
    """Reasons why an override ended before its time."""

    REACHED = "reached"
    """The charge that was asked for is there."""
    CANCELLED = "cancelled"
    REPLACED = "replaced"


class OverrideChangedError(OptimizerError):
    """An override was taken, or ended, since a plan's inputs were read: plan again."""


@dataclass(frozen=True, slots=True)
class StoredOverride:
    """An override with its price and its end."""

    override: Override
    cost_eur: float | None
    """Price: what its plan costs more than the plan without it [EUR]; None until the first plan of
    an override that was taken unpriced."""
    ended_at: datetime | None = None
    """Moment at which it ended before its time."""
    ending: Ending | None = None

    def end(self) -> datetime:
        """Moment at which it ended, or will at the latest."""
        return self.override.until if self.ended_at is None else self.ended_at

    def price(self, money: Currency) -> str:
        """The price in words, behind `taken`."""
        return "unpriced" if self.cost_eur is None else f"for {money.amount(self.cost_eur)}"

    def state(self, now: datetime) -> str:
        """`in force`, `over`, or the reason why it ended before its time."""
        if self.ending is not None:
            return self.ending.value
        return "in force" if self.override.in_force(now) else "over"


COLUMNS = "body, iif(priced, cost_eur, NULL), ended_at, ending"


def in_force(connection: sqlite3.Connection, at: datetime) -> StoredOverride | None:
    """The override in force at a moment; None without one, or if it cannot be read."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM override WHERE ended_at IS NULL "  # noqa: S608
        "AND taken_at <= ? AND until > ? ORDER BY number DESC LIMIT 1",
        (iso(at), iso(at)),
    ).fetchone()
    return None if row is None else _stored(row)


def between(
    connection: sqlite3.Connection, begin: datetime, end: datetime
) -> Sequence[StoredOverride]:
    """The overrides of which a span has a part, oldest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM override WHERE taken_at < ? AND "  # noqa: S608
        "coalesce(ended_at, until) > ? ORDER BY number",
        (iso(end), iso(begin)),
    )
    return [found for row in rows if (found := _stored(row)) is not None]


def newest(connection: sqlite3.Connection, count: int) -> Sequence[StoredOverride]:
    """The last overrides, newest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM override ORDER BY number DESC LIMIT ?",  # noqa: S608
        (count,),
    )
    return [found for row in rows if (found := _stored(row)) is not None]


def _stored(row: tuple[str, float | None, str | None, str | None]) -> StoredOverride | None:
    body, cost_eur, ended_at, ending = row
    try:
        found = override.from_json(json.loads(body))
        ended = None if ended_at is None else datetime.fromisoformat(ended_at)
        return StoredOverride(found, cost_eur, ended, None if ending is None else Ending(ending))
    except (ValueError, RecursionError) as error:
        log.warning("a stored override cannot be read and counts as none: %s", error)
        return None


def next_number(connection: sqlite3.Connection) -> int:
    """The number that the next override has."""
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM override").fetchone()
    return int(last) + 1


def take(connection: sqlite3.Connection, taken: StoredOverride) -> None:
    """Store an override in place of the one in force; the caller's transaction.

    Raises
    ------
    OverrideChangedError
        If another one has its number by now.
    """
    order = taken.override
    if next_number(connection) != order.number:
        raise OverrideChangedError("another override was taken meanwhile: try again")
    close(connection, order.since, Ending.REPLACED)
    connection.execute(
        "INSERT INTO override (number, taken_at, until, body, cost_eur, priced) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            order.number, iso(order.since), iso(order.until), json.dumps(order.as_json()),
            taken.cost_eur or 0.0, taken.cost_eur is not None,
        ),
    )  # fmt: skip


def take_unpriced(connection: sqlite3.Connection, order: Override) -> bool:
    """Store an override without price and plan: the next plan is made under it, and prices it.

    Parameters
    ----------
    order
        The order; its number is set here.

    Returns
    -------
    bool
        False if the override in force demands the same: nothing was stored.

    Raises
    ------
    DataError
        If the store cannot be written.
    """
    try:
        with transaction(connection):
            current = in_force(connection, order.since)
            if current is not None and _same_demand(current.override, order):
                return False
            number = next_number(connection)
            take(connection, StoredOverride(replace(order, number=number), None))
    except sqlite3.Error as error:
        raise DataError(f"the override cannot be stored ({error})") from error
    return True


def _same_demand(one: Override, other: Override) -> bool:
    """True where two overrides demand the same; as soon as possible has no moment of its own."""
    since, until = other.since, one.until if other.at_once else other.until
    return replace(one, number=other.number, since=since, by=other.by) == replace(
        other, until=until
    )


def price(connection: sqlite3.Connection, number: int, cost_eur: float) -> None:
    """Note the price of an override that was taken unpriced; the caller's transaction."""
    connection.execute(
        "UPDATE override SET cost_eur = ?, priced = 1 WHERE number = ? AND NOT priced",
        (cost_eur, number),
    )


def close(
    connection: sqlite3.Connection, at: datetime, ending: Ending, number: int | None = None
) -> bool:
    """End the override in force, or the one of a number if it still is; whether there was one."""
    done = connection.execute(
        "UPDATE override SET ended_at = ?, ending = ? "
        "WHERE ended_at IS NULL AND until > ? AND number = coalesce(?, number)",
        (iso(at), ending.value, iso(at), number),
    )
    return done.rowcount > 0


def has_ended(connection: sqlite3.Connection, number: int) -> bool:
    """Return true if an override has ended before its time."""
    row = connection.execute("SELECT ended_at FROM override WHERE number = ?", (number,)).fetchone()
    return row is not None and row[0] is not None
