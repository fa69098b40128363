"""Solcast: means of half-hours for a roof that is described in the owner's account.

https://docs.solcast.com.au/ (rooftop sites of hobbyists): 10 questions a day. `period_end` is the
end of its step, `pv_estimate` the mean AC power in kW, with the 10th and 90th percentile beside it.
"""

from datetime import timedelta
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import series
from optimizer.sources.failures import NotPublishedError
from optimizer.sources.http import Http
from optimizer.sources.series import Point, documented, moment, number
from optimizer.sources.settings import RoofSettings, Span

URL = "https://api.solcast.com.au/rooftop_sites/{site}/forecasts"
NAME = "solcast"
PERIODS = {f"PT{minutes}M": timedelta(minutes=minutes) for minutes in (15, 30, 60)}
COLUMNS = {"pv_estimate": "pv_w", "pv_estimate10": "pv_p10_w", "pv_estimate90": "pv_p90_w"}


def fetch(settings: RoofSettings, span: Span, http: Http) -> pd.DataFrame:
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
    """`pv_w` [W], and with it `pv_p10_w` and `pv_p90_w` where they are told."""
    with documented(NAME):
        rows = [
            (moment(item["period_end"]), PERIODS[item["period"]], item)
            for item in document["forecasts"]
        ]
        made, *others = (
            series.frame(
                [Point(end - step, end, _watts(item.get(key))) for end, step, item in rows],
                "pv_w", NAME,
            )
            for key in COLUMNS
        )  # fmt: skip
    if made.empty:
        raise NotPublishedError(f"{NAME} knows nothing of this time")
    for column, other in zip(list(COLUMNS.values())[1:], others, strict=True):
        if not other.empty:
            made[column] = other["pv_w"]
    return made


def _watts(kw: Any) -> float | None:
    return None if kw is None else number(kw) * 1000
