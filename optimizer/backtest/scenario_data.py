"""Scenario of a back-test: what a house did, its prices, and the forecasts it was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.errors import DataError
from optimizer.forecast import forecast_frame, load_faults, load_forecast
from optimizer.model import frames
from optimizer.model.battery import Battery
from optimizer.model.currency import CURRENCIES
from optimizer.model.grid import Grid
from optimizer.model.moments import QUARTER
from optimizer.model.plan import iso
from optimizer.model.tariff import Tariff
from optimizer.simulation.fems.profile import Profile
from optimizer.sources import owner_csv

Array = NDArray[np.float64]

QUARTERS = 96
"""In a day of 24 hours."""

DAY_SIGMA, HOUR_SIGMA = 0.18, 0.25
"""How far a weather service's roof forecast strays, as spreads of the logarithm: a factor for each
day and one for each hour, both with a mean of 1. Together some 22 % of the mean by the hour and
15 % by the day, as services show; one real home's system did worse (30 % by the day)."""


@dataclass(frozen=True, eq=False)
class Scenario:
    """A period of one house, in ticks of 1 to 15 min for what came, else in quarter-hours.

    Raises
    ------
    DataError
        If the arrays do not fit each other, or the ticks do not fit a quarter-hour.
    """

    name: str
    start: datetime
    """Start of the first quarter-hour (UTC)."""
    load_w: Array
    """What the house used, by tick [W]."""
    pv_w: Array
    """What the roof could give, by tick [W]."""
    buy: Array
    """All-in, by quarter-hour [EUR/kWh]."""
    sell: Array
    battery: Battery
    grid: Grid
    zone: ZoneInfo
    forecast_load_w: Array | None = None
    """A load forecast that came with the data, by quarter-hour [W]."""
    forecast_pv_w: Array | None = None
    """PV forecast of a service, by quarter-hour [W]; None if there was none."""
    known: NDArray[np.bool_] | None = None
    """Quarter-hours whose load was really metered; None is all."""
    begin: int = 0
    """First quarter-hour that counts; what lies before is only the house's past."""
    currency: str = "EUR"
    """Currency of the prices."""
    left_out: NDArray[np.bool_] | None = None
    """Quarter-hours of days of which too little is known to count; None where all are known."""
    annual_kwh: float = 4000.0
    """What the owner would say the house uses in a year."""

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        ticks, quarters = len(self.load_w), len(self.buy)
        if quarters == 0 or ticks % quarters or 15 % (ticks // quarters):
            raise DataError(
                f"{self.name}: {ticks} ticks do not divide {quarters} quarter-hours into whole "
                "minutes"
            )
        wanted = {"pv_w": ticks} | dict.fromkeys(
            ("sell", "forecast_load_w", "forecast_pv_w"), quarters
        )
        for name, count in wanted.items():
            given = getattr(self, name)
            if given is not None and len(given) != count:
                raise DataError(f"{self.name}: {name} has {len(given)} values instead of {count}")
        if self.start.timestamp() % QUARTER.total_seconds():
            raise DataError(f"{self.name}: {iso(self.start)} begins no quarter-hour")
        if not 0 <= self.begin < quarters:
            raise DataError(f"{self.name}: nothing is left to count after the house's past")

    @property
    def money_size(self) -> float:
        """Units of the prices' currency that are about one EUR."""
        return CURRENCIES[self.currency].size

    @property
    def ticks(self) -> int:
        """Ticks in a quarter-hour."""
        return len(self.load_w) // len(self.buy)

    @property
    def hours(self) -> float:
        """Length of a tick [h]."""
        return 0.25 / self.ticks

    @property
    def days(self) -> float:
        """Length of the part that counts [days]."""
        return int(self.counted.sum()) / QUARTERS

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """Quarter-hours from `begin` on that count."""
        if self.left_out is None:
            return np.ones(len(self.buy) - self.begin, dtype=bool)
        counted: NDArray[np.bool_] = ~self.left_out[self.begin :]
        return counted

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """First and end of each run of quarter-hours that count."""
        edges = np.flatnonzero(np.diff(np.concatenate(([False], self.counted, [False]))))
        places = (edges + self.begin).tolist()
        return list(zip(places[::2], places[1::2], strict=True))

    def at(self, quarter: int) -> datetime:
        """Start of a quarter-hour (UTC)."""
        return self.start + quarter * QUARTER

    @cached_property
    def starts(self) -> pd.DatetimeIndex:
        """Starts of the quarter-hours (UTC)."""
        return pd.date_range(self.start, periods=len(self.buy), freq="15min", tz=UTC)

    @cached_property
    def local(self) -> pd.DatetimeIndex:
        """The same by the clock on the wall."""
        return self.starts.tz_convert(self.zone)

    @cached_property
    def midnights(self) -> NDArray[np.intp]:
        """Quarter-hours in which local days begin."""
        return np.flatnonzero((self.local.hour == 0) & (self.local.minute == 0))

    def means(self, ticks: Array) -> Array:
        """Means of the quarter-hours."""
        means: Array = ticks.reshape(-1, self.ticks).mean(axis=1)
        return means

    def repeated(self, quarters: Array) -> Array:
        """A quarter-hour's value for each of its ticks."""
        return np.repeat(quarters, self.ticks)


def spiky(means_w: Array, step_minutes: int, tick_minutes: int, seed: int) -> Array:
    """Measured means of 15 to 60 min as ticks with the bursts of a real home; means are kept.

    Blind execution of planned powers looks good on smooth loads only.
    """
    profile = Profile(datetime(2026, 1, 1, tzinfo=UTC), step_minutes * 60, tuple(means_w.tolist()))
    minutes = np.array(profile.spiky(seed).watts)
    ticks: Array = minutes.reshape(-1, tick_minutes).mean(axis=1)
    return ticks


def strayed(pv_w: Array, local: pd.DatetimeIndex, seed: int) -> Array:
    """A roof forecast by quarter-hour [W]: what came, with the errors of a weather service."""
    chance = np.random.default_rng(seed)
    day = pd.factorize(pd.Index(local.date))[0]
    hour = day * 25 + local.hour.to_numpy()
    days = np.exp(chance.normal(-(DAY_SIGMA**2) / 2, DAY_SIGMA, day.max() + 1))
    hours = np.exp(chance.normal(-(HOUR_SIGMA**2) / 2, HOUR_SIGMA, hour.max() + 1))
    reported: Array = pv_w * days[day] * hours[hour]
    return reported


def filled(load_w: Array, per_day: int) -> Array:
    """Holes (NaN) filled with the same time of the nearest day that is known.

    The house has to live through them; as a past to learn from they are left out.

    Raises
    ------
    DataError
        If nothing is known.
    """
    if not np.isfinite(load_w).any():
        raise DataError("load: nothing is known of this time")
    made = load_w.copy()
    for days in range(1, len(made) // per_day + 1):
        holes = np.flatnonzero(np.isnan(made))
        if len(holes) == 0:
            break
        for shift in (-days * per_day, days * per_day):
            at = np.clip(holes + shift, 0, len(made) - 1)
            inside = (holes + shift == at) & np.isnan(made[holes])
            made[holes[inside]] = load_w[at[inside]]
    made[np.isnan(made)] = np.nanmean(load_w)
    return made


MOST_UNKNOWN = 4
"""Most quarter-hours of a day that are filled; a day with more of them unknown does not count."""
NEVER_KNOWN = 0.5
"""Share of the days from which on an unknown time of day is no hole, such as a roof's night."""


def little_known(series: Sequence[Array], local: pd.DatetimeIndex) -> NDArray[np.bool_] | None:
    """Quarter-hours of local days of which more than an hour is unknown; None if there are none.

    Parameters
    ----------
    series
        Measured values by quarter-hour, NaN where they are unknown.
    """
    day = pd.factorize(pd.Index(local.date))[0]
    slot = (local.hour * 4 + local.minute // 15).to_numpy()
    unknown = np.zeros(len(local), dtype=bool)
    for values in series:
        hole = np.isnan(values)
        share = np.bincount(slot, weights=hole) / np.maximum(1, np.bincount(slot))
        unknown |= hole & (share[slot] < NEVER_KNOWN)
    days: NDArray[np.bool_] = (np.bincount(day, weights=unknown) > MOST_UNKNOWN)[day]
    return days if days.any() else None


LEAST_LEARNED = timedelta(days=3)
"""So much of a house's past has to be known before a learned forecast is judged."""


@dataclass(frozen=True, eq=False)
class HouseSeries:
    """Series of a house: frames of the project's vocabulary, any step of 15 to 60 min."""

    prices: pd.DataFrame
    """`buy_eur_per_kwh`, `sell_eur_per_kwh`, or spot prices that meet the tariff."""
    load: pd.DataFrame
    """`load_w`; rows that are not there are holes."""
    pv: pd.DataFrame | None = None
    """`pv_w`; None is no roof."""
    forecast_load: pd.DataFrame | None = None
    forecast_pv: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class HouseSettings:
    """Settings that a scenario needs beside its series."""

    battery: Battery
    grid: Grid
    tariff: Tariff
    zone: ZoneInfo
    tick_minutes: int = 15
    seed: int = 1
    """Of the bursts, and of a roof forecast that has to be made up."""
    annual_kwh: float = 4000.0
    currency: str = "EUR"


def scenario_of(
    name: str, series: HouseSeries, home: HouseSettings, start: datetime | None = None,
    end: datetime | None = None, *, learned: bool = True,
) -> Scenario:  # fmt: skip
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
    prices = forecast_frame.all_in(series.prices, home.tariff)
    known = [prices, series.load, *([] if series.pv is None else [series.pv])]
    least = max(frames.starts_of(frame)[0] for frame in known)
    most = min(frames.ends_of(frame)[-1] for frame in known)
    counted = start or least + (LEAST_LEARNED if learned else timedelta(0))
    last = end or most
    if not least <= counted < last <= most:
        raise DataError(
            f"{name}: prices, load and roof are known from {iso(least)} to {iso(most)}, wanted was "
            f"{iso(counted)} to {iso(last)}"
        )
    first = max(least, counted - load_forecast.REACH) if learned else counted
    starts = frames.starts_of(frames.steps(first, last, QUARTER))
    return _scenario(name, series, prices, home, starts, counted)


def _scenario(
    name: str,
    series: HouseSeries,
    prices: pd.DataFrame,
    home: HouseSettings,
    starts: list[datetime],
    counted: datetime,
) -> Scenario:
    columns = {
        key: _quarters(prices, key, starts) for key in ("buy_eur_per_kwh", "sell_eur_per_kwh")
    }
    for key, values in columns.items():
        if np.isnan(values).any():
            at = starts[int(np.isnan(values).argmax())]
            raise DataError(f"{name}: prices have a hole at {iso(at)} ({key}): fill it first")
    metered = _quarters(load_faults.clean(series.load), "load_w", starts)
    load_w = filled(metered, QUARTERS)
    pv_w, measured = np.zeros(len(starts)), [metered]
    if series.pv is not None:
        measured.append(_quarters(series.pv, "pv_w", starts))
        pv_w = filled(measured[-1], QUARTERS)
    local = pd.DatetimeIndex(starts).tz_convert(home.zone)
    begin = sum(at < counted for at in starts)
    left_out = little_known(measured, local)
    if left_out is not None and left_out[begin:].all():
        raise DataError(f"{name}: of no day is more than a part known: nothing can be counted")
    forecast_pv = strayed(pv_w, local, home.seed)
    if series.forecast_pv is not None:
        forecast_pv = np.nan_to_num(_quarters(series.forecast_pv, "pv_w", starts))
    forecast_load = None
    if series.forecast_load is not None:
        forecast_load = filled(_quarters(series.forecast_load, "load_w", starts), QUARTERS)
    per = 15 // home.tick_minutes
    return Scenario(
        name=name,
        start=starts[0],
        load_w=_bursts(load_w, frames.step_of(series.load), home),
        pv_w=np.repeat(pv_w, per),
        buy=columns["buy_eur_per_kwh"],
        sell=columns["sell_eur_per_kwh"],
        battery=home.battery,
        grid=home.grid,
        zone=home.zone,
        forecast_load_w=forecast_load,
        forecast_pv_w=forecast_pv,
        known=np.isfinite(metered),
        begin=begin,
        left_out=left_out,
        currency=home.currency,
        annual_kwh=home.annual_kwh,
    )


def _quarters(frame: pd.DataFrame, column: str, starts: list[datetime]) -> Array:
    """A column on quarter-hours; NaN where it is not known."""
    if frame.empty:  # all of it was faults
        return np.full(len(starts), np.nan)
    steps = frames.frame_of(starts, [at + QUARTER for at in starts])
    values: Array = frames.on_steps(frame[["end", column]], steps)[column].to_numpy()
    return values


def _bursts(load_w: Array, step: timedelta, home: HouseSettings) -> Array:
    """Ticks with a home's bursts, whose means over the metered steps are kept."""
    group = max(1, round(step / QUARTER))
    whole = len(load_w) // group * group
    means = load_w[:whole].reshape(-1, group).mean(axis=1)
    ticks = spiky(means, 15 * group, home.tick_minutes, home.seed)
    if whole == len(load_w):
        return ticks
    return np.concatenate([ticks, spiky(load_w[whole:], 15, home.tick_minutes, home.seed)])


def folder(path: Path) -> HouseSeries:
    """The series of a folder: prices.csv, load.csv, roof.csv and, if there, their forecasts.

    Raises
    ------
    DataError
        Naming the file that is missing or cannot be read.
    """

    def power(name: str, column: str) -> pd.DataFrame | None:
        file = path / name
        return owner_csv.read_power(file, column) if file.is_file() else None

    return HouseSeries(
        owner_csv.read_prices(path / "prices.csv"),
        owner_csv.read_power(path / "load.csv", "load_w"),
        power("roof.csv", "pv_w"),
        power("load_forecast.csv", "load_w"),
        power("roof_forecast.csv", "pv_w"),
    )
