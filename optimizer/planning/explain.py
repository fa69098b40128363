"""Explanation of each step of a plan: its intent, and its reason in one sentence.

Why: the reason for each step in one sentence for the owner, from the look at the whole plan.

Prices in a comparison with a stored kWh are per kWh in the cells, so that losses are in it. What a
stored kWh is worth is what the last one is: the others are worth more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from optimizer.model.currency import EUR, Currency
from optimizer.model.grid import ConnectionLimits
from optimizer.model.override import OverrideKind
from optimizer.model.plan import Intent, Step
from optimizer.planning.task import FULL_CHARGE_EUR_PER_KWH, ForecastStep, Task

SAME_W = 1.0
"""Powers closer than this are the same."""

SAME_WH = 1.0
"""Energies closer than this are the same."""

LITTLE_WH = 10.0
"""A battery with less room between its limits stores nothing that a price could be given for."""


def intent_of(
    task: Task, step: ForecastStep, battery_w: float, before_wh: float, after_wh: float
) -> tuple[Intent, float, float]:
    """Intent of a step with its band of battery power [W].

    What matters is why the program chose a power: where a bound (full, empty, largest power) made
    it fall short of what the house wants, the step is self-consumption and the device finds the
    bound by itself; where a price did, control has to keep to it.

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
    discharge_limit_w = min(high, most_out_w - battery.standby_w)
    need = task.self_consumption_w(step)
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
    return Intent.SELF_CONSUMPTION, low, high


SAME_EUR_PER_KWH = 0.0005
"""Prices closer than this are the same to an owner."""

TIE_EUR_PER_KWH = 0.002
"""Values closer than this may be called equal in a sentence."""

NO_CHARGE = "max_charge_w lets the battery take nothing"
NO_DISCHARGE = "max_discharge_w lets the battery give nothing"

NO_PRICE_EUR_PER_KWH = FULL_CHARGE_EUR_PER_KWH / 2
"""No price of energy makes a stored kWh worth that much: it is for something else."""


def clock(moment: datetime, seen_from: datetime, zone: ZoneInfo) -> str:
    """Local time, with the day if it is another one than that of `seen_from`."""
    local, day = moment.astimezone(zone), seen_from.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == day else f"{local:%a %H:%M}"


def reasons(task: Task, steps: Sequence[Step], zone: ZoneInfo, money: Currency = EUR) -> list[str]:
    """One sentence for each step: why it does what it does."""
    context = _StepContext(task, steps, zone, money)
    return [context.reason(at) for at in range(len(steps))]


@dataclass(slots=True)
class _StepContext:
    """A plan seen from one of its steps."""

    task: Task
    steps: Sequence[Step]
    zone: ZoneInfo
    money: Currency

    def _ct(self, price_per_kwh: float) -> str:
        return self.money.price(price_per_kwh)

    @property
    def _same(self) -> float:
        """Difference of prices that is none to an owner, in the plan's currency [EUR/kWh]."""
        return SAME_EUR_PER_KWH * self.money.size

    def reason(self, at: int) -> str:
        say = {
            Intent.CHARGE: self._charge,
            Intent.HOLD: self._hold,
            Intent.DEFER: self._defer,
            Intent.LIMIT: self._limit,
            Intent.DISCHARGE: self._discharge,
            Intent.SELF_CONSUMPTION: self._self_consumption,
        }
        return self._override(at) + say[self.steps[at].intent](at)

    def _override(self, at: int) -> str:
        """The owner's override, before the reason of a step that it decides."""
        terms, step = self.task.override, self.steps[at]
        if terms is None or step.start >= terms.override.until:
            return ""
        kind, text = terms.override.kind, terms.override.text(self.zone)
        if kind is OverrideKind.CHARGE and not self._serves_charge(at):
            return ""
        return f"override ({text}): "

    def _under(self, at: int) -> OverrideKind | None:
        """Kind of the override that fixes a step; None where the plan chooses."""
        terms = self.task.override
        if terms is None or self.steps[at].end > terms.override.until:
            return None
        fixed = (OverrideKind.HOLD, OverrideKind.SELF_CONSUMPTION)
        return terms.override.kind if terms.override.kind in fixed else None

    def _demanded(self, at: int) -> str:
        """Purpose of a step that charges for an override, in words; "" for none."""
        terms = self.task.override
        if terms is None or terms.override.kind is not OverrideKind.CHARGE:
            return ""
        if self.steps[at].start >= terms.override.until or not self._serves_charge(at):
            return ""
        return "as fast as allowed" if terms.override.at_once else "for the charge that is demanded"

    def _serves_charge(self, at: int) -> bool:
        """True where a step charges, or keeps, what an override demands and no more is stored."""
        terms, charges = self.task.override, (Intent.CHARGE, Intent.HOLD)
        if terms is None or self.steps[at].intent not in charges:
            return False
        if terms.override.at_once:
            return at < len(terms.least_wh) and bool(terms.least_wh[at])
        last = terms.last_demand
        most_wh = 0.0 if terms.level_wh is None else terms.level_wh + SAME_WH
        return last is not None and at <= last and self.steps[last].soc_wh <= most_wh

    def _limits(self, step: Step) -> ConnectionLimits[float]:
        return self.task.grid.limits(step.start, step.end)

    def peak(self, at: int) -> Step | None:
        """The dearest later step that the battery serves before it is charged from the grid again.

        None if there is none that is dearer than the step itself.
        """
        best, least = None, self.steps[at].buy_eur_per_kwh + self._same
        for step in self.steps[at + 1 :]:
            if best is not None and step.intent is Intent.CHARGE:
                break
            if step.battery_w > SAME_W and step.buy_eur_per_kwh > least:
                best, least = step, step.buy_eur_per_kwh
        return best

    def _cost_of_charging_again(self, at: int) -> float | None:
        """Cost of a kWh in the cells where the battery is charged before it is used [EUR/kWh]."""
        for step in self.steps[at + 1 :]:
            if step.intent is Intent.CHARGE:
                return self._stored_cost(step)
            if step.battery_w > SAME_W:
                return None
        return None

    def _stored_cost(self, step: Step) -> float:
        """Cost of a kWh in the cells when charging from the grid as planned [EUR/kWh]."""
        battery = self.task.battery
        charging_w = max(0.0, -step.battery_w - battery.standby_w)
        return step.buy_eur_per_kwh / battery.charge_efficiency_at(charging_w)

    def _first(self, at: int, full: bool) -> Step | None:
        """The first step from here on that ends full, or else that charges from the grid."""
        most_wh = self.task.battery.max_wh - SAME_WH
        for step in self.steps[at:]:
            if (step.soc_wh >= most_wh) if full else (step.intent is Intent.CHARGE):
                return step
        return None

    def _paid(self, at: int) -> Step | None:
        """The later step in which drawing power is paid best, if it is paid at all."""
        cheapest = min(
            self.steps[at + 1 :], key=lambda step: step.buy_eur_per_kwh, default=self.steps[at]
        )
        return cheapest if cheapest.buy_eur_per_kwh < 0 else None

    def _time(self, at: int, moment: datetime) -> str:
        return clock(moment, self.steps[at].start, self.zone)

    def _peak_words(self, at: int) -> str | None:
        peak = self.peak(at)
        if peak is None:
            return None
        return f"{self._ct(peak.buy_eur_per_kwh)} at {self._time(at, peak.start)}"

    def _charge(self, at: int) -> str:
        step, battery = self.steps[at], self.task.battery
        stored, marginal_value = (
            self._stored_cost(step),
            step.stored_value_eur_per_kwh,
        )
        fast = ""
        if step.grid_w >= self._limits(step).buy_w - SAME_W:
            fast = ", as fast as the grid connection allows"
        elif step.peak_w is not None and step.grid_w >= step.peak_w - SAME_W:
            fast = f", within the {self._period()}'s peak power"
        if step.buy_eur_per_kwh < 0:
            return f"drawing is paid with {self._ct(-step.buy_eur_per_kwh)} a kWh: charge{fast}"
        before_wh = self.steps[at - 1].soc_wh if at else self.task.start_wh
        if before_wh < battery.min_wh - SAME_WH:
            return f"the battery is below min_soc_percent: it recovers{fast}"
        if marginal_value > NO_PRICE_EUR_PER_KWH * self.money.size:
            return f"{self._beyond_price(at)}: charge{fast}"
        peak, demanded = self._peak_words(at), self._demanded(at)
        why = "cheap" if peak is None else f"cheap before the peak ({peak})"
        opening = f"{demanded}," if demanded else f"{why}:"
        text = f"{opening} a kWh stored now costs {self._ct(stored)}"
        if marginal_value < stored - self._same:
            return text + fast
        return f"{text}, later it is worth at least {self._ct(marginal_value)}{fast}"

    def _hold(self, at: int) -> str:
        step, battery = self.steps[at], self.task.battery
        saved, marginal_value = (
            step.buy_eur_per_kwh * battery.discharge_efficiency_at(max(0.0, step.need_w)),
            step.stored_value_eur_per_kwh,
        )
        if self._under(at) is OverrideKind.HOLD:
            return "the house buys, nothing is discharged"
        if step.buy_eur_per_kwh < 0:
            return f"drawing is paid with {self._ct(-step.buy_eur_per_kwh)} a kWh: the house buys"
        if marginal_value > NO_PRICE_EUR_PER_KWH * self.money.size:
            return f"{self._beyond_price(at)}: keep"
        saved -= battery.wear_eur_per_kwh
        if marginal_value < saved - self._same:
            return f"keep for later: {self._ct(step.buy_eur_per_kwh)} now"
        again = self._cost_of_charging_again(at)
        if again is not None and abs(again - marginal_value) <= TIE_EUR_PER_KWH * self.money.size:
            costs = self._ct(again)
            return (
                f"keep: a stored kWh saves {self._ct(saved)} now, charging it again costs {costs}"
            )
        peak = self._peak_words(at)
        why = "keep for later" if peak is None else f"keep for dearer hours ({peak})"
        return (
            f"{why}: a stored kWh is worth {self._ct(marginal_value)} then, {self._ct(saved)} now"
        )

    def _period(self) -> str:
        return "month" if self.task.peak is None else self.task.peak.period

    def _beyond_price(self, at: int) -> str:
        """Purpose of stored energy that no price of energy explains."""
        full_at = None if self.task.decided is None else self.task.decided.full_at
        if full_at is not None and at <= full_at:
            by = self._time(at, self.steps[full_at].end)
            return f"for the full charge that calibrates the battery, due by {by}"
        terms = self.task.override
        if terms is not None and terms.last_demand is not None and at <= terms.last_demand:
            return "for the charge that the override demands"
        if self.task.peak is not None:
            return f"needed later to keep the {self._period()}'s peak power down"
        return "needed later, when the house alone would overload the grid connection"

    def _defer(self, at: int) -> str:
        step = self.steps[at]
        return f"keep room: selling pays {self._ct(step.sell_eur_per_kwh)} now{self._room_for(at)}"

    def _limit(self, at: int) -> str:
        step = self.steps[at]
        if step.curtailed_w > SAME_W:
            return f"charge gently: keep room{self._room_for(at)}"
        sold = f"the rest is sold for {self._ct(step.sell_eur_per_kwh)}"
        return f"charge gently: {sold}{self._room_for(at)}"

    def _discharge(self, at: int) -> str:
        step, battery = self.steps[at], self.task.battery
        share = battery.discharge_efficiency_at(step.battery_w + battery.standby_w)
        earned = step.sell_eur_per_kwh * share - battery.wear_eur_per_kwh
        marginal_value = step.stored_value_eur_per_kwh
        if marginal_value > earned + self._same:
            return f"sell for {self._ct(step.sell_eur_per_kwh)}{self._room_for(at)}"
        now, later = self._ct(earned), self._ct(marginal_value)
        return f"sell: a stored kWh earns {now} now, it is worth {later} later"

    def _room_for(self, at: int) -> str:
        """Purpose of the kept room: paid power, dearer PV hours, or PV that fills it anyway."""
        here, paid, full = self.steps[at], self._paid(at), self._first(at, full=True)
        if paid is not None and (full is None or paid.start <= full.start):
            pay = self._ct(-paid.buy_eur_per_kwh)
            return f", drawing is paid with {pay} at {self._time(at, paid.start)}"
        if full is None:
            return ""
        later = [step for step in self.steps[at + 1 :] if step.start <= full.start]
        worst = min(later, key=lambda step: step.sell_eur_per_kwh, default=here)
        charged = any(step.intent is Intent.CHARGE for step in (*later, full))
        fills = "the battery still gets full" if charged else "the roof still fills the battery"
        text = f", {fills} by {self._time(at, full.end)}"
        if worst.sell_eur_per_kwh < here.sell_eur_per_kwh - self._same:
            text += f" when selling pays {self._ct(worst.sell_eur_per_kwh)}"
        return text

    def _self_consumption(self, at: int) -> str:
        step, battery = self.steps[at], self.task.battery
        room_wh = battery.max_wh - battery.min_wh
        if room_wh <= LITTLE_WH and abs(step.battery_w) * step.hours <= LITTLE_WH:
            return f"the battery stores next to nothing ({room_wh:.2g} Wh between its limits)"
        if step.need_w < -SAME_W:
            return self._surplus(at)
        if step.battery_w <= SAME_W:
            if step.need_w <= SAME_W:
                return "the roof just covers the house"
            return self._idle(at)
        if step.battery_w >= step.need_w - SAME_W:
            return "the battery carries the house"
        if step.soc_wh <= battery.min_wh + SAME_WH:
            return "the battery carries the house until it is empty"
        if step.battery_w >= battery.max_discharge_w - SAME_W:
            return "the battery gives all it can, the house buys the rest"
        peak = self._peak_words(at)
        more = "" if peak is None else f" ({peak})"
        return f"the battery carries part of the house, the rest is kept for dearer hours{more}"

    def _surplus(self, at: int) -> str:
        step, battery, grid = self.steps[at], self.task.battery, self.task.grid
        full = step.soc_wh >= battery.max_wh - SAME_WH
        if step.curtailed_w > SAME_W:
            start = "the battery is full" if full else "the battery takes all it can"
            if battery.max_charge_w <= SAME_W and not full:
                start = NO_CHARGE
            if step.grid_w <= SAME_W - self._limits(step).sell_w:
                return f"{start} and the grid takes no more: the roof is throttled"
            if step.sell_eur_per_kwh < 0 and grid.price_curtailment:
                return f"{start} and selling would cost money: the roof is throttled"
            return f"{start} and the inverter passes no more: the roof is throttled"
        if full:
            return "the battery is full: the roof covers the house, the rest is sold"
        if battery.max_charge_w <= SAME_W:
            return f"the roof covers the house, the rest is sold: {NO_CHARGE}"
        if step.grid_w < -SAME_W:
            return "the roof covers the house, the battery takes all it can, the rest is sold"
        then = self._first(at, full=True)
        same_day = then is not None and " " not in self._time(at, then.end)
        by = f" (full by {self._time(at, then.end)})" if then is not None and same_day else ""
        return f"the roof covers the house, the rest is stored{by}"

    def _idle(self, at: int) -> str:
        """Reason why the battery gives nothing though the house needs it."""
        battery = self.task.battery
        if self.steps[at].soc_wh <= battery.min_wh + SAME_WH:
            return self._empty(at)
        if battery.max_discharge_w <= SAME_W:
            return f"the house buys: {NO_DISCHARGE}"
        return "the house buys: the battery gives nothing at this charge"

    def _empty(self, at: int) -> str:
        step, grid, battery = self.steps[at], self.task.grid, self.task.battery
        text = "the battery is empty: the house buys"
        if self._under(at) is not None:  # it is not charged from the grid, at whatever price
            return text
        if battery.max_charge_w <= SAME_W:
            return f"{text} ({NO_CHARGE})"
        if not grid.rule.grid_charging:
            return f"{text} (the rule '{grid.rule}' forbids charging from the grid)"
        cheaper = self._first(at, full=False)
        if cheaper is not None and cheaper.buy_eur_per_kwh < step.buy_eur_per_kwh:
            return f"{text}, charging is cheaper at {self._time(at, cheaper.start)}"
        stored = self._stored_cost(step)
        if stored <= step.stored_value_eur_per_kwh - self._same:
            return text
        return f"{text}, charging would not pay after losses"
