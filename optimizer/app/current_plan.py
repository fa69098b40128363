"""The plan in force: shown, summed up as a status, and explained step by step."""

from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.app.accounts import account_of_today
from optimizer.errors import NoPlanError, NoStoreError
from optimizer.model.snapshot import Reason

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

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
    from optimizer.store import plan_store, reading

    with closing(reading.reader(config.store.folder)) as connection:
        return plan_store.in_force(connection, at)


@contextmanager
def opened_store(folder: Path) -> "Iterator[tuple[sqlite3.Connection, str]]":
    """The store for reading, and a sentence where there is none yet: then it is empty."""
    from optimizer.store import reading

    no_store = ""
    try:
        connection = reading.reader(folder)
    except NoStoreError as error:
        connection, no_store = reading.empty(), str(error)
    with closing(connection):
        yield connection, no_store


def plan_or_why(connection: "sqlite3.Connection", at: datetime) -> "tuple[Plan | None, str]":
    """The plan in force at a moment, or the reason why there is none."""
    from optimizer.store import plan_store

    try:
        return plan_store.in_force(connection, at), ""
    except NoPlanError as error:
        return None, str(error)


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
    with opened_store(config.store.folder) as (connection, no_store):
        today = account_of_today(connection, config, now)
        return state_of(connection, config, now, today, no_store)


def state_of(
    connection: "sqlite3.Connection", config: "Config", now: datetime, today: "DayAccount | None",
    no_store: str = "",
) -> CurrentState:  # fmt: skip
    """The state of the moment from an open store.

    Parameters
    ----------
    today
        Account of today so far.
    no_store
        Sentence where there is no store yet.
    """
    from optimizer.report.status_lines import Status
    from optimizer.store import live_state, overrides, pause, quarter_record

    plan, no_plan = plan_or_why(connection, now)
    last_day = quarter_record.sums(connection, now - timedelta(days=1))
    live = live_state.read(live_state.path_for(config.store.folder))
    if live is not None and live_state.has_ended(live):
        live = {**live, "reason": Reason.STOPPED.name.lower()}
    stored = pause.load(config.store.folder)
    status = Status(
        now=now,
        plan=plan,
        no_plan=no_store or no_plan,
        live=live,
        capacity_wh=config.battery.capacity_wh,
        saving_today_eur=None if today is None else today.saving_eur,
        pause=stored if stored is not None and stored.in_force(now) else None,
        override=overrides.in_force(connection, now),
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
    from optimizer.store import live_state, plan_store, reading

    with closing(reading.reader(config.store.folder)) as connection:
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
