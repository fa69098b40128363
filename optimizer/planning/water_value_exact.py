"""Exact water value by dynamic programming over one forecast.

Let V(e) be the least cost from some moment on with e kWh stored. It is convex, so its negative
slope, the marginal value of a stored kWh, falls with e and can be kept as a list of segments
(marginal value, length), sorted downward. Going one step back in time:

1. The step's own cost as a function of the change x of stored energy is convex too. Its segments
   (marginal cost per stored kWh, length) run from full discharge to full charge.
2. The cheapest split between "now" and "later" is the merge of both lists in falling order (the
   infimal convolution of two convex functions merges their slopes).
3. Stored energy stays inside its band: as much length as the step can charge is cut off at the
   top, as much as it can discharge off the bottom.

This solves the task of the linear program without a solver, exactly, as long as nothing needs a
binary. Where something does (paid drawing, selling above buying, a battery that first has to
recover) the segments are those of a convex relaxation, good for the table, not for a proof.
References: Cruise, Flatley, Gibbens, Zachary, arXiv 1406.3653; Xu, Korpas, Botterud, arXiv
1910.09149.

With a taper (a battery that slows down near full or empty) a step may move the stored energy e by
-d(e) <= x <= u(e), both concave lines. For each e the best x is still the unbounded best one,
clipped, since the cost is convex in x; and the least cost stays convex in e, since {(e, x)} is. So
nothing is lost: both functions of e are straight between a finite number of points, which are
collected here, and the least cost is evaluated there.
"""

from bisect import insort
from dataclasses import dataclass
from functools import cached_property
from math import ceil, fsum

import numpy as np
import numpy.typing as npt

from optimizer.errors import InfeasibleError
from optimizer.model.battery import Line
from optimizer.planning.step_options import Choices, Segment, StepArrays, StepConditions, choices_of
from optimizer.planning.task import ForecastStep, Task

Array = npt.NDArray[np.float64]

SAME_KWH = 1e-7
"""Points closer than this are one."""

SAME_EUR = 1e-11
"""Neighbours of which one would cost no more than this at the other's worth are one segment."""


Bends = tuple[tuple[Line, ...], ...]
"""Groups of lines: of each the highest counts, and of those the lowest."""


def moves(task: Task, hours: float) -> tuple[Bends, Bends]:
    """Most rise and most fall of the stored energy in a step, over it.

    Both over the energy above the floor: (kWh at the floor, kWh/kWh). With losses that grow with
    power each line of a taper becomes one for each piece of the efficiency: into the cells goes the
    least of them, out of the cells the most.
    """
    battery = task.battery
    into = tuple((start, share * hours) for start, share in battery.charge_pieces)
    out = tuple((start, hours / share) for start, share in battery.discharge_pieces)
    rise = tuple((line,) for w in battery.charge_lines for line in _bent(task, w, into))
    fall = tuple(_bent(task, w, out) for w in battery.discharge_lines)
    return rise, fall


def _bent(task: Task, line: Line, pieces: tuple[tuple[float, float], ...]) -> tuple[Line, ...]:
    """Energies moved along a taper's line, by each piece: (its begin [W], Wh/W) as if alone."""
    w, slope = line
    result, offset_wh, before = list[Line](), 0.0, 0.0
    for start_w, h in pieces:
        offset_wh += (before - h) * start_w
        before = h
        result.append((((w + slope * task.floor_wh) * h + offset_wh) / 1000, slope * h))
    return tuple(result)


def lowest(bends: Bends, at: Array) -> Array:
    """The lowest of some groups of lines, never below 0; infinite without any."""
    least = np.full_like(at, np.inf)
    for lines in bends:
        highest = np.maximum.reduce([start + slope * at for start, slope in lines])
        least = np.minimum(least, highest)
    return np.maximum(least, 0.0)


def back(
    marginal_value: list[Segment], options: list[Segment], span: tuple[float, float, float],
    lines: tuple[Bends, Bends],
) -> list[Segment]:  # fmt: skip
    """Worth of stored energy before a step, from the worth after it.

    Parameters
    ----------
    marginal_value
        After the step, from the floor up, falling.
    options
        The step's own segments, from full discharge to full charge.
    span
        Largest fall and rise of the stored energy without tapers, and most stored energy before
        the step above the floor [kWh].
    lines
        What `moves` gives.
    """
    most_out, most_in, size = span
    after, after_cost = _curve(marginal_value, 0.0, -1.0)
    change, cost = _curve(options, -most_out, 1.0)
    free_at, free = _unbounded(marginal_value, options, most_in, size)
    at = _points(free_at, free, after, change, lines, size)
    best = np.interp(at, free_at, free)
    rise, fall = lowest(lines[0], at), lowest(lines[1], at)
    best = np.clip(np.clip(best, -fall, rise), -at, after[-1] - at)
    total = np.interp(best, change, cost) + np.interp(at + best, after, after_cost)
    return _segments(at, total)


def _curve(segments: list[Segment], start: float, sign: float) -> tuple[Array, Array]:
    """Points of the piecewise linear function whose slopes the segments are."""
    lengths = np.array([length for _, length in segments])
    slopes = np.array([value for value, _ in segments])
    at = start + np.concatenate(([0.0], np.cumsum(lengths)))
    return at, sign * np.concatenate(([0.0], np.cumsum(lengths * slopes)))


def _unbounded(
    marginal_value: list[Segment], options: list[Segment], most_in: float, size: float
) -> tuple[Array, Array]:
    """Stored energy before the step and the best change of it, were there no taper.

    Merged in falling order both lists say what is used first: where a piece of `marginal_value`
    comes next more is left for later, where one of `options` comes next the step charges less.
    """
    merged = sorted(
        [(value, length, 0.0) for value, length in marginal_value]
        + [(value, length, -1.0) for value, length in options],
        key=lambda item: -item[0],
    )
    lengths = np.array([length for _, length, _ in merged])
    ways = np.array([way for _, _, way in merged])
    at = -most_in + np.concatenate(([0.0], np.cumsum(lengths)))
    best = most_in + np.concatenate(([0.0], np.cumsum(lengths * ways)))
    ends = np.array([0.0, size])
    inside = (at > 0) & (at < size)
    return (
        np.concatenate((ends[:1], at[inside], ends[1:])),
        np.concatenate(
            (np.interp(ends[:1], at, best), best[inside], np.interp(ends[1:], at, best))
        ),
    )


def _points(
    at: Array, free: Array, after: Array, change: Array,
    lines: tuple[Bends, Bends], size: float,
) -> Array:  # fmt: skip
    """All stored energies between which the least cost is a straight line."""
    found = [at]
    for sign, bends in ((1.0, lines[0]), (-1.0, lines[1])):
        side = [line for group in bends for line in group]
        for start, slope in side:
            found += _solve(sign * start, sign * slope, change)
            found += _solve(sign * start, 1 + sign * slope, after)
            found += [
                np.array([(b - start) / (slope - m)])
                for b, m in _pieces(at, sign * free)
                if abs(slope - m) > 1e-12
            ]
        found += [
            np.array([(b - a) / (m - n)])
            for a, m in side
            for b, n in [*side, (0.0, 0.0)]
            if abs(m - n) > 1e-12
        ]
    every = np.unique(np.concatenate([*found, [0.0, size]]))
    every = every[(every >= 0) & (every <= size)]
    kept = np.concatenate(([True], np.diff(every) > SAME_KWH))
    every = every[kept]
    every[-1] = size
    return every


def _solve(start: float, slope: float, targets: Array) -> list[Array]:
    """Points at which start + slope * e meets each of the targets."""
    return [] if abs(slope) < 1e-12 else [(targets - start) / slope]


def _pieces(at: Array, free: Array) -> set[Line]:
    """The lines that a piecewise linear function is made of, as (value at 0, slope)."""
    run = np.diff(at)
    slope = np.round(np.divide(np.diff(free), run, out=np.zeros_like(run), where=run > 0))
    return set(zip((free[:-1] - slope * at[:-1]).tolist(), slope.tolist(), strict=True))


def _segments(at: Array, total: Array) -> list[Segment]:
    """Segments of the worth: minus the slopes of the least cost, like neighbours joined."""
    joined: list[Segment] = []
    for value, length in zip((-np.diff(total) / np.diff(at)).tolist(), np.diff(at).tolist(),
                             strict=True):  # fmt: skip
        if joined and abs(joined[-1][0] - value) * min(joined[-1][1], length) < SAME_EUR:
            before, size = joined[-1]
            joined[-1] = ((before * size + value * length) / (size + length), size + length)
        else:
            joined.append((value, length))
    return joined


TABLE_SIZE = 25
"""States of charge in the value table; 25 earn as much as 100 in simulated years."""

LARGEST_TABLE = 50
"""Most states of charge of a table whose cells have to end where an override demands it."""

EDGE_SHARE = 0.05
"""Share of a cell by which an edge may lie below what is demanded."""


def table_edges(task: Task) -> tuple[int, float | None]:
    """Number of the table's cells, and the edge of a cell that stands for a demanded charge [Wh].

    Below the edge a stored kWh is worth very much, above it not: a cell across it would have a mean
    that is true nowhere. So the number is chosen that puts an edge closest above it.
    """
    battery, terms = task.battery, task.override
    if terms is None or terms.level_wh is None or terms.last_demand is None:
        return TABLE_SIZE, None
    size_wh = battery.max_wh - battery.min_wh
    share = (min(terms.level_wh, battery.max_wh) - battery.min_wh) / size_wh
    edges = {n: ceil(share * n - EDGE_SHARE) for n in range(TABLE_SIZE, LARGEST_TABLE + 1)}
    cells = min(edges, key=lambda n: (round(abs(edges[n] / n - share), 6), n))
    return cells, battery.min_wh + size_wh * edges[cells] / cells


FORCED_EUR_PER_KWH = 1000.0
"""Worth of stored energy without which a forced band of battery power has no plan."""

KINK_KWH = 1e-4
"""How far beside a state of charge its one-sided worth is read."""


@dataclass(frozen=True)
class WaterValues:
    """Outcome of the recursion; what only some callers need is computed when it is asked for."""

    task: Task
    choices: list[Choices]
    """Options of each step."""
    segments: tuple[list[Segment], ...]
    """Marginal value after each step: (EUR/kWh, kWh), from `floor_wh` up, falling."""

    @property
    def floor_wh(self) -> float:
        """Stored energy at which the lists of segments begin [Wh]."""
        return self.task.floor_wh

    @cached_property
    def soc_wh(self) -> tuple[float, ...]:
        """Stored energies of the table [Wh], rising: the middles of equal cells of the band."""
        battery, (cells, _) = self.task.battery, table_edges(self.task)
        cell_wh = (battery.max_wh - battery.min_wh) / cells
        return tuple(battery.min_wh + cell_wh * (index + 0.5) for index in range(cells))

    @cached_property
    def table(self) -> tuple[tuple[float, ...], ...]:
        """Marginal value after each step [EUR/kWh], as the mean over each cell of `soc_wh`."""
        battery, (cells, _) = self.task.battery, table_edges(self.task)
        cell = (battery.max_wh - battery.min_wh) / cells / 1000
        below = (battery.min_wh - self.floor_wh) / 1000
        return tuple(_cell_means(segments, below, cell, cells) for segments in self.segments)

    @cached_property
    def _path(self) -> tuple[tuple[float, ...], float]:
        return _forward(self.task, list(self.segments), self.choices)

    @property
    def battery_w(self) -> tuple[float, ...]:
        """Best battery power of each step by the recursion [W]."""
        return self._path[0]

    @property
    def objective_eur(self) -> float:
        """Bill, wear and penalties less the value of the energy left: the program's objective."""
        return self._path[1]

    def marginal_value(self, index: int, soc_wh: float, *, next_kwh: bool) -> float:
        """Marginal value after step `index` of the next kWh to store, or of the last one stored.

        [EUR/kWh]. The two differ at a kink, where plans often are.
        """
        left = (soc_wh - self.floor_wh) / 1000 + (KINK_KWH if next_kwh else -KINK_KWH)
        for value, length in self.segments[index]:
            left -= length
            if left < 0:
                return value
        return self.segments[index][-1][0]


def _cut(marginal_value: list[Segment], top: float, bottom: float) -> list[Segment]:
    """Take `top` kWh off the front of the list and `bottom` kWh off its end."""
    first, last = 0, len(marginal_value) - 1
    while first <= last and marginal_value[first][1] <= top:
        top -= marginal_value[first][1]
        first += 1
    while last > first and marginal_value[last][1] <= bottom:
        bottom -= marginal_value[last][1]
        last -= 1
    kept = marginal_value[first : last + 1]
    if kept:
        kept[0] = (kept[0][0], kept[0][1] - top)
        kept[-1] = (kept[-1][0], max(0.0, kept[-1][1] - bottom))
    return kept


def _back(
    marginal_value: list[Segment], task: Task, step: ForecastStep, choices: Choices,
    ceilings_wh: tuple[float, float],
) -> list[Segment]:  # fmt: skip
    """One step back in time: merge the step's options in, then cut both ends.

    `ceilings_wh` are those before and after the step.
    """
    segments, most_out, most_in = choices
    before_wh, after_wh = ceilings_wh
    if task.battery.charge_taper or task.battery.discharge_taper:
        span = most_out, most_in, (before_wh - task.floor_wh) / 1000
        return back(marginal_value, segments, span, moves(task, step.hours))
    merged = list(marginal_value)
    for segment in segments:
        insort(merged, segment, key=lambda item: -item[0])
    # a forced flow cannot be met from (nearly) empty or full: it is worth anything to avoid that
    forced = FORCED_EUR_PER_KWH * task.money_size
    first = [(forced, -most_in)] if most_in < 0 else []
    last = [(-forced, -most_out)] if most_out < 0 else []
    top, bottom = max(0.0, most_in), max(0.0, most_out - (before_wh - after_wh) / 1000)
    return [*first, *_cut(merged, top, bottom), *last]


def _penalised(marginal_value: list[Segment], task: Task, index: int) -> list[Segment]:
    """Add the prices of ending a step with too little in store."""
    for level_wh, price in (*task.shortfalls(index), *task.demanded(index)):
        below = (level_wh - task.floor_wh) / 1000
        result, at = [], 0.0
        for value, length in marginal_value:
            part = min(max(0.0, below - at), length)
            if part > 0:
                result.append((value + price, part))
            if length > part:
                result.append((value, length - part))
            at += length
        marginal_value = result
    return marginal_value


def _cell_means(
    marginal_value: list[Segment], below: float, cell: float, cells: int
) -> tuple[float, ...]:
    """Mean worth in each of the table's cells, starting `below` kWh above the list's start."""
    index, used = 0, 0.0

    def take(length: float) -> float:
        nonlocal index, used
        area = 0.0
        while length > 1e-12 and index < len(marginal_value):
            value, size = marginal_value[index]
            part = min(length, size - used)
            area += part * value
            length -= part
            used += part
            if size - used <= 1e-12:
                index, used = index + 1, 0.0
        return area

    take(below)
    return tuple(take(cell) / cell for _ in range(cells))


def _forward(
    task: Task, later: list[list[Segment]], choices: list[Choices]
) -> tuple[tuple[float, ...], float]:
    """Walk the best path from the start: battery powers and the objective."""
    soc_wh, objective, powers = task.start_wh, 0.0, []
    path = enumerate(zip(task.steps, task.ceilings_wh(), later, choices, strict=True))
    for index, (step, ceiling_wh, marginal_value, choice) in path:
        target_wh = _best_target(task, soc_wh, marginal_value, choice)
        most_in_w, most_out_w = task.battery.taper_w(soc_wh)
        most_wh = soc_wh + task.battery.into_cells_w(most_in_w) * step.hours
        least_wh = soc_wh - task.battery.out_of_cells_w(most_out_w) * step.hours
        target_wh = min(max(target_wh, least_wh), most_wh)
        battery_w = task.battery.power_for(soc_wh, target_wh, step.hours)
        low, high = task.battery_range(step)
        holds = low - 0.01 <= battery_w <= high + 0.01 and target_wh <= ceiling_wh + 0.01
        if task.forced and not holds:
            raise InfeasibleError(f"the battery cannot do what is forced at {step.start}")
        soc_wh = target_wh
        for level_wh, price in (*task.shortfalls(index), *task.demanded(index)):
            objective += max(0.0, level_wh - soc_wh) / 1000 * price
        powers.append(battery_w)
    steps = StepArrays(task.battery, task.grid, StepConditions.of(task))
    objective += fsum(steps.cost(np.array(powers)).tolist())
    return tuple(powers), objective - task.end_eur(soc_wh)


def _best_target(
    task: Task, soc_wh: float, marginal_value: list[Segment], choices: Choices
) -> float:
    """Stored energy after the step that is best now and later [Wh]."""
    size = fsum(length for _, length in marginal_value)
    segments, most_out, _ = choices
    at = (soc_wh - task.floor_wh) / 1000 - most_out
    later, used = iter([*marginal_value, (float("-inf"), float("inf"))]), 0.0
    value, length = next(later)
    for cost, step_length in sorted(segments):
        left = step_length
        if at < 0:
            forced = min(left, -at)
            at, left = at + forced, left - forced
        while left > 1e-12:
            while used + length <= at + 1e-12:
                used += length
                value, length = next(later)
            if cost >= value:
                return task.floor_wh + 1000 * min(max(at, 0.0), size)
            part = min(left, used + length - at)
            at, left = at + part, left - part
    return task.floor_wh + 1000 * min(max(at, 0.0), size)


def backward(task: Task, choices: list[Choices]) -> list[list[Segment]]:
    """For each step the worth of stored energy after it, from the floor up."""
    ceilings = (max(task.battery.max_wh, task.start_wh), *task.ceilings_wh())
    marginal_value: list[Segment] = task.end_segments(task.floor_wh, ceilings[-1])
    later = []
    for index in reversed(range(len(task.steps))):
        marginal_value = _penalised(marginal_value, task, index)
        later.append(marginal_value)
        around = ceilings[index], ceilings[index + 1]
        marginal_value = _back(marginal_value, task, task.steps[index], choices[index], around)
    return later[::-1]


def water_values(task: Task) -> WaterValues:
    """Run the recursion backwards; `WaterValues` runs it forwards where that is asked for."""
    choices = choices_of(task)
    return WaterValues(task, choices, tuple(backward(task, choices)))
