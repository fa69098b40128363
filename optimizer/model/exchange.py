"""A quarter-hour as metered: what the law counts by, and what the savings are made up from."""

from dataclasses import dataclass
from datetime import datetime

from optimizer.model.grid import Rule

LEAK_WH = 25.0
"""So much may go the wrong way in a quarter-hour while something is held [Wh]: a mean of 100 W."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter-hour's energies [Wh]."""

    start: datetime
    at: datetime
    """Up to when they are counted."""
    seconds: float = 0.0
    """How much of it was seen."""
    bought_wh: float = 0.0
    """Charged while the house bought: grid energy in the battery."""
    sold_wh: float = 0.0
    """Discharged while the house sold: battery energy in the grid."""
    held_bought_wh: float = 0.0
    """The part of it while we held a set-point."""
    held_sold_wh: float = 0.0
    drawn_wh: float = 0.0
    """Out of the grid, whatever it was for; in one quarter-hour there may be both."""
    fed_wh: float = 0.0
    """Into the grid."""
    charged_wh: float = 0.0
    """Into the battery, in the FEMS's accounting."""
    discharged_wh: float = 0.0
    """Out of it."""
    short_wh: float = 0.0
    """What the house lacked beyond its roof, while it lacked: battery and grid gave it."""
    spare_wh: float = 0.0
    """What the roof had to spare, while it had: battery and grid took it."""
    pv_wh: float | None = 0.0
    """From the roof; None if it was not known all the time."""
    first_soc_wh: float | None = None
    """Stored energy at the first reading, or at the start if it was seen."""
    soc_wh: float | None = None
    """Stored energy at the last reading, or at the end."""
    previous: "Quarter | None" = None
    """The quarter-hour before, complete, at the first reading after its end."""

    def breaks(self, rule: Rule) -> bool:
        """Whether our holding has carried more than a trifle the wrong way."""
        bought = 0.0 if rule.grid_charging else self.held_bought_wh
        sold = 0.0 if rule.battery_export else self.held_sold_wh
        return max(bought, sold) > LEAK_WH
