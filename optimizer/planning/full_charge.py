"""Search for the step in which a due full charge costs least, without binaries if possible.

Let F(e) be the least cost of coming to the end of a step with e stored, and V(e) the least cost
from there on. Both are convex, and F + V is the cost of the best plan that passes through e; its
least value is that of the best plan of all, whatever the step. So being full at the end of this
step costs the integral, from where F + V is least up to full, of

    F'(e) + V'(e)  =  what another kWh costs to have there  -  what it is worth there

at most the price of missing it. V' comes from the water value, F' from the same merge of slopes
forwards. For a task that the recursion knows exactly that is the exact cost of each step. Where it
is only a relaxation (binaries, tapers, peaks) it is a lower bound, and only the steps that it
cannot rule out are left to binaries.
"""

from math import fsum

from optimizer.planning import water_value_exact
from optimizer.planning.step_options import Segment, StepArrays, choices_of
from optimizer.planning.task import Task


def bounds_eur(task: Task) -> list[float]:
    """For each step in time, the least that a plan which is full at its end can cost [EUR]."""
    steps = StepArrays.of(task)
    choices = choices_of(task)
    later, result = water_value_exact.backward(task, choices), []
    base = fsum(steps.cost(steps.high).tolist())
    low, arriving = (task.start_wh - task.floor_wh) / 1000, list[Segment]()
    full = (task.battery.max_wh - task.floor_wh) / 1000
    for index, ceiling_wh in enumerate(task.ceilings_wh()):
        segments, most_out, most_in = choices[index]
        high = low + fsum(length for _, length in arriving) + most_in
        arriving = sorted([*arriving, *segments])
        low -= most_out
        arriving, skipped = _cut(arriving, -low, high - (ceiling_wh - task.floor_wh) / 1000)
        low, base = max(low, 0.0), base + skipped
        for level_wh, price in task.shortfalls(index):
            level = (level_wh - task.floor_wh) / 1000
            arriving, base = (
                _cheaper_below(arriving, low, level, price),
                base + price * max(0.0, level - low),
            )
        if index <= (task.full_by or 0):
            result.append(_dearer(arriving, low, later[index], full, task.full_charge_eur_per_kwh))
    base -= task.end_eur(task.floor_wh + 1000 * low) + _gain(arriving, low, task)
    return [base + extra for extra in result]


def _gain(arriving: list[Segment], low: float, task: Task) -> float:
    """Highest gain of having more than `low` at the end, above its cost [EUR]."""
    gain, at_wh = 0.0, task.floor_wh + 1000 * low
    for slope, length in arriving:
        after_wh = at_wh + 1000 * length
        parts = task.end_segments(at_wh, after_wh)
        gain += fsum(max(0.0, marginal_value - slope) * part for marginal_value, part in parts)
        at_wh = after_wh
    return gain


def _cut(slopes: list[Segment], front: float, back: float) -> tuple[list[Segment], float]:
    """Take lengths off both ends of a list, negative ones are none; and what the front one cost."""
    kept, skipped = _off(slopes, front)
    return _off(kept[::-1], back)[0][::-1], skipped


def _off(slopes: list[Segment], length: float) -> tuple[list[Segment], float]:
    kept, skipped = list[Segment](), 0.0
    for slope, size in slopes:
        off = min(max(0.0, length), size)
        length, skipped = length - off, skipped + slope * off
        if size > off:
            kept.append((slope, size - off))
    return kept, skipped


def _cheaper_below(slopes: list[Segment], low: float, level: float, price: float) -> list[Segment]:
    """Subtract a price per missing kWh from the slopes below a level."""
    result, at = [], low
    for slope, length in slopes:
        part = min(max(0.0, level - at), length)
        result += [(slope - price, part)] if part > 0 else []
        result += [(slope, length - part)] if length > part else []
        at += length
    return result


def _dearer(
    arriving: list[Segment], low: float, marginal_value: list[Segment], full: float, most: float
) -> float:
    """Integral up to full of what having more costs above its worth, at most the missing price."""
    extra, at, place, left = 0.0, 0.0, 0, marginal_value[0][1]
    ends = [(float("-inf"), low), *arriving, (float("inf"), full)]
    for slope, length in ends:
        rest = min(length, full - at)
        while rest > 1e-12 and place < len(marginal_value):
            part = min(rest, left)
            dearer = min(max(0.0, slope - marginal_value[place][0]), most)
            extra, at = extra + part * dearer, at + part
            rest, left = rest - part, left - part
            if left <= 1e-12:
                place += 1
                left = marginal_value[place][1] if place < len(marginal_value) else 0.0
    return extra
