"""Home Assistant's long-term statistics: hourly, kept for ever.

https://www.home-assistant.io/integrations/recorder/ (action `recorder.get_statistics`); the token
is a long-lived one of an administrator. A meter of energy has `change` [kWh], a sensor of power has
`mean` [kW]; steps carry start and end.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import power
from optimizer.sources.failures import NotPublishedError
from optimizer.sources.http import Http
from optimizer.sources.series import Point, documented, moment, scaled
from optimizer.sources.settings import LoadSettings, Span

PATH = "/api/services/recorder/get_statistics?return_response"
NAME = "home-assistant"


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


def parse(document: Any, sensor: str, without: tuple[str, ...] = ()) -> pd.DataFrame:
    """`load_w` [W], the sensor's mean less that of each part in `without`, where all are known."""
    with documented(NAME):
        statistics = document["service_response"]["statistics"]
        for name in (sensor, *without):
            if name not in statistics:
                raise NotPublishedError(
                    f"{NAME} has no statistics of '{name}' for this time: look at load.sensor, "
                    "and at Developer tools, Statistics"
                )
        whole, *parts = (_means(statistics[name]) for name in (sensor, *without))
        points = [
            Point(*step, max(0.0, watts - sum(part[step] for part in parts)))
            for step, watts in whole.items()
            if all(step in part for part in parts)
        ]
        return power.frame(points, "load_w", NAME)


def _means(rows: Any) -> dict[tuple[datetime, datetime], float]:
    """Mean power [W] by step."""
    means = {}
    for row in rows:
        start, end = moment(row["start"]), moment(row["end"])
        kwh, kw = (scaled(row.get(key), 1) for key in ("change", "mean"))
        if kwh is not None:
            kw = kwh / ((end - start) / timedelta(hours=1))
        if kw is not None and kw >= 0:  # a meter that was exchanged counts backwards once
            means[start, end] = kw * 1000
    return means
