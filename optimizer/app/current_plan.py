"""The plan in force: shown, summed up as a status, and explained step by step."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from optimizer.app.accounts import account_of_today
from optimizer.errors import NoPlanError
from optimizer.model.snapshot import Reason

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.model.plan import Plan
    from optimizer.report.explanation import Explanation
    from optimizer.report.status_lines import Status
    from optimizer.savings.account import DayAccount
    from optimizer.store.quarter_record import EnergySums


def plan_in_force(config: "Config", at: datetime) -> "Plan":
    """The newest stored plan that covers a moment.

    Raises
    ------
    NoPlanError
        If there is none.
    """
    from optimizer.store import database, plan_store

    with closing(database.connect(config.store.folder)) as connection:
        return plan_store.in_force(connection, at)


@dataclass(frozen=True, slots=True)
class CurrentState:
    """Status of the moment, with what was exchanged and saved."""

    status: "Status"
    last_day: "EnergySums"
    """Energies of the last 24 hours."""
    today: "DayAccount | None"
    """Account of today so far; None if nothing can be counted yet."""

    def as_json(self) -> dict[str, Any]:
        """The `status/1` contract."""
        return self.status.as_json() | {
            "last_day": self.last_day.as_json(),
            "today": None if self.today is None else self.today.as_json(),
        }


def current_state(config: "Config", now: datetime) -> CurrentState:
    """Read plan, live file, record and accounts of the moment."""
    from optimizer.report.status_lines import Status
    from optimizer.store import database, live_state, overrides, pause, plan_store, quarter_record

    plan, no_plan = None, ""
    with closing(database.connect(config.store.folder)) as connection:
        try:
            plan = plan_store.in_force(connection, now)
        except NoPlanError as error:
            no_plan = str(error)
        last_day = quarter_record.sums(connection, now - timedelta(days=1))
        today = account_of_today(connection, config, now)
        override = overrides.in_force(connection, now)
    live = live_state.read(live_state.path_for(config.store.folder))
    if live is not None and live_state.has_ended(live):
        live = {**live, "reason": Reason.STOPPED.name.lower()}
    saving_eur = None if today is None else today.saving_eur
    stored = pause.load(config.store.folder)
    paused = stored if stored is not None and stored.in_force(now) else None
    status = Status(
        now, plan, no_plan, live, config.battery.capacity_wh, saving_eur, paused, override
    )
    return CurrentState(status, last_day, today)


def explanation_of(config: "Config", at: datetime, *, is_now: bool) -> "Explanation":
    """Reason of the step at a moment, and the cost of its alternatives.

    Parameters
    ----------
    is_now
        Add the measured state of charge, if an executor runs.

    Raises
    ------
    NoPlanError
        If no stored plan covers the moment.
    """
    from optimizer.planning import planner, run_record, why_not
    from optimizer.report import status_lines
    from optimizer.report.explanation import Explanation
    from optimizer.store import database, live_state, plan_store

    with closing(database.connect(config.store.folder)) as connection:
        number = plan_store.number_in_force(connection, at)
        plan = plan_store.load(connection, number)
        run = run_record.from_json(plan_store.run_of(connection, number))
    index = next(place for place, step in enumerate(plan.steps) if step.end > at)
    task = planner.task_of(run.steps, run.request)
    soc_percent = None
    if is_now:
        live = live_state.read(live_state.path_for(config.store.folder))
        running = status_lines.Status(at, plan, "", live, task.battery.capacity_wh).running
        soc_percent = live["soc_percent"] if running and live is not None else None
    alternatives = tuple(why_not.alternatives(task, plan, index))
    return Explanation(at, plan, index, task.battery, task.grid, alternatives, soc_percent)
