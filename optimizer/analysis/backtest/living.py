"""Live a case through: tick by tick the real `control.decide`, on a plant of mean powers.

A set-point lags behind the house. What a cycle decides is decided on a reading, and the next cycle
comes `interval_s` later: so each tick begins with what was held before, for that long, and its
reading is taken then; the rest of the tick is under the new decision. A house's power is taken as
steady within a tick, so that is the whole lag of a loop of `interval_s` at ticks of a minute. At
longer ticks it is the lag at the changes from tick to tick; what swings within them is balanced by
the FEMS or crosses the meter alike in every strategy. `tests/analysis/test_a_day.py` compares days
with the simulated FEMS and its real loop.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol

import numpy as np

from optimizer.analysis.backtest.case import Array, Case
from optimizer.analysis.backtest.plans import Plans
from optimizer.analysis.backtest.plant import Flow, Held, Plant, held_by
from optimizer.control.decide import decide
from optimizer.control.memory import Memory, Settings
from optimizer.model.quarter import QUARTER

INTERVAL_S = 10.0
"""Between two cycles of the executor, as by default."""


SAME_W = 1.0


class Part(NamedTuple):
    """A flow and how long it lasted [h]."""

    flow: Flow
    hours: float


@dataclass(frozen=True, eq=False)
class Lived:
    """What a strategy did, by quarter-hour from the case's `begin` on."""

    bought_wh: Array
    sold_wh: Array
    discharged_wh: Array
    """Out of the battery, AC side."""
    soc_wh: Array
    """Stored energy at the end of each quarter-hour."""
    start_wh: float


class Strategy(Protocol):
    """Whatever runs a plant through a tick."""

    def tick(self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float) -> list[Part]:
        """Let a tick pass; its parts."""


def live(case: Case, strategy: Strategy, start_wh: float | None = None) -> Lived:
    """Live the part of a case that counts.

    Parameters
    ----------
    start_wh
        Stored energy at the start; empty by default.
    """
    begun = case.battery.min_wh if start_wh is None else start_wh
    plant = Plant(case.battery, case.grid, begun)
    load, roof = case.load_w.tolist(), case.pv_w.tolist()
    rows = []
    for quarter in range(case.begin, len(case.buy)):
        bought = sold = out = 0.0
        for tick in range(case.ticks):
            at = quarter * case.ticks + tick
            for flow, hours in strategy.tick(plant, quarter, tick, load[at], roof[at]):
                bought += max(flow.grid_w, 0.0) * hours
                sold -= min(flow.grid_w, 0.0) * hours
                out += max(flow.battery_w, 0.0) * hours
        rows.append((bought, sold, out, plant.soc_wh))
    bought_wh, sold_wh, out_wh, soc_wh = np.array(rows).T
    return Lived(bought_wh, sold_wh, out_wh, soc_wh, begun)


class OwnUse:
    """The battery left to itself."""

    def __init__(self, case: Case) -> None:
        self._hours = case.hours

    def tick(self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float) -> list[Part]:
        """Balance the house."""
        return [Part(plant.run(load_w, pv_w, None, self._hours), self._hours)]


class ByLaw:
    """The real control law over plans.

    Parameters
    ----------
    settings
        What the law goes by; its battery and grid are the case's.
    """

    def __init__(
        self, case: Case, plans: Plans, settings: Settings, interval_s: float = INTERVAL_S
    ) -> None:
        self._case, self._plans, self._settings = case, plans, settings
        self._lag = min(interval_s / 3600, case.hours)
        self._tick = QUARTER / case.ticks
        self._memory = Memory()
        self._held: Held | None = None
        self._quarter, self._start = -1, case.start

    def tick(self, plant: Plant, quarter: int, tick: int, load_w: float, pv_w: float) -> list[Part]:
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
            parts.append(Part(before, lag))
            left = max(hours - passed, 0.0)
            snapshot = plant.snapshot(begin + timedelta(hours=passed), before, left or hours)
            decision, self._memory = decide(
                begin + timedelta(hours=passed), plan, snapshot, self._memory, self._settings
            )
            self._held = held_by(decision)
            if before.pv_w >= pv_w - SAME_W or self._held in (None, last):
                break
        if hours - passed > 0:
            rest = hours - passed
            parts.append(Part(plant.run(load_w, pv_w, self._held, rest), rest))
        return parts
