"""A simulated house lived through minute by minute in one process, with the real law and journal.

Hundreds of times faster than `living.py`, which has cycles of a second and real HTTP: for savings
over weeks. A minute is a cycle: the reading shows the minute that has passed, what is decided on it
holds for the next.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import pandas as pd

from optimizer.analysis import sample
from optimizer.analysis.bill import price_list
from optimizer.analysis.living import profile
from optimizer.analysis.minute_house import MINUTE, MinuteHouse
from optimizer.control.book import PlanBook
from optimizer.control.memory import Memory, Settings
from optimizer.control.policy import Sight, choose
from optimizer.control.timekeeping import Clocks
from optimizer.model.state import Decision, Reason, Snapshot
from optimizer.planning.door import forecast_steps
from optimizer.planning.planner import Request, make_plan
from optimizer.store import plans
from optimizer.store.journal import Journal

PUBLICATION_HOUR = 14
"""Local hour in which tomorrow's prices are there and the next plan is made."""


Forecast = Callable[[Path, datetime, datetime], pd.DataFrame]
"""What is expected in a sample week from a moment to another."""


class Kind(StrEnum):
    """What may befall a house."""

    OUTAGE = "the FEMS does not answer"
    STOPPED = "the executor is not running"
    FOREIGN = "another program charges the battery"
    FAULT = "the device stands still"
    CORRECTED = "the device corrects its state of charge by 6 %"


DOUBTS = {Kind.OUTAGE: Reason.UNREACHABLE, Kind.FOREIGN: Reason.YIELDED}
FOREIGN_W = -4_000.0
CORRECTION = 0.06


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that befalls the house."""

    kind: Kind
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Truth:
    """A local day by the house's own meters, which the journal does not see."""

    start: datetime
    drawn_wh: float
    fed_wh: float
    soc_wh: float
    """Stored at the end."""
    bill_eur: float
    own_use_soc_wh: float
    """What a twin left to itself from the same charge would have stored."""
    own_use_bill_eur: float


@dataclass(slots=True)
class Life:
    """A sample week on its way."""

    connection: sqlite3.Connection
    week: Path
    settings: Settings
    house: MinuteHouse
    troubles: Sequence[Trouble] = ()
    forecast: Forecast = sample.forecast
    _memory: Memory = field(default_factory=Memory)
    _journal: Journal = field(init=False)
    _book: PlanBook = field(init=False)
    _setpoint_w: float | None = None
    _running: bool = False

    def __post_init__(self) -> None:
        self._journal, self._book = Journal(self.connection), PlanBook(self.connection)

    def minute(self, at: datetime) -> None:
        """One cycle of the executor, then the minute that follows."""
        trouble = next((one for one in self.troubles if one.begin <= at < one.end), None)
        kind = None if trouble is None else trouble.kind
        if kind is Kind.CORRECTED and trouble is not None and trouble.begin == at:
            more_wh = CORRECTION * self.settings.battery.capacity_wh
            self.house.soc_wh = min(self.house.soc_wh + more_wh, self.settings.battery.max_wh)
        if kind is Kind.STOPPED:
            self._stop(at)
        else:
            self._cycle(at, kind)
        setpoint_w = FOREIGN_W if kind is Kind.FOREIGN else self._setpoint_w
        self.house.pass_minute(at, setpoint_w, faulty=kind is Kind.FAULT)

    def _cycle(self, at: datetime, kind: Kind | None) -> None:
        self._running = True
        snapshot: Snapshot | None = self.house.seen
        doubt = None if kind is None else DOUBTS.get(kind)
        if kind is Kind.OUTAGE or self.house.seen.at != at:
            snapshot = None
        clocks = Clocks(at, at.timestamp(), synchronised=True)
        sight = Sight(clocks, self._book.at(at), snapshot, doubt)
        before = self._memory.quarter
        decision, self._memory = choose(sight, self._memory, self.settings)
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
        self._memory, self._running, self._setpoint_w = Memory(), False, None

    def finish(self, at: datetime) -> None:
        """Look at the last minute, end the executor."""
        self._cycle(at, None)
        self._stop(at)

    def plan(self, at: datetime, known_to: datetime) -> None:
        """Plan with what could be known, and store it."""
        frame = self.forecast(self.week, at, known_to)
        soc = round(100 * self.house.soc_wh / self.settings.battery.capacity_wh)
        request = Request(at, "sample house", self.settings.battery, self.settings.grid, float(soc))
        plans.save(
            self.connection, make_plan(forecast_steps(frame), request, time.perf_counter), {}
        )


def live(
    connection: sqlite3.Connection, week: Path, settings: Settings | None = None, *,
    days: int = 7, seed: int = 1, soc_percent: float = 30.0, troubles: Sequence[Trouble] = (),
    forecast: Forecast = sample.forecast, spiky: bool = True,
) -> list[Truth]:  # fmt: skip
    """Live a sample week with plans at the start and each day at 14:00; the store gets its journal.

    Returns
    -------
    list[Truth]
        What the house's own meters say, for each local day.
    """
    settings = settings or Settings(sample.BATTERY, sample.GRID)
    first, last = sample.days(week)
    end = min(sample.midnight(first, days), last)
    came = sample.measured(week, first, last)
    load = profile(came, "load_w")
    house = MinuteHouse(
        settings.battery,
        load.spiky(seed) if spiky else load,
        profile(came, "pv_w"),
        settings.battery.capacity_wh * soc_percent / 100,
        prices=price_list(sample.prices(week)),
    )
    life = Life(connection, week, settings, house, troubles, forecast)
    truths, at = [], first
    while at < end:
        begun, until = replace(house), min(sample.midnight(at, 1), end)
        _live_day(life, at, until, last)
        truths.append(_truth(at, until, begun, house))
        at = until
    life.finish(end)
    return truths


def _live_day(life: Life, at: datetime, until: datetime, last: datetime) -> None:
    publication = at.astimezone(sample.ZONE).replace(hour=PUBLICATION_HOUR)
    first = sample.days(life.week)[0]
    while at < until:
        if at == first:
            life.plan(at, min(sample.midnight(at, 1), last))
        if at == publication:
            life.plan(at, min(sample.midnight(at, 2), last))
        life.minute(at)
        at += MINUTE


def _truth(at: datetime, until: datetime, begun: MinuteHouse, house: MinuteHouse) -> Truth:
    alone, moment = replace(begun), at
    while moment < until:
        alone.pass_minute(moment, None)
        moment += MINUTE
    return Truth(
        at, house.drawn_wh - begun.drawn_wh, house.fed_wh - begun.fed_wh, house.soc_wh,
        house.bill_eur - begun.bill_eur, alone.soc_wh, alone.bill_eur - begun.bill_eur,
    )  # fmt: skip
