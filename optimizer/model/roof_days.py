"""Days on which the roof gives less or more than forecast, and how likely each kind is."""

from dataclasses import dataclass
from datetime import datetime
from math import exp, fsum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.errors import DataError

RATIOS = (0.6, 1.0, 1.4)
"""Measured over forecast energy of a day: poor, as told, rich. The thirds of a measured home's days
lie at 0.62, 0.95 and 1.51 of a weather service's corrected forecast (`tests/bench/spread.py`)."""

STRAYS = 0.3
"""How far two hours stray from their day's ratio (standard deviation)."""

NEVER_RULED_OUT = 1e-3
"""Likelihood that is left to each kind of day, whatever two hours look like."""

ENOUGH_W = 200.0
"""Less told power than this says nothing of the day [W]."""

WEIGHT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class RoofDays:
    """Kinds of days; a day is of the same kind from midnight to midnight."""

    time_zone: str
    """In which the midnights are, e.g. "Europe/Berlin"."""
    today: tuple[float, ...] = (1 / 3,) * 3
    """How likely each kind is for the day of the plan's beginning; they sum to 1."""
    later: tuple[float, ...] = (1 / 3,) * 3
    """The same for any other day."""
    ratios: tuple[float, ...] = RATIOS
    """Roof over its forecast on days of each kind [1]."""

    def __post_init__(self) -> None:
        """Refuse what would not be kinds of days.

        Raises
        ------
        DataError
            If the three do not fit each other, are negative or do not sum to 1, or if the time zone
            is unknown.
        """
        if not 0 < len(self.ratios) == len(self.today) == len(self.later):
            raise DataError("roof days: each kind needs its ratio and its two weights")
        if not all(number >= 0 for number in (*self.ratios, *self.today, *self.later)):
            raise DataError("roof days: no ratio and no weight may be negative")
        if any(abs(fsum(row) - 1) > WEIGHT_TOLERANCE for row in (self.today, self.later)):
            raise DataError("roof days: the weights have to sum to 1")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise DataError(f"roof days: unknown time zone {self.time_zone!r}") from error

    def day(self, moment: datetime) -> int:
        """Number of the local day that a moment lies in."""
        return moment.astimezone(ZoneInfo(self.time_zone)).toordinal()


def seen(time_zone: str, told_w: float, measured_w: float) -> RoofDays:
    """The kinds of days after the last two hours: what was told for them and what came (means).

    Bayes' rule with a normal likelihood of their ratio around each kind's own.
    """
    general = RoofDays(time_zone)
    if not told_w >= ENOUGH_W:
        return general
    ratio = measured_w / told_w
    likely = [
        weight * (NEVER_RULED_OUT + exp(-0.5 * ((ratio - kind) / STRAYS) ** 2))
        for kind, weight in zip(general.ratios, general.later, strict=True)
    ]
    together = fsum(likely)
    return RoofDays(time_zone, tuple(part / together for part in likely))
