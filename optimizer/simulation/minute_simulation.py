"""Simulated house in steps of a minute, with the real control law and journal, in one process.

Hundreds of times faster than `http_simulation.py`, which has cycles of a second and real HTTP: for
savings over weeks. A minute is a cycle: the reading shows the minute that has passed, what is
decided on it holds for the next.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pandas as pd

from optimizer.control.active_plan import ActivePlan
from optimizer.control.clock import Clocks
from optimizer.control.law import ControlSettings, ControlState
from optimizer.control.policy import ControlInput, choose
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.moments import floor
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.planning import run_record
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.run_record import RunRecord, Versions
from optimizer.simulation import sample_data
from optimizer.simulation.bill import price_list
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.http_simulation import profile
from optimizer.simulation.plant import HeldPower, Plant, PowerFlow
from optimizer.simulation.simulate import SimulatedSpan, sample_spans, simulate
from optimizer.store import overrides, plan_store
from optimizer.store.journal import Journal
from optimizer.store.overrides import StoredOverride

MINUTE = timedelta(minutes=1)
HOURS = 1 / 60
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class MinuteHouse:
    """The back-test's plant, with meters of its own and states of charge in whole percents."""

    battery: Battery
    load: Profile
    pv: Profile
    soc_wh: float
    grid: Grid = sample_data.GRID
    prices: Mapping[datetime, tuple[float, float]] = field(default_factory=dict)
    """Buying and selling price of quarter-hours [EUR/kWh]."""
    drawn_wh: float = 0.0
    fed_wh: float = 0.0
    bill_eur: float = 0.0
    seen: Snapshot = field(default_factory=lambda: Snapshot(NEVER))

    def pass_minute(self, at: datetime, setpoint_w: float | None, *, faulty: bool = False) -> None:
        """Let the minute from `at` on pass, balancing the house or holding an AC power."""
        load_w, pv_w = self.load.at(at), self.pv.at(at)
        held = None if setpoint_w is None else HeldPower(setpoint_w)
        if faulty:
            held = HeldPower(pv_w if self.battery.hybrid else 0.0)
        plant = Plant(self.battery, self.grid, self.soc_wh)
        plant.enter(at, at + MINUTE)
        flow = plant.run(load_w, pv_w, held, HOURS)
        self.soc_wh = plant.soc_wh
        self._count(at, flow)
        shown = plant.snapshot(at + MINUTE, flow, HOURS)
        percent = round(100 * self.soc_wh / self.battery.capacity_wh)
        self.seen = replace(shown, soc_percent=float(percent))

    def _count(self, at: datetime, flow: PowerFlow) -> None:
        self.drawn_wh += max(0.0, flow.grid_w) * HOURS
        self.fed_wh += max(0.0, -flow.grid_w) * HOURS
        buy, sell = self.prices.get(floor(at), (0.0, 0.0))
        self.bill_eur += flow.grid_w * HOURS / 1000 * (buy if flow.grid_w > 0 else sell)


Forecast = Callable[[Path, datetime, datetime], pd.DataFrame]
"""What is expected in a sample week from a moment to another."""


class Disturbance(StrEnum):
    """Disturbance of a simulated house."""

    OUTAGE = "the FEMS does not answer"
    STOPPED = "the executor is not running"
    FOREIGN = "another program charges the battery"
    FAULT = "the device stands still"
    CORRECTED = "the device corrects its state of charge by 6 %"
    PAUSED = "the owner has paused control"


DOUBTS = {
    Disturbance.OUTAGE: Reason.UNREACHABLE,
    Disturbance.FOREIGN: Reason.YIELDED,
    Disturbance.PAUSED: Reason.PAUSED,
}
FOREIGN_W = -4_000.0
CORRECTION = 0.06


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that befalls the house."""

    kind: Disturbance
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class MeteredDay:
    """A local day by the house's own meters, which the journal does not see."""

    start: datetime
    drawn_wh: float
    fed_wh: float
    soc_wh: float
    """Stored at the end."""
    bill_eur: float
    self_consumption_soc_wh: float
    """What a twin left to itself from the same charge would have stored."""
    self_consumption_bill_eur: float


@dataclass(slots=True)
class MinuteSimulation:
    """A sample week on its way."""

    connection: sqlite3.Connection
    week: Path
    settings: ControlSettings
    house: MinuteHouse
    at: datetime
    """The moment up to which the house has come."""
    troubles: Sequence[Trouble] = ()
    forecast: Forecast = sample_data.forecast
    _memory: ControlState = field(default_factory=ControlState)
    _journal: Journal = field(init=False)
    _active_plan: ActivePlan = field(init=False)
    _setpoint_w: float | None = None
    _running: bool = False

    def __post_init__(self) -> None:
        self._journal, self._active_plan = Journal(self.connection), ActivePlan(self.connection)

    def run(self, until: datetime) -> None:
        """Control the house minute by minute."""
        while self.at < until:
            self._minute(self.at)
            self.at += MINUTE

    def _minute(self, at: datetime) -> None:
        """One cycle of the executor, then the minute that follows."""
        trouble = next((one for one in self.troubles if one.begin <= at < one.end), None)
        kind = None if trouble is None else trouble.kind
        if kind is Disturbance.CORRECTED and trouble is not None and trouble.begin == at:
            more_wh = CORRECTION * self.settings.battery.capacity_wh
            self.house.soc_wh = min(self.house.soc_wh + more_wh, self.settings.battery.max_wh)
        if kind is Disturbance.STOPPED:
            self._stop(at)
        else:
            self._cycle(at, kind)
        setpoint_w = FOREIGN_W if kind is Disturbance.FOREIGN else self._setpoint_w
        self.house.pass_minute(at, setpoint_w, faulty=kind is Disturbance.FAULT)

    def _cycle(self, at: datetime, kind: Disturbance | None) -> None:
        self._running = True
        snapshot: Snapshot | None = self.house.seen
        doubt = None if kind is None else DOUBTS.get(kind)
        if kind is Disturbance.OUTAGE or self.house.seen.at != at:
            snapshot = None
        clocks = Clocks(at, at.timestamp(), synchronised=True)
        control_input = ControlInput(clocks, self._active_plan.at(at), snapshot, doubt)
        before = self._memory.quarter
        decision, self._memory = choose(control_input, self._memory, self.settings)
        self._active_plan.end_override(self._memory.reached, at)
        after = self._memory.quarter
        if before is not None and after is not None and before.start != after.start:
            self._journal.quarter(after.previous or before)
        self._journal.note(decision, snapshot)
        self._setpoint_w = decision.setpoint_w

    def _stop(self, at: datetime) -> None:
        """The executor ends as it does: it hands back and writes what it has."""
        if self._running and self._memory.quarter is not None:
            self._journal.quarter(self._memory.quarter)
            self._journal.note(Decision(at, None, Reason.STOPPED), None)
            self._journal.flush()
        self._memory, self._running, self._setpoint_w = ControlState(), False, None

    def finish(self) -> None:
        """Look at the last minute, end the executor."""
        self._cycle(self.at, None)
        self._stop(self.at)

    def plan(self, at: datetime, known_to: datetime, taken: StoredOverride | None = None) -> None:
        """Plan with what could be known under the override in force, or one taken now; store it."""
        frame = self.forecast(self.week, at, known_to)
        soc = round(100 * self.house.soc_wh / self.settings.battery.capacity_wh)
        order = overrides.in_force(self.connection, at) if taken is None else taken
        request = PlanRequest(
            at, "sample house", self.settings.battery, self.settings.grid, float(soc),
            override=None if order is None else order.override,
        )  # fmt: skip
        steps = forecast_steps(frame)
        plan = make_plan(steps, request, time.perf_counter)
        run = RunRecord(request, steps, plan.solve_s, Versions("simulation", "", "", plan.solver))
        plan_store.save(self.connection, plan, run_record.to_json(run), taken=taken)


def simulate_minutes(
    connection: sqlite3.Connection, week: Path, settings: ControlSettings | None = None, *,
    days: int = 7, seed: int = 1, soc_percent: float = 30.0, troubles: Sequence[Trouble] = (),
    forecast: Forecast = sample_data.forecast, spiky: bool = True,
) -> list[MeteredDay]:  # fmt: skip
    """Simulate a sample week, planned at the start and each day at 14:00, into a store.

    Returns
    -------
    list[MeteredDay]
        The house's own meters, for each local day.
    """
    settings = settings or ControlSettings(sample_data.BATTERY, sample_data.GRID)
    first, last = sample_data.days(week)
    end = min(sample_data.midnight(first, days), last)
    came = sample_data.measured(week, first, last)
    load = profile(came, "load_w")
    house = MinuteHouse(
        settings.battery,
        load.spiky(seed) if spiky else load,
        profile(came, "pv_w"),
        settings.battery.capacity_wh * soc_percent / 100,
        prices=price_list(sample_data.prices(week)),
    )
    simulation = MinuteSimulation(connection, week, settings, house, first, troubles, forecast)
    days_passed: list[MeteredDay] = []
    begun, day = replace(house), first

    def close_day(span: SimulatedSpan) -> None:
        nonlocal begun, day
        if span.until in (end, sample_data.midnight(span.until)):
            days_passed.append(_metered_day(day, span.until, begun, house))
            begun, day = replace(house), span.until

    simulate(simulation, sample_spans(first, end, last, daily=True), close_day)
    simulation.finish()
    return days_passed


def _metered_day(
    at: datetime, until: datetime, begun: MinuteHouse, house: MinuteHouse
) -> MeteredDay:
    without_plan, moment = replace(begun), at
    while moment < until:
        without_plan.pass_minute(moment, None)
        moment += MINUTE
    return MeteredDay(
        at,
        house.drawn_wh - begun.drawn_wh,
        house.fed_wh - begun.fed_wh,
        house.soc_wh,
        house.bill_eur - begun.bill_eur,
        without_plan.soc_wh,
        without_plan.bill_eur - begun.bill_eur,
    )
