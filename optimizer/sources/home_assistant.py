"""Home Assistant's long-term statistics: hourly, kept for ever.

https://www.home-assistant.io/integrations/recorder/ (action `recorder.get_statistics`); the token
is a long-lived one of an administrator. A meter of energy has `change` [kWh], a sensor of power has
`mean` [kW]; steps carry start and end.
"""

from datetime import UTC, datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import power
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Http
from optimizer.sources.settings import LoadSettings, Span

PATH = "/api/services/recorder/get_statistics?return_response"
ORIGIN = "Home Assistant"


def fetch(settings: LoadSettings, span: Span, http: Http) -> pd.DataFrame:
    """Ask once."""
    if settings.url is None or settings.token is None or settings.sensor is None:
        raise ConfigError("load: the source 'home-assistant' needs url, token and sensor")
    content = {
        "statistic_ids": [settings.sensor, *settings.without],
        "start_time": _hour(span.start),
        "end_time": _hour(span.end),
        "period": "hour",
        "types": ["change", "mean"],
        "units": {"energy": "kWh", "power": "kW"},
    }
    answer = http.post(
        settings.url.rstrip("/") + PATH, content,
        {"Authorization": f"Bearer {settings.token}"}, secrets=(settings.token,),
    )  # fmt: skip
    return parse(answer.json(), settings.sensor, settings.without)


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0).isoformat()


def parse(document: object, sensor: str, without: tuple[str, ...] = ()) -> pd.DataFrame:
    """`load_w` [W], the sensor's mean less that of each part in `without`, where all are known."""
    response = document.get("service_response") if isinstance(document, dict) else None
    statistics = response.get("statistics") if isinstance(response, dict) else None
    if not isinstance(statistics, dict):
        raise RejectedError(f"{ORIGIN} answered without 'statistics': is it older than 2025?")
    for name in (sensor, *without):
        if name not in statistics:
            raise NotPublishedError(
                f"{ORIGIN} has no statistics of '{name}' for this time: look at load.sensor, and "
                "at Developer tools, Statistics"
            )
    whole, *parts = (_means(statistics[name]) for name in (sensor, *without))
    rows = [
        (start, end, max(0.0, watts - sum(part[start, end] for part in parts)))
        for (start, end), watts in whole.items()
        if all((start, end) in part for part in parts)
    ]
    return power.frame_of(rows, "load_w", ORIGIN)


def _means(rows: object) -> dict[tuple[datetime, datetime], float]:
    """Mean power [W] by step."""
    means = {}
    for row in power.list_of(rows, origin=ORIGIN):
        if not isinstance(row, dict):
            raise RejectedError(f"{ORIGIN} answered with rows of an unknown form")
        start, end = (power.moment(row.get(key), ORIGIN) for key in ("start", "end"))
        kwh, kw = (power.number(row.get(key), ORIGIN) for key in ("change", "mean"))
        if end <= start:
            raise RejectedError(f"{ORIGIN} answered with a step that ends before it begins")
        if kwh is not None:
            kw = kwh / ((end - start) / timedelta(hours=1))
        if kw is not None and kw >= 0:  # a meter that was exchanged counts backwards once
            means[start, end] = kw * 1000
    return means
