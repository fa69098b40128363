"""From the program's powers to intents: what a step is for, and the band that control may use."""

from optimizer.model.plan import Intent
from optimizer.planning.task import ForecastStep, Task

SAME_W = 1.0
"""Powers closer than this are the same."""

SAME_WH = 1.0
"""Energies closer than this are the same."""


def intent_of(
    task: Task, step: ForecastStep, battery_w: float, before_wh: float, after_wh: float
) -> tuple[Intent, float, float]:
    """Intent of a step with its band of battery power [W].

    What matters is why the program chose a power: where a bound (full, empty, largest power) made
    it fall short of what the house wants, the step is own use and the device finds the bound by
    itself; where a price did, control has to keep to it.

    Parameters
    ----------
    battery_w
        Planned battery power: + discharges [W].
    before_wh, after_wh
        Stored energy at the start and the end of the step [Wh].

    Returns
    -------
    intent, lowest_w, highest_w
    """
    battery = task.battery
    low, high = -battery.max_charge_w, battery.max_discharge_w
    # What a taper limits here it limits for the device too, which finds that by itself.
    most_in_w, most_out_w = battery.taper_w(before_wh)
    charge_limit_w = max(low, -most_in_w - battery.standby_w)
    discharge_limit_w = most_out_w - battery.standby_w
    need = task.own_use_w(step)
    full = max(before_wh, after_wh) >= battery.max_wh - SAME_WH
    empty = min(before_wh, after_wh) <= battery.min_wh + SAME_WH
    charging, discharging = battery_w < -battery.standby_w - SAME_W, battery_w > SAME_W
    if charging and battery_w < need - SAME_W:
        return Intent.CHARGE, low, battery_w
    if charging and battery_w > need + SAME_W and not full and battery_w > charge_limit_w + SAME_W:
        return Intent.LIMIT, battery_w, high
    if discharging and battery_w > need + SAME_W:
        return Intent.DISCHARGE, battery_w, high
    if not charging and not discharging:
        if need > SAME_W and not empty and discharge_limit_w > SAME_W:
            return Intent.HOLD, low, max(0.0, battery_w)
        if need < -SAME_W and not full and charge_limit_w < -battery.standby_w - SAME_W:
            return Intent.DEFER, min(0.0, battery_w), high
    return Intent.OWN_USE, low, high
