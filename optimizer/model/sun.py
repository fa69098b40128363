"""Position of the sun to a third of a degree, enough to tell night from day."""

from datetime import datetime
from math import asin, cos, degrees, pi, radians, sin

HORIZON_DEGREES = -0.833
"""Elevation of the sun's centre at sunrise: half its disc and the refraction of the air."""


def elevation_degrees(at: datetime, latitude: float, longitude: float) -> float:
    """Elevation of the sun's centre above the horizon [degrees], without refraction.

    Spencer's series for declination and equation of time (1971).

    Examples
    --------
    >>> from datetime import UTC
    >>> round(elevation_degrees(datetime(2026, 6, 21, 11, 20, tzinfo=UTC), 48.8, 10.5))
    65
    >>> elevation_degrees(datetime(2026, 12, 21, 23, 0, tzinfo=UTC), 48.8, 10.5) < -60
    True
    """
    day = at.timetuple().tm_yday
    hour = at.hour + at.minute / 60 + at.second / 3600
    year = 2 * pi * (day - 1 + (hour - 12) / 24) / 365
    declination = (
        0.006918 - 0.399912 * cos(year) + 0.070257 * sin(year) - 0.006758 * cos(2 * year)
        + 0.000907 * sin(2 * year) - 0.002697 * cos(3 * year) + 0.00148 * sin(3 * year)
    )  # fmt: skip
    minutes = 229.18 * (
        0.000075 + 0.001868 * cos(year) - 0.032077 * sin(year)
        - 0.014615 * cos(2 * year) - 0.040849 * sin(2 * year)
    )  # fmt: skip
    turned = radians(15 * (hour - 12) + longitude + minutes / 4)
    height = sin(radians(latitude)) * sin(declination)
    height += cos(radians(latitude)) * cos(declination) * cos(turned)
    return degrees(asin(max(-1.0, min(1.0, height))))


def is_night(
    start: datetime, end: datetime, latitude: float, longitude: float,
    below_degrees: float = HORIZON_DEGREES,
) -> bool:  # fmt: skip
    """Darkness during a whole step, of an hour at most: the sun stays below `below_degrees`."""
    moments = (start, start + (end - start) / 2, end)
    return all(elevation_degrees(at, latitude, longitude) < below_degrees for at in moments)
