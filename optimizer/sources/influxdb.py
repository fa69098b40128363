"""InfluxDB 1, 2 and 3 by InfluxQL: means of quarter-hours.

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint; versions 2 and 3 answer the
same question with a token. Stamps name the start of a group. OpenEMS writes measurement `data` with
a field for each channel, in W.
"""

from datetime import UTC, datetime, timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import power
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Answer, Http
from optimizer.sources.settings import LoadSettings, Span

ORIGIN = "InfluxDB"
QUARTER = timedelta(minutes=15)


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
    results = power.list_of(document, "results", origin=ORIGIN) if answer.status == 200 else []
    result = results[0] if results and isinstance(results[0], dict) else document
    if not isinstance(result, dict) or "error" in result or answer.status != 200:
        raise RejectedError(f"{ORIGIN} rejects the question: {answer.quoted()}")
    if "series" not in result:
        raise NotPublishedError(f"{ORIGIN} knows nothing of this time, or of this field")
    rows = []
    for row in power.list_of(result, "series", 0, "values", origin=ORIGIN):
        if not isinstance(row, list) or len(row) < 2 or not isinstance(row[0], int):
            raise RejectedError(f"{ORIGIN} answered with rows of an unknown form")
        start = datetime.fromtimestamp(row[0], UTC)
        whole, *parts = (power.number(value, ORIGIN) for value in row[1:])
        known = [part for part in parts if part is not None]
        if whole is not None and whole >= 0 and len(known) == len(parts):
            rows.append((start, start + QUARTER, max(0.0, whole - sum(known))))
    return power.frame_of(rows, "load_w", ORIGIN)
