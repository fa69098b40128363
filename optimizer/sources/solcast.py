"""Solcast: means of half-hours for a PV system that is described in the owner's account.

https://docs.solcast.com.au/ (rooftop sites of hobbyists): 10 requests a day. `period_end` is the
end of its step, `pv_estimate` the mean AC power in kW, with the 10th and 90th percentile beside it.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import NotPublishedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources.parsing import StepValue, documented, moment, scaled, series_frame
from optimizer.sources.source_settings import PvSettings, Span

URL = "https://api.solcast.com.au/rooftop_sites/{site}/forecasts"
NAME = "solcast"
PERIODS = {f"PT{minutes}M": timedelta(minutes=minutes) for minutes in (15, 30, 60)}
PERCENTILES = {"pv_estimate10": "pv_p10_w", "pv_estimate90": "pv_p90_w"}


def fetch(settings: PvSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Ask once."""
    if settings.key is None or settings.site is None:
        raise ConfigError("pv: the source 'solcast' needs key and site (see your Solcast account)")
    hours = max(48, -(-(span.end - span.start) // timedelta(hours=1)))
    answer = http.get(
        URL.format(site=settings.site),
        {"format": "json", "hours": str(hours)},
        {"Authorization": f"Bearer {settings.key}"},
        secrets=(settings.key,),
    )
    return parse(answer.json())


def parse(document: Any) -> pd.DataFrame:
    """`pv_w` [W], with `pv_p10_w` and `pv_p90_w` [W] where they are given.

    Raises
    ------
    NotPublishedError
        If no value is known.
    RejectedError
        If the answer has another shape, step or size.
    """
    with documented(NAME):
        rows = [
            (moment(item["period_end"]), PERIODS[item["period"]], item)
            for item in document["forecasts"]
        ]
        made = _column(rows, "pv_estimate")
        for key, column in PERCENTILES.items():
            with suppress(NotPublishedError):
                made[column] = _column(rows, key)["pv_w"]
    return made


def _column(rows: list[tuple[datetime, timedelta, Any]], key: str) -> pd.DataFrame:
    points = [StepValue(end - step, end, scaled(item.get(key), 1e-3)) for end, step, item in rows]
    return series_frame(points, "pv_w", NAME)
