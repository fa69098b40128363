"""An independent look at a finished plan: balance, physics, bounds and money, from its own text.

Nothing of the program is used here, only the stored figures, the battery's physics and the limits.
"""

from functools import partial
from math import fsum

from optimizer.errors import OptimizerError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Plan, Step, check_contiguous, iso
from optimizer.model.tariff import Peak

POWER_TOLERANCE_W = 1.0
ENERGY_TOLERANCE_WH = 1.0
MONEY_TOLERANCE_EUR = 0.001


def _bounds(
    step: Step, battery: Battery, grid: Grid, before_wh: float, overload: bool
) -> list[str]:
    """Bounds that a step breaks."""
    rule_low, rule_high = grid.battery_limits(step.need_w)
    into_w, out_w = battery.taper_w(before_wh)
    buy_w, sell_w, draw_w = grid.limits(step.start, step.end)
    draw_w = max(draw_w, battery.standby_w)
    device_low = -min(battery.max_charge_w, into_w + battery.standby_w)
    low = min(max(device_low, rule_low), -battery.standby_w)
    high = min(battery.max_discharge_w, out_w - battery.standby_w, rule_high)
    limits = {
        "battery_w": (step.battery_w, low if battery.hybrid else max(low, -draw_w), high),
        "curtailed_w": (step.curtailed_w, 0.0, _most_throttled_w(step, battery, grid)),
        "grid_w": (
            step.grid_w, -sell_w, float("inf") if overload else buy_w,
        ),
    }  # fmt: skip
    if battery.hybrid:
        limits["ess_w"] = (step.ess_w, -min(battery.max_ac_w, draw_w), battery.max_ac_w)
    return [
        f"{name} {value:.0f} W is outside {least:.0f} to {most:.0f} W"
        for name, (value, least, most) in limits.items()
        if not least - POWER_TOLERANCE_W <= value <= most + POWER_TOLERANCE_W
    ]


def _most_throttled_w(step: Step, battery: Battery, grid: Grid) -> float:
    """PV power that may be throttled: without price curtailment what nothing can take [W]."""
    if grid.price_curtailment:
        return step.pv_w
    surplus_w = step.battery_w + step.pv_w - step.load_w
    over_inverter_w = step.battery_w + step.pv_w - battery.max_ac_w if battery.hybrid else 0.0
    unsold_w = surplus_w - grid.limits(step.start, step.end).sell_w
    return min(step.pv_w, max(0.0, unsold_w, over_inverter_w))


def _physics(step: Step, battery: Battery, before_wh: float, start_wh: float) -> list[str]:
    """Laws that a step breaks."""
    faults = []
    balance = step.grid_w + step.battery_w + step.pv_w - step.curtailed_w - step.load_w
    if abs(balance) > POWER_TOLERANCE_W:
        faults.append(f"the powers do not balance by {balance:.1f} W")
    expected = battery.stored_after(before_wh, step.battery_w, step.hours)
    if abs(expected - step.soc_wh) > ENERGY_TOLERANCE_WH:
        faults.append(f"soc_wh {step.soc_wh:.0f} should be {expected:.0f}")
    least, most = min(battery.min_wh, start_wh), max(battery.max_wh, start_wh)
    if not least - ENERGY_TOLERANCE_WH <= step.soc_wh <= most + ENERGY_TOLERANCE_WH:
        faults.append(f"soc_wh {step.soc_wh:.0f} is outside {least:.0f} to {most:.0f}")
    return faults


def _peak_eur(plan: Plan, peak: Peak) -> float:
    """Cost of the new peaks of the plan's grid powers, above what is free in each period."""
    first, highest = peak.period_of(plan.steps[0].start), dict[tuple[int, int], float]()
    for step in plan.steps:
        if not peak.counts(step.start):
            continue
        period = peak.period_of(step.start)
        free_w = max(peak.usual_w, peak.reached_w if period == first else 0.0)
        highest[period] = max(highest.get(period, 0.0), step.grid_w - free_w)
    return fsum(highest.values()) / 1000 * peak.eur_per_kw


def check(
    plan: Plan, battery: Battery, grid: Grid, objective_eur: float, overload: bool,
    peak: Peak | None = None,
) -> None:  # fmt: skip
    """Refuse a plan that breaks a law, a bound or its own money.

    Parameters
    ----------
    objective_eur
        What the program promised: bill, wear and peaks minus the worth of the energy left.
    overload
        Whether the grid limit had to be relaxed (the plan's notes say so).
    peak
        The price of the highest power drawn, if there is one.

    Raises
    ------
    OptimizerError
        If anything does not hold; that is a bug of ours, so the plan in force stays.
    """
    check_contiguous(plan)
    start_wh = before_wh = battery.capacity_wh * plan.start_soc_percent / 100
    for step in plan.steps:
        faults = _physics(step, battery, before_wh, start_wh)
        faults += _bounds(step, battery, grid, before_wh, overload)
        if faults:
            raise OptimizerError(
                f"the plan fails its own check at {iso(step.start)}: {faults[0]}; it is not "
                "stored, please report this with 'optimizer plan --json'"
            )
        before_wh = step.soc_wh
    money = fsum(step.cost_eur for step in plan.steps)
    peaks = 0.0 if peak is None else _peak_eur(plan, peak)
    promised = plan.cost_eur + plan.wear_eur + plan.peak_eur - plan.stored_value_eur
    tolerance, amount = MONEY_TOLERANCE_EUR * plan.money.size, partial(plan.money.amount, digits=4)
    if abs(money - plan.cost_eur) > tolerance:
        raise OptimizerError(f"the plan's steps cost {amount(money)}, not {amount(plan.cost_eur)}")
    if abs(peaks - plan.peak_eur) > tolerance:
        raise OptimizerError(f"the plan's peaks cost {amount(peaks)}, not {amount(plan.peak_eur)}")
    if promised > objective_eur + tolerance:
        raise OptimizerError(
            f"the plan costs {amount(promised)}, the program promised {amount(objective_eur)}"
        )
