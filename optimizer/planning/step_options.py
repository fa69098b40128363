"""Cost of steps at battery powers, and their options with stored energy, on arrays of many steps.

The cost of a step is piecewise linear in the battery power. Its segments are what both recursions
merge: `water_value.py` for many forecasts at once, `water_value_exact.py` for one task.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InfeasibleError
from optimizer.model.battery import Battery
from optimizer.model.grid import ConnectionLimits, Grid
from optimizer.model.site import ROUNDING_W, SitePhysics, wear_eur
from optimizer.planning.override_terms import narrowed
from optimizer.planning.task import OVERLOAD_EUR_PER_KWH, Task

Array = NDArray[np.float64]

Segment = tuple[float, float]
"""(marginal value or marginal cost [EUR/kWh], length [kWh] of stored energy)."""

Choices = tuple[list[Segment], float, float]
"""Segments of a step from full discharge to full charge; the largest fall and rise of the stored
energy in it [kWh], negative where a forced band leaves only the other direction."""

NOTHING_KWH = 1e-12
"""Segments not longer than this are empty."""

NO_VALUE = 1e6
"""Marginal value [EUR/kWh] of an empty segment at a row's head: above all others."""


@dataclass(frozen=True, slots=True, eq=False)
class StepConditions:
    """Prices, load and PV of steps: arrays that fit each other's shape by numpy's rules."""

    hours: Array
    """Length [h]; a step of 0 h does nothing."""
    buy: Array
    """Price of the next kWh bought, all-in [EUR/kWh]."""
    sell: Array
    """Pay for the next kWh sold [EUR/kWh]."""
    load_w: Array
    pv_w: Array
    limits: ConnectionLimits[Any] | None = None
    """Limits in force; None for those of a connection without limits by time."""
    peak_w: Array | None = None
    """Power bought up to which no peak gets dearer [W]."""
    charge_w: Array | None = None
    """Most that may be charged from the grid under an override [W]; infinite where there is
    none."""
    discharge_w: Array | None = None
    """Most that may be discharged under an override [W]; infinite where there is none."""
    peak_eur_per_kw: float = 0.0
    """Price of what is bought above `peak_w`, each step for itself [EUR/kW]."""
    overload_eur_per_kwh: float = OVERLOAD_EUR_PER_KWH
    """Price of drawing more than the grid limit allows [EUR/kWh]."""

    @classmethod
    def of(cls, task: Task) -> "StepConditions":
        """The steps of a task: arrays (steps)."""
        steps = task.steps
        figures = np.array([(s.hours, s.buy, s.sell, s.load_w, s.pv_w) for s in steps]).T
        hours, buy, sell, load_w, pv_w = figures
        peak = task.peak
        return cls(
            hours,
            buy,
            sell,
            load_w,
            pv_w,
            limits=task.limits,
            peak_w=None if peak is None else np.array([task.decided_peak_w(s) for s in steps]),
            peak_eur_per_kw=0.0 if peak is None else peak.eur_per_kw,
            overload_eur_per_kwh=task.overload_eur_per_kwh,
        )


@dataclass(frozen=True, slots=True, eq=False)
class StepOptions:
    """Segments of the steps' costs along a new first axis, highest marginal value first."""

    marginal_value: Array
    """Marginal cost of a stored kWh [EUR/kWh], falling: full discharge comes last."""
    length: Array
    """Length of the segments [kWh] in the cells; may be 0."""
    most_in: Array
    """Largest rise of the stored energy in the step [kWh]."""


class StepArrays:
    """Steps of one site: limits of the battery power, and what each power costs."""

    def __init__(self, battery: Battery, grid: Grid, step: StepConditions) -> None:
        self.limits = grid.untimed_limits() if step.limits is None else step.limits
        site = SitePhysics(battery, grid, self.limits)
        self.battery, self.grid, self.step, self.site = battery, grid, step, site
        self.need: Array = step.load_w - step.pv_w
        self.draw: Array = np.asarray(site.draw_limit_w)
        """Most that the storage unit may draw on its AC side [W]."""
        self.most_bought: Array = site.buy_limit_w(step.load_w, step.pv_w)
        """Most that may be bought [W]."""
        self.most_curtailed: Array = site.curtailment_limit_w(step.load_w, step.pv_w)
        """Most of the PV power that may be curtailed [W]."""
        low, self.high = site.battery_range(step.load_w, step.pv_w)
        if step.charge_w is not None and step.discharge_w is not None:
            caps_w = step.charge_w, step.discharge_w
            low, self.high = narrowed((low, self.high), self.need, battery.standby_w, caps_w)
        self.low = np.maximum(low, self._lowest_bought())
        """Lowest and highest battery power [W]."""

    @classmethod
    def of(cls, task: Task) -> "StepArrays":
        """The steps of a task, with its forced bands and while an overfull battery comes down.

        Raises
        ------
        InfeasibleError
            If a step has no possible battery power.
        """
        found = cls(task.battery, task.grid, StepConditions.of(task))
        ranges = zip(task.steps, task.ceilings_wh(), strict=True)
        low, high = np.array([task.power_range(step, ceiling) for step, ceiling in ranges]).T
        found.low, found.high = np.maximum(low, found._lowest_bought()), high
        for index in np.flatnonzero(found.low > high + ROUNDING_W)[:1]:
            start = task.steps[index].start
            raise InfeasibleError(f"no battery power is possible in the step at {start}")
        found.low = np.minimum(found.low, high)
        return found

    def _lowest_bought(self) -> Array:
        """Lowest battery power by connection and hybrid inverter [W]."""
        low: Array = self.need - self.most_bought
        return np.maximum(low, -self.draw - self.step.pv_w) if self.battery.hybrid else low

    def kinks(self) -> Array:
        """Battery powers between which all steps' costs are straight lines, rising [W]."""
        load, pv, low, high = self.step.load_w, self.step.pv_w, self.low, self.high
        still_w = -self.battery.standby_w
        starts_w = [still_w - start_w for start_w, _ in self.battery.charge_pieces]
        starts_w += [still_w + start_w for start_w, _ in self.battery.discharge_pieces[1:]]
        inner = [np.full_like(self.need, start_w) for start_w in starts_w]
        for own in (self.need, load):
            inner += [own, own + self.limits.sell_w]
            inner += [own - self.limits.buy_w, own - self.most_bought]
            if self.step.peak_w is not None:
                inner.append(own - self.step.peak_w)
        if self.battery.hybrid:
            inner += [self.site.max_ac_w - pv, 0 * pv - self.draw, -self.draw - pv]
        # A kink that lies inside of no step at all would only be an empty segment.
        inside = [w for w in inner if bool(((w > low) & (w < high)).any())]
        points = [low, *(np.minimum(np.maximum(w, low), high) for w in inside), high]
        return np.sort(np.stack(points), axis=0)

    def bill(self, grid_w: Array) -> Array:
        """Bill, overload price and price of a peak at a grid power [EUR]."""
        step, overload = self.step, np.maximum(0.0, grid_w - self.limits.buy_w)
        money = grid_w * np.where(grid_w > 0, step.buy, step.sell)
        bill: Array = (money + overload * step.overload_eur_per_kwh) * step.hours / 1000
        if step.peak_w is not None:
            bill = bill + np.maximum(0.0, grid_w - step.peak_w) / 1000 * step.peak_eur_per_kw
        return bill

    def curtailed(self, power: Array) -> Array:
        """Curtailed PV power that costs least at battery powers [W]; the least of equals."""
        balanced = power + self.step.pv_w - self.step.load_w
        best: Array = self.site.curtailed_w(self.step.load_w, self.step.pv_w, power)
        cost = self.bill(best - balanced)
        for tried in self._more_curtailed(power, balanced, best):
            dearer = self.bill(tried - balanced)
            better = dearer < cost
            best, cost = np.where(better, tried, best), np.where(better, dearer, cost)
        return best

    def cost(self, power: Array) -> Array:
        """Least bill and wear at battery powers [EUR].

        As little as has to be is curtailed, or with price curtailment as costs least.
        """
        balanced = power + self.step.pv_w - self.step.load_w
        least: Array = self.site.curtailed_w(self.step.load_w, self.step.pv_w, power)
        bill = self.bill(least - balanced)
        for tried in self._more_curtailed(power, balanced, least):
            bill = np.minimum(bill, self.bill(tried - balanced))
        total: Array = bill + wear_eur(self.battery, power, self.step.hours)
        return total

    def _more_curtailed(self, power: Array, balanced: Array, least: Array) -> Iterator[Array]:
        """Curtailed PV powers beside the least one that may cost less [W]."""
        negative = bool((self.step.buy < 0).any()) or bool((self.step.sell < 0).any())
        if not (negative and self.grid.price_curtailment):
            return
        draw = self.draw if self.battery.hybrid else np.inf
        drawn = power + self.step.pv_w + draw
        most = np.minimum(np.minimum(self.most_curtailed, drawn), balanced + self.most_bought)
        if not self.grid.rule.grid_charging:
            # What curtailed PV no longer covers would be bought, the PV surplus stored.
            charging = power < -self.battery.standby_w - ROUNDING_W
            most = np.where(charging, np.minimum(most, balanced), most)
        most = np.maximum(least, most)
        tries = [balanced, balanced + self.limits.buy_w, most]
        if self.step.peak_w is not None:
            tries.append(balanced + np.minimum(self.step.peak_w, self.limits.buy_w))
        for tried in tries:
            yield np.minimum(np.maximum(tried, least), most)

    def stored(self, power: Array) -> Array:
        """Change of the stored energy at battery powers [kWh]."""
        change: Array = self.battery.stored_after(0.0 * power, power, self.step.hours) / 1000
        return change


def step_options(battery: Battery, grid: Grid, step: StepConditions) -> StepOptions:
    """Options of each step with stored energy, while the battery is inside its band."""
    steps = StepArrays(battery, grid, step)
    power = steps.kinks()
    cost, change = steps.cost(power), steps.stored(power)
    length = np.maximum(change[:-1] - change[1:], 0.0)
    real = length > NOTHING_KWH
    marginal_value = (cost[:-1] - cost[1:]) / np.where(real, length, 1.0)
    return _sorted(marginal_value, np.where(real, length, 0.0), real, np.maximum(change[0], 0.0))


def _sorted(
    marginal_value: Array, length: Array, real: NDArray[np.bool_], most_in: Array
) -> StepOptions:
    """Segments in falling order; empty ones take the value of their neighbour."""
    marginal_value[0] = np.where(real[0], marginal_value[0], NO_VALUE)
    for index in range(1, len(marginal_value)):
        marginal_value[index] = np.where(
            real[index], marginal_value[index], marginal_value[index - 1]
        )
    if bool((marginal_value[1:] > marginal_value[:-1]).any()):
        order = np.argsort(-marginal_value, axis=0, kind="stable")
        marginal_value = np.take_along_axis(marginal_value, order, axis=0)
        length = np.take_along_axis(length, order, axis=0)
    filled = [index for index in range(len(marginal_value)) if bool(real[index].any())]
    if len(filled) < len(marginal_value) and bool((length[filled] > 0).sum() == (length > 0).sum()):
        marginal_value, length = marginal_value[filled], length[filled]
    return StepOptions(marginal_value, length, most_in)


def choices_of(task: Task) -> list[Choices]:
    """Options of each step of a task with stored energy.

    Raises
    ------
    InfeasibleError
        If a step has no possible battery power.
    """
    steps = StepArrays.of(task)
    power = steps.kinks()[::-1]
    cost, change = steps.cost(power), steps.stored(power)
    pairs = zip(change.T.tolist(), cost.T.tolist(), strict=True)
    return [_choices(list(zip(*pair, strict=True))) for pair in pairs]


def _choices(points: Sequence[tuple[float, float]]) -> Choices:
    """Choices from (change of the stored energy [kWh], cost [EUR]), rising."""
    segments = [
        ((cost_b - cost_a) / (b - a), b - a)
        for (a, cost_a), (b, cost_b) in pairwise(points)
        if b - a > NOTHING_KWH
    ]
    return segments, -points[0][0], points[-1][0]


def power_reach(task: Task) -> tuple[float, float]:
    """Lowest and highest battery power of the first step that limits and stored energy allow [W].

    Raises
    ------
    InfeasibleError
        If the step has no possible battery power.
    """
    step, before_wh, ceiling_wh = task.steps[0], task.start_wh, task.ceilings_wh()[0]
    ((_, most_out, most_in),) = choices_of(task.first_step())
    floor_wh = min(task.battery.min_wh, before_wh)
    most_wh = min(max(ceiling_wh, task.floor_wh), before_wh + 1000 * most_in)
    least_wh = min(max(floor_wh, before_wh - 1000 * most_out), most_wh)
    power_for, standby_w = task.battery.power_for, task.battery.standby_w
    into_w, out_w = task.battery.taper_w(before_wh)
    lowest_w = max(power_for(before_wh, most_wh, step.hours), -into_w - standby_w)
    highest_w = min(power_for(before_wh, least_wh, step.hours), out_w - standby_w)
    return lowest_w, max(lowest_w, highest_w)
