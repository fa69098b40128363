"""The loop: read, choose, write, note, every `interval_s`; it begins and ends released."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from optimizer.control.active_plan import ActivePlan
from optimizer.control.clock import Clock
from optimizer.control.device_guard import DeviceGuard, DeviceMemory, GuardVerdict, ReadableFems
from optimizer.control.law import ControlSettings, ControlState
from optimizer.control.policy import ControlInput, choose
from optimizer.control.replan import ReplanInterval
from optimizer.control.setpoint_monitor import MonitoredFems, SetpointMonitor
from optimizer.control.setpoint_writer import LONGEST_HOLD_S, SetpointWriter, WritableFems
from optimizer.errors import AlreadyRunningError, RefusedError, StoppedError, UnsafeTimeoutError
from optimizer.model.battery import Battery
from optimizer.model.plan import Intent, Plan
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import CALM, Channel, Decision, Reason, Snapshot
from optimizer.store.journal import Journal

log = logging.getLogger(__name__)

INTERNAL_ERRORS = 5
"""Cycles in a row that may fail by a fault of this program before it gives up."""

PAUSE_POLL_S = 0.5
"""Longest time from the owner's pause to the cycle that gives back [s]."""


QUICK_S = 1.0
"""A last release that failed within this time is tried a second time [s]."""


class ExecutorFems(MonitoredFems, WritableFems, ReadableFems, Protocol):
    """FEMS as the loop uses it."""


class Replanning(Protocol):
    """Planner process beside the loop."""

    rhythm: ReplanInterval
    battery: Battery

    def poll(self, decision: Decision, plan: Plan | None, snapshot: Snapshot | None) -> None:
        """Begin or end a planning run if it is time; never waits."""
        ...

    def stop(self) -> None:
        """End a run that is still going."""
        ...


class OwnerPause(Protocol):
    """The order to stay away, where there is one."""

    @property
    def reason(self) -> Reason:
        """Reason of the pause that `current` named last."""
        ...

    def current(self, now: datetime) -> str:
        """The pause in force in words; "" without one."""
        ...

    def changed(self, now: datetime) -> bool:
        """Return true if `current` would say something else than it did last."""
        ...


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Settings that were read anew."""

    settings: ControlSettings
    interval_s: float
    rhythm: ReplanInterval


@dataclass(slots=True)
class Executor:
    """Carries plans to one FEMS."""

    fems: ExecutorFems
    active_plan: ActivePlan
    journal: Journal
    clock: Clock
    settings: ControlSettings
    interval_s: float = 10.0
    shadow: bool = False
    """Do everything but write to the FEMS."""
    on_cycle: Callable[[Decision, Snapshot | None], None] | None = None
    report: Callable[[Decision], None] | None = None
    """Called in the loop's own thread after a decision was carried out and noted, and never
    otherwise: what a watchdog may count as life. `Decision.sentence` is its text."""
    synchronised: Callable[[], bool] = bool
    """True if the computer's clock is set by the network; if not the FEMS's has to agree."""
    device_memory: DeviceMemory | None = None
    """The FEMS that was written to before; None takes any."""
    reload: Callable[[], SettingsChange | None] | None = None
    """Asked before each cycle for settings that were changed meanwhile."""
    replanning: Replanning | None = None
    by_hand: bool = False
    """End with the FEMS's refusal, where it refuses before anything was taken: somebody looks on. A
    service keeps trying."""
    pause: OwnerPause | None = None
    pause_poll_s: float = PAUSE_POLL_S
    _memory: ControlState = field(default_factory=ControlState)
    _watch: SetpointMonitor = field(init=False)
    _writer: SetpointWriter = field(init=False)
    _approach: DeviceGuard = field(init=False)
    _trouble: Reason | None = None
    _internal_errors: int = 0
    _disk_trouble: bool = False
    _held: tuple[Intent, Channel] | None = None
    """Intent and channel of the set-point that was logged last; None after nothing was held."""

    def __post_init__(self) -> None:
        self._watch = SetpointMonitor(self.fems)
        self._writer = SetpointWriter(self.fems, self._watch, self.clock)
        self._approach = DeviceGuard(self.fems, self.device_memory, interval_s=self.interval_s)

    def run(self, seconds: float | None = None) -> None:
        """Run until the clock says stop, or for some seconds; always ends released.

        Raises
        ------
        UnsafeTimeoutError
            If the FEMS would hold a set-point for ever, or for too long.
        RefusedError
            If it refuses from the start, and the program was started by hand.
        """
        begun = due = self.clock.monotonic()
        self._writer.may_hold = True
        try:
            while seconds is None or due - begun < seconds:
                self._cycle_or_internal_error()
                due = max(due + self.interval_s, self.clock.monotonic())
                if self._wait(due):
                    break
        except StoppedError:
            log.debug("a cycle was given up: the program has to stop")
        finally:
            self._finish()

    def _wait(self, due_s: float) -> bool:
        """Let time pass until the next cycle, or until a pause begins or ends; true to stop."""
        poll_s = float("inf") if self.pause is None else self.pause_poll_s
        while (left_s := due_s - self.clock.monotonic()) > poll_s and self.pause is not None:
            if self.clock.wait(poll_s):
                return True
            if self.pause.changed(self.clock.now()):
                return False
        return self.clock.wait(left_s)

    def _cycle_or_internal_error(self) -> None:
        """One round; a fault of this program releases, and only many in a row end it."""
        try:
            self.cycle()
        except (UnsafeTimeoutError, RefusedError, AlreadyRunningError):
            raise
        except Exception:
            self._internal_errors += 1
            log.exception(
                "a fault of this program, the %d. in a row: released", self._internal_errors
            )
            self._memory = ControlState(
                clocks=self._memory.clocks,
                quarter=self._memory.quarter,
                metered=self._memory.metered,
            )
            self._release()
            if self._internal_errors >= INTERNAL_ERRORS:
                raise
            self._note(Decision(self.clock.now(), None, Reason.INTERNAL_ERROR), None)
        else:
            self._internal_errors = 0

    def cycle(self) -> Decision:
        """One round."""
        self._take_changes()
        now = self.clock.now()
        view = self._poll(now)
        # what is true now, not before an answer that took its time
        clocks = self._approach.clocks(
            self.clock.now(), self.clock.monotonic(), view, synchronised=self.synchronised()
        )
        plan = self.active_plan.at(now)
        doubt, note = self._doubt(view)
        control_input = ControlInput(clocks, plan, view.snapshot, doubt, note)
        before = self._memory.quarter
        decision, self._memory = choose(control_input, self._memory, self.settings)
        self.active_plan.end_override(self._memory.reached, now)
        if self._approach.may_write or self.shadow:
            decision = self._writer.carry_out(decision, clocks.monotonic_s)
            self._memory = replace(self._memory, held_w=decision.setpoint_w)
        self._log(decision)
        self._journalise(decision, view.snapshot, before)
        if self.replanning is not None:
            self.replanning.poll(decision, plan, view.snapshot)
        if self.report is not None:
            self.report(decision)
        self._end_if_refused(view)
        return decision

    def _end_if_refused(self, view: GuardVerdict) -> None:
        """End with a refusal that came before anything was read, or before anything was taken."""
        unread = view.doubt is Reason.REFUSED and not self._approach.answered
        refusal = view.note if unread else "" if self._writer.clean else self._writer.refusal
        if self.by_hand and refusal:
            raise RefusedError(refusal)

    def _poll(self, now: datetime) -> GuardVerdict:
        """Read the FEMS, and look at what became of the last set-point."""
        self._approach.shadow = self._writer.shadow = self.shadow
        now_s = self.clock.monotonic()
        self._approach.in_doubt = self._watch.in_doubt
        view = self._approach.poll(now, now_s)
        self.interval_s = self._approach.write_interval_s
        self._writer.timeout_s = self._approach.timeout_s or LONGEST_HOLD_S
        if view.snapshot is not None:
            self._watch.poll(view.snapshot, now_s)
        return view

    def _doubt(self, view: GuardVerdict) -> tuple[Reason | None, str]:
        """Why nothing may be held whatever the reading says, with particulars."""
        paused = "" if self.pause is None else self.pause.current(self.clock.now())
        if self.pause is not None and paused:
            return self.pause.reason, paused
        if view.doubt is None and self._watch.yielded:
            return Reason.YIELDED, self._watch.note
        return view.doubt, view.note

    def _take_changes(self) -> None:
        """Go by settings that were changed meanwhile; steadiness has to be proved anew."""
        change = None if self.reload is None else self.reload()
        if change is None:
            return
        self.settings = change.settings
        self._approach.interval_s = change.interval_s
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
            self._writer.release()
        except Exception:
            log.exception("the release failed by a fault of this program")

    def _release_at_last(self) -> None:
        """Release; once more where the first null was refused or lost quickly."""
        begun_s = self.clock.monotonic()
        for _ in range(2):
            if self._writer.may_hold and self.clock.monotonic() - begun_s < QUICK_S:
                self._release()

    def _log(self, decision: Decision) -> None:
        """Log trouble once when it begins and once when it ends, and what is held from when on."""
        self._log_held(decision)
        trouble = None if decision.reason in CALM else decision.reason
        if trouble is self._trouble:
            return
        if trouble is not None:
            particulars = f" ({decision.note})" if decision.note else ""
            log.warning(
                "nothing is held: %s%s", trouble.value, particulars, extra={"kind": trouble}
            )
        elif self._trouble is not None:
            before = self._trouble
            log.info("back to work after: %s", before.value, extra={"kind": before})
        self._trouble = trouble

    def _log_held(self, decision: Decision) -> None:
        """Log a set-point with its reason when it begins, is of another kind, or ends in calm.

        The handler's filter passes each kind once an hour: a band that is reached and left with
        every cloud does not fill the log.
        """
        held = None if decision.setpoint_w is None else (decision.intent, decision.channel)
        if held == self._held:
            return
        self._held = held
        if held is not None or decision.reason in CALM:
            shadow = "shadow, nothing is written: " if self.shadow else ""
            note = f" ({decision.note})" if decision.note else ""
            log.info("%s%s%s", shadow, decision.sentence, note, extra={"kind": held or "nothing"})

    def _journalise(
        self, decision: Decision, snapshot: Snapshot | None, before: QuarterEnergy | None
    ) -> None:
        """Note a cycle, with what it brought to an end: a quarter-hour, or an older plan."""
        after = self._memory.quarter
        if before is not None and after is not None and before.start != after.start:
            self.journal.quarter(after.previous or before)
        news = self.active_plan.news()
        if news:
            log.info("a new plan is followed: %s", news)
            self.journal.event(decision, snapshot, news)
        self._note(decision, snapshot)

    def _note(self, decision: Decision, snapshot: Snapshot | None) -> None:
        """Write journal and live file; where one of them fails the other, and control, go on."""
        trouble: Exception | None = None
        try:
            self.journal.note(decision, snapshot)
        except (sqlite3.Error, OSError) as error:
            trouble = error
        try:
            if self.on_cycle is not None:
                self.on_cycle(decision, snapshot)
        except (sqlite3.Error, OSError) as error:
            trouble = error
        if trouble is not None and not self._disk_trouble:
            log.warning("the journal cannot be written: %s", trouble)
        self._disk_trouble = trouble is not None

    def _finish(self) -> None:
        """Hand back, and say so in the journal."""
        self._release_at_last()
        if self.replanning is not None:
            self.replanning.stop()
        if self._memory.quarter is not None:
            self.journal.quarter(self._memory.quarter)
            self._memory = ControlState(clocks=self._memory.clocks, metered=self._memory.metered)
        left = "the last release was not taken, or not for sure" if self._writer.may_hold else ""
        self._log_end()
        self._note(Decision(self.clock.now(), None, Reason.STOPPED, note=left), None)
        try:
            self.journal.flush()
        except sqlite3.Error as error:
            log.warning("the journal cannot be written: %s", error)

    def _log_end(self) -> None:
        """Log in one line who has control after the end."""
        if self.shadow:
            log.info("ended: nothing was written (shadow)")
        elif self._writer.may_hold:
            log.warning(
                "ended without a sure release: what the FEMS may still hold of ours ends by itself "
                "within %.0f s", self._writer.timeout_s,
            )  # fmt: skip
        else:
            log.info("ended: control was handed back, the FEMS controls the battery by itself")
