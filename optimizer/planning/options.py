"""What steps can do with stored energy, for many forecasts at once: `step_cost` on arrays.

The same figures as `step_cost.options`, number for number (a test compares them), for the value
table: a year of plans has some ten million steps, which one at a time would take an hour.
"""

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


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """Segments of the steps' costs along a new first axis, dearest first."""

    worth: Array
    """Marginal cost per stored kWh [EUR/kWh], falling: full discharge comes last."""
    length: Array
    """Length of the segments [kWh] in the cells; may be 0."""
    most_in: Array
    """Largest rise of the stored energy in the step [kWh]."""


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    """A step's lowest and highest battery power, and the limit of what may be drawn [W]."""

    low: Array
    high: Array
    draw: Array


def _limits(battery: Battery, grid: Grid, step: Conditions, max_ac_w: float) -> _Limits:
    """The limits of device, rule and grid: the least and the most that some throttling allows."""
    load, roof = step.load_w, step.pv_w
    need, standby = load - roof, battery.standby_w
    low = np.full_like(need, -battery.max_charge_w)
    high = np.full_like(need, min(battery.max_discharge_w, max_ac_w))
    if not grid.rule.grid_charging:
        low = np.maximum(low, np.minimum(0.0, need))
    if not grid.rule.battery_export:
        high = np.minimum(high, np.maximum(0.0, need))
    draw = np.maximum(grid.max_buy_w, load + standby - np.minimum(roof, max_ac_w + standby))
    low = np.maximum(np.maximum(np.minimum(low, -standby), need - draw), -max_ac_w - roof)
    return _Limits(low, np.minimum(high, load + grid.max_sell_w), draw)


def _kinks(
    battery: Battery, grid: Grid, step: Conditions, limits: _Limits, max_ac_w: float
) -> Array:
    """Battery powers between which all steps' costs are straight lines, rising [W]."""
    load, roof = step.load_w, step.pv_w
    need, low, high = load - roof, limits.low, limits.high
    inner = [np.full_like(need, -battery.standby_w), need, load]
    inner += [w + grid.max_sell_w for w in (need, load)]
    inner += [w - grid.max_buy_w for w in (need, load)]
    inner += [w - limits.draw for w in (need, load)]
    if max_ac_w < float("inf"):
        inner += [max_ac_w - roof, np.full_like(need, -max_ac_w), -max_ac_w - roof]
    # A kink that lies inside of no step at all would only be an empty segment.
    inside = [w for w in inner if bool(((w > low) & (w < high)).any())]
    points = [low, *(np.minimum(np.maximum(w, low), high) for w in inside), high]
    return np.sort(np.stack(points), axis=0)


def _bill(grid: Grid, step: Conditions, grid_w: Array) -> Array:
    """Bill and overload price at a grid power [EUR]."""
    overload = np.maximum(0.0, grid_w - grid.max_buy_w) * OVERLOAD_EUR_PER_KWH
    bill: Array = grid_w * np.where(grid_w > 0, step.buy, step.sell) + overload
    return bill * step.hours / 1000


def _cost(
    battery: Battery, grid: Grid, step: Conditions, limits: _Limits, max_ac_w: float, power: Array
) -> Array:
    """Least bill and wear at these battery powers [EUR], whatever is throttled for it."""
    ac_w = power + step.pv_w
    balanced = ac_w - step.load_w
    least = np.maximum(np.maximum(0.0, balanced - grid.max_sell_w), ac_w - max_ac_w)
    bill = _bill(grid, step, least - balanced)
    if bool((step.buy < 0).any()) or bool((step.sell < 0).any()):
        most = np.minimum(np.minimum(step.pv_w, ac_w + max_ac_w), balanced + limits.draw)
        if not grid.rule.grid_charging:
            charging = power < -battery.standby_w - 1e-6
            most = np.where(charging, np.minimum(most, balanced), most)
        most = np.maximum(least, most)
        for tried in (balanced, balanced + grid.max_buy_w, most):
            throttled = np.minimum(np.maximum(tried, least), most)
            bill = np.minimum(bill, _bill(grid, step, throttled - balanced))
    cells_w = np.maximum(0.0, power + battery.standby_w) / battery.discharge_efficiency
    wear: Array = cells_w * step.hours / 1000 * battery.wear_eur_per_kwh
    return bill + wear


def _stored(battery: Battery, power: Array, hours: Array) -> Array:
    """Change of the stored energy [kWh]: `Battery.stored_after` on arrays."""
    cells_w = power + battery.standby_w
    factor = np.where(cells_w > 0, 1 / battery.discharge_efficiency, battery.charge_efficiency)
    change: Array = -cells_w * factor * hours / 1000
    return change


def options(battery: Battery, grid: Grid, step: Conditions) -> Options:
    """What each step can do with stored energy, while the battery is inside its band."""
    max_ac_w = battery.max_ac_w if battery.hybrid else float("inf")
    limits = _limits(battery, grid, step, max_ac_w)
    power = _kinks(battery, grid, step, limits, max_ac_w)
    cost = _cost(battery, grid, step, limits, max_ac_w, power)
    change = _stored(battery, power, step.hours)
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
