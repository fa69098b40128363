"""The trap of hybrids: a set-point contains the roof. Noon with 4 kW of DC roof, over HTTP."""

import pytest

from optimizer.control.decide import decide
from optimizer.control.executor import Executor, PlanBook
from optimizer.control.memory import Memory, Settings
from optimizer.fems.client import FemsClient
from optimizer.fems.simulated.house import Profile, SimulatedHouse
from optimizer.fems.simulated.simulator import SimulatedFems
from optimizer.fems.writes import HandedOver
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent
from optimizer.model.state import Channel, Snapshot
from optimizer.store import database, journal, plans
from tests.control.stepped import START, SteppedClock

CLOUDS = tuple(4_000.0 + step for step in (0, 150, -250, 100, -100, 250, -150, 0)) * 4
"""Roof, minute by minute [W]: 4 kW in the mean."""
MINUTES = 30


class RawClient(FemsClient):
    """The fault: writes the wanted battery power as if it were the set-point."""

    roof_w = 0.0

    def snapshot(self, at):
        shot = super().snapshot(at)
        self.roof_w = shot.ess_w - shot.battery_w
        return shot

    def hold(self, channel, setpoint):
        super().hold(channel, setpoint - self.roof_w)

    def handed_over(self):
        return HandedOver((), known=False, failed=False)


@pytest.fixture
def noon(tmp_path, make_plan):
    """Live through noon with a client; gives the mean power drawn from the grid [W]."""

    def live(client_class, follow, write, **plan):
        battery = Battery(capacity_wh=22_000, hybrid=True)
        settings = Settings(battery, Grid(), follow, write)
        load, roof = Profile(START, 900, (700.0,)), Profile(START, 60, CLOUDS)
        connection = database.connect(tmp_path)
        plans.save(connection, make_plan(settings=settings, steps=3, **plan), {})
        with (
            SimulatedFems(SimulatedHouse(battery, load, roof, START, 50)) as fems,
            client_class(fems.url, "owner") as client,
        ):
            bought_w = []
            clock = SteppedClock(fems, lambda _: bought_w.append(max(0.0, fems.house.shown.grid_w)))
            book = PlanBook(connection)
            Executor(client, book, journal.Journal(connection), clock, settings).run(60 * MINUTES)
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
    memory, decision = Memory(), None
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
