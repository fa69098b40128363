"""One step's cost at a battery power by plain arithmetic: the oracle of `step_options.py`.

Written without `model/site.py` on purpose.
"""

import itertools

from optimizer.planning.task import OVERLOAD_EUR_PER_KWH

CLOSE_W = 1e-6


def _limits(task, step):
    """Inverter rating, draw, most bought and most curtailed [W]."""
    battery, grid = task.battery, task.grid
    rating = battery.max_ac_w if battery.hybrid else float("inf")
    buy_w, sell_w, draw_w = grid.limits(step.start, step.end)
    draw = min(rating, max(draw_w, battery.standby_w))
    idle_w = step.load_w + battery.standby_w - min(step.pv_w, rating + battery.standby_w)
    bought = max(buy_w, idle_w)
    excess = max(step.pv_w - step.load_w - sell_w, step.pv_w - battery.standby_w - rating)
    curtailed = min(step.pv_w, excess) if excess > CLOSE_W else 0.0
    return rating, draw, bought, step.pv_w if grid.price_curtailment else curtailed


def _least_curtailed(task, step, battery_w, rating):
    ac_w = battery_w + step.pv_w
    sell_w = task.grid.limits(step.start, step.end).sell_w
    excess = max(ac_w - step.load_w - sell_w, ac_w - rating)
    return excess if excess > CLOSE_W else 0.0


def _bill(task, step, grid_w):
    overload_w = max(0.0, grid_w - task.grid.limits(step.start, step.end).buy_w)
    bill = grid_w * (step.buy if grid_w > 0 else step.sell) + overload_w * OVERLOAD_EUR_PER_KWH
    peak = 0.0
    if task.peak is not None:
        peak = max(0.0, grid_w - task.decided_peak_w(step)) / 1000 * task.peak.eur_per_kw
    return bill * step.hours / 1000 + peak


def grid_and_curtailment(task, step, battery_w):
    """Grid power and curtailed PV power that cost least [W]; None if none is possible."""
    rating, draw, bought, most_curtailed = _limits(task, step)
    ac_w = battery_w + step.pv_w
    balanced = ac_w - step.load_w
    least = _least_curtailed(task, step, battery_w, rating)
    most = min(
        most_curtailed, ac_w + (draw if task.battery.hybrid else float("inf")), balanced + bought
    )
    if least > most + CLOSE_W:
        return None
    if not task.grid.price_curtailment:
        return least - balanced, least
    if battery_w < -task.battery.standby_w - CLOSE_W and not task.grid.rule.grid_charging:
        most = max(least, min(most, balanced))
    buy_w = task.grid.limits(step.start, step.end).buy_w
    peak_w = min(task.decided_peak_w(step), buy_w)
    tries = (least, balanced, balanced + buy_w, balanced + peak_w, most)
    curtailed_w = min(
        (max(least, min(w, most)) for w in tries),
        key=lambda w: (_bill(task, step, w - balanced), w),
    )
    return curtailed_w - balanced, curtailed_w


def step_cost(task, step, battery_w):
    """Least bill, wear and overload price at a battery power [EUR]; None if it is impossible."""
    outcome = grid_and_curtailment(task, step, battery_w)
    if outcome is None:
        return None
    cells_w = max(0.0, battery_w + task.battery.standby_w) / task.battery.discharge_efficiency
    wear = cells_w * step.hours / 1000 * task.battery.wear_eur_per_kwh
    return _bill(task, step, outcome[0]) + wear


def _kinks(task, step, ceiling_wh):
    low, high = task.power_range(step, ceiling_wh)
    rating, draw, bought, _ = _limits(task, step)
    peak, need, grid = task.decided_peak_w(step), step.need_w, task.grid
    candidates = {
        low, high, -task.battery.standby_w, need, step.load_w,
        need + grid.max_sell_w, step.load_w + grid.max_sell_w,
        need - grid.max_buy_w, step.load_w - grid.max_buy_w, need - bought, step.load_w - bought,
        rating - step.pv_w, rating, -draw, -draw - step.pv_w, need - peak, step.load_w - peak,
    }  # fmt: skip
    return sorted(w for w in candidates if low <= w <= high)


def options(task, step, ceiling_wh):
    """Segments from full discharge to full charge, most out and most in [EUR/kWh, kWh]."""
    points = []
    for battery_w in _kinks(task, step, ceiling_wh):
        cost = step_cost(task, step, battery_w)
        if cost is not None:
            points.append((task.battery.stored_after(0.0, battery_w, step.hours) / 1000, cost))
    assert points
    points.reverse()
    segments = [
        ((cost_b - cost_a) / (b - a), b - a)
        for (a, cost_a), (b, cost_b) in itertools.pairwise(points)
        if b - a > 1e-12
    ]
    return segments, -points[0][0], points[-1][0]
