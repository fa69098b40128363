"""What the planner is asked: forecast steps, battery, grid, stored energy now, value at the end.

The linear program and the water-value recursion both read their figures here, so they solve the
same task and can check each other.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from math import fsum

import numpy as np
from numpy.typing import NDArray

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.tariff import Peak

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
    buy: float
    sell: float
    load_w: float
    pv_w: float
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
    decided: "Decided | None" = None
    """What the program settled, for the recursion, which looks at each step by itself."""

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """Lengths of the steps [h]."""
        return np.array([step.hours for step in self.steps])

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
        """What the energy between two levels is worth at the end: (EUR/kWh, kWh), falling."""
        battery, worths = self.battery, self.end_values
        cell_wh = (battery.max_wh - battery.min_wh) / len(worths)
        inner = [battery.min_wh + cell_wh * count for count in range(1, len(worths))]
        edges = [lowest_wh, *(min(max(edge, lowest_wh), highest_wh) for edge in inner), highest_wh]
        lengths = [(high - low) / 1000 for low, high in pairwise(edges)]
        return [
            (worth, length) for worth, length in zip(worths, lengths, strict=True) if length > 0
        ]

    def end_eur(self, stored_wh: float) -> float:
        """What energy left at the end is worth [EUR]."""
        return fsum(worth * length for worth, length in self.end_segments(0.0, stored_wh))

    def shortfalls(self, index: int) -> tuple[tuple[float, float], ...]:
        """Prices of ending a step with too little in store: (below this [Wh], EUR/kWh)."""
        battery, hours, result = self.battery, self.steps[index].hours, []
        if must_recover(self):
            result.append((battery.min_wh, RECOVERY_EUR_PER_KWH_H * hours))
        if battery.reserve_wh > self.floor_wh and battery.reserve_eur_per_kwh_h > 0:
            result.append((battery.reserve_wh, battery.reserve_eur_per_kwh_h * hours))
        if self.decided is not None and index == self.decided.full_at:
            result.append((battery.max_wh, FULL_CHARGE_EUR_PER_KWH))
        return tuple(result)

    @cached_property
    def periods(self) -> tuple[int, ...]:
        """For each step the number of its peak's period (month or year), from 0 on."""
        if self.peak is None:
            return (0,) * len(self.steps)
        keys = [self.peak.period_of(step.start) for step in self.steps]
        order = list(dict.fromkeys(keys))
        return tuple(order.index(key) for key in keys)

    def free_peak_w(self, period: int) -> float:
        """What may be drawn in a period without a dearer peak, before the plan [W]."""
        if self.peak is None:
            return float("inf")
        return max(self.peak.usual_w, self.peak.reached_w if period == 0 else 0.0)

    @cached_property
    def _places(self) -> dict[datetime, int]:
        return {step.start: index for index, step in enumerate(self.steps)}

    def decided_peak_w(self, step: ForecastStep) -> float:
        """The peak that the program decided on for the step's period [W]; infinite if none."""
        if self.decided is None or self.peak is None:
            return float("inf")
        return self.decided.peaks_w[self.periods[self._places[step.start]]]

    @property
    def max_ac_w(self) -> float:
        """The inverter's AC rating [W] where it binds the roof too, else infinite."""
        return self.battery.max_ac_w if self.battery.hybrid else float("inf")

    def max_draw_w(self, step: ForecastStep) -> float:
        """Most that the storage unit may draw on its AC side [W]: its rating, dimming."""
        if not self.grid.dimming:
            return self.max_ac_w
        dimmed_w = self.grid.draw_limit_w(step.start, step.end)
        return min(self.max_ac_w, max(dimmed_w, self.battery.standby_w))

    def throttle_limit_w(self, step: ForecastStep) -> float:
        """Most of the roof's power that may be throttled [W].

        Unless somebody rests the roof for money's sake that is what grid or inverter cannot take
        while the battery stands still.
        """
        if self.grid.rests_roof:
            return step.pv_w
        unsold_w = -step.need_w - self.grid.max_sell_w
        blocked_w = step.pv_w - self.battery.standby_w - self.max_ac_w
        return min(step.pv_w, max(0.0, unsold_w, blocked_w))

    def battery_range(self, step: ForecastStep) -> tuple[float, float]:
        """Lowest and highest battery power in a step by device and legal rule [W].

        Standing still (`-standby_w`) is always inside, unless another band is forced.
        """
        rule_low, rule_high = self.grid.battery_limits(step.need_w)
        draw_w = float("inf") if self.battery.hybrid else self.max_draw_w(step)
        low = min(max(-self.battery.max_charge_w, rule_low, -draw_w), -self.battery.standby_w)
        rest_w = self.throttle_limit_w(step) - step.pv_w
        passed_w = min(self.grid.max_sell_w + step.load_w, self.max_ac_w) + rest_w
        high = min(self.battery.max_discharge_w, rule_high, passed_w)
        for index, least_w, most_w in self.forced:
            if self.steps[index].start == step.start:
                low, high = min(max(low, least_w), high), max(min(high, most_w), low)
        return low, high

    def power_range(self, step: ForecastStep, ceiling_wh: float) -> tuple[float, float]:
        """Lowest and highest battery power in a step that ends below a ceiling [W].

        While a battery found above its band still comes down it is not charged.
        """
        low, high = self.battery_range(step)
        if ceiling_wh > self.battery.max_wh + 0.001:
            low = min(max(low, -self.battery.standby_w), high)
        return low, high

    def own_use_w(self, step: ForecastStep) -> float:
        """Battery power that brings the grid to zero as far as the inverter passes it [W]."""
        wanted_w = min(step.need_w, self.max_ac_w - step.pv_w)
        return wanted_w if self.battery.hybrid else max(wanted_w, -self.max_draw_w(step))

    def buy_limit_w(self, step: ForecastStep) -> float:
        """Most that may be drawn in a step [W]: the grid's limit, or what the house alone needs."""
        standby_w = self.battery.standby_w
        roof_w = min(step.pv_w, self.max_ac_w + standby_w)
        return max(self.grid.max_buy_w, step.load_w + standby_w - roof_w)


@dataclass(frozen=True, slots=True)
class Decided:
    """What only the program can settle, since it joins steps that lie apart."""

    peaks_w: tuple[float, ...] = ()
    """The highest power drawn in each period, or what is free anyway [W]."""
    full_at: int | None = None
    """Index of the step that ends with the full charge."""


def must_recover(task: Task) -> bool:
    """Whether the battery starts below its band: it is not discharged before it is back."""
    return task.start_wh < task.battery.min_wh
