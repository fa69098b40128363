"""The water value: what one more stored kWh is worth, at each moment and state of charge.

Let V(e) be the least cost from some moment on with e kWh stored. It is convex, so its negative
slope, the worth of a stored kWh, falls with e and can be kept as a list of segments (worth,
length), sorted downward. Going one step back in time:

1. The step's own cost as a function of the change x of stored energy is convex too. Its segments
   (marginal cost per stored kWh, length) run from full discharge to full charge.
2. The cheapest split between "now" and "later" is the merge of both lists in falling order (the
   infimal convolution of two convex functions merges their slopes).
3. Stored energy stays inside its band: as much length as the step can charge is cut off at the
   top, as much as it can discharge off the bottom.

This solves the same task as the linear program without a solver, exactly, as long as nothing
needs a binary. Where something does (paid drawing, selling above buying, a battery that first has
to recover) the segments are those of a convex relaxation, good for the table, not for a proof.
References: Cruise, Flatley, Gibbens, Zachary, arXiv 1406.3653; Xu, Korpas, Botterud, arXiv
1910.09149.
"""

from bisect import insort
from dataclasses import dataclass
from math import fsum

from optimizer.errors import InfeasibleError
from optimizer.planning.step_cost import Choices, Segment, options, step_cost
from optimizer.planning.task import ForecastStep, Task

TABLE_SIZE = 25
"""States of charge in the value table; 25 earn as much as 100 in simulated years."""

FORCED_EUR_PER_KWH = 1000.0
"""Worth of stored energy without which a forced band of battery power has no plan."""

KINK_KWH = 1e-4
"""How far beside a state of charge its one-sided worth is read."""


@dataclass(frozen=True, slots=True)
class Values:
    """The outcome of the recursion."""

    soc_wh: tuple[float, ...]
    """Stored energies of the table [Wh], rising: the middles of equal cells."""
    table: tuple[tuple[float, ...], ...]
    """For each step the worth of a stored kWh after it [EUR/kWh], at each of `soc_wh`."""
    segments: tuple[list[Segment], ...]
    """For each step the exact list behind the table, from `floor_wh` up."""
    floor_wh: float
    battery_w: tuple[float, ...]
    """The recursion's own best battery power in each step [W]."""
    objective_eur: float
    """Bill plus wear plus penalties minus the worth of the energy left: the program's own."""

    def worth(self, index: int, soc_wh: float, *, next_kwh: bool) -> float:
        """Exact worth after step `index` of the next kWh to store, or of the last one stored.

        The two differ where a plan likes to stand: at a kink.
        """
        left = (soc_wh - self.floor_wh) / 1000 + (KINK_KWH if next_kwh else -KINK_KWH)
        for value, length in self.segments[index]:
            left -= length
            if left < 0:
                return value
        return self.segments[index][-1][0]


def _cut(worth: list[Segment], top: float, bottom: float) -> list[Segment]:
    """Take `top` kWh off the front of the list and `bottom` kWh off its end."""
    first, last = 0, len(worth) - 1
    while first <= last and worth[first][1] <= top:
        top -= worth[first][1]
        first += 1
    while last > first and worth[last][1] <= bottom:
        bottom -= worth[last][1]
        last -= 1
    kept = worth[first : last + 1]
    if kept:
        kept[0] = (kept[0][0], kept[0][1] - top)
        kept[-1] = (kept[-1][0], max(0.0, kept[-1][1] - bottom))
    return kept


def _back(
    worth: list[Segment], task: Task, step: ForecastStep, choices: Choices,
    ceilings_wh: tuple[float, float],
) -> list[Segment]:  # fmt: skip
    """One step back in time: merge the step's options in, then cut both ends.

    `ceilings_wh` are those before and after the step.
    """
    segments, most_out, most_in = choices
    before_wh, after_wh = ceilings_wh
    if task.battery.charge_taper or task.battery.discharge_taper:
        from optimizer.planning import tapered

        span = most_out, most_in, (before_wh - task.floor_wh) / 1000
        return tapered.back(worth, segments, span, tapered.moves(task, step.hours))
    merged = list(worth)
    for segment in segments:
        insort(merged, segment, key=lambda item: -item[0])
    # a forced flow cannot be met from (nearly) empty or full: it is worth anything to avoid that
    first = [(FORCED_EUR_PER_KWH, -most_in)] if most_in < 0 else []
    last = [(-FORCED_EUR_PER_KWH, -most_out)] if most_out < 0 else []
    top, bottom = max(0.0, most_in), max(0.0, most_out - (before_wh - after_wh) / 1000)
    return [*first, *_cut(merged, top, bottom), *last]


def _penalised(worth: list[Segment], task: Task, index: int) -> list[Segment]:
    """Add the prices of ending a step with too little in store."""
    for level_wh, price in task.shortfalls(index):
        below = (level_wh - task.floor_wh) / 1000
        result, at = [], 0.0
        for value, length in worth:
            part = min(max(0.0, below - at), length)
            if part > 0:
                result.append((value + price, part))
            if length > part:
                result.append((value, length - part))
            at += length
        worth = result
    return worth


def _cell_means(worth: list[Segment], below: float, cell: float) -> tuple[float, ...]:
    """Mean worth in each of the table's cells, starting `below` kWh above the list's start."""
    index, used = 0, 0.0

    def take(length: float) -> float:
        nonlocal index, used
        area = 0.0
        while length > 1e-12 and index < len(worth):
            value, size = worth[index]
            part = min(length, size - used)
            area += part * value
            length -= part
            used += part
            if size - used <= 1e-12:
                index, used = index + 1, 0.0
        return area

    take(below)
    return tuple(take(cell) / cell for _ in range(TABLE_SIZE))


def _forward(
    task: Task, later: list[list[Segment]], choices: list[Choices]
) -> tuple[tuple[float, ...], float]:
    """Walk the best path from the start: battery powers and the objective."""
    soc_wh, objective, powers = task.start_wh, 0.0, []
    path = enumerate(zip(task.steps, task.ceilings_wh(), later, choices, strict=True))
    for index, (step, ceiling_wh, worth, choice) in path:
        target_wh = _best_target(task, soc_wh, worth, choice)
        most_in_w, most_out_w = task.battery.taper_w(soc_wh)
        most_wh = soc_wh + most_in_w * task.battery.charge_efficiency * step.hours
        least_wh = soc_wh - most_out_w / task.battery.discharge_efficiency * step.hours
        target_wh = min(max(target_wh, least_wh), most_wh)
        battery_w = task.battery.power_for(soc_wh, target_wh, step.hours)
        low, high = task.battery_range(step)
        holds = low - 0.01 <= battery_w <= high + 0.01 and target_wh <= ceiling_wh + 0.01
        if task.forced and not holds:
            raise InfeasibleError(f"the battery cannot do what is forced at {step.start}")
        objective += step_cost(task, step, battery_w) or 0.0
        soc_wh = target_wh
        for level_wh, price in task.shortfalls(index):
            objective += max(0.0, level_wh - soc_wh) / 1000 * price
        powers.append(battery_w)
    return tuple(powers), objective - task.end_eur(soc_wh)


def _best_target(task: Task, soc_wh: float, worth: list[Segment], choices: Choices) -> float:
    """Stored energy after the step that is best now and later [Wh]."""
    size = fsum(length for _, length in worth)
    segments, most_out, _ = choices
    at = (soc_wh - task.floor_wh) / 1000 - most_out
    later, used = iter([*worth, (float("-inf"), float("inf"))]), 0.0
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


def choices_of(task: Task) -> list[Choices]:
    """What each step can do with stored energy."""
    pairs = zip(task.steps, task.ceilings_wh(), strict=True)
    return [options(task, step, ceiling_wh) for step, ceiling_wh in pairs]


def backward(task: Task, choices: list[Choices]) -> list[list[Segment]]:
    """For each step the worth of stored energy after it, from the floor up."""
    ceilings = (max(task.battery.max_wh, task.start_wh), *task.ceilings_wh())
    worth: list[Segment] = task.end_segments(task.floor_wh, ceilings[-1])
    later = []
    for index in reversed(range(len(task.steps))):
        worth = _penalised(worth, task, index)
        later.append(worth)
        around = ceilings[index], ceilings[index + 1]
        worth = _back(worth, task, task.steps[index], choices[index], around)
    return later[::-1]


def solve(task: Task) -> Values:
    """Run the recursion backwards for the table and forwards for the recursion's own plan."""
    battery = task.battery
    cell = (battery.max_wh - battery.min_wh) / TABLE_SIZE
    below = (battery.min_wh - task.floor_wh) / 1000
    choices = choices_of(task)
    later = backward(task, choices)
    table = tuple(_cell_means(worth, below, cell / 1000) for worth in later)
    powers, objective = _forward(task, later, choices)
    soc = tuple(battery.min_wh + cell * (index + 0.5) for index in range(TABLE_SIZE))
    return Values(soc, table, tuple(later), task.floor_wh, powers, objective)
