"""Days with less or more PV energy than forecast, and the probability of each kind."""

from dataclasses import dataclass
from datetime import datetime
from math import exp, fsum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.errors import DataError
from optimizer.model.ranges import Count, Range

RATIOS = (0.6, 1.0, 1.4)
"""Measured over forecast energy of a day: poor, as forecast, rich [1]. The thirds of a measured
home's days lie at 0.62, 0.95 and 1.51 of a weather service's corrected forecast
(`tests/bench/spread.py`)."""

TWO_HOURS_DEVIATION = 0.3
"""Standard deviation of two hours' ratio from that of their day [1]."""

NEVER_RULED_OUT = 1e-3
"""Likelihood that every kind of day keeps, whatever two hours show."""

ENOUGH_W = 200.0
"""Least forecast power from which two hours say something of the day [W]."""

WEIGHT_TOLERANCE = 1e-6
MOST_KINDS = 12


@dataclass(frozen=True, slots=True)
class PvDays:
    """Kinds of days; a day is of one kind from midnight to midnight."""

    time_zone: str
    """Time zone of the midnights, such as "Europe/Berlin"."""
    today: Annotated[tuple[float, ...], Count(MOST_KINDS)] = (1 / 3,) * 3
    """Probability of each kind for the day on which the plan begins; the sum is 1."""
    later: Annotated[tuple[float, ...], Count(MOST_KINDS)] = (1 / 3,) * 3
    """Probability of each kind for any other day; the sum is 1."""
    ratios: Annotated[tuple[Annotated[float, Range(0, 10)], ...], Count(MOST_KINDS)] = RATIOS
    """PV energy over its forecast on days of each kind [1]."""

    def __post_init__(self) -> None:
        """Refuse values that are no kinds of days.

        Raises
        ------
        DataError
            If the three do not fit each other, are negative or do not sum to 1, or if the time zone
            is unknown.
        """
        if not 0 < len(self.ratios) == len(self.today) == len(self.later):
            raise DataError("PV days: each kind needs its ratio and its two weights")
        if not all(number >= 0 for number in (*self.ratios, *self.today, *self.later)):
            raise DataError("PV days: no ratio and no weight may be negative")
        if any(abs(fsum(row) - 1) > WEIGHT_TOLERANCE for row in (self.today, self.later)):
            raise DataError("PV days: the weights have to sum to 1")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise DataError(f"PV days: unknown time zone {self.time_zone!r}") from error

    def day(self, moment: datetime) -> int:
        """Number of a moment's local day."""
        return moment.astimezone(ZoneInfo(self.time_zone)).toordinal()


def seen(time_zone: str, forecast_w: float, measured_w: float) -> PvDays:
    """Kinds of days after two hours' mean forecast and measured power [W].

    Bayes' rule with a normal likelihood of their ratio around each kind's own.
    """
    general = PvDays(time_zone)
    if not forecast_w >= ENOUGH_W:
        return general
    ratio = measured_w / forecast_w
    likely = [
        weight * (NEVER_RULED_OUT + exp(-0.5 * ((ratio - kind) / TWO_HOURS_DEVIATION) ** 2))
        for kind, weight in zip(general.ratios, general.later, strict=True)
    ]
    together = fsum(likely)
    return PvDays(time_zone, tuple(part / together for part in likely))
