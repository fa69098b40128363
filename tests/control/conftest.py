"""Plans of one step, readings and settings for the control law."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.law import READY_AFTER, ControlSettings, ControlState, decide
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.snapshot import Decision, Snapshot
from tests.bare_plan import bare_plan

NOW = datetime(2026, 1, 15, 2, 7, tzinfo=UTC)
START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    """A plan of equal quarter-hours from 02:00 UTC on."""

    def make(
        *,
        settings: ControlSettings,
        intent=Intent.SELF_CONSUMPTION,
        lowest_w=-10_000.0,
        highest_w=10_000.0,
        battery_w=0.0,
        load_w=500.0,
        pv_w=0.0,
        soc_wh=11_000.0,
        buy=0.25,
        sell=0.08,
        values=(0.2, 0.2),
        steps=2,
    ) -> Plan:
        quarter = timedelta(minutes=15)
        made = tuple(
            Step(
                start=START + place * quarter, end=START + (place + 1) * quarter,
                buy_eur_per_kwh=buy, sell_eur_per_kwh=sell, load_w=load_w, pv_w=pv_w,
                battery_w=battery_w, ess_w=battery_w, grid_w=load_w - pv_w - battery_w,
                curtailed_w=0.0, soc_wh=soc_wh, intent=intent, lowest_w=lowest_w,
                highest_w=highest_w, stored_value_eur_per_kwh=values[0],
                values_eur_per_kwh=values, why="because",
            )
            for place in range(steps)
        )  # fmt: skip
        return bare_plan(
            made, made_at=START, bounds=fingerprint(settings.battery, settings.grid),
            value_soc_wh=(5_000.0, 15_000.0),
        )  # fmt: skip

    return make


@pytest.fixture
def make_settings() -> Callable[..., ControlSettings]:
    """Settings of a battery of 22 kWh without wear, unless said."""

    def make(follow="value", write="equals", grid=None, site=None, **battery) -> ControlSettings:
        values = {"capacity_wh": 22_000.0, "wear_eur_per_kwh": 0.0} | battery
        return ControlSettings(Battery(**values), grid or Grid(), follow, write, site)

    return make


@pytest.fixture
def make_snapshot() -> Callable[..., Snapshot]:
    """A good reading; give what differs."""

    def make(**changes) -> Snapshot:
        values = {
            "at": NOW, "soc_percent": 50.0, "grid_w": 0.0, "ess_w": 500.0, "battery_w": 500.0,
            "pv_w": 0.0, "allowed_charge_w": -10_000.0, "allowed_discharge_w": 10_000.0,
            "grid_mode": 1, "state": 0,
        }  # fmt: skip
        return Snapshot(**(values | changes))

    return make


@pytest.fixture
def decide_now() -> Callable[..., Decision]:
    """One decision of a law that has seen enough good readings."""

    def make(plan: Plan | None, snapshot: Snapshot, settings: ControlSettings, at=NOW) -> Decision:
        return decide(at, plan, snapshot, ControlState(READY_AFTER), settings)[0]

    return make
