"""Status of executor, battery and plan as five lines, and one more for an override."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.model.currency import EUR, Currency
from optimizer.model.plan import Intent, Plan, Step, iso
from optimizer.model.snapshot import Reason
from optimizer.store.overrides import StoredOverride
from optimizer.store.pause import REASONS, Pause, PauseKind
from optimizer.telemetry.cycle_report import planned_soc_percent
from optimizer.text.local_time import clock_from, in_local_time
from optimizer.text.phases import Phase, phases
from optimizer.text.plan_table import INTENT_NAMES, fit, number, sparkline

COLUMN = 12
"""Column at which a line's text begins."""

DOING = {
    Intent.SELF_CONSUMPTION: "self-consumption",
    Intent.HOLD: "holding",
    Intent.DEFER: "keeping room",
    Intent.CHARGE: "charging",
    Intent.LIMIT: "charging gently",
    Intent.DISCHARGE: "selling",
}
"""What control does, in a sentence."""

STALE = timedelta(seconds=60)
"""Age of the live file from which on an executor does not run."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the five lines need."""

    now: datetime
    plan: Plan | None
    no_plan: str
    """Reason why there is no plan."""
    live: Mapping[str, Any] | None
    """The executor's live file."""
    capacity_wh: float
    saving_today_eur: float | None = None
    """Saving of today so far [EUR]; None where it cannot be accounted for."""
    pause: Pause | None = None
    """The owner's pause, if one is in force."""
    override: StoredOverride | None = None
    """The owner's override, if one is in force."""

    @property
    def running(self) -> bool:
        """True where an executor runs."""
        if self.live is None or self.live["reason"] == Reason.STOPPED.name.lower():
            return False
        return abs(self.now - datetime.fromisoformat(self.live["at"])) < STALE

    @property
    def shadow(self) -> bool:
        """True where an executor runs that writes nothing to the FEMS."""
        return self.running and self.live is not None and bool(self.live.get("shadow"))

    @property
    def step(self) -> Step | None:
        """The plan's present step."""
        return None if self.plan is None else self.plan.step_at(self.now)

    @property
    def state(self) -> str:
        """`paused`, `stood_down`, `following`, `self_consumption`, `released`, `not_running`."""
        if self.pause is not None:
            return {PauseKind.OWNER: "paused", PauseKind.STAND_DOWN: "stood_down"}[self.pause.kind]
        if not self.running or self.live is None:
            return "not_running"
        if self.live["setpoint_w"] is not None:
            return "following"
        return (
            "self_consumption"
            if self.live["reason"] == Reason.SELF_CONSUMPTION.name.lower()
            else "released"
        )

    @property
    def why(self) -> str:
        """The reason in words."""
        if self.pause is not None:
            executor = "" if self.running else "; no executor is running"
            return f"{REASONS[self.pause.kind].value}: 'optimizer resume' ends it{executor}"
        if not self.running or self.live is None:
            stopped = "" if self.live is None else f" since {self.live['at']}"
            return f"no executor is running{stopped}: 'optimizer run' starts one" + (
                f"; {self.no_plan}" if self.no_plan else ""
            )
        reason = Reason[self.live["reason"].upper()]
        if reason is Reason.NO_PLAN and self.no_plan:
            return self.no_plan
        note = self.live["note"]
        if self._differs:
            return f"{self._difference}: {note or reason.value}"
        return f"{reason.value}; {note}" if note else reason.value

    @property
    def _differs(self) -> bool:
        """True where control does something else than the planned step.

        At the charge of the moment a stored kWh is worth more or less than was foreseen.
        """
        step, live = self.step, self.live
        if step is None or live is None or live["intent"] == step.intent.value:
            return False
        own = live["intent"] == Intent.SELF_CONSUMPTION.value
        return self.state == "following" or (self.state == "self_consumption" and own)

    @property
    def _difference(self) -> str:
        done = Intent.SELF_CONSUMPTION if self.live is None else Intent(self.live["intent"])
        planned = Intent.SELF_CONSUMPTION if self.step is None else self.step.intent
        return f"{DOING[done]} although planned as {INTENT_NAMES[planned]}"

    @property
    def until(self) -> datetime | None:
        """End of what is held now, by the plan."""
        step = self.step
        if step is None or self.plan is None or self.state != "following" or self.live is None:
            return None
        if self.live["intent"] != step.intent.value:  # the prices of the moment decided
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
        """The status as JSON data (`status/1`)."""
        live = {} if self.live is None else dict(self.live)
        live.pop("schema", None)
        step, change, planned = self.step, self.change, self.planned_soc_percent
        return {
            "schema": "status/1",
            "at": iso(self.now),
            "state": self.state,
            "why": self.why,
            "pause": None if self.pause is None else self.pause.as_json(),
            "override": None
            if self.override is None
            else self.override.override.as_json() | {"cost_eur": self.override.cost_eur},
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

    def text(self, zone: ZoneInfo) -> str:
        """The five lines, each continued below its column where the terminal ends."""
        return "\n".join("\n".join(fit(line, COLUMN)) for line in self.lines(zone))

    def lines(self, zone: ZoneInfo) -> list[str]:
        """The five lines, of any length; with an override, one more."""
        return [f"{name:<{COLUMN}}{words}" for name, words in self.rows(zone)]

    def rows(self, zone: ZoneInfo) -> list[tuple[str, str]]:
        """The lines as name and text: the state, `battery`, `price`, `why`, `next`, `override`."""
        return [
            (self._state_words(), f"{self._held(zone)}{self._alive()}"),
            ("battery", self._battery()),
            ("price", self._price(zone)),
            ("why", self._why(zone)),
            ("next", self._next(zone)),
            *([] if self.override is None else [("override", self._override(zone))]),
        ]

    def _override(self, zone: ZoneInfo) -> str:
        """The owner's override, its price, and what stands above it."""
        if self.override is None:
            return ""
        text = f"{self.override.override.text(zone)}, taken {self.override.price(self._money)}"
        return text if self.pause is None else f"{text}; the pause stands above it"

    def _state_words(self) -> str:
        """Name of the state, with the space that a long one needs behind it."""
        hyphened = self.state.replace("self_consumption", "self-consumption  ")
        return hyphened.replace("_", " ").upper()

    def _held(self, zone: ZoneInfo) -> str:
        made = ""
        if self.plan is not None:
            made = f" (plan of {clock_from(self.plan.made_at, self.now, zone)})"
        if self.pause is not None:
            held = self.running and self.live is not None and self.live["setpoint_w"] is not None
            return f"{self.pause.text(zone)}{': not given back yet' if held else ''}"
        if self.live is None or not self.running:
            return f"nothing is held by us{made}"
        if self.live["setpoint_w"] is None:
            return f"nothing is held, the FEMS balances the house{made}"
        words = INTENT_NAMES[Intent(self.live["intent"])]
        until = "" if self.until is None else f" until {clock_from(self.until, self.now, zone)}"
        shadow = " would be held: this is a shadow run, nothing is written" if self.shadow else ""
        watts = number(self.live["setpoint_w"])
        return f"{words}: {watts} W at the inverter{until}{shadow}{made}"

    def _alive(self) -> str:
        """Latency of the FEMS, and age of the last decision."""
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
        """The reason, with the marginal value of a stored kWh where it does not name it."""
        step, why = self.step, in_local_time(self.why, zone)
        if step is None or not self.running or "worth" in why:
            return why
        marginal_value = f"a stored kWh is worth {self._money.price(step.stored_value_eur_per_kwh)}"
        return f"{why}; {marginal_value} at {clock_from(step.end, self.now, zone)}"

    def _price(self, zone: ZoneInfo) -> str:
        """The price with a small diagram of the plan's prices."""
        ahead = self._steps_ahead
        if self.step is None or not ahead:
            return self.price_words(zone)
        bars = sparkline([item.buy_eur_per_kwh for item in ahead], 16)
        return f"{bars}  {self.price_words(zone)}"

    def price_words(self, zone: ZoneInfo) -> str:
        """The price now, and the lowest and the highest of the plan's rest."""
        step, ahead = self.step, self._steps_ahead
        if step is None or not ahead:
            return "unknown: no plan covers this moment"
        low = min(ahead, key=lambda item: item.buy_eur_per_kwh)
        high = max(ahead, key=lambda item: item.buy_eur_per_kwh)
        shown = [
            f"{self._money.number(item.buy_eur_per_kwh)} at "
            f"{clock_from(item.start, self.now, zone)}"
            for item in (low, high)
        ]
        now = self._money.price(step.buy_eur_per_kwh)
        return f"now {now}, low {shown[0]}, high {shown[1]}"

    @property
    def _money(self) -> Currency:
        return EUR if self.plan is None else self.plan.money

    @property
    def _steps_ahead(self) -> list[Step]:
        """Steps that end after this moment."""
        if self.plan is None:
            return []
        return [item for item in self.plan.steps if item.end > self.now]

    def _ahead(self, zone: ZoneInfo) -> list[Phase]:
        """Phases that end after this moment."""
        made = [] if self.plan is None else phases(self.plan, self.capacity_wh, zone)
        return [phase for phase in made if phase.end > self.now]

    def _next(self, zone: ZoneInfo) -> str:
        ahead = self._ahead(zone)
        if self.plan is None or self.step is None or not ahead:
            return "'optimizer plan' makes a plan"
        saving = f"expected saving of the plan {self._money.amount(self.plan.saving_eur)}"
        if self.saving_today_eur is not None:
            saving = f"saving so far today {self._money.amount(self.saving_today_eur)}, {saving}"
        if len(ahead) == 1:
            return f"{INTENT_NAMES[ahead[0].intent]} to the plan's end · {saving}"
        return f"{clock_from(ahead[1].start, self.now, zone)} {ahead[1].words(zone)} · {saving}"


def signed(power_w: float) -> str:
    """A power with its sign.

    >>> signed(5000), signed(-3)
    ('+5 000', '-3')
    """
    return f"{'+' if power_w > 0 else ''}{number(power_w)}"
