"""The loop: read, decide, write, note, every `interval_s`; it starts and ends with a release."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.control.decide import Memory, Settings, decide
from optimizer.control.watch import Device, Watch
from optimizer.control.watchdog import safe_interval_s
from optimizer.errors import (
    NoPlanError,
    OptimizerError,
    RefusedError,
    UnreachableError,
    UnsafeTimeoutError,
)
from optimizer.model.plan import Plan
from optimizer.model.state import Channel, Decision, Reason, Snapshot
from optimizer.store import plans
from optimizer.store.journal import Journal

log = logging.getLogger(__name__)


class Fems(Device, Protocol):
    """What the loop needs of the FEMS."""

    def timeout_s(self) -> int | None:
        """The time after which the FEMS drops what was written [s]; None if unknown."""
        ...

    def snapshot(self, at: datetime) -> Snapshot:
        """Read everything once."""
        ...

    def hold(self, channel: Channel, setpoint_w: int) -> None:
        """Hold an AC power until the FEMS's time-out."""
        ...

    def release(self, *, everything: bool = False) -> None:
        """Hand control back: what this client wrote, or all that anybody may have written."""
        ...


@dataclass(slots=True)
class PlanBook:
    """The plan in force; reads the store only when there is a new one, keeps the last good one."""

    connection: sqlite3.Connection
    _number: int | None = None
    _plan: Plan | None = None

    def at(self, now: datetime) -> Plan | None:
        """The plan to follow now, or None."""
        try:
            number = plans.newest_number(self.connection)
            covered = self._plan is not None and self._plan.step_at(now) is not None
            if number != self._number or not covered:
                self._plan = plans.in_force(self.connection, now)
                self._number = number
        except (NoPlanError, sqlite3.Error) as error:
            log.debug("no new plan: %s", error)
        return self._plan


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
    _memory: Memory = field(default_factory=Memory)
    _may_hold: bool = True
    """Whether the FEMS may still hold something of ours; unsure counts as yes."""
    _clean: bool = False
    """Whether all channels were given back once: an executor that was killed may have left a
    bound on one of them, and every write of ours would keep it alive."""
    _watch: Watch = field(init=False)
    _timeout_known: bool = False
    """Whether the FEMS was asked for its time-out since it last came back."""
    _trouble: Reason | None = None

    def __post_init__(self) -> None:
        self._watch = Watch(self.fems)

    def run(self, seconds: float | None = None) -> None:
        """Run until the clock says stop, or for some seconds; always ends released."""
        begun = due = self.clock.monotonic()
        self._release()
        try:
            while seconds is None or due - begun < seconds:
                self.cycle()
                due = max(due + self.interval_s, self.clock.monotonic())
                if self.clock.wait(due - self.clock.monotonic()):
                    break
        finally:
            self._finish()

    def cycle(self) -> Decision:
        """One round."""
        now = self.clock.now()
        snapshot, doubt = self._read(now)
        if snapshot is None:
            self._memory, self._timeout_known = Memory(), False
            decision = Decision(now, None, doubt)
        else:
            self._ask_for_timeout()
            plan = self.book.at(now)
            decision, self._memory = decide(now, plan, snapshot, self._memory, self.settings)
            self._watch.look(snapshot, self.clock.monotonic())
            if self._watch.yielded:
                decision = Decision(now, None, Reason.YIELDED, step=decision.step)
        self._tell(decision)
        self._act(decision)
        self._note(decision, snapshot)
        if self.tell is not None:
            self.tell(decision)
        return decision

    def _read(self, now: datetime) -> tuple[Snapshot | None, Reason]:
        try:
            return self.fems.snapshot(now), Reason.OWN_USE
        except RefusedError as error:
            log.debug("%s", error)
            return None, Reason.REFUSED
        except UnreachableError as error:
            log.debug("%s", error)
            return None, Reason.UNREACHABLE

    def _act(self, decision: Decision) -> None:
        """Write or release; what failed is tried again in the next cycle with its own wish."""
        if decision.setpoint_w is None:
            if self._may_hold:
                self._release()
            return
        if self.shadow:
            return
        self._may_hold = True
        try:
            self.fems.hold(decision.channel, decision.setpoint_w)
        except OptimizerError as error:
            self._watch.released()
            log.warning("the set-point was not taken: %s", error)
            return
        self._watch.sent(decision.channel, decision.setpoint_w, self.clock.monotonic())

    def _release(self) -> None:
        self._watch.released()
        if self.shadow:
            self._may_hold = False
            return
        try:
            self.fems.release(everything=not self._clean)
        except OptimizerError as error:
            log.warning("the release was not taken, it is tried again: %s", error)
            return
        self._may_hold, self._clean = False, True

    def _ask_for_timeout(self) -> None:
        """Never hold anything that the FEMS would not drop by itself; write often enough.

        Raises
        ------
        UnsafeTimeoutError
            If it would not, and this is no shadow.
        """
        if self._timeout_known:
            return
        try:
            timeout_s = self.fems.timeout_s()
        except (UnreachableError, RefusedError) as error:
            log.debug("%s", error)
            return
        self._timeout_known = True
        if timeout_s is None:
            log.warning("the FEMS does not tell its time-out: make sure in its app that it is 60 s")
        try:
            interval_s = safe_interval_s(timeout_s, self.interval_s)
        except UnsafeTimeoutError as error:
            if not self.shadow:
                raise
            log.warning("%s", error)
            return
        if interval_s < self.interval_s:
            log.warning("written every %g s: the FEMS's time-out is %s s", interval_s, timeout_s)
            self.interval_s = interval_s

    def _tell(self, decision: Decision) -> None:
        """Log trouble once when it begins and once when it ends."""
        calm = (Reason.OWN_USE, Reason.HOLDING, Reason.STARTING, Reason.NO_ROOM)
        trouble = None if decision.reason in calm else decision.reason
        if trouble is self._trouble:
            return
        if trouble is not None:
            log.warning("nothing is held: %s", trouble.value)
        else:
            log.info("back to work after: %s", self._trouble.value if self._trouble else "")
        self._trouble = trouble

    def _note(self, decision: Decision, snapshot: Snapshot | None) -> None:
        """Journal and live file; a full disk must not stop control."""
        try:
            self.journal.note(decision, snapshot)
            if self.on_cycle is not None:
                self.on_cycle(decision, snapshot)
        except (sqlite3.Error, OSError) as error:
            log.warning("the journal cannot be written: %s", error)

    def _finish(self) -> None:
        """Hand back, and say so in the journal."""
        self._release()
        self._note(Decision(self.clock.now(), None, Reason.STOPPED), None)
        try:
            self.journal.flush()
        except sqlite3.Error as error:
            log.warning("the journal cannot be written: %s", error)
