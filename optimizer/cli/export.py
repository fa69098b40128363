"""`optimizer export`: journal and plans for people's own tools, runs for `replay`."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import AtOption, ConfigOption, load_config, moment
from optimizer.errors import DataError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from optimizer.analysis.table_files import Row


class What(StrEnum):
    """What can be taken out of the store."""

    JOURNAL = "journal"
    PLAN = "plan"
    RUN = "run"


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    PARQUET = "parquet"


def export(
    what: Annotated[
        What, typer.Argument(help="journal, plan, or run (JSON for 'optimizer replay').")
    ],
    begin: Annotated[
        str | None,
        typer.Option("--from", help="First moment (plan: when it was made).", metavar="ISO"),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="First moment after the span.", metavar="ISO")
    ] = None,
    at: AtOption = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: by FILE's ending, else csv.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Default: stdout.", metavar="FILE", dir_okay=False),
    ] = None,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Write journal, plans or a planning run: times in UTC, units in the columns' names.

    journal: every change and the summary of each quarter-hour, --from and --to. plan: the steps of
    the plan in force (--at), or of all plans made between --from and --to. run: the whole input of
    the plan in force (--at), with the plan.
    """
    from optimizer.store import database

    span = begin is not None or end is not None
    _check(what, form, spanned=span, at=at)
    settings = load_config(config)
    first = datetime.min.replace(tzinfo=UTC) if begin is None else moment(begin, "--from")
    last = datetime.max.replace(tzinfo=UTC) if end is None else moment(end, "--to")
    connection = database.connect(settings.store.folder)
    try:
        if what is What.RUN:
            _write_text(_run(connection, moment(at)), out)
        elif what is What.JOURNAL:
            _write_journal(connection, first, last, form, out)
        else:
            between = (first, last) if span else None
            _write_plans(connection, between, moment(at), form, out)
    finally:
        connection.close()


def _check(what: What, form: Format | None, *, spanned: bool, at: str | None) -> None:
    """Refuse options that say nothing here."""
    if what is What.JOURNAL and at is not None:
        raise typer.BadParameter("a journal has a span: --from and --to", param_hint="--at")
    if what is What.PLAN and spanned and at is not None:
        raise typer.BadParameter("either --at, or --from and --to", param_hint="--at")
    if what is What.RUN and spanned:
        raise typer.BadParameter("a run is named by a moment: --at", param_hint="--from")
    if what is What.RUN and form is not None:
        raise typer.BadParameter("a run is written as JSON", param_hint="--format")


def _run(connection: "sqlite3.Connection", at: datetime) -> str:
    """The run behind the plan in force, with that plan, so that a replay can compare."""
    from optimizer.model.plan_json import to_json
    from optimizer.planning import run_json
    from optimizer.store import plans

    number = plans.number_in_force(connection, at)
    run = run_json.from_json(plans.run_of(connection, number))
    data = run_json.to_json(run) | {"plan": to_json(plans.load(connection, number))}
    return json.dumps(data, ensure_ascii=False) + "\n"


def _write_journal(
    connection: "sqlite3.Connection", first: datetime, last: datetime, form: Format | None,
    out: Path | None,
) -> None:  # fmt: skip
    from optimizer.analysis import table_files
    from optimizer.store import journal

    rows = table_files.journal_rows(journal.ticks_between(connection, first, last))
    _write(table_files.JOURNAL_COLUMNS, rows, form, out)


def _write_plans(
    connection: "sqlite3.Connection", between: tuple[datetime, datetime] | None, at: datetime,
    form: Format | None, out: Path | None,
) -> None:  # fmt: skip
    from optimizer.analysis import table_files
    from optimizer.store import plans

    numbers = (
        [plans.number_in_force(connection, at)]
        if between is None
        else plans.made_between(connection, *between)
    )
    rows = [
        row for number in numbers for row in table_files.plan_rows(plans.load(connection, number))
    ]
    _write(table_files.PLAN_COLUMNS, rows, form, out)


def _write(
    columns: "Sequence[str]", rows: "Sequence[Row]", form: Format | None, out: Path | None
) -> None:
    """Write rows to where and how they are wanted."""
    from optimizer.analysis import table_files

    if form is None:
        form = Format.PARQUET if out is not None and out.suffix == ".parquet" else Format.CSV
    if form is Format.CSV:
        _write_text(table_files.csv_text(columns, rows), out)
    elif out is None:
        raise typer.BadParameter("Parquet needs a file: -o FILE", param_hint="--format")
    else:
        table_files.write_parquet(columns, rows, out)


def _write_text(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}") from error
