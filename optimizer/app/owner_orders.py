"""The owner's commands that come over MQTT, carried out beside the executor's loop.

They do as the commands do: a pause is the file of `optimizer pause`, a charge an override in the
store. It is taken unpriced; the plan that the executor asks for at once is made under it and
prices it. Imports neither pandas nor numpy nor pulp: this is the executor's process.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING

from optimizer.app.handing_back import end_pause
from optimizer.errors import InfeasibleError, UsageError
from optimizer.model.override import AT_ONCE, Override, OverrideKind
from optimizer.store import database, overrides, pause
from optimizer.store.pause import Pause
from optimizer.text.local_time import next_time_of_day

if TYPE_CHECKING:
    from optimizer.config.sections import Config

WAIT_S = 5.0
"""Longest wait for a store that another program has locked [s]; control does not wait for it."""


@dataclass(frozen=True, slots=True)
class OwnerOrders:
    """Carries out pause, resume and charge; called on the network's thread."""

    config: "Config"
    author: str
    """Origin of the commands, for `status`, the journal and the list of overrides."""
    replans: SimpleQueue[str] | None
    """Takes the reason of a plan that is wanted at once; None where the executor does not plan."""

    def pause(self) -> str:
        """Store a pause without an end; one that is in force without an end stays as it is."""
        now, folder = datetime.now(UTC), self.config.store.folder
        before = pause.load(folder)
        if before is not None and before.until is None:
            return f"paused already {before.text(self.config.zone)}"
        order = Pause(now, self.author)
        pause.store(folder, order)
        return f"paused {order.text(self.config.zone)}"

    def resume(self) -> str:
        """End every pause."""
        ended = end_pause(self.config.store.folder, datetime.now(UTC))
        if ended is None:
            return f"nothing was paused (resume by {self.author})"
        return f"resumed by {self.author}: the pause {ended.text(self.config.zone)} is over"

    def charge(self, soc_percent: float, by: str | None) -> str:
        """Take an override, and ask for the plan under it.

        Raises
        ------
        InfeasibleError
            If the battery's own limit forbids it.
        UsageError
            If nobody would plan it.
        """
        order = self._order(soc_percent, by)
        if self.replans is None:
            raise UsageError("this executor runs without re-planning (--no-replan)")
        highest = self.config.battery.max_soc_percent
        if soc_percent > highest:
            raise InfeasibleError(
                f"{soc_percent:g} % is above battery.max_soc_percent: {highest:g} % at most"
            )
        text = order.text(self.config.zone)
        with closing(database.connect(self.config.store.folder, WAIT_S)) as connection:
            if not overrides.take_unpriced(connection, order):
                return f"in force already: {text} (again by {self.author})"
        self.replans.put(f"override: {text}")
        return f"override taken unpriced, by {self.author}: {text}"

    def _order(self, soc_percent: float, by: str | None) -> Override:
        now = datetime.now(UTC).replace(microsecond=0)
        until = now + AT_ONCE
        if by is not None:
            until = next_time_of_day(by, now, self.config.zone) or until
        return Override(
            1, OverrideKind.CHARGE, now, until, self.author, soc_percent, at_once=by is None
        )
