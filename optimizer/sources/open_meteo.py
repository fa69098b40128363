"""Open-Meteo: sunshine on each plane of the roof, every 15 minutes, the last two weeks too.

https://open-meteo.com/en/docs: no key, free for private homes. `global_tilted_irradiance` is the
mean of the 15 minutes *before* its stamp. Its azimuth is 0 in the south, -90 in the east.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import power
from optimizer.sources.failures import RejectedError
from optimizer.sources.http import Http
from optimizer.sources.settings import Plane, RoofSettings, Span

URL = "https://api.open-meteo.com/v1/forecast"
ORIGIN = "api.open-meteo.com"
PAST_DAYS = 14
"""What was forecast for the past, so that the correction can be learned from the first day on."""
UNITS = {"time": "unixtime", "global_tilted_irradiance": "W/m²", "temperature_2m": "°C"}
QUARTER = timedelta(minutes=15)

HEATING_K_PER_W_M2 = 0.04
"""How much warmer than the air the cells are: 0.034 (free) to 0.056 (in the roof) (Ross)."""
LOSS_PER_K = 0.004
"""Crystalline silicon."""
SYSTEM_EFFICIENCY = 0.80
"""Dirt, cables, inverter, reflection; what is left over the correction learns."""


@dataclass(frozen=True, slots=True)
class _Weather:
    """Sunshine on a plane [W/m²] and air [°C] by the end of the quarter-hour."""

    rows: dict[datetime, tuple[float, float]]


def fetch(settings: RoofSettings, span: Span, http: Http) -> pd.DataFrame:
    """Ask once for each plane; the whole roof's AC power."""
    if settings.latitude is None or settings.longitude is None or not settings.planes:
        raise ConfigError(
            "pv: the source 'open-meteo' needs latitude, longitude and planes, such as "
            "planes = [{ kwp = 9.9, tilt_degrees = 30, compass_degrees = 180 }]"
        )
    days = min(16, max(1, -(-(span.end - span.start) // timedelta(days=1))) + 1)
    answers = []
    for plane in settings.planes:
        params = {
            "latitude": f"{settings.latitude:g}",
            "longitude": f"{settings.longitude:g}",
            "tilt": f"{plane.tilt_degrees:g}",
            "azimuth": f"{plane.from_south_degrees:g}",
            "minutely_15": "global_tilted_irradiance,temperature_2m",
            "past_days": str(PAST_DAYS),
            "forecast_days": str(days),
            "timezone": "GMT",
            "timeformat": "unixtime",
        }
        answers.append((plane, http.get(URL, params).json()))
    return parse(answers)


def parse(answers: list[tuple[Plane, object]]) -> pd.DataFrame:
    """The roof's power [W] from an answer for each plane, where all planes are known."""
    parts = [(plane, _weather(document)) for plane, document in answers]
    known = set.intersection(*(set(weather.rows) for _, weather in parts))
    rows = [
        (at - QUARTER, at, sum(_power_w(plane, *weather.rows[at]) for plane, weather in parts))
        for at in known
    ]
    return power.frame_of(rows, "pv_w", ORIGIN)


def _weather(document: object) -> _Weather:
    units = document.get("minutely_15_units") if isinstance(document, dict) else None
    if not isinstance(units, dict) or any(units.get(key) != UNITS[key] for key in UNITS):
        raise RejectedError(f"{ORIGIN} answered without the known units: its format has changed")
    columns = [power.list_of(document, "minutely_15", key, origin=ORIGIN) for key in UNITS]
    if len({len(column) for column in columns}) != 1:
        raise RejectedError(f"{ORIGIN} answered with lists of different lengths")
    rows = {}
    for stamp, sun, air in zip(*columns, strict=True):
        if isinstance(stamp, bool) or not isinstance(stamp, int) or abs(stamp) > 1e11:
            raise RejectedError(f"{ORIGIN} answered with a stamp of an unknown form")
        shine, warmth = power.number(sun, ORIGIN), power.number(air, ORIGIN)
        if shine is not None and warmth is not None:
            rows[datetime.fromtimestamp(stamp, UTC)] = (shine, warmth)
    return _Weather(rows)


def _power_w(plane: Plane, sun_w_m2: float, air_c: float) -> float:
    """AC power of a plane; warm cells give less."""
    cells_c = air_c + HEATING_K_PER_W_M2 * sun_w_m2
    share = sun_w_m2 / 1000 * (1 - LOSS_PER_K * (cells_c - 25)) * SYSTEM_EFFICIENCY
    return max(0.0, plane.kwp * 1000 * share)
