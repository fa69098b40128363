"""aWATTar: hourly day-ahead prices of Germany and Austria, without a key.

`GET /v1/marketdata?start=<ms>&end=<ms>`, on `.de` or `.at`. Both stamps of each hour are
milliseconds UTC, prices Eur/MWh net. They are still hourly since the exchange went to quarters:
right for owners who are billed by the hour, a stand-in for others. 100 requests a day.
"""

from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "awattar"
HOSTS = {"DE-LU": "https://api.awattar.de", "AT": "https://api.awattar.at"}


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Hourly spot prices."""
    if settings.zone not in HOSTS:
        raise ConfigError(f"prices.zone: {NAME} has AT and DE-LU, not '{settings.zone}'")
    start, end = parsing.whole_days(span)
    moments = {"start": start, "end": end}
    parameters = {name: str(int(at.timestamp() * 1000)) for name, at in moments.items()}
    return parse(http.get(f"{HOSTS[settings.zone]}/v1/marketdata", parameters).json())


def parse(document: Any) -> pd.DataFrame:
    """`spot_eur_per_kwh` of an answer."""
    with parsing.documented(NAME):
        rows = document["data"]
        for unit in {row["unit"] for row in rows} - {"Eur/MWh"}:
            raise RejectedError(f"{NAME}: prices are in {unit!r}, not in Eur/MWh: not used")
        points = [
            StepValue(
                parsing.epoch_ms(row["start_timestamp"]),
                parsing.epoch_ms(row["end_timestamp"]),
                parsing.scaled(row["marketprice"], 1000),
            )
            for row in rows
        ]
        return parsing.series_frame(points, "spot_eur_per_kwh", NAME)
