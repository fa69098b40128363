r"""The linear program: which battery power in each step makes the bill smallest.

With h the length of a step in hours, all powers in kW and energies in kWh:

    minimise   sum over steps of  h (buy_price * buy - sell_price * sell)      the bill
                                + wear * h * discharge / discharge_efficiency
                                + penalties (overload, below the band)
               - end_value * stored at the end

    balance    buy + overload - sell + battery + roof - curtailed = load
    battery    battery = discharge - charge - standby
    store      stored = stored before + h (charge_efficiency * charge
                                           - discharge / discharge_efficiency)
    inverter   -max_ac <= battery + roof - curtailed <= max_ac                 (hybrids)
    bounds     of device, grid and legal rule, each constant per step

It is exact: buying and selling, or charging and discharging, at once never pays, except where
drawing power is paid for (or will be: room for it) or where selling pays more than buying costs,
and a battery below its band may not be discharged before it is back. Only there are binaries.
Ties go to own use, now: a second solve at the same cost takes the least grid flow, early steps
first.
What leaves this room is the path of the stored energy: the powers follow from it by physics, so
that energy burnt in a free step (charging and discharging at once costs nothing there) is not.

PuLP 3 and 4 share only part of their interface; what is used here works on both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pulp

from optimizer.errors import InfeasibleError
from optimizer.planning import highs
from optimizer.planning.task import (
    OVERLOAD_EUR_PER_KWH,
    RECOVERY_EUR_PER_KWH_H,
    Task,
    may_burn,
    may_circle,
    may_wash,
    must_recover,
)

TIE_TOLERANCE_EUR = 1e-7
"""What the second solve may cost more than the first."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The program's answer."""

    stored_wh: tuple[float, ...]
    """Stored energy after each step; battery power and all else follow from it by physics."""
    objective_eur: float
    """Bill plus wear plus penalties minus the worth of the energy left."""
    solver: str
    binaries: int
    """How many binaries were needed."""


@dataclass(frozen=True, slots=True)
class _Step:
    """The variables of one step [kW, kWh]."""

    buy: Any
    sell: Any
    charge: Any
    discharge: Any
    curtailed: Any
    stored: Any
    overload: Any
    shortfall: Any


def solver() -> tuple[Any, str]:
    """The first available of HiGHS and CBC, with its name and version."""
    engine = highs.HiGHS(
        msg=False,
        threads=1,
        gapAbs=0.0,
        gapRel=0.0,
        primal_feasibility_tolerance=1e-9,
        dual_feasibility_tolerance=1e-9,
    )
    if engine.available():
        return engine, f"HiGHS {version('highspy')}"
    cbc = cbc_solver()
    if cbc is not None:
        return cbc, f"CBC (PuLP {pulp.__version__})"
    raise InfeasibleError("no solver is installed: 'pip install highspy' brings one")


def cbc_solver() -> Any | None:
    """CBC from the PATH, or the one that PuLP 3 brings, or None."""
    bundled = getattr(getattr(pulp.apis, "coin_api", None), "pulp_cbc_path", None)
    for path in (None, bundled):
        cbc = pulp.COIN_CMD(path=path, msg=False, threads=1, gapRel=0.0, gapAbs=0.0)
        if cbc.available():
            return cbc
    return None


# PuLP 4 builds expressions by a factory, PuLP 3 by the class itself.
_expression = getattr(pulp.LpAffineExpression, "from_list", pulp.LpAffineExpression)


def _linear(terms: Iterable[tuple[Any, float]]) -> Any:
    """A linear expression; zero coefficients are left out."""
    parts = [(var, factor) for var, factor in terms if factor != 0.0]
    # `direct.py` has its own kind of variables, and expressions to go with them.
    make = getattr(parts[0][0], "linear", _expression) if parts else _expression
    return make(parts)


def _problem(engine: Any) -> Any:
    """An empty problem of minimisation, of the engine's own kind if it has one."""
    make = getattr(engine, "new_problem", None)
    return pulp.LpProblem("plan", pulp.LpMinimize) if make is None else make()


def _flow(problem: Any, name: str, least_w: float, most_w: float) -> Any:
    """One direction of the battery's power, within bounds of which the negative part is cut off."""
    return problem.add_variable(name, max(0.0, least_w) / 1000, max(0.0, most_w) / 1000)


def _variables(problem: Any, task: Task) -> list[_Step]:
    """Variables with their constant bounds, a _Step each."""
    grid, standby_w, add = task.grid, task.battery.standby_w, problem.add_variable
    below = must_recover(task)
    result = []
    for t, (step, ceiling_wh) in enumerate(zip(task.steps, task.ceilings_wh(), strict=True)):
        low, high = task.lowest_w(step, ceiling_wh), task.battery_range(step)[1]
        over_w = task.buy_limit_w(step) - grid.max_buy_w
        result.append(
            _Step(
                buy=add(f"buy_{t}", 0, grid.max_buy_w / 1000),
                sell=add(f"sell_{t}", 0, grid.max_sell_w / 1000),
                charge=_flow(problem, f"charge_{t}", -high - standby_w, -low - standby_w),
                discharge=_flow(problem, f"discharge_{t}", low + standby_w, high + standby_w),
                curtailed=add(f"curtailed_{t}", 0, step.pv_w / 1000),
                stored=add(f"stored_{t}", task.floor_wh / 1000, ceiling_wh / 1000),
                overload=add(f"overload_{t}", 0, over_w / 1000) if over_w > 0 else None,
                shortfall=add(f"shortfall_{t}", 0, None) if below else None,
            )
        )
    return result


def _physics(problem: Any, task: Task, flows: list[_Step]) -> None:
    """Balance, store and inverter: what no price can change."""
    battery, standby = task.battery, task.battery.standby_w / 1000
    before: Any = None
    for step, flow in zip(task.steps, flows, strict=True):
        battery_terms = [(flow.discharge, 1.0), (flow.charge, -1.0)]
        over = [] if flow.overload is None else [(flow.overload, 1.0)]
        balance = [(flow.buy, 1.0), (flow.sell, -1.0), (flow.curtailed, -1.0), *over]
        problem += _linear(balance + battery_terms) == step.need_w / 1000 + standby
        stored = [
            (flow.stored, 1.0),
            (flow.charge, -battery.charge_efficiency * step.hours),
            (flow.discharge, step.hours / battery.discharge_efficiency),
        ]
        if before is None:
            problem += _linear(stored) == task.start_wh / 1000
        else:
            problem += _linear([*stored, (before, -1.0)]) == 0
        before = flow.stored
        roof = step.pv_w / 1000 - standby
        if task.max_ac_w < step.pv_w + battery.max_discharge_w:
            ac = _linear([*battery_terms, (flow.curtailed, -1.0)])
            problem += ac <= task.max_ac_w / 1000 - roof
        if task.max_ac_w < battery.max_charge_w + step.pv_w:
            ac = _linear([*battery_terms, (flow.curtailed, -1.0)])
            problem += ac >= -task.max_ac_w / 1000 - roof
        if flow.shortfall is not None:
            problem += _linear([(flow.stored, 1.0), (flow.shortfall, 1.0)]) >= battery.min_wh / 1000


def _cost(task: Task, flows: list[_Step]) -> Any:
    """The objective: bill, wear, penalties, minus the worth of the energy left [EUR]."""
    terms: list[tuple[Any, float]] = [(flows[-1].stored, -task.end_value)]
    wear = task.battery.wear_eur_per_kwh / task.battery.discharge_efficiency
    for step, flow in zip(task.steps, flows, strict=True):
        terms += [(flow.buy, step.buy * step.hours), (flow.sell, -step.sell * step.hours)]
        terms.append((flow.discharge, wear * step.hours))
        if flow.overload is not None:
            terms.append((flow.overload, (step.buy + OVERLOAD_EUR_PER_KWH) * step.hours))
        if flow.shortfall is not None:
            terms.append((flow.shortfall, RECOVERY_EUR_PER_KWH_H * step.hours))
    return _linear(terms)


def _either(problem: Any, name: str, one: Any, other: Any) -> Any:
    """Forbid two flows at once by a binary; both have finite upper bounds."""
    switch = problem.add_variable(name, 0, 1, "Binary")
    problem += _linear([(one, 1.0), (switch, -(one.upBound or 0.0))]) <= 0
    problem += _linear([(other, 1.0), (switch, other.upBound or 0.0)]) <= (other.upBound or 0.0)
    return switch


def _binaries(problem: Any, task: Task, flows: list[_Step]) -> list[Any]:
    """Binaries in the steps where the relaxation could cheat."""
    switches, burning = [], may_burn(task)
    for t, (step, flow) in enumerate(zip(task.steps, flows, strict=True)):
        if burning[t]:
            switches.append(_either(problem, f"burn_{t}", flow.charge, flow.discharge))
        if may_circle(step):
            switches.append(_either(problem, f"circle_{t}", flow.buy, flow.sell))
        if may_wash(step, task.grid):
            switches.append(_either(problem, f"wash_{t}", flow.buy, flow.charge))
    return switches + (_recovery(problem, task, flows) if must_recover(task) else [])


def _recovery(problem: Any, task: Task, flows: list[_Step]) -> list[Any]:
    """A binary a step, "back in the band": no discharge before, no relapse afterwards."""
    back = [problem.add_variable(f"back_{t}", 0, 1, "Binary") for t in range(len(flows))]
    lift = (task.battery.min_wh - task.floor_wh) / 1000
    for t, flow in enumerate(flows):
        problem += _linear([(flow.stored, 1.0), (back[t], -lift)]) >= task.floor_wh / 1000
        before = [] if t == 0 else [(back[t - 1], -(flow.discharge.upBound or 0.0))]
        problem += _linear([(flow.discharge, 1.0), *before]) <= 0
        if t > 0:
            problem += _linear([(back[t], 1.0), (back[t - 1], -1.0)]) >= 0
    return back


def _preference(task: Task, flows: list[_Step]) -> Any:
    """What to prefer among plans of the same cost: own use, now, and no burning of energy.

    A kWh at the grid (or throttled) weighs 2 at the start and 1 at the end. The weight of moving a
    kWh through the battery is just above what burning one could save of that.
    """
    terms: list[tuple[Any, float]] = []
    round_trip = task.battery.charge_efficiency * task.battery.discharge_efficiency
    throughput = 1.1 * (1 / round_trip - 1) + 0.01
    for t, (step, flow) in enumerate(zip(task.steps, flows, strict=True)):
        weight = (2 - t / len(flows)) * step.hours
        terms += [(var, weight) for var in (flow.buy, flow.sell, flow.curtailed)]
        terms += [(var, throughput * step.hours) for var in (flow.charge, flow.discharge)]
    return _linear(terms)


def _run(problem: Any, engine: Any) -> bool:
    """Solve; true if the optimum is proved."""
    result = problem.solve(engine)
    status = getattr(result, "status", result)
    return bool(status == 1 and getattr(problem, "sol_status", 1) == 1)


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
        If the solver proves no optimum. Overload and recovery are priced, so no bound of the
        owner's can cause it; the text names the solver.
    """
    chosen, name = engine or solver()
    problem = _problem(chosen)
    flows = _variables(problem, task)
    _physics(problem, task, flows)
    switches = _binaries(problem, task, flows)
    cost = _cost(task, flows)
    problem += cost
    if not _run(problem, chosen):
        raise InfeasibleError(f"{name} proved no optimum for {len(task.steps)} steps")
    objective, stored = float(cost.value()), _stored(flows)
    if _settle_ties(problem, chosen, task, flows, switches, cost):
        stored = _stored(flows)
    return Solution(stored, objective, name, len(switches))


def _stored(flows: list[_Step]) -> tuple[float, ...]:
    return tuple(1000.0 * flow.stored.value() for flow in flows)


def _settle_ties(
    problem: Any, engine: Any, task: Task, flows: list[_Step], switches: list[Any], cost: Any
) -> bool:
    """Solve again for the preferred plan at the same cost; true if the variables hold it now."""
    most = float(cost.value()) + TIE_TOLERANCE_EUR
    for switch in switches:
        decided = round(switch.value() or 0.0)
        problem += _linear([(switch, 1.0)]) == decided
    problem += cost <= most
    problem.setObjective(_preference(task, flows))
    return _run(problem, engine)
