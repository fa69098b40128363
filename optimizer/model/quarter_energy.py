"""Metered energies of a quarter-hour, for the legal rule and for the savings."""

from dataclasses import dataclass
from datetime import datetime

from optimizer.model.grid import Rule

LEAK_WH = 25.0
"""Energy against the rule that a quarter-hour may have while a set-point is held [Wh]: 100 W."""


@dataclass(frozen=True, slots=True)
class QuarterEnergy:
    """Energies of a quarter-hour [Wh]."""

    start: datetime
    at: datetime
    """End of the time that is counted so far."""
    seconds: float = 0.0
    """Time covered by readings [s]."""
    bought_wh: float = 0.0
    """Energy charged while the house bought: grid energy in the battery."""
    sold_wh: float = 0.0
    """Energy discharged while the house sold: battery energy in the grid."""
    held_bought_wh: float = 0.0
    """Part of `bought_wh` while a set-point was held."""
    held_sold_wh: float = 0.0
    """Part of `sold_wh` while a set-point was held."""
    drawn_wh: float = 0.0
    """Energy from the grid; one quarter-hour may have both directions."""
    fed_wh: float = 0.0
    """Energy into the grid."""
    charged_wh: float = 0.0
    """Energy into the battery, AC-referred."""
    discharged_wh: float = 0.0
    """Energy out of the battery, AC-referred."""
    residual_load_wh: float = 0.0
    """Load beyond PV while load was higher; battery and grid covered it."""
    surplus_wh: float = 0.0
    """PV beyond load while PV was higher; battery and grid took it."""
    pv_wh: float | None = 0.0
    """PV energy; None if it was not known all the time."""
    first_soc_wh: float | None = None
    """Stored energy at the first reading, or at the start if there was a reading."""
    soc_wh: float | None = None
    """Stored energy at the last reading, or at the end."""
    previous: "QuarterEnergy | None" = None
    """Quarter-hour before, complete, at the first reading after its end."""

    def breaks(self, rule: Rule) -> bool:
        """Breach of the rule by more than LEAK_WH while a set-point was held."""
        bought = 0.0 if rule.grid_charging else self.held_bought_wh
        sold = 0.0 if rule.battery_export else self.held_sold_wh
        return max(bought, sold) > LEAK_WH
