"""Spread of the house's load around its forecast, by hour of the local day."""

from dataclasses import dataclass
from datetime import datetime
from math import fsum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.errors import DataError
from optimizer.model.ranges import Count

HOURS = 24
MOST_RATIOS = 24

MEAN_TOLERANCE = 1e-3
"""Largest deviation of the ratios' mean from 1; a lower mean would plan too little energy for the
evening, a higher one too much."""

WIDER = 1.6
"""Factor on the ratios' distance from 1 in plans: they treat each step's error as independent, but
the errors of a real evening are correlated. Over years of measured homes 1.6 earns 0.2 to 1.5 EUR
more than 1 in eight of ten cases and 0.2 less in two; 2.0 earns more with a fixed feed-in tariff
and less with grid fees by the hour (`tests/bench/claims.py --ours --spread 1`)."""

GENERIC_RATIOS: tuple[tuple[float, ...], ...] = (
    (0.37, 0.58, 0.78, 1.07, 2.20),
    (0.44, 0.61, 0.79, 1.03, 2.13),
    (0.46, 0.64, 0.81, 1.01, 2.08),
    (0.49, 0.69, 0.85, 1.05, 1.92),
    (0.50, 0.73, 0.90, 1.09, 1.78),
    (0.52, 0.77, 0.93, 1.09, 1.69),
    (0.43, 0.72, 0.92, 1.11, 1.82),
    (0.42, 0.68, 0.89, 1.19, 1.82),
    (0.34, 0.56, 0.76, 1.11, 2.23),
    (0.32, 0.52, 0.71, 1.04, 2.41),
    (0.32, 0.52, 0.69, 0.97, 2.50),
    (0.28, 0.48, 0.67, 0.97, 2.60),
    (0.27, 0.47, 0.70, 1.04, 2.52),
    (0.32, 0.51, 0.71, 1.02, 2.44),
    (0.32, 0.50, 0.69, 0.98, 2.51),
    (0.29, 0.49, 0.70, 1.00, 2.52),
    (0.31, 0.54, 0.74, 1.03, 2.38),
    (0.33, 0.57, 0.78, 1.06, 2.26),
    (0.36, 0.55, 0.76, 1.01, 2.32),
    (0.38, 0.56, 0.73, 0.96, 2.37),
    (0.41, 0.59, 0.74, 0.98, 2.28),
    (0.38, 0.57, 0.75, 1.05, 2.25),
    (0.41, 0.61, 0.77, 1.00, 2.21),
    (0.33, 0.53, 0.74, 1.09, 2.31),
)
"""Measured load over the mean of the last 14 days at the same time of day [1]: five parts of the
same forecast energy, by local hour from midnight on. Mean over four measured homes (hourly, with
heat pump and car, 2015 to 2017; half-hourly 2024; quarter-hourly 2026 and, with a FENECON Home,
November 2022), printed by `tests/bench/spread.py`."""


@dataclass(frozen=True, slots=True)
class LoadSpread:
    """Equally likely loads, as ratios to the forecast, for each hour of the local day."""

    time_zone: str
    """Time zone of the hours, such as "Europe/Berlin"."""
    ratios: tuple[Annotated[tuple[float, ...], Count(MOST_RATIOS)], ...]
    """24 rows, each of the same number of equally likely ratios [1] with a mean of 1."""

    def __post_init__(self) -> None:
        """Refuse rows that are no spread.

        Raises
        ------
        DataError
            If rows are missing, of different length, negative or not of mean 1, or if the time
            zone is unknown.
        """
        sizes = {len(row) for row in self.ratios}
        if len(self.ratios) != HOURS or len(sizes) != 1 or 0 in sizes:
            raise DataError("load spread: it needs 24 rows of the same number of ratios")
        for hour, row in enumerate(self.ratios):
            mean = sum(row) / len(row)
            if not (min(row) >= 0 and abs(mean - 1) <= MEAN_TOLERANCE):
                raise DataError(
                    f"load spread: the ratios of hour {hour} have a mean of {mean:.4f} and a least "
                    f"of {min(row):.4f}; the mean has to be 1 and none negative"
                )
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise DataError(f"load spread: unknown time zone {self.time_zone!r}") from error

    def widened(self, factor: float | None = None) -> "LoadSpread":
        """Spread for planning, wider by WIDER or another factor; mean 1, none negative."""
        factor, rows = WIDER if factor is None else factor, []
        for row in self.ratios:
            wide = [max(0.0, 1 + factor * (ratio - 1)) for ratio in row]
            mean = fsum(wide) / len(wide)
            rows.append(tuple(ratio / mean for ratio in wide))
        return LoadSpread(self.time_zone, tuple(rows))

    def at(self, moment: datetime) -> tuple[float, ...]:
        """Ratios of a moment's local hour."""
        return self.ratios[moment.astimezone(ZoneInfo(self.time_zone)).hour]


def generic(time_zone: str = "Europe/Berlin") -> LoadSpread:
    """Spread of a house of which little is known."""
    return LoadSpread(time_zone, GENERIC_RATIOS)


def certain(time_zone: str = "Europe/Berlin") -> LoadSpread:
    """No spread: the load is as forecast."""
    return LoadSpread(time_zone, ((1.0,),) * HOURS)
