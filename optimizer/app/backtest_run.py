"""Back-test of the owner's own house: past load, PV and prices from the configured sources."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.app import house_forecast
from optimizer.app.device_access import battery_of
from optimizer.backtest import comparison, scenario_data, study_table
from optimizer.backtest.comparison import Comparison, StrategyAccount, Variant
from optimizer.backtest.information_set import Kind
from optimizer.backtest.scenario_data import HouseSeries, HouseSettings, Scenario
from optimizer.backtest.study_table import StudyItem
from optimizer.errors import ConfigError, DataError, OptimizerError, UsageError
from optimizer.forecast import load_forecast
from optimizer.http.service_client import ServiceClient
from optimizer.simulation import sample_data
from optimizer.sources import price_chain, registry
from optimizer.sources.owner_csv import read_power
from optimizer.sources.source_settings import Span

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.config.sections import Config


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """Options of one back-test."""

    begin: datetime | None = None
    """First moment (UTC); None is the earliest that the data allow."""
    end: datetime | None = None
    forecast: Kind = "learned"
    """Information at each plan: `perfect`, `learned` from the past, or `csv` as forecast then."""
    tick_minutes: int = 15
    """Length of a tick: 1, 3, 5 or 15 [min]."""
    seed: int = 1
    """Seed of bursts of load and of a PV forecast that has to be generated."""
    jobs: int = 1
    """Processes; -1 is one for each core."""


OnDone = Callable[[int, int], None]
"""Receives the number of strategies that are done, and of all."""


def _unheard(_done: int, _count: int) -> None:
    """Nobody looks on."""


def backtest_of_folder(
    data: Path, options: BacktestOptions, on_done: OnDone = _unheard
) -> Comparison:
    """Back-test of the sample house with the series of a folder."""
    home = HouseSettings(
        sample_data.BATTERY, sample_data.GRID, sample_data.TARIFF, sample_data.ZONE,
        options.tick_minutes, options.seed,
    )  # fmt: skip
    scenario = scenario_data.scenario_of(
        data.name, scenario_data.folder(data), home, options.begin, options.end,
        learned=options.forecast == "learned",
    )  # fmt: skip
    return _compared(scenario, Variant(kind=options.forecast), options.jobs, on_done)


def backtest_of_house(
    config: "Config", options: BacktestOptions, note: Callable[[str], None],
    on_done: OnDone = _unheard,
) -> Comparison:  # fmt: skip
    """Back-test of the configured house.

    Parameters
    ----------
    note
        Receives each note for the owner.

    Raises
    ------
    ConfigError, DataError
        If tariff, measured load or prices of that time are unknown.
    """
    if options.begin is None or options.end is None:
        raise UsageError("a back-test of the own house needs its first and its last moment")
    series = past_series(config, options.begin - load_forecast.REACH, options.end)
    return backtest_of_series(config, series, options, note, on_done)


def backtest_of_series(
    config: "Config", series: HouseSeries, options: BacktestOptions, note: Callable[[str], None],
    on_done: OnDone = _unheard,
) -> Comparison:  # fmt: skip
    """Back-test of the configured house with measured series."""
    home = house_settings(config, options.tick_minutes, options.seed, note)
    scenario = scenario_data.scenario_of(
        "own house", series, home, options.begin, options.end,
        learned=options.forecast == "learned",
    )  # fmt: skip
    control = config.control
    variant = Variant(
        kind=options.forecast,
        follow=control.follow,
        write=control.write,
        interval_s=control.interval_s,
    )
    return _compared(scenario, variant, options.jobs, on_done)


def _compared(scenario: Scenario, variant: Variant, jobs: int, on_done: OnDone) -> Comparison:
    work = study_table.side_by_side(jobs)

    def each(
        live: Callable[[str], StrategyAccount], names: tuple[str, ...]
    ) -> Iterator[StrategyAccount]:
        for done, account in enumerate(work(live, names), 1):
            on_done(done, len(names))
            yield account

    return comparison.run(scenario, variant, each)


def house_settings(
    config: "Config", tick_minutes: int, seed: int, note: Callable[[str], None]
) -> HouseSettings:
    """Battery, grid and tariff of the configured house."""
    tariff = config.tariff
    if tariff is None:
        raise ConfigError("a back-test needs [tariff]: without it the cost of energy is unknown")
    battery, notes = battery_of(config, None)
    if tariff.peak is not None:
        notes.append("[tariff.peak] is left out: a back-test counts energy, not peaks")
    for text in notes:
        note(text)
    return HouseSettings(
        battery, config.connection, replace(tariff, peak=None), tariff.time_zone,
        tick_minutes, seed, config.load.annual_kwh, config.money.code,
    )  # fmt: skip


def past_series(config: "Config", begin: datetime, end: datetime) -> HouseSeries:
    """Prices, load and PV of a past span from the configured sources.

    Raises
    ------
    ConfigError
        If no source has the measured load or PV.
    """
    span = Span(begin, end, config.zone)
    with house_forecast.source_context(config, end) as context:
        name = config.load.source
        if name == "profile":
            raise ConfigError(
                'a back-test needs the measured load: load.source "profile" has none; take '
                '"journal", "csv" or another'
            )
        source = registry.find(registry.LOAD, name, "load")
        history = source.ask(context.settings, span, context.http)
        prices = past_prices(config, span)
    pv = None
    if "pv_w" in history.columns:
        pv = house_forecast.measured_pv(history)
    elif config.pv.source == "csv" and config.pv.file is not None:
        pv = read_power(config.pv.file, "pv_w")
    elif config.pv.source != "none":
        raise ConfigError(
            f"load source '{name}' has no measured power of the roof: a back-test needs a column "
            'pv_w there, or pv.source = "csv" with the measured roof'
        )
    return HouseSeries(prices, history[["end", "load_w"]], pv)


def past_prices(config: "Config", span: Span) -> "pd.DataFrame":
    """Prices of a past span from the first source that has them, as the source states them."""
    failures = []
    for name in config.prices.sources:
        try:
            source = registry.find(registry.PRICES, name, "prices")
            frame, http = source.ask(config.prices, span, ServiceClient()), ServiceClient()
            return price_chain.exchange_beside(frame, config.prices, span, http)
        except OptimizerError as error:
            failures.append(f"{name}: {error}")
    raise DataError("no price source knows that time: " + "; ".join(failures))


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """Options of a study: each home with each battery and tariff."""

    homes: Sequence[Path]
    """Folders with series; empty takes the four sample weeks."""
    batteries: Sequence[str]
    tariffs: Sequence[str]
    forecast: Kind
    tick_minutes: int
    seed: int
    rivals: bool
    """Compare with other programs' strategies too."""
    jobs: int
    dask: str | None


def study(
    options: StudyOptions, on_result: Callable[[int, int, Comparison], None]
) -> list[Comparison]:
    """Compare many homes, batteries and tariffs.

    Parameters
    ----------
    on_result
        Receives the number done, the number of all, and the newest result.

    Raises
    ------
    DataError
        If there is nothing to compare.
    """
    weeks = ("winter", "spring", "summer", "autumn")
    homes = options.homes or [sample_data.folder() / name for name in weeks]
    names: tuple[str, ...] = (comparison.OURS,)
    if options.rivals:
        names = (comparison.OURS, comparison.PERFECT, *comparison.RIVALS)
    variant = Variant(kind=options.forecast, names=names)
    scenarios = study_table.scenarios(
        homes, [study_table.battery(text) for text in options.batteries], options.tariffs,
        options.tick_minutes, options.seed, learned=options.forecast == "learned",
    )  # fmt: skip
    items = [StudyItem(scenario, variant) for scenario in scenarios]
    if not items:
        raise DataError("there is nothing to try")
    return study_table.study(
        items, options.jobs, options.dask,
        lambda done, newest: on_result(done, len(items), newest),
    )  # fmt: skip
