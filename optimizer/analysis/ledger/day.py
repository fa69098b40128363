"""What an account says of a day."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Day:
    """A day's account; energies [Wh], money [EUR]."""

    day: str
    """Local date."""
    quarters: int
    """Quarter-hours of the day so far."""
    counted: int
    unmeasured: int
    """Left out: not seen by the executor."""
    unpriced: int
    """Left out: no plan ever told a price."""
    corrected: int
    """Left out: the device corrected its state of charge."""
    unplanned: int = 0
    """Counted, without a plan in force."""
    drawn_wh: float = 0.0
    fed_wh: float = 0.0
    bill_eur: float = 0.0
    own_use_bill_eur: float = 0.0
    no_battery_eur: float = 0.0
    wear_eur: float = 0.0
    own_use_wear_eur: float = 0.0
    stored_wh: float = 0.0
    """Stored more at the end than own use would have; summed over the parts between gaps."""
    stored_eur: float = 0.0
    """Worth of that."""
    stored_eur_per_kwh: float = 0.0
    """Its price at the end of the day."""
    planning_eur: float = 0.0
    forecast_eur: float = 0.0
    execution_eur: float = 0.0
    model_off_wh: float = 0.0
    """By how much the battery's model, fed with the measured power, misses the measured charge."""
    model_through_wh: float = 0.0
    """What went through the battery meanwhile."""

    @property
    def worn_eur(self) -> float:
        """Wear that own use would have cost more."""
        return self.own_use_wear_eur - self.wear_eur

    @property
    def saving_eur(self) -> float:
        """What was saved against own use, stored energy and wear counted."""
        return self.own_use_bill_eur - self.bill_eur + self.worn_eur + self.stored_eur

    @property
    def model_off_eur(self) -> float:
        """What the model's error may come to in the saving."""
        return self.model_off_wh / 1000 * self.stored_eur_per_kwh

    @property
    def model_off_percent(self) -> float | None:
        """The same as a share of what went through; None if next to nothing did."""
        if self.model_through_wh < 1:
            return None
        return 100 * self.model_off_wh / self.model_through_wh

    def as_json(self) -> dict[str, Any]:
        """All figures, money to 0.0001 EUR."""
        figures = {item.name: getattr(self, item.name) for item in fields(self)}
        figures |= {"saving_eur": self.saving_eur}
        return {
            name: round(value, 4 if "eur" in name else 1) + 0.0
            if isinstance(value, float)
            else value
            for name, value in figures.items()
        }
