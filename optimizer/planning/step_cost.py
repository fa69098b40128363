"""What one step costs at a given battery power, and what it can do with stored energy."""

import itertools

from optimizer.errors import InfeasibleError
from optimizer.planning.task import OVERLOAD_EUR_PER_KWH, ForecastStep, Task

Segment = tuple[float, float]
"""(worth or marginal cost [EUR/kWh], length [kWh] of stored energy)."""

Choices = tuple[list[Segment], float, float]
"""What `options` returns."""


def grid_and_curtailment(
    task: Task, step: ForecastStep, battery_w: float
) -> tuple[float, float] | None:
    """Grid power and throttled roof power that cost least at this battery power [W].

    None if no throttling makes the battery power possible.
    """
    ac_w = battery_w + step.pv_w
    balanced = ac_w - step.load_w
    least = max(0.0, balanced - task.grid.max_sell_w, ac_w - task.max_ac_w)
    draw_w = task.max_draw_w(step) if task.battery.hybrid else float("inf")
    most = min(task.throttle_limit_w(step), ac_w + draw_w, balanced + task.buy_limit_w(step))
    if least > most + 1e-6:
        return None
    charging = battery_w < -task.battery.standby_w - 1e-6
    if charging and not task.grid.rule.grid_charging:
        # What a throttled roof no longer covers would be bought, "the roof's surplus" stored.
        most = max(least, min(most, balanced))
    peak_w = min(task.decided_peak_w(step), task.grid.max_buy_w)
    tries = (least, balanced, balanced + task.grid.max_buy_w, balanced + peak_w, most)
    curtailed_w = min(
        (max(least, min(w, most)) for w in tries),
        key=lambda w: (_bill(task, step, w - balanced), w),
    )
    return curtailed_w - balanced, curtailed_w


def _bill(task: Task, step: ForecastStep, grid_w: float) -> float:
    """Bill, overload price and price of a peak above the decided one, at a grid power [EUR]."""
    overload_w = max(0.0, grid_w - task.grid.max_buy_w)
    bill = grid_w * (step.buy if grid_w > 0 else step.sell) + overload_w * OVERLOAD_EUR_PER_KWH
    return bill * step.hours / 1000 + excess_eur(task, step, grid_w)


def excess_eur(task: Task, step: ForecastStep, grid_w: float) -> float:
    """What a step costs that draws more than its period's decided peak [EUR].

    Each step for itself, as if it alone set the new peak; that several would share it is beyond a
    recursion. At the peak that is best none of them goes above, so the money is exact.
    """
    if task.peak is None:
        return 0.0
    return max(0.0, grid_w - task.decided_peak_w(step)) / 1000 * task.peak.eur_per_kw


def step_cost(task: Task, step: ForecastStep, battery_w: float) -> float | None:
    """Least bill, wear and overload price of a step at this battery power [EUR]."""
    outcome = grid_and_curtailment(task, step, battery_w)
    if outcome is None:
        return None
    grid_w, _ = outcome
    cells_w = max(0.0, battery_w + task.battery.standby_w) / task.battery.discharge_efficiency
    wear = cells_w * step.hours / 1000 * task.battery.wear_eur_per_kwh
    return _bill(task, step, grid_w) + wear


def _kinks(task: Task, step: ForecastStep, ceiling_wh: float) -> list[float]:
    """Battery powers between which the step's cost is a straight line, rising [W]."""
    low, high = task.power_range(step, ceiling_wh)
    limit, draw = task.buy_limit_w(step), task.max_draw_w(step)
    peak = task.decided_peak_w(step)
    need, grid, ac = step.need_w, task.grid, task.max_ac_w
    candidates = {
        low, high, -task.battery.standby_w, need, step.load_w,
        need + grid.max_sell_w, step.load_w + grid.max_sell_w,
        need - grid.max_buy_w, step.load_w - grid.max_buy_w, need - limit, step.load_w - limit,
        ac - step.pv_w, ac, -draw, -draw - step.pv_w, need - peak, step.load_w - peak,
    }  # fmt: skip
    return sorted(w for w in candidates if low <= w <= high)


def options(task: Task, step: ForecastStep, ceiling_wh: float) -> Choices:
    """What a step can do with stored energy.

    Returns
    -------
    segments
        (Marginal cost per stored kWh, length), from full discharge to full charge.
    most_out, most_in
        Largest fall and rise of the stored energy in the step [kWh]; negative where a forced band
        leaves only the other direction.

    Raises
    ------
    InfeasibleError
        If no battery power in the step's range is possible.
    """
    points = []
    for battery_w in _kinks(task, step, ceiling_wh):
        cost = step_cost(task, step, battery_w)
        if cost is not None:
            change = task.battery.stored_after(0.0, battery_w, step.hours) / 1000
            points.append((change, cost))
    if not points:
        raise InfeasibleError(f"no battery power is possible in the step at {step.start}")
    points.reverse()
    segments = [
        ((cost_b - cost_a) / (b - a), b - a)
        for (a, cost_a), (b, cost_b) in itertools.pairwise(points)
        if b - a > 1e-12
    ]
    return segments, -points[0][0], points[-1][0]
