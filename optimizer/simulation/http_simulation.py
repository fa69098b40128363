"""Days of a simulated house: once left to itself, once with plans carried out over HTTP.

What was expected (the forecast files) is not what comes (the measured ones, with the bursts of a
real home), so what is saved is what is left after the forecast's errors.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from optimizer.control.active_plan import ActivePlan
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.fems.client import FemsClient
from optimizer.model import frames
from optimizer.model.battery import Battery
from optimizer.model.plan import Plan
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.simulation import sample_data
from optimizer.simulation.bill import Bill, PricedQuarter, price_list, total_eur
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.simulation.simulate import sample_spans, simulate
from optimizer.store import database, plan_store
from optimizer.store.journal import Journal

PASSWORD = "owner"  # noqa: S105 the simulated FEMS's factory setting
INTERVAL_S = 20.0
"""Simulated seconds between two set-points: a fifth of this FEMS's time-out."""


@dataclass(frozen=True, slots=True)
class ExecutorSettings:
    """Settings of the simulated executor."""

    follow: Literal["value", "intent", "power"] = "value"
    write: Literal["equals", "bounds"] = "equals"
    interval_s: float = INTERVAL_S


@dataclass(frozen=True, slots=True)
class DemoDay:
    """Day that the demo shows."""

    title: str
    week: str
    day: int
    """Days after the week's Monday."""
    hybrid: bool
    soc_percent: float


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """A scene's outcome."""

    scene: DemoDay
    battery: Battery
    plan: Plan
    """The plan made at the first midnight."""
    quarters: tuple[PricedQuarter, ...]
    self_consumption: tuple[PricedQuarter, ...]
    """The same time with the battery left to itself."""
    value_eur_per_kwh: float
    """Worth of the energy in the battery at the end [EUR/kWh]."""

    @property
    def bill_eur(self) -> float:
        """Bill with the plan."""
        return total_eur(self.quarters)

    @property
    def self_consumption_bill_eur(self) -> float:
        """Bill of the battery left to itself."""
        return total_eur(self.self_consumption)

    @property
    def stored_eur(self) -> float:
        """Worth of what the plan left in the battery more than self-consumption did."""
        more_wh = self.quarters[-1].reading.soc_wh - self.self_consumption[-1].reading.soc_wh
        return more_wh / 1000 * self.value_eur_per_kwh

    @property
    def worn_eur(self) -> float:
        """Wear of the battery left to itself less the wear with the plan [EUR]."""
        return self._wear_eur(self.self_consumption) - self._wear_eur(self.quarters)

    @property
    def saving_eur(self) -> float:
        """Saving of the plan, stored energy and wear counted [EUR]."""
        return self.self_consumption_bill_eur - self.bill_eur + self.stored_eur + self.worn_eur

    def _wear_eur(self, quarters: tuple[PricedQuarter, ...]) -> float:
        given_wh = (quarter.reading.discharged_wh for quarter in quarters)
        taken_wh = sum(self.battery.out_of_cells_wh(wh, 0.25) for wh in given_wh)
        return taken_wh / 1000 * self.battery.wear_eur_per_kwh


class SimulatedClock:
    """Clock of a simulated house: waiting lets the house's time pass.

    Parameters
    ----------
    fems
        The house's FEMS; None for a house without one that anybody reaches.
    """

    def __init__(self, fems: SimulatedFems | None, house: SimulatedHouse, bill: Bill) -> None:
        self._advance = house.advance if fems is None else fems.advance
        self._house, self._bill = house, bill
        self._begun = house.moment

    def now(self) -> datetime:
        """The house's wall clock."""
        return self._house.moment

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self._house.moment - self._begun).total_seconds()

    def wait(self, seconds: float) -> bool:
        """Let simulated time pass, reading the meters at each quarter-hour."""
        left = round(seconds)
        while left > 0:
            part = min(left, self._bill.until_due())
            self._advance(part)
            self._bill.poll()
            left -= part
        return False


def profile(frame: pd.DataFrame, column: str) -> Profile:
    """A frame's column as the simulated house takes it."""
    step_s = round(frames.step_of(frame).total_seconds())
    return Profile(frames.starts_of(frame)[0], step_s, tuple(frame[column].tolist()))


def _house(scene: DemoDay, battery: Battery, came: pd.DataFrame, seed: int) -> SimulatedHouse:
    start = frames.starts_of(came)[0]
    load = profile(came, "load_w").spiky(seed)
    grid = sample_data.GRID
    return SimulatedHouse(
        battery, load, profile(came, "pv_w"), start, scene.soc_percent, max_sell_w=grid.max_sell_w,
        api_timeout_s=5 * INTERVAL_S,
    )  # fmt: skip


def _plan(
    week: Path, battery: Battery, now: datetime, soc_percent: float, known_to: datetime
) -> Plan:
    """The plan that could be made now: forecasts, and prices as far as they are published."""
    steps = forecast_steps(sample_data.forecast(week, now, known_to))
    request = PlanRequest(now, "sample house", battery, sample_data.GRID, soc_percent)
    return make_plan(steps, request, time.perf_counter)


@dataclass
class _HttpController:
    """The real planner and executor, which reach the house over HTTP alone."""

    client: FemsClient
    executor: Executor
    store: sqlite3.Connection
    week: Path
    scene: DemoDay
    battery: Battery
    on_plan: Callable[[Plan], None] | None
    plans: list[Plan] = field(default_factory=list)

    def plan(self, at: datetime, known_to: datetime) -> None:
        """Plan with the state of charge that the FEMS tells."""
        self.plans.append(_plan(self.week, self.battery, at, self.client.soc(), known_to))
        plan_store.save(self.store, self.plans[-1], {"scene": self.scene.title})
        if self.on_plan is not None:
            self.on_plan(self.plans[-1])

    def run(self, until: datetime) -> None:
        """Run the executor; its clock lets time pass."""
        self.executor.run((until - self.executor.clock.now()).total_seconds())


def simulate_days(
    scene: DemoDay, data: Path, store: Path, days: int = 1, seed: int = 1,
    on_plan: Callable[[Plan], None] | None = None, manner: ExecutorSettings | None = None,
) -> SimulationResult:  # fmt: skip
    """Simulate a scene twice, left to itself and with plans, and compare.

    Parameters
    ----------
    data
        The folder of the sample weeks.
    store
        A folder for this run's plans and journal.
    days
        How many days from the scene's day on, as far as the week goes.
    seed
        Seed of the house's bursts.
    manner
        How plans are carried out; by default as an owner's executor does.
    """
    manner = manner or ExecutorSettings()
    week = data / scene.week
    first, last = sample_data.days(week)
    start = sample_data.midnight(first, scene.day)
    end = min(sample_data.midnight(first, scene.day + days), last)
    came = sample_data.measured(week, start, end)
    battery = replace(sample_data.BATTERY, hybrid=scene.hybrid)
    prices = price_list(sample_data.prices(week))
    left_alone = _house(scene, battery, came, seed)
    self_consumption = Bill(left_alone, prices)
    SimulatedClock(None, left_alone, self_consumption).wait((end - start).total_seconds())
    house = _house(scene, battery, came, seed)
    bill = Bill(house, prices)
    with (
        SimulatedFems(house) as fems,
        FemsClient(fems.url, PASSWORD) as client,
        closing(database.connect(store)) as connection,
    ):
        executor = Executor(
            client,
            ActivePlan(connection),
            Journal(connection),
            SimulatedClock(fems, house, bill),
            ControlSettings(battery, sample_data.GRID, manner.follow, manner.write),
            manner.interval_s,
        )
        controller = _HttpController(client, executor, connection, week, scene, battery, on_plan)
        simulate(controller, sample_spans(start, end, last))
    plans = controller.plans
    return SimulationResult(
        scene, battery, plans[0], tuple(bill.quarters), tuple(self_consumption.quarters),
        plans[-1].end_value_eur_per_kwh,
    )  # fmt: skip
