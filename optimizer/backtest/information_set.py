"""Information set of each plan: the prices published by then, and forecasts from the past.

Nothing here looks at a quarter-hour after the moment of a plan, except `perfect` forecasts, and
what was known beforehand (prices, a PV forecast that came with the data).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.backtest.scenario_data import QUARTERS, Array, Scenario
from optimizer.errors import DataError
from optimizer.forecast import load_forecast, load_ratios, pv_forecast, tariff_prices
from optimizer.model.grid import ConnectionLimits
from optimizer.model.load_spread import LoadSpread, certain, generic
from optimizer.model.moments import QUARTER
from optimizer.model.pv_days import PvDays, seen
from optimizer.planning import end_value, water_value
from optimizer.planning.arrays import DayStates, Forecasts, day_states
from optimizer.planning.task import ForecastStep

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
class PlanTimes:
    """Times at which plans are made."""

    hourly: bool = True
    """Else once a day, at 14:00."""
    every_days: int = 1
    """Plans on every so many-th day only: what an outage of several days would do."""


HOURLY = PlanTimes()


@dataclass(frozen=True, slots=True)
class PlanMoment:
    """Moment of a plan and its reach, as numbers of quarter-hours."""

    first: int
    end: int
    until: int
    """When the next plan was made."""
    beyond: int
    """To where the day after the plan can be foreseen from like days."""


def moments(scenario: Scenario, times: PlanTimes) -> list[PlanMoment]:
    """All plans of a case; the first one at the beginning."""
    hour, minute = scenario.local.hour.to_numpy(), scenario.local.minute.to_numpy()
    wanted = (minute == 0) & ((hour == DAILY_HOUR) | times.hourly)
    day = np.searchsorted(scenario.midnights, np.arange(len(hour)), side="right")
    wanted &= (day - day[scenario.begin]) % times.every_days == 0
    wanted[: scenario.begin] = False
    wanted[scenario.begin] = True
    firsts = np.flatnonzero(wanted)
    following = np.searchsorted(scenario.midnights, firsts, side="right")
    following += hour[firsts] >= PUBLISHED_HOUR
    edges = np.append(scenario.midnights, [len(hour)] * 3)
    ends = np.minimum(edges[following], firsts + HORIZON)
    untils = np.append(firsts[1:], len(hour))
    # Like days need a day of prices before them.
    beyonds = np.where(ends >= QUARTERS, np.minimum(ends + OUTLOOK, len(hour)), ends)
    made = zip(*(column.tolist() for column in (firsts, ends, untils, beyonds)), strict=True)
    return [PlanMoment(*figures) for figures in made]


class InformationSet:
    """Information that a house's planner had, moment by moment.

    Parameters
    ----------
    kind
        `perfect`: the quarter-hours' true means. `learned`: the load by `load_forecast.py`, PV as
        reported and corrected by `pv_forecast.py`. `csv`: both as reported.

    Raises
    ------
    DataError
        If the scenario lacks its forecasts.
    """

    def __init__(self, scenario: Scenario, kind: Kind) -> None:
        self.scenario, self.kind = scenario, kind
        self._load, self._pv = scenario.means(scenario.load_w), scenario.means(scenario.pv_w)
        lacking = scenario.forecast_load_w is None and kind == "csv"
        if lacking or (scenario.forecast_pv_w is None and kind != "perfect"):
            raise DataError(
                f"{scenario.name}: no {'load' if lacking else 'roof'} forecast came with the data: "
                "give one, or take --forecast perfect"
            )
        self._spreads: dict[int, LoadSpread] = {}
        self._corrections: dict[int, Array] = {}
        self._loads: dict[int, Array] = {}
        self._guesses: dict[int, tuple[Array, Array]] = {}

    @cached_property
    def _metered(self) -> NDArray[np.intp]:
        """Quarter-hours whose load was metered."""
        known = self.scenario.known
        return np.arange(len(self._load)) if known is None else np.flatnonzero(known)

    def _past(self, first: int) -> load_forecast.KnownPast:
        """The load's last weeks before a plan, newest first."""
        last = np.searchsorted(self._metered, first)
        oldest = np.searchsorted(self._metered, first - int(load_forecast.REACH / QUARTER))
        index = self._metered[oldest:last][::-1]
        return load_forecast.KnownPast(self.scenario.local[index], self._load[index])

    def load_w(self, at: PlanMoment) -> Array:
        """The load expected by a plan, and on the day after it [W]."""
        if at.first not in self._loads:
            self._loads[at.first] = self._expected_w(at)
        return self._loads[at.first]

    def _expected_w(self, at: PlanMoment) -> Array:
        scenario = self.scenario
        if self.kind == "perfect":
            return self._load[at.first : at.beyond]
        if self.kind == "csv" and scenario.forecast_load_w is not None:
            return scenario.forecast_load_w[at.first : at.beyond]
        ahead, now = scenario.local[at.first : at.beyond], scenario.at(at.first)
        return load_forecast.ahead_w(self._past(at.first), ahead, now, scenario.annual_kwh)

    def pv_w(self, at: PlanMoment) -> Array:
        """The roof expected by a plan, and on the day after it [W]."""
        reported = self.scenario.forecast_pv_w
        if self.kind == "perfect" or reported is None:
            return self._pv[at.first : at.beyond]
        ahead = reported[at.first : at.beyond]
        if self.kind == "csv":
            return ahead
        hours = self.scenario.starts.hour.to_numpy()[at.first : at.beyond]
        bounded: Array = np.minimum(ahead * self._correction(at.first)[hours], self._most_w)
        return bounded

    @property
    def _most_w(self) -> float:
        battery = self.scenario.battery
        return battery.max_ac_w if battery.hybrid else float("inf")

    def _day(self, first: int) -> int:
        """Number of the local day: what is learned is learned anew once a day."""
        return int(np.searchsorted(self.scenario.midnights, first, side="right"))

    def _correction(self, first: int) -> Array:
        """Factors for each hour (UTC), learned from the last 30 days."""
        day, reported = self._day(first), self.scenario.forecast_pv_w
        if day not in self._corrections and reported is not None:
            past = slice(max(0, first - int(pv_forecast.REACH / QUARTER)), first)
            free = self._pv[past] < pv_forecast.AT_LIMIT * self._most_w
            pair = pd.DataFrame(
                {"forecast_w": reported[past][free], "measured_w": self._pv[past][free]},
                index=self.scenario.starts[past][free],
            )
            self._corrections[day] = np.array(pv_forecast.correction_of(pair).factors)
        return self._corrections[day]

    def spread(self, at: PlanMoment) -> LoadSpread:
        """Spread of the load around its forecast."""
        zone, day = self.scenario.zone, self._day(at.first)
        if self.kind == "perfect":
            return certain(zone.key)
        if day not in self._spreads:
            learned = load_ratios.spread_from(self._past(at.first), zone, QUARTER)
            self._spreads[day] = learned or generic(zone.key)
        return self._spreads[day]

    def pv_days(self, at: PlanMoment) -> PvDays | None:
        """Days of less and of more roof to reckon with; None for a roof taken at its word."""
        reported = self.scenario.forecast_pv_w
        if self.kind != "learned" or reported is None or not reported.any():
            return None
        past = slice(max(0, at.first - int(pv_forecast.OBSERVED / QUARTER)), at.first)
        free = self._pv[past] < pv_forecast.AT_LIMIT * self._most_w
        if not free.any():
            return PvDays(self.scenario.zone.key)
        factors = self._correction(at.first)[self.scenario.starts.hour.to_numpy()[past]]
        forecast_w = np.minimum(reported[past] * factors, self._most_w)[free]
        return seen(
            self.scenario.zone.key, float(forecast_w.mean()), float(self._pv[past][free].mean())
        )

    def prices(self, at: PlanMoment) -> tuple[Array, Array]:
        """Prices of buying and selling known to a plan, and of the day after it by like days."""
        size = at.beyond - at.end
        known = (series[at.first : at.end] for series in (self.scenario.buy, self.scenario.sell))
        pairs = zip(known, self._guess(at.end), strict=True)
        buy, sell = (np.append(part, guess[:size]) for part, guess in pairs)
        return buy, sell

    def _guess(self, end: int) -> tuple[Array, Array]:
        """Prices of the day after the published ones, from like days."""
        if end not in self._guesses:
            past = slice(max(0, end - PRICE_REACH), end)
            buy, sell = (
                tariff_prices.like_days(series[past], QUARTERS)
                for series in (self.scenario.buy, self.scenario.sell)
            )
            self._guesses[end] = buy, sell
        return self._guesses[end]


@lru_cache(maxsize=2)
def information_set_of(scenario: Scenario, kind: Kind) -> InformationSet:
    """The knowledge about a case, shared by strategies that are lived one after the other."""
    return InformationSet(scenario, kind)


BATCH = 512
"""Plans whose arrays are in memory at once."""


def in_batches(plans: list[PlanMoment]) -> Iterator[list[PlanMoment]]:
    """Parts of a list of plans, so that their arrays stay small."""
    for first in range(0, len(plans), BATCH):
        yield plans[first : first + BATCH]


def forecasts(
    information: InformationSet, plans: list[PlanMoment], end_values: Array | None = None, *,
    sure: bool = False,
) -> Forecasts:  # fmt: skip
    """Arrays of what some plans knew; shorter plans are filled up with steps of 0 h.

    Parameters
    ----------
    end_values
        Worth of a kWh at each plan's end [EUR/kWh], (plans, 1 or cells); as the planner's "auto"
        by default.
    sure
        Take the load's and the roof's forecast as certain.
    """
    learned = [
        certain(information.scenario.zone.key) if sure else information.spread(at) for at in plans
    ]
    wide = {spread: spread.widened() for spread in dict.fromkeys(learned)}
    spreads = [wide[spread] for spread in learned]
    if end_values is None:
        end_values = _auto(information, plans, spreads)
    made = _arrays(information, plans, spreads, end_values, lambda at: (at.first, at.end))
    return made if sure else replace(made, days=_days(information, plans, made.hours.shape[1]))


def _days(information: InformationSet, plans: list[PlanMoment], steps: int) -> DayStates | None:
    """The kinds of days that each plan's roof may have."""
    reported = [information.pv_days(at) for at in plans]
    kinds = [item for item in reported if item is not None]
    if len(kinds) < len(plans):
        return None
    firsts, midnights = np.array([at.first for at in plans]), information.scenario.midnights
    day = np.searchsorted(midnights, firsts[:, None] + np.arange(steps), side="right")
    return day_states(kinds, day)


def _auto(information: InformationSet, plans: list[PlanMoment], spreads: list[LoadSpread]) -> Array:
    """Worth of a kWh at each plan's end by the day after it (plans, cells)."""
    scenario = information.scenario
    flat = np.array([[_mean_value(information, at)] for at in plans])
    reported = _arrays(information, plans, spreads, flat, lambda at: (at.end, at.beyond))
    return end_value.falling(water_value.before(scenario.battery, scenario.grid, reported))


def _mean_value(information: InformationSet, at: PlanMoment) -> float:
    """Worth of a kWh at the end of the day after a plan, the same for each [EUR/kWh]."""
    skipped = at.end - at.first if at.beyond > at.end else 0
    buy, sell = (float(series[skipped:].mean()) for series in information.prices(at))
    start = information.scenario.at(at.first)
    day = ForecastStep(start, start + QUARTER, buy, sell, 0.0, 0.0)
    scenario = information.scenario
    return end_value.auto_end_value([day], scenario.battery, scenario.money_size)


def _arrays(
    information: InformationSet,
    plans: list[PlanMoment],
    spreads: list[LoadSpread],
    end_values: Array,
    window: Callable[[PlanMoment], tuple[int, int]],
) -> Forecasts:
    """Arrays of one window of each plan's foresight."""
    scenario = information.scenario
    windows = [window(at) for at in plans]
    steps = max(1, *(end - first for first, end in windows))
    rows, hour = np.zeros((5, len(plans), steps)), scenario.local.hour.to_numpy()
    ratios = np.ones((len(plans), steps, max(len(item.ratios[0]) for item in spreads)))
    for row, (at, spread, (first, end)) in enumerate(zip(plans, spreads, windows, strict=True)):
        part, size = slice(first - at.first, end - at.first), end - first
        figures = (*information.prices(at), information.load_w(at), information.pv_w(at))
        rows[0, row, :size] = 0.25
        rows[1:, row, :size] = [series[part] for series in figures]
        ratios[row, :size] = np.array(spread.ratios)[hour[first:end]]
    made = Forecasts(rows[0], rows[1], rows[2], rows[3], rows[4], ratios, end_values,
                     money_size=scenario.money_size)  # fmt: skip
    return replace(made, limits=_limits(scenario, [first for first, _ in windows], steps))


def _limits(scenario: Scenario, firsts: list[int], steps: int) -> "ConnectionLimits[Array]":
    """Limits in force in each step of some plans."""
    offset, end = min(firsts), max(firsts) + steps
    every = scenario.grid.limits_of(
        (scenario.at(quarter), scenario.at(quarter + 1)) for quarter in range(offset, end)
    )
    places = np.array(firsts)[:, None] - offset + np.arange(steps)
    return ConnectionLimits(*(w if np.ndim(w) == 0 else w[places] for w in every))
