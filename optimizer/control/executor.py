"""The loop: read, choose, write, note, every `interval_s`; it begins and ends released."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from optimizer.control.approach import Acquaintances, Approach, Seen, View
from optimizer.control.book import PlanBook
from optimizer.control.clock import Clock
from optimizer.control.grip import Grip, Hand
from optimizer.control.memory import Memory, Settings
from optimizer.control.policy import Sight, choose
from optimizer.control.replan import Rhythm
from optimizer.control.watch import Device, Watch
from optimizer.errors import UnsafeTimeoutError
from optimizer.model.battery import Battery
from optimizer.model.exchange import Quarter
from optimizer.model.plan import Plan
from optimizer.model.state import Decision, Reason, Snapshot
from optimizer.store.journal import Journal

log = logging.getLogger(__name__)

MISHAPS = 5
"""Cycles in a row that may fail by a fault of this program before it gives up."""

CALM = (Reason.OWN_USE, Reason.HOLDING, Reason.STARTING, Reason.NO_ROOM, Reason.RULE)
"""Reasons that are no trouble."""


class Fems(Device, Hand, Seen, Protocol):
    """What the loop needs of the FEMS."""


class Replanning(Protocol):
    """Who has the plan made anew while the loop goes on."""

    rhythm: Rhythm
    battery: Battery

    def look(self, decision: Decision, plan: Plan | None, snapshot: Snapshot | None) -> None:
        """Begin or end a planning run if it is time; never waits."""
        ...

    def stop(self) -> None:
        """End a run that is still going."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that were read anew."""

    settings: Settings
    interval_s: float
    rhythm: Rhythm


@dataclass(slots=True)
class Executor:
    """Carries plans to one FEMS."""

    fems: Fems
    book: PlanBook
    journal: Journal
    clock: Clock
    settings: Settings
    interval_s: float = 10.0
    shadow: bool = False
    """Do everything but write to the FEMS."""
    on_cycle: Callable[[Decision, Snapshot | None], None] | None = None
    tell: Callable[[Decision], None] | None = None
    """Called in the loop's own thread after a decision was carried out and noted, and never
    otherwise: what a watchdog may count as life. `Decision.sentence` is its text."""
    synchronised: Callable[[], bool] = bool
    """Whether the computer's clock is set by the network; if not the FEMS's has to agree."""
    acquaintances: Acquaintances | None = None
    """The FEMS that was written to before; None takes any."""
    reload: Callable[[], Change | None] | None = None
    """Asked before each cycle for settings that were changed meanwhile."""
    replanning: Replanning | None = None
    _memory: Memory = field(default_factory=Memory)
    _watch: Watch = field(init=False)
    _grip: Grip = field(init=False)
    _approach: Approach = field(init=False)
    _trouble: Reason | None = None
    _mishaps: int = 0
    _disk_trouble: bool = False

    def __post_init__(self) -> None:
        self._watch = Watch(self.fems)
        self._grip = Grip(self.fems, self._watch, self.clock)
        self._approach = Approach(self.fems, self.acquaintances, interval_s=self.interval_s)

    def run(self, seconds: float | None = None) -> None:
        """Run until the clock says stop, or for some seconds; always ends released.

        Raises
        ------
        UnsafeTimeoutError
            If the FEMS would hold a set-point for ever, or for too long.
        """
        begun = due = self.clock.monotonic()
        self._grip.may_hold = True
        try:
            while seconds is None or due - begun < seconds:
                self._cycle_or_mishap()
                due = max(due + self.interval_s, self.clock.monotonic())
                if self.clock.wait(due - self.clock.monotonic()):
                    break
        finally:
            self._finish()

    def _cycle_or_mishap(self) -> None:
        """One round; a fault of this program releases, and only many in a row end it."""
        try:
            self.cycle()
        except UnsafeTimeoutError:
            raise
        except Exception:
            self._mishaps += 1
            log.exception("a fault of this program, the %d. in a row: released", self._mishaps)
            self._memory = Memory(clocks=self._memory.clocks, quarter=self._memory.quarter)
            self._release()
            if self._mishaps >= MISHAPS:
                raise
            self._note(Decision(self.clock.now(), None, Reason.MISHAP), None)
        else:
            self._mishaps = 0

    def cycle(self) -> Decision:
        """One round."""
        self._take_changes()
        now = self.clock.now()
        view = self._look(now)
        # what is true now, not before an answer that took its time
        clocks = self._approach.clocks(
            self.clock.now(), self.clock.monotonic(), view, synchronised=self.synchronised()
        )
        plan = self.book.at(now)
        sight = Sight(clocks, plan, view.snapshot, self._doubt(view), view.note)
        before = self._memory.quarter
        decision, self._memory = choose(sight, self._memory, self.settings)
        if self._approach.may_write or self.shadow:
            decision = self._grip.carry_out(decision, clocks.monotonic_s)
            self._memory = replace(self._memory, held_w=decision.setpoint_w)
        self._log(decision)
        self._journalise(decision, view.snapshot, before)
        if self.replanning is not None:
            self.replanning.look(decision, plan, view.snapshot)
        if self.tell is not None:
            self.tell(decision)
        return decision

    def _look(self, now: datetime) -> View:
        """Read the FEMS, and look at what became of the last set-point."""
        self._approach.shadow = self._grip.shadow = self.shadow
        now_s = self.clock.monotonic()
        view = self._approach.look(now, now_s)
        self.interval_s = min(self.interval_s, self._approach.interval_s)
        if view.snapshot is not None:
            self._watch.look(view.snapshot, now_s)
        return view

    def _doubt(self, view: View) -> Reason | None:
        if view.doubt is None and self._watch.yielded:
            return Reason.YIELDED
        return view.doubt

    def _take_changes(self) -> None:
        """Go by settings that were changed meanwhile; steadiness has to be proved anew."""
        change = None if self.reload is None else self.reload()
        if change is None:
            return
        self.settings = change.settings
        self.interval_s = self._approach.interval_s = change.interval_s
        self._approach.ask_again()
        if self.replanning is not None:
            self.replanning.rhythm = change.rhythm
            self.replanning.battery = change.settings.battery
        self._memory = self._memory.doubtful()

    def _release(self) -> None:
        """Give back whatever happens."""
        if not (self._approach.may_write or self.shadow):
            return
        try:
            self._grip.release()
        except Exception:
            log.exception("the release failed by a fault of this program")

    def _log(self, decision: Decision) -> None:
        """Log trouble once when it begins and once when it ends."""
        trouble = None if decision.reason in CALM else decision.reason
        if trouble is self._trouble:
            return
        if trouble is not None:
            particulars = f" ({decision.note})" if decision.note else ""
            log.warning("nothing is held: %s%s", trouble.value, particulars)
        else:
            log.info("back to work after: %s", self._trouble.value if self._trouble else "")
        self._trouble = trouble

    def _journalise(
        self, decision: Decision, snapshot: Snapshot | None, before: Quarter | None
    ) -> None:
        """Note a cycle, with what it brought to an end: a quarter-hour, or an older plan."""
        after = self._memory.quarter
        if before is not None and after is not None and before.start != after.start:
            self.journal.quarter(after.previous or before)
        news = self.book.news()
        if news:
            log.info("a new plan is followed: %s", news)
            self.journal.event(decision, snapshot, news)
        self._note(decision, snapshot)

    def _note(self, decision: Decision, snapshot: Snapshot | None) -> None:
        """Journal and live file; a full disk must not stop control."""
        try:
            self.journal.note(decision, snapshot)
            if self.on_cycle is not None:
                self.on_cycle(decision, snapshot)
        except (sqlite3.Error, OSError) as error:
            if not self._disk_trouble:
                log.warning("the journal cannot be written: %s", error)
            self._disk_trouble = True
        else:
            self._disk_trouble = False

    def _finish(self) -> None:
        """Hand back, and say so in the journal."""
        if self._grip.may_hold:
            self._release()
        if self.replanning is not None:
            self.replanning.stop()
        if self._memory.quarter is not None:
            self.journal.quarter(self._memory.quarter)
            self._memory = Memory(clocks=self._memory.clocks)
        left = "the last release was not taken, or not for sure" if self._grip.may_hold else ""
        self._note(Decision(self.clock.now(), None, Reason.STOPPED, note=left), None)
        try:
            self.journal.flush()
        except sqlite3.Error as error:
            log.warning("the journal cannot be written: %s", error)
