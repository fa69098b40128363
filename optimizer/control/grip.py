"""The executor's hold on the battery: writing, giving back, and knowing what may still be held."""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

from optimizer.control.clock import Clock
from optimizer.control.policy import still_true
from optimizer.control.watch import Watch
from optimizer.errors import LoginError, OptimizerError, RefusedError, UnreachableError
from optimizer.fems.writes import SetPoint
from optimizer.model.state import Channel, Decision, Reason

log = logging.getLogger(__name__)

LATE_S = 15.0
"""So long a write whose answer was lost may still arrive: until then it is given back again."""

AFTER_REFUSAL_S = 60.0
"""A FEMS that refuses the password is not asked more often than this."""


class Hand(Protocol):
    """What is needed of a FEMS here."""

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
class Grip:
    """Writes what was decided, and gives it back."""

    fems: Hand
    watch: Watch
    clock: Clock
    shadow: bool = False
    """Do everything but write to the FEMS."""
    may_hold: bool = True
    """Whether the FEMS may still hold something of ours; unsure counts as yes."""
    _clean: bool = False
    """Whether all channels were given back once: an executor that was killed may have left a
    bound on one of them, and every write of ours would keep it alive."""
    _unsure_s: float = float("-inf")
    """When a write was last sent without an answer."""
    _channel: Channel | None = None
    """Where something was held last."""
    _stray: Channel | None = None
    """Another one, on which a late write may still arrive."""
    _refused_s: float = float("-inf")
    """When the FEMS last refused the password, and what it means."""
    _refusal: str = ""
    _told: str = ""
    """The trouble with writing that the owner was told of."""

    def carry_out(self, decision: Decision, decided_s: float) -> Decision:
        """Write or release; what became of the decision.

        Parameters
        ----------
        decided_s
            When it was chosen, by the monotonic clock [s].
        """
        if decision.setpoint_w is None:
            if self.may_hold:
                self.release()
            return decision
        if not self._clean and not self.release():
            # what an executor before us left is given back before anything is held
            refused = self.clock.monotonic() - self._refused_s < AFTER_REFUSAL_S
            if refused:
                return self._refused(decision)
            return replace(decision, setpoint_w=None, reason=Reason.STARTING)
        if not still_true(decision, self.clock.now(), self.clock.monotonic() - decided_s):
            if self.may_hold:
                self.release()
            return replace(decision, setpoint_w=None, reason=Reason.STALE)
        return self._hold(decision, decision.setpoint_w)

    def _hold(self, decision: Decision, setpoint_w: int) -> Decision:
        now_s = self.clock.monotonic()
        if self.shadow:
            return decision
        if now_s - self._refused_s < AFTER_REFUSAL_S:
            return self._refused(decision)
        self.may_hold = True
        try:
            self._give_back_strays(decision.channel, now_s)
            self.fems.hold(decision.channel, setpoint_w)
        except OptimizerError as error:
            self.watch.tried(decision.channel, setpoint_w, now_s)
            self._trouble("the set-point was not taken", error)
            if isinstance(error, RefusedError):
                return replace(decision, setpoint_w=None, reason=Reason.REFUSED, note=str(error))
            return decision
        self._told = ""
        self.watch.sent(decision.channel, setpoint_w, self.clock.monotonic())
        return decision

    def _give_back_strays(self, channel: Channel, now_s: float) -> None:
        """Give back another channel's set-point once more while it may still arrive there.

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

    def _refused(self, decision: Decision) -> Decision:
        return replace(decision, setpoint_w=None, reason=Reason.REFUSED, note=self._refusal)

    def release(self) -> bool:
        """Give back what may still be held; whether that is certain now.

        Where another program has the channel nothing is given back there: our value is already
        overwritten, and a release would only clear the other's.
        """
        taken, now_s = self.watch.taken_from_us, self.clock.monotonic()
        self.watch.released()
        if self.shadow:
            self.may_hold, self._clean = False, True
            return True
        if now_s - self._refused_s < AFTER_REFUSAL_S:
            return False
        if taken is not None:
            self.fems.leave(taken)
            self.may_hold = False
            return True
        try:
            self.fems.release(everything=not self._clean)
        except OptimizerError as error:
            self._trouble("the release was not taken, it is tried again", error)
            return False
        # a write that is still on its way would undo it: once more in the next cycle
        self.may_hold, self._clean = now_s - self._unsure_s < LATE_S, True
        self._told = ""
        return True

    def _trouble(self, what: str, error: OptimizerError) -> None:
        """Remember what follows from a failure, and tell it once."""
        if isinstance(error, UnreachableError):
            self._unsure_s = self.clock.monotonic()
        if isinstance(error, LoginError):
            self._refused_s, self._refusal = self.clock.monotonic(), str(error)
        if self._told != what:
            self._told = what
            log.warning("%s: %s", what, error)
