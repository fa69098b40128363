"""`optimizer export`: journal, record and plans for people's own tools, runs for `replay`."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.common_options import AtOption, ConfigOption, load_config, moment, span_of
from optimizer.cli.terminal import echo_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.app.stored_tables import StoredTable


EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


class What(StrEnum):
    """Contents of the store that can be exported."""

    JOURNAL = "journal"
    QUARTERS = "quarters"
    PLAN = "plan"
    RUN = "run"


class Format(StrEnum):
    """File formats of tables."""

    CSV = "csv"
    PARQUET = "parquet"


def export(
    what: Annotated[
        What, typer.Argument(help="journal, quarters, plan, or run (JSON for 'optimizer replay').")
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
    counters: Annotated[
        bool,
        typer.Option(
            "--counters",
            help="quarters: ask the FEMS for its own counters too, and say the difference.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Write journal, quarter-hours, plans or a run: times in UTC, units in the columns' names.

    journal: every change and the summary of each quarter-hour, --from and --to. quarters: the
    record of each quarter-hour, --from and --to: energies in each direction and between grid, PV,
    battery and house, prices, what was held and why, and for a battery that is not a hybrid the
    quantities (1), (2), (23) of the German MiSpeL rules. plan: the steps of the plan in force
    (--at), or of all plans made between --from and --to. run: the whole input of the plan in force
    (--at), with the plan.
    """
    from optimizer.app import quarter_export, stored_tables

    span = begin is not None or end is not None
    _check(what, form, spanned=span, at=at)
    if counters and what is not What.QUARTERS:
        raise typer.BadParameter("the FEMS counts quarter-hours only", param_hint="--counters")
    first, last = span_of(begin, end)
    first, last = first or EARLIEST, last or LATEST
    settings = load_config(config)
    if what is What.RUN:
        data = stored_tables.run_data(settings, moment(at))
        _write_text(json.dumps(data, ensure_ascii=False), out, echo_json)
    elif what is What.JOURNAL:
        _write(stored_tables.journal_table(settings, first, last), form, out)
    elif what is What.QUARTERS:
        compared = quarter_export.counter_comparison(settings, first, last) if counters else []
        _write(quarter_export.quarter_table(settings, first, last), form, out)
        for one in compared:
            typer.echo(one.text(), err=True)
    elif span:
        _write(stored_tables.plan_table_between(settings, first, last), form, out)
    else:
        _write(stored_tables.plan_table_at(settings, moment(at)), form, out)


def _check(what: What, form: Format | None, *, spanned: bool, at: str | None) -> None:
    """Refuse options without a meaning for this content."""
    if what in (What.JOURNAL, What.QUARTERS) and at is not None:
        name = "a journal has" if what is What.JOURNAL else "quarter-hours have"
        raise typer.BadParameter(f"{name} a span: --from and --to", param_hint="--at")
    if what is What.PLAN and spanned and at is not None:
        raise typer.BadParameter("either --at, or --from and --to", param_hint="--at")
    if what is What.RUN and spanned:
        raise typer.BadParameter("a run is named by a moment: --at", param_hint="--from")
    if what is What.RUN and form is not None:
        raise typer.BadParameter("a run is written as JSON", param_hint="--format")


def _write(table: "StoredTable", form: Format | None, out: Path | None) -> None:
    """Write a table in a format to a file or to stdout."""
    from optimizer.report import table_files

    if form is None:
        form = Format.PARQUET if out is not None and out.suffix == ".parquet" else Format.CSV
    if form is Format.CSV:
        _write_text(table_files.csv_text(table.columns, table.rows).removesuffix("\n"), out)
    elif out is None:
        raise typer.BadParameter("Parquet needs a file: -o FILE", param_hint="--format")
    else:
        table_files.write_parquet(table.columns, table.rows, out)


def _write_text(text: str, out: Path | None, echo: "Callable[[str], None]" = typer.echo) -> None:
    """Write a text to a file, or print it; either ends its last line."""
    from optimizer.store import files

    if out is None:
        echo(text)
    else:
        files.write(out, f"{text}\n")
