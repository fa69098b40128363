"""Why not: the same program with another decision forced onto one step, and what that costs more.

Each question is asked from that step on, at the stored energy that the plan has there: what was
before cannot be changed, and a plan's rest is the best one from there on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from optimizer.errors import InfeasibleError
from optimizer.model.override import OverrideKind
from optimizer.model.plan import Plan
from optimizer.model.tariff import Peak
from optimizer.planning import program
from optimizer.planning.explain import SAME_W, SAME_WH
from optimizer.planning.program import full_charge_wh
from optimizer.planning.step_options import power_reach
from optimizer.planning.task import Task

EDGE_WH = 0.02
"""A plan's stored energies are rounded to 0.01 Wh: so close to an edge they are the edge."""

FORCED_W = 1e-5
"""Half the width of a forced band: what is forced must not fail by rounding."""

UNDER = {
    OverrideKind.HOLD: "the override lets only the roof charge, and nothing discharge",
    OverrideKind.SELF_CONSUMPTION: "the override leaves it to the FEMS",
    OverrideKind.CHARGE: "the override's charge would not be reached",
}
"""Why an override forbids a decision, where it fixes or demands a path of the stored energy."""

AT_ONCE = "the override charges as fast as is allowed"
POWER = "the override's own limit"

CHARGE, HOLD, DISCHARGE, SELF_CONSUMPTION = "charge", "hold", "discharge", "self_consumption"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One other decision for a step."""

    decision: str
    """`charge` and `discharge` with all that the limits allow, `hold` (the cells stand still), or
    `self_consumption` (what the FEMS would do)."""
    battery_w: float | None
    """The power that was forced; None if it is not possible."""
    difference_eur: float | None
    """What it costs more than the plan: bill, wear, penalties and the energy left."""
    planned: bool = False
    """Whether it is what the plan does."""
    note: str = ""
    """Why it is not possible, or what limits it."""


def task_from(task: Task, plan: Plan, at: int) -> Task:
    """The task from one of the plan's steps on, at the stored energy that the plan has there."""
    start_wh = plan.steps[at - 1].soc_wh if at > 0 else task.start_wh
    for edge_wh in (task.battery.min_wh, task.battery.max_wh):
        if abs(start_wh - edge_wh) <= EDGE_WH:
            start_wh = edge_wh
    return replace(
        task, steps=task.steps[at:], start_wh=start_wh, decided=None,
        peak=_peak_from(task, plan, at), full_by=_full_by(task, plan, at),
        override=None if task.override is None else task.override.from_step(at),
    )  # fmt: skip


def _peak_from(task: Task, plan: Plan, at: int) -> Peak | None:
    """The price of the peak with what the plan has drawn in the step's period before it."""
    if task.peak is None:
        return None
    period = task.periods[at]
    drawn_w = [plan.steps[t].grid_w for t in range(at) if task.periods[t] == period]
    reached_w = task.peak.reached_w if period == 0 else 0.0
    return replace(task.peak, reached_w=max([reached_w, *drawn_w]))


def _full_by(task: Task, plan: Plan, at: int) -> int | None:
    """Until which step a full charge is still due, counted from the step on."""
    if task.full_by is None or task.full_by < at:
        return None
    had = any(step.soc_wh >= full_charge_wh(task) for step in plan.steps[:at])
    return None if had else task.full_by - at


def alternatives(task: Task, plan: Plan, at: int) -> list[Alternative]:
    """The four other decisions for a step of a plan.

    Parameters
    ----------
    task
        What the plan was made for.
    plan
        The plan.
    at
        Index of the step.

    Raises
    ------
    InfeasibleError
        If the solver proves no optimum.
    """
    rest, planned_w = task_from(task, plan, at), plan.steps[at].battery_w
    rest, base_eur = _solved(rest)
    return [
        _ask(rest, base_eur, decision, battery_w, planned_w, note)
        for decision, battery_w, note in _decisions(rest)
    ]


def _solved(task: Task) -> tuple[Task, float]:
    """The task and its objective [EUR]; without an override's limits that it cannot keep."""
    try:
        return task, program.solve(task).objective_eur
    except InfeasibleError:
        if task.override is None:
            raise
        free = replace(task, override=task.override.without_limits())
        return free, program.solve(free).objective_eur


def _decisions(task: Task) -> Iterator[tuple[str, float | None, str]]:
    """Decisions that are possible in the task's first step: name, battery power [W], a note."""
    step, battery = task.steps[0], task.battery
    lowest_w, highest_w = power_reach(task)
    still_w = min(max(-battery.standby_w, lowest_w), highest_w)
    own_w, _ = battery.step(task.start_wh, task.self_consumption_w(step), step.hours)
    own_w = min(max(own_w, lowest_w), highest_w)
    can_charge = lowest_w < -battery.standby_w - SAME_W
    yield CHARGE, lowest_w if can_charge else None, _charge_limit(task, lowest_w)
    yield HOLD, still_w, ""
    can_discharge = highest_w > SAME_W
    yield DISCHARGE, highest_w if can_discharge else None, _discharge_limit(task, highest_w)
    yield SELF_CONSUMPTION, own_w, ""


def _charge_limit(task: Task, lowest_w: float) -> str:
    """Name of the limit that keeps the battery from charging with more than `lowest_w`."""
    step, battery = task.steps[0], task.battery
    if _capped_w(task, lowest_w) and task.override is not None:
        return POWER if task.override.override.power_w is not None else _forbidden(task)
    rule_low, _ = task.grid.battery_limits(step.need_w)
    after_wh = battery.stored_after(task.start_wh, lowest_w, step.hours)
    if after_wh >= battery.max_wh - SAME_WH:
        return "the battery is full"
    if lowest_w <= -battery.max_charge_w + SAME_W:
        return "its largest charging power"
    if rule_low > -battery.max_charge_w and lowest_w <= rule_low + SAME_W:
        return f"the rule '{task.grid.rule}' forbids charging from the grid"
    dc_pv_w = step.pv_w if battery.hybrid else 0.0
    if lowest_w + dc_pv_w <= SAME_W - task.site_at(step).limits.draw_w:
        return "the grid operator limits the storage unit"
    if lowest_w <= -battery.taper_w(task.start_wh)[0] - battery.standby_w + SAME_W:
        return "the battery takes no more at this state of charge"
    if step.need_w - lowest_w >= task.site_at(step).limits.buy_w - SAME_W:
        return "the grid connection gives no more (max_buy_w)"
    return "the inverter takes no more"


def _capped_w(task: Task, lowest_w: float) -> bool:
    """True where the override's largest power keeps the battery from charging more."""
    terms = task.override
    return terms is not None and abs(lowest_w + terms.charge_w[0]) <= SAME_W


def _forbidden(task: Task) -> str:
    """Why the task's override leaves no other choice."""
    assert task.override is not None  # noqa: S101 asked before
    override = task.override.override
    if override.at_once:
        return AT_ONCE
    return UNDER.get(override.kind, "the override leaves no choice")


def _discharge_limit(task: Task, highest_w: float) -> str:
    """Name of the limit that keeps the battery from discharging with more than `highest_w`."""
    step, battery = task.steps[0], task.battery
    _, rule_high = task.grid.battery_limits(step.need_w)
    after_wh = battery.stored_after(task.start_wh, highest_w, step.hours)
    if task.override is not None and task.override.discharge_w[0] <= highest_w + SAME_W:
        return _forbidden(task)
    if after_wh <= battery.min_wh + SAME_WH:
        return "the battery is empty"
    if highest_w >= battery.max_discharge_w - SAME_W:
        return "its largest discharging power"
    if highest_w >= battery.taper_w(task.start_wh)[1] - battery.standby_w - SAME_W:
        return "the battery gives no more at this state of charge"
    if highest_w >= rule_high - SAME_W:
        return f"the rule '{task.grid.rule}' forbids selling from the battery"
    if highest_w - step.need_w >= task.site_at(step).limits.sell_w - SAME_W:
        return "the grid connection takes no more (max_sell_w)"
    return "the inverter gives no more"


def _ask(
    task: Task, base_eur: float, decision: str, battery_w: float | None, planned_w: float,
    note: str,
) -> Alternative:  # fmt: skip
    """Force one decision onto the task's first step and solve."""
    if battery_w is None:
        return Alternative(decision, None, None, note=note)
    watts = round(battery_w, 2) + 0.0
    if abs(battery_w - planned_w) <= SAME_W:
        return Alternative(decision, watts, 0.0, planned=True, note=note)
    forced = replace(task, forced=((0, battery_w - FORCED_W, battery_w + FORCED_W),))
    try:
        more = program.solve(forced).objective_eur - base_eur
    except InfeasibleError:
        if task.override is None:
            raise
        return Alternative(decision, None, None, note=_forbidden(task))
    return Alternative(decision, watts, max(0.0, more) if more > -1e-6 else more, note=note)
