"""Solcast: means of half-hours for a roof that is described in the owner's account.

https://docs.solcast.com.au/ (rooftop sites of hobbyists): 10 questions a day. `period_end` is the
end of its step, `pv_estimate` the mean AC power in kW, with the 10th and 90th percentile beside it.
"""

from datetime import timedelta

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import power
from optimizer.sources.failures import RejectedError
from optimizer.sources.http import Http
from optimizer.sources.settings import RoofSettings, Span

URL = "https://api.solcast.com.au/rooftop_sites/{site}/forecasts"
ORIGIN = "api.solcast.com.au"
PERIODS = {f"PT{minutes}M": timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 60)}
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


def parse(document: object) -> pd.DataFrame:
    """`pv_w` [W], and with it `pv_p10_w` and `pv_p90_w` (NaN where they are not told)."""
    parts = []
    for key, column in COLUMNS.items():
        rows = []
        for item in power.list_of(document, "forecasts", origin=ORIGIN):
            if not isinstance(item, dict) or item.get("period") not in PERIODS:
                raise RejectedError(f"{ORIGIN} answered with a period of an unknown form")
            end = power.moment(item.get("period_end"), ORIGIN)
            kw = power.number(item.get(key), ORIGIN)
            watts = None if kw is None else kw * 1000
            rows.append((end - PERIODS[item["period"]], end, watts))
        if column == "pv_w" or any(watts is not None for _, _, watts in rows):
            parts.append(power.frame_of(rows, "pv_w", ORIGIN).rename(columns={"pv_w": column}))
    return parts[0].join([part[[part.columns[-1]]] for part in parts[1:]])
