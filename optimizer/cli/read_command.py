"""`optimizer read`: what a source, or a file, was understood as."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.common_options import (
    AtOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    load_config,
    moment,
)
from optimizer.cli.terminal import echo_json


class Series(StrEnum):
    """Series that a plan is made from."""

    LOAD = "load"
    PV = "pv"
    PRICES = "prices"


def read(
    what: Annotated[Series, typer.Argument(help="load, pv or prices.")],
    file: Annotated[
        Path | None,
        typer.Option(help="A table to read, without a configuration.", metavar="FILE"),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Header of the column to take of FILE.", metavar="NAME")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show one price part by part.")
    ] = False,
    at: AtOption = None,
    csv: CsvOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Show what a source was understood as: columns, unit, span, holes, size, first rows."""
    from optimizer.app import series_reading
    from optimizer.model.tariff import BERLIN
    from optimizer.report import table_files
    from optimizer.store import files

    if column is not None and file is None:
        raise typer.BadParameter("is for --file; else set it in the configuration",
                                 param_hint="--column")  # fmt: skip
    if explain and what is not Series.PRICES:
        raise typer.BadParameter("is for prices", param_hint="--explain")
    now = moment(at)
    settings = None if file is not None else load_config(config)
    if settings is None and file is not None:
        report = series_reading.read_file(what.value, file, column)
    elif settings is not None:
        report = series_reading.read_source(settings, what.value, now)
    if csv is not None:
        files.write(csv, table_files.csv_text(*report.table()))
    if as_json:
        echo_json(json.dumps(report.as_json(), ensure_ascii=False))
        return
    zone = BERLIN if settings is None else settings.zone
    lines = [*report.lines(zone, now)]
    if explain:
        lines += ["", *series_reading.explained(settings, report, now)]
    typer.echo("\n".join(lines))
