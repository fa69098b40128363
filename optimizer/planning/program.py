"""Linear program: the battery power of each step that makes the bill smallest.

With h the length of a step in hours, all powers in kW and energies in kWh:

    minimise   sum over steps of  h (buy_price * buy - sell_price * sell)      the bill
                                + wear * h * discharge / discharge_efficiency
                                + penalties (overload, below the band, below the reserve)
               + peak_price * sum over months of (peak - what was free anyway)
               + price of what a full charge that is due falls short of
               - end value of what is stored at the end

    balance    buy + overload - sell + battery + pv - curtailed = load
    battery    battery = discharge - charge - standby
    store      stored = stored before + h (charge_efficiency * charge
                                           - discharge / discharge_efficiency)
    pieces     charge - its further pieces <= size of the first piece of its efficiency, from piece
               to piece less of which arrives; discharge likewise (where losses grow with power)
    tapers     charge <= each line of the charge taper at `stored before`, discharge likewise
    inverter   -draw <= battery + pv - curtailed <= max_ac      (hybrids; draw: rating or operator)
    reserve    stored + missing >= reserve                      (the same below the band)
    peak       buy + overload <= peak of the step's month       (or year)
    full       stored + missing >= full  after one of the steps in time
    end        the first kWh left are worth most (`end_value.py`): parts of falling value
    bounds     of device, grid, operator, legal rule and an override, each constant per step

The result is the path of the stored energy; the powers follow from it by physics (`model/site.py`),
so that energy burnt in a free step (charging and discharging at once costs nothing there) is not.

Binaries
--------
They stand only in steps in which the relaxation could cheat: drawing power is paid for (or will be:
room for it), selling pays more than buying costs, PV could be throttled that grid or battery can
take, a battery below its band has to recover before it is discharged, or a full charge is due that
the plan would not bring anyway. Everywhere else the relaxation is exact. Proof: take a plan that
charges and discharges at once, with no paid drawing and no selling at a loss from this step on.
Doing less of both for the same stored energy leaves more power on the AC side, which lessens
buying, or is sold, or (where selling costs and PV may be curtailed) is curtailed or stays in store.
That is never dearer if more stored energy is never worse, and it is not, as long as buying costs
something: with more in store any later plan can still be followed, only charging less.

- Tapers keep that true although a fuller battery charges more slowly. What may be in store after a
  step, U(e) = e + the taper's most, is concave in e and U(full) >= full, so where U falls it lies
  above full and does not bind; the mirror image holds for discharging near empty.
- Reserve and full charge only price missing energy; the peak's price only rises with buying.
- An operator's limit is one more constant bound.
- Losses that grow with power: to take a worse piece before a better one is full burns energy too.
  Near empty the fall of the stored energy by a taper is then no longer concave; what the relaxation
  adds is burning again.

Of the plans within `calm_eur` of the least cost `calm_plan.py` takes the one that changes least.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from optimizer.errors import InfeasibleError
from optimizer.model.battery import Battery, Line, Pieces
from optimizer.model.grid import Grid
from optimizer.planning import calm_plan, full_charge, solvers
from optimizer.planning.lp import Array, LinearProblem, LinExpr, Mask, VariableArray
from optimizer.planning.task import (
    ForecastStep,
    ProgramFacts,
    Task,
    must_recover,
)


def may_burn(task: Task) -> list[bool]:
    """In which steps charging and discharging at once could pay.

    Only when drawing power is paid for or forced, or the roof's surplus has to be sold at a loss:
    in such a step, and in all before it, where burning stored energy would make room for it.
    """
    paid = [t for t, step in enumerate(task.steps) if pays_to_use(step, task.grid)]
    paid += [t for t, _, highest_w in task.forced if highest_w < -task.battery.standby_w]
    return [t <= max(paid, default=-1) for t in range(len(task.steps))]


def pays_to_use(step: ForecastStep, grid: Grid) -> bool:
    """Return true if using up energy would pay: buying is paid, or selling costs.

    Where somebody curtails the PV nothing has to be sold at a loss.
    """
    sells_at_a_loss = step.sell < 0 and step.need_w < 0 and not grid.price_curtailment
    return step.buy < 0 or sells_at_a_loss


def may_throttle(task: Task, step: ForecastStep) -> bool:
    """Tell whether throttling more than house, grid and battery leave over could pay.

    Only where drawing is paid for or selling costs, and only where some of the PV power is left
    over at all; with price curtailment it is allowed.
    """
    if task.grid.price_curtailment or not pays_to_use(step, task.grid):
        return False
    return task.site_at(step).curtailment_limit_w(step.load_w, step.pv_w) > 0.0


def may_circle(step: ForecastStep) -> bool:
    """Return true if buying and selling at once could pay: selling pays more than buying."""
    return step.sell > step.buy


def may_wash(step: ForecastStep, grid: Grid) -> bool:
    """Return true if grid energy could enter a battery that only PV may charge.

    With a negative buying price it would pay to throttle the roof and buy what it would have
    covered, while "the roof's surplus" goes into the battery.
    """
    return step.buy < 0 and not grid.rule.grid_charging


def is_convex(task: Task) -> bool:
    """Return true if nothing needs a binary, so that program and recursion both are exact."""
    tricky = any(pays_to_use(step, task.grid) or may_circle(step) for step in task.steps)
    return not (tricky or must_recover(task))


@dataclass(frozen=True, slots=True)
class FlowVariables:
    """The variables, one a step [kW, kWh]; a flow that could only be zero is left out."""

    buy: VariableArray
    sell: VariableArray
    charge: VariableArray
    discharge: VariableArray
    curtailed: VariableArray
    overload: VariableArray
    """What is drawn above the grid's limit; only where the house alone needs that."""
    stored: VariableArray
    """Stored energy after the step."""
    shortfalls: tuple[tuple[VariableArray, Array], ...]
    """(What is missing below a level, its price [EUR/kWh])."""
    charge_parts: tuple[VariableArray, ...] = ()
    """Of `charge`, what goes beyond the first piece of the efficiency, in each further piece."""
    discharge_parts: tuple[VariableArray, ...] = ()

    def stored_wh(self) -> tuple[float, ...]:
        """Stored energy after each step in the last solution [Wh]."""
        return tuple((1000.0 * self.stored.value()).tolist())

    @property
    def bought(self) -> LinExpr:
        """All that is drawn from the grid."""
        return self.buy + self.overload

    def into_cells(self, battery: Battery, hours: Array | float = 1.0) -> LinExpr:
        """Power that arrives in the cells; energy where `hours` are given."""
        (_, best), *further = battery.charge_pieces
        pairs = zip(further, self.charge_parts, strict=True)
        lost = [(share - best) * hours * part for (_, share), part in pairs]
        return _sum([best * hours * self.charge, *lost])

    def out_of_cells(self, battery: Battery, hours: Array | float = 1.0) -> LinExpr:
        """Power that leaves the cells; energy where `hours` are given, money where a price is."""
        (_, best), *further = battery.discharge_pieces
        pairs = zip(further, self.discharge_parts, strict=True)
        lost = [(1 / share - 1 / best) * hours * part for (_, share), part in pairs]
        return _sum([hours / best * self.discharge, *lost])

    @property
    def battery(self) -> LinExpr:
        """The battery's power without its standby."""
        return self.discharge - self.charge


def _sum(parts: Sequence[LinExpr]) -> LinExpr:
    """Sum of at least one."""
    return reduce(LinExpr.__add__, parts)


def flow_variables(problem: LinearProblem, task: Task) -> FlowVariables:
    """All variables of the steps, with their constant bounds."""
    limits, standby_w, steps = task.limits, task.battery.standby_w, task.steps
    every, ceilings_wh = np.ones(len(steps)), np.array(task.ceilings_wh())
    ranges = [task.power_range(s, c) for s, c in zip(steps, ceilings_wh.tolist(), strict=True)]
    low_w, high_w = np.array(ranges).T
    over_w = task.site.buy_limit_w(task.load_w, task.pv_w) - limits.buy_w
    throttled_w = task.site.curtailment_limit_w(task.load_w, task.pv_w)

    def flow(name: str, most_w: Array, least_w: Array | float = 0.0) -> VariableArray:
        return problem.variables(name, most_w / 1000, np.maximum(least_w, 0.0) / 1000)

    least_wh, most_wh = task.stored_limits_wh()
    stored = problem.variables("stored", most_wh / 1000, least_wh / 1000)
    buy, sell = flow("buy", limits.buy_w * every), flow("sell", limits.sell_w * every)
    charge = flow("charge", -low_w - standby_w, -high_w - standby_w)
    discharge = flow("discharge", high_w + standby_w, low_w + standby_w)
    return FlowVariables(
        buy=buy,
        sell=sell,
        charge=charge,
        discharge=discharge,
        curtailed=flow("curtailed", throttled_w),
        overload=flow("overload", over_w),
        stored=stored,
        shortfalls=_shortfalls(problem, task, stored),
        charge_parts=_pieces(problem, charge, "charge", task.battery.charge_pieces),
        discharge_parts=_pieces(problem, discharge, "discharge", task.battery.discharge_pieces),
    )


def _pieces(
    problem: LinearProblem, flow: VariableArray, name: str, pieces: Pieces
) -> tuple[VariableArray, ...]:
    """Parts of a flow beyond the first piece of its efficiency, one for each further piece."""
    starts_kw = [start_w / 1000 for start_w, _ in pieces]
    sizes_kw = [end - start for start, end in pairwise([*starts_kw, np.inf])]
    parts = [
        problem.variables(f"{name}_piece_{at}", np.clip(flow.most - start, 0.0, size))
        for at, (start, size) in enumerate(zip(starts_kw, sizes_kw, strict=True))
        if at
    ]
    if parts:
        problem += (flow - _sum(parts) <= sizes_kw[0]).where(parts[0].there)
    return tuple(parts)


def _shortfalls(
    problem: LinearProblem, task: Task, stored: VariableArray
) -> tuple[tuple[VariableArray, Array], ...]:
    """Variables of the energy missing after each step, below each level that has a price."""
    result = []
    # each step has the same levels, until the program has decided on a full charge
    levels = zip(*(task.shortfalls(t) for t in range(len(task.steps))), strict=True)
    for number, priced in enumerate(levels):
        levels_wh, prices = np.array(priced).T
        missing = problem.variables(f"missing_{number}", np.full(len(levels_wh), np.inf))
        problem += stored + missing >= levels_wh / 1000
        result.append((missing, prices))
    return tuple(result)


def physics(problem: LinearProblem, task: Task, flows: FlowVariables) -> None:
    """Balance, store, tapers and inverter."""
    battery, hours = task.battery, task.hours
    need_kw = np.array([step.need_w for step in task.steps]) / 1000
    problem += (
        flows.bought - flows.sell - flows.curtailed + flows.battery
        == need_kw + battery.standby_w / 1000
    )  # fmt: skip
    first = np.arange(len(hours)) == 0
    change = flows.into_cells(battery, hours) - flows.out_of_cells(battery, hours)
    problem += flows.stored - flows.stored.before - change == first * task.start_wh / 1000
    for line in battery.charge_lines:
        _taper(problem, task, flows.charge, flows.stored, line)
    for line in battery.discharge_lines:
        _taper(problem, task, flows.discharge, flows.stored, line)
    _inverter(problem, task, flows)


def _taper(
    problem: LinearProblem, task: Task, flow: VariableArray, stored: VariableArray, line: Line
) -> None:
    """Limit a flow by a straight line over the stored energy at the step's start."""
    power_w, rise = line
    limit_kw = np.full(len(task.steps), power_w / 1000)
    limit_kw[0] = max(0.0, power_w + rise * task.start_wh) / 1000
    binds = flow.there & ((limit_kw < flow.most) | (rise != 0.0))
    problem += (flow - rise * stored.before <= limit_kw).where(binds)


def _inverter(problem: LinearProblem, task: Task, flows: FlowVariables) -> None:
    """Keep the AC side of a hybrid's inverter within its rating, where that can bind at all."""
    battery = task.battery
    pv_w = task.pv_w
    draw_w = task.site.draw_limit_w
    ac, dc_pv_w = flows.battery - flows.curtailed, pv_w - battery.standby_w
    if battery.hybrid:
        full = task.site.max_ac_w < pv_w + battery.max_discharge_w
        problem += (ac <= (task.site.max_ac_w - dc_pv_w) / 1000).where(full)
        full = draw_w < battery.max_charge_w + pv_w
        problem += (ac >= (-draw_w - dc_pv_w) / 1000).where(full)


FULL_WH = 1.0
"""A battery is full this close below its highest stored energy."""


def add_switches(problem: LinearProblem, task: Task, flows: FlowVariables) -> list[VariableArray]:
    """Forbid what only a relaxation could do."""
    burning, steps = np.array(may_burn(task)), task.steps
    circling = np.array([may_circle(step) for step in steps])
    washing = np.array([may_wash(step, task.grid) for step in steps])
    switches = [
        _either(problem, "burn", burning, flows.charge, flows.discharge),
        _either(problem, "circle", circling, flows.buy, flows.sell),
        _either(problem, "wash", washing, flows.buy, flows.charge),
        *_throttling(problem, task, flows),
        *_in_order(problem, "charge", burning, flows.charge, flows.charge_parts),
        *_in_order(problem, "discharge", burning, flows.discharge, flows.discharge_parts),
    ]
    return [*switches, _recovery(problem, task, flows)] if must_recover(task) else switches


def _either(
    problem: LinearProblem, name: str, where: Mask, one: VariableArray, other: VariableArray
) -> VariableArray:
    """Forbid two flows at once by a binary; both have finite upper bounds."""
    needed = where & one.there & other.there
    switch = problem.variables(name, needed * 1.0, whole=True)
    if needed.any():
        problem += (one - one.most * switch <= 0.0).where(needed)
        problem += (other + other.most * switch <= other.most).where(needed)
    return switch


def _in_order(
    problem: LinearProblem, name: str, where: Mask, flow: VariableArray,
    parts: tuple[VariableArray, ...],
) -> list[VariableArray]:  # fmt: skip
    """Binaries of full pieces: a worse one is used only where the one before it is full."""
    if not parts:
        return []
    size = flow.most - _sum_of_most(parts)
    switches, before = list[VariableArray](), (flow - _sum(parts), size)
    for at, part in enumerate(parts):
        needed, (piece, size) = where & part.there, before
        full = problem.variables(f"{name}_full_{at}", needed * 1.0, whole=True)
        if needed.any():
            problem += (piece - size * full >= 0.0).where(needed)
            problem += (part - part.most * full <= 0.0).where(needed)
        switches.append(full)
        before = part, part.most
    return switches


def _sum_of_most(parts: tuple[VariableArray, ...]) -> Array:
    """Sum of the upper bounds."""
    total: Array = np.sum([part.most for part in parts], axis=0)
    return total


def _throttling(problem: LinearProblem, task: Task, flows: FlowVariables) -> list[VariableArray]:
    """Binaries of what fills up before PV is throttled: the grid, a hybrid's inverter, or both.

    Where the grid is full nothing is bought. What is throttled follows from the balance, so it is
    exactly `SitePhysics.curtailed_w` of the battery's power.
    """
    steps, sell_w = task.steps, task.limits.sell_w
    where = np.array([may_throttle(task, step) for step in steps])
    pv_w = task.pv_w
    unsold_w = pv_w - task.load_w - sell_w
    blocked_w = pv_w - task.site.max_ac_w
    grid_full = problem.variables("grid_full", where & (unsold_w > 0.0), whole=True)
    inverter_full = problem.variables("inverter_full", where & (blocked_w > 0.0), whole=True)
    if not where.any():
        return []
    full = grid_full + inverter_full
    problem += (flows.curtailed - flows.curtailed.most * full <= 0.0).where(where)
    problem += (flows.sell - sell_w / 1000 * grid_full >= 0.0).where(grid_full.there)
    problem += (flows.buy + flows.buy.most * grid_full <= flows.buy.most).where(grid_full.there)
    if inverter_full.there.any():
        draw_w = task.site.draw_limit_w
        ac = flows.battery - flows.curtailed + (pv_w - task.battery.standby_w) / 1000
        rise = (task.site.max_ac_w + draw_w) / 1000
        problem += (ac - rise * inverter_full >= -draw_w / 1000).where(inverter_full.there)
    return [grid_full, inverter_full]


def _recovery(problem: LinearProblem, task: Task, flows: FlowVariables) -> VariableArray:
    """A binary a step, "back in the band": no discharge before, no relapse afterwards."""
    back = problem.variables("back", np.ones(len(task.steps)), whole=True)
    lift = (task.battery.min_wh - task.floor_wh) / 1000
    problem += flows.stored - lift * back >= task.floor_wh / 1000
    problem += flows.discharge - flows.discharge.most * back.before <= 0.0
    problem += back[1:] - back[:-1] >= 0.0
    return back


def full_charge_wh(task: Task) -> float:
    """Stored energy that counts as full [Wh]."""
    return task.battery.max_wh - FULL_WH


def full_at(task: Task, stored_wh: tuple[float, ...]) -> int | None:
    """The first step in time that ends with a full battery; None without one or without need."""
    if task.full_by is None:
        return None
    times = range(task.full_by + 1)
    return next((t for t in times if stored_wh[t] >= full_charge_wh(task)), None)


def add_full_charge(
    problem: LinearProblem, task: Task, flows: FlowVariables, times: Sequence[int]
) -> tuple[VariableArray, LinExpr]:
    """Ask for a full battery at the end of one of some steps; a binary picks it if there are more.

    Returns
    -------
    picks, cost
        A binary for each step, none for a single one; and what the picked step may miss, at its
        price [EUR], so that a full charge that is out of reach never leaves the owner without a
        plan.
    """
    stored = flows.stored[np.array(times, dtype=int)]
    missing = problem.variables("missing_full", np.full(min(1, len(times)), np.inf))
    picks = problem.variables("full", np.ones(len(times) if len(times) > 1 else 0), whole=True)
    floor, full = task.floor_wh / 1000, task.battery.max_wh / 1000
    if len(times) == 1:
        problem += stored + missing >= full
    elif times:
        at_each = missing[[0] * len(times)]
        problem += stored + at_each - (full - floor) * picks >= floor
        problem += picks.total() == 1.0
    return picks, task.full_charge_eur_per_kwh * missing.total()


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
    decided: ProgramFacts


def _peaks(
    problem: LinearProblem, task: Task, flows: FlowVariables
) -> tuple[VariableArray, LinExpr]:
    """A variable for the peak of each period [kW], none without a price; and what they cost."""
    periods = range(0 if task.peak is None else max(task.periods) + 1)
    free_kw = np.array([task.free_peak_w(period) for period in periods]) / 1000
    peaks = problem.variables("peak", np.full(len(periods), np.inf), free_kw)
    if task.peak is None:
        return peaks, peaks.total()
    counted = np.array([task.peak.counts(step.start) for step in task.steps])
    problem += (flows.bought - peaks[list(task.periods)] <= 0.0).where(counted)
    return peaks, (peaks - free_kw).total() * task.peak.eur_per_kw


def _left(problem: LinearProblem, task: Task, flows: FlowVariables) -> LinExpr:
    """Value of the stored energy at the end [EUR], in parts of falling marginal value."""
    stored = flows.stored[-1]
    segments = task.end_segments(0.0, 1000 * float(stored.most[0]))
    if len(segments) == 1:
        return stored * segments[0][0]
    marginal_values, sizes = np.array(segments).T
    parts = problem.variables("left", sizes)
    problem += stored - parts.total() == 0.0
    marginal_value: LinExpr = (marginal_values * parts).total()
    return marginal_value


def _cost(task: Task, flows: FlowVariables) -> LinExpr:
    """The objective's part of single steps [EUR]: bill, wear, penalties."""
    buy_price = np.array([step.buy for step in task.steps])
    sell_price = np.array([step.sell for step in task.steps])
    wear = flows.out_of_cells(task.battery, task.battery.wear_eur_per_kwh)
    bill = buy_price * flows.buy - sell_price * flows.sell
    overload = (buy_price + task.overload_eur_per_kwh) * flows.overload
    cost: LinExpr = (task.hours * (bill + overload + wear)).total()
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
    chosen = engine or solvers.solver()
    built = _proved(task, chosen, ())
    full, full_wh = full_at(task, built.flows.stored_wh()), full_charge_wh(task)
    if task.full_by is not None and full is None:
        built, full = _with_full_charge(task, chosen)
        full_wh = task.battery.max_wh
    stored_wh = built.flows.stored_wh()
    binaries = sum(int(series.there.sum()) for series in built.binaries)
    gap = solvers.gap_eur(built.problem, built.objective_eur, binaries=binaries > 0)
    if full is not None:
        kept_wh = min(stored_wh[full], full_charge_wh(task))
        built.problem += built.flows.stored[full] >= kept_wh / 1000
    calmed = calm_plan.settle(built.problem, task, built.flows, built.binaries, built.cost)
    stored_wh = calmed or stored_wh
    peaks_w = tuple((1000.0 * built.peaks.value()).tolist())
    if full_wh < task.battery.max_wh:  # it comes by itself, in the calm plan perhaps earlier
        full = full_at(task, stored_wh)
    decided = ProgramFacts(peaks_w, full, full_wh)
    return Solution(stored_wh, built.objective_eur, chosen[1], binaries, gap, decided)


@dataclass(slots=True)
class _Built:
    """The program, solved to its least cost."""

    problem: LinearProblem
    flows: FlowVariables
    binaries: list[VariableArray]
    picks: VariableArray
    peaks: VariableArray
    cost: LinExpr
    objective_eur: float


def _proved(task: Task, engine: tuple[Any, str], full_times: Sequence[int]) -> _Built:
    """Build the program, with a full charge at one of some steps if there are any, and solve it."""
    problem = solvers.new_problem(engine[0])
    steps = flow_variables(problem, task)
    physics(problem, task, steps)
    binaries = add_switches(problem, task, steps)
    peaks, peaks_eur = _peaks(problem, task, steps)
    picks, missed_eur = add_full_charge(problem, task, steps, full_times)
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
    least = built.objective_eur - OPEN_EUR * task.money_size
    open_times = [t for t, eur in enumerate(bounds) if eur < least]
    if not open_times:
        return built, best
    times = sorted({best, *open_times})
    built = _proved(task, engine, times)
    picked = np.flatnonzero(built.picks.value() > 0.5).tolist()
    return built, times[picked[0]] if picked else times[0]
