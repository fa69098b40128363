"""aWATTar: hourly day-ahead prices of Germany and Austria, without a key.

`GET /v1/marketdata?start=<ms>&end=<ms>`, on `.de` or `.at`. Both stamps of each hour in
milliseconds UTC, Eur/MWh net. Still hourly since the exchange went to quarters: right for owners
who are billed by the hour, only a stand-in for others. 100 requests a day.
"""

from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Http
from optimizer.sources.series import Point, documented, epoch, frame, number, scaled, whole_days
from optimizer.sources.settings import PriceSettings, Span

NAME = "awattar"
HOSTS = {"DE-LU": "https://api.awattar.de", "AT": "https://api.awattar.at"}


def fetch(settings: PriceSettings, span: Span, http: Http) -> pd.DataFrame:
    """Hourly spot prices."""
    if settings.zone not in HOSTS:
        raise ConfigError(f"prices.zone: {NAME} has AT and DE-LU, not '{settings.zone}'")
    start, end = whole_days(span)
    moments = {"start": start, "end": end}
    parameters = {name: str(int(at.timestamp() * 1000)) for name, at in moments.items()}
    return parse(http.get(f"{HOSTS[settings.zone]}/v1/marketdata", parameters).json())


def parse(document: Any) -> pd.DataFrame:
    """`spot_eur_per_kwh` of an answer."""
    with documented(NAME):
        rows = document["data"]
        for unit in {row["unit"] for row in rows} - {"Eur/MWh"}:
            raise RejectedError(f"{NAME}: prices are in {unit!r}, not in Eur/MWh: not used")
        points = [
            Point(
                epoch(number(row["start_timestamp"]) / 1000),
                epoch(number(row["end_timestamp"]) / 1000),
                scaled(row["marketprice"], 1000),
            )
            for row in rows
        ]
        made = frame(points, "spot_eur_per_kwh", NAME)
    if made.empty:
        raise NotPublishedError(f"{NAME} has no prices for this time yet")
    return made
