"""The doctor's findings for a configuration, in the order of `optimizer check`."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.app import source_diagnosis, stated_numbers
from optimizer.config import loading
from optimizer.doctor import battery_findings, fems_findings, house_findings
from optimizer.doctor.battery_learning import LEAST_WINDOWS, CounterStep, learn
from optimizer.doctor.device_findings import ExpectedDevice
from optimizer.doctor.finding import Finding, Group
from optimizer.errors import ExitCode, OptimizerError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.store import files, journal, live_state, plan_store, reading

if TYPE_CHECKING:
    from optimizer.config.sections import Config, NotifySection
    from optimizer.fems.client import FemsClient

LEARNED_DAYS = 30
"""Length of the past that the battery is learned from [days]."""
FRESH = timedelta(seconds=60)
"""An executor whose live file is older does not run."""


def diagnose(
    config: "Config", client: "FemsClient", given: Path | None, now: datetime
) -> Iterator[Finding]:
    """Check everything once.

    Parameters
    ----------
    given
        The configuration's path as it was given on the command line.
    """
    zone = config.zone
    yield from configuration(config, given, now.astimezone(zone).date())
    yield from stated_numbers.unusual(config)
    yield from source_diagnosis.price_sources(config, now)
    yield from source_diagnosis.house_sources(config, now)
    own = own_channel(config, now)
    yield from fems_findings.findings(client, expected_device(config), now, zone, own)
    yield house_findings.clock()
    yield from house_findings.store(config.store.folder, now, zone)
    yield house_findings.solver(solver_at_work)
    if config.notify is not None:
        yield messages(config.notify)
    yield from learned_battery(config, client, now, zone)


def messages(notify: "NotifySection") -> Finding:
    """Understand the addresses of the messages, without sending one."""
    group = Group("messages")
    try:
        from optimizer.telemetry import apprise_service

        services = apprise_service.services(notify.urls.get_secret_value())
    except OptimizerError as error:
        return group.error("addresses", error)
    noun = "address" if len(services) == 1 else "addresses"
    kinds = f"{len(notify.allow)} kinds of messages to {len(services)} {noun}"
    return group.ok("addresses", f"{kinds}; 'optimizer notify --test' sends one")


def configuration(config: "Config", given: Path | None, today: date) -> Iterator[Finding]:
    """Findings about the configuration itself."""
    guest = config.fems.guest_password
    secrets = [config.fems.password, *([] if guest is None else [guest])]
    standard = any(secret.get_secret_value() in house_findings.DEFAULT_LOGINS for secret in secrets)
    return house_findings.configuration(
        loading.find(given, os.environ),
        config.tariff,
        config.grid.rule,
        today,
        standard_login=standard,
        guest=guest is not None,
    )


def expected_device(config: "Config") -> ExpectedDevice:
    """The device as the configuration describes it."""
    battery, grid = config.battery, config.connection
    return ExpectedDevice(
        hybrid=battery.hybrid,
        rule=grid.rule,
        capacity_wh=battery.capacity_wh,
        min_soc_percent=battery.min_soc_percent,
        max_charge_w=battery.max_charge_w,
        max_discharge_w=battery.max_discharge_w,
        max_ac_w=battery.max_ac_w,
        max_buy_w=grid.max_buy_w,
        max_sell_w=grid.max_sell_w,
        interval_s=config.control.interval_s,
        has_pv=config.pv.source != "none",
    )


def own_channel(config: "Config", now: datetime) -> str | None:
    """The channel that our own executor holds at this moment, None if it holds nothing."""
    live = live_state.read(live_state.path_for(config.store.folder))
    if live is None or live["setpoint_w"] is None:
        return None
    return live["channel"] if abs(now - datetime.fromisoformat(live["at"])) < FRESH else None


def solver_at_work() -> str:
    """Plan two hours, and give the solver's name."""
    start, hour = datetime(2026, 1, 14, tzinfo=UTC), timedelta(hours=1)
    steps = tuple(
        ForecastStep(start + n * hour, start + (n + 1) * hour, price, 0.08, 500.0, 0.0)
        for n, price in enumerate((0.1, 0.4))
    )
    request = PlanRequest(start, "check", Battery(capacity_wh=10_000), Grid(), 50.0)
    return make_plan(steps, request, time.perf_counter).solver


def learned_battery(
    config: "Config", client: "FemsClient", now: datetime, zone: ZoneInfo
) -> Iterator[Finding]:
    """Compare the configured battery with the one learned from the device's or our own record."""
    rows = _from_device(client, now, zone)
    if sum(row.soc_percent is not None for row in rows) < LEAST_WINDOWS:
        rows = _from_journal(config, now)
    battery = config.battery.battery(hybrid=config.battery.hybrid is True)
    yield from battery_findings.findings(learn(rows), battery, _daily_saving(config, now),
                                        config.money)  # fmt: skip


def _from_device(client: "FemsClient", now: datetime, zone: ZoneInfo) -> list[CounterStep]:
    from optimizer.fems import device_history

    today = now.astimezone(zone).date()
    try:
        quarters = device_history.fetch_counters(
            client.rpc, today - timedelta(days=LEARNED_DAYS), today, zone
        )
    except OptimizerError:
        return []  # another finding says that it cannot be asked
    return battery_findings.rows_of_device(quarters)


def _from_journal(config: "Config", now: datetime) -> list[CounterStep]:
    try:
        connection = reading.reader(config.store.folder)
    except OptimizerError:
        return []
    with closing(connection):
        ticks = journal.ticks(connection, now - timedelta(days=LEARNED_DAYS), "summary")
    return battery_findings.rows_of_journal(ticks)


def _daily_saving(config: "Config", now: datetime) -> Callable[[Battery], float] | None:
    """Planned saving of a battery on the plan in force [EUR a day]; None without a plan."""
    try:
        with closing(reading.reader(config.store.folder)) as connection:
            plan = plan_store.in_force(connection, now)
    except OptimizerError:
        return None
    steps = tuple(
        ForecastStep(s.start, s.end, s.buy_eur_per_kwh, s.sell_eur_per_kwh, s.load_w, s.pv_w)
        for s in plan.steps
    )
    days = (plan.steps[-1].end - plan.steps[0].start) / timedelta(days=1)
    grid = config.connection

    def saving_eur(battery: Battery) -> float:
        request = PlanRequest(plan.made_at, plan.site, battery, grid, plan.start_soc_percent)
        return make_plan(steps, request, time.perf_counter).saving_eur / days

    return saving_eur


def save_record(client: "FemsClient", path: Path) -> Finding:
    """Write the device's channels without names and numbers of anybody, as JSON."""
    from optimizer.fems import channel_record

    try:
        text = json.dumps(channel_record.take(client), indent=1, ensure_ascii=False)
        files.replace_private(path, text + "\n")
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror}"
        return Group("record").fail("save", what, "name another file", ExitCode.BAD_DATA)
    except OptimizerError as error:
        return Group("record").error("save", error)
    return Group("record").ok("save", f"{path}, without names and numbers of anybody")
