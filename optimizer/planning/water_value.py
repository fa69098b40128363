"""The value table when the house's load is uncertain: what a stored kWh is worth on average.

`water_value_exact.py` knows the load of every step exactly, and so it plans to empty the battery to
the last watt-hour at the last dear quarter-hour. A real evening is not like that. Here each step is
taken back in time for several loads (quantiles of actual over forecast at that hour of day), and
the worths are averaged: that is the slope of the expected least cost, since whoever has the table
decides after the load of the step is known. Reference: Zheng, Jaworski, Xu, arXiv 2108.06000.

The PV energy of a day as a whole is poor, as forecast or rich (`model/pv_days.py`). Each kind is
taken back by itself, and at midnight, where nobody knows the next day's, their mean goes on.

The stored energy is cut into equal cells with one worth each. The mean over a cell keeps the sum of
length x worth, that is the cost difference between the cell's ends, exactly.

The table does not depend on the stored energy at the start. So many forecasts are taken back
together: arrays of (cells, loads, forecasts), forecasts last.
"""

from dataclasses import replace
from itertools import pairwise
from math import fsum

import numpy as np
from numpy.typing import NDArray

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.load_spread import LoadSpread
from optimizer.model.pv_days import PvDays
from optimizer.planning.arrays import Forecasts, conditions, day_states, limits_of_plans
from optimizer.planning.step_options import Array, StepOptions, step_options
from optimizer.planning.task import Task
from optimizer.planning.water_value_exact import TABLE_SIZE, table_edges

TableRows = tuple[tuple[float, ...], ...]
"""A table: for each step the worth of a stored kWh after it at each state of charge."""

ROWS = 4_096
"""Steps x loads x forecasts whose options are computed at once: they stay in the cache."""

FORECASTS = 128
"""Forecasts that are taken back together, for the same reason."""

FREE_W = 1e9
"""A taper that does not bind [W]."""


class _Back:
    """Takes the worth of a number of forecasts one step back in time, again and again."""

    def __init__(self, end_values: Array, cells: int, battery: Battery) -> None:
        self._cell = (battery.max_wh - battery.min_wh) / cells / 1000
        self.marginal_value: Array = np.broadcast_to(end_values.T, (cells, len(end_values))).copy()
        """(cells, forecasts): worth of a stored kWh, falling."""
        self._edges = (np.arange(cells + 1) * self._cell)[:, None, None]
        self._column = np.arange(len(end_values))
        self._tapered = bool(battery.charge_taper or battery.discharge_taper)
        at_wh = battery.min_wh + 1000 * self._edges.ravel()
        tapers = np.array([battery.taper_w(wh) for wh in at_wh.tolist()]).clip(max=FREE_W)
        self._rise = battery.into_cells_w(tapers[:, :1, None]) / 1000
        """(cells' edges): fastest rise of the stored energy there [kWh/h]."""
        self._fall = battery.out_of_cells_w(tapers[:, 1:, None]) / 1000

    def step(self, options: StepOptions, hours: Array) -> None:
        """One step back; the arrays are (segments, loads, forecasts), some without segments.

        The step's segments are merged into the falling list of cells; what may be charged is cut
        off the top. `reach` are the cells' new edges in the merged list: of the part above an
        edge, each segment takes what its place leaves it, and the old cells have the rest.
        """
        marginal_value, length = options.marginal_value, options.length
        dearer = (self.marginal_value[:, None, None, :] > marginal_value).sum(axis=0)
        begin = dearer * self._cell
        begin[1:] += np.cumsum(length[:-1], axis=0)
        reach = options.most_in + self._edges
        rest, area = reach.copy(), np.zeros_like(reach)
        for at, size, value in zip(begin, length, marginal_value, strict=True):
            part = np.minimum(np.maximum(reach - at, 0.0), size)
            rest -= part
            part *= value
            area += part
        if self._tapered:
            # The best change is the free one, as far as the tapers let it go.
            least, most = self._edges - self._fall * hours, self._edges + self._rise * hours
            rest = np.minimum(np.maximum(rest, least), most)
            area = _first(reach - rest, marginal_value, length)
        area += self._area(rest)
        expected = area.mean(axis=1)
        self.marginal_value = (expected[1:] - expected[:-1]) / self._cell

    def _area(self, rest: Array) -> Array:
        """Sum of length x worth of the old cells' first `rest` kWh [EUR]."""
        cells, count = self.marginal_value.shape
        sums = np.zeros((cells + 1, count))
        np.cumsum(self.marginal_value * self._cell, axis=0, out=sums[1:])
        index = np.minimum((rest / self._cell).astype(np.intp), cells - 1)
        np.maximum(index, 0, out=index)
        rest -= index * self._cell
        flat = index * count + self._column
        area: Array = sums.ravel()[flat] + self.marginal_value.ravel()[flat] * rest
        return area


def _first(reach: Array, marginal_value: Array, length: Array) -> Array:
    """Sum of length x worth of the first `reach` kWh of the segments alone [EUR]."""
    area = np.zeros_like(reach)
    for value, size in zip(marginal_value, length, strict=True):
        area += value * np.minimum(np.maximum(reach, 0.0), size)
        reach = reach - size
    return area


def of_task(task: Task, spread: LoadSpread, pv_days: PvDays | None = None) -> TableRows:
    """The table of one plan; its cells are those of `water_value_exact.water_values`."""
    cells, _ = table_edges(task)
    forecasts = forecasts_of(task, spread, cells, pv_days)
    found = tables(task.battery, task.grid, forecasts, cells)
    return tuple(tuple(row) for row in found[0].tolist())


def forecasts_of(
    task: Task, spread: LoadSpread, cells: int = TABLE_SIZE, pv_days: PvDays | None = None
) -> Forecasts:
    """All that one plan's table is made from; without `pv_days` the roof comes as forecast."""
    peak_w = [task.decided_peak_w(step) for step in task.steps]
    return replace(
        Forecasts.of([task.steps], spread, [_end_values(task, cells)]),
        limits=limits_of_plans([task.limits]),
        peak_w=None if task.peak is None else np.array([peak_w]),
        peak_eur_per_kw=0.0 if task.peak is None else task.peak.eur_per_kw,
        charge_w=None if task.override is None else np.array([task.override.charge_w]),
        discharge_w=None if task.override is None else np.array([task.override.discharge_w]),
        shortfall=_shortfall(task, cells),
        money_size=task.money_size,
        days=None
        if pv_days is None
        else day_states([pv_days], np.array([[pv_days.day(step.start) for step in task.steps]])),
    )


def _end_values(task: Task, cells: int) -> list[float]:
    """Mean worth at the end in each cell [EUR/kWh]."""
    edges_wh = np.linspace(task.battery.min_wh, task.battery.max_wh, cells + 1).tolist()
    sums = [task.end_segments(low, high) for low, high in pairwise(edges_wh)]
    size = (edges_wh[-1] - edges_wh[0]) / cells / 1000
    return [
        fsum(marginal_value * length for marginal_value, length in parts) / size for parts in sums
    ]


def _shortfall(task: Task, cells: int) -> Array | None:
    """Prices of ending a step with less than a cell in store [EUR/kWh]; None if there are none.

    A cell that a level cuts through counts with its part below.
    """
    edges_wh = np.linspace(task.battery.min_wh, task.battery.max_wh, cells + 1)
    rows, (_, kink_wh) = np.zeros((1, len(task.steps), cells)), table_edges(task)
    for index in range(len(task.steps)):
        kinks = [] if kink_wh is None else [(kink_wh, price) for _, price in task.demanded(index)]
        for level_wh, price in (*task.shortfalls(index), *kinks):
            below = np.clip((level_wh - edges_wh[:-1]) / np.diff(edges_wh), 0.0, 1.0)
            rows[0, index] += below * price
    return rows if rows.any() else None


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
    result = np.empty((count, steps if keep is None else min(keep, steps), cells))
    for part in _parts(forecasts):
        _fill(result[part], battery, grid, forecasts, part)
    return result


def before(battery: Battery, grid: Grid, forecasts: Forecasts, cells: int = TABLE_SIZE) -> Array:
    """Worth of a stored kWh before the first step [EUR/kWh]: array (forecasts, cells)."""
    nothing = np.empty((len(forecasts.hours), 0, cells))
    parts = _parts(forecasts)
    return np.vstack([_fill(nothing[part], battery, grid, forecasts, part) for part in parts])


def _parts(forecasts: Forecasts) -> list[slice]:
    count = len(forecasts.hours)
    firsts = range(0, count, FORECASTS)
    return [slice(first, min(first + FORECASTS, count)) for first in firsts]


def _fill(result: Array, battery: Battery, grid: Grid, forecasts: Forecasts, part: slice) -> Array:
    """Take some of the forecasts back through all their steps; gives the worth before the first."""
    count, kept, cells = result.shape
    states = _States(forecasts, part)
    back = _Back(np.tile(forecasts.end_values[part], (states.count, 1)), cells, battery)
    steps, loads = forecasts.ratios.shape[1:]
    block = max(1, ROWS // (count * loads * states.count))
    for last in range(steps, 0, -block):
        first = max(0, last - block)
        known = conditions(forecasts, part, slice(first, last))
        found = step_options(battery, grid, known)
        used: NDArray[np.bool_] = np.any(found.length > 0.0, axis=(2, 3))
        for index in reversed(range(first, last)):
            back.marginal_value = states.new_day(back.marginal_value, index)
            if forecasts.shortfall is not None:
                back.marginal_value = back.marginal_value + np.tile(
                    forecasts.shortfall[part, index].T, states.count
                )
            if index < kept:
                result[:, index] = states.expected(back.marginal_value, index).T
            at = index - first
            some = used[:, at]
            of_step = StepOptions(
                found.marginal_value[some, at], found.length[some, at], found.most_in[at]
            )
            back.step(of_step, known.hours[at])
    return states.expected(back.marginal_value, 0).T


class _States:
    """The days' states side by side: the worth of all forecasts in the first, in the second..."""

    def __init__(self, forecasts: Forecasts, part: slice) -> None:
        days = forecasts.days
        self.count = 1 if days is None else len(days.pv)
        self._weights = None if days is None else days.weights[part]
        self._day = None if days is None else days.day[part]

    def expected(self, marginal_value: Array, index: int) -> Array:
        """The mean over the states, as likely as they are in step `index`."""
        if self._weights is None:
            return marginal_value
        apart = marginal_value.reshape(len(marginal_value), self.count, -1)
        mean: Array = (apart * self._weights[:, index].T).sum(axis=1)
        return mean

    def new_day(self, marginal_value: Array, index: int) -> Array:
        """At the end of a day nobody knows the next day's state: its mean stands in all of them."""
        if self._day is None or index + 1 == self._day.shape[1]:
            return marginal_value
        ends = self._day[:, index] != self._day[:, index + 1]
        if not ends.any():
            return marginal_value
        mean = self.expected(marginal_value, index + 1)
        return np.where(np.tile(ends, self.count), np.tile(mean, self.count), marginal_value)
