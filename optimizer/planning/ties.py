"""Which of the plans that cost the same: own use, now; then the fewest and smallest changes.

Many plans cost the same wherever prices are flat, and they are not worth the same: what is done
later is worthless if the forecast was wrong. So after the cost is proved, two more solves choose:

1. own use, now: at the same cost the least flow between house and grid, early steps first. Energy
   that the battery trades with the grid beyond the house's own need is left out of "early": whether
   a flat cheap window is used at its start or its end is the next solve's business.
2. even power: at the same cost and the same own use, the least up and down of the battery's power.
   A flat cheap window becomes one block at the lowest power that does, the earliest of several.

The second is left out where the battery trades nothing with the grid beyond the house's need, or
only in steps whose price no other step has: all powers are then settled. All solves together may
cost TIE_TOLERANCE_EUR more than the optimum, a hundred-thousandth of a cent.
"""

import itertools
from typing import Any

from optimizer.planning.engines import linear, proves
from optimizer.planning.flows import Flow
from optimizer.planning.task import Task

TIE_TOLERANCE_EUR = 1e-7
"""What the preferred plan may cost more than the first one."""

PREFERENCE_TOLERANCE = 1e-6
"""What the even plan may lose of the preference for own use [weighted kWh]."""

TRADED_WEIGHT = 2.0
"""Weight of energy traded beyond the house's need, at any time: that of the first step's own use,
which therefore comes first."""

TRADED_KW = 0.001
"""Less than this is not traded."""

LATER = 1e-3
"""How much more a change of power weighs at the end than at the start: of two like blocks the
earlier one is taken, and no block gets shorter for it."""


def settle(
    problem: Any, engine: Any, task: Task, steps: list[Flow], binaries: list[Any], cost: Any
) -> tuple[float, ...] | None:
    """Stored energy after each step of the preferred plan [Wh]; None if none was proved."""
    most = float(cost.value()) + TIE_TOLERANCE_EUR
    for binary in binaries:
        decided = round(binary.value() or 0.0)
        problem += linear([(binary, 1.0)]) == decided
    problem += cost <= most
    traded = _traded(problem, task, steps)
    preference = _own_use_now(task, steps, traded)
    problem.setObjective(preference)
    if not proves(problem, engine):
        return None
    settled = stored_wh(steps)
    tied = _tied(task, traded)
    if not tied:
        return settled
    problem += preference <= float(preference.value()) + PREFERENCE_TOLERANCE
    problem.setObjective(_changes(problem, steps, tied))
    return stored_wh(steps) if proves(problem, engine) else settled


def stored_wh(steps: list[Flow]) -> tuple[float, ...]:
    """Stored energy after each step, as the variables hold it now [Wh]."""
    return tuple(1000.0 * flow.stored.value() for flow in steps)


def _traded(problem: Any, task: Task, steps: list[Flow]) -> dict[tuple[int, bool], Any]:
    """What the battery buys and sells beyond the house's own flows [kW], by (step, bought)."""
    traded = {}
    for t, (step, flow) in enumerate(zip(task.steps, steps, strict=True)):
        own_kw, idle_kw = step.need_w / 1000, (step.need_w + task.battery.standby_w) / 1000
        if task.grid.rule.grid_charging and (flow.charge.upBound or 0.0) > max(0.0, -own_kw):
            bought = traded[t, True] = problem.add_variable(f"traded_in_{t}", 0, None)
            problem += linear([(flow.buy, 1.0), (bought, -1.0)]) <= max(0.0, idle_kw)
        if task.grid.rule.battery_export and (flow.discharge.upBound or 0.0) > max(0.0, own_kw):
            sold = traded[t, False] = problem.add_variable(f"traded_out_{t}", 0, None)
            problem += linear([(flow.sell, 1.0), (sold, -1.0)]) <= max(0.0, -own_kw)
    return traded


def _tied(task: Task, traded: dict[tuple[int, bool], Any]) -> set[int]:
    """Steps among which traded energy can be moved at no cost: those of one price."""
    tied: set[int] = set()
    for bought in (True, False):
        same: dict[float, list[int]] = {}
        for t, step in enumerate(task.steps):
            same.setdefault(round(step.buy if bought else step.sell, 9), []).append(t)
        for places in same.values():
            flows = (traded[t, bought].value() or 0.0 for t in places if (t, bought) in traded)
            if len(places) > 1 and max(flows, default=0.0) > TRADED_KW:
                tied.update(places)
    return tied


def _own_use_now(task: Task, steps: list[Flow], traded: dict[tuple[int, bool], Any]) -> Any:
    """What to prefer among plans of the same cost: own use, now, and no burning of energy.

    A kWh at the grid (or throttled) weighs 2 at the start and 1 at the end, one that is traded 2 at
    any time. The weight of moving a kWh through the battery is just above what burning one could
    save of that.
    """
    terms: list[tuple[Any, float]] = []
    round_trip = task.battery.charge_efficiency * task.battery.discharge_efficiency
    throughput = 1.1 * (1 / round_trip - 1) + 0.01
    for t, (step, flow) in enumerate(zip(task.steps, steps, strict=True)):
        weight, hours = 2 - t / len(steps), step.hours
        terms += [(var, weight * hours) for var in (flow.buy, flow.sell, flow.curtailed)]
        terms += [(var, throughput * hours) for var in (flow.charge, flow.discharge)]
        for way in (True, False):
            if (t, way) in traded:
                terms.append((traded[t, way], (TRADED_WEIGHT - weight) * hours))
    return linear(terms)


def _changes(problem: Any, steps: list[Flow], tied: set[int]) -> Any:
    """Sum of all changes of the battery's power from, in and to tied steps [kW].

    The power of the other steps is settled.
    """
    terms = []
    for t, (before, after) in enumerate(itertools.pairwise(steps)):
        if t not in tied and t + 1 not in tied:
            continue
        change = problem.add_variable(f"change_{t}", 0, None)
        difference = [*after.battery, *((var, -factor) for var, factor in before.battery)]
        problem += linear([*difference, (change, -1.0)]) <= 0
        problem += linear([*((var, -factor) for var, factor in difference), (change, -1.0)]) <= 0
        terms.append((change, 1.0 + LATER * t / len(steps)))
    return linear(terms)
