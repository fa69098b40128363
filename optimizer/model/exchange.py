"""What went between battery and grid in a quarter-hour: what the law counts by."""

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
    previous: "Quarter | None" = None
    """The quarter-hour before, complete, at the first reading after its end."""

    def breaks(self, rule: Rule) -> bool:
        """Whether our holding has carried more than a trifle the wrong way."""
        bought = 0.0 if rule.grid_charging else self.held_bought_wh
        sold = 0.0 if rule.battery_export else self.held_sold_wh
        return max(bought, sold) > LEAK_WH
