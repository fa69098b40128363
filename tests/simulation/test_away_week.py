"""A week away and an hour's pause, by the minute with the real law, store and forecast."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace

import pandas as pd
import pytest

from optimizer.app import make_plan
from optimizer.app.house_forecast import stated_absences
from optimizer.app.make_plan import PlanInputs
from optimizer.control.law import ControlSettings
from optimizer.forecast import load_faults
from optimizer.forecast.load_forecast import load_forecast
from optimizer.model.moments import QUARTER
from optimizer.model.override import Override, OverrideKind
from optimizer.model.snapshot import Reason
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest
from optimizer.simulation import sample_data
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.minute_simulation import (
    Disturbance,
    MinuteHouse,
    MinuteSimulation,
    Trouble,
)
from optimizer.store import database, journal, overrides, plan_store
from optimizer.store.overrides import StoredOverride

WEEK = sample_data.folder() / "winter"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST, LAST = sample_data.days(WEEK)
BEGIN = FIRST - 28 * DAY
LEAVES, RETURNS = FIRST + DAY + 9 * HOUR, FIRST + 8 * DAY + 18 * HOUR
END = RETURNS + 2 * DAY + 12 * HOUR
PAUSED = FIRST + 4 * HOUR
BASE_W = 900.0
ANNUAL_KWH = 12_000.0

CONFIG = SimpleNamespace(
    zone=sample_data.ZONE, load=SimpleNamespace(annual_kwh=ANNUAL_KWH),
    pv=SimpleNamespace(source="csv", inverter_w=10_000.0), grid=sample_data.GRID,
    battery=sample_data.BATTERY,
)  # fmt: skip


def came(begin, end):
    """The sample week's prices and PV power, again and again."""
    week = sample_data.measured(WEEK, FIRST, LAST)
    starts = pd.date_range(begin, end, freq="15min", inclusive="left", tz="UTC")
    place = ((starts - FIRST) // QUARTER) % len(week)
    frame = week.iloc[place].set_axis(starts)
    return frame.assign(end=starts + QUARTER)


def loads():
    """Four weeks at home, a week away, and home again: rows of quarter-hours."""
    frame, chance = came(BEGIN, END + 2 * DAY), Random(7)  # noqa: S311
    noise = pd.Series([chance.lognormvariate(0, 0.2) for _ in range(len(frame))], frame.index)
    away = (frame.index >= LEAVES) & (frame.index < RETURNS)
    base_w = BASE_W * noise**0.25
    # the base load of the hours: what is always on is part of the load at home too
    home_w = (frame["load_w"] * noise).clip(lower=base_w)
    return frame.assign(load_w=home_w.where(~away, base_w))


@dataclass(slots=True)
class Lodging(MinuteSimulation):
    """Plans as `optimizer plan` does: with what was learned from the past, under an override."""

    measured: pd.DataFrame = field(default_factory=loads)
    planned: dict = field(default_factory=dict)

    def plan(self, at, known_to, taken=None):
        """Plan with the forecast of the house's own past."""
        past = self.measured[self.measured["end"] <= at][["end", "load_w"]]
        context = SimpleNamespace(store=self.connection, now=at)
        known = load_faults.outside(past, stated_absences(context))
        ahead = load_forecast(known, at, known_to, at, sample_data.ZONE, ANNUAL_KWH).frame
        steps = forecast_steps(came(at, known_to).assign(load_w=ahead["load_w"]))
        battery, grid = self.settings.battery, self.settings.grid
        soc = round(100 * self.house.soc_wh / battery.capacity_wh)
        inputs = PlanInputs(
            PlanRequest(at, "sample house", battery, grid, float(soc)), steps, True, past
        )
        order = overrides.in_force(self.connection, at) if taken is None else taken
        if order is not None:
            inputs = make_plan.under(CONFIG, inputs, order.override)
        plan, _ = make_plan.solve(inputs)
        plan_store.save(self.connection, plan, {}, taken=taken)
        self.planned[at] = plan


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """The whole time, once: its simulation and its journal."""
    battery = sample_data.BATTERY
    settings = ControlSettings(battery, sample_data.GRID, zone=sample_data.ZONE)
    measured = loads()
    load = Profile(BEGIN, 900, tuple(measured["load_w"]))
    pv = Profile(BEGIN, 900, tuple(measured["pv_w"]))
    pause = Trouble(Disturbance.PAUSED, PAUSED, PAUSED + HOUR)
    with closing(database.connect(tmp_path_factory.mktemp("store"))) as connection:
        house = MinuteHouse(battery, load.spiky(1), pv, 11_000.0)
        simulation = Lodging(connection, WEEK, settings, house, FIRST, (pause,), measured=measured)
        away = Override(1, OverrideKind.AWAY, LEAVES, RETURNS, "owner")
        at = FIRST
        while at < END:
            taken = StoredOverride(away, 0.0) if at == LEAVES else None
            simulation.plan(at, at + 36 * HOUR, taken)
            upcoming = min(moment for moment in (LEAVES, at + 12 * HOUR, END) if moment > at)
            simulation.run(upcoming)
            at = upcoming
        simulation.finish()
        yield simulation, journal.ticks(connection, FIRST, "change")


def forecast_error(simulation, plan, begin, end):
    """Planned over true energy of the load in a span, minus one."""
    steps = [step for step in plan.steps if begin <= step.start and step.end <= end]
    assert steps[-1].end - steps[0].start >= 12 * HOUR
    true_w = simulation.measured["load_w"]
    true_wh = sum(true_w[step.start.replace(minute=step.start.minute // 15 * 15)] * step.hours
                  for step in steps)  # fmt: skip
    return sum(step.load_w * step.hours for step in steps) / true_wh - 1


def test_while_away_the_house_is_planned_at_its_base_load(week):
    simulation, _ = week
    away = {at: plan for at, plan in simulation.planned.items() if LEAVES <= at < RETURNS - DAY}
    assert len(away) >= 12
    for at, plan in away.items():
        assert plan.override is not None
        assert abs(forecast_error(simulation, plan, at, at + DAY)) < 0.35, at
    before = simulation.planned[FIRST]
    home_w = sum(step.load_w for step in before.steps[:96]) / 96
    away_w = [sum(step.load_w for step in plan.steps[:96]) / 96 for plan in away.values()]
    assert max(away_w) < 0.75 * home_w


def test_the_override_ends_by_itself_and_the_forecast_is_right_within_two_days(week):
    simulation, _ = week
    (stored,) = overrides.newest(simulation.connection, 10)
    assert (stored.ended_at, stored.ending) == (None, None)
    assert overrides.in_force(simulation.connection, RETURNS) is None
    assert simulation.planned[max(at for at in simulation.planned if at < RETURNS)].override
    later = {at: plan for at, plan in simulation.planned.items() if at >= RETURNS}
    assert all(plan.override is None for plan in later.values())
    # the plans that reach beyond the return know it already
    last = max(at for at in simulation.planned if at < RETURNS)
    assert abs(forecast_error(simulation, simulation.planned[last], RETURNS, RETURNS + DAY)) < 0.4
    settled = [forecast_error(simulation, plan, at, at + DAY)
               for at, plan in later.items() if at >= RETURNS + DAY]  # fmt: skip
    assert settled
    assert max(map(abs, settled)) < 0.25


def test_a_pause_for_an_hour_holds_nothing_and_ends_by_itself(week):
    _, rows = week
    ticks = [replace(row, at=datetime.fromisoformat(row.at)) for row in rows]
    during = [tick for tick in ticks if PAUSED <= tick.at < PAUSED + HOUR]
    assert during[0].at == PAUSED
    assert {tick.reason for tick in during} == {Reason.PAUSED.name}
    assert all(tick.setpoint_w is None for tick in during)
    before = [tick for tick in ticks if tick.at < PAUSED]
    after = [tick for tick in ticks if tick.at >= PAUSED + HOUR]
    assert before[-1].reason == after[0].reason == Reason.HOLDING.name
    assert after[0].at == PAUSED + HOUR  # it has gone on reading
