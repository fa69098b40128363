"""InfluxDB 1, 2 and 3 by InfluxQL: means of quarter-hours.

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint; versions 2 and 3 answer the
same question with a token. Stamps name the start of a group. OpenEMS writes measurement `data` with
a field for each channel, in W.
"""

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.model.quarter import QUARTER
from optimizer.sources import power
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Answer, Http
from optimizer.sources.series import Point, documented, epoch, scaled
from optimizer.sources.settings import LoadSettings, Span

NAME = "influxdb"


def fetch(settings: LoadSettings, span: Span, http: Http) -> pd.DataFrame:
    """Ask once."""
    if settings.url is None:
        raise ConfigError("load: the source 'influxdb' needs url (and token, if it wants one)")
    names = (settings.influx_field, *settings.without)
    means = ", ".join(f"mean({_quoted(name)}) AS v{n or ''}" for n, name in enumerate(names))
    begin, end = (int(at.timestamp()) // 900 * 900 for at in (span.start, span.end))
    query = (
        f"SELECT {means} FROM {_quoted(settings.measurement)} "  # noqa: S608 quoted, read-only
        f"WHERE time >= {begin}s AND time < {end}s GROUP BY time(15m) fill(none)"
    )
    token = settings.token
    answer = http.get(
        settings.url.rstrip("/") + "/query",
        {"db": settings.database, "epoch": "s", "q": query},
        {} if token is None else {"Authorization": f"Token {token}"},
        secrets=() if token is None else (token,),
        own=(400,),
    )
    return parse(answer)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse(answer: Answer) -> pd.DataFrame:
    """`load_w` [W]: the first column less the others, where all are known."""
    document = answer.json()
    with documented(NAME):
        result = document["results"][0] if answer.status == 200 else document
        if "error" in result or answer.status != 200:
            raise RejectedError(f"{NAME} rejects the question: {answer.quoted()}")
        if "series" not in result:
            raise NotPublishedError(f"{NAME} knows nothing of this time, or of this field")
        points = []
        for stamp, *values in result["series"][0]["values"]:
            whole, *parts = (scaled(value, 1) for value in values)
            known = [part for part in parts if part is not None]
            if whole is not None and whole >= 0 and len(known) == len(parts):
                start = epoch(stamp)
                points.append(Point(start, start + QUARTER, max(0.0, whole - sum(known))))
        return power.frame(points, "load_w", NAME)
