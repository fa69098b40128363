"""What steps can do with stored energy, for many forecasts at once: `step_cost` on arrays.

The same figures as `step_cost.options`, number for number (a test compares them), for the value
table: a year of plans has some ten million steps, which one at a time would take an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.planning.task import OVERLOAD_EUR_PER_KWH

Array = NDArray[np.float64]

NOTHING_KWH = 1e-12
"""Segments not longer than this are none."""

NO_WORTH = 1e3
"""Stands in for the worth [EUR/kWh] of an empty segment at a row's head: dearer than all."""


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What steps are made of: arrays that fit each other's shape by numpy's rules."""

    hours: Array
    """Length [h]; a step of 0 h does nothing."""
    buy: Array
    """Price of the next kWh bought, all-in [EUR/kWh]."""
    sell: Array
    load_w: Array
    pv_w: Array
    draw_w: Array | None = None
    """Most that the storage unit may draw on its AC side by dimming [W]; infinite where it is
    free."""
    peak_w: Array | None = None
    """Power drawn up to which no peak gets dearer [W]."""
    peak_eur_per_kw: float = 0.0
    """Price of what is drawn above `peak_w`, each step for itself [EUR/kW]."""


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """Segments of the steps' costs along a new first axis, dearest first."""

    worth: Array
    """Marginal cost per stored kWh [EUR/kWh], falling: full discharge comes last."""
    length: Array
    """Length of the segments [kWh] in the cells; may be 0."""
    most_in: Array
    """Largest rise of the stored energy in the step [kWh]."""


class _Steps:
    """Steps of one house, with the limits of their battery power."""

    def __init__(self, battery: Battery, grid: Grid, step: Conditions) -> None:
        self.battery, self.grid, self.step = battery, grid, step
        self.need: Array = step.load_w - step.pv_w
        self.max_ac_w = battery.max_ac_w if battery.hybrid else float("inf")
        dimmed = np.full(1, np.inf) if step.draw_w is None else step.draw_w
        self.draw: Array = np.minimum(self.max_ac_w, np.maximum(dimmed, battery.standby_w))
        """Most that the storage unit may draw on its AC side [W]."""
        roof = np.minimum(step.pv_w, self.max_ac_w + battery.standby_w)
        alone = step.load_w + battery.standby_w - roof
        self.fuse: Array = np.maximum(grid.max_buy_w, alone)
        """Most that may be drawn from the grid [W]: its limit, or what the house alone needs."""
        self.throttle: Array = self._throttle_limit()
        """Most of the roof's power that may be throttled [W]."""
        self.low, self.high = self._lowest(), self._highest()

    def _throttle_limit(self) -> Array:
        if self.grid.rests_roof:
            return self.step.pv_w
        unsold = -self.need - self.grid.max_sell_w
        blocked = self.step.pv_w - self.battery.standby_w - self.max_ac_w
        return np.minimum(self.step.pv_w, np.maximum(0.0, np.maximum(unsold, blocked)))

    def _lowest(self) -> Array:
        """Lowest battery power by device, rule and grid, whatever is throttled for it [W]."""
        low = np.full_like(self.need, -self.battery.max_charge_w)
        if not self.battery.hybrid:
            low = np.maximum(low, -self.draw)
        if not self.grid.rule.grid_charging:
            low = np.maximum(low, np.minimum(0.0, self.need))
        low = np.minimum(low, -self.battery.standby_w)
        low = np.maximum(low, self.need - self.fuse)
        return np.maximum(low, -self.draw - self.step.pv_w) if self.battery.hybrid else low

    def _highest(self) -> Array:
        """Highest battery power [W]."""
        passed = np.minimum(self.step.load_w + self.grid.max_sell_w, self.max_ac_w)
        passed = passed + self.throttle - self.step.pv_w
        high = np.minimum(self.battery.max_discharge_w, passed)
        if not self.grid.rule.battery_export:
            high = np.minimum(high, np.maximum(0.0, self.need))
        return high

    def kinks(self) -> Array:
        """Battery powers between which all steps' costs are straight lines, rising [W]."""
        load, roof, low, high = self.step.load_w, self.step.pv_w, self.low, self.high
        inner = [np.full_like(self.need, -self.battery.standby_w)]
        for own in (self.need, load):
            inner += [own, own + self.grid.max_sell_w, own - self.grid.max_buy_w, own - self.fuse]
            if self.step.peak_w is not None:
                inner.append(own - self.step.peak_w)
        if self.battery.hybrid:
            inner += [self.max_ac_w - roof, 0 * roof - self.draw, -self.draw - roof]
        # A kink that lies inside of no step at all would only be an empty segment.
        inside = [w for w in inner if bool(((w > low) & (w < high)).any())]
        points = [low, *(np.minimum(np.maximum(w, low), high) for w in inside), high]
        return np.sort(np.stack(points), axis=0)

    def bill(self, grid_w: Array) -> Array:
        """Bill, overload price and price of a peak at a grid power [EUR]."""
        step, overload = self.step, np.maximum(0.0, grid_w - self.grid.max_buy_w)
        money = grid_w * np.where(grid_w > 0, step.buy, step.sell)
        bill: Array = (money + overload * OVERLOAD_EUR_PER_KWH) * step.hours / 1000
        if step.peak_w is not None:
            bill = bill + np.maximum(0.0, grid_w - step.peak_w) / 1000 * step.peak_eur_per_kw
        return bill

    def cost(self, power: Array) -> Array:
        """Least bill and wear at these battery powers [EUR], whatever is throttled for it."""
        ac_w = power + self.step.pv_w
        balanced = ac_w - self.step.load_w
        least = np.maximum(np.maximum(0.0, balanced - self.grid.max_sell_w), ac_w - self.max_ac_w)
        bill = self.bill(least - balanced)
        if bool((self.step.buy < 0).any()) or bool((self.step.sell < 0).any()):
            for throttled in self._more_throttled(power, ac_w, balanced, least):
                bill = np.minimum(bill, self.bill(throttled - balanced))
        cells_w = np.maximum(0.0, power + self.battery.standby_w)
        worn = cells_w / self.battery.discharge_efficiency * self.step.hours / 1000
        total: Array = bill + worn * self.battery.wear_eur_per_kwh
        return total

    def _more_throttled(
        self, power: Array, ac_w: Array, balanced: Array, least: Array
    ) -> Iterator[Array]:
        """Throttled roof powers beside the least one that may cost less [W]."""
        draw = self.draw if self.battery.hybrid else np.inf
        most = np.minimum(np.minimum(self.throttle, ac_w + draw), balanced + self.fuse)
        if not self.grid.rule.grid_charging:
            charging = power < -self.battery.standby_w - 1e-6
            most = np.where(charging, np.minimum(most, balanced), most)
        most = np.maximum(least, most)
        tries = [balanced, balanced + self.grid.max_buy_w, most]
        if self.step.peak_w is not None:
            tries.append(balanced + np.minimum(self.step.peak_w, self.grid.max_buy_w))
        for tried in tries:
            yield np.minimum(np.maximum(tried, least), most)

    def stored(self, power: Array) -> Array:
        """Change of the stored energy [kWh]: `Battery.stored_after` on arrays."""
        cells_w, battery = power + self.battery.standby_w, self.battery
        factor = np.where(cells_w > 0, 1 / battery.discharge_efficiency, battery.charge_efficiency)
        change: Array = -cells_w * factor * self.step.hours / 1000
        return change


def options(battery: Battery, grid: Grid, step: Conditions) -> Options:
    """What each step can do with stored energy, while the battery is inside its band."""
    steps = _Steps(battery, grid, step)
    power = steps.kinks()
    cost, change = steps.cost(power), steps.stored(power)
    length = np.maximum(change[:-1] - change[1:], 0.0)
    real = length > NOTHING_KWH
    worth = (cost[:-1] - cost[1:]) / np.where(real, length, 1.0)
    return _sorted(worth, np.where(real, length, 0.0), real, np.maximum(change[0], 0.0))


def _sorted(worth: Array, length: Array, real: NDArray[np.bool_], most_in: Array) -> Options:
    """Segments in falling order; empty ones take the worth of their neighbour."""
    worth[0] = np.where(real[0], worth[0], NO_WORTH)
    for index in range(1, len(worth)):
        worth[index] = np.where(real[index], worth[index], worth[index - 1])
    if bool((worth[1:] > worth[:-1]).any()):
        order = np.argsort(-worth, axis=0, kind="stable")
        worth = np.take_along_axis(worth, order, axis=0)
        length = np.take_along_axis(length, order, axis=0)
    filled = [index for index in range(len(worth)) if bool(real[index].any())]
    if len(filled) < len(worth) and bool((length[filled] > 0).sum() == (length > 0).sum()):
        worth, length = worth[filled], length[filled]
    return Options(worth, length, most_in)
