"""energy-charts.info (Fraunhofer ISE): day-ahead prices of most European zones, without a key.

`GET /price?bzn=DE-LU&start=2026-11-22&end=2026-11-23`: local dates, the end inclusive. The answer
has UTC seconds that name the start of each step, EUR/MWh, `null` for holes. 15 min since October
2025, Switzerland hourly. 404: nothing is published for these dates. Two requests a minute.
"""

from typing import Any

import pandas as pd

from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources.parsing import begun, documented, epoch, local_dates, scaled, series_frame
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "energy-charts"
URL = "https://api.energy-charts.info/price"
UNITS = ("EUR / MWh", "EUR/MWh")


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Spot prices of the bidding zone."""
    days = local_dates(span)
    parameters = {
        "bzn": settings.zone,
        "start": days[0].isoformat(),
        "end": days[-1].isoformat(),
    }
    answer = http.get(URL, parameters, own=(404,))
    if answer.status == 404:
        raise NotPublishedError(
            f"{NAME} has no prices of prices.zone '{settings.zone}' for this time: not yet, or the "
            "zone is spelled otherwise"
        )
    return parse(answer.json())


def parse(document: Any) -> pd.DataFrame:
    """`spot_eur_per_kwh` of an answer."""
    with documented(NAME):
        unit, stamps, prices = document["unit"], document["unix_seconds"], document["price"]
        if unit not in UNITS:
            raise RejectedError(f"{NAME}: prices are in {unit!r}, not in EUR/MWh: not used")
        values = [
            (epoch(at), scaled(price, 1000)) for at, price in zip(stamps, prices, strict=True)
        ]
        return series_frame(begun(values), "spot_eur_per_kwh", NAME)
