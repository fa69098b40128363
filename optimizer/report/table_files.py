"""Rows of the store as CSV or Parquet: moments in UTC, units in the columns' names."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from optimizer.errors import DataError, MissingExtraError
from optimizer.model.plan import Plan, Step, iso
from optimizer.model.plan_json import step_to_json
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.store.journal import Tick

Row = Mapping[str, Any]

MOMENTS = ("at", "start", "end", "step", "plan_made_at")
"""Columns that hold moments: ISO 8601 with Z in CSV, time stamps in Parquet."""

JOURNAL_COLUMNS = ("at", *(item.name for item in fields(Tick) if item.name != "at"))
PLAN_COLUMNS = (
    "plan_made_at",
    *(item.name for item in fields(Step) if item.name != "values_eur_per_kwh"),
)


QUARTER_COLUMNS = (
    "start",
    *(item.name for item in fields(QuarterEnergy) if item.name not in ("start", "at", "previous")),
)


def quarter_rows(quarters: Sequence[QuarterEnergy]) -> list[Row]:
    """Metered quarter-hours as rows."""
    return [
        {"start": iso(quarter.start)}
        | {name: getattr(quarter, name) for name in QUARTER_COLUMNS if name != "start"}
        for quarter in quarters
    ]


def journal_rows(ticks: Sequence[Tick]) -> list[Row]:
    """Rows of the journal as they are stored."""
    return [{name: asdict(tick)[name] for name in JOURNAL_COLUMNS} for tick in ticks]


def plan_rows(plan: Plan) -> list[Row]:
    """A plan's steps, without the value table."""
    head = {"plan_made_at": iso(plan.made_at)}
    steps = [head | step_to_json(step) for step in plan.steps]
    return [{name: step[name] for name in PLAN_COLUMNS} for step in steps]


def write_csv(columns: Sequence[str], rows: Sequence[Row], file: TextIO) -> None:
    """Write rows as CSV; unknown values are empty."""
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def csv_text(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Rows as CSV text."""
    file = io.StringIO()
    write_csv(columns, rows, file)
    return file.getvalue()


def write_parquet(columns: Sequence[str], rows: Sequence[Row], path: Path) -> None:
    """Write rows as Parquet.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    DataError
        If the file cannot be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Parquet needs pyarrow", "parquet", "take --format csv") from error
    moments = pyarrow.timestamp("us", tz="UTC")
    arrays = {
        name: pyarrow.array([_moment(row[name]) for row in rows], moments)
        if name in MOMENTS
        else pyarrow.array([row[name] for row in rows])
        for name in columns
    }
    try:
        pyarrow.parquet.write_table(pyarrow.table(arrays), path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
