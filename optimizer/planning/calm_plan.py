"""Choice of the calmest plan among those that cost (nearly) the least.

Many plans cost the same wherever prices are flat, and a few thousandths of a cent a kWh decide
between others. Of all plans that cost at most `calm_eur` more than the cheapest (and not more than
the battery left to itself) one more solve takes the one for which this sum is smallest:

    cost
    + price of a kW  * changes of the power that the battery trades with the grid
    + price of a switch * how often the battery serves the house again after it was kept
    + next to nothing * preference for self-consumption, early

- *Traded* is what is charged beyond the house's surplus, or discharged beyond its need. A cheap
  window becomes one block at the lowest power that does, of like blocks the earliest. What follows
  the house counts as no change, however restless the house is.
- *Served again* is a rise of the share of the house's need that the battery covers, between steps
  of different prices and without charging. An empty battery is a fall, which is free.
- *Self-consumption, early*: what is done later is worthless if the forecast was wrong. It decides
  between plans of one cost: the least flow between house and grid, early steps first.

Both prices are shares of `calm_eur`, so that it is spent where it calms most, and powers are not
shaved by some watts for it. With `calm_eur = 0` only plans of one cost are compared.
"""

from typing import TYPE_CHECKING

import numpy as np

from optimizer.planning.lp import LinearProblem, LinExpr, VariableArray
from optimizer.planning.self_consumption import self_consumption
from optimizer.planning.task import Task

if TYPE_CHECKING:
    from optimizer.planning.program import FlowVariables

TIE_TOLERANCE_EUR = 1e-7
"""What the calm plan may cost more beside `calm_eur`: a hundred-thousandth of a cent."""

CHANGED_KW = 20.0
"""Changes of the traded power that are worth `calm_eur` [kW]: one block of 10 kW."""

SWITCHES = 2.0
"""Switches from keeping to serving that are worth `calm_eur`."""

TIE_EUR = 1e-4
"""Least `calm_eur` by which changes are priced [EUR]: they decide between plans of one cost too."""

EUR_WEIGHT = 1e5
"""Weight of a EUR against the preference for self-consumption [weighted kWh/EUR]: so large that
the preference decides between plans of one cost only."""

TRADED_WEIGHT = 2.0
"""Weight of energy traded beyond the house's need, at any time: that of the first step's
self-consumption, which therefore comes first."""

LOSS_WEIGHT = 2.2
"""Weight of lost energy where losses depend on the power: above that of any flow at the grid, so
that no energy is burnt for it by charging less efficiently than need be."""

LEAST_NEED_KW = 0.05
"""Need of a house below which nothing is served or kept."""

CHARGED_KW = 0.001
"""Charging power below which nothing is charged."""

LATER = 1e-3
"""How much more a change of power weighs at the end than at the start: of two like blocks the
earlier one is taken, and no block gets shorter for it."""


def settle(
    problem: LinearProblem,
    task: Task,
    flows: "FlowVariables",
    binaries: list[VariableArray],
    cost: LinExpr,
) -> tuple[float, ...] | None:
    """Stored energy after each step of the calmest plan [Wh]; None if none was proved.

    Parameters
    ----------
    problem
        The program, solved to its least cost; it is solved again.
    cost
        The program's objective [EUR].
    """
    for binary in binaries:
        problem += binary == np.round(binary.value())
    tolerance_eur = TIE_TOLERANCE_EUR * task.money_size
    problem += cost <= cost.amount() + _spare_eur(task, cost.amount()) + tolerance_eur
    price_eur = max(task.calm_eur, TIE_EUR * task.money_size)
    changes = _changes(problem, task, flows) * (price_eur / CHANGED_KW)
    switches = _switches(problem, task, flows) * (price_eur / SWITCHES)
    in_eur = (cost + changes + switches) * (EUR_WEIGHT / task.money_size)
    problem.minimise(in_eur + _self_consumption_now(task, flows))
    return flows.stored_wh() if problem.solve() else None


def _spare_eur(task: Task, least_eur: float) -> float:
    """Allowance above the least cost: never beyond what self-consumption costs [EUR]."""
    if not task.calm_eur:
        return 0.0
    alone = self_consumption(task)
    alone_eur = alone.cost_eur + alone.wear_eur + alone.peak_eur - task.end_eur(alone.end_wh)
    return min(task.calm_eur, max(0.0, alone_eur - least_eur))


def _traded(task: Task, flows: "FlowVariables") -> tuple[LinExpr, LinExpr]:
    """Power that the battery buys and sells beyond the house's own flows [kW]."""
    needs = np.array([step.need_w >= 0.0 for step in task.steps])
    bought = needs * flows.charge + ~needs * flows.buy
    sold = needs * flows.sell + ~needs * flows.discharge
    return bought, sold


def _changes(problem: LinearProblem, task: Task, flows: "FlowVariables") -> LinExpr:
    """Sum of all changes of the power that the battery trades [kW]."""
    bought, sold = _traded(task, flows)
    power, before = sold - bought, np.arange(len(task.steps) - 1)
    change = problem.variables("change", np.full(len(before), np.inf))
    rise = power.rows(before + 1) - power.rows(before)
    problem += rise <= change
    problem += -rise <= change
    return ((1.0 + LATER * before / len(task.steps)) * change).total()


def _switches(problem: LinearProblem, task: Task, flows: "FlowVariables") -> LinExpr:
    """Switches back to serving the house: the sum of all rises of the share served.

    Steps in which the cheapest plan charges are left out: there nothing can be served, and in the
    program a battery without losses could do both at once.
    """
    own_kw = np.array([step.need_w for step in task.steps]) / 1000
    price = np.array([step.buy for step in task.steps])
    needs = (own_kw > LEAST_NEED_KW) & (flows.charge.value() < CHARGED_KW)
    before = np.flatnonzero(needs[:-1] & needs[1:] & (price[:-1] != price[1:]))
    share = (1.0 / np.where(needs, own_kw, 1.0)) * (flows.discharge - flows.sell)
    switch = problem.variables("switch", np.full(len(before), np.inf))
    problem += share.rows(before + 1) - share.rows(before) <= switch
    return switch.total()


def _self_consumption_now(task: Task, flows: "FlowVariables") -> LinExpr:
    """Preference among plans of the same cost: early self-consumption, no burning of energy.

    A kWh at the grid (or throttled) weighs 2 at the start and 1 at the end, one that is traded 2 at
    any time. The weight of moving a kWh through the battery is just above what burning one could
    save of that.
    """
    round_trip = task.battery.charge_pieces[-1][1] * task.battery.discharge_pieces[-1][1]
    throughput = 1.1 * (1 / round_trip - 1) + 0.01
    bought, sold = _traded(task, flows)
    weight = 2 - np.arange(len(task.steps)) / len(task.steps)
    at_the_grid = flows.buy + flows.sell + flows.curtailed
    moved = flows.charge + flows.discharge
    later = (TRADED_WEIGHT - weight) * (bought + sold)
    preference = weight * at_the_grid + throughput * moved + later
    if task.battery.has_curves:
        into, out = flows.into_cells(task.battery), flows.out_of_cells(task.battery)
        preference += LOSS_WEIGHT * (flows.charge - into + out - flows.discharge)
    return (task.hours * preference).total()
