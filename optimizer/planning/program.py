r"""The linear program: which battery power in each step makes the bill smallest.

With h the length of a step in hours, all powers in kW and energies in kWh:

    minimise   sum over steps of  h (buy_price * buy - sell_price * sell)      the bill
                                + wear * h * discharge / discharge_efficiency
                                + penalties (overload, below the band, below the reserve)
               + peak_price * sum over months of (peak - what was free anyway)
               + price of what a full charge that is due falls short of
               - end value of what is stored at the end

    balance    buy + overload - sell + battery + roof - curtailed = load
    battery    battery = discharge - charge - standby
    store      stored = stored before + h (charge_efficiency * charge
                                           - discharge / discharge_efficiency)
    tapers     charge <= each line of the charge taper at `stored before`, discharge likewise
    inverter   -draw <= battery + roof - curtailed <= max_ac    (hybrids; draw: rating or dimming)
    reserve    stored + missing >= reserve                      (the same below the band)
    peak       buy + overload <= peak of the step's month       (or year)
    full       stored + missing >= full  after one of the steps in time
    end        the first kWh left are worth most (`end_value.py`): parts of falling worth
    bounds     of device, grid, dimming and legal rule, each constant per step

It is exact: buying and selling, or charging and discharging, at once never pays, except where
drawing power is paid for (or will be: room for it) or where selling pays more than buying costs,
and a battery below its band may not be discharged before it is back. Only there are binaries, and
where a full charge is due that the plan would not bring anyway (`switches.py` says why).
Ties go to own use, now, then to the most even power (`ties.py`).
What leaves this room is the path of the stored energy: the powers follow from it by physics, so
that energy burnt in a free step (charging and discharging at once costs nothing there) is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.errors import InfeasibleError
from optimizer.planning import engines, flows, full_charge, switches, ties
from optimizer.planning.flows import Flows
from optimizer.planning.task import OVERLOAD_EUR_PER_KWH, Decided, Task
from optimizer.planning.words import Problem, Series, Sum

OPEN_EUR = 1e-6
"""A step for the full charge that could be cheaper by more than this is looked at."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The program's answer."""

    stored_wh: tuple[float, ...]
    """Stored energy after each step; battery power and all else follow from it by physics."""
    objective_eur: float
    """Bill plus wear plus penalties plus peaks minus the worth of the energy left."""
    solver: str
    binaries: int
    """How many binaries were needed."""
    gap_eur: float | None
    """How far below the solver's proved bound may lie; None where it does not tell."""
    decided: Decided


def _peaks(problem: Problem, task: Task, flows: Flows) -> tuple[Series, Sum]:
    """A variable for the peak of each period [kW], none without a price; and what they cost."""
    periods = range(0 if task.peak is None else max(task.periods) + 1)
    free_kw = np.array([task.free_peak_w(period) for period in periods]) / 1000
    peaks = problem.variables("peak", np.full(len(periods), np.inf), free_kw)
    if task.peak is None:
        return peaks, peaks.total()
    problem += flows.bought - peaks[list(task.periods)] <= 0.0
    return peaks, (peaks - free_kw).total() * task.peak.eur_per_kw


def _left(problem: Problem, task: Task, flows: Flows) -> Sum:
    """What the stored energy at the end is worth [EUR], in parts of falling worth."""
    stored = flows.stored[-1]
    segments = task.end_segments(0.0, 1000 * float(stored.most[0]))
    if len(segments) == 1:
        return stored * segments[0][0]
    worths, sizes = np.array(segments).T
    parts = problem.variables("left", sizes)
    problem += stored - parts.total() == 0.0
    worth: Sum = (worths * parts).total()
    return worth


def _cost(task: Task, flows: Flows) -> Sum:
    """The objective's part of single steps [EUR]: bill, wear, penalties."""
    buy_price = np.array([step.buy for step in task.steps])
    sell_price = np.array([step.sell for step in task.steps])
    wear = task.battery.wear_eur_per_kwh / task.battery.discharge_efficiency
    bill = buy_price * flows.buy - sell_price * flows.sell
    overload = (buy_price + OVERLOAD_EUR_PER_KWH) * flows.overload
    cost: Sum = (task.hours * (bill + overload + wear * flows.discharge)).total()
    for missing, prices in flows.shortfalls:
        cost += (prices * missing).total()
    return cost


def solve(task: Task, engine: tuple[Any, str] | None = None) -> Solution:
    """Solve a task to proved optimality.

    Parameters
    ----------
    task
        What to plan.
    engine
        A PuLP solver and its name; by default HiGHS, or CBC where highspy is missing.

    Raises
    ------
    InfeasibleError
        If the solver proves no optimum. Overload, recovery, reserve and full charge are priced, so
        no bound of the owner's can cause it; the text names the solver.
    """
    chosen = engine or engines.solver()
    built = _proved(task, chosen, ())
    full = switches.full_at(task, built.flows.stored_wh())
    if task.full_by is not None and full is None:
        built, full = _with_full_charge(task, chosen)
    stored_wh = built.flows.stored_wh()
    binaries = sum(int(series.there.sum()) for series in built.binaries)
    gap = engines.gap_eur(built.problem, built.objective_eur, binaries=binaries > 0)
    peaks_w = tuple((1000.0 * built.peaks.value()).tolist())
    if full is not None:
        kept_wh = min(stored_wh[full], switches.full_wh(task))
        built.problem += built.flows.stored[full] >= kept_wh / 1000
    settled = ties.settle(built.problem, task, built.flows, built.binaries, built.cost)
    stored_wh = settled or stored_wh
    earlier = switches.full_at(task, stored_wh)
    decided = Decided(peaks_w, full if earlier is None else earlier)
    return Solution(stored_wh, built.objective_eur, chosen[1], binaries, gap, decided)


@dataclass(slots=True)
class _Built:
    """The program, solved to its least cost."""

    problem: Problem
    flows: Flows
    binaries: list[Series]
    picks: Series
    peaks: Series
    cost: Sum
    objective_eur: float


def _proved(task: Task, engine: tuple[Any, str], full_times: Sequence[int]) -> _Built:
    """Build the program, with a full charge at one of some steps if there are any, and solve it."""
    problem = engines.new_problem(engine[0])
    steps = flows.variables(problem, task)
    flows.physics(problem, task, steps)
    binaries = switches.add_switches(problem, task, steps)
    peaks, peaks_eur = _peaks(problem, task, steps)
    picks, missed_eur = switches.add_full_charge(problem, task, steps, full_times)
    cost = _cost(task, steps) + peaks_eur + missed_eur - _left(problem, task, steps)
    problem.minimise(cost)
    if not problem.solve():
        raise InfeasibleError(f"{engine[1]} proved no optimum for {len(task.steps)} steps")
    return _Built(problem, steps, [*binaries, picks], picks, peaks, cost, cost.amount())


def _with_full_charge(task: Task, engine: tuple[Any, str]) -> tuple[_Built, int]:
    """The program with a full charge where it costs least, and the step that ends with it.

    The step that the recursion finds cheapest is tried first; those that could still be cheaper,
    which is none where the recursion is exact, are then left to binaries.
    """
    bounds = full_charge.bounds_eur(task)
    best = min(range(len(bounds)), key=lambda t: (round(bounds[t], 9), t))
    built = _proved(task, engine, (best,))
    open_times = [t for t, eur in enumerate(bounds) if eur < built.objective_eur - OPEN_EUR]
    if not open_times:
        return built, best
    times = sorted({best, *open_times})
    built = _proved(task, engine, times)
    picked = np.flatnonzero(built.picks.value() > 0.5).tolist()
    return built, times[picked[0]] if picked else times[0]
