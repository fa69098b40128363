"""Task of the planner: forecast steps, battery, grid, stored energy now, value at the end.

The linear program and the water-value recursion both read their figures here, so they solve the
same task and can check each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import fsum
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from optimizer.model.battery import Battery
from optimizer.model.grid import ConnectionLimits, Grid
from optimizer.model.ranges import Count, EurPerKwh, HouseWatts
from optimizer.model.site import SitePhysics
from optimizer.model.tariff import Peak
from optimizer.planning.override_terms import OVERRIDE_EUR_PER_KWH, OverrideTerms, narrowed

OVERLOAD_EUR_PER_KWH = 10.0
"""Price of drawing more than the grid limit allows: far above any tariff, so it is the last way
out, and a plan comes even when the house alone needs more than the limit."""

RECOVERY_EUR_PER_KWH_H = 0.05
"""Price of each kWh below the allowed band of stored energy, each hour: small against a price
peak, so that a battery found below its reserve recovers within hours but not at any price."""

FULL_CHARGE_EUR_PER_KWH = 2.0
"""Price of each kWh that a full charge which is due falls short of: above what any tariff's spread
earns, so it comes where it can, below the price of an overload."""


@dataclass(frozen=True, slots=True)
class ForecastStep:
    """One step of the forecast; powers are means over the step [W], prices EUR/kWh all-in."""

    start: datetime
    end: datetime
    buy: EurPerKwh
    sell: EurPerKwh
    load_w: HouseWatts
    pv_w: HouseWatts
    price_from: str = ""
    """Where the prices came from."""

    @property
    def hours(self) -> float:
        """Length [h]."""
        return (self.end - self.start).total_seconds() / 3600

    @property
    def need_w(self) -> float:
        """Battery power that would bring the grid to zero [W]."""
        return self.load_w - self.pv_w


MOST_STEPS = 14 * 96
"""Most steps of a plan: a fortnight of quarter-hours; the configuration asks for 8 days at most."""
Steps = Annotated[tuple[ForecastStep, ...], Count(MOST_STEPS)]
LONGEST_STEP = timedelta(hours=1)


def check_steps(steps: Sequence[ForecastStep], place: str) -> None:
    """Refuse steps that are empty, longer than an hour, or do not follow each other.

    Raises
    ------
    ValueError
        With the first place.
    """
    for index, step in enumerate(steps):
        if not step.start < step.end <= step.start + LONGEST_STEP:
            raise ValueError(f"{place}[{index}] does not end within an hour after its start")
        if index and steps[index - 1].end != step.start:
            raise ValueError(f"{place}[{index}] does not begin where the step before it ends")


@dataclass(frozen=True)
class Task:
    """Everything that determines a plan."""

    steps: tuple[ForecastStep, ...]
    battery: Battery
    grid: Grid
    start_wh: float
    """Stored energy at the start [Wh]."""
    end_values: tuple[float, ...]
    """Worth of a kWh in the cells at the end [EUR/kWh] in equal cells of the allowed band of stored
    energy, falling: below the band the first counts, above it the last. One worth is one cell."""
    forced: tuple[tuple[int, float, float], ...] = ()
    """Steps that have to keep to a band of battery power, to ask "why not?": (index of the step,
    lowest, highest [W]). Where the band lies outside what device and rule allow, the nearest
    allowed power is forced. A band that the stored energy cannot give has no plan."""
    peak: Peak | None = None
    """Price of the highest power drawn."""
    full_by: int | None = None
    """Index of the last step at whose end a full charge is in time; None if none is due."""
    decided: "ProgramFacts | None" = None
    """What the program settled, for the recursion, which looks at each step by itself."""
    override: OverrideTerms | None = None
    """The owner's override; the program keeps to it, the recursion prices what it demands."""
    calm_eur: float = 0.0
    """Most that the plan may cost more than the cheapest one for changing less [EUR]."""
    money_size: float = 1.0
    """Units of the prices' currency that are about one EUR: the penalties are so many times."""

    @property
    def overload_eur_per_kwh(self) -> float:
        """Price of drawing more than the grid limit allows, in the prices' currency [EUR/kWh]."""
        return OVERLOAD_EUR_PER_KWH * self.money_size

    @property
    def full_charge_eur_per_kwh(self) -> float:
        """Price of what a full charge that is due falls short of, in that currency [EUR/kWh]."""
        return FULL_CHARGE_EUR_PER_KWH * self.money_size

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """Lengths of the steps [h]."""
        return np.array([step.hours for step in self.steps])

    @cached_property
    def load_w(self) -> NDArray[np.float64]:
        """Load of the steps [W]."""
        return np.array([step.load_w for step in self.steps])

    @cached_property
    def pv_w(self) -> NDArray[np.float64]:
        """PV power of the steps before any curtailment [W]."""
        return np.array([step.pv_w for step in self.steps])

    @property
    def floor_wh(self) -> float:
        """Least stored energy that the plan may hold [Wh]: the start counts if it is below."""
        return min(self.battery.min_wh, self.start_wh)

    def ceilings_wh(self) -> tuple[float, ...]:
        """Most stored energy that the plan may hold after each step [Wh].

        A battery found above its band comes down as fast as the house alone uses it.
        """
        if self.start_wh <= self.battery.max_wh:
            return (self.battery.max_wh,) * len(self.steps)
        ceilings, soc_wh = [], self.start_wh
        for step in self.steps:
            wanted_w = min(max(0.0, step.need_w), self.battery_range(step)[1])
            _, soc_wh = self.battery.step(soc_wh, wanted_w, step.hours)
            ceilings.append(max(self.battery.max_wh, soc_wh))
        return tuple(ceilings)

    def end_segments(self, lowest_wh: float, highest_wh: float) -> list[tuple[float, float]]:
        """Value at the end of the energy between two levels: (EUR/kWh, kWh), falling."""
        battery, marginal_values = self.battery, self.end_values
        cell_wh = (battery.max_wh - battery.min_wh) / len(marginal_values)
        inner = [battery.min_wh + cell_wh * count for count in range(1, len(marginal_values))]
        edges = [lowest_wh, *(min(max(edge, lowest_wh), highest_wh) for edge in inner), highest_wh]
        lengths = [(high - low) / 1000 for low, high in pairwise(edges)]
        return [
            (marginal_value, length)
            for marginal_value, length in zip(marginal_values, lengths, strict=True)
            if length > 0
        ]

    def end_eur(self, stored_wh: float) -> float:
        """Value of the energy left at the end [EUR]."""
        return fsum(
            marginal_value * length for marginal_value, length in self.end_segments(0.0, stored_wh)
        )

    def shortfalls(self, index: int) -> tuple[tuple[float, float], ...]:
        """Prices of ending a step with too little in store: (below this [Wh], EUR/kWh)."""
        battery, hours, result = self.battery, self.steps[index].hours, []
        if must_recover(self):
            result.append((battery.min_wh, RECOVERY_EUR_PER_KWH_H * self.money_size * hours))
        if battery.reserve_wh > self.floor_wh and battery.reserve_eur_per_kwh_h > 0:
            result.append((battery.reserve_wh, battery.reserve_eur_per_kwh_h * hours))
        if self.decided is not None and index == self.decided.full_at:
            result.append((self.decided.full_wh, self.full_charge_eur_per_kwh))
        return tuple(result)

    def demanded(self, index: int) -> tuple[tuple[float, float], ...]:
        """Prices of ending a step with less than an override demands, like `shortfalls`."""
        terms = self.override
        if terms is None or terms.level_wh is None or not terms.demanded[index]:
            return ()
        return ((min(terms.level_wh, self.battery.max_wh), OVERRIDE_EUR_PER_KWH * self.money_size),)

    def stored_limits_wh(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Least and most stored energy after each step [Wh], by floor, ceiling and override."""
        least, most = np.full(len(self.steps), self.floor_wh), np.array(self.ceilings_wh())
        if self.override is not None and self.override.least_wh:
            least = np.maximum(least, self.override.least_wh)
            most = np.maximum(np.minimum(most, self.override.most_wh), least)
        return least, most

    @cached_property
    def periods(self) -> tuple[int, ...]:
        """For each step the number of its peak's period (month or year), from 0 on."""
        if self.peak is None:
            return (0,) * len(self.steps)
        keys = [self.peak.period_of(step.start) for step in self.steps]
        order = list(dict.fromkeys(keys))
        return tuple(order.index(key) for key in keys)

    def free_peak_w(self, period: int) -> float:
        """Power that may be bought in a period without a dearer peak, before the plan [W]."""
        if self.peak is None:
            return float("inf")
        return max(self.peak.usual_w, self.peak.reached_w if period == 0 else 0.0)

    @cached_property
    def _places(self) -> dict[datetime, int]:
        return {step.start: index for index, step in enumerate(self.steps)}

    def decided_peak_w(self, step: ForecastStep) -> float:
        """The peak that the program decided on for the step's period [W]; infinite if none."""
        if self.decided is None or self.peak is None or not self.peak.counts(step.start):
            return float("inf")
        return self.decided.peaks_w[self.periods[self._places[step.start]]]

    @cached_property
    def limits(self) -> ConnectionLimits[Any]:
        """Limits in force in the steps; numbers where none is timed."""
        return self.grid.limits_of((step.start, step.end) for step in self.steps)

    @cached_property
    def site(self) -> SitePhysics:
        """Physics of battery, inverter and connection in all steps."""
        return SitePhysics(self.battery, self.grid, self.limits)

    def site_at(self, step: ForecastStep) -> SitePhysics:
        """Physics of battery, inverter and connection in a step."""
        return SitePhysics.at(self.battery, self.grid, step.start, step.end)

    @cached_property
    def battery_ranges(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest battery power of each step [W]; a forced band narrows it."""
        low, high = self.site.battery_range(self.load_w, self.pv_w)
        if self.override is not None:
            caps_w = np.array(self.override.charge_w), np.array(self.override.discharge_w)
            need_w = self.load_w - self.pv_w
            low, high = narrowed((low, high), need_w, self.battery.standby_w, caps_w)
        ranges = list(zip(low.tolist(), high.tolist(), strict=True))
        for index, least_w, most_w in self.forced:
            low_w, high_w = ranges[index]
            ranges[index] = min(max(low_w, least_w), high_w), max(min(high_w, most_w), low_w)
        return tuple(ranges)

    def battery_range(self, step: ForecastStep) -> tuple[float, float]:
        """Lowest and highest battery power in a step [W]."""
        return self.battery_ranges[self._places[step.start]]

    def first_step(self) -> "Task":
        """The task of the first step alone; the values at its end are those of the whole one."""
        forced = tuple(band for band in self.forced if band[0] == 0)
        terms = None if self.override is None else self.override.first_step()
        return replace(self, steps=self.steps[:1], forced=forced, override=terms)

    def power_range(self, step: ForecastStep, ceiling_wh: float) -> tuple[float, float]:
        """Lowest and highest battery power in a step that ends below a ceiling [W].

        While a battery found above its band still comes down it is not charged.
        """
        low, high = self.battery_range(step)
        if ceiling_wh > self.battery.max_wh + 0.001:
            low = min(max(low, -self.battery.standby_w), high)
        return low, high

    def self_consumption_w(self, step: ForecastStep) -> float:
        """Battery power of the FEMS's own balancing in a step [W]."""
        return self.site_at(step).self_consumption_w(step.load_w, step.pv_w)


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """Facts that only the program settles, since they join steps that lie apart."""

    peaks_w: tuple[float, ...] = ()
    """The highest power drawn in each period, or what is free anyway [W]."""
    full_at: int | None = None
    """Index of the step that ends with the full charge."""
    full_wh: float = 0.0
    """Stored energy that counts as full there [Wh]: a little less where it comes by itself."""


def must_recover(task: Task) -> bool:
    """Return true if the battery starts below its band: it is not discharged before it is back."""
    return task.start_wh < task.battery.min_wh
