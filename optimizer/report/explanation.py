"""One step of a plan explained: prices, reason, marginal value of stored energy, alternatives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.control.power_band import HYSTERESIS_EUR_PER_KWH
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR, Currency
from optimizer.model.grid import Grid
from optimizer.model.override import OverrideKind
from optimizer.model.plan import Plan, Step, iso
from optimizer.model.plan_json import step_to_json
from optimizer.planning.explain import NO_PRICE_EUR_PER_KWH
from optimizer.planning.why_not import Alternative
from optimizer.text.local_time import clock_span
from optimizer.text.plan_table import INTENT_NAMES, number

SCHEMA = "explain/1"

DECISIONS = {
    "charge": "charge",
    "hold": "hold",
    "discharge": "discharge",
    "self_consumption": "self-consumption",
}

SAME_EUR = 5e-6
"""Largest difference that counts as none [EUR]."""
SMALL_EUR = 0.001
"""A difference below this is shown with two more digits [EUR]."""


def difference(eur: float, money: Currency = EUR) -> str:
    """Additional cost of an alternative, as words; as a price while it is small.

    >>> difference(0.0123), difference(2.5), difference(0.0)
    ('costs 1.2 ct more', 'costs 2.50 EUR more', 'costs the same')
    """
    if eur < SAME_EUR * money.size:
        return "costs the same"
    if eur >= money.size:
        return f"costs {money.amount(eur)} more"
    return f"costs {money.price(eur, 0 if eur >= SMALL_EUR * money.size else 2)} more"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is explained about one step."""

    at: datetime
    plan: Plan
    index: int
    battery: Battery
    grid: Grid
    alternatives: tuple[Alternative, ...]
    actual_soc_percent: float | None = None
    """State of charge of this moment [%], where an executor runs."""

    @property
    def step(self) -> Step:
        """The step that is explained."""
        return self.plan.steps[self.index]

    def _ct(self, price_per_kwh: float) -> str:
        return self.plan.money.price(price_per_kwh)

    @property
    def before_wh(self) -> float:
        """Planned stored energy at its start [Wh]."""
        if self.index > 0:
            return self.plan.steps[self.index - 1].soc_wh
        return self.battery.capacity_wh * self.plan.start_soc_percent / 100

    @property
    def actual_value(self) -> float | None:
        """Marginal value of a stored kWh at the actual state of charge [EUR/kWh]."""
        if self.actual_soc_percent is None:
            return None
        soc_wh = self.battery.capacity_wh * self.actual_soc_percent / 100
        return self.plan.value_at(self.step, soc_wh)

    def charge_below(self, marginal_value: float) -> float | None:
        """Buying price below which charging from the grid pays [EUR/kWh]; None: not allowed."""
        return (
            marginal_value * self.battery.charge_efficiency_at(0.0)
            if self.grid.rule.grid_charging
            else None
        )

    def serve_above(self, marginal_value: float) -> float:
        """Buying price above which the battery serves the house [EUR/kWh]."""
        share = self.battery.discharge_efficiency_at(max(0.0, self.step.need_w))
        return (marginal_value + self.battery.wear_eur_per_kwh) / share

    def as_json(self) -> dict[str, Any]:
        """The explanation as data (`explain/1`)."""
        step = step_to_json(self.step)
        step.pop("values_eur_per_kwh")
        marginal_value, actual = self.step.stored_value_eur_per_kwh, self.actual_value
        override = self.plan.override_at(self.step.start)
        return {
            "schema": SCHEMA,
            "at": iso(self.at),
            "plan_made_at": iso(self.plan.made_at),
            "step": step,
            "soc_before_wh": round(self.before_wh, 2),
            "why": self.step.why,
            "override": None if override is None else override.as_json(),
            "stored_value_eur_per_kwh": marginal_value,
            "charge_below_eur_per_kwh": _money(self.charge_below(marginal_value)),
            "serve_above_eur_per_kwh": _money(self.serve_above(marginal_value)),
            "actual_soc_percent": self.actual_soc_percent,
            "actual_stored_value_eur_per_kwh": _money(actual),
            "alternatives": [
                {
                    "decision": item.decision,
                    "battery_w": item.battery_w,
                    "difference_eur": _money(item.difference_eur),
                    "planned": item.planned,
                    "note": item.note,
                }
                for item in self.alternatives
            ],
        }

    def lines(self, zone: ZoneInfo) -> list[str]:
        """The explanation for people."""
        step = self.step
        local = step.start.astimezone(zone)
        before, after = (
            100 * wh / self.battery.capacity_wh for wh in (self.before_wh, step.soc_wh)
        )
        span = f"{local:%a %d %b} {clock_span(step.start, step.end, zone)}"
        made = f"{self.plan.made_at.astimezone(zone):%a %d %b %H:%M}"
        override = self.plan.override_at(step.start)
        lines = [
            f"{span}: {INTENT_NAMES[step.intent]}{_power(step.battery_w)} (plan of {made})",
            f"why         {step.why}",
            *([] if override is None else [f"override    {override.text(zone)}"]),
            f"price       {self._ct(step.buy_eur_per_kwh)} to buy, "
            f"{self._ct(step.sell_eur_per_kwh)} to sell",
            f"expected    house {number(step.load_w)} W, roof {number(step.pv_w)} W, "
            f"grid {number(step.grid_w)} W{_throttled(step)}",
            f"battery     {before:.0f} % at the start, {after:.0f} % at the end",
            *self._value_lines(),
            "why not",
        ]
        return lines + [f"  {_row(item, self.plan.money)}" for item in self.alternatives]

    def _value_lines(self) -> list[str]:
        marginal_value, actual = self.step.stored_value_eur_per_kwh, self.actual_value
        ruled = self._ruled()
        if ruled:
            return [f"stored kWh  {ruled}"]
        what = f"worth {self._ct(marginal_value)} after this step"
        if marginal_value < 0:
            what = f"worth nothing, room for one {self._ct(-marginal_value)} after this step"
        lines = [f"stored kWh  {what}; {self._limits(marginal_value)}"]
        if actual is not None:
            lines.append(
                f"now         {self.actual_soc_percent:.0f} %: worth {self._ct(actual)}; "
                f"{self._limits(actual)}"
            )
        wear = self.battery.wear_eur_per_kwh
        if wear:
            counted = "counted above and below as losses are"
            lines.append(f"wear        {self._ct(wear)} for each kWh taken out, {counted}")
        return lines

    def _ruled(self) -> str:
        """Rule of an override that stands above prices in this step; "" for none."""
        override = self.plan.override_at(self.step.start)
        if override is None or self.step.end > override.until:
            return ""
        if override.kind in (OverrideKind.HOLD, OverrideKind.SELF_CONSUMPTION):
            return "no price counts: the override alone decides"
        demanded = self.step.stored_value_eur_per_kwh > NO_PRICE_EUR_PER_KWH * self.plan.money.size
        if override.kind is OverrideKind.CHARGE and demanded:
            return "no price counts: it is needed for the charge that the override demands"
        return ""

    def _limits(self, marginal_value: float) -> str:
        below, above = self.charge_below(marginal_value), self.serve_above(marginal_value)
        serve = (
            f"serves the house above {self._ct(above)}"
            if marginal_value >= 0
            else "serves the house"
        )
        text = serve if below is None else f"charged from the grid below {self._ct(below)}, {serve}"
        price = self.step.buy_eur_per_kwh
        limits = [above] if below is None else [below, above]
        tie = HYSTERESIS_EUR_PER_KWH * self.plan.money.size
        if all(abs(price - limit) > tie for limit in limits):
            return text
        return f"{text} (differences below {self._ct(tie)} count as none)"


def _money(value: float | None) -> float | None:
    return None if value is None else round(value, 6) + 0.0


def _power(battery_w: float) -> str:
    if abs(battery_w) < 1:
        return ""
    return f", battery {'gives' if battery_w > 0 else 'takes'} {number(abs(battery_w))} W"


def _throttled(step: Step) -> str:
    return f", {number(step.curtailed_w)} W of the roof throttled" if step.curtailed_w >= 1 else ""


def _row(item: Alternative, money: Currency) -> str:
    """One alternative as a line: decision, power, additional cost."""
    name = DECISIONS[item.decision]
    if item.battery_w is None or item.difference_eur is None:
        return f"{name:<25} not possible: {item.note}"
    head = name if item.decision == "hold" else f"{name} {number(abs(item.battery_w))} W"
    text = "is the plan" if item.planned else difference(item.difference_eur, money)
    limit = f" (at most: {item.note})" if item.note else ""
    return f"{head:<25} {text}{limit}"
