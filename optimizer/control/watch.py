"""The executor's eye on its own set-points: whether they arrive, and whether others write too."""

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from optimizer.control.outcome import INVERTER_W, Outcome, Sent, Verdict, verify
from optimizer.errors import OptimizerError
from optimizer.fems.channels import API
from optimizer.fems.controllers import above_rest
from optimizer.fems.writes import Entry, HandedOver
from optimizer.model.state import Channel, Snapshot

log = logging.getLogger(__name__)

TOLD_AFTER = 3
"""Cycles in a row without effect before the owner is told."""

LOOK_EVERY = 3
"""Cycles between two looks at who writes; after a suspicion it is looked at once a cycle."""

YIELD_AFTER = 2
"""Looks in a row that find another value than ours on our channel, until we give way."""

RESUME_AFTER = 3
"""Looks in a row that find nobody, until we come back."""

OURS_FOR_S = 90.0
"""For so long a value that we sent may still be on the FEMS's list [s]."""


class Device(Protocol):
    """What is asked of the FEMS here."""

    ess: str

    def handed_over(self) -> HandedOver:
        """What all interfaces hand over, whoever wrote it."""
        ...

    def controllers(self) -> tuple[str, ...]:
        """Ids of the controllers that are switched on."""
        ...


@dataclass(slots=True)
class Watch:
    """Remembers what was sent; looks, and says once what is wrong."""

    device: Device
    yielded: bool = False
    """Whether somebody else has the battery."""
    taken_from_us: Channel | None = None
    """The channel on which somebody else's value stands instead of ours."""
    _sent: Sent | None = None
    _channel: Channel | None = None
    """Where we wrote last, whether it arrived or not."""
    _first_s: float = 0.0
    _steady_from: tuple[float, float] = (0.0, 0.0)
    """Since when [s] the set-point has been about the same, and which [W]."""
    _ours: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=64))
    """What we sent lately: when [s], where, and what."""
    _log: HandedOver | None = None
    _cycles: int = 0
    _conflicts: int = 0
    _quiet: int = 0
    _streak: tuple[Outcome, int] = (Outcome.PENDING, 0)
    _warned: set[str] = field(default_factory=set)

    def sent(self, channel: Channel, setpoint_w: int, now_s: float) -> None:
        """Note a set-point that the FEMS has taken."""
        before = self._sent
        if before is None or before.channel is not channel:
            self._first_s, self._steady_from = now_s, (now_s, setpoint_w)
        elif before.setpoint_w != setpoint_w:
            self._first_s = now_s
        if abs(setpoint_w - self._steady_from[1]) > INVERTER_W:
            self._steady_from = (now_s, setpoint_w)
        self._sent, self._channel = Sent(channel, setpoint_w, 0.0), channel
        self._ours.append((now_s, f"{self.device.ess}/{channel}", str(setpoint_w)))

    def tried(self, channel: Channel, setpoint_w: int, now_s: float) -> None:
        """Note a set-point whose answer was lost: whether the FEMS has it is not known."""
        self.released()
        self._channel = channel
        self._ours.append((now_s, f"{self.device.ess}/{channel}", str(setpoint_w)))

    def released(self) -> None:
        """Note that nothing is held any more."""
        self._sent, self._channel, self._streak = None, None, (Outcome.PENDING, 0)

    def look(self, snapshot: Snapshot, now_s: float) -> None:
        """Compare with a new reading; every few cycles also look at who writes."""
        self._cycles += 1
        self._log = None
        outcome, times = self._streak
        doubt = outcome not in (Outcome.PENDING, Outcome.APPLIED) and times <= TOLD_AFTER
        if doubt or self._conflicts or self._cycles % LOOK_EVERY == 0:
            self._look_at_writers(now_s)
        if self._sent is None:
            return
        sent = Sent(
            self._sent.channel, self._sent.setpoint_w, now_s - self._first_s,
            now_s - self._steady_from[0],
        )  # fmt: skip
        self._judge(sent, verify(sent, snapshot, self._log))

    def _judge(self, sent: Sent, verdict: Verdict) -> None:
        """Tell the owner once when something goes on being wrong."""
        if verdict.outcome is Outcome.PENDING:
            return
        outcome, times = self._streak
        times = times + 1 if outcome is verdict.outcome else 1
        self._streak = (verdict.outcome, times)
        if verdict.outcome is Outcome.APPLIED or times != TOLD_AFTER:
            return
        level = logging.INFO if verdict.outcome is Outcome.CLIPPED else logging.WARNING
        shown = "an unknown power" if verdict.shown_w is None else f"{verdict.shown_w:.0f} W"
        log.log(
            level, "the FEMS applies %s instead of our %d W on %s: it was %s; %s",
            shown, sent.setpoint_w, sent.channel, verdict.outcome.value,
            self._cause(verdict.outcome),
        )  # fmt: skip

    def _cause(self, outcome: Outcome) -> str:
        """What is known about why, and what to do."""
        if outcome is Outcome.CLIPPED:
            return "this is normal near full and empty"
        if outcome is Outcome.NOT_CONVERTED:
            return "run 'optimizer check'"
        if outcome is Outcome.IGNORED:
            return "its control mode may be INTERNAL, or it has a fault: run 'optimizer check'"
        try:
            names = above_rest(self.device.controllers())
        except OptimizerError:
            names = ()
        if names:
            return f"before us decide {', '.join(names)}"
        return "the order of its controllers may be wrong: run 'optimizer check'"

    def _look_at_writers(self, now_s: float) -> None:
        try:
            self._log = self.device.handed_over()
        except OptimizerError as error:
            log.debug("who writes is not known: %s", error)
            return
        ours = {(API, *sent[1:]) for sent in self._ours if now_s - sent[0] < OURS_FOR_S}
        others = [e for e in self._log.on(self.device.ess) if tuple(e) not in ours]
        for other in others:
            self._warn(other)
        self._give_way(others)

    def _warn(self, other: Entry) -> None:
        place = f"{other.api} {other.address}"
        if place not in self._warned:
            self._warned.add(place)
            log.warning(
                "another program writes %s to %s over %s: only one can control the battery",
                other.value, other.address, other.api,
            )  # fmt: skip

    def _give_way(self, others: list[Entry]) -> None:
        """Yield to who writes where we do; come back when nobody has been seen for a while."""
        if self.yielded:
            self._quiet = 0 if others else self._quiet + 1
            if self._quiet >= RESUME_AFTER:
                self.yielded, self._quiet, self._conflicts = False, 0, 0
                self.taken_from_us = None
                log.info("nobody else writes to the battery any more: back to work")
            return
        mine = None if self._channel is None else f"{self.device.ess}/{self._channel}"
        conflict = any(other.api == API and other.address == mine for other in others)
        self._conflicts = self._conflicts + 1 if conflict else 0
        if self._conflicts >= YIELD_AFTER:
            self.yielded, self._conflicts = True, 0
            self.taken_from_us = self._channel
            log.warning("another program holds %s: we give way until it stops", mine)
