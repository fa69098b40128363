"""`optimizer backtest`: costs of a past span with this program, and with others."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from optimizer.cli.common_options import ConfigOption, JsonOption, load_config, span_of
from optimizer.cli.progress import Progress
from optimizer.cli.terminal import local_text

FromOption = Annotated[
    str | None, typer.Option("--from", help="First moment, with its offset.", metavar="ISO")
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Last moment, with its offset.", metavar="ISO")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        help="A folder with prices.csv, load.csv, roof.csv (and load_forecast.csv, "
        "roof_forecast.csv) instead of the own configuration: the sample house.",
        file_okay=False,
        metavar="FOLDER",
    ),
]
ForecastOption = Annotated[
    Literal["perfect", "learned", "csv"],
    typer.Option(
        help="What was known then. learned: the load from the past alone, the roof as forecast, or "
        "with the errors of a weather service; csv: both as forecast; perfect: for comparison."
    ),
]
TickOption = Annotated[
    Literal["1", "3", "5", "15"], typer.Option(help="Minutes of a tick; 1 takes longest.")
]


def _jobs(count: int) -> int:
    if count == 0:
        raise typer.BadParameter("0 processes do nothing: 1, or -1 for one for each core")
    return count


JobsOption = Annotated[
    int, typer.Option(help="Processes; -1 is one for each core.", min=-1, callback=_jobs)
]
SeedOption = Annotated[int, typer.Option(help="Seed of what has to be made up.", min=0)]
HtmlOption = Annotated[
    Path | None,
    typer.Option(help="Write a page with pictures too.", metavar="FILE", dir_okay=False),
]


def backtest(
    since: FromOption = None,
    until: ToOption = None,
    forecast: ForecastOption = "learned",
    data: DataOption = None,
    minutes: TickOption = "15",
    seed: SeedOption = 1,
    jobs: JobsOption = 1,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Repeat a past period with this program and with others; euros beyond self-consumption."""
    from optimizer.app import backtest_run
    from optimizer.backtest import result_text
    from optimizer.report import backtest_page
    from optimizer.store import files

    begin, end = span_of(since, until)
    options = backtest_run.BacktestOptions(begin, end, forecast, int(minutes), seed, jobs)
    settings = None if data is not None else load_config(config)
    if settings is not None and settings.tariff is not None and None in (begin, end):
        raise typer.BadParameter(
            "say what time: --from 2026-01-01T00:00:00+01:00 --to ...; the past before it is "
            "taken for the forecasts as far as it is known",
            param_hint="--from, --to",
        )
    with Progress("repeating the past") as progress:

        def on_done(done: int, count: int) -> None:
            progress.show(f"repeating the past, {done} of {count} strategies done")

        def note(text: str) -> None:
            with progress.hidden():
                typer.echo(f"note: {local_text(text)}", err=True)

        if settings is None:
            result = backtest_run.backtest_of_folder(data or Path(), options, on_done)
        else:
            result = backtest_run.backtest_of_house(settings, options, note, on_done)
    if html is not None:
        files.write(html, backtest_page.render([result]))
    if as_json:
        typer.echo(json.dumps({"schema": "backtest/1", "trials": [result_text.as_json(result)]}))
    else:
        typer.echo("\n".join([*result_text.table(result), *result_text.months(result)]))
