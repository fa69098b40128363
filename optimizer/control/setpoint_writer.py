"""Writing and releasing set-points, and the record of what the FEMS may still hold.

A release is never put off while something of ours may be held: only set-points wait after a refused
password.
"""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.control.policy import still_true
from optimizer.control.setpoint_monitor import SetpointMonitor
from optimizer.errors import LoginError, OptimizerError, RefusedError, UnreachableError
from optimizer.fems.writable_channels import SetPoint
from optimizer.model.snapshot import Channel, Decision, Reason

log = logging.getLogger(__name__)

LATE_S = 15.0
"""A write whose answer was lost may still arrive within this time: until then it is released
again [s]."""

AFTER_REFUSAL_S = 60.0
"""Pause of set-points after a refused password [s]."""

LONGEST_HOLD_S = 300.0
"""Longest time-out of a FEMS that is written to [s]: a set-point that outlives its program by more
is a danger."""


class WritableFems(Protocol):
    """Write access to a FEMS."""

    def hold(self, channel: SetPoint, setpoint: float) -> None:
        """Hold an AC power until the FEMS's time-out."""
        ...

    def give_back(self, channel: SetPoint) -> None:
        """Give back one channel."""
        ...

    def leave(self, channel: SetPoint) -> None:
        """Forget a channel that another program has taken over."""
        ...

    def release(self, *, everything: bool = False) -> None:
        """Hand control back: what this client wrote, or all that anybody may have written."""
        ...


@dataclass(slots=True)
class SetpointWriter:
    """Carries out decisions: writes set-points and releases them."""

    fems: WritableFems
    watch: SetpointMonitor
    clock: Clock
    shadow: bool = False
    """Do everything but write to the FEMS."""
    may_hold: bool = True
    """True while the FEMS may hold something of ours; unsure counts as true."""
    timeout_s: float = LONGEST_HOLD_S
    """Time-out of the FEMS: nothing of ours, or of an executor before us, outlives it [s]."""
    clean: bool = False
    """True once all channels were released: an executor that was killed may have left a bound on
    one of them, and every write of ours would keep it alive."""
    _unsure_s: float = float("-inf")
    """Time of the last write without an answer [s, monotonic]."""
    _set_s: float | None = None
    """Time of the last set-point that the FEMS may have taken, at first of the first decision: an
    executor before us may have written until then [s, monotonic]."""
    _channel: Channel | None = None
    """Channel of the last set-point."""
    _stray: Channel | None = None
    """Another channel, on which a late write may still arrive."""
    _refused_s: float = float("-inf")
    """Time of the last refused password [s, monotonic]."""
    refusal: str = ""
    """The FEMS's last refusal as a sentence; "" before any."""
    _last_refused: bool = False
    """True if the last failure was a refusal, and not a FEMS out of reach."""
    _reason: Reason | None = None
    """Reason of the last decision that was carried out."""
    _tried: bool = False
    """True once a release was tried for the present decision."""
    _reported: str = ""
    """The trouble with writing that was logged last."""

    def carry_out(self, decision: Decision, decided_s: float) -> Decision:
        """Write or release.

        Whatever ends without a set-point releases in the same cycle: at once when the reason is new
        or something of ours may be held, else after a refusal only once a minute.

        Parameters
        ----------
        decided_s
            Time of the decision [s, monotonic].

        Returns
        -------
        Decision
            What is held now, and why.
        """
        done, self._tried = decision, False
        self._set_s = decided_s if self._set_s is None else self._set_s
        if decision.setpoint_w is not None:
            done = self._written(decision, decision.setpoint_w, decided_s)
        due = done.setpoint_w is None and self.may_hold and not self._tried
        if due and self._urgent(done):
            self.release()
        self._reason = done.reason
        return done

    def _urgent(self, done: Decision) -> bool:
        """True unless a refused release is only being repeated where nothing of ours is held."""
        now_s = self.clock.monotonic()
        held = self._set_s is not None and now_s - self._set_s <= self.timeout_s
        return held or done.reason is not self._reason or not self._waits(now_s)

    def _waits(self, now_s: float) -> bool:
        """True while no set-point is tried, after a refused password."""
        return now_s - self._refused_s < AFTER_REFUSAL_S

    def _written(self, decision: Decision, setpoint_w: int, decided_s: float) -> Decision:
        """Write a set-point; without one if it cannot or must not be written."""
        if self._waits(self.clock.monotonic()) and not self.shadow:
            return replace(decision, setpoint_w=None, reason=Reason.REFUSED, note=self.refusal)
        if not self.clean and not self.release():
            # what an executor before us left is released before anything is held
            if self._last_refused:
                return replace(decision, setpoint_w=None, reason=Reason.REFUSED, note=self.refusal)
            return replace(decision, setpoint_w=None, reason=Reason.STARTING)
        if not still_true(decision, self.clock.now(), self.clock.monotonic() - decided_s):
            return replace(decision, setpoint_w=None, reason=Reason.STALE)
        return decision if self.shadow else self._hold(decision, setpoint_w)

    def _hold(self, decision: Decision, setpoint_w: int) -> Decision:
        now_s = self.clock.monotonic()
        self.may_hold = True
        try:
            self._give_back_strays(decision.channel, now_s)
            self.fems.hold(decision.channel, setpoint_w)
        except OptimizerError as error:
            self.watch.tried(decision.channel, setpoint_w, now_s)
            self._trouble("the set-point was not taken", error)
            if isinstance(error, RefusedError):
                return replace(decision, setpoint_w=None, reason=Reason.REFUSED, note=str(error))
            self._set_s = now_s
            return decision
        self._reported, self._set_s = "", now_s
        self.watch.sent(decision.channel, setpoint_w, self.clock.monotonic())
        return decision

    def _give_back_strays(self, channel: Channel, now_s: float) -> None:
        """Release another channel's set-point once more while it may still arrive there.

        Every write of ours would keep it alive.
        """
        if channel is not self._channel and now_s - self._unsure_s < LATE_S:
            self._stray = self._channel
        self._channel = channel
        if self._stray is None or self._stray is channel:
            self._stray = None
            return
        self.fems.give_back(self._stray)
        if now_s - self._unsure_s >= LATE_S:
            self._stray = None

    def release(self) -> bool:
        """Release what may still be held, now; true if that is certain.

        Where another program has the channel nothing is released there: our value is already
        overwritten, and a release would only clear the other's.
        """
        taken, now_s = self.watch.taken_from_us, self.clock.monotonic()
        self._tried = True
        self.watch.released()
        if self.shadow:
            self.may_hold, self.clean = False, True
            return True
        if taken is not None:
            self.fems.leave(taken)
            self.may_hold = False
            return True
        try:
            self.fems.release(everything=not self.clean)
        except OptimizerError as error:
            self._trouble("the release was not taken, it is tried again", error)
            return False
        # a write that is still on its way would undo it: once more in the next cycle
        self.may_hold, self.clean = now_s - self._unsure_s < LATE_S, True
        self._reported = ""
        return True

    def _trouble(self, what: str, error: OptimizerError) -> None:
        """Note what follows from a failure, and log it once."""
        if isinstance(error, UnreachableError):
            self._unsure_s = self.clock.monotonic()
        self._last_refused = isinstance(error, RefusedError)
        if self._last_refused:
            self.refusal = str(error)
        if isinstance(error, LoginError):
            self._refused_s = self.clock.monotonic()
        if self._reported != what:
            self._reported = what
            log.warning("%s: %s", what, error, extra={"kind": what})
