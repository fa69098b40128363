"""Handing control back by order of the owner: the nulls, and the pause that keeps it so."""

import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.errors import AlreadyRunningError, DataError, OptimizerError, RefusedError
from optimizer.fems.writable_channels import Entry, HandedOver
from optimizer.model.snapshot import ORDERED
from optimizer.store import executor_lock, judged_days, live_state, pause
from optimizer.store.pause import Pause, PauseKind

SEEN_S = 2.0
"""Longest wait for a running executor to say that it has seen the pause [s]."""

CONFIRM_S = 8.0
"""Time after which what the FEMS still lists counts as held [s]; a null shows after about 2 s."""

QUIET_S = 2.5
"""Time without an entry that counts as released [s]: a write shows after 1.6 to 2.3 s, also one of
an executor that had not seen the pause yet, or of another program."""

AGAIN_S = 3.0
"""The nulls are written anew when something is listed after this [s]."""

POLL_S = 0.25

RESERVE = timedelta(seconds=30)
"""A pause for a value that is held by hand outlasts it: also the last exchanges take time."""

TAKES_OVER = "a running executor will take over again within seconds: stop it first"


class ReleasableFems(Protocol):
    """The part of a FEMS that handing back needs."""

    ess: str

    def release(self, *, everything: bool = False) -> None:
        """Write the nulls."""
        ...

    def handed_over(self) -> HandedOver:
        """Read the values that are handed over, of all writers."""
        ...


def author(command: str) -> str:
    """The command, and who typed it: `'optimizer release' by pi`."""
    name = os.environ.get("SUDO_USER", "")
    if not name:
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = str(os.getuid())
    return f"'optimizer {command}' by {name}"


def begin_pause(folder: Path, clock: Clock, order: Pause) -> str:
    """Store a pause and wait until a running executor has seen it; return one sentence.

    Raises
    ------
    DataError
        If it cannot be stored.
    """
    pause.store(folder, order)
    stored = pause.load(folder)
    if stored is not None and stored.kind is PauseKind.STAND_DOWN:
        return "control stands down already, until 'optimizer resume'"
    if not executor_lock.executor_running(folder):
        return "no executor is running; one that starts stays away"
    if _seen(folder, clock):
        return "the executor has given control back"
    return "the executor has not answered yet: it gives back with its next cycle"


def _seen(folder: Path, clock: Clock) -> bool:
    """True where the executor reports within two seconds that it is paused."""
    until_s = clock.monotonic() + SEEN_S
    while clock.monotonic() < until_s:
        live = live_state.read(live_state.path_for(folder))
        if live is not None and live["reason"] in {reason.name.lower() for reason in ORDERED}:
            return True
        clock.wait(POLL_S)
    return False


@dataclass(slots=True)
class Release:
    """The panic button: a pause, the nulls, and the FEMS's own list as the proof."""

    fems: ReleasableFems
    folder: Path
    clock: Clock

    def execute(self, order: Pause) -> str:
        """Release and pause; return the outcome in one or two sentences.

        Raises
        ------
        UnreachableError
            If the FEMS does not answer; the pause is stored all the same.
        RefusedError
            If it refuses, still lists a value for the unit, or the pause could not be stored.
        """
        unstored = ""
        try:
            pause.store(self.folder, order)
        except DataError as error:
            unstored = f"{error}; {TAKES_OVER}"
        after = unstored or "an executor stays away until 'optimizer resume'"
        try:
            self.fems.release(everything=True)
            listed = not unstored and self._confirmed()
        except OptimizerError as error:
            raise type(error)(f"{error}\n{after}") from error
        if unstored:
            raise RefusedError(f"released, but {unstored}")
        unlisted = "" if listed else " (this FEMS does not list what is held)"
        return f"released: the FEMS controls the battery by itself{unlisted}; {after}"

    def _confirmed(self) -> bool:
        """Wait until the FEMS lists nothing for the unit; False where it lists nothing at all."""
        if executor_lock.executor_running(self.folder):
            _seen(self.folder, self.clock)
        begun_s = again_s = quiet_s = self.clock.monotonic()
        while True:
            handed_over, now_s = self.fems.handed_over(), self.clock.monotonic()
            held = handed_over.on(self.fems.ess)
            if not held and now_s - quiet_s >= QUIET_S:
                return handed_over.known
            if held and now_s - begun_s >= CONFIRM_S:
                raise RefusedError(_still(held))
            if held:
                quiet_s = now_s
            if held and now_s - again_s >= AGAIN_S:
                again_s = now_s
                self.fems.release(everything=True)
            self.clock.wait(POLL_S)


def _still(held: Sequence[Entry]) -> str:
    values = ", ".join(f"{entry.address} = {entry.value} by {entry.api}" for entry in held)
    return (
        f"The nulls were taken, but the FEMS still lists {values}: another program writes there, "
        "stop that"
    )


def end_pause(folder: Path, now: datetime) -> Pause | None:
    """End every pause; return the one that was in force.

    The days before the end of a stand-down are not judged again.
    """
    before = pause.load(folder)
    if before is not None and before.kind is PauseKind.STAND_DOWN:
        judged_days.begin_anew(folder, now)
    ended = pause.end(folder)
    return ended if ended is not None and ended.in_force(now) else None


@contextmanager
def without_executor(
    folder: Path, clock: Clock, order: Pause, *, pause_it: bool = False
) -> Iterator[None]:
    """Make sure that no executor writes while a value is held by hand.

    Parameters
    ----------
    order
        The pause that is stored for a running executor; it ends at the latest soon after its
        `until`, also if this process is killed.
    pause_it
        Pause a running executor instead of refusing.

    Raises
    ------
    AlreadyRunningError
        If an executor is running and not paused.
    """
    before = pause.load(folder)
    paused = before is not None and before.in_force(order.until or order.since)
    if paused or not executor_lock.executor_running(folder):
        yield
        return
    if not pause_it:
        raise AlreadyRunningError(
            f"an executor is running on {folder} and would take turns with this value: "
            "'optimizer pause' first, or 'optimizer fems set' with --pause"
        )
    until = None if order.until is None else order.until + RESERVE
    begin_pause(folder, clock, replace(order, until=until))
    try:
        yield
    finally:
        if before is None:
            pause.end(folder)
        else:
            pause.store(folder, before)
