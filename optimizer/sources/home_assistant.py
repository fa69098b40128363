"""Long-term statistics of Home Assistant: hourly, never deleted.

https://www.home-assistant.io/integrations/recorder/ (action `recorder.get_statistics`, `period`
`hour`, or `5minute` for the ten days of which the recorder keeps them); the token
is a long-lived one of an administrator. A meter of energy (`total_increasing`) has `change` [kWh],
a sensor of power has `mean` [kW]; each step has its start and end. Home Assistant converts units
where it knows the kind of a sensor; where the size is not that of a house, the sensor's own unit
(`GET /api/states/SENSOR`) is asked for.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError, OptimizerError
from optimizer.http.failures import KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue, documented, moment, scaled
from optimizer.sources.source_settings import LoadSettings, Span
from optimizer.sources.table_columns import Quantity, quantity_of

PATH = "/api/services/recorder/get_statistics?return_response"
STATES = "/api/states"
NAME = "home-assistant"
MOST_USUAL_W = 20_000.0
"""Median power that no house has: a sensor in another unit, or of something else."""
FACTORS = {"W": 1e-3, "Wh": 1e-3, "kW": 1.0, "kWh": 1.0, "MW": 1e3, "MWh": 1e3}
"""Units of sensors, against kW and kWh."""
SHOWN = 5
FINE = timedelta(days=10)
"""Time for which the recorder keeps statistics of 5 min."""
FIVE_MINUTES = timedelta(minutes=5)


def fetch(settings: LoadSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Hourly load from one request; more of them for quarter-hours, or where something is wrong."""
    hourly = _of_period(settings, span, http, "hour")
    if settings.statistics == "hour":
        return hourly
    recent = replace(span, start=max(span.start, span.end - FINE))
    try:
        fine = _of_period(settings, recent, http, "5minute")
    except NotPublishedError:
        return hourly
    steps = frames.steps(frames.starts_of(fine)[0], frames.ends_of(fine)[-1], QUARTER)
    quarters = frames.on_steps(fine, steps).dropna()
    return frames.filled_from(quarters, hourly)


def _of_period(
    settings: LoadSettings, span: Span, http: ServiceClient, period: str
) -> pd.DataFrame:
    """The statistics of one period."""
    if settings.url is None or settings.token is None or settings.sensor is None:
        raise ConfigError("load: the source 'home-assistant' needs url, token and sensor")
    content = {
        "statistic_ids": [settings.sensor, *settings.without],
        "start_time": _hour(span.start),
        "end_time": _hour(span.end),
        "period": period,
        "types": ["change", "mean"],
        "units": {"energy": "kWh", "power": "kW"},
    }
    try:
        answer = http.post(
            settings.url.rstrip("/") + PATH, content,
            {"Authorization": f"Bearer {settings.token}"}, secrets=(settings.token,),
        )  # fmt: skip
    except KeyRefusedError as error:
        raise KeyRefusedError(
            f"{error}; it wants a long-lived token of an administrator (his profile, Security)"
        ) from error
    document = answer.json()
    try:
        made = parse(document, settings.sensor, settings.without)
    except NotPublishedError as error:
        raise NotPublishedError(f"{error}{_likely(settings, http)}") from error
    except RejectedError:
        factor = _factor(settings, http)
        if factor == 1.0:
            raise
        return parse(document, settings.sensor, settings.without, factor)
    if made["load_w"].median() <= MOST_USUAL_W:
        return made
    return parse(document, settings.sensor, settings.without, _factor(settings, http))


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0).isoformat()


def _factor(settings: LoadSettings, http: ServiceClient) -> float:
    """Factor of a sensor's own unit against kW or kWh; 1 where it cannot be known.

    Raises
    ------
    RejectedError
        If the sensor measures something else.
    """
    sensors = list(_sensors(settings, http, f"/{settings.sensor}"))
    unit = str(sensors[0][1].get("unit_of_measurement") or "") if sensors else ""
    if unit and unit not in FACTORS:
        raise RejectedError(
            f"{NAME}: '{settings.sensor}' is in {unit}, neither power nor energy: look at "
            f"load.sensor{_likely(settings, http)}"
        )
    return FACTORS.get(unit, 1.0)


def _likely(settings: LoadSettings, http: ServiceClient) -> str:
    """End of a sentence that names sensors which may be the house's; empty if none is known."""
    found = [
        (_rank(name, attributes), name, str(attributes.get("unit_of_measurement")))
        for name, attributes in _sensors(settings, http)
        if attributes.get("unit_of_measurement") in FACTORS and attributes.get("state_class")
    ]
    shown = ", ".join(f"{name} [{unit}]" for _, name, unit in sorted(found)[:SHOWN])
    return f"; likely ones are {shown}" if shown else ""


def _rank(name: str, attributes: dict[str, Any]) -> int:
    words = f"{name.partition('.')[2]} {attributes.get('friendly_name', '')}".replace("_", " ")
    order = (Quantity.HOUSE, Quantity.CONSUMPTION, Quantity.UNKNOWN, Quantity.DRAW)
    quantity = quantity_of(words)
    return order.index(quantity) if quantity in order else len(order)


def _sensors(
    settings: LoadSettings, http: ServiceClient, place: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and attributes of one sensor or of all; nothing where Home Assistant does not say."""
    try:
        document = http.get(
            f"{(settings.url or '').rstrip('/')}{STATES}{place}", None,
            {"Authorization": f"Bearer {settings.token}"}, secrets=(settings.token or "",),
        ).json()  # fmt: skip
    except OptimizerError:
        return
    for item in document if isinstance(document, list) else [document]:
        if isinstance(item, dict) and isinstance(item.get("attributes"), dict):
            name = str(item.get("entity_id", ""))
            if name.startswith("sensor."):
                yield name, item["attributes"]


def parse(
    document: Any, sensor: str, without: tuple[str, ...] = (), factor: float = 1.0
) -> pd.DataFrame:
    """`load_w` [W], the sensor's mean less that of each part in `without`, where all are known.

    Parameters
    ----------
    factor
        Of the sensor's unit against kW or kWh, where Home Assistant did not convert it.
    """
    with documented(NAME):
        statistics = document["service_response"]["statistics"]
        for name in (sensor, *without):
            if name not in statistics:
                raise NotPublishedError(
                    f"{NAME} has no statistics of '{name}' for this time: look at load.sensor, "
                    "and at Developer tools, Statistics"
                )
        whole = {step: watts * factor for step, watts in _means(statistics[sensor]).items()}
        parts = [_means(statistics[name]) for name in without]
        points = [
            StepValue(*step, max(0.0, watts - sum(part[step] for part in parts)))
            for step, watts in whole.items()
            if all(step in part for part in parts)
        ]
        if points and points[0].end - points[0].start == FIVE_MINUTES:
            return _fine_frame(points)
        return parsing.series_frame(points, "load_w", NAME)


def _fine_frame(points: list[StepValue]) -> pd.DataFrame:
    """A frame of steps of 5 min, impossible values left out."""
    known = sorted(parsing.without_impossible(points, "load_w"))
    starts, ends = [point.start for point in known], [point.end for point in known]
    values = [float(point.value or 0.0) for point in known]
    return frames.check(frames.frame_of(starts, ends, load_w=values), ["load_w"], NAME)


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
