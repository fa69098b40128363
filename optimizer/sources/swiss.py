"""Dynamic tariffs of Swiss suppliers in the format of their association (VSE/AES, 1.0.x).

`GET {url}?tariff_type=integrated&tariff_name=...&start_timestamp=...&end_timestamp=...`. Each row
has both stamps with offset and a list of components; the one in `CHF_kWh` is the energy price,
without VAT (read EUR as CHF then). A day that is not known is an empty list. From 2027 on there is
a version 2.0 of another shape, which is refused here.
"""

from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Http
from optimizer.sources.series import Point, documented, frame, moment, scaled, whole_days
from optimizer.sources.settings import PriceSettings, Span

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
"""Name in the configuration: address, and the tariff that is meant if none is named."""


def fetch(settings: PriceSettings, span: Span, http: Http) -> pd.DataFrame:
    """All-in prices with VAT."""
    name = settings.swiss or ""
    if name not in SUPPLIERS and not name.startswith("https://"):
        raise ConfigError(
            f"prices: the source 'swiss' needs a key 'swiss': {', '.join(SUPPLIERS)}, or the "
            "https address of another supplier's tariffs"
        )
    url, usual = SUPPLIERS.get(name, (name, None))
    start, end = (at.astimezone(span.zone) for at in whole_days(span))
    tariff = settings.swiss_tariff or usual
    parameters = {"tariff_type": "integrated"} | ({"tariff_name": tariff} if tariff else {})
    parameters |= {"start_timestamp": start.isoformat(), "end_timestamp": end.isoformat()}
    return parse(http.get(url, parameters).json(), settings.swiss_vat_percent)


def parse(document: Any, vat_percent: float) -> pd.DataFrame:
    """`buy_eur_per_kwh` of an answer, VAT added."""
    with documented(NAME):
        prices = document["prices"]
        if isinstance(prices, dict):
            raise RejectedError(f"{NAME}: version 2 of the tariff format cannot be read yet")
        points = [
            Point(
                moment(row["start_timestamp"]),
                moment(row["end_timestamp"]),
                scaled(_per_kwh(row["integrated"]), 1 / (1 + vat_percent / 100)),
            )
            for row in prices
        ]
        made = frame(points, "buy_eur_per_kwh", NAME)
    if made.empty:
        raise NotPublishedError(f"{NAME} has no prices for this time yet")
    return made


def _per_kwh(components: list[Any]) -> Any:
    """The component in CHF/kWh; there are others, such as a price by the month."""
    found = [component["value"] for component in components if component["unit"] == "CHF_kWh"]
    if len(found) != 1:
        units = ", ".join(str(component["unit"]) for component in components)
        raise RejectedError(f"{NAME}: no single price in CHF_kWh among: {units}")
    return found[0]
