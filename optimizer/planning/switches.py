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

import numpy as np

from optimizer.planning.convexity import may_burn, may_circle, may_wash
from optimizer.planning.flows import Flows
from optimizer.planning.task import FULL_CHARGE_EUR_PER_KWH, Task, must_recover
from optimizer.planning.words import Mask, Problem, Series, Sum

FULL_WH = 1.0
"""A battery is full this close below its highest stored energy."""


def add_switches(problem: Problem, task: Task, flows: Flows) -> list[Series]:
    """Forbid what only a relaxation could do."""
    burning, steps = np.array(may_burn(task)), task.steps
    circling = np.array([may_circle(step) for step in steps])
    washing = np.array([may_wash(step, task.grid) for step in steps])
    switches = [
        _either(problem, "burn", burning, flows.charge, flows.discharge),
        _either(problem, "circle", circling, flows.buy, flows.sell),
        _either(problem, "wash", washing, flows.buy, flows.charge),
    ]
    return [*switches, _recovery(problem, task, flows)] if must_recover(task) else switches


def _either(problem: Problem, name: str, where: Mask, one: Series, other: Series) -> Series:
    """Forbid two flows at once by a binary; both have finite upper bounds."""
    needed = where & one.there & other.there
    switch = problem.variables(name, needed * 1.0, whole=True)
    if needed.any():
        problem += (one - one.most * switch <= 0.0).where(needed)
        problem += (other + other.most * switch <= other.most).where(needed)
    return switch


def _recovery(problem: Problem, task: Task, flows: Flows) -> Series:
    """A binary a step, "back in the band": no discharge before, no relapse afterwards."""
    back = problem.variables("back", np.ones(len(task.steps)), whole=True)
    lift = (task.battery.min_wh - task.floor_wh) / 1000
    problem += flows.stored - lift * back >= task.floor_wh / 1000
    problem += flows.discharge - flows.discharge.most * back.before <= 0.0
    problem += back[1:] - back[:-1] >= 0.0
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
    problem: Problem, task: Task, flows: Flows, times: Sequence[int]
) -> tuple[Series, Sum]:
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
    return picks, FULL_CHARGE_EUR_PER_KWH * missing.total()
