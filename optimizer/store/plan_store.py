"""Plans in the store: written whole by the planner, only read by the executor."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from optimizer.errors import NoPlanError
from optimizer.model.moments import QUARTER, floor
from optimizer.model.plan import Plan, Step, iso
from optimizer.model.plan_json import from_json, to_json
from optimizer.store import overrides
from optimizer.store.database import packed, transaction, unpacked
from optimizer.store.overrides import OverrideChangedError, StoredOverride

KEEP_ALL = timedelta(days=3)
"""So long every plan is kept with its run; then the last one of each day."""

LONGEST_STEP = timedelta(hours=1)

MOST_BYTES = 4 * 1024 * 1024
"""Largest plan, unpacked: one of two days in steps of 15 minutes has 150 kB, one of a week in steps
of 5 minutes 1.5 MB; the executor has 48 MB in all."""

KEEP_DAYS = timedelta(days=366)
"""So long the last plan of each day is kept."""


def save(
    connection: sqlite3.Connection, plan: Plan, run_input: Mapping[str, Any],
    stored_at: datetime | None = None, taken: StoredOverride | None = None,
    price_eur: float | None = None,
) -> int:  # fmt: skip
    """Store a plan with its run's whole input and let old ones go, in one transaction.

    Parameters
    ----------
    run_input
        What the plan was made from, as JSON data.
    stored_at
        Now; without it the moment that the plan was made for.
    taken
        The override that the plan is the first of: taken in the same transaction.
    price_eur
        Price of the plan's override where that was taken unpriced [EUR].

    Returns
    -------
    int
        The plan's number.

    Raises
    ------
    OverrideChangedError
        If the plan was made under another override than the one in force by now.
    """
    made_at, now = iso(plan.made_at), stored_at or plan.made_at
    number = None if plan.override is None else plan.override.number
    with transaction(connection):
        if taken is not None:
            overrides.take(connection, taken)
        current = overrides.in_force(connection, plan.made_at)
        if number != (None if current is None else current.override.number):
            raise OverrideChangedError("an override was taken or has ended meanwhile: plan again")
        if number is not None and price_eur is not None:
            overrides.price(connection, number, price_eur)
        run = connection.execute(
            "INSERT INTO run (made_at, stored_at, input) VALUES (?, ?, ?)",
            (made_at, iso(now), packed(json.dumps(run_input))),
        )
        row = connection.execute(
            "INSERT INTO plan (run_id, made_at, site, bounds, first_start, last_end, body, "
            "override) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.lastrowid, made_at, plan.site, plan.bounds, iso(plan.steps[0].start),
                iso(plan.steps[-1].end), packed(json.dumps(to_json(plan))), number,
            ),
        )  # fmt: skip
        _note_prices(connection, plan, made_at)
        _prune(connection, now)
    return int(row.lastrowid or 0)


def _note_prices(connection: sqlite3.Connection, plan: Plan, made_at: str) -> None:
    """Keep prices (the last word counts) for the savings ledger."""
    connection.executemany(
        "INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?)",
        [
            (iso(start), step_s, made_at, step.buy_eur_per_kwh, step.sell_eur_per_kwh)
            for step in plan.steps
            for start, step_s in _priced_spans(step, plan.step_s)
        ],
    )


def _priced_spans(step: Step, step_s: int) -> list[tuple[datetime, int]]:
    """Spans that a step's prices are kept for: (start, length [s]).

    A step is one span. Where the plan begins within a step, its prices say nothing of the part
    before: they are kept for the quarter-hours of the rest.
    """
    if step.hours * 3600 >= step_s:
        return [(step.start, step_s)]
    first = floor(step.start)
    count = -(-(step.end - first) // QUARTER)
    return [(first + place * QUARTER, QUARTER.seconds) for place in range(count)]


def _prune(connection: sqlite3.Connection, now: datetime) -> None:
    """Let old plans and their runs go; the newest plan always stays."""
    old = [
        number for (number,) in connection.execute(
            "SELECT id FROM run WHERE id < (SELECT max(id) FROM run) AND (stored_at < ? OR ("
            "stored_at < ? AND "
            "id NOT IN (SELECT max(id) FROM run GROUP BY substr(stored_at, 1, 10))))",
            (iso(now - KEEP_DAYS), iso(now - KEEP_ALL)),
        )
    ]  # fmt: skip
    connection.executemany("DELETE FROM plan WHERE run_id = ?", [(number,) for number in old])
    connection.executemany("DELETE FROM run WHERE id = ?", [(number,) for number in old])


def load(connection: sqlite3.Connection, number: int) -> Plan:
    """Read a plan back.

    Raises
    ------
    NoPlanError
        If it is not there or cannot be read whole.
    """
    row = connection.execute(
        "SELECT iif(length(body) > ?, NULL, body) FROM plan WHERE id = ?", (MOST_BYTES, number)
    ).fetchone()
    if row is None:
        raise NoPlanError(f"there is no plan {number} in the store")
    try:
        data = unpacked(row[0], MOST_BYTES)
    except ValueError as error:
        raise NoPlanError(
            f"the stored plan cannot be read ({error}): make a new one with 'optimizer plan'"
        ) from error
    return from_json(data)


NOT_VOID = (
    "coalesce(override NOT IN "
    "(SELECT number FROM override WHERE ending IN ('cancelled', 'replaced')), TRUE)"
)
"""Condition of a plan that no override of it was cancelled or replaced."""


def in_force(connection: sqlite3.Connection, at: datetime) -> Plan:
    """The newest whole plan that covers a moment, and is not void.

    Raises
    ------
    NoPlanError
        If there is none, with what is wrong with the newest, or its span if there is any.
    """
    moment = iso(at)
    rows = connection.execute(
        f"SELECT id FROM plan WHERE first_start <= ? AND last_end > ? AND {NOT_VOID} "  # noqa: S608
        "ORDER BY id DESC LIMIT 5",
        (moment, moment),
    ).fetchall()
    damage: NoPlanError | None = None
    for (number,) in rows:
        try:
            return load(connection, int(number))
        except NoPlanError as error:
            damage = damage or error
    if damage is not None:
        raise damage
    return load(connection, number_in_force(connection, at))


def number_in_force(connection: sqlite3.Connection, at: datetime) -> int:
    """Number of the newest plan that covers a moment: cheap, the executor asks in every cycle.

    Raises
    ------
    NoPlanError
        If there is none, with the span of the newest plan if there is any.
    """
    moment = iso(at)
    row = connection.execute(
        "SELECT max(id) FROM plan WHERE first_start <= ? AND last_end > ? "  # noqa: S608
        f"AND {NOT_VOID}",
        (moment, moment),
    ).fetchone()
    if row[0] is not None:
        return int(row[0])
    newest = connection.execute(
        "SELECT first_start, last_end FROM plan ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if newest is None:
        raise NoPlanError("there is no plan yet: make one with 'optimizer plan'")
    raise NoPlanError(
        f"no plan covers {moment}; the newest runs from {newest[0]} to {newest[1]}: "
        "make a new one with 'optimizer plan'"
    )


def furthest_end(connection: sqlite3.Connection) -> datetime | None:
    """End of the plan that reaches furthest; None without one."""
    (end,) = connection.execute(
        f"SELECT max(last_end) FROM plan WHERE {NOT_VOID}"  # noqa: S608
    ).fetchone()
    return None if end is None else datetime.fromisoformat(end)


def run_of(connection: sqlite3.Connection, number: int) -> Any:
    """The whole input of a plan's run, as JSON data.

    Raises
    ------
    NoPlanError
        If it is not there or cannot be read.
    """
    row = connection.execute(
        "SELECT input FROM run JOIN plan ON plan.run_id = run.id WHERE plan.id = ?", (number,)
    ).fetchone()
    if row is None:
        raise NoPlanError(f"there is no plan {number} in the store")
    try:
        return unpacked(row[0])
    except ValueError as error:
        raise NoPlanError(
            f"the stored planning run cannot be read ({error}): make a new plan with "
            "'optimizer plan'"
        ) from error


def last_before(connection: sqlite3.Connection, at: datetime) -> int | None:
    """Number of the plan that was made last at or before a moment."""
    row = connection.execute(
        "SELECT id FROM plan WHERE made_at <= ? ORDER BY made_at DESC, id DESC LIMIT 1", (iso(at),)
    ).fetchone()
    return None if row is None else int(row[0])


def newest(connection: sqlite3.Connection, count: int) -> Sequence[int]:
    """Numbers of the plans that were stored last, oldest first."""
    rows = connection.execute("SELECT id FROM plan ORDER BY id DESC LIMIT ?", (count,))
    return [int(number) for (number,) in rows][::-1]


def spans(
    connection: sqlite3.Connection, begin: datetime, end: datetime
) -> Sequence[tuple[int, datetime, datetime, datetime]]:
    """Plans that were made before the end of a span and cover some of it, oldest first.

    For each its number, when it was made, its first moment and its end: that of its override, if
    it is void.
    """
    rows = connection.execute(
        f"SELECT id, made_at, first_start, iif({NOT_VOID}, last_end, "  # noqa: S608
        "(SELECT min(ended_at, last_end) FROM override AS its WHERE its.number = plan.override)) "
        "FROM plan WHERE made_at < ? AND first_start < ? AND last_end > ? ORDER BY id",
        (iso(end), iso(end), iso(begin)),
    )
    at = datetime.fromisoformat
    return [(int(number), at(made), at(first), at(last)) for number, made, first, last in rows]


def prices(
    connection: sqlite3.Connection, begin: datetime, end: datetime
) -> Sequence[tuple[datetime, int, float, float]]:
    """Prices as the last plans had them: start, step [s], buying and selling price [EUR/kWh].

    Later reports come last.
    """
    rows = connection.execute(
        "SELECT start, step_s, buy_eur_per_kwh, sell_eur_per_kwh FROM price "
        "WHERE start > ? AND start < ? ORDER BY known_at, start",
        (iso(begin - LONGEST_STEP), iso(end)),
    )
    return [(datetime.fromisoformat(start), *values) for start, *values in rows]


def made_between(connection: sqlite3.Connection, begin: datetime, end: datetime) -> Sequence[int]:
    """Numbers of the plans made in a span, oldest first."""
    rows = connection.execute(
        "SELECT id FROM plan WHERE made_at >= ? AND made_at < ? ORDER BY made_at, id",
        (iso(begin), iso(end)),
    )
    return [int(number) for (number,) in rows]
