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

import numpy as np

from optimizer.planning.flows import Flows
from optimizer.planning.task import Task
from optimizer.planning.words import Mask, Problem, Series, Sum

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
    problem: Problem, task: Task, flows: Flows, binaries: list[Series], cost: Sum
) -> tuple[float, ...] | None:
    """Stored energy after each step of the preferred plan [Wh]; None if none was proved."""
    for binary in binaries:
        problem += binary == np.round(binary.value())
    problem += cost <= cost.amount() + TIE_TOLERANCE_EUR
    traded = _traded(problem, task, flows)
    preference = _own_use_now(task, flows, traded)
    problem.minimise(preference)
    if not problem.solve():
        return None
    settled = flows.stored_wh()
    tied = _tied(task, traded)
    if not tied.any():
        return settled
    problem += preference <= preference.amount() + PREFERENCE_TOLERANCE
    problem.minimise(_changes(problem, flows, tied))
    return flows.stored_wh() if problem.solve() else settled


def _traded(problem: Problem, task: Task, flows: Flows) -> tuple[Series, Series]:
    """What the battery buys and sells beyond the house's own flows [kW]."""
    own_kw = np.array([step.need_w for step in task.steps]) / 1000
    idle_kw = own_kw + task.battery.standby_w / 1000
    rule = task.grid.rule
    may_buy = rule.grid_charging & (flows.charge.most > np.maximum(0.0, -own_kw))
    may_sell = rule.battery_export & (flows.discharge.most > np.maximum(0.0, own_kw))
    bought = problem.variables("traded_in", np.where(may_buy, np.inf, 0.0))
    sold = problem.variables("traded_out", np.where(may_sell, np.inf, 0.0))
    problem += (flows.buy - bought <= np.maximum(0.0, idle_kw)).where(may_buy)
    problem += (flows.sell - sold <= np.maximum(0.0, -own_kw)).where(may_sell)
    return bought, sold


def _tied(task: Task, traded: tuple[Series, Series]) -> Mask:
    """Steps among which traded energy can be moved at no cost: those of one price."""
    tied = np.zeros(len(task.steps), dtype=bool)
    for way, moved in zip(("buy", "sell"), traded, strict=True):
        prices = np.round([getattr(step, way) for step in task.steps], 9)
        _, which, counts = np.unique(prices, return_inverse=True, return_counts=True)
        moving = np.bincount(which, moved.value() > TRADED_KW) > 0
        tied |= (moving & (counts > 1))[which]
    return tied


def _own_use_now(task: Task, flows: Flows, traded: tuple[Series, Series]) -> Sum:
    """What to prefer among plans of the same cost: own use, now, and no burning of energy.

    A kWh at the grid (or throttled) weighs 2 at the start and 1 at the end, one that is traded 2 at
    any time. The weight of moving a kWh through the battery is just above what burning one could
    save of that.
    """
    round_trip = task.battery.charge_efficiency * task.battery.discharge_efficiency
    throughput = 1.1 * (1 / round_trip - 1) + 0.01
    bought, sold = traded
    weight = 2 - np.arange(len(task.steps)) / len(task.steps)
    at_the_grid = flows.buy + flows.sell + flows.curtailed
    moved = flows.charge + flows.discharge
    later = (TRADED_WEIGHT - weight) * (bought + sold)
    return (task.hours * (weight * at_the_grid + throughput * moved + later)).total()


def _changes(problem: Problem, flows: Flows, tied: Mask) -> Sum:
    """Sum of all changes of the battery's power from, in and to tied steps [kW].

    The power of the other steps is settled.
    """
    before = np.flatnonzero(tied[:-1] | tied[1:])
    change = problem.variables("change", np.full(len(before), np.inf))
    charge, discharge = flows.charge, flows.discharge
    rise = discharge[before + 1] - charge[before + 1] - discharge[before] + charge[before]
    problem += rise <= change
    problem += -rise <= change
    return ((1.0 + LATER * before / len(tied)) * change).total()
