"""`optimizer study`: many homes, batteries and tariffs as one table."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.backtest_command import (
    ForecastOption,
    HtmlOption,
    JobsOption,
    SeedOption,
    TickOption,
)
from optimizer.cli.common_options import JsonOption
from optimizer.cli.progress import Progress

if TYPE_CHECKING:
    from optimizer.backtest.comparison import Comparison


DEFAULT_JOBS = -1 if find_spec("joblib") else 1
"""One process for each core, where the extra `study` is installed."""


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
    seed: SeedOption = 1,
    all_strategies: Annotated[
        bool, typer.Option("--all", help="The other programs' strategies too.")
    ] = False,
    jobs: JobsOption = DEFAULT_JOBS,
    dask: Annotated[
        str | None,
        typer.Option(help="A Dask scheduler whose workers do the work.", metavar="tcp://HOST:PORT"),
    ] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try homes, batteries and tariffs against each other; euros a year beyond self-consumption."""
    from optimizer.app import backtest_run
    from optimizer.backtest import result_text
    from optimizer.report import backtest_page
    from optimizer.store import files

    options = backtest_run.StudyOptions(
        homes or [], battery or ["22"], tariff or ["fix", "neg0", "14a"], forecast, int(minutes),
        seed, all_strategies, jobs, dask,
    )  # fmt: skip

    with Progress("comparing") as progress:

        def on_result(done: int, count: int, newest: "Comparison") -> None:
            progress.show(f"comparing, {done} of {count} done, the last one {newest.scenario}")

        comparisons = backtest_run.study(options, on_result)
    if html is not None:
        files.write(html, backtest_page.render(comparisons))
    if as_json:
        typer.echo(
            json.dumps(
                {"schema": "study/1", "trials": [result_text.as_json(item) for item in comparisons]}
            )
        )
    else:
        typer.echo("\n".join(result_text.overview(comparisons)))
