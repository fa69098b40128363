"""What one cycle of the executor means, for those who only look on: metrics and Home Assistant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from optimizer.analysis.text import WORDS
from optimizer.control import executor
from optimizer.model.plan import Plan, Step
from optimizer.model.state import Decision, Reason, Snapshot

CALM = frozenset({*executor.CALM, Reason.STOPPED})
"""Reasons that need nobody's attention."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A decision with what was known then."""

    decision: Decision
    seen: Snapshot | None
    plan: Plan | None
    capacity_wh: float

    @property
    def step(self) -> Step | None:
        """The plan's present step."""
        return None if self.plan is None else self.plan.step_at(self.decision.at)

    @property
    def problem(self) -> bool:
        """Whether somebody should look."""
        return self.decision.reason not in CALM

    @property
    def action(self) -> str:
        """What is done, in the words of plan and status."""
        if self.decision.setpoint_w is not None:
            return WORDS[self.decision.intent]
        return "own use" if self.decision.reason is Reason.OWN_USE else "released"

    @property
    def planned_soc_percent(self) -> float | None:
        """Planned state of charge now [%], on the way through the present step."""
        if self.plan is None:
            return None
        return planned_soc_percent(self.plan, self.decision.at, self.capacity_wh)

    @property
    def plan_age_s(self) -> float | None:
        """Since the plan was made [s]."""
        if self.plan is None:
            return None
        return (self.decision.at - self.plan.made_at) / timedelta(seconds=1)


def planned_soc_percent(plan: Plan, at: datetime, capacity_wh: float) -> float | None:
    """Planned state of charge at a moment [%], None outside the plan."""
    before_wh = plan.start_soc_percent * capacity_wh / 100
    for step in plan.steps:
        if step.start <= at < step.end:
            share = (at - step.start) / (step.end - step.start)
            return 100 * (before_wh + share * (step.soc_wh - before_wh)) / capacity_wh
        before_wh = step.soc_wh
    return None


Onlooker = Callable[[Facts], None]
"""Takes a copy of the facts; whatever happens to it, control must not notice."""
