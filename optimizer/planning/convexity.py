"""Where a linear relaxation of the plan could cheat: what `switches.py` forbids, and only there.

Everywhere else program and recursion are exact without a binary.
"""

from optimizer.model.grid import Grid
from optimizer.planning.task import ForecastStep, Task, must_recover


def may_burn(task: Task) -> list[bool]:
    """In which steps charging and discharging at once could pay.

    Only when drawing power is paid for or forced, or the roof's surplus has to be sold at a loss:
    in such a step, and in all before it, where burning stored energy would make room for it.
    """
    paid = [t for t, step in enumerate(task.steps) if pays_to_use(step, task.grid)]
    paid += [t for t, _, highest_w in task.forced if highest_w < -task.battery.standby_w]
    return [t <= max(paid, default=-1) for t in range(len(task.steps))]


def pays_to_use(step: ForecastStep, grid: Grid) -> bool:
    """Whether using up energy for nothing would pay: drawing is paid, or selling costs.

    Where somebody rests the roof nothing has to be sold at a loss.
    """
    sells_at_a_loss = step.sell < 0 and step.need_w < 0 and not grid.rests_roof
    return step.buy < 0 or sells_at_a_loss


def may_circle(step: ForecastStep) -> bool:
    """Whether buying and selling at once could pay: only when selling pays more than buying."""
    return step.sell > step.buy


def may_wash(step: ForecastStep, grid: Grid) -> bool:
    """Whether grid energy could enter a battery that only the roof may charge.

    With a negative buying price it would pay to throttle the roof and buy what it would have
    covered, while "the roof's surplus" goes into the battery.
    """
    return step.buy < 0 and not grid.rule.grid_charging


def is_convex(task: Task) -> bool:
    """Whether nothing needs a binary, so that program and recursion both are exact."""
    tricky = any(pays_to_use(step, task.grid) or may_circle(step) for step in task.steps)
    return not (tricky or must_recover(task))
