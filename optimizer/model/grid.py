"""The connection to the grid: its limits, by time, and the legal rule for charging and exporting.

`Grid` is what the owner states, `ConnectionLimits` what is in force at a moment. Everybody who
limits a power asks `Grid.limits`, so that a limit of a new kind is written here alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from optimizer.model.elementwise import Values, columns, greatest, least
from optimizer.model.local_hours import DAYS, MONTHS, ONE_DAY, Days, LocalHours, Months
from optimizer.model.ranges import Count, Derived, EndTimeOfDay, Moment, TimeOfDay, Watts
from optimizer.model.tariff import BERLIN


class Rule(StrEnum):
    """Energy that may flow between battery and grid (German EEG section 19, 2026).

    `grid_charge` (charge from the grid, never export from the battery) keeps a PV system's fixed
    feed-in tariff; `pv_only` does neither; `green_export` exports energy that only PV has charged;
    `mixed` is limited by the device alone.
    """

    PV_ONLY = "pv_only"
    GRID_CHARGE = "grid_charge"
    GREEN_EXPORT = "green_export"
    MIXED = "mixed"

    @property
    def grid_charging(self) -> bool:
        """Permission to charge the battery from the grid."""
        return self in (Rule.GRID_CHARGE, Rule.MIXED)

    @property
    def battery_export(self) -> bool:
        """Permission to discharge the battery into the grid."""
        return self in (Rule.GREEN_EXPORT, Rule.MIXED)


@dataclass(frozen=True, slots=True)
class OperatorLimit:
    """A known time in which the grid operator limits the storage unit (German EnWG section 14a).

    Raises
    ------
    ValueError
        If it ends before it begins; with a sentence.
    """

    start: Moment
    """First moment of the limit, with its offset from UTC."""
    end: Moment
    """First moment after the limit, with its offset from UTC."""
    max_w: Watts = 4_200.0
    """Largest power that the unit may draw on its AC side [W]; the law leaves at least 4.2 kW."""

    def __post_init__(self) -> None:
        """Refuse a time without length."""
        if self.end <= self.start:
            raise ValueError("end has to be after start")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedInLimit(LocalHours):
    """Local hours in which less may be fed in, by the operator's contract or a PV scheme's rule."""

    max_sell_w: Watts
    """Largest power that may be fed into the grid in these hours [W]."""
    from_: TimeOfDay = time(0)
    """First local time of the hours."""
    to: EndTimeOfDay = time(0)
    """First local time after the hours; at or before `from` it is the next day's."""
    months: Months = MONTHS
    """Months in which it holds."""
    days: Days = DAYS
    """Days of the week on which it holds."""
    zone: Annotated[ZoneInfo, Derived()] = BERLIN
    """Time zone of the hours: the tariff's."""

    def touches(self, start: datetime, end: datetime) -> bool:
        """Return true if it holds at a moment between two."""
        local = start.astimezone(self.zone)
        begin = local.replace(hour=self.from_.hour, minute=self.from_.minute, second=0)
        later = (begin + ONE_DAY * day for day in (0, 1))
        moments = [start, *(day.replace(fold=fold) for day in later for fold in (0, 1))]
        return any(start <= at < end and self.covers(at.astimezone(self.zone)) for at in moments)


Limit = TypeVar("Limit")


class ConnectionLimits(NamedTuple, Generic[Limit]):
    """Limits in force [W]: numbers of one time, or arrays of many steps."""

    buy_w: Limit
    """Largest power that may be drawn from the grid."""
    sell_w: Limit
    """Largest power that may be fed into the grid."""
    draw_w: Limit
    """Largest power that the storage unit may draw on its AC side; infinite without a limit."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The connection to the grid."""

    max_buy_w: Watts = 20_000.0
    """Largest power that may be drawn from the grid, by fuse or contract [W]."""
    max_sell_w: Watts = 20_000.0
    """Largest power that may be fed into the grid [W]; 0 for zero export."""
    rule: Rule = Rule.GRID_CHARGE
    """Legal rule: `grid_charge` lets the battery charge from the grid, `green_export` sell what PV
    has charged, `mixed` do both, `pv_only` neither."""
    operator_limits: Annotated[tuple[OperatorLimit, ...], Count(1_000)] = ()
    feed_in_limits: Annotated[tuple[FeedInLimit, ...], Count(100)] = ()
    price_curtailment: bool = False
    """Presence of somebody who curtails PV at negative prices; the FEMS by itself curtails only
    what grid or inverter cannot take."""

    def in_zone(self, zone: ZoneInfo) -> "Grid":
        """The same connection with its local hours in a time zone."""
        limits = tuple(replace(item, zone=zone) for item in self.feed_in_limits)
        return replace(self, feed_in_limits=limits)

    @property
    def timed(self) -> bool:
        """True if a limit holds at certain times only."""
        return bool(self.operator_limits or self.feed_in_limits)

    def limits(self, start: datetime, end: datetime) -> ConnectionLimits[float]:
        """Limits in force between two moments.

        A limit that covers only a part of the time holds for all of it.
        """
        touching = [item for item in self.operator_limits if item.start < end and start < item.end]
        draw_w = min((item.max_w for item in touching), default=float("inf"))
        caps = (item.max_sell_w for item in self.feed_in_limits if item.touches(start, end))
        return ConnectionLimits(self.max_buy_w, min([self.max_sell_w, *caps]), draw_w)

    def limits_of(self, spans: Iterable[tuple[datetime, datetime]]) -> ConnectionLimits[Any]:
        """Limits in force in each of many spans (start, end); numbers where none is timed."""
        if not self.timed:
            return self.untimed_limits()
        return ConnectionLimits(*columns([self.limits(start, end) for start, end in spans]))

    def untimed_limits(self) -> ConnectionLimits[float]:
        """Limits that hold at any time.

        Raises
        ------
        ValueError
            If one depends on the time: a fault of the caller, who left the time out.
        """
        if self.timed:
            raise ValueError("the connection has limits by time, and no time was given")
        return ConnectionLimits(self.max_buy_w, self.max_sell_w, float("inf"))

    def battery_limits(self, need_w: Values) -> tuple[Values, Values]:
        """Lowest and highest battery power that the rule allows [W].

        `need_w` is the battery power that would bring the grid power to zero (load minus PV):
        positive when the house lacks power, negative when PV has a surplus.

        >>> Grid(rule=Rule.PV_ONLY).battery_limits(-1_500.0)
        (-1500.0, 0.0)
        >>> Grid(rule=Rule.GRID_CHARGE).battery_limits(800.0)
        (-inf, 800.0)
        """
        free = float("inf")
        lowest_w = need_w - free if self.rule.grid_charging else least(need_w, 0.0)
        highest_w = need_w + free if self.rule.battery_export else greatest(need_w, 0.0)
        return lowest_w, highest_w
