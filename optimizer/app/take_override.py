"""The owner's override: checked against what is possible, priced, taken, listed and cancelled."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from optimizer.app import make_plan
from optimizer.app.make_plan import PlanInputs
from optimizer.errors import InfeasibleError, OptimizerError, UsageError
from optimizer.model.override import AT_ONCE, Override, OverrideKind
from optimizer.model.plan import Plan
from optimizer.store import database, overrides, pause, reading
from optimizer.store.overrides import Ending, StoredOverride
from optimizer.text.local_time import clock_from

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from optimizer.config.sections import Config
    from optimizer.planning.run_record import RunRecord

PRICE_AGE = timedelta(minutes=10)
"""So long a price may be thought over: state of charge and forecast go on."""

MINUTE = timedelta(minutes=1)

SAME_EUR = 0.005
"""Less is printed as nothing."""

SAME_PERCENT = 0.05
"""So close below the demanded charge it counts as reached [%]."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An override with the plan that prices it; nothing is taken yet."""

    override: Override
    plan: Plan
    run: "RunRecord"
    without: Plan
    """The plan without it, from the same inputs."""
    capacity_wh: float
    replaces: Override | None = None
    """The override in force, which it would end."""

    @property
    def difference_eur(self) -> float:
        """Cost of the plan above the one without it: bill, wear, peaks, energy left [EUR]."""
        return self.plan.objective_eur - self.without.objective_eur

    @property
    def cost_eur(self) -> float:
        """Price of the override; of `away` none: the owner's absence is no choice of the plan."""
        return make_plan.override_cost_eur(self.plan, self.without)

    def sentence(self, zone: "ZoneInfo") -> str:
        """The order, its price, and when a charge is there."""
        parts = [f"{self.override.text(zone)}: {self._price()}"]
        reached = self.reached_at()
        if reached is not None:
            at = clock_from(reached, self.override.since, zone)
            parts.append(f"{self.override.soc_percent:g} % at {at}")
        end = self.plan.steps[-1].end
        if self.override.until > end:
            at = clock_from(end, self.override.since, zone)
            parts.append(f"priced to {at}, the end of the known prices")
        return "; ".join(parts)

    def _price(self) -> str:
        eur = self.difference_eur
        word = "more" if eur > 0 else "less"
        if self.override.kind is OverrideKind.AWAY:
            kwh, usual = (_load_kwh(plan) for plan in (self.plan, self.without))
            return (
                f"the plan expects {kwh:.1f} kWh for the house instead of {usual:.1f} kWh "
                f"and costs {self.plan.money.amount(abs(eur))} {word}"
            )
        if abs(eur) < SAME_EUR * self.plan.money.size:
            return "costs the same as the plan"
        return f"{self.plan.money.amount(abs(eur))} {word} than the plan"

    def reached_at(self) -> datetime | None:
        """Moment of the charge in the plan, to the minute; None where none is asked for."""
        if self.override.soc_percent is None:
            return None
        level_wh = self.capacity_wh * (self.override.soc_percent - SAME_PERCENT) / 100
        before_wh = self.capacity_wh * self.plan.start_soc_percent / 100
        for step in self.plan.steps:
            if step.soc_wh >= level_wh:
                rise = step.soc_wh - before_wh
                share = (level_wh - before_wh) / rise if rise > 0 else 0.0
                return _minute(step.start + max(share, 0.0) * (step.end - step.start))
            before_wh = step.soc_wh
        return None


def _minute(moment: datetime) -> datetime:
    """The next whole minute."""
    return moment + timedelta(seconds=-moment.timestamp() % 60)


def _load_kwh(plan: Plan) -> float:
    return sum(step.load_w * step.hours for step in plan.steps) / 1000


def offer(config: "Config", order: Override, now: datetime) -> Offer:
    """Price an order by the plans with and without it.

    Parameters
    ----------
    order
        What the owner wants; number and begin are set here.

    Raises
    ------
    InfeasibleError
        If limits, rule or physics forbid it, with what is reachable.
    UsageError
        If there is nothing to charge.
    OptimizerError
        If inputs are missing or rejected.
    """
    inputs = make_plan.free_inputs(config, None, now)
    # What calm may cost would be in the price of the override.
    inputs = replace(inputs, request=replace(inputs.request, calm_eur=0.0))
    made_at = inputs.request.made_at
    with closing(database.connect(config.store.folder)) as connection:
        number = overrides.next_number(connection)
        current = overrides.in_force(connection, made_at)
    order = replace(order, number=number, since=made_at)
    if order.at_once:
        order = replace(order, until=made_at + AT_ONCE)
    check_possible(config, inputs, order)
    plan, run = make_plan.solve(make_plan.under(config, inputs, order))
    without, _ = make_plan.solve(inputs)
    replaces = None if current is None else current.override
    return Offer(order, plan, run, without, inputs.request.battery.capacity_wh, replaces)


def check_possible(config: "Config", inputs: PlanInputs, order: Override) -> None:
    """Refuse a charge that limits, rule or physics do not allow.

    Raises
    ------
    InfeasibleError
        With what is reachable.
    UsageError
        If it is there already.
    """
    from optimizer.planning.override_path import SAME_WH, reach
    from optimizer.planning.planner import task_of

    percent, battery = order.soc_percent, inputs.request.battery
    if percent is None:
        return
    if percent > battery.max_soc_percent:
        raise InfeasibleError(
            f"{percent:g} % is above battery.max_soc_percent: "
            f"{battery.max_soc_percent:g} % can be reached at most"
        )
    if order.at_once and inputs.request.soc_percent >= percent:
        raise UsageError(
            f"the battery is at {inputs.request.soc_percent:.0f} % already: to keep {percent:g} %, "
            "name a time with --by, or 'optimizer override hold'"
        )
    task = task_of(inputs.steps, replace(inputs.request, override=None))
    found, level_wh = reach(task, order, inputs.request.beyond), battery.capacity_wh * percent / 100
    if found.by_wh < level_wh - SAME_WH:
        raise InfeasibleError(_out_of_reach(config, inputs, order, found.by_wh, found.earliest))


def _out_of_reach(
    config: "Config", inputs: PlanInputs, order: Override, by_wh: float, earliest: datetime | None
) -> str:
    """The sentence about a charge that cannot be had, with what can."""
    zone, since = config.zone, inputs.request.made_at
    best = math.floor(100 * by_wh / inputs.request.battery.capacity_wh)
    when = f"{order.soc_percent:g} % cannot be reached within what is forecast"
    if earliest is not None:
        at = clock_from(_minute(earliest), since, zone)
        when = f"{order.soc_percent:g} % can be reached at {at} at the earliest"
    rule = inputs.request.grid.rule
    why = "" if rule.grid_charging else f" (the rule '{rule}' forbids charging from the grid)"
    return f"{when}; by {clock_from(order.until, since, zone)} {best} %{why}"


def take(config: "Config", taken: Offer, now: datetime) -> None:
    """Store an override together with the plan that prices it, in one transaction.

    Raises
    ------
    UsageError
        If the price is too old.
    OverrideChangedError
        If another one was taken meanwhile.
    """
    if not timedelta(0) <= now - taken.override.since + MINUTE <= PRICE_AGE + MINUTE:
        minutes = PRICE_AGE // MINUTE
        raise UsageError(f"the price is more than {minutes} minutes old: ask for it again")
    stored = StoredOverride(taken.override, taken.cost_eur)
    make_plan.store_run(config.store.folder, taken.plan, taken.run, now, stored)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An override that was cancelled."""

    override: Override
    failure: str = ""
    """Why no new plan could be made; "" if there is one."""


def cancel(config: "Config", now: datetime) -> Cancelled | None:
    """Cancel the override in force, and plan without it; None if there is none.

    The plan that was in force before it is in force again at once, whether a new one can be made or
    not.
    """
    with closing(database.connect(config.store.folder)) as connection:
        current = overrides.in_force(connection, now)
        if current is None:
            return None
        with database.transaction(connection):
            overrides.close(connection, now, Ending.CANCELLED)
    try:
        make_plan.nightly_plan(config, None, datetime.now(UTC))
    except OptimizerError as error:
        return Cancelled(current.override, str(error))
    return Cancelled(current.override)


def stored_overrides(config: "Config", count: int) -> Sequence[StoredOverride]:
    """The last overrides, newest first."""
    with closing(reading.reader_or_empty(config.store.folder)) as connection:
        return overrides.newest(connection, count)


def outcome(config: "Config", now: datetime) -> str:
    """Sentence about the executor or the pause that an override meets."""
    from optimizer.store.executor_lock import executor_running

    paused = pause.load(config.store.folder)
    if paused is not None and paused.in_force(now):
        return f"a pause stands above it: {paused.text(config.zone)}"
    if not executor_running(config.store.folder):
        return "no executor is running: 'optimizer run' carries it out"
    return f"the executor carries it out within {config.control.interval_s:.0f} s"
