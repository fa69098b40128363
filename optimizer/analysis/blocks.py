"""A plan for people: neighbouring steps that do the same are one block."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from optimizer.model.plan import Intent, Plan, Step


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring steps with one intent and one kind of reason."""

    start: datetime
    end: datetime
    intent: Intent
    buy_low: float
    """Lowest and highest buying price [EUR/kWh]."""
    buy_high: float
    load_w: float
    """Means over the block [W]."""
    pv_w: float
    battery_w: float
    grid_w: float
    soc_before_wh: float
    soc_after_wh: float
    cost_eur: float
    why: str


def blocks(plan: Plan, capacity_wh: float) -> list[Block]:
    """The plan's blocks in order of time."""
    before = capacity_wh * plan.start_soc_percent / 100
    result = []
    for _, group in groupby(plan.steps, key=_kind):
        steps = list(group)
        result.append(_block(steps, before))
        before = steps[-1].soc_wh
    return result


def _kind(step: Step) -> tuple[Intent, str]:
    return step.intent, step.why if step.intent is Intent.OWN_USE else ""


def _block(steps: list[Step], before_wh: float) -> Block:
    hours = sum(step.hours for step in steps)

    def mean(name: str) -> float:
        return sum(float(getattr(step, name)) * step.hours for step in steps) / hours

    return Block(
        start=steps[0].start,
        end=steps[-1].end,
        intent=steps[0].intent,
        buy_low=min(step.buy_eur_per_kwh for step in steps),
        buy_high=max(step.buy_eur_per_kwh for step in steps),
        load_w=mean("load_w"),
        pv_w=mean("pv_w"),
        battery_w=mean("battery_w"),
        grid_w=mean("grid_w"),
        soc_before_wh=before_wh,
        soc_after_wh=steps[-1].soc_wh,
        cost_eur=sum(step.cost_eur for step in steps),
        why=steps[0].why,
    )
