"""Report of one executor cycle for its observers: Prometheus and Home Assistant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from optimizer.model.plan import Plan, Step
from optimizer.model.snapshot import CALM, ORDERED, Decision, Reason, Snapshot
from optimizer.text.plan_table import INTENT_NAMES

UNREMARKABLE = CALM | {Reason.STOPPED, Reason.PAUSED}
"""Reasons that need no attention."""


@dataclass(frozen=True, slots=True)
class CycleReport:
    """A decision with the reading and the plan of its moment."""

    decision: Decision
    seen: Snapshot | None
    plan: Plan | None
    capacity_wh: float
    zone: tzinfo = UTC
    """Time zone of the texts for people."""

    @property
    def step(self) -> Step | None:
        """The plan's present step."""
        return None if self.plan is None else self.plan.step_at(self.decision.at)

    @property
    def override_text(self) -> str:
        """The owner's override in force, in words; "" without one."""
        override = None if self.plan is None else self.plan.override_at(self.decision.at)
        return "" if override is None else override.text(self.zone)

    @property
    def problem(self) -> bool:
        """True where the decision's reason needs the owner's attention."""
        return self.decision.reason not in UNREMARKABLE

    @property
    def action(self) -> str:
        """Name of the action, as plan and status use it."""
        if self.decision.setpoint_w is not None:
            return INTENT_NAMES[self.decision.intent]
        if self.decision.reason in ORDERED:
            return "paused" if self.decision.reason is Reason.PAUSED else "stood down"
        return "self-consumption" if self.decision.reason is Reason.SELF_CONSUMPTION else "released"

    @property
    def planned_soc_percent(self) -> float | None:
        """Planned state of charge now [%], interpolated within the present step."""
        if self.plan is None:
            return None
        return planned_soc_percent(self.plan, self.decision.at, self.capacity_wh)

    @property
    def plan_age_s(self) -> float | None:
        """Age of the plan [s]."""
        if self.plan is None:
            return None
        return (self.decision.at - self.plan.made_at) / timedelta(seconds=1)


def planned_soc_percent(plan: Plan, at: datetime, capacity_wh: float) -> float | None:
    """Planned state of charge at a moment [%], None outside the plan."""
    soc_wh = plan.soc_wh_at(at, capacity_wh)
    return None if soc_wh is None else 100 * soc_wh / capacity_wh


Observer = Callable[[CycleReport], None]
"""Receives each cycle's report; its errors and delays must not reach control."""
