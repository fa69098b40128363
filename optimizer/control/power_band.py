"""Band of battery power that rule, connection, device and plan allow at this moment; pure.

A set-point stands until the next write. What house and roof do meanwhile (a kettle, a cloud) goes
through the meter, and the FEMS's own peak shaving and feed-in limit are switched off by it. So
each limit is kept with a margin:

- *The legal rule* by `BIAS_W` on the side that costs less. Where that is not enough, or where the
  FEMS left alone would come nearer to what is wanted, nothing is held: it follows the meter every
  second (see `decide`), and `compliance` ends what has leaked too much.
- *The connection* by the highest need of the last minutes and `MARGIN_W`. A kettle that switches on
  between two cycles passes the limit for one cycle, 10 s: a fuse carries a tenth more for an hour
  (IEC 60269: 1.25 times its current without melting), and in a quarter-hour's mean, by which peaks
  are billed, 2.5 kW for 10 s are 28 W. Ten seconds later it is in the need, and it stays there
  for some minutes, so that an oven that switches every half minute is met once, not each time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from optimizer.control.input_checks import CheckedReading
from optimizer.model.battery import Battery
from optimizer.model.currency import Currency
from optimizer.model.grid import ConnectionLimits, Grid, Rule
from optimizer.model.override import Override, OverrideKind
from optimizer.model.plan import Intent, Plan, Step
from optimizer.model.site import SitePhysics

BIAS_W = 50.0
"""Distance from the legal rule that the meter is held to. Of 50 to 100 W the least: a hybrid that
keeps room charges with it, so 100 W cost 2 ct on a summer day that sells for 8 ct a kWh."""

MARGIN_W = 100.0
"""Distance from the connection's limits."""

FORGET_W_PER_S = 10.0
"""A peak of the house's need fades at this pace: a kettle of 2.5 kW is forgotten in 4 minutes."""


INSTANT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PowerPeak:
    """The newest peak of the battery power that would bring the grid to zero."""

    at: datetime
    need_w: float


def peak_of(before: PowerPeak | None, at: datetime, need_w: float) -> PowerPeak:
    """The peak after another reading."""
    if before is None or at < before.at:
        return PowerPeak(at, need_w)
    faded = before.need_w - FORGET_W_PER_S * (at - before.at).total_seconds()
    return PowerPeak(at, max(need_w, faded))


def allowed(
    reading: CheckedReading,
    peak: PowerPeak,
    battery: Battery,
    grid: Grid,
    paid_peak_w: float | None = None,
) -> tuple[float, float]:
    """Lowest and highest battery power [W].

    Parameters
    ----------
    peak
        The newest peak of the need.
    paid_peak_w
        The grid power that costs no dearer peak than the plan's own [W]: nothing is charged
        beyond it.
    """
    need = reading.need_w
    site = SitePhysics.at(battery, grid, reading.soc.at, reading.soc.at + INSTANT)
    rule_low, rule_high = _by_rule(reading, battery, grid)
    low = max(-battery.max_charge_w, rule_low, _by_connection(need, peak, site.limits, paid_peak_w))
    high = min(battery.max_discharge_w, rule_high, _by_feed_in(need, site.limits))
    passed_low, passed_high = site.inverter_range(reading.dc_pv_w)
    low, high = max(low, passed_low), min(high, passed_high)
    return (
        max(min(low, high), reading.allowed_low_w),
        min(max(high, reading.allowed_low_w), reading.allowed_high_w),
    )


def _by_rule(reading: CheckedReading, battery: Battery, grid: Grid) -> tuple[float, float]:
    """Battery powers that the law allows, `BIAS_W` away from its limits.

    On hybrids the set-point contains the roof: when that fades, the battery fills the gap, so
    while the house sells it has to charge a little.
    """
    low, high = float("-inf"), float("inf")
    if not grid.rule.grid_charging:
        low = min(0.0, reading.need_w + BIAS_W)
    if not grid.rule.battery_export:
        floor = -min(BIAS_W, reading.dc_pv_w) if battery.hybrid else 0.0
        high = max(floor, reading.need_w - BIAS_W)
    return low, high


def _by_connection(
    need: float, peak: PowerPeak, limits: ConnectionLimits[float], paid_peak_w: float | None
) -> float:
    """Lowest battery power that keeps the purchase within fuse and contract."""
    low = max(need - limits.buy_w, min(0.0, peak.need_w + MARGIN_W - limits.buy_w))
    if paid_peak_w is not None:
        # Beyond the paid peak only charging is given up; the house itself may need more.
        low = max(low, min(0.0, peak.need_w + MARGIN_W - paid_peak_w))
    return low


def _by_feed_in(need: float, limits: ConnectionLimits[float]) -> float:
    """Highest battery power that keeps the sale within the feed-in limit."""
    return need + max(0.0, limits.sell_w - MARGIN_W) if need >= 0 else need + limits.sell_w


HYSTERESIS_EUR_PER_KWH = 0.002
"""A price this close to the value of stored energy counts as equal, and equal means
self-consumption; what is being done ends only when the comparison has turned. Simulated years: 0.1
to 0.3 ct earn the same within 2 EUR a year, none at all loses 20 to 50 EUR."""

DEMANDED_EUR_PER_KWH = 1.0
"""Above this a stored kWh's worth under an override is that of its demand, not of a price."""

KEPT_SHARE = 0.01
"""So far above a demanded charge nothing is discharged [1]: a FEMS reports whole percents."""

OPEN_W = float("inf")
"""A limit that a band leaves open [W]."""

SAME_W = 1.0
SAME_WH = 1.0


@dataclass(frozen=True, slots=True)
class PowerBand:
    """A band of battery power [W], infinite where it is left open, and why it is that one."""

    intent: Intent
    lowest_w: float
    highest_w: float
    note: str


def by_override(
    override: Override | None, soc_wh: float, battery: Battery, rule: Rule, zone: tzinfo = UTC
) -> PowerBand | None:
    """The band that an override states by itself; None where plan and prices decide within it.

    A charge by a moment is in the plan's steps and values; nothing is stated for it here.
    """
    if override is None:
        return None
    text = override.text(zone)
    match override.kind:
        case OverrideKind.HOLD:
            return PowerBand(Intent.HOLD, float("-inf"), 0.0, text)
        case OverrideKind.SELF_CONSUMPTION:
            return PowerBand(Intent.SELF_CONSUMPTION, float("-inf"), float("inf"), text)
        case OverrideKind.CHARGE if override.at_once:
            if soc_wh >= battery.capacity_wh * (override.soc_percent or 0.0) / 100:
                return None
            if not rule.grid_charging:  # all that the roof spares, and nothing is given away
                return PowerBand(Intent.HOLD, float("-inf"), 0.0, text)
            charge_w = charging_w(override, battery)
            return PowerBand(Intent.CHARGE, float("-inf"), -charge_w, text)
        case _:
            return None


def charging_w(override: Override | None, battery: Battery) -> float:
    """Most that is charged from the grid [W]: the battery's limit, or a charge's own."""
    if override is None or override.power_w is None:
        return battery.max_charge_w
    return min(override.power_w, battery.max_charge_w)


def by_value(
    plan: Plan,
    step: Step,
    soc_wh: float,
    battery: Battery,
    rule: Rule,
    before: Intent | None = None,
    *,
    charge_w: float | None = None,
) -> PowerBand:
    """Compare the prices of the moment with what a stored kWh is worth at this state of charge.

    All prices are brought to "per kWh in the cells", so that losses are in the comparison:

    - charge from the grid while that costs less than the stored kWh is worth;
    - sell from the battery while that earns more (where the law allows both);
      where losses grow with power, both with the power at which a further watt no longer pays;
    - otherwise keep the charge while the house would get less for it than it is worth,
    - keep room while selling the roof's surplus pays more than storing it;
    - else self-consumption: let the FEMS balance the house.

    `charge_w` is the power of a charge, the battery's largest by default [W].

    `before` is what was done so far in this step. It is left only when the comparison has really
    turned: between that and its beginning lie `HYSTERESIS_EUR_PER_KWH`, so that the state of
    charge, which is known to some Wh at best, does not make hold and self-consumption take turns.
    """
    marginal_value = plan.value_at(step, soc_wh)
    (stored, earned, saved, room), price = _cell_prices(step, battery), plan.money.price
    priceless = DEMANDED_EUR_PER_KWH * plan.money.size
    demanded = marginal_value > priceless and plan.override is not None
    valued = f"a stored kWh is worth {price(marginal_value)}"
    note = "the override needs every kWh" if demanded else valued

    def tie(*kept: Intent) -> float:
        return 0.0 if before in kept else HYSTERESIS_EUR_PER_KWH * plan.money.size

    most_eur = marginal_value - tie(Intent.CHARGE)
    if rule.grid_charging and stored < most_eur:
        power_w, dearest = _paying_charge(step, battery, most_eur)
        limit_w = battery.max_charge_w if charge_w is None else charge_w
        text = f"{note}, stored from the grid {price(dearest)}"
        return PowerBand(Intent.CHARGE, -OPEN_W, -min(limit_w, power_w), text)
    least_eur = marginal_value + tie(Intent.DISCHARGE)
    if rule.battery_export and earned > least_eur:
        power_w, least = _paying_discharge(step, battery, least_eur)
        text = f"{note}, sold now {price(least)}"
        return PowerBand(Intent.DISCHARGE, min(battery.max_discharge_w, power_w), OPEN_W, text)
    if rule.grid_charging:
        note += _tied(plan.money, "charging", marginal_value - stored)
    if rule.battery_export:
        note += _tied(plan.money, "selling", earned - marginal_value)
    kept_value = _last_kwh_value(plan, step, soc_wh, battery, marginal_value)
    hold = saved < kept_value - tie(Intent.HOLD, Intent.CHARGE)
    defer = room > marginal_value + tie(Intent.DEFER, Intent.DISCHARGE)
    if hold:
        text = f"{note}, in the house now {price(saved)}"
        return PowerBand(Intent.HOLD, 0.0 if defer else -OPEN_W, 0.0, text)
    if defer:
        text = f"{note}, selling the roof's pays {price(step.sell_eur_per_kwh)}"
        return PowerBand(Intent.DEFER, 0.0, OPEN_W, text)
    note += _tied(plan.money, "holding", kept_value - saved)
    note += _tied(plan.money, "keeping room", room - marginal_value)
    return PowerBand(Intent.SELF_CONSUMPTION, -OPEN_W, OPEN_W, note)


class _CellPrices(NamedTuple):
    """Prices of the moment per kWh in the cells, so with losses and wear [EUR/kWh]."""

    stored: float
    """Cost of the first kWh from the grid."""
    earned: float
    """What the first kWh that is sold earns."""
    saved: float
    """What a kWh saves in the house, at the power that it is forecast to need."""
    room: float
    """What the roof's surplus would earn that a stored kWh takes, at its forecast power."""


def _cell_prices(step: Step, battery: Battery) -> _CellPrices:
    buy, sell, wear = step.buy_eur_per_kwh, step.sell_eur_per_kwh, battery.wear_eur_per_kwh
    return _CellPrices(
        stored=buy / battery.charge_pieces[0][1],
        earned=sell * battery.discharge_pieces[0][1] - wear,
        saved=buy * battery.discharge_efficiency_at(max(0.0, step.need_w)) - wear,
        room=sell / battery.charge_efficiency_at(max(0.0, -step.need_w)),
    )


def _paying_charge(step: Step, battery: Battery, most_eur: float) -> tuple[float, float]:
    """Power at which the marginal kWh from the grid costs `most_eur` [W], and what it costs.

    Infinite where each further watt loses the same, or pays all the same.
    """
    cost = step.buy_eur_per_kwh / battery.charge_pieces[0][1]
    for start_w, share in battery.charge_pieces[1:]:
        if step.buy_eur_per_kwh / share >= most_eur:
            return start_w + battery.standby_w, cost
        cost = step.buy_eur_per_kwh / share
    return float("inf"), cost


def _paying_discharge(step: Step, battery: Battery, least_eur: float) -> tuple[float, float]:
    """Power at which the marginal kWh that is sold earns `least_eur` [W], and what it earns."""
    sell, wear = step.sell_eur_per_kwh, battery.wear_eur_per_kwh
    earned = sell * battery.discharge_pieces[0][1] - wear
    for start_w, share in battery.discharge_pieces[1:]:
        if sell * share - wear <= least_eur:
            return max(0.0, start_w - battery.standby_w), earned
        earned = sell * share - wear
    return float("inf"), earned


def _last_kwh_value(
    plan: Plan, step: Step, soc_wh: float, battery: Battery, next_value: float
) -> float:
    """Worth of the last stored kWh, which a discharge gives away [EUR/kWh].

    It differs from that of the next one just above the charge that an override demands. Without the
    difference the battery would be discharged below it and charged again, in turns.
    """
    kink_wh = plan.value_kink_wh
    if kink_wh is None or not kink_wh <= soc_wh < kink_wh + KEPT_SHARE * battery.capacity_wh:
        return next_value
    return plan.value_at(step, kink_wh - SAME_WH)


def _tied(money: Currency, action: str, gain_eur_per_kwh: float) -> str:
    """Words about an action that would gain something, but no more than counts as a tie."""
    tie = HYSTERESIS_EUR_PER_KWH * money.size
    if not 0 < gain_eur_per_kwh <= tie:
        return ""
    return f", {action} would gain less than {money.price(tie)} a kWh"


def by_intent(step: Step, soc_wh: float, battery: Battery) -> PowerBand:
    """The plan's own band, until the planned state of charge is reached; then the charge is kept.

    A bound that only came from an empty or full battery is none: the device finds it by itself.
    """
    keep = PowerBand(Intent.HOLD, float("-inf"), 0.0, "the planned charge is reached")
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
    return PowerBand(step.intent, low, high, step.why)


def by_power(step: Step) -> PowerBand:
    """The planned battery power as it stands: for comparison, it loses money."""
    return PowerBand(step.intent, step.battery_w, step.battery_w, "the planned power as it stands")
