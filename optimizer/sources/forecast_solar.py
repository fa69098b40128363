"""Forecast.Solar: the energy of each hour, for today and tomorrow.

https://doc.forecast.solar/: without a key 12 questions an hour and one plane in each; a key makes
it finer. `watt_hours_period` is the energy of the time that *ends* at its stamp (`watts` is a
moment's power and not used). Its azimuth is 0 in the south, -90 in the east.
"""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.model.plan import iso
from optimizer.model.sun import is_night
from optimizer.sources import power
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Http
from optimizer.sources.series import Point, documented, moment, number
from optimizer.sources.settings import RoofSettings, Span

HOST = "https://api.forecast.solar"
NAME = "forecast-solar"
LOW_SUN_DEGREES = 4.0
"""Hours with the sun below this are left out of an answer; others are holes."""


def fetch(settings: RoofSettings, span: Span, http: Http) -> pd.DataFrame:
    """Ask once for each plane; the whole roof's AC power, 0 W at night."""
    if settings.latitude is None or settings.longitude is None or not settings.planes:
        raise ConfigError("pv: the source 'forecast-solar' needs latitude, longitude and planes")
    key = f"/{settings.key}" if settings.key else ""
    place = f"{settings.latitude:g}/{settings.longitude:g}"
    answers = []
    for plane in settings.planes:
        roof = f"{plane.tilt_degrees:g}/{plane.from_south_degrees:g}/{plane.kwp:g}"
        url = f"{HOST}{key}/estimate/{place}/{roof}"
        secrets = (settings.key,) if settings.key else ()
        answer = http.get(url, {"time": "utc", "no_sun": "1"}, secrets=secrets)
        answers.append(answer.json())
    return parse(answers, span, settings.latitude, settings.longitude)


def parse(answers: list[Any], span: Span, latitude: float, longitude: float) -> pd.DataFrame:
    """The roof's power [W] from an answer for each plane; what is left out at night is 0 W."""
    total: dict[datetime, float] = {}
    step = timedelta(hours=1)
    with documented(NAME):
        for document in answers:
            energies = _energies(document)
            step = min(after - before for before, after in itertools.pairwise(energies))
            for end, wh in energies.items():
                total[end] = total.get(end, 0.0) + wh / (step / timedelta(hours=1))
    first, last = min(total), max(total)
    end = min(first, span.start) - (min(first, span.start) - first) % step
    points = []
    while end <= max(last, span.end):
        watts = total.get(end)
        if watts is None and is_night(end - step, end, latitude, longitude, LOW_SUN_DEGREES):
            watts = 0.0
        if watts is None and end > last:
            break
        if watts is None and end > first:
            raise RejectedError(f"{NAME} left out the hour before {iso(end)}")
        points.append(Point(end - step, end, watts))
        end += step
    return power.frame(points, "pv_w", NAME)


def _energies(document: Any) -> dict[datetime, float]:
    """Energies [Wh] by the end of their period, in order."""
    periods = document["result"]["watt_hours_period"].items()
    known = {moment(at): number(wh) for at, wh in periods if wh is not None}
    if len(known) < 2:
        raise NotPublishedError(f"{NAME} knows nothing of this time")
    return dict(sorted(known.items()))
