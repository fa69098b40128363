"""Tables of the store: journal, metered quarter-hours, plans; and the record of a run."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from optimizer.model.plan_json import to_json
from optimizer.report import table_files
from optimizer.report.table_files import Row
from optimizer.store import journal, plan_store, quarter_record, reading

if TYPE_CHECKING:
    from optimizer.config.sections import Config


@dataclass(frozen=True, slots=True)
class StoredTable:
    """Rows under named columns; moments are ISO 8601 texts in UTC, units are in the names."""

    columns: Sequence[str]
    rows: Sequence[Row]


def journal_table(config: "Config", begin: datetime, end: datetime) -> StoredTable:
    """Changes, events and quarter-hour summaries of a span, oldest first."""
    with closing(reading.reader(config.store.folder)) as connection:
        ticks = journal.ticks_between(connection, begin, end)
    return StoredTable(table_files.JOURNAL_COLUMNS, table_files.journal_rows(ticks))


def quarters_table(config: "Config", begin: datetime, end: datetime) -> StoredTable:
    """Metered quarter-hours that began in a span, oldest first."""
    with closing(reading.reader(config.store.folder)) as connection:
        quarters = quarter_record.between(connection, begin, end)
    return StoredTable(table_files.QUARTER_COLUMNS, table_files.quarter_rows(quarters))


def plan_table_at(config: "Config", at: datetime) -> StoredTable:
    """Steps of the plan in force at a moment.

    Raises
    ------
    NoPlanError
        If there is none.
    """
    with closing(reading.reader(config.store.folder)) as connection:
        plan = plan_store.load(connection, plan_store.number_in_force(connection, at))
    return StoredTable(table_files.PLAN_COLUMNS, table_files.plan_rows(plan))


def plan_table_between(config: "Config", begin: datetime, end: datetime) -> StoredTable:
    """Steps of all plans made in a span, oldest plan first."""
    with closing(reading.reader(config.store.folder)) as connection:
        plans = [
            plan_store.load(connection, number)
            for number in plan_store.made_between(connection, begin, end)
        ]
    rows = [row for plan in plans for row in table_files.plan_rows(plan)]
    return StoredTable(table_files.PLAN_COLUMNS, rows)


def run_data(config: "Config", at: datetime) -> dict[str, Any]:
    """JSON data of the run behind the plan in force, with that plan for `optimizer replay`.

    Raises
    ------
    NoPlanError
        If no stored plan covers the moment.
    """
    from optimizer.planning import run_record

    with closing(reading.reader(config.store.folder)) as connection:
        number = plan_store.number_in_force(connection, at)
        run = run_record.from_json(plan_store.run_of(connection, number))
        plan = plan_store.load(connection, number)
    return run_record.to_json(run) | {"plan": to_json(plan)}
