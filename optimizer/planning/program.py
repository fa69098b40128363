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
from math import fsum
from typing import Any

from optimizer.errors import InfeasibleError
from optimizer.planning import engines, flows, full_charge, switches, ties
from optimizer.planning.engines import linear
from optimizer.planning.flows import Flow
from optimizer.planning.task import OVERLOAD_EUR_PER_KWH, Decided, Task

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


def _peaks(problem: Any, task: Task, steps: list[Flow]) -> list[tuple[Any, float]]:
    """A variable for the peak of each period [kW], with its price [EUR/kW]."""
    if task.peak is None:
        return []
    peaks = [
        problem.add_variable(f"peak_{period}", task.free_peak_w(period) / 1000, None)
        for period in range(max(task.periods) + 1)
    ]
    for period, flow in zip(task.periods, steps, strict=True):
        problem += linear([*flow.bought, (peaks[period], -1.0)]) <= 0
    return [(peak, task.peak.eur_per_kw) for peak in peaks]


def _left(problem: Any, task: Task, stored: Any) -> list[tuple[Any, float]]:
    """What is stored at the end in parts [kWh], each with its worth as a negative price."""
    segments = task.end_segments(0.0, 1000 * (stored.upBound or 0.0))
    if len(segments) == 1:
        return [(stored, -segments[0][0])]
    parts = [problem.add_variable(f"left_{k}", 0, size) for k, (_, size) in enumerate(segments)]
    problem += linear([(stored, 1.0), *((part, -1.0) for part in parts)]) == 0
    return [(part, -worth) for part, (worth, _) in zip(parts, segments, strict=True)]


def _cost(task: Task, steps: list[Flow], more: list[tuple[Any, float]]) -> Any:
    """The objective [EUR]: bill, wear, penalties, and the terms of what joins steps."""
    terms = list(more)
    wear = task.battery.wear_eur_per_kwh / task.battery.discharge_efficiency
    for step, flow in zip(task.steps, steps, strict=True):
        hours = step.hours
        terms += [(flow.buy, step.buy * hours), (flow.sell, -step.sell * hours)]
        terms.append((flow.discharge, wear * hours))
        if flow.overload is not None:
            terms.append((flow.overload, (step.buy + OVERLOAD_EUR_PER_KWH) * hours))
        terms += flow.shortfalls
    return linear(terms)


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
    full = switches.full_at(task, ties.stored_wh(built.steps))
    if task.full_by is not None and full is None:
        built, full = _with_full_charge(task, chosen)
    stored = ties.stored_wh(built.steps)
    gap = engines.gap_eur(built.problem, built.objective_eur, binaries=bool(built.binaries))
    peaks_w = tuple(1000.0 * float(peak.value()) for peak in built.peaks)
    if full is not None:
        kept_wh = min(stored[full], switches.full_wh(task))
        built.problem += linear([(built.steps[full].stored, 1.0)]) >= kept_wh / 1000
    settled = ties.settle(built.problem, chosen[0], task, built.steps, built.binaries, built.cost)
    stored = settled or stored
    earlier = switches.full_at(task, stored)
    decided = Decided(peaks_w, full if earlier is None else earlier)
    return Solution(stored, built.objective_eur, chosen[1], len(built.binaries), gap, decided)


@dataclass(slots=True)
class _Built:
    """The program, solved to its least cost."""

    problem: Any
    steps: list[Flow]
    binaries: list[Any]
    picks: list[Any]
    peaks: list[Any]
    cost: Any
    objective_eur: float


def _proved(task: Task, engine: tuple[Any, str], full_times: Sequence[int]) -> _Built:
    """Build the program, with a full charge at one of some steps if there are any, and solve it."""
    problem = engines.new_problem(engine[0])
    steps = flows.variables(problem, task)
    flows.physics(problem, task, steps)
    binaries = switches.add_switches(problem, task, steps)
    peaks = _peaks(problem, task, steps)
    picks, missing = switches.add_full_charge(problem, task, steps, full_times)
    free = fsum(price * task.free_peak_w(t) / 1000 for t, (_, price) in enumerate(peaks))
    left = _left(problem, task, steps[-1].stored)
    cost = _cost(task, steps, [*left, *peaks, *missing]) - free
    problem += cost
    if not engines.proves(problem, engine[0]):
        raise InfeasibleError(f"{engine[1]} proved no optimum for {len(task.steps)} steps")
    return _Built(
        problem, steps, [*binaries, *picks], picks, [peak for peak, _ in peaks], cost,
        float(cost.value()),
    )  # fmt: skip


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
    picked = [t for t, pick in zip(times, built.picks, strict=False) if round(pick.value()) == 1]
    return built, next(iter(picked), times[0])
