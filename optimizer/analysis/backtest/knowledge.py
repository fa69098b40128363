"""What was known when: for each plan the prices published by then, and forecasts from the past.

Nothing here looks at a quarter-hour after the moment of a plan, except `perfect` forecasts, and
what was told beforehand (prices, a roof forecast that came with the data).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.analysis.backtest.case import QUARTER, QUARTERS, Array, Case
from optimizer.errors import DataError
from optimizer.forecast import hindcast, load, outlook, roof
from optimizer.model.spread import LoadSpread, certain, generic
from optimizer.planning.forecasts import Forecasts
from optimizer.planning.task import ForecastStep, auto_end_value

Kind = Literal["perfect", "learned", "csv"]

PUBLISHED_HOUR = 13
"""Tomorrow's prices are known from this hour of the local day on."""
DAILY_HOUR = 14
"""When the one plan of a day is made."""
HORIZON = 2 * QUARTERS
"""Quarter-hours that a plan looks ahead at most."""
PRICE_REACH = 29 * QUARTERS
"""How far back like days of prices are looked for."""


@dataclass(frozen=True, slots=True)
class Times:
    """When plans are made."""

    hourly: bool = True
    """Else once a day, at 14:00."""
    every_days: int = 1
    """Plans on every so many-th day only: what an outage of several days would do."""


HOURLY = Times()


@dataclass(frozen=True, slots=True)
class Moment:
    """When a plan was made and how far it goes, as numbers of quarter-hours."""

    first: int
    end: int
    until: int
    """When the next plan was made."""


def moments(case: Case, times: Times) -> list[Moment]:
    """All plans of a case; the first one at the beginning."""
    hour, minute = case.local.hour.to_numpy(), case.local.minute.to_numpy()
    wanted = (minute == 0) & ((hour == DAILY_HOUR) | times.hourly)
    day = np.searchsorted(case.midnights, np.arange(len(hour)), side="right")
    wanted &= (day - day[case.begin]) % times.every_days == 0
    wanted[: case.begin] = False
    wanted[case.begin] = True
    firsts = np.flatnonzero(wanted)
    following = np.searchsorted(case.midnights, firsts, side="right")
    following += hour[firsts] >= PUBLISHED_HOUR
    edges = np.append(case.midnights, [len(hour)] * 3)
    ends = np.minimum(edges[following], firsts + HORIZON)
    untils = np.append(firsts[1:], len(hour))
    made = zip(firsts.tolist(), ends.tolist(), untils.tolist(), strict=True)
    return [Moment(*figures) for figures in made]


class Knowledge:
    """What a house's planner knew, moment by moment.

    Parameters
    ----------
    kind
        `perfect`: the quarter-hours' true means. `learned`: the load by `forecast/load.py`, the
        roof as told and corrected by `forecast/roof.py`. `csv`: both as told.

    Raises
    ------
    DataError
        If the case lacks what was told.
    """

    def __init__(self, case: Case, kind: Kind) -> None:
        self.case, self.kind = case, kind
        self._load, self._pv = case.means(case.load_w), case.means(case.pv_w)
        lacking = case.told_load_w is None and kind == "csv"
        if lacking or (case.told_pv_w is None and kind != "perfect"):
            raise DataError(
                f"{case.name}: no {'load' if lacking else 'roof'} forecast came with the data: "
                "give one, or take --forecast perfect"
            )
        self._spreads: dict[int, LoadSpread] = {}
        self._corrections: dict[int, Array] = {}
        self._loads: dict[int, Array] = {}
        self._guesses: dict[int, tuple[Array, Array]] = {}

    @cached_property
    def _metered(self) -> NDArray[np.intp]:
        """Quarter-hours whose load was metered."""
        known = self.case.known
        return np.arange(len(self._load)) if known is None else np.flatnonzero(known)

    def _past(self, first: int) -> load.Past:
        """The load's last weeks before a plan, newest first."""
        last = np.searchsorted(self._metered, first)
        oldest = np.searchsorted(self._metered, first - int(load.REACH / QUARTER))
        index = self._metered[oldest:last][::-1]
        return load.Past(self.case.local[index], self._load[index])

    def load_w(self, at: Moment) -> Array:
        """The load expected by a plan [W]."""
        if at.first not in self._loads:
            self._loads[at.first] = self._expected_w(at)
        return self._loads[at.first]

    def _expected_w(self, at: Moment) -> Array:
        case = self.case
        if self.kind == "perfect":
            return self._load[at.first : at.end]
        if self.kind == "csv" and case.told_load_w is not None:
            return case.told_load_w[at.first : at.end]
        ahead, now = case.local[at.first : at.end], case.at(at.first)
        return load.ahead_w(self._past(at.first), ahead, now, case.annual_kwh)

    def pv_w(self, at: Moment) -> Array:
        """The roof expected by a plan [W]."""
        told = self.case.told_pv_w
        if self.kind == "perfect" or told is None:
            return self._pv[at.first : at.end]
        ahead = told[at.first : at.end]
        if self.kind == "csv":
            return ahead
        hours = self.case.starts.hour.to_numpy()[at.first : at.end]
        bounded: Array = np.minimum(ahead * self._correction(at.first)[hours], self._most_w)
        return bounded

    @property
    def _most_w(self) -> float:
        battery = self.case.battery
        return battery.max_ac_w if battery.hybrid else float("inf")

    def _day(self, first: int) -> int:
        """Number of the local day: what is learned is learned anew once a day."""
        return int(np.searchsorted(self.case.midnights, first, side="right"))

    def _correction(self, first: int) -> Array:
        """Factors for each hour (UTC), learned from the last 30 days."""
        day, told = self._day(first), self.case.told_pv_w
        if day not in self._corrections and told is not None:
            past = slice(max(0, first - int(roof.REACH / QUARTER)), first)
            free = self._pv[past] < roof.AT_LIMIT * self._most_w
            pair = pd.DataFrame(
                {"told": told[past][free], "seen": self._pv[past][free]},
                index=self.case.starts[past][free],
            )
            self._corrections[day] = np.array(roof.correction_of(pair).factors)
        return self._corrections[day]

    def spread(self, at: Moment) -> LoadSpread:
        """How far the load strays from its forecast."""
        zone, day = self.case.zone, self._day(at.first)
        if self.kind == "perfect":
            return certain(zone.key)
        if day not in self._spreads:
            step = timedelta(minutes=15)
            learned = hindcast.spread_from(self._past(at.first), zone, step)
            self._spreads[day] = learned or generic(zone.key)
        return self._spreads[day]

    def end_value(self, at: Moment) -> float:
        """Worth of a kWh in the cells at a plan's end, as the planner's "auto" [EUR/kWh].

        Where the published prices hold less than a day, like days stand in for the rest.
        """
        until = at.first + QUARTERS
        buy, sell = (series[at.first : at.end] for series in (self.case.buy, self.case.sell))
        if at.end < until:
            more_buy, more_sell = self._guess(at.end)
            count = until - at.end
            buy, sell = np.append(buy, more_buy[:count]), np.append(sell, more_sell[:count])
        start = self.case.at(at.first)
        day = ForecastStep(start, start + QUARTER, float(buy.mean()), float(sell.mean()), 0.0, 0.0)
        return auto_end_value([day], self.case.battery)

    def _guess(self, end: int) -> tuple[Array, Array]:
        """Prices of the day after the published ones, from like days."""
        if end not in self._guesses:
            past = range(max(0, end - PRICE_REACH), end)
            until = self.case.at(end + QUARTERS)
            made = []
            for series in (self.case.buy, self.case.sell):
                known = {self.case.at(q): float(series[q]) for q in past}
                found = outlook.like_days(known, self.case.at(end), until)
                made.append(np.array([found[at] for at in sorted(found)]))
            self._guesses[end] = made[0], made[1]
        return self._guesses[end]


@lru_cache(maxsize=2)
def knowledge_of(case: Case, kind: Kind) -> Knowledge:
    """The knowledge about a case, shared by strategies that are lived one after the other."""
    return Knowledge(case, kind)


def in_batches(plans: list[Moment], size: int = 512) -> Iterator[list[Moment]]:
    """Parts of a list of plans, so that their arrays stay small."""
    for first in range(0, len(plans), size):
        yield plans[first : first + size]


def forecasts(
    knowledge: Knowledge, plans: list[Moment], end_values: list[float], *, sure: bool = False
) -> Forecasts:
    """Arrays of what some plans knew; shorter plans are filled up with steps of 0 h.

    Parameters
    ----------
    sure
        Take the load's forecast as certain.
    """
    case = knowledge.case
    steps = max(at.end - at.first for at in plans)
    rows, hour = np.zeros((5, len(plans), steps)), case.local.hour.to_numpy()
    spreads = [certain(case.zone.key) if sure else knowledge.spread(at) for at in plans]
    ratios = np.ones((len(plans), steps, max(len(item.ratios[0]) for item in spreads)))
    for row, (at, spread) in enumerate(zip(plans, spreads, strict=True)):
        here, size = slice(at.first, at.end), at.end - at.first
        figures = (case.buy[here], case.sell[here], knowledge.load_w(at), knowledge.pv_w(at))
        rows[0, row, :size] = 0.25
        rows[1:, row, :size] = figures
        ratios[row, :size] = np.array(spread.ratios)[hour[here]]
    made = Forecasts(rows[0], rows[1], rows[2], rows[3], rows[4], ratios, np.array(end_values))
    return replace(made, draw_w=_draw_w(case, plans, steps)) if case.grid.dimming else made


def _draw_w(case: Case, plans: list[Moment], steps: int) -> Array:
    """Most that the storage unit may draw in each step [W]."""
    every = [
        case.grid.draw_limit_w(case.at(q), case.at(q + 1))
        for q in range(plans[0].first, plans[-1].first + steps)
    ]
    offset = plans[0].first
    return np.array([every[at.first - offset : at.first - offset + steps] for at in plans])
