"""`optimizer backtest`: what the past would have cost with this program, and with others."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optimizer.cli.options import ConfigOption, JsonOption, battery_of, load_config, moment
from optimizer.errors import ConfigError, DataError, OptimizerError

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.analysis.backtest.case import Case
    from optimizer.analysis.backtest.series import Home, Series
    from optimizer.config.sections import Config

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
        help="What was known then. learned: the load from the past alone, the roof as told, or "
        "with the errors of a weather service; csv: both as told; perfect: for comparison."
    ),
]
TickOption = Annotated[
    Literal["1", "3", "5", "15"], typer.Option(help="Minutes of a tick; 1 takes longest.")
]
JobsOption = Annotated[int, typer.Option(help="Processes; -1 is one for each core.", min=-1)]
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
    seed: Annotated[int, typer.Option(help="Seed of what has to be made up.")] = 1,
    jobs: JobsOption = 1,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Live a past time again with this program, and with other strategies; euros beyond own use."""
    from optimizer.analysis.backtest import study, trial, words

    begin, end = (
        None if text is None else moment(text, name)
        for text, name in ((since, "--from"), (until, "--to"))
    )
    if begin is not None and end is not None and end <= begin:
        raise typer.BadParameter("it has to come after --from", param_hint="--to")
    way = trial.Way(kind=forecast)
    if data is not None:
        case = _of_folder(data, begin, end, int(minutes), seed, forecast)
    else:
        settings = load_config(config)
        case = _own(settings, begin, end, int(minutes), seed, forecast)
        control = settings.control
        way = replace(
            way, follow=control.follow, write=control.write, interval_s=control.interval_s
        )
    made = trial.run(case, way, study.side_by_side(jobs))
    if html is not None:
        write_page(html, words.page([made]))
    if as_json:
        typer.echo(json.dumps({"schema": "backtest/1", "trials": [words.as_json(made)]}))
    else:
        typer.echo("\n".join([*words.table(made), *words.months(made)]))


def write_page(path: Path, text: str) -> None:
    """Write a page.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _of_folder(
    data: Path, begin: datetime | None, end: datetime | None, minutes: int, seed: int, kind: str
) -> "Case":
    """The sample house with a folder's series."""
    from optimizer.analysis import sample
    from optimizer.analysis.backtest import series

    home = series.Home(sample.BATTERY, sample.GRID, sample.TARIFF, sample.ZONE, minutes, seed)
    return series.case_of(
        data.name, series.folder(data), home, begin, end, learned=kind == "learned"
    )


def _own(
    config: "Config", begin: datetime | None, end: datetime | None, minutes: int, seed: int,
    kind: str,
) -> "Case":  # fmt: skip
    """The owner's house: past load, roof and prices from the configured sources."""
    from optimizer.analysis.backtest import series

    if config.tariff is None:
        raise ConfigError("a back-test needs [tariff]: without it nobody knows what energy cost")
    if begin is None or end is None:
        raise typer.BadParameter(
            "say what time: --from 2026-01-01T00:00:00+01:00 --to ...; the past before it is taken "
            "for the forecasts as far as it is known",
            param_hint="--from, --to",
        )
    battery, notes = battery_of(config, None)
    tariff = config.tariff.tariff()
    if tariff.peak is not None:
        notes.append("[tariff.peak] is left out: a back-test counts energy, not peaks")
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    home = series.Home(
        battery, config.grid.grid(config.pv.kwp), replace(tariff, peak=None), tariff.zone, minutes,
        seed, config.load.annual_kwh,
    )  # fmt: skip
    known = _past(config, home, begin, end)
    return series.case_of("own house", known, home, begin, end, learned=kind == "learned")


def _past(config: "Config", home: "Home", begin: datetime, end: datetime) -> "Series":
    """What the configured sources know of the past."""
    from optimizer.analysis.backtest.series import Series
    from optimizer.cli import house
    from optimizer.forecast import load
    from optimizer.sources import registry
    from optimizer.sources.settings import Span
    from optimizer.sources.table import read_power

    span = Span(begin - load.REACH, end, home.zone)
    with house.near(config, end) as at_hand:
        name = config.load.source
        if name == "profile":
            raise ConfigError(
                'a back-test needs the measured load: load.source "profile" has none; take '
                '"journal", "csv" or another'
            )
        history = registry.find(registry.LOAD, name, "load").fetch(
            at_hand.settings, span, at_hand.http
        )
        prices = _prices(config, span)
    roof = None
    if "pv_w" in history.columns:
        roof = house.measured_roof(history)
    elif config.pv.source == "csv" and config.pv.file is not None:
        roof = read_power(config.pv.file, "pv_w")
    elif config.pv.source != "none":
        raise ConfigError(
            f"load source '{name}' does not tell what the roof gave: a back-test needs a column "
            'pv_w there, or pv.source = "csv" with the measured roof'
        )
    return Series(prices, history[["end", "load_w"]], roof)


def _prices(config: "Config", span: object) -> "pd.DataFrame":
    """Prices of the past from the first source that has them."""
    from optimizer.sources import registry
    from optimizer.sources.http import Http
    from optimizer.sources.settings import PriceSettings, Span

    assert isinstance(span, Span)  # noqa: S101 for the type checker
    failures = []
    for name in config.prices.sources:
        try:
            source = registry.find(registry.PRICES, name, "prices")
            return source.fetch(PriceSettings(**config.prices.settings()), span, Http())
        except OptimizerError as error:
            failures.append(f"{name}: {error}")
    raise DataError("no price source knows that time: " + "; ".join(failures))
