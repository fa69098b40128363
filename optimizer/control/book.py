"""The plan in force, and the FEMS that was written to before, as the loop asks for them."""

import logging
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from optimizer.errors import DataError, NoPlanError
from optimizer.fems.identity import Identity
from optimizer.model.plan import Plan, iso
from optimizer.store import device, plans

log = logging.getLogger(__name__)


@dataclass(slots=True)
class PlanBook:
    """The plan in force; reads the store only when there is a new one, keeps the last good one."""

    connection: sqlite3.Connection
    _number: int | None = None
    _plan: Plan | None = None
    _taken: Plan | None = None

    def at(self, now: datetime) -> Plan | None:
        """The plan to follow now, or None."""
        try:
            number = plans.newest_number(self.connection)
            covered = self._plan is not None and self._plan.step_at(now) is not None
            if number != self._number or not covered:
                self._take(plans.in_force(self.connection, now))
                self._number = number
        except (NoPlanError, sqlite3.Error) as error:
            log.debug("no new plan: %s", error)
        return self._plan

    def news(self) -> str:
        """The plan that was taken since this was asked last, in words; "" for none."""
        plan, self._taken = self._taken, None
        if plan is None:
            return ""
        return f"plan made {iso(plan.made_at)} to {iso(plan.steps[-1].end)}"

    def _take(self, plan: Plan) -> None:
        if plan != self._plan:
            self._plan = self._taken = plan


@dataclass(slots=True)
class DeviceBook:
    """The FEMS that was written to before; a store that fails does not stop control."""

    connection: sqlite3.Connection

    def known(self) -> Identity | None:
        """What is known of it; None before the first time.

        Raises
        ------
        DataError
            If what is known cannot be read.
        """
        try:
            text = device.known(self.connection)
        except sqlite3.Error as error:
            raise DataError(f"the store does not tell which FEMS it was: {error}") from error
        return None if text is None else Identity.from_text(text)

    def meet(self, identity: Identity, origin: str, at: datetime) -> None:
        """Note the first one."""
        try:
            device.note(self.connection, identity.to_text(), origin, at)
        except sqlite3.Error as error:
            log.warning("the FEMS cannot be noted in the store: %s", error)
