"""Tibber: all-in prices of a customer, for today and tomorrow.

`POST https://api.tibber.com/v1-beta/gql` with a bearer token. `total` is EUR/kWh (or another
currency) with VAT, grid and levies, `energy` the net energy share of it; `startsAt` is local with
its offset. `tomorrow` is empty until about 13:00. Errors come with status 200.
"""

from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model.currency import CURRENCIES
from optimizer.sources.parsing import begun, documented, moment, scaled, series_frame
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "tibber"
URL = "https://api.tibber.com/v1-beta/gql"
FIELDS = "{total energy tax startsAt currency}"
QUERY = (
    "{viewer{homes{id timeZone currentSubscription{priceInfo(resolution:QUARTER_HOURLY)"
    f"{{today{FIELDS} tomorrow{FIELDS}}}}}}}}}}}"
)


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """All-in prices of today and tomorrow."""
    token = settings.tibber_token
    if not token:
        raise ConfigError("prices: the source 'tibber' needs a key 'tibber_token'")
    answer = http.post(
        URL, {"query": QUERY}, {"Authorization": f"Bearer {token}"}, secrets=[token], own=(400,)
    )
    return parse(answer.json(), settings.tibber_home, settings.money.code)


def parse(document: Any, home: str | None = None, currency: str = "EUR") -> pd.DataFrame:
    """`buy_eur_per_kwh` and the net `spot_eur_per_kwh` of one home."""
    with documented(NAME):
        _refuse_errors(document)
        info = (_home(document["data"]["viewer"]["homes"], home)["currentSubscription"] or {}).get(
            "priceInfo"
        )
        if info is None:
            raise RejectedError(f"{NAME}: this home has no contract in force")
        rows = [*(info["today"] or []), *(info["tomorrow"] or [])]
        if not rows:
            raise NotPublishedError(f"{NAME} has no prices for this time yet")
        for other in {row["currency"] for row in rows} - {currency}:
            raise RejectedError(
                f"{NAME}: prices are in {other}, not in {currency}: not used; set [prices] currency"
            )
        at = [moment(row["startsAt"]) for row in rows]
        total, energy = (
            begun([(start, scaled(row[key], 1)) for start, row in zip(at, rows, strict=True)])
            for key in ("total", "energy")
        )
        size = CURRENCIES[currency].size
        made = series_frame(total, "buy_eur_per_kwh", NAME, size)
        return made.join(
            series_frame(energy, "spot_eur_per_kwh", NAME, size).drop(columns="end"), how="inner"
        )


def _refuse_errors(document: Any) -> None:
    """An answer of status 200 may hold nothing but errors."""
    errors = document.get("errors")
    if not errors:
        return
    codes = [str((error.get("extensions") or {}).get("code")) for error in errors]
    if "UNAUTHENTICATED" in codes:
        raise KeyRefusedError(f"{NAME} refuses the token: make a new one at developer.tibber.com")
    raise RejectedError(f"{NAME} rejects the question ({codes[0]})")


def _home(homes: list[Any], wanted: str | None) -> Any:
    """The configured home, or the only one."""
    found = [home for home in homes if wanted in (None, home["id"])]
    if len(found) == 1:
        return found[0]
    known = ", ".join(str(home["id"]) for home in homes) or "none"
    raise ConfigError(f"prices.tibber_home: name one of the account's homes: {known}")
