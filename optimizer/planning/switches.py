"""Binaries, only in the steps where the linear relaxation could cheat.

Why they are not needed elsewhere. Take a plan that charges and discharges at once, with no paid
drawing and no selling at a loss from this step on. Doing less of both for the same stored energy
leaves more power on the AC side, which lessens buying, or is sold, or (where selling costs and
somebody rests the roof) throttles it or stays in store. That is never dearer if *more stored energy
is never worse*, and it is not, as long as buying costs something: with more in store any later plan
can still be followed, only charging less.

- Tapers keep that true although a fuller battery charges more slowly. What may be in store after a
  step, U(e) = e + the taper's most, is concave in e and U(full) >= full, so where U falls it lies
  above full and does not bind; the mirror image holds for discharging near empty.
- Reserve and full charge only price missing energy; the peak's price only rises with buying.
- Dimming is one more constant bound.

Buying and selling at once is a gain only where selling pays more than buying costs.
"""

from collections.abc import Sequence
from typing import Any

from optimizer.planning.convexity import may_burn, may_circle, may_wash
from optimizer.planning.engines import linear
from optimizer.planning.flows import Flow
from optimizer.planning.task import FULL_CHARGE_EUR_PER_KWH, Task, must_recover

FULL_WH = 1.0
"""A battery is full this close below its highest stored energy."""


def add_switches(problem: Any, task: Task, flows: list[Flow]) -> list[Any]:
    """Forbid what only a relaxation could do."""
    switches, burning = [], may_burn(task)
    for t, (step, flow) in enumerate(zip(task.steps, flows, strict=True)):
        if burning[t]:
            switches.append(_either(problem, f"burn_{t}", flow.charge, flow.discharge))
        if may_circle(step):
            switches.append(_either(problem, f"circle_{t}", flow.buy, flow.sell))
        if may_wash(step, task.grid):
            switches.append(_either(problem, f"wash_{t}", flow.buy, flow.charge))
    return switches + (_recovery(problem, task, flows) if must_recover(task) else [])


def _either(problem: Any, name: str, one: Any, other: Any) -> Any:
    """Forbid two flows at once by a binary; both have finite upper bounds."""
    switch = problem.add_variable(name, 0, 1, "Binary")
    problem += linear([(one, 1.0), (switch, -(one.upBound or 0.0))]) <= 0
    problem += linear([(other, 1.0), (switch, other.upBound or 0.0)]) <= (other.upBound or 0.0)
    return switch


def _recovery(problem: Any, task: Task, flows: list[Flow]) -> list[Any]:
    """A binary a step, "back in the band": no discharge before, no relapse afterwards."""
    back = [problem.add_variable(f"back_{t}", 0, 1, "Binary") for t in range(len(flows))]
    lift = (task.battery.min_wh - task.floor_wh) / 1000
    for t, flow in enumerate(flows):
        problem += linear([(flow.stored, 1.0), (back[t], -lift)]) >= task.floor_wh / 1000
        before = [] if t == 0 else [(back[t - 1], -(flow.discharge.upBound or 0.0))]
        problem += linear([(flow.discharge, 1.0), *before]) <= 0
        if t > 0:
            problem += linear([(back[t], 1.0), (back[t - 1], -1.0)]) >= 0
    return back


def full_wh(task: Task) -> float:
    """Stored energy that counts as full [Wh]."""
    return task.battery.max_wh - FULL_WH


def full_at(task: Task, stored_wh: tuple[float, ...]) -> int | None:
    """The first step in time that ends with a full battery; None without one or without need."""
    if task.full_by is None:
        return None
    times = range(task.full_by + 1)
    return next((t for t in times if stored_wh[t] >= full_wh(task)), None)


def add_full_charge(
    problem: Any, task: Task, flows: list[Flow], times: Sequence[int]
) -> tuple[list[Any], list[tuple[Any, float]]]:
    """Ask for a full battery at the end of one of some steps; a binary picks it if there are more.

    Returns
    -------
    picks, terms
        A binary for each step, none for a single one; and the objective's terms: what the picked
        step may miss [kWh], at a price, so that a full charge that is out of reach never leaves
        the owner without a plan.
    """
    if not times:
        return [], []
    missing = problem.add_variable("missing_full", 0, None)
    floor, full = task.floor_wh / 1000, task.battery.max_wh / 1000
    if len(times) == 1:
        problem += linear([(flows[times[0]].stored, 1.0), (missing, 1.0)]) >= full
        return [], [(missing, FULL_CHARGE_EUR_PER_KWH)]
    picks = [problem.add_variable(f"full_{t}", 0, 1, "Binary") for t in times]
    for t, pick in zip(times, picks, strict=True):
        problem += linear([(flows[t].stored, 1.0), (missing, 1.0), (pick, floor - full)]) >= floor
    problem += linear([(pick, 1.0) for pick in picks]) == 1
    return picks, [(missing, FULL_CHARGE_EUR_PER_KWH)]
