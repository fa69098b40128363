"""Octopus Agile (Great Britain): half-hourly prices with VAT, without a key.

`GET /v1/products/{product}/electricity-tariffs/{tariff}/standard-unit-rates/` with `period_from`
and `period_to`; pages, newest first. Pence per kWh (read EUR as GBP then), both stamps in UTC,
two rows a step where `payment_method` differs. Published from 16:00 British time.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "octopus"
BASE = "https://api.octopus.energy/v1/products"
LENGTH_OF_PREFIX = len("E-1R-")
MOST_PAGES = 10


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """All-in buying prices, and selling prices where an export tariff is named."""
    if not settings.octopus_tariff:
        raise ConfigError(
            "prices: the source 'octopus' needs a key 'octopus_tariff', such as "
            "E-1R-AGILE-24-10-01-C"
        )
    buy = parse(_pages(settings.octopus_tariff, span, http), "buy_eur_per_kwh")
    if not settings.octopus_export:
        return buy
    return parsing.with_sell(
        buy, parse(_pages(settings.octopus_export, span, http), "sell_eur_per_kwh")
    )


def _pages(tariff: str, span: Span, http: ServiceClient) -> list[Any]:
    product = tariff[LENGTH_OF_PREFIX:-2]
    url = f"{BASE}/{product}/electricity-tariffs/{tariff}/standard-unit-rates/"
    start, end = (f"{at:%Y-%m-%dT%H:%MZ}" for at in parsing.whole_days(span))
    parameters: dict[str, str] | None = {
        "period_from": start, "period_to": end, "page_size": "1500"
    }  # fmt: skip
    pages: list[Any] = []
    with parsing.documented(NAME):
        while url:
            pages.append(http.get(url, parameters).json())
            url, parameters = pages[-1]["next"], None  # the next page's address has them
            if url and (not url.startswith(f"{BASE}/") or len(pages) == MOST_PAGES):
                raise RejectedError(f"{NAME} leads to another place, or to endless pages")
    return pages


def parse(documents: Sequence[Any], column: str = "buy_eur_per_kwh") -> pd.DataFrame:
    """Prices of some pages; of two rows for a step the one for direct debit counts."""
    with parsing.documented(NAME):
        rows = [row for document in documents for row in document["results"]]
        debit = [row for row in rows if row["payment_method"] in (None, "DIRECT_DEBIT")]
        points = [
            StepValue(
                parsing.moment(row["valid_from"]),
                parsing.moment(row["valid_to"]),
                parsing.scaled(row["value_inc_vat"], 100),
            )
            for row in debit
        ]
        return parsing.series_frame(points, column, NAME)
