"""InfluxDB 1, 2 and 3 by InfluxQL: means of quarter-hours of one series.

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint; versions 2 and 3 answer the
same query with a token. Stamps name the start of a group. OpenEMS writes measurement `data` with
a field for each channel, in W. Home Assistant writes all sensors of a unit into one measurement
(`W`, `kW`), distinguished by the tag `entity_id`: of several series one has to be named. What is
left out is a field of OpenEMS's series, or another series of the measurement.
"""

from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceAnswer, ServiceClient
from optimizer.model.moments import QUARTER
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue, documented, epoch, scaled
from optimizer.sources.source_settings import LoadSettings, Span
from optimizer.sources.table_columns import Quantity, quantity_of

NAME = "influxdb"
OPENEMS = "data"
"""Measurement of OpenEMS, which holds one series."""
FACTORS = {"kW": 1e3, "MW": 1e6}
"""Measurements that Home Assistant names by the unit, and their factor into W."""
ENERGIES = ("Wh", "kWh", "MWh")
SHOWN = 8


def fetch(settings: LoadSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Load by quarter-hours from one request.

    Raises
    ------
    ConfigError
        If a setting is missing.
    RejectedError
        If several series fit and no tag names one.
    """
    if settings.url is None:
        raise ConfigError("load: the source 'influxdb' needs url (and token, if it wants one)")
    if settings.measurement in ENERGIES:
        raise ConfigError(
            f"load.measurement: '{settings.measurement}' holds energies, a measurement of power "
            "('W') is wanted"
        )
    token = settings.token
    answer = http.get(
        settings.url.rstrip("/") + "/query",
        {"db": settings.database, "epoch": "s", "q": query(settings, span)},
        {} if token is None else {"Authorization": f"Token {token}"},
        secrets=() if token is None else (token,),
        own=(400,),
    )
    factor = FACTORS.get(settings.measurement, 1.0)
    if _by_series(settings):
        return parse_series(answer, settings, factor)
    return parse(answer, factor)


def _by_series(settings: LoadSettings) -> bool:
    """Test for loads to leave out that are series of their own, beside the one that a tag names."""
    return settings.measurement != OPENEMS and len(settings.tags) == 1 and bool(settings.without)


def query(settings: LoadSettings, span: Span) -> str:
    """InfluxQL of the means of a span; other measurements than OpenEMS's by series."""
    by_series = _by_series(settings)
    names = (settings.field_,) if by_series else (settings.field_, *settings.without)
    means = ", ".join(f"mean({_quoted(name)}) AS v{n or ''}" for n, name in enumerate(names))
    begin, end = (int(at.timestamp()) // 900 * 900 for at in (span.start, span.end))
    tags = "".join(
        " AND ("
        + " OR ".join(f"{_quoted(key)} = {_text(one)}" for one in (value, *settings.without))
        + ")"
        if by_series
        else f" AND {_quoted(key)} = {_text(value)}"
        for key, value in settings.tags.items()
    )
    series = "" if settings.measurement == OPENEMS and not tags else ", *"
    return (
        f"SELECT {means} FROM {_quoted(settings.measurement)} "  # noqa: S608 quoted, read-only
        f"WHERE time >= {begin}s AND time < {end}s{tags} GROUP BY time(15m){series} fill(none)"
    )


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def parse(answer: ServiceAnswer, factor: float = 1.0) -> pd.DataFrame:
    """`load_w` [W]: the first column less the others, where all are known.

    Raises
    ------
    RejectedError
        If there are several series.
    """
    with documented(NAME):
        series = _series(answer)
        if len(series) > 1:
            raise RejectedError(_several(series))
        points = []
        for stamp, *values in series[0]["values"]:
            whole, *parts = (scaled(value, 1 / factor) for value in values)
            known = [part for part in parts if part is not None]
            if whole is not None and whole >= 0 and len(known) == len(parts):
                start = epoch(stamp)
                points.append(StepValue(start, start + QUARTER, max(0.0, whole - sum(known))))
        return parsing.series_frame(points, "load_w", NAME)


def _series(answer: ServiceAnswer) -> list[Any]:
    """The series of an answer that have values."""
    document = answer.json()
    result = document["results"][0] if answer.status == 200 else document
    if "error" in result or answer.status != 200:
        raise RejectedError(f"{NAME} rejects the question: {answer.quoted()}")
    series = [item for item in result.get("series", ()) if item["values"]]
    if not series:
        raise NotPublishedError(
            f"{NAME} knows nothing of this time, or of this field: look at load.measurement, "
            "load.field_ and load.tags"
        )
    return series


def parse_series(
    answer: ServiceAnswer, settings: LoadSettings, factor: float = 1.0
) -> pd.DataFrame:
    """`load_w` [W]: the named series less those in `without`, where all are known.

    Raises
    ------
    NotPublishedError
        With the series that has no values.
    """
    ((key, wanted),) = settings.tags.items()
    with documented(NAME):
        found: dict[str, dict[float, float]] = {}
        for item in _series(answer):
            name = str(item["tags"][key])
            if name in found:
                raise RejectedError(f"{NAME}: several series have {key} = '{name}'")
            found[name] = {
                stamp: scaled(value, 1 / factor) or 0.0
                for stamp, value in item["values"]
                if value is not None
            }
        for name in (wanted, *settings.without):
            if name not in found:
                raise NotPublishedError(f"{NAME} has no series of {key} '{name}' for this time")
        parts = [found[name] for name in settings.without]
        points = [
            StepValue(epoch(at), epoch(at) + QUARTER,
                      max(0.0, watts - sum(part[at] for part in parts)))
            for at, watts in found[wanted].items()
            if watts >= 0 and all(at in part for part in parts)
        ]  # fmt: skip
        return parsing.series_frame(points, "load_w", NAME)


def _several(series: list[Any]) -> str:
    """Sentence about several series, with a tag that names the likely one."""
    tags = [dict(item.get("tags") or {}) for item in series]
    values = {key: list(dict.fromkeys(str(tag.get(key, "")) for tag in tags))
              for key in sorted({key for tag in tags for key in tag})}  # fmt: skip
    key = max(values, key=lambda name: (len(values[name]), name == "entity_id"), default="")
    if not key:
        return f"{NAME} answers {len(series)} series: name one by load.tags"
    likely = sorted(values[key], key=_rank)
    shown = ", ".join(likely[:SHOWN]) + (", ..." if len(likely) > SHOWN else "")
    return (
        f"{NAME}: the measurement holds {len(series)} series of {key}: {shown}: name one: "
        f'tags = {{ {key} = "{likely[0]}" }}'
    )


def _rank(name: str) -> int:
    """Order of names by how likely they are the house's load."""
    order = (Quantity.HOUSE, Quantity.CONSUMPTION)
    quantity = quantity_of(name.replace("_", " "))
    return order.index(quantity) if quantity in order else len(order)
