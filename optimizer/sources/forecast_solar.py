"""Forecast.Solar: the energy of each hour, for today and tomorrow.

https://doc.forecast.solar/: without a key 12 requests an hour with one plane each; a key makes the
steps finer. `watt_hours_period` is the energy of the time that *ends* at its stamp (`watts` is
instantaneous power and not used). Its azimuth is 0 in the south, -90 in the east.
"""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model.plan import iso
from optimizer.model.sun import is_night
from optimizer.sources import parsing
from optimizer.sources.parsing import MARGIN, STEPS, StepValue, documented, moment, number
from optimizer.sources.source_settings import PvSettings, Span

HOST = "https://api.forecast.solar"
NAME = "forecast-solar"
LOW_SUN_DEGREES = 4.0
"""Hours with the sun below this are left out of an answer; others are holes."""


def fetch(settings: PvSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """AC power of all planes from one request a plane; 0 W at night."""
    if settings.latitude is None or settings.longitude is None or not settings.planes:
        raise ConfigError("pv: the source 'forecast-solar' needs latitude, longitude and planes")
    key = f"/{settings.key}" if settings.key else ""
    place = f"{settings.latitude:g}/{settings.longitude:g}"
    answers = []
    for plane in settings.planes:
        pv = f"{plane.tilt_degrees:g}/{plane.from_south_degrees:g}/{plane.kwp:g}"
        url = f"{HOST}{key}/estimate/{place}/{pv}"
        secrets = (settings.key,) if settings.key else ()
        answer = http.get(url, {"time": "utc", "no_sun": "1"}, secrets=secrets)
        answers.append(answer.json())
    return parse(answers, span, settings.latitude, settings.longitude)


def parse(answers: list[Any], span: Span, latitude: float, longitude: float) -> pd.DataFrame:
    """`pv_w` [W] from an answer for each plane; hours left out at night are 0 W."""
    total: dict[datetime, float] = {}
    step = timedelta(hours=1)
    with documented(NAME):
        for document in answers:
            energies = _energies(document, span)
            step = min(after - before for before, after in itertools.pairwise(energies))
            if step not in STEPS:
                raise RejectedError(f"{NAME} has a step of {step}, not of 15, 30 or 60 min")
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
        points.append(StepValue(end - step, end, watts))
        end += step
    return parsing.series_frame(points, "pv_w", NAME)


def _energies(document: Any, span: Span) -> dict[datetime, float]:
    """Energies [Wh] by the end of their period around the span, in order."""
    periods = document["result"]["watt_hours_period"].items()
    begin, end = span.start - MARGIN, span.end + MARGIN
    reported = ((moment(at), wh) for at, wh in periods if wh is not None)
    known = {at: number(wh) for at, wh in reported if begin < at < end}
    if len(known) < 2:
        raise NotPublishedError(f"{NAME} knows nothing of this time")
    return dict(sorted(known.items()))
