"""SMARD (Bundesnetzagentur): day-ahead prices of Germany and its neighbours, without a key.

First an index of chunks, `.../4169/DE-LU/index_quarterhour.json`, then each chunk of a week,
`.../4169/DE-LU/4169_DE-LU_quarterhour_{ms}.json`. Milliseconds UTC name the start of a step,
EUR/MWh; `null` is not published. The neighbours' prices are filed under the region DE.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "smard"
URL = "https://www.smard.de/app/chart_data"
FILTERS = {
    "DE-LU": 4169, "AT": 4170, "CH": 259, "FR": 254, "NL": 256, "BE": 4996, "CZ": 261, "PL": 257,
    "HU": 262, "SI": 260, "DK1": 252, "DK2": 253, "IT-North": 255,
}  # fmt: skip
"""SMARD's number of the price series of a zone."""
WEEK_MS = 7 * 86_400_000


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Spot prices of the bidding zone, chunk by chunk."""
    zone = settings.zone
    if zone not in FILTERS:
        raise ConfigError(f"prices.zone: {NAME} has {', '.join(sorted(FILTERS))}, not '{zone}'")
    region = zone if zone == "DE-LU" else "DE"
    base = f"{URL}/{FILTERS[zone]}/{region}"
    begin, end = (int(at.timestamp() * 1000) for at in parsing.whole_days(span))
    index = http.get(f"{base}/index_quarterhour.json").json()
    name = f"{FILTERS[zone]}_{region}_quarterhour"
    wanted = chunks(index, begin, end)
    return parse([http.get(f"{base}/{name}_{at}.json").json() for at in wanted])


def chunks(index: Any, begin_ms: int, end_ms: int) -> list[int]:
    """The chunks that hold a span; each reaches to the next one."""
    with parsing.documented(NAME):
        stamps = sorted({int(parsing.number(at)) for at in index["timestamps"]})
        pairs = zip(stamps, [*stamps[1:], end_ms], strict=True)
        wanted = [at for at, following in pairs if at < end_ms and following > begin_ms]
    if len(wanted) > (end_ms - begin_ms) // WEEK_MS + 2:
        raise RejectedError(f"{NAME} files more chunks for this time than there are weeks in it")
    if not wanted:
        raise NotPublishedError(f"{NAME} has no prices for this time yet")
    return wanted


def parse(documents: Sequence[Any]) -> pd.DataFrame:
    """`spot_eur_per_kwh` of some chunks."""
    with parsing.documented(NAME):
        points: list[StepValue] = []
        for document in documents:
            rows = [(parsing.epoch_ms(at), parsing.scaled(x, 1000)) for at, x in document["series"]]
            points += parsing.begun(rows)
        return parsing.series_frame(points, "spot_eur_per_kwh", NAME)
