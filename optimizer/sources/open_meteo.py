"""Open-Meteo: irradiance on each plane of the PV system in 15 minutes, the last two weeks too.

https://open-meteo.com/en/docs: no key, free for private homes. `global_tilted_irradiance` is the
mean of the 15 minutes *before* its stamp. Its azimuth is 0 in the south, -90 in the east.
"""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model.moments import QUARTER
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue, documented, epoch, number
from optimizer.sources.source_settings import PvPlane, PvSettings, Span

URL = "https://api.open-meteo.com/v1/forecast"
NAME = "open-meteo"
PAST_DAYS = 14
"""Days of past forecasts, so that the correction can be learned from the first day on."""
UNITS = {"time": "unixtime", "global_tilted_irradiance": "W/m²", "temperature_2m": "°C"}

HEATING_K_PER_W_M2 = 0.04
"""Rise of the cells' over the air's temperature: 0.034 (free) to 0.056 (in the roof) (Ross)."""
LOSS_PER_K = 0.004
"""Loss of power of warm cells; crystalline silicon."""
SYSTEM_EFFICIENCY = 0.80
"""Dirt, cables, inverter, reflection; the correction learns the difference to the real system."""


def fetch(settings: PvSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """AC power of all planes from one request a plane."""
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


def parse(answers: list[tuple[PvPlane, Any]]) -> pd.DataFrame:
    """`pv_w` [W] from an answer for each plane, where all planes are known."""
    with documented(NAME):
        parts = [_plane(plane, document) for plane, document in answers]
    known = set.intersection(*(set(part) for part in parts))
    points = [StepValue(at - QUARTER, at, sum(part[at] for part in parts)) for at in known]
    return parsing.series_frame(points, "pv_w", NAME)


def _plane(plane: PvPlane, document: Any) -> dict[datetime, float]:
    """AC power of a plane [W] by the end of the quarter-hour, where the weather is known."""
    units, table = document["minutely_15_units"], document["minutely_15"]
    for key, unit in UNITS.items():
        if units[key] != unit:
            raise RejectedError(f"{NAME}: {key} is in {units[key]!r}, not in {unit}: not used")
    rows = zip(*(table[key] for key in UNITS), strict=True)
    return {
        epoch(at): _power_w(plane, number(sun), number(air))
        for at, sun, air in rows
        if sun is not None and air is not None
    }


def _power_w(plane: PvPlane, sun_w_m2: float, air_c: float) -> float:
    """AC power of a plane [W]; warm cells give less."""
    cells_c = air_c + HEATING_K_PER_W_M2 * sun_w_m2
    share = sun_w_m2 / 1000 * (1 - LOSS_PER_K * (cells_c - 25)) * SYSTEM_EFFICIENCY
    return max(0.0, plane.kwp * 1000 * share)
