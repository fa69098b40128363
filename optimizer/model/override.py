"""Override: what the owner wants instead of the plan's own choice, for a while."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Any

from optimizer.model.json_records import plain, read_record
from optimizer.model.ranges import Moment, Percent, Range

NEAR = timedelta(days=6)
"""A moment that is nearer than this is named by its weekday, one further away by its date."""

AT_ONCE = timedelta(days=1)
"""Latest end of a charge as soon as possible."""


class OverrideKind(StrEnum):
    """Kinds of overrides."""

    CHARGE = "charge"
    """At least a state of charge, by a moment or as soon as possible."""
    HOLD = "hold"
    """The intent of that name: do not discharge."""
    SELF_CONSUMPTION = "self_consumption"
    """Nothing is held: the FEMS balances the house."""
    AWAY = "away"
    """Nobody is at home: the house needs its base load only."""


@dataclass(frozen=True, slots=True)
class Override:
    """An order of the owner that planner and control obey until it ends by itself.

    Limits, the legal rule, every doubt and a pause stand above it.
    """

    number: Annotated[int, Range(1, 1_000_000_000)]
    """Its number in the store; a later one replaces it."""
    kind: OverrideKind
    since: Moment
    """Begin (UTC)."""
    until: Moment
    """End (UTC). Of a charge: the moment by which it has to be there; with `at_once` the latest
    end."""
    by: str
    """The command that began it, and its user."""
    soc_percent: Percent | None = None
    """Least state of charge of a charge [%]."""
    power_w: Annotated[float, Range(1, 1_000_000)] | None = None
    """Most that a charge draws for it, PV surplus apart [W]; None is what the limits allow."""
    at_once: bool = False
    """Charge as soon as possible; ends when the state of charge is reached."""

    def in_force(self, now: datetime) -> bool:
        """Return true until its end; the clock may have been set back since it began."""
        return now < self.until

    def text(self, zone: tzinfo) -> str:
        """The order in words, times in local time.

        Examples
        --------
        >>> from datetime import UTC
        >>> evening, morning = (datetime(2026, 1, day, 7, tzinfo=UTC) for day in (14, 15))
        >>> Override(1, OverrideKind.CHARGE, evening, morning, "owner", 80.0).text(UTC)
        'charge to 80 % by Thu 07:00'
        """
        if self.kind is not OverrideKind.CHARGE:
            return f"{self.kind.value.replace('_', '-')} until {self._local(self.until, zone)}"
        when = "as soon as possible" if self.at_once else f"by {self._local(self.until, zone)}"
        power = "" if self.power_w is None else f" with at most {self.power_w:.0f} W"
        return f"charge to {self.soc_percent:g} % {when}{power}"

    def _local(self, moment: datetime, zone: tzinfo) -> str:
        local = moment.astimezone(zone)
        near = moment - self.since < NEAR
        return f"{local:%a %H:%M}" if near else f"{local:%Y-%m-%d %H:%M}"

    def as_json(self) -> dict[str, Any]:
        """The override as JSON data, as in a plan and in `status --json`."""
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


def from_json(data: Any) -> Override:
    """Read an override back, whole or not at all.

    Raises
    ------
    ValueError
        With the first fault.
    """
    return read_record(Override, data, "override")
