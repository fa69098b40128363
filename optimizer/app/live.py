"""Contents of the live page from the store alone; what is over is computed once and kept."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from optimizer.app.accounts import account_inputs
from optimizer.app.current_plan import opened_store, plan_in_force, state_of
from optimizer.app.past_report import of_house
from optimizer.doctor import house_findings, live_findings
from optimizer.doctor.finding import Finding
from optimizer.model.moments import floor
from optimizer.report.live_page import LivePage, SavedPeriod
from optimizer.report.owner_report import OwnerReport
from optimizer.savings import account, daily_accounts
from optimizer.savings.account import DayAccount
from optimizer.savings.daily_accounts import SETTLED
from optimizer.savings.forecast_totals import ForecastTotals, forecast_totals
from optimizer.savings.measured_day import QuarterPrice
from optimizer.store import closed_accounts, overrides, plan_store, quarter_record

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from optimizer.app.current_plan import CurrentState
    from optimizer.config.sections import Config
    from optimizer.model.plan import Plan
    from optimizer.model.quarter_energy import QuarterEnergy
    from optimizer.report.status_lines import Status
    from optimizer.savings.daily_accounts import AccountInputs

KEPT_DAYS = 8
"""Number of past days whose figures are kept in memory."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayRecord:
    """A local day as metered, as far as it has come."""

    quarters: "Sequence[QuarterEnergy]" = ()
    prices: "Mapping[datetime, QuarterPrice]" = field(default_factory=dict)
    without_plan: Sequence[tuple[datetime, float]] = ()
    """Stored energy of the battery left to itself [Wh]."""
    account: DayAccount | None = None
    forecasts: ForecastTotals | None = None


def day_record(
    connection: sqlite3.Connection, house: "AccountInputs", day: date, now: datetime
) -> DayRecord:
    """Read and account a local day up to the last whole quarter-hour."""
    begin, end = daily_accounts.bounds(day, house.zone)
    end = min(end, floor(now))
    if end <= begin:
        return DayRecord()
    known = daily_accounts.known(connection, begin, end)
    return DayRecord(
        known.quarters,
        known.prices,
        daily_accounts.self_consumption_charge(known, begin, end, house),
        account.account(day, begin, end, known, house.terms),
        forecast_totals(known),
    )


class LiveDocuments:
    """Page and JSON documents of a configuration, one answer at a time.

    Parameters
    ----------
    read_config
        Gives the configuration as it is now.
    """

    def __init__(self, read_config: "Callable[[], Config]") -> None:
        self._read_config = read_config
        self._lock = Lock()
        self._records: dict[date, tuple[Hashable, DayRecord]] = {}
        self._before: tuple[Hashable, list[DayAccount]] | None = None

    def state(self, now: datetime) -> "CurrentState":
        """The status of the moment."""
        config = self._read_config()
        with self._lock, opened_store(config.store.folder) as (connection, no_store):
            today = self._today(connection, config, now)
            return state_of(connection, config, now, today.account, no_store)

    def plan(self, now: datetime) -> "Plan":
        """The plan in force.

        Raises
        ------
        NoPlanError
            If there is none.
        """
        return plan_in_force(self._read_config(), now)

    def page(self, now: datetime, day: date | None = None) -> LivePage:
        """Contents of the page.

        Parameters
        ----------
        day
            The past day to show; yesterday by default.
        """
        config = self._read_config()
        with self._lock, opened_store(config.store.folder) as (connection, no_store):
            return self._page(connection, config, now, day, no_store)

    def _page(
        self, connection: sqlite3.Connection, config: "Config", now: datetime, day: date | None,
        no_store: str,
    ) -> LivePage:  # fmt: skip
        house = account_inputs(config)
        local = now.astimezone(house.zone).date()
        yesterday = local - DAY
        shown = yesterday if day is None else day
        today = self._today(connection, config, now)
        past = self._past(connection, house, shown, now)
        before = self._accounts_before(connection, house, local, now)
        state = state_of(connection, config, now, today.account, no_store)
        by_day = {one.day: one for one in before}
        span = quarter_record.recorded_span(connection)
        names = (("today", today), (f"{shown:%A %-d %B}", past))
        return LivePage(
            status=state.status,
            report=_report(config, state.status, today),
            day=shown,
            past=_report(config, state.status, past),
            past_account=by_day.get(shown.isoformat(), past.account),
            first_day=None if span is None else span[0].astimezone(house.zone).date(),
            saved=_periods(before, today.account, local),
            forecasts=[(name, one.forecasts) for name, one in names if one.forecasts is not None],
            findings=_findings(config, state.status),
        )

    def _today(self, connection: sqlite3.Connection, config: "Config", now: datetime) -> DayRecord:
        """Today's record; computed anew with each quarter-hour, plan or override."""
        house = account_inputs(config)
        local = now.astimezone(house.zone).date()
        begin, _ = daily_accounts.bounds(local, house.zone)
        seen = quarter_record.sums(connection, begin)
        order = overrides.in_force(connection, now)
        key = (floor(now), plan_store.last_before(connection, now), order, seen, house)
        return self._kept(local, key, lambda: day_record(connection, house, local, now))

    def _past(
        self, connection: sqlite3.Connection, house: "AccountInputs", day: date, now: datetime
    ) -> DayRecord:
        """A past day's record, kept once the executor has written its last rows."""
        settled = now >= daily_accounts.bounds(day, house.zone)[1] + SETTLED
        key = (house, None if settled else floor(now))
        return self._kept(day, key, lambda: day_record(connection, house, day, now))

    def _kept(self, day: date, key: "Hashable", compute: Callable[[], DayRecord]) -> DayRecord:
        found = self._records.pop(day, None)
        if found is None or found[0] != key:
            found = (key, compute())
        self._records[day] = found
        while len(self._records) > KEPT_DAYS:
            del self._records[next(iter(self._records))]
        return found[1]

    def _accounts_before(
        self, connection: sqlite3.Connection, house: "AccountInputs", today: date, now: datetime
    ) -> list[DayAccount]:
        """Accounts of all recorded days before today, oldest first."""
        span = quarter_record.recorded_span(connection)
        if span is None:
            return []
        first = span[0].astimezone(house.zone).date()
        settled = now >= daily_accounts.bounds(today, house.zone)[0] + SETTLED
        closed = closed_accounts.load(connection, first.isoformat(), today.isoformat())
        key = (house, first, today, len(closed), None if settled else floor(now))
        if self._before is None or self._before[0] != key:
            days = daily_accounts.between(connection, house, first, today - DAY, now)
            self._before = (key, days)
        return self._before[1]


def _report(config: "Config", status: "Status", record: DayRecord) -> OwnerReport:
    """The house with the record of one day."""
    return OwnerReport(
        **of_house(config, status),
        days=(),
        quarters=record.quarters,
        prices=record.prices,
        without_plan=record.without_plan,
        reasons=(),
    )


def _periods(
    before: Sequence[DayAccount], today: DayAccount | None, local: date
) -> list[SavedPeriod]:
    """Today, yesterday, this month and all recorded days, as far as they have accounts."""
    until = [*before, *([] if today is None else [today])]
    yesterday, month = (local - DAY).isoformat(), f"{local:%Y-%m}"
    in_month = [day for day in until if day.day.startswith(month)]
    periods = [
        SavedPeriod("today so far", [] if today is None else [today], on_card=True),
        SavedPeriod("yesterday", [day for day in before if day.day == yesterday]),
        SavedPeriod(f"in {local:%B}", in_month, on_card=True),
    ]
    if len(until) > len(in_month):
        since = f"{date.fromisoformat(until[0].day):%-d %B %Y}"
        periods.append(SavedPeriod(f"since {since}", until))
    return [period for period in periods if period.days]


def _findings(config: "Config", status: "Status") -> list[Finding]:
    """Cheap findings of the doctor: none asks a network, none writes."""
    now, zone, folder = status.now, config.zone, config.store.folder
    findings = [
        *live_findings.executor(status.live, now, running=status.running),
        house_findings.plan_age(status.plan, status.no_plan, now, zone),
        house_findings.clock(),
    ]
    if folder.is_dir():
        findings.append(house_findings.free_space(folder))
    if config.tariff is not None:
        today = now.astimezone(zone).date()
        findings.append(house_findings.tariff_end(config.tariff.ends, today))
    return findings
