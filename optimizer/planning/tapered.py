"""One step back in time for a battery that slows down near full or empty.

How far a step may move the stored energy e then depends on e itself: -d(e) <= x <= u(e), both
concave lines. For each e the best x is still the unbounded best one, clipped, since the cost is
convex in x; and the least cost stays convex in e, since {(e, x)} is. So nothing is lost: both
functions of e are straight between a finite number of points, which are collected here, and the
least cost is evaluated there.
"""

import numpy as np
import numpy.typing as npt

from optimizer.model.battery import Line
from optimizer.planning.step_cost import Segment
from optimizer.planning.task import Task

Array = npt.NDArray[np.float64]

SAME_KWH = 1e-7
"""Points closer than this are one."""

SAME_EUR = 1e-11
"""Neighbours of which one would cost no more than this at the other's worth are one segment."""


def moves(task: Task, hours: float) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Most rise and most fall of the stored energy in a step, as lines over it.

    Both over the energy above the floor: (kWh at the floor, kWh/kWh), of which the lowest counts.
    """
    battery = task.battery
    ways = (
        (battery.charge_lines, battery.charge_efficiency * hours),
        (battery.discharge_lines, hours / battery.discharge_efficiency),
    )
    rise, fall = (
        tuple(((w + slope * task.floor_wh) * h / 1000, slope * h) for w, slope in lines)
        for lines, h in ways
    )
    return rise, fall


def lowest(lines: tuple[Line, ...], at: Array) -> Array:
    """The lowest of some lines, never below 0; infinite without lines."""
    least = np.full_like(at, np.inf)
    for start, slope in lines:
        least = np.minimum(least, start + slope * at)
    return np.maximum(least, 0.0)


def back(
    worth: list[Segment], options: list[Segment], span: tuple[float, float, float],
    lines: tuple[tuple[Line, ...], tuple[Line, ...]],
) -> list[Segment]:  # fmt: skip
    """Worth of stored energy before a step, from the worth after it.

    Parameters
    ----------
    worth
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
    after, after_cost = _curve(worth, 0.0, -1.0)
    change, cost = _curve(options, -most_out, 1.0)
    free_at, free = _unbounded(worth, options, most_in, size)
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
    worth: list[Segment], options: list[Segment], most_in: float, size: float
) -> tuple[Array, Array]:
    """Stored energy before the step and the best change of it, were there no taper.

    Merged in falling order both lists say what is used first: where a piece of `worth` comes next
    more is left for later, where one of `options` comes next the step charges less.
    """
    merged = sorted(
        [(value, length, 0.0) for value, length in worth]
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
    lines: tuple[tuple[Line, ...], tuple[Line, ...]], size: float,
) -> Array:  # fmt: skip
    """All stored energies between which the least cost is a straight line."""
    found = [at]
    for sign, side in ((1.0, lines[0]), (-1.0, lines[1])):
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
    """Where start + slope * e meets each of the targets."""
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
