"""Why: the reason for a step in words and cents, for the owner."""

from optimizer.model.battery import Battery
from optimizer.model.plan import Intent
from optimizer.planning.intents import SAME_W, SAME_WH
from optimizer.planning.task import ForecastStep


def _ct(eur_per_kwh: float) -> str:
    return f"{eur_per_kwh * 100:.1f} ct"


def reason(
    step: ForecastStep, battery: Battery, intent: Intent, battery_w: float, after_wh: float,
    worth: float,
) -> str:  # fmt: skip
    """One sentence: why this step does what it does.

    `worth` is what one more stored kWh is worth after the step [EUR/kWh]; buying and selling
    prices are shown per kWh in the cells, so that losses are in the comparison.
    """
    stored = step.buy / battery.charge_efficiency
    saved = step.buy * battery.discharge_efficiency
    if intent is Intent.CHARGE:
        return f"cheap: a kWh stored now costs {_ct(stored)}, later it is worth {_ct(worth)}"
    if intent is Intent.HOLD:
        return f"keep for dearer hours: worth {_ct(worth)} later, {_ct(saved)} now"
    if intent is Intent.DEFER:
        return f"keep room: selling pays {_ct(step.sell)} now, the roof fills the battery later"
    if intent is Intent.LIMIT:
        return f"charge gently: the rest is sold for {_ct(step.sell)}"
    if intent is Intent.DISCHARGE:
        gain = step.sell * battery.discharge_efficiency
        return f"sell: a stored kWh earns {_ct(gain)} now, it is worth {_ct(worth)} later"
    return _own_use(step, battery, battery_w, after_wh)


def _own_use(step: ForecastStep, battery: Battery, battery_w: float, after_wh: float) -> str:
    if step.need_w < -SAME_W:
        if after_wh >= battery.max_wh - SAME_WH:
            return "the battery is full: the roof covers the house, the rest is sold"
        return "the roof covers the house, the rest is stored"
    if battery_w <= SAME_W:
        if step.need_w <= SAME_W:
            return "the roof just covers the house"
        return "the battery is empty: the house buys"
    if battery_w >= step.need_w - SAME_W:
        return "the battery carries the house"
    if after_wh <= battery.min_wh + SAME_WH:
        return "the battery carries the house until it is empty"
    if battery_w >= battery.max_discharge_w - SAME_W:
        return "the battery gives all it can, the house buys the rest"
    return "the battery carries part of the house, the rest is kept for dearer hours"
