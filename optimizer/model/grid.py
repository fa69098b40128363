"""The connection to the grid: its limits and the legal rule for charging and exporting."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Rule(StrEnum):
    """What the law lets the battery do with the grid (German EEG section 19, 2026).

    `grid_charge` (charge from the grid, never export from the battery) keeps a roof's fixed
    feed-in tariff; `pv_only` does neither; `green_export` exports what only the roof charged;
    `mixed` is bound by the device alone.
    """

    PV_ONLY = "pv_only"
    GRID_CHARGE = "grid_charge"
    GREEN_EXPORT = "green_export"
    MIXED = "mixed"

    @property
    def grid_charging(self) -> bool:
        """Whether the battery may be charged from the grid."""
        return self in (Rule.GRID_CHARGE, Rule.MIXED)

    @property
    def battery_export(self) -> bool:
        """Whether the battery may discharge into the grid."""
        return self in (Rule.GREEN_EXPORT, Rule.MIXED)


@dataclass(frozen=True, slots=True)
class Dimming:
    """A time in which the grid's operator dims the storage unit (German EnWG section 14a)."""

    start: datetime
    end: datetime
    """First moment outside."""
    max_w: float = 4_200.0
    """Most that the unit may draw on its AC side [W]; 4.2 kW is what the law leaves at least."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Limits at the connection point."""

    max_buy_w: float = 20_000.0
    """Most that may be drawn [W]: fuse, contract."""
    max_sell_w: float = 20_000.0
    """Most that may be fed in [W]; 0 for zero export."""
    rule: Rule = Rule.GRID_CHARGE
    dimming: tuple[Dimming, ...] = ()
    """Known times of dimming."""
    rests_roof: bool = False
    """Whether somebody throttles the roof for money's sake, at negative prices. The FEMS does not:
    left to itself it throttles what the grid or the inverter cannot take, and nothing else."""

    def draw_limit_w(self, start: datetime, end: datetime) -> float:
        """Most that the storage unit may draw between two moments [W, AC]; infinite if free.

        A step that a time of dimming only touches is dimmed as a whole.
        """
        touching = [item for item in self.dimming if item.start < end and start < item.end]
        return min((item.max_w for item in touching), default=float("inf"))

    def battery_limits(self, need_w: float) -> tuple[float, float]:
        """Lowest and highest battery power that the rule allows [W].

        `need_w` is the battery power that would bring the grid to zero (load minus roof):
        positive when the house lacks power, negative when the roof has some to spare.

        >>> Grid(rule=Rule.PV_ONLY).battery_limits(-1_500.0)
        (-1500.0, 0.0)
        >>> Grid(rule=Rule.GRID_CHARGE).battery_limits(800.0)
        (-inf, 800.0)
        """
        lowest_w = float("-inf") if self.rule.grid_charging else min(0.0, need_w)
        highest_w = float("inf") if self.rule.battery_export else max(0.0, need_w)
        return lowest_w, highest_w
