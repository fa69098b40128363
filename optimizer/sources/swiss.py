"""Dynamic tariffs of Swiss suppliers in the format of their association (VSE/AES, 1.0.x).

`GET {url}?tariff_type=integrated&tariff_name=...&start_timestamp=...&end_timestamp=...`. Each row
has both stamps with offset and a list of components; the one in `CHF_kWh` is the energy price,
without VAT (read EUR as CHF then). `tariff_type=feed_in` answers what is paid for energy fed in, in
the same shape; no VAT is added to it. BKW answers that alone: beside stated prices it is named
under `spot_sources`. An unknown day is an empty list. Version 2.0, from 2027 on, has another shape
and is refused here.
"""

from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "swiss"
EKZ = "https://api.tariffs.ekz.ch/v1/tariffs"
PRIMEO = "https://tarife.primeo-energie.ch/api/v1/tariffs"
SUPPLIERS = {
    "ekz": (EKZ, "integrated_400D"),
    "ekz-einsiedeln": (EKZ, "integrated_400D_E"),
    "groupe-e": ("https://api.tariffs.groupe-e.ch/v2/tariffs", None),
    "ckw": (
        "https://e-ckw-public-data.de-c1.eu1.cloudhub.io/api/v1/netzinformationen/energie/"
        "dynamische-preise",
        "home_dynamic",
    ),
    "primeo": (PRIMEO, "NetzDynamisch"),
    "avag": (PRIMEO, "NetzDynamischAVAG"),
    "elag": (PRIMEO, "NetzDynamischELAG"),
    "aem": ("https://servizi.aemsa.ch/tariffe", None),
}
"""Name in the configuration: address, and the default tariff."""
FEED_IN_ONLY = {"bkw": "https://api.bkw.ch/api/dyntariffs/v1/tariffs"}
"""Suppliers that answer what they pay for energy fed in and nothing else; they take no question."""

FEED_IN = ("feed_in", "feed-in")
"""The two spellings of the key of what is paid for energy fed in."""


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """All-in prices with VAT, and selling prices where those are wanted; or those alone."""
    name = settings.swiss or ""
    if name in FEED_IN_ONLY:
        paid = http.get(FEED_IN_ONLY[name], {}).json()
        return parse(paid, 0.0, FEED_IN, "sell_eur_per_kwh")
    if name not in SUPPLIERS and not name.startswith("https://"):
        known = ", ".join((*SUPPLIERS, *FEED_IN_ONLY))
        raise ConfigError(
            f"prices: the source 'swiss' needs a key 'swiss': {known}, or the https address of "
            "another supplier's tariffs"
        )
    url, usual = SUPPLIERS.get(name, (name, None))
    start, end = (at.astimezone(span.zone) for at in parsing.whole_days(span))
    stamps = {"start_timestamp": start.isoformat(), "end_timestamp": end.isoformat()}

    def answer(kind: str, tariff: str | None) -> Any:
        named = {"tariff_name": tariff} if tariff else {}
        return http.get(url, {"tariff_type": kind} | named | stamps).json()

    buy = parse(answer("integrated", settings.swiss_tariff or usual), settings.swiss_vat_percent)
    if not settings.swiss_export:
        return buy
    kind = FEED_IN[1] if name == "groupe-e" else FEED_IN[0]
    paid = answer(kind, settings.swiss_export_tariff)
    return parsing.with_sell(buy, parse(paid, 0.0, FEED_IN, "sell_eur_per_kwh"))


def parse(
    document: Any, vat_percent: float, keys: tuple[str, ...] = ("integrated",),
    column: str = "buy_eur_per_kwh",
) -> pd.DataFrame:  # fmt: skip
    """Prices of an answer, VAT added.

    Parameters
    ----------
    keys
        Spellings of the key of a row's components.
    """
    with parsing.documented(NAME):
        prices = document["prices"]
        if isinstance(prices, dict):
            raise RejectedError(f"{NAME}: version 2 of the tariff format cannot be read yet")
        points = [
            StepValue(
                parsing.moment(row["start_timestamp"]),
                parsing.moment(row["end_timestamp"]),
                parsing.scaled(
                    _per_kwh(_components(row, keys)),
                    1 / (1 + vat_percent / 100),
                ),
            )
            for row in prices
        ]
        return parsing.series_frame(points, column, NAME)


def _components(row: dict[str, Any], keys: tuple[str, ...]) -> list[Any]:
    found: list[Any] = row[next((key for key in keys if key in row), keys[0])]
    return found


def _per_kwh(components: list[Any]) -> Any:
    """The component in CHF/kWh; there are others, such as a price by the month."""
    found = [component["value"] for component in components if component["unit"] == "CHF_kWh"]
    if len(found) != 1:
        units = ", ".join(str(component["unit"]) for component in components)
        raise RejectedError(f"{NAME}: no single price in CHF_kWh among: {units}")
    return found[0]
