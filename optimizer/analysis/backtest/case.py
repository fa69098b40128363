"""A case: what a house did, what its energy cost, and what was told of it beforehand."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.errors import DataError
from optimizer.fems.simulated.profile import Profile
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import iso
from optimizer.model.quarter import QUARTER

Array = NDArray[np.float64]

QUARTERS = 96
"""In a day of 24 hours."""

DAY_SIGMA, HOUR_SIGMA = 0.18, 0.25
"""How far a weather service's roof forecast strays, as spreads of the logarithm: a factor for each
day and one for each hour, both with a mean of 1. Together some 22 % of the mean by the hour and
15 % by the day, as services show; one real home's system did worse (30 % by the day)."""


@dataclass(frozen=True, eq=False)
class Case:
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
    told_load_w: Array | None = None
    """A load forecast that came with the data, by quarter-hour [W]."""
    told_pv_w: Array | None = None
    """What a service told of the roof, by quarter-hour [W]; None if nobody did."""
    known: NDArray[np.bool_] | None = None
    """Quarter-hours whose load was really metered; None is all."""
    begin: int = 0
    """First quarter-hour that counts; what lies before is only the house's past."""
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
        wanted = {"pv_w": ticks, "sell": quarters, "told_load_w": quarters, "told_pv_w": quarters}
        for name, count in wanted.items():
            given = getattr(self, name)
            if given is not None and len(given) != count:
                raise DataError(f"{self.name}: {name} has {len(given)} values instead of {count}")
        if self.start.timestamp() % QUARTER.total_seconds():
            raise DataError(f"{self.name}: {iso(self.start)} begins no quarter-hour")
        if not 0 <= self.begin < quarters:
            raise DataError(f"{self.name}: nothing is left to count after the house's past")

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
        return (len(self.buy) - self.begin) / QUARTERS

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
    told: Array = pv_w * days[day] * hours[hour]
    return told


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
