"""From measured series of any step to a case; from a folder of CSV files, as the sample data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.analysis.backtest.case import (
    QUARTERS,
    Array,
    Case,
    filled,
    spiky,
    strayed,
)
from optimizer.errors import DataError
from optimizer.forecast import assemble, load, steps
from optimizer.model import frames
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import iso
from optimizer.model.quarter import QUARTER
from optimizer.model.tariff import Tariff
from optimizer.sources import table

LEAST_LEARNED = timedelta(days=3)
"""So much of a house's past has to be known before a learned forecast is judged."""


@dataclass(frozen=True, eq=False)
class Series:
    """What is known of a house: frames of the project's vocabulary, any step of 15 to 60 min."""

    prices: pd.DataFrame
    """`buy_eur_per_kwh`, `sell_eur_per_kwh`, or spot prices that meet the tariff."""
    load: pd.DataFrame
    """`load_w`; rows that are not there are holes."""
    roof: pd.DataFrame | None = None
    """`pv_w`; None is no roof."""
    told_load: pd.DataFrame | None = None
    told_roof: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What a case needs beside its series."""

    battery: Battery
    grid: Grid
    tariff: Tariff
    zone: ZoneInfo
    tick_minutes: int = 15
    seed: int = 1
    """Of the bursts, and of a roof forecast that has to be made up."""
    annual_kwh: float = 4000.0


def case_of(
    name: str, series: Series, home: Home, start: datetime | None = None,
    end: datetime | None = None, *, learned: bool = True,
) -> Case:  # fmt: skip
    """A case from series.

    Parameters
    ----------
    start, end
        What counts (UTC); None is as early and as late as the series allow.
    learned
        Keep some weeks before `start` as the house's past.

    Raises
    ------
    DataError
        If the series do not cover the time, or prices have a hole.
    """
    prices = assemble.all_in(series.prices, home.tariff)
    known = [prices, series.load, *([] if series.roof is None else [series.roof])]
    least = max(frames.starts_of(frame)[0] for frame in known)
    most = min(frames.ends_of(frame)[-1] for frame in known)
    counted = start or least + (LEAST_LEARNED if learned else timedelta(0))
    last = end or most
    if not least <= counted < last <= most:
        raise DataError(
            f"{name}: prices, load and roof are known from {iso(least)} to {iso(most)}, wanted was "
            f"{iso(counted)} to {iso(last)}"
        )
    first = max(least, counted - load.REACH) if learned else counted
    starts = steps.grid(first, last, QUARTER)
    return _case(name, series, prices, home, starts, counted)


def _case(
    name: str, series: Series, prices: pd.DataFrame, home: Home, starts: list[datetime],
    counted: datetime,
) -> Case:  # fmt: skip
    columns = {
        key: _quarters(prices, key, starts) for key in ("buy_eur_per_kwh", "sell_eur_per_kwh")
    }
    for key, values in columns.items():
        if np.isnan(values).any():
            at = starts[int(np.isnan(values).argmax())]
            raise DataError(f"{name}: prices have a hole at {iso(at)} ({key}): fill it first")
    metered = _quarters(load.clean(series.load), "load_w", starts)
    load_w = filled(metered, QUARTERS)
    roof_w = np.zeros(len(starts))
    if series.roof is not None:
        roof_w = filled(_quarters(series.roof, "pv_w", starts), QUARTERS)
    local = pd.DatetimeIndex(starts).tz_convert(home.zone)
    told_roof = strayed(roof_w, local, home.seed)
    if series.told_roof is not None:
        told_roof = np.nan_to_num(_quarters(series.told_roof, "pv_w", starts))
    told_load = None
    if series.told_load is not None:
        told_load = filled(_quarters(series.told_load, "load_w", starts), QUARTERS)
    per = 15 // home.tick_minutes
    return Case(
        name=name,
        start=starts[0],
        load_w=_bursts(load_w, frames.step_of(series.load), home),
        pv_w=np.repeat(roof_w, per),
        buy=columns["buy_eur_per_kwh"],
        sell=columns["sell_eur_per_kwh"],
        battery=home.battery,
        grid=home.grid,
        zone=home.zone,
        told_load_w=told_load,
        told_pv_w=told_roof,
        known=np.isfinite(metered),
        begin=sum(at < counted for at in starts),
        annual_kwh=home.annual_kwh,
    )


def _quarters(frame: pd.DataFrame, column: str, starts: list[datetime]) -> Array:
    """A column on quarter-hours; NaN where it is not known."""
    values: Array = steps.resample(frame[["end", column]], starts, QUARTER)[column].to_numpy()
    return values


def _bursts(load_w: Array, step: timedelta, home: Home) -> Array:
    """Ticks with a home's bursts, whose means over the metered steps are kept."""
    group = max(1, round(step / QUARTER))
    whole = len(load_w) // group * group
    means = load_w[:whole].reshape(-1, group).mean(axis=1)
    ticks = spiky(means, 15 * group, home.tick_minutes, home.seed)
    if whole == len(load_w):
        return ticks
    return np.concatenate([ticks, spiky(load_w[whole:], 15, home.tick_minutes, home.seed)])


def folder(path: Path) -> Series:
    """The series of a folder: prices.csv, load.csv, roof.csv and, if there, their forecasts.

    Raises
    ------
    DataError
        Naming the file that is missing or cannot be read.
    """

    def power(name: str, column: str) -> pd.DataFrame | None:
        file = path / name
        return table.read_power(file, column) if file.is_file() else None

    return Series(
        table.read_prices(path / "prices.csv"),
        table.read_power(path / "load.csv", "load_w"),
        power("roof.csv", "pv_w"),
        power("load_forecast.csv", "load_w"),
        power("roof_forecast.csv", "pv_w"),
    )
