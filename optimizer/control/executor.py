"""The loop: read, decide, write, note, every `interval_s`; it starts and ends with a release."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.control.decide import Memory, Settings, decide
from optimizer.errors import NoPlanError, OptimizerError, RefusedError, UnreachableError
from optimizer.model.plan import Plan
from optimizer.model.state import Channel, Decision, Reason, Snapshot
from optimizer.store import plans
from optimizer.store.journal import Journal

log = logging.getLogger(__name__)

APPLIED_TOLERANCE_W = 2.0
"""The FEMS's solver rounds to this."""

SHOWN_AFTER_S = 3.0
"""A write shows in the FEMS's channels after 1.6 to 2.3 s (measured)."""

IGNORED_AFTER = 3
"""Cycles in a row without effect before the owner is told."""


class Fems(Protocol):
    """What the loop needs of the FEMS."""

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
    _memory: Memory = field(default_factory=Memory)
    _may_hold: bool = True
    """Whether the FEMS may still hold something of ours; unsure counts as yes."""
    _clean: bool = False
    """Whether all channels were given back once: an executor that was killed may have left a
    bound on one of them, and every write of ours would keep it alive."""
    _sent_w: int | None = None
    _sent_at: float = 0.0
    _ignored: int = 0
    _trouble: Reason | None = None

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
            self._memory = Memory()
            decision = Decision(now, None, doubt)
        else:
            plan = self.book.at(now)
            decision, self._memory = decide(now, plan, snapshot, self._memory, self.settings)
            self._compare(snapshot)
        self._tell(decision)
        self._act(decision)
        self._note(decision, snapshot)
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
            self._sent_w = None
            log.warning("the set-point was not taken: %s", error)
            return
        self._sent_w = decision.setpoint_w if decision.channel is Channel.EQUALS else None
        self._sent_at = self.clock.monotonic()

    def _release(self) -> None:
        self._sent_w, self._ignored = None, 0
        if self.shadow:
            self._may_hold = False
            return
        try:
            self.fems.release(everything=not self._clean)
        except OptimizerError as error:
            log.warning("the release was not taken, it is tried again: %s", error)
            return
        self._may_hold, self._clean = False, True

    def _compare(self, snapshot: Snapshot) -> None:
        """Did the last set-point reach the inverter? HTTP 200 alone proves nothing."""
        young = self.clock.monotonic() - self._sent_at < SHOWN_AFTER_S
        if self._sent_w is None or snapshot.applied_w is None or young:
            return
        if abs(snapshot.applied_w - self._sent_w) <= APPLIED_TOLERANCE_W:
            self._ignored = 0
            return
        self._ignored += 1
        if self._ignored == IGNORED_AFTER:
            log.warning(
                "the FEMS applies %.0f W instead of our %d W: its limits or a controller with a "
                "higher priority are in charge",
                snapshot.applied_w,
                self._sent_w,
            )

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
