"""What control may do with the battery now: a band of battery power, by price, plan or power."""

from dataclasses import dataclass

from optimizer.model.battery import Battery
from optimizer.model.grid import Rule
from optimizer.model.plan import Intent, Plan, Step

TIE_EUR_PER_KWH = 0.002
"""A price this close to the value of stored energy counts as equal, and equal means own use.
Simulated years: 0.1 to 0.3 ct earn the same, none at all loses 20 to 50 EUR a year."""

SAME_W = 1.0
SAME_WH = 1.0


@dataclass(frozen=True, slots=True)
class Band:
    """A band of battery power [W], infinite where it is left open, and why it is that one."""

    intent: Intent
    lowest_w: float
    highest_w: float
    note: str


def by_value(
    plan: Plan,
    step: Step,
    soc_wh: float,
    battery: Battery,
    rule: Rule,
    before: Intent | None = None,
) -> Band:
    """Compare the prices of the moment with what a stored kWh is worth at this state of charge.

    All prices are brought to "per kWh in the cells", so that losses are in the comparison:

    - charge from the grid while that costs less than the stored kWh is worth;
    - sell from the battery while that earns more (where the law allows both);
    - otherwise keep the charge while the house would get less for it than it is worth,
    - keep room while selling the roof's surplus pays more than storing it;
    - else own use: let the FEMS balance the house.

    `before` is what was done so far in this step. It is left only when the comparison has really
    turned: between that and its beginning lie `TIE_EUR_PER_KWH`, so that the state of charge,
    which is known to some Wh at best, does not make hold and own use take turns.
    """
    worth = plan.value_at(step, soc_wh)
    buy, sell = step.buy_eur_per_kwh, step.sell_eur_per_kwh
    stored, saved = buy / battery.charge_efficiency, buy * battery.discharge_efficiency
    saved -= battery.wear_eur_per_kwh
    earned = sell * battery.discharge_efficiency - battery.wear_eur_per_kwh
    note = f"a stored kWh is worth {worth * 100:.1f} ct"
    low, high = float("-inf"), float("inf")

    def tie(*kept: Intent) -> float:
        return 0.0 if before in kept else TIE_EUR_PER_KWH

    if rule.grid_charging and stored < worth - tie(Intent.CHARGE):
        return Band(
            Intent.CHARGE,
            low,
            -battery.max_charge_w,
            f"{note}, stored from the grid {stored * 100:.1f} ct",
        )
    if rule.battery_export and earned > worth + tie(Intent.DISCHARGE):
        return Band(
            Intent.DISCHARGE,
            battery.max_discharge_w,
            high,
            f"{note}, sold now {earned * 100:.1f} ct",
        )
    hold = saved < worth - tie(Intent.HOLD, Intent.CHARGE)
    defer = sell / battery.charge_efficiency > worth + tie(Intent.DEFER, Intent.DISCHARGE)
    if hold:
        text = f"{note}, in the house now {saved * 100:.1f} ct"
        return Band(Intent.HOLD, 0.0 if defer else low, 0.0, text)
    if defer:
        return Band(Intent.DEFER, 0.0, high, f"{note}, selling the roof's pays {sell * 100:.1f} ct")
    return Band(Intent.OWN_USE, low, high, note)


def by_intent(step: Step, soc_wh: float, battery: Battery) -> Band:
    """The plan's own band, until the planned state of charge is reached; then the charge is kept.

    A bound that only came from an empty or full battery is none: the device finds it by itself.
    """
    keep = Band(Intent.HOLD, float("-inf"), 0.0, "the planned charge is reached")
    reached_low = soc_wh <= step.soc_wh and step.soc_wh > battery.min_wh + SAME_WH
    partly = SAME_W < step.battery_w < min(step.need_w, battery.max_discharge_w) - SAME_W
    if step.intent is Intent.CHARGE and soc_wh >= step.soc_wh:
        return keep
    if (step.intent is Intent.DISCHARGE or partly) and reached_low:
        return keep
    low = step.lowest_w if step.lowest_w > -battery.max_charge_w else float("-inf")
    high = step.highest_w if step.highest_w < battery.max_discharge_w else float("inf")
    if step.intent is Intent.DISCHARGE:
        low = step.lowest_w
    elif step.intent is Intent.CHARGE:
        high = step.highest_w
    return Band(step.intent, low, high, step.why)


def by_power(step: Step) -> Band:
    """The planned battery power as it stands: for comparison, it loses money."""
    return Band(step.intent, step.battery_w, step.battery_w, "the planned power as it stands")
