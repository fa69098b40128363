"""What is held and why, in five lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.analysis.facts import planned_soc_percent
from optimizer.analysis.text import WORDS, clock, number, sparkline
from optimizer.model.plan import Intent, Plan, Step, iso
from optimizer.model.state import Reason

STALE = timedelta(seconds=60)
"""An executor that has not written for so long is not running (any more)."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the five lines need."""

    now: datetime
    plan: Plan | None
    no_plan: str
    """Why there is no plan."""
    live: Mapping[str, Any] | None
    """The executor's live file."""
    capacity_wh: float
    saving_today_eur: float | None = None
    """What was saved today, as far as it can be accounted for."""

    @property
    def running(self) -> bool:
        """Whether an executor is at work."""
        if self.live is None or self.live["reason"] == Reason.STOPPED.name.lower():
            return False
        return abs(self.now - datetime.fromisoformat(self.live["at"])) < STALE

    @property
    def step(self) -> Step | None:
        """The plan's present step."""
        return None if self.plan is None else self.plan.step_at(self.now)

    @property
    def state(self) -> str:
        """`following`, `own_use`, `released` or `not_running`."""
        if not self.running or self.live is None:
            return "not_running"
        if self.live["setpoint_w"] is not None:
            return "following"
        return "own_use" if self.live["reason"] == Reason.OWN_USE.name.lower() else "released"

    @property
    def why(self) -> str:
        """The reason in words."""
        if not self.running or self.live is None:
            stopped = "" if self.live is None else f" since {self.live['at']}"
            return f"no executor is running{stopped}: 'optimizer run' starts one" + (
                f"; {self.no_plan}" if self.no_plan else ""
            )
        reason = Reason[self.live["reason"].upper()]
        if reason is Reason.NO_PLAN and self.no_plan:
            return self.no_plan
        note = self.live["note"]
        return f"{reason.value}; {note}" if note else reason.value

    @property
    def until(self) -> datetime | None:
        """How long what is held will be held, as far as the plan knows."""
        step = self.step
        if step is None or self.plan is None or self.state != "following" or self.live is None:
            return None
        if self.live["intent"] != step.intent.value:  # the prices of the moment decide
            return step.end
        change = self.change
        return self.plan.steps[-1].end if change is None else change.start

    @property
    def change(self) -> Step | None:
        """The next step with another intent."""
        step = self.step
        if step is None or self.plan is None:
            return None
        later = (item for item in self.plan.steps if item.start >= step.end)
        return next((item for item in later if item.intent is not step.intent), None)

    @property
    def steps_left(self) -> int | None:
        """Steps of the plan from now on."""
        return None if self.plan is None else sum(step.end > self.now for step in self.plan.steps)

    @property
    def planned_soc_percent(self) -> float | None:
        """Planned state of charge at this moment [%]."""
        if self.plan is None:
            return None
        return planned_soc_percent(self.plan, self.now, self.capacity_wh)

    def as_json(self) -> dict[str, Any]:
        """The same for programs (`status/1`)."""
        live = {} if self.live is None else dict(self.live)
        live.pop("schema", None)
        step, change, planned = self.step, self.change, self.planned_soc_percent
        return {
            "schema": "status/1",
            "at": iso(self.now),
            "state": self.state,
            "why": self.why,
            "executor": live or None,
            "held_until": None if self.until is None else iso(self.until),
            "plan_made_at": None if self.plan is None else iso(self.plan.made_at),
            "plan_steps_left": self.steps_left,
            "intent": None if step is None else step.intent.value,
            "next_intent": None if change is None else change.intent.value,
            "next_at": None if change is None else iso(change.start),
            "buy_eur_per_kwh": None if step is None else step.buy_eur_per_kwh,
            "stored_value_eur_per_kwh": None if step is None else step.stored_value_eur_per_kwh,
            "planned_soc_wh": None if step is None else step.soc_wh,
            "planned_soc_percent": None if planned is None else round(planned, 1),
            "planned_saving_eur": None if self.plan is None else round(self.plan.saving_eur, 4),
            "saving_today_eur": None
            if self.saving_today_eur is None
            else round(self.saving_today_eur, 4),
        }

    def lines(self, zone: ZoneInfo) -> list[str]:
        """The five lines."""
        return [
            f"{self.state.replace('_', ' ').upper():<12}{self._held(zone)}{self._alive()}",
            f"battery     {self._battery()}",
            f"price       {self._price(zone)}",
            f"why         {self._why(zone)}",
            f"next        {self._next(zone)}",
        ]

    def _held(self, zone: ZoneInfo) -> str:
        made = ""
        if self.plan is not None:
            left = f"{self.steps_left} steps left"
            made = f" (plan of {clock(self.plan.made_at, zone)}, {left})"
        if self.live is None or not self.running:
            return f"nothing is held by us{made}"
        if self.live["setpoint_w"] is None:
            return f"nothing is held, the FEMS balances the house{made}"
        words = WORDS[Intent(self.live["intent"])]
        until = "" if self.until is None else f" until {clock(self.until, zone)}"
        return f"{words}: {number(self.live['setpoint_w'])} W at the inverter{until}{made}"

    def _alive(self) -> str:
        """How quickly the FEMS answered, and when the executor last decided."""
        if self.live is None or not self.running:
            return ""
        ago_s = (self.now - datetime.fromisoformat(self.live["at"])).total_seconds()
        read_s = self.live.get("read_s")
        latency = "no answer" if read_s is None else f"{1000 * read_s:.0f} ms"
        return f"   FEMS {latency}, decided {max(0.0, ago_s):.0f} s ago"

    def _battery(self) -> str:
        live = self.live if self.running else None
        soc = None if live is None else live["soc_percent"]
        parts = ["unknown" if soc is None else f"{soc:.0f} %"]
        if self.planned_soc_percent is not None:
            parts.append(f"(planned {self.planned_soc_percent:.0f} %)")
        if live is not None:
            lowest_w, highest_w = live.get("allowed_charge_w"), live.get("allowed_discharge_w")
            if lowest_w is not None and highest_w is not None:
                parts.append(f"  allowed {number(lowest_w)} to {signed(highest_w)} W")
            for name, words in (("battery_w", "battery"), ("grid_w", "grid"), ("pv_w", "roof")):
                if live[name] is not None:
                    parts.append(f"  {words} {signed(live[name])} W")
        return " ".join(parts)

    def _why(self, zone: ZoneInfo) -> str:
        """The reason, and what a stored kWh is worth where it does not say so."""
        step = self.step
        if step is None or not self.running or "worth" in self.why:
            return self.why
        worth = f"a stored kWh is worth {100 * step.stored_value_eur_per_kwh:.1f} ct"
        return f"{self.why}; {worth} at {clock(step.end, zone)}"

    def _price(self, zone: ZoneInfo) -> str:
        step = self.step
        if self.plan is None or step is None:
            return "unknown: no plan covers this moment"
        ahead = [item for item in self.plan.steps if item.end > self.now]
        low = min(ahead, key=lambda item: item.buy_eur_per_kwh)
        high = max(ahead, key=lambda item: item.buy_eur_per_kwh)
        bars = sparkline([item.buy_eur_per_kwh for item in ahead], 24)
        return (
            f"{bars}  now {step.buy_eur_per_kwh * 100:.1f} ct, low "
            f"{low.buy_eur_per_kwh * 100:.1f} at {clock(low.start, zone)}, high "
            f"{high.buy_eur_per_kwh * 100:.1f} at {clock(high.start, zone)}"
        )

    def _next(self, zone: ZoneInfo) -> str:
        step, change = self.step, self.change
        if self.plan is None or step is None:
            return "'optimizer plan' makes a plan"
        saving = f"expected saving of the plan {self.plan.saving_eur:z.2f} EUR"
        if self.saving_today_eur is not None:
            saving = f"saving so far today {self.saving_today_eur:z.2f} EUR, {saving}"
        if change is None:
            return f"{WORDS[step.intent]} to the plan's end · {saving}"
        return f"{clock(change.start, zone)} {WORDS[change.intent]} · {saving}"


def signed(power_w: float) -> str:
    """A power with its sign.

    >>> signed(5000), signed(-3)
    ('+5 000', '-3')
    """
    return f"{'+' if power_w > 0 else ''}{number(power_w)}"
