"""`optimizer study`: many homes, batteries and tariffs as one table."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.backtest import (
    ForecastOption,
    HtmlOption,
    TickOption,
    write_page,
)
from optimizer.cli.options import JsonOption
from optimizer.errors import DataError

if TYPE_CHECKING:
    from optimizer.analysis.backtest.trial import Trial


def study(
    homes: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders with prices.csv, load.csv, roof.csv; the sample weeks by default.",
            metavar="[FOLDER]...",
        ),
    ] = None,
    battery: Annotated[
        list[str] | None,
        typer.Option(help="Capacity in kWh, or capacity/power in kW: 11/5.", metavar="KWH[/KW]"),
    ] = None,
    tariff: Annotated[
        list[str] | None, typer.Option(help="fix, neg0, 14a or flat; all but flat by default.")
    ] = None,
    forecast: ForecastOption = "csv",
    minutes: TickOption = "15",
    seed: Annotated[int, typer.Option(help="Seed of what has to be made up.")] = 1,
    all_strategies: Annotated[
        bool, typer.Option("--all", help="The other programs' strategies too.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Processes; -1 is one for each core.", min=-1)] = -1,
    dask: Annotated[
        str | None,
        typer.Option(help="A Dask scheduler whose workers do the work.", metavar="tcp://HOST:PORT"),
    ] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try homes, batteries and tariffs against each other; euros a year beyond own use."""
    from optimizer.analysis import sample
    from optimizer.analysis.backtest import grid, trial, words
    from optimizer.analysis.backtest import study as room

    folders = homes or [sample.folder() / name for name in ("winter", "spring", "summer", "autumn")]
    names = (trial.OURS, trial.PERFECT, *trial.RIVALS) if all_strategies else (trial.OURS,)
    way = trial.Way(kind=forecast, names=names)
    batteries = [grid.battery(text) for text in battery or ["22"]]
    parts = [
        room.Part(case, way)
        for case in grid.cases(
            folders,
            batteries,
            tariff or ["fix", "neg0", "14a"],
            int(minutes),
            seed,
            learned=forecast == "learned",
        )
    ]
    if not parts:
        raise DataError("there is nothing to try")

    def told(done: int, newest: "Trial") -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{done} of {len(parts)}: {newest.case}\x1b[K", err=True, nl=False)

    trials = room.study(parts, jobs, dask, told)
    if sys.stderr.isatty():
        typer.echo("\r\x1b[K", err=True, nl=False)
    if html is not None:
        write_page(html, words.page(trials))
    if as_json:
        typer.echo(
            json.dumps({"schema": "study/1", "trials": [words.as_json(item) for item in trials]})
        )
    else:
        typer.echo("\n".join(words.overview(trials)))
