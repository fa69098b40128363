"""The trap of hybrids: a set-point contains the roof. Noon with 4 kW of DC roof, over HTTP."""

import pytest

from optimizer.control.active_plan import ActivePlan
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings, ControlState, decide
from optimizer.fems.client import FemsClient
from optimizer.fems.writable_channels import HandedOver
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Channel, Reason, Snapshot
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, plan_store
from tests.control.stepped import START, SteppedClock

CLOUDS = tuple(4_000.0 + step for step in (0, 150, -250, 100, -100, 250, -150, 0)) * 4
"""Roof, minute by minute [W]: 4 kW in the mean."""
MINUTES = 30


class RawClient(FemsClient):
    """The fault: writes the wanted battery power as if it were the set-point."""

    dc_pv_w = 0.0

    def snapshot(self, at):
        shot = super().snapshot(at)
        self.dc_pv_w = shot.ess_w - shot.battery_w
        return shot

    def hold(self, channel, setpoint):
        super().hold(channel, setpoint - self.dc_pv_w)

    def handed_over(self):
        return HandedOver((), known=False, failed=False)


@pytest.fixture
def noon(tmp_path, make_plan):
    """Live through noon with a client; gives the mean power drawn from the grid [W]."""

    def live(client_class, follow, write, **plan):
        battery = Battery(capacity_wh=22_000, hybrid=True)
        settings = ControlSettings(battery, Grid(), follow, write)
        load, pv = Profile(START, 900, (700.0,)), Profile(START, 60, CLOUDS)
        connection = database.connect(tmp_path)
        plan_store.save(connection, make_plan(settings=settings, steps=3, **plan), {})
        with (
            SimulatedFems(SimulatedHouse(battery, load, pv, START, 50)) as fems,
            client_class(fems.url, "owner") as client,
        ):
            bought_w = []
            clock = SteppedClock(fems, lambda _: bought_w.append(max(0.0, fems.house.shown.grid_w)))
            active_plan = ActivePlan(connection)
            Executor(client, active_plan, journal.Journal(connection), clock, settings).run(
                60 * MINUTES
            )
        connection.close()
        return sum(bought_w) / (60 * MINUTES)

    return live


CASES = [
    # charge gently: 1.5 kW into the battery, the rest is sold
    ("power", "equals", {"battery_w": -1_500.0, "pv_w": 4_000.0, "intent": Intent.CHARGE}),
    # keep room: selling the roof's power pays more than storing it
    ("value", "equals", {"buy": 0.30, "sell": 0.28, "values": (0.20, 0.20)}),
    ("value", "bounds", {"buy": 0.30, "sell": 0.28, "values": (0.20, 0.20)}),
]


@pytest.mark.parametrize(("follow", "write", "plan"), CASES)
def test_our_set_points_draw_nothing_from_the_grid(noon, follow, write, plan):
    assert noon(FemsClient, follow, write, **plan) <= 50


@pytest.mark.parametrize(("follow", "write", "plan"), CASES[:2])
def test_the_raw_battery_power_would_buy_while_the_sun_shines(noon, follow, write, plan):
    assert noon(RawClient, follow, write, **plan) > 500


SUNNY = {"pv_w": 4_000.0, "ess_w": 2_500.0, "battery_w": -1_500.0, "grid_w": -1_800.0}
"""4 kW of DC PV, of which the battery takes 1.5 kW; the house needs 700 W."""


@pytest.mark.parametrize("write", ["equals", "bounds"])
@pytest.mark.parametrize("follow", ["value", "intent", "power"])
@pytest.mark.parametrize("intent", list(Intent))
@pytest.mark.parametrize("allowed_w", [0.0, 498.0, 2_000.0, 3_950.0, 3_999.5, 9_000.0])
def test_nothing_above_what_is_allowed_now_is_ever_written(
    make_plan, make_settings, make_snapshot, decide_now, write, follow, intent, allowed_w
):
    """Issue 16: 4 kW of PV and 498 W allowed, and 2,027 W were written."""
    settings = make_settings(follow=follow, write=write, hybrid=True)
    band = {
        Intent.SELF_CONSUMPTION: (-1e4, 1e4, 0.0), Intent.HOLD: (-1e4, 0.0, 0.0),
        Intent.DEFER: (0.0, 1e4, 0.0), Intent.CHARGE: (-1e4, -3_000.0, -3_000.0),
        Intent.LIMIT: (-1_973.0, 1e4, -1_973.0), Intent.DISCHARGE: (3_000.0, 1e4, 3_000.0),
    }[intent]  # fmt: skip
    plan = make_plan(
        settings=settings, intent=intent, lowest_w=band[0], highest_w=band[1], battery_w=band[2],
        soc_wh=11_000 - band[2], buy=0.30, sell=0.28, values=(0.2, 0.2),
    )  # fmt: skip
    decision = decide_now(plan, make_snapshot(**SUNNY, allowed_discharge_w=allowed_w), settings)
    assert decision.setpoint_w is None or decision.setpoint_w <= allowed_w


@pytest.mark.parametrize(
    ("allowed_w", "setpoint_w", "reason"),
    [
        (9_000.0, 2_027, Reason.HOLDING),
        (1_990.0, 1_990, Reason.HOLDING),  # a limit that lags behind the sun
        (498.0, None, Reason.CONTRADICTION),
    ],
)
def test_a_limit_below_the_sun_is_written_where_it_is_near_and_else_nothing(
    make_plan, make_settings, make_snapshot, decide_now, allowed_w, setpoint_w, reason
):
    settings = make_settings(follow="power", hybrid=True)
    plan = make_plan(settings=settings, battery_w=-1_973.0, intent=Intent.CHARGE)
    decision = decide_now(plan, make_snapshot(**SUNNY, allowed_discharge_w=allowed_w), settings)
    assert (decision.setpoint_w, decision.reason) == (setpoint_w, reason)


@pytest.mark.parametrize("write", ["equals", "bounds"])
def test_a_full_battery_that_is_kept_through_the_night_lets_the_roof_in_at_sunrise(
    make_plan, make_settings, write
):
    """A held 0 W throttles the roof of a full hybrid, and no reading shows a throttled roof."""
    settings = make_settings(write=write, hybrid=True)
    plan = make_plan(settings=settings, buy=0.20, values=(0.40, 0.40))
    night, sun = 120, 600
    house = SimulatedHouse(
        settings.battery, Profile(START, 60, (1_500.0,) * 30),
        Profile(START, 60, (0.0,) * (night // 60) + (3_000.0,) * 28), START, 100,
    )  # fmt: skip
    memory, decision = ControlState(), None
    for _ in range((night + sun) // 10):
        seen = house.shown
        snapshot = Snapshot(
            house.moment, 100 * house.soc_wh / 22_000, seen.grid_w, seen.ess_w, seen.battery_w,
            seen.pv_w - seen.curtailed_w, seen.allowed_charge_w, seen.allowed_discharge_w, 1, 0,
        )  # fmt: skip
        decision, memory = decide(house.moment, plan, snapshot, memory, settings)
        for channel in Channel:
            value = decision.setpoint_w if channel is decision.channel else None
            house.write(channel.value, value)
        house.advance(10)
    assert house.soc_wh > 0.979 * 22_000
    assert house.meters.curtailed_wh < 0.2 * house.meters.pv_wh
    assert house.shown.curtailed_w < 100.0
