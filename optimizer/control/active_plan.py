"""The plan in force, and the FEMS that was written to before, as the loop asks for them."""

import logging
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from optimizer.errors import DataError, NoPlanError
from optimizer.fems.identity import Identity
from optimizer.model.plan import Plan, iso
from optimizer.store import known_device, overrides, plan_store
from optimizer.store.database import is_corrupt

log = logging.getLogger(__name__)

ASK_AGAIN = timedelta(minutes=1)
"""Interval of reading plans again where none covers the moment."""


@dataclass(slots=True)
class ActivePlan:
    """The plan in force; reads the store only when there is a new one, keeps the last good one."""

    connection: sqlite3.Connection
    corrupt: bool = False
    """True if the file was found damaged."""
    _number: int | None = None
    """Number of the newest plan that was read, whether it was whole or not."""
    _asked: datetime | None = None
    """Time when a plan was read last."""
    _plan: Plan | None = None
    _taken: Plan | None = None
    _ended: int | None = None
    """Number of the override whose end was noted."""

    def take(self, connection: sqlite3.Connection, _writable: bool) -> None:
        """Read from another file from now on; the plan in force stays until its end."""
        self.connection, self._number, self.corrupt = connection, None, False

    def at(self, now: datetime) -> Plan | None:
        """The plan to follow now, or None."""
        try:
            number = plan_store.number_in_force(self.connection, now)
            if number != self._number or self._is_over(now):
                self._asked, self._number = now, number
                self._take(plan_store.in_force(self.connection, now))
        except sqlite3.Error as error:
            self._number = None
            log.debug("no new plan: %s", error)
        except NoPlanError as error:
            log.debug("no new plan: %s", error)
            self.corrupt = is_corrupt(error)
        return self._plan

    def _is_over(self, now: datetime) -> bool:
        """True where the plan does not cover this moment, and none was read for a minute.

        A stored plan does not change: one that cannot be read is not unpacked in each cycle.
        """
        covered = self._plan is not None and self._plan.step_at(now) is not None
        asked = self._asked is not None and abs(now - self._asked) < ASK_AGAIN
        return not covered and not asked

    def news(self) -> str:
        """The plan that was taken since this was asked last, in words; "" for none."""
        plan, self._taken = self._taken, None
        if plan is None:
            return ""
        return f"plan made {iso(plan.made_at)} to {iso(plan.steps[-1].end)}"

    def _take(self, plan: Plan) -> None:
        plan = self._still_in_force(plan)
        if plan != self._plan:
            self._plan = self._taken = plan

    def _still_in_force(self, plan: Plan) -> Plan:
        """The plan without its override where that has ended before its time."""
        order = plan.override
        if order is None:
            return plan
        over = order.number == self._ended or overrides.has_ended(self.connection, order.number)
        return replace(plan, override=None) if over else plan

    def end_override(self, number: int | None, now: datetime) -> None:
        """Note that the charge of an override is there; tried again where the store is busy."""
        if number is None or number == self._ended:
            return
        if self._plan is not None:
            self._plan = replace(self._plan, override=None)
        try:
            overrides.close(self.connection, now, overrides.Ending.REACHED, number)
        except sqlite3.Error as error:
            log.debug("the end of the override is not noted yet: %s", error)
            return
        self._ended = number
        log.info("the override has ended: the charge is there")


@dataclass(slots=True)
class StoredDevice:
    """The FEMS that was written to before; a store that fails does not stop control."""

    connection: sqlite3.Connection

    def take(self, connection: sqlite3.Connection, _writable: bool) -> None:
        """Use another file from now on."""
        self.connection = connection

    def known(self) -> Identity | None:
        """Return the identity noted before; None before the first time.

        Raises
        ------
        DataError
            If what is known cannot be read.
        """
        try:
            text = known_device.known(self.connection)
        except sqlite3.Error as error:
            raise DataError(f"the store does not tell which FEMS it was: {error}") from error
        return None if text is None else Identity.from_text(text)

    def remember(self, identity: Identity, origin: str, at: datetime) -> None:
        """Note the first one."""
        try:
            known_device.note(self.connection, identity.to_text(), origin, at)
        except sqlite3.Error as error:
            log.warning("the FEMS cannot be noted in the store: %s", error)
