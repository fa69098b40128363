"""Octopus Agile (Great Britain): half-hourly prices with VAT, without a key.

`GET /v1/products/{product}/electricity-tariffs/{tariff}/standard-unit-rates/` with `period_from`
and `period_to`; pages, newest first. Pence per kWh (read EUR as GBP then), both stamps in UTC,
two rows a step where `payment_method` differs. Published from 16:00 British time. Rates of other
tariffs hold for hours, or, without `valid_to`, until further notice: they are cut into half-hours.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
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
HALF_HOUR = timedelta(minutes=30)


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """All-in buying prices, and selling prices where an export tariff is named."""
    if not settings.octopus_tariff:
        raise ConfigError(
            "prices: the source 'octopus' needs a key 'octopus_tariff', such as "
            "E-1R-AGILE-24-10-01-C"
        )
    days = parsing.whole_days(span)
    buy = parse(_pages(settings.octopus_tariff, span, http), "buy_eur_per_kwh", days)
    if not settings.octopus_export:
        return buy
    return parsing.with_sell(
        buy, parse(_pages(settings.octopus_export, span, http), "sell_eur_per_kwh", days)
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


def parse(
    documents: Sequence[Any], column: str = "buy_eur_per_kwh",
    days: tuple[datetime, datetime] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Prices of some pages; of two rows for a step the one for direct debit counts.

    Parameters
    ----------
    days
        Begin and end of the days that were asked for: longer and open-ended rates are cut to them.
    """
    with parsing.documented(NAME):
        rows = [row for document in documents for row in document["results"]]
        debit = [row for row in rows if row["payment_method"] in (None, "DIRECT_DEBIT")]
        points = [point for row in debit for point in _half_hours(row, days)]
        return parsing.series_frame(points, column, NAME)


def _half_hours(row: Any, days: tuple[datetime, datetime] | None) -> Iterator[StepValue]:
    """A rate by its half-hours; one that is no longer than that as it stands."""
    begin, value = parsing.moment(row["valid_from"]), parsing.scaled(row["value_inc_vat"], 100)
    end = None if row["valid_to"] is None else parsing.moment(row["valid_to"])
    if end is not None and end - begin <= HALF_HOUR:
        yield StepValue(begin, end, value)
        return
    if days is None:
        raise ValueError("a rate of more than half an hour")
    at, last = max(begin, days[0]), days[1] if end is None else min(end, days[1])
    while at < last:
        yield StepValue(at, at + HALF_HOUR, value)
        at += HALF_HOUR
