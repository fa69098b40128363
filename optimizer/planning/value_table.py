"""The value table when the house's load is uncertain: what a stored kWh is worth on average.

`value.py` knows the load of every step exactly, and so it plans to empty the battery to the last
watt-hour at the last dear quarter-hour. A real evening is not like that. Here each step is taken
back in time for several loads (quantiles of actual over forecast at that hour of day), and the
worths are averaged: that is the slope of the expected least cost, since whoever has the table
decides after the load of the step is known. Reference: Zheng, Jaworski, Xu, arXiv 2108.06000.

The stored energy is cut into equal cells with one worth each. The mean over a cell keeps the sum of
length x worth, that is the cost difference between the cell's ends, exactly.

The table does not depend on the stored energy at the start. So many forecasts are taken back
together: arrays of (cells, loads, forecasts), forecasts last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.spread import LoadSpread
from optimizer.planning.options import Array, Conditions, options
from optimizer.planning.task import ForecastStep, Task
from optimizer.planning.value import TABLE_SIZE

Rows = tuple[tuple[float, ...], ...]
"""A table: for each step the worth of a stored kWh after it at each state of charge."""

ROWS = 4_096
"""Steps x loads x forecasts whose options are computed at once: they stay in the cache."""

FORECASTS = 128
"""Forecasts that are taken back together, for the same reason."""


@dataclass(frozen=True, slots=True, eq=False)
class DayStates:
    """Days on which roof or load is less or more than forecast, from midnight to midnight alike."""

    roof: Array
    """(states): roof over its forecast [1]."""
    load: Array
    """(states): load over its forecast [1], beside the ratios of each step."""
    weights: Array
    """(forecasts, steps, states): how likely each state is on the step's local day; of today as far
    as it is seen, of later days in general. They sum to 1."""
    day: NDArray[np.int64]
    """(forecasts, steps): number of the step's local day."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """Forecasts of the same number of steps: all arrays (forecasts, steps)."""

    hours: Array
    """Length of each step [h]; 0 fills up forecasts that end earlier."""
    buy: Array
    sell: Array
    load_w: Array
    pv_w: Array
    ratios: Array
    """(forecasts, steps, loads): loads to reckon with over the forecast one, equally likely."""
    end_value: Array
    """(forecasts): worth of a kWh in the cells at the end [EUR/kWh]."""
    days: DayStates | None = None
    """None takes each step for itself, and the roof's forecast as certain."""
    draw_w: Array | None = None
    """Most that the storage unit may draw on its AC side [W]: dimming."""
    peak_w: Array | None = None
    """Power up to which the forecast load makes no peak dearer [W]. What a load is above its
    forecast comes on top: energy is not hoarded against peaks that nobody foresees."""
    peak_eur_per_kw: float = 0.0
    shortfall: Array | None = None
    """(forecasts, steps, cells): price of ending a step with less than the cell in store, added to
    the worth there [EUR/kWh]."""

    @classmethod
    def of(
        cls,
        plans: Sequence[Sequence[ForecastStep]],
        spread: LoadSpread,
        end_values: Sequence[float],
    ) -> "Forecasts":
        """From the steps of one or more plans; shorter ones are filled up with steps of 0 h."""
        count = max(len(steps) for steps in plans)
        rows = np.zeros((5, len(plans), count))
        ratios = np.ones((len(plans), count, len(spread.ratios[0])))
        for plan, steps in enumerate(plans):
            for index, step in enumerate(steps):
                figures = (step.hours, step.buy, step.sell, step.load_w, step.pv_w)
                rows[:, plan, index] = figures
                ratios[plan, index] = spread.at(step.start)
        hours, buy, sell, load_w, pv_w = rows
        return cls(hours, buy, sell, load_w, pv_w, ratios, np.array(end_values, dtype=float))


class _Back:
    """Takes the worth of a number of forecasts one step back in time, again and again."""

    def __init__(self, end_value: Array, cells: int, cell_kwh: float) -> None:
        self.worth: Array = np.repeat(end_value[None, :], cells, axis=0)
        """(cells, forecasts): worth of a stored kWh, falling."""
        self._cell = cell_kwh
        self._edges = (np.arange(cells + 1) * cell_kwh)[:, None, None]
        self._column = np.arange(len(end_value))

    def step(self, worth: Array, length: Array, most_in: Array) -> None:
        """One step back; the arrays are (segments, loads, forecasts), `most_in` without segments.

        The step's segments are merged into the falling list of cells; what may be charged is cut
        off the top. `reach` are the cells' new edges in the merged list: of the part above an
        edge, each segment takes what its place leaves it, and the old cells have the rest.
        """
        dearer = (self.worth[:, None, None, :] > worth).sum(axis=0)
        begin = dearer * self._cell
        begin[1:] += np.cumsum(length[:-1], axis=0)
        reach = most_in + self._edges
        rest, area = reach.copy(), np.zeros_like(reach)
        for at, size, value in zip(begin, length, worth, strict=True):
            part = np.minimum(np.maximum(reach - at, 0.0), size)
            rest -= part
            part *= value
            area += part
        area += self._area(rest)
        expected = area.mean(axis=1)
        self.worth = (expected[1:] - expected[:-1]) / self._cell

    def _area(self, rest: Array) -> Array:
        """Sum of length x worth of the old cells' first `rest` kWh [EUR]."""
        cells, count = self.worth.shape
        sums = np.zeros((cells + 1, count))
        np.cumsum(self.worth * self._cell, axis=0, out=sums[1:])
        index = np.minimum((rest / self._cell).astype(np.intp), cells - 1)
        np.maximum(index, 0, out=index)
        rest -= index * self._cell
        flat = index * count + self._column
        area: Array = sums.ravel()[flat] + self.worth.ravel()[flat] * rest
        return area


def of_task(task: Task, spread: LoadSpread) -> Rows:
    """The table of one plan; its cells are those of `value.solve`."""
    forecasts = Forecasts.of([task.steps], spread, [task.end_value])
    found = tables(task.battery, task.grid, forecasts)
    return tuple(tuple(row) for row in found[0].tolist())


def tables(
    battery: Battery,
    grid: Grid,
    forecasts: Forecasts,
    cells: int = TABLE_SIZE,
    keep: int | None = None,
) -> Array:
    """Worth of a stored kWh after each step, for each forecast and cell [EUR/kWh].

    Parameters
    ----------
    cells
        How many equal cells the allowed band of stored energy is cut into.
    keep
        How many steps from the start to give back; all by default.

    Returns
    -------
    Array (forecasts, steps, cells), falling along the cells.
    """
    count, steps = forecasts.hours.shape
    kept = steps if keep is None else min(keep, steps)
    result = np.empty((count, kept, cells))
    for first in range(0, count, FORECASTS):
        part = slice(first, min(first + FORECASTS, count))
        _fill(result[part], battery, grid, forecasts, part)
    return result


def _fill(result: Array, battery: Battery, grid: Grid, forecasts: Forecasts, part: slice) -> None:
    """Take some of the forecasts back through all their steps."""
    count, kept, cells = result.shape
    cell_kwh = (battery.max_wh - battery.min_wh) / cells / 1000
    states = _States(forecasts, part)
    back = _Back(np.tile(forecasts.end_value[part], states.count), cells, cell_kwh)
    steps, loads = forecasts.ratios.shape[1:]
    block = max(1, ROWS // (count * loads * states.count))
    for last in range(steps, 0, -block):
        first = max(0, last - block)
        conditions = _conditions(forecasts, part, slice(first, last), states)
        found = options(battery, grid, conditions)
        for index in reversed(range(first, last)):
            back.worth = states.new_day(back.worth, index)
            if forecasts.shortfall is not None:
                back.worth = back.worth + np.tile(forecasts.shortfall[part, index].T, states.count)
            if index < kept:
                result[:, index] = states.expected(back.worth, index).T
            at = index - first
            back.step(found.worth[:, at], found.length[:, at], found.most_in[at])


class _States:
    """The days' states side by side: the worth of all forecasts in the first, in the second..."""

    def __init__(self, forecasts: Forecasts, part: slice) -> None:
        days = forecasts.days
        self.roof: Array = np.ones(1) if days is None else days.roof
        self.load: Array = np.ones(1) if days is None else days.load
        self.count = len(self.roof)
        self._weights = None if days is None else days.weights[part]
        self._day = None if days is None else days.day[part]

    def expected(self, worth: Array, index: int) -> Array:
        """The mean over the states, as likely as they are in step `index`."""
        if self._weights is None:
            return worth
        apart = worth.reshape(len(worth), self.count, -1)
        mean: Array = (apart * self._weights[:, index].T).sum(axis=1)
        return mean

    def new_day(self, worth: Array, index: int) -> Array:
        """At the end of a day nobody knows the next day's state: its mean stands in all of them."""
        if self._day is None or index + 1 == self._day.shape[1]:
            return worth
        ends = self._day[:, index] != self._day[:, index + 1]
        mean = self.expected(worth, index + 1)
        return np.where(np.tile(ends, self.count), np.tile(mean, self.count), worth)


def _conditions(forecasts: Forecasts, part: slice, steps: slice, states: _States) -> Conditions:
    """Some steps of some forecasts as arrays (steps, loads, states x forecasts)."""

    def turned(array: Array) -> Array:
        return np.tile(array[part, steps].T, states.count)[:, None, :]

    ratios = np.tile(forecasts.ratios[part, steps].transpose(1, 2, 0), states.count)
    expected_w, pv_w = turned(forecasts.load_w), turned(forecasts.pv_w)
    plans = pv_w.shape[2] // states.count
    load_w = expected_w * ratios * np.repeat(states.load, plans)
    draw_w = peak_w = None
    if forecasts.draw_w is not None:
        draw_w = turned(forecasts.draw_w)
    if forecasts.peak_w is not None:
        peak_w = turned(forecasts.peak_w) + np.maximum(0.0, load_w - expected_w)
    return Conditions(
        hours=turned(forecasts.hours),
        buy=turned(forecasts.buy),
        sell=turned(forecasts.sell),
        load_w=load_w,
        pv_w=np.broadcast_to(pv_w * np.repeat(states.roof, plans), load_w.shape),
        draw_w=draw_w,
        peak_w=peak_w,
        peak_eur_per_kw=forecasts.peak_eur_per_kw,
    )
