"""Strategies carried through a scenario, tick by tick, on a plant of mean powers.

A set-point lags behind the house. What a cycle decides is decided on a reading, and the next cycle
comes `interval_s` later: so each tick begins with what was held before, for that long, and its
reading is taken then; the rest of the tick is under the new decision. A house's power is taken as
steady within a tick, so that is the whole lag of a loop of `interval_s` at ticks of a minute. At
longer ticks it is the lag at the changes from tick to tick; what swings within them is balanced by
the FEMS or crosses the meter alike in every strategy. `tests/backtest/test_a_day.py` compares days
with the simulated FEMS and its real loop.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import numpy as np

from optimizer.backtest.scenario_data import Array, Scenario
from optimizer.backtest.stored_plans import Plans
from optimizer.control.law import ControlSettings, ControlState, decide
from optimizer.model.moments import QUARTER
from optimizer.simulation.plant import HeldPower, Plant, PowerFlow, held_power
from optimizer.simulation.simulate import SimulatedSpan, simulate

INTERVAL_S = 10.0
"""Between two cycles of the executor, as by default."""


SAME_W = 1.0


class FlowSpan(NamedTuple):
    """A flow and how long it lasted [h]."""

    flow: PowerFlow
    hours: float


@dataclass(frozen=True, eq=False)
class StrategyRun:
    """Result of a strategy, by quarter-hour from the scenario's `begin` on."""

    bought_wh: Array
    sold_wh: Array
    discharged_wh: Array
    """Out of the battery, AC side."""
    soc_wh: Array
    """Stored energy at the end of each quarter-hour."""
    start_wh: float


class Strategy(Protocol):
    """Whatever runs a plant through a tick."""

    def tick(
        self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float
    ) -> list[FlowSpan]:
        """Let a tick pass; its parts."""


class _TickController:
    """A strategy on its plant, metered by the quarter-hour; its plans are stored beforehand."""

    def __init__(self, scenario: Scenario, strategy: Strategy, start_wh: float) -> None:
        self._scenario, self._strategy = scenario, strategy
        self._plant = Plant(scenario.battery, scenario.grid, start_wh)
        self._load, self._pv = scenario.load_w.tolist(), scenario.pv_w.tolist()
        self._quarter = scenario.begin
        self.rows: list[tuple[float, float, float, float]] = []
        """Bought, sold, discharged and stored [Wh], by quarter-hour."""

    def plan(self, at: datetime, known_to: datetime) -> None:
        """Do nothing: `stored_plans.py` made the plans."""

    def run(self, until: datetime) -> None:
        """Let whole quarter-hours pass."""
        while self._scenario.at(self._quarter) < until:
            self._pass_quarter(self._quarter)
            self._quarter += 1

    def _pass_quarter(self, quarter: int) -> None:
        bought = sold = out = 0.0
        self._plant.enter(self._scenario.at(quarter), self._scenario.at(quarter + 1))
        for tick in range(self._scenario.ticks):
            at = quarter * self._scenario.ticks + tick
            for flow, hours in self._strategy.tick(
                self._plant, quarter, tick, self._load[at], self._pv[at]
            ):
                bought += max(flow.grid_w, 0.0) * hours
                sold -= min(flow.grid_w, 0.0) * hours
                out += max(flow.battery_w, 0.0) * hours
        self.rows.append((bought, sold, out, self._plant.soc_wh))


def run_strategy(
    scenario: Scenario, strategy: Strategy, start_wh: float | None = None
) -> StrategyRun:
    """Simulate the part of a scenario that counts.

    Parameters
    ----------
    start_wh
        Stored energy at the start; empty by default.
    """
    begun_wh = scenario.battery.min_wh if start_wh is None else start_wh
    controller = _TickController(scenario, strategy, begun_wh)
    whole = SimulatedSpan(scenario.at(scenario.begin), scenario.at(len(scenario.buy)))
    simulate(controller, [whole])
    bought_wh, sold_wh, out_wh, soc_wh = np.array(controller.rows).T
    return StrategyRun(bought_wh, sold_wh, out_wh, soc_wh, begun_wh)


class SelfConsumptionStrategy:
    """The battery left to itself."""

    def __init__(self, scenario: Scenario) -> None:
        self._hours = scenario.hours

    def tick(
        self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float
    ) -> list[FlowSpan]:
        """Balance the house."""
        return [FlowSpan(plant.run(load_w, pv_w, None, self._hours), self._hours)]


class ControlledStrategy:
    """The real control law over plans.

    Parameters
    ----------
    settings
        What the law goes by; its battery and grid are the case's.
    """

    def __init__(
        self,
        scenario: Scenario,
        plans: Plans,
        settings: ControlSettings,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._case, self._plans, self._settings = scenario, plans, settings
        self._lag = min(interval_s / 3600, scenario.hours)
        self._tick = QUARTER / scenario.ticks
        self._memory = ControlState()
        self._held: HeldPower | None = None
        self._quarter, self._start = -1, scenario.start

    def tick(
        self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float
    ) -> list[FlowSpan]:
        """Read, decide, hold; again while what is held throttles the roof and changes.

        A real tick has many cycles. One is enough while the house stands still, but a roof that
        a set-point had throttled shows itself bit by bit.
        """
        hours, lag = self._case.hours, self._lag
        if quarter != self._quarter:
            self._quarter, self._start = quarter, self._case.at(quarter)
        begin, passed = self._start + tick * self._tick, 0.0
        plan, parts = self._plans.at(quarter, plant.soc_wh), []
        while hours - passed > lag / 2:
            before, last = plant.run(load_w, pv_w, self._held, lag, clip_hours=hours), self._held
            passed += lag
            parts.append(FlowSpan(before, lag))
            left = max(hours - passed, 0.0)
            snapshot = plant.snapshot(begin + timedelta(hours=passed), before, left or hours)
            decision, self._memory = decide(
                begin + timedelta(hours=passed), plan, snapshot, self._memory, self._settings
            )
            self._held = held_power(decision)
            if before.pv_w >= pv_w - SAME_W or self._held in (None, last):
                break
        if hours - passed > 0:
            rest = hours - passed
            parts.append(FlowSpan(plant.run(load_w, pv_w, self._held, rest), rest))
        return parts
