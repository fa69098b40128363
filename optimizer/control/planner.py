"""Planning anew beside the loop: another process does it, and its failure changes nothing."""

import contextlib
import logging
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import IO

from optimizer.control.clock import Clock
from optimizer.control.replan import Course, Rhythm, follow, wish
from optimizer.model.battery import Battery
from optimizer.model.plan import Plan
from optimizer.model.state import Decision, Snapshot

log = logging.getLogger(__name__)

LONGEST_S = 300.0
"""A planning run takes some seconds, on a small computer perhaps a minute."""

NICENESS = 10
"""The loop comes first."""

END_S = 2.0
"""So long a run that is ended gets to end by itself."""


@dataclass(slots=True)
class Run:
    """A planning run that is going on."""

    process: "subprocess.Popen[bytes]"
    errors: IO[bytes]
    why: str
    begun_s: float


@dataclass(slots=True)
class Replanner:
    """Starts the planner when it is time, and looks after it from cycle to cycle."""

    command: Sequence[str]
    """How the planner is called."""
    rhythm: Rhythm
    battery: Battery
    clock: Clock
    longest_s: float = LONGEST_S
    done: str = "planned anew"
    """What a run that ended well means."""
    _course: Course = field(default_factory=Course)
    _run: Run | None = None

    def look(self, decision: Decision, plan: Plan | None, snapshot: Snapshot | None) -> None:
        """Begin or end a run if it is time; never waits for it."""
        now = decision.at
        self._course = follow(self._course, now, plan, snapshot, self.battery)
        if self._run is not None:
            self._look_after(self._run)
            return
        soc = None if snapshot is None else snapshot.soc_percent
        why = wish(self._course, now, plan, soc, self.rhythm, self.battery)
        if why is not None:
            self._course = replace(self._course, tried_at=now, outside_since=None)
            self._start(why)

    def stop(self) -> None:
        """End a run that is still going."""
        if self._run is not None:
            self._end(self._run)

    def _start(self, why: str) -> None:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 closed with the run
        try:
            process = subprocess.Popen(  # noqa: S603 our own command
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            errors.close()
            log.warning("the planner cannot be started: %s", error)
            return
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        self._run = Run(process, errors, why, self.clock.monotonic())

    def _look_after(self, run: Run) -> None:
        code = run.process.poll()
        took_s = self.clock.monotonic() - run.begun_s
        if code is None:
            if took_s > self.longest_s:
                self._end(run)
                log.warning("the planner was ended after %.0f s: the plan in force stays", took_s)
            return
        self._run = None
        last = _last_line(run.errors)
        if code == 0:
            log.info("%s: %s", self.done, run.why)
        else:
            log.warning(
                "the planner failed with exit code %d, the plan in force stays: %s", code, last
            )

    def _end(self, run: Run) -> None:
        self._run = None
        run.process.terminate()
        try:
            run.process.wait(END_S)
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait()
        run.errors.close()


def _last_line(errors: IO[bytes]) -> str:
    """What a run said last; the file is closed."""
    with errors:
        errors.seek(0, os.SEEK_END)
        errors.seek(max(0, errors.tell() - 2_000))
        lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"
