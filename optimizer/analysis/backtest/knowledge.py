"""What was known when: for each plan the prices published by then, and forecasts from the past.

Nothing here looks at a quarter-hour after the moment of a plan, except `perfect` forecasts, and
what was told beforehand (prices, a roof forecast that came with the data).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.analysis.backtest.case import QUARTERS, Array, Case
from optimizer.errors import DataError
from optimizer.forecast import hindcast, load, outlook, roof, roof_today
from optimizer.model.quarter import QUARTER
from optimizer.model.roof_days import RoofDays, seen
from optimizer.model.spread import LoadSpread, certain, generic

Kind = Literal["perfect", "learned", "csv"]

PUBLISHED_HOUR = 13
"""Tomorrow's prices are known from this hour of the local day on."""
DAILY_HOUR = 14
"""When the one plan of a day is made."""
HORIZON = 2 * QUARTERS
"""Quarter-hours that a plan looks ahead at most."""
OUTLOOK = QUARTERS
"""Quarter-hours beyond a plan that tell what energy is worth at its end."""
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
    beyond: int
    """To where the day after the plan can be foreseen from like days."""


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
    # Like days need a day of prices before them.
    beyonds = np.where(ends >= QUARTERS, np.minimum(ends + OUTLOOK, len(hour)), ends)
    made = zip(*(column.tolist() for column in (firsts, ends, untils, beyonds)), strict=True)
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
        """The load expected by a plan, and on the day after it [W]."""
        if at.first not in self._loads:
            self._loads[at.first] = self._expected_w(at)
        return self._loads[at.first]

    def _expected_w(self, at: Moment) -> Array:
        case = self.case
        if self.kind == "perfect":
            return self._load[at.first : at.beyond]
        if self.kind == "csv" and case.told_load_w is not None:
            return case.told_load_w[at.first : at.beyond]
        ahead, now = case.local[at.first : at.beyond], case.at(at.first)
        return load.ahead_w(self._past(at.first), ahead, now, case.annual_kwh)

    def pv_w(self, at: Moment) -> Array:
        """The roof expected by a plan, and on the day after it [W]."""
        told = self.case.told_pv_w
        if self.kind == "perfect" or told is None:
            return self._pv[at.first : at.beyond]
        ahead = told[at.first : at.beyond]
        if self.kind == "csv":
            return ahead
        hours = self.case.starts.hour.to_numpy()[at.first : at.beyond]
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
            learned = hindcast.spread_from(self._past(at.first), zone, QUARTER)
            self._spreads[day] = learned or generic(zone.key)
        return self._spreads[day]

    def roof_days(self, at: Moment) -> RoofDays | None:
        """Days of less and of more roof to reckon with; None for a roof taken at its word."""
        told = self.case.told_pv_w
        if self.kind != "learned" or told is None or not told.any():
            return None
        past = slice(max(0, at.first - int(roof_today.LOOKED_AT / QUARTER)), at.first)
        free = self._pv[past] < roof.AT_LIMIT * self._most_w
        if not free.any():
            return RoofDays(self.case.zone.key)
        factors = self._correction(at.first)[self.case.starts.hour.to_numpy()[past]]
        told_w = np.minimum(told[past] * factors, self._most_w)[free]
        return seen(self.case.zone.key, float(told_w.mean()), float(self._pv[past][free].mean()))

    def prices(self, at: Moment) -> tuple[Array, Array]:
        """Prices of buying and selling known to a plan, and of the day after it by like days."""
        size = at.beyond - at.end
        known = (series[at.first : at.end] for series in (self.case.buy, self.case.sell))
        pairs = zip(known, self._guess(at.end), strict=True)
        buy, sell = (np.append(part, guess[:size]) for part, guess in pairs)
        return buy, sell

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
