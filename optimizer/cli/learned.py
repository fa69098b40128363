"""What the doctor has to fetch before it can compare the battery with its configuration."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.analysis import doctor_battery
from optimizer.analysis.finding import Finding
from optimizer.analysis.learning import LEAST_WINDOWS, Row, learn
from optimizer.errors import OptimizerError

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.fems.client import FemsClient
    from optimizer.model.battery import Battery

DAYS = 30


def findings(
    config: "Config", client: "FemsClient", now: datetime, zone: ZoneInfo
) -> Iterator[Finding]:
    """Learn from the device's counters, or where it has none from the own journal."""
    rows = _from_device(client, now, zone)
    if sum(row.soc_percent is not None for row in rows) < LEAST_WINDOWS:
        rows = _from_journal(config, now)
    battery = config.battery.battery(hybrid=config.battery.hybrid is True)
    yield from doctor_battery.findings(learn(rows), battery, _saving(config, now))


def _from_device(client: "FemsClient", now: datetime, zone: ZoneInfo) -> list[Row]:
    from optimizer.fems import counters

    today = now.astimezone(zone).date()
    try:
        quarters = counters.fetch(client.rpc, today - timedelta(days=DAYS), today, zone)
    except OptimizerError:
        return []  # the doctor says elsewhere that it cannot be asked
    return doctor_battery.rows_of_device(quarters)


def _from_journal(config: "Config", now: datetime) -> list[Row]:
    from optimizer.store import database, journal

    try:
        connection = database.connect(config.store.folder)
    except OptimizerError:
        return []
    try:
        ticks = journal.ticks(connection, now - timedelta(days=DAYS), "summary")
    finally:
        connection.close()
    return doctor_battery.rows_of_journal(ticks)


def _saving(config: "Config", now: datetime) -> "Callable[[Battery], float] | None":
    """Plans the newest plan's days anew; None without a plan."""
    import time

    from optimizer.planning.planner import Request, make_plan
    from optimizer.planning.task import ForecastStep
    from optimizer.store import database, plans

    try:
        connection = database.connect(config.store.folder)
        try:
            plan = plans.in_force(connection, now)
        finally:
            connection.close()
    except OptimizerError:
        return None
    steps = tuple(
        ForecastStep(s.start, s.end, s.buy_eur_per_kwh, s.sell_eur_per_kwh, s.load_w, s.pv_w)
        for s in plan.steps
    )
    days = (plan.steps[-1].end - plan.steps[0].start) / timedelta(days=1)

    def saving_eur(battery: "Battery") -> float:
        request = Request(
            plan.made_at,
            plan.site,
            battery,
            config.grid.grid(config.pv.kwp),
            plan.start_soc_percent,
        )
        return make_plan(steps, request, time.perf_counter).saving_eur / days

    return saving_eur
