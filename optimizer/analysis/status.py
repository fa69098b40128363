"""What is held and why, in five lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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

    def as_json(self) -> dict[str, Any]:
        """The same for programs (`status/1`)."""
        live = {} if self.live is None else dict(self.live)
        live.pop("schema", None)
        step = self.step
        return {
            "schema": "status/1",
            "at": iso(self.now),
            "state": self.state,
            "why": self.why,
            "executor": live or None,
            "plan_made_at": None if self.plan is None else iso(self.plan.made_at),
            "intent": None if step is None else step.intent.value,
            "buy_eur_per_kwh": None if step is None else step.buy_eur_per_kwh,
            "planned_soc_wh": None if step is None else step.soc_wh,
            "planned_saving_eur": None if self.plan is None else round(self.plan.saving_eur, 4),
        }

    def lines(self, zone: ZoneInfo) -> list[str]:
        """The five lines."""
        return [
            f"{self.state.replace('_', ' ').upper():<12}{self._held(zone)}",
            f"battery     {self._battery()}",
            f"price       {self._price(zone)}",
            f"why         {self.why}",
            f"next        {self._next(zone)}",
        ]

    def _held(self, zone: ZoneInfo) -> str:
        if self.live is None or not self.running:
            return "nothing is held"
        if self.live["setpoint_w"] is None:
            return "nothing is held, the FEMS balances the house"
        words = WORDS[Intent(self.live["intent"])]
        step = self.step
        until = "" if step is None else f" until {clock(step.end, zone)}"
        return f"{words}: {number(self.live['setpoint_w'])} W at the inverter{until}"

    def _battery(self) -> str:
        live = self.live if self.running else None
        soc = None if live is None else live["soc_percent"]
        known = "unknown" if soc is None else f"{soc:.0f} %"
        parts = [known]
        if self.step is not None:
            parts.append(f"(planned {100 * self.step.soc_wh / self.capacity_wh:.0f} %)")
        for name in ("battery", "grid", "pv"):
            power = None if live is None else live[f"{name}_w"]
            if power is not None:
                parts.append(f"  {'roof' if name == 'pv' else name} {number(power)} W")
        return " ".join(parts)

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
        step = self.step
        if self.plan is None or step is None:
            return "'optimizer plan' makes a plan"
        saving = f"expected saving of the plan {self.plan.saving_eur:.2f} EUR"
        for later in self.plan.steps:
            if later.start >= step.end and later.intent is not step.intent:
                return f"{clock(later.start, zone)} {WORDS[later.intent]} · {saving}"
        return f"{WORDS[step.intent]} to the plan's end · {saving}"
