"""Plans in the store: written whole by the planner, only read by the executor."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from optimizer.errors import NoPlanError
from optimizer.model.plan import Plan, iso
from optimizer.model.plan_json import from_json, to_json
from optimizer.store.database import transaction


def save(connection: sqlite3.Connection, plan: Plan, run_input: Mapping[str, Any]) -> int:
    """Store a plan, the run's whole input and what was known, in one transaction.

    Returns
    -------
    int
        The plan's number.
    """
    head = to_json(plan)
    steps, made_at = head.pop("steps"), iso(plan.made_at)
    with transaction(connection):
        run = connection.execute(
            "INSERT INTO run (made_at, input) VALUES (?, ?)",
            (made_at, json.dumps(run_input, sort_keys=True)),
        )
        row = connection.execute(
            "INSERT INTO plan (run_id, made_at, site, bounds, first_start, last_end, head) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                run.lastrowid, made_at, plan.site, plan.bounds, iso(plan.steps[0].start),
                iso(plan.steps[-1].end), json.dumps(head),
            ),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO plan_step (plan_id, start, step) VALUES (?, ?, ?)",
            [(row.lastrowid, step["start"], json.dumps(step)) for step in steps],
        )
        _note_known(connection, plan, made_at)
    return int(row.lastrowid or 0)


def _note_known(connection: sqlite3.Connection, plan: Plan, made_at: str) -> None:
    """Keep prices (the last word counts) and forecasts (every word) for the savings ledger."""
    connection.executemany(
        "INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?)",
        [
            (iso(s.start), plan.step_s, made_at, s.buy_eur_per_kwh, s.sell_eur_per_kwh)
            for s in plan.steps
        ],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO forecast VALUES (?, ?, ?, ?, ?)",
        [(iso(s.start), plan.step_s, made_at, s.load_w, s.pv_w) for s in plan.steps],
    )


def newest_number(connection: sqlite3.Connection) -> int | None:
    """Number of the newest plan: cheap, so that the executor can look at every tick."""
    (number,) = connection.execute("SELECT max(id) FROM plan").fetchone()
    return None if number is None else int(number)


def load(connection: sqlite3.Connection, number: int) -> Plan:
    """Read a plan back.

    Raises
    ------
    NoPlanError
        If it is not there or cannot be read whole.
    """
    row = connection.execute("SELECT head FROM plan WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NoPlanError(f"there is no plan {number} in the store")
    rows = connection.execute(
        "SELECT step FROM plan_step WHERE plan_id = ? ORDER BY start", (number,)
    )
    try:
        data = json.loads(row[0]) | {"steps": [json.loads(step) for (step,) in rows]}
    except (ValueError, TypeError) as error:
        raise NoPlanError(
            f"the stored plan cannot be read ({error}): make a new one with 'optimizer plan'"
        ) from error
    return from_json(data)


def in_force(connection: sqlite3.Connection, at: datetime) -> Plan:
    """The newest plan that covers a moment.

    Raises
    ------
    NoPlanError
        If there is none, with the span of the newest plan if there is any.
    """
    moment = iso(at)
    row = connection.execute(
        "SELECT max(id) FROM plan WHERE first_start <= ? AND last_end > ?", (moment, moment)
    ).fetchone()
    if row[0] is not None:
        return load(connection, int(row[0]))
    newest = connection.execute(
        "SELECT first_start, last_end FROM plan ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if newest is None:
        raise NoPlanError("there is no plan yet: make one with 'optimizer plan'")
    raise NoPlanError(
        f"no plan covers {moment}; the newest runs from {newest[0]} to {newest[1]}: "
        "make a new one with 'optimizer plan'"
    )
