"""What the doctor has to know of the configuration, unpacked for it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.analysis import doctor_house
from optimizer.analysis.doctor_device import Wanted
from optimizer.analysis.finding import Finding, Level

if TYPE_CHECKING:
    from optimizer.config.sections import Config

FRESH = timedelta(seconds=60)
"""An executor whose live file is older does not run."""


def wanted(config: "Config") -> Wanted:
    """What the configuration says of the device."""
    battery, grid = config.battery, config.grid
    return Wanted(
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
    )


def configuration(config: "Config", given: Path | None, today: date) -> Iterator[Finding]:
    """Findings about the configuration itself."""
    import os

    from optimizer.config import reading

    guest = config.fems.guest_password
    secrets = [config.fems.password, *([] if guest is None else [guest])]
    standard = any(secret.get_secret_value() in doctor_house.DEFAULT_LOGINS for secret in secrets)
    return doctor_house.configuration(
        reading.find(given, os.environ),
        None if config.tariff is None else config.tariff.tariff(),
        config.grid.rule,
        today,
        standard_login=standard,
        guest=guest is not None,
    )


def sources(config: "Config", now: datetime) -> Iterator[Finding]:
    """Ask each configured source."""
    from optimizer.cli.diagnosis_house import house_sources
    from optimizer.cli.diagnosis_prices import price_sources

    yield from price_sources(config, now)
    yield from house_sources(config, now)


def own_channel(config: "Config", now: datetime) -> str | None:
    """The channel that our own executor holds at this moment, None if it holds nothing."""
    from optimizer.store import live

    seen = live.read(live.path_for(config.store.folder))
    if seen is None or seen["setpoint_w"] is None:
        return None
    return seen["channel"] if abs(now - datetime.fromisoformat(seen["at"])) < FRESH else None


def tiny_plan() -> str:
    """Plan one hour; gives the solver's name."""
    import time
    from datetime import UTC

    from optimizer.model.battery import Battery
    from optimizer.model.grid import Grid
    from optimizer.planning.planner import Request, make_plan
    from optimizer.planning.task import ForecastStep

    start, hour = datetime(2026, 1, 14, tzinfo=UTC), timedelta(hours=1)
    steps = tuple(
        ForecastStep(start + n * hour, start + (n + 1) * hour, price, 0.08, 500.0, 0.0)
        for n, price in enumerate((0.1, 0.4))
    )
    request = Request(start, "check", Battery(capacity_wh=10_000), Grid(), 50.0)
    return make_plan(steps, request, time.perf_counter).solver


def obstacle(found: list[Finding]) -> str | None:
    """Why nothing may be tried at the device now."""
    if any(item.level is Level.FAIL for item in found):
        return "the check has failed: mend that first"
    if any(item.name == "other writers" and item.level is Level.WARN for item in found):
        return "another program may write to the battery: stop it first"
    return None
