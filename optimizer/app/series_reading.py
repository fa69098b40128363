"""Use case of `optimizer read`: one source, or a file without a configuration, as understood."""

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.app import forecast_inputs, house_forecast
from optimizer.errors import DataError, UsageError
from optimizer.forecast import forecast_frame, load_faults, load_forecast, tariff_prices
from optimizer.model import frames
from optimizer.model.currency import EUR, known
from optimizer.model.moments import floor
from optimizer.model.plan import iso
from optimizer.model.tariff import BERLIN, Tariff
from optimizer.report import price_bill
from optimizer.report.series_report import SeriesReport
from optimizer.sources import fixed_price, owner_table, registry
from optimizer.sources.owner_table import TableReading
from optimizer.sources.source_settings import Span

if TYPE_CHECKING:
    from optimizer.config.sections import Config

TABLES = ("csv", "meter", "excel")
"""Sources that are files of the owner."""
DRAWN = (
    "it holds energy bought from the grid: that is the house's load only without PV and battery "
    "(grid_only = true)"
)


def read_file(kind: str, path: Path, column: str | None, zone: ZoneInfo = BERLIN) -> SeriesReport:
    """A file of the owner, without a configuration.

    Parameters
    ----------
    kind
        `load`, `pv` or `prices`.
    column
        Header of the column to take.

    Raises
    ------
    DataError, ConfigError
        With file and place.
    """
    if kind == "load":
        reading = owner_table.read_load(path, zone, column, grid_only=True)
        return _with_faults(_of_table(kind, "file", path, reading), None)
    if kind == "pv":
        return _of_table(kind, "file", path, owner_table.read_pv(path, zone, column))
    return _of_table(kind, "file", path, owner_table.read_prices(path, zone, column))


def read_source(config: "Config", kind: str, now: datetime) -> SeriesReport:
    """The configured source of prices, load or PV.

    Raises
    ------
    OptimizerError
        If it does not answer, or its answer or file is refused.
    """
    return {"load": _load, "pv": _pv, "prices": _prices}[kind](config, now)


def explained(config: "Config | None", report: SeriesReport, at: datetime) -> list[str]:
    """The bill of the quarter-hour at a moment, item by item.

    Raises
    ------
    DataError
        If no price of that moment is known.
    """
    frame = report.frame
    rows = frame[(frame.index <= at) & (frame["end"] > at)]
    if config is None and "buy_eur_per_kwh" not in frame.columns:
        raise UsageError(
            "prices: the file has the exchange's prices alone: what is added to them stands in "
            "[tariff], so leave --file out"
        )
    if rows.empty:
        first, last = frames.starts_of(frame)[0], frames.ends_of(frame)[-1]
        raise DataError(
            f"prices: no all-in price of {iso(at)} is known (the source has {iso(first)} to "
            f"{iso(last)}): name another moment by --at"
        )
    row = {str(name): float(rows[name].iloc[0]) for name in report.columns}
    tariff = None if config is None else config.tariff
    stated, sell = row.get("energy_eur_per_kwh"), row.get("sell_eur_per_kwh")
    net = row.get("spot_eur_per_kwh") if stated is None else stated
    words = "exchange, net" if stated is None else "your own price, net"
    window = None if config is None else fixed_price.window_at(config.prices, at, config.zone)
    if config is not None and config.prices.all_in:
        net = None
    return price_bill.lines(
        tariff, net, row["buy_eur_per_kwh"], sell, floor(at), report.money, words, window
    )


def _of_table(kind: str, source: str, path: Path, reading: TableReading) -> SeriesReport:
    taken = ", ".join(f"'{name}'" for name in reading.taken)
    currency = known(reading.currency) or EUR
    facts = {
        "file": str(path),
        "column": taken + (f" in {reading.unit}" if reading.unit else ""),
        "left": ", ".join(f"'{name}'" for name in reading.left) or "none",
        "stamps": reading.stamps,
        "zone": reading.zone,
    }
    notes = (DRAWN, *reading.notes) if reading.drawn else reading.notes
    return SeriesReport(kind, source, reading.frame, facts, notes, money=currency)


def _load(config: "Config", now: datetime) -> SeriesReport:
    settings, name = config.load, config.load.source
    if name == "profile":
        raise UsageError(
            "load: the source 'profile' is a standard household: there is nothing to read; name a "
            "file by --file"
        )
    if name in TABLES and settings.file is not None:
        reading = owner_table.read_load(settings.file, config.zone, settings.column,
                                        grid_only=settings.grid_only)  # fmt: skip
        return _with_faults(_of_table("load", name, settings.file, reading), config)
    span = Span(now - load_forecast.REACH, now, config.zone)
    with house_forecast.source_context(config, now) as context:
        frame = registry.fetch(registry.LOAD, name, context.settings, span, context.http)
    facts = {"zone": "UTC, as the source answers"}
    report = SeriesReport("load", name, frame, facts, frames.notes_of(frame))
    return _with_faults(report, config)


def _with_faults(report: SeriesReport, config: "Config | None") -> SeriesReport:
    """The report of a load with notes about what no forecast is learned from."""
    most_w = math.inf if config is None else house_forecast.most_load_w(config)
    zone = BERLIN if config is None else config.zone
    faults = load_faults.notes(report.frame, most_w, zone)
    texts = tuple(text.removeprefix("load: ") for text in faults)
    return replace(report, notes=(*report.notes, *texts))


def _pv(config: "Config", now: datetime) -> SeriesReport:
    settings, name = config.pv, config.pv.source
    if name == "none":
        raise UsageError('pv: source = "none": there is nothing to read; name a file by --file')
    if name in TABLES and settings.file is not None:
        reading = owner_table.read_pv(settings.file, config.zone, settings.column)
        return replace(_of_table("pv", name, settings.file, reading), kwp=settings.kwp)
    span = forecast_inputs.span_of(config, now)
    with house_forecast.source_context(config, now) as context:
        frame = registry.fetch(registry.PV, name, settings, span, context.http)
    facts = {"zone": "UTC, as the source answers"}
    return SeriesReport("pv", name, frame, facts, kwp=settings.kwp)


def _prices(config: "Config", now: datetime) -> SeriesReport:
    settings, tariff = config.prices, config.tariff or Tariff(stated=False)
    if settings.sources[0] in TABLES and settings.file is not None:
        reading = owner_table.configured_prices(settings, config.zone)
        report = _of_table("prices", settings.sources[0], settings.file, reading)
        frame = forecast_frame.all_in(reading.frame, tariff)
        return replace(report, frame=frame, money=config.money)
    with forecast_inputs.sources_of(config, now) as context:
        chain = forecast_inputs.chain_of(config, context)
        gathered = chain.gather(forecast_inputs.span_of(config, now))
        made = tariff_prices.priced_by_tariff(gathered, config.tariff, now, config.money)
        if made is None:  # asks again, waits for busy services, and says what is missing
            made = forecast_inputs.prices(config, context)
    frame = _with_spot(made.frame, gathered.frame)
    notes = made.notes
    if settings.eur_rate is not None:
        notes = (*notes, settings.rate_note(", ".join(gathered.used)))
    zone = config.zone.key if settings.sources == ("fixed",) else settings.zone
    return SeriesReport("prices", ", ".join(gathered.used), frame, {"zone": zone},
                        notes, money=config.money)  # fmt: skip


def _with_spot(frame: pd.DataFrame, gathered: pd.DataFrame) -> pd.DataFrame:
    """Prices with the exchange's beside them, where it is known."""
    if "spot_eur_per_kwh" in frame.columns or "spot_eur_per_kwh" not in gathered.columns:
        return frame
    return frame.assign(spot_eur_per_kwh=gathered["spot_eur_per_kwh"].reindex(frame.index))
