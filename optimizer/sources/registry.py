"""Registry of the sources, by the names that the configuration uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.service_client import ServiceClient
from optimizer.sources import (
    awattar,
    energy_charts,
    entsoe,
    fems_history,
    fixed_price,
    forecast_solar,
    home_assistant,
    influxdb,
    octopus,
    open_meteo,
    own_journal,
    owner_table,
    parsing,
    price_checks,
    smard,
    solcast,
    swiss,
    tibber,
)
from optimizer.sources.attributions import ATTRIBUTIONS
from optimizer.sources.source_settings import LoadSettings, PriceSettings, PvSettings, Span

S = TypeVar("S", PriceSettings, LoadSettings, PvSettings)


@dataclass(frozen=True, slots=True)
class Source(Generic[S]):
    """One provider.

    Its module has `fetch`, which asks exactly the documented request, and a pure `parse`, which
    makes a checked frame of the answer: UTC steps, units and stamps converted, holes left out.
    """

    fetch: Callable[[S, Span, ServiceClient], pd.DataFrame]
    """May answer less than the span, or more: see `ask`."""
    licence: str = ""
    """Permitted use of the data, in a line."""
    attribution: str = ""
    """Name that has to be shown with the data; empty if there is no such duty."""
    kept: bool = True
    """Answers are kept in the store; those of a file are not."""
    rest: timedelta = timedelta(0)
    """Age up to which an answer is good enough, so that the service is not asked again."""
    check: Callable[[str, pd.DataFrame, pd.DataFrame | None, S], None] | None = None
    """Refuses an answer that contradicts the cached values: name, answer, cached values."""

    def ask(self, settings: S, span: Span, http: ServiceClient) -> pd.DataFrame:
        """Ask for a span; a service's answer is cut to the time around it.

        Raises
        ------
        ConfigError
            If a setting is missing.
        DataError
            One of the kinds of `http/failures.py`, or a file that is refused.
        """
        answer = self.fetch(settings, span, http)
        return parsing.clipped(answer, span) if self.kept else answer


OWN_FILE = "your own file"


def _check_unit(
    name: str, answer: pd.DataFrame, cached: pd.DataFrame | None, settings: PriceSettings
) -> None:
    price_checks.check(name, answer, cached, settings.money)


def _service(
    fetch: Callable[[PriceSettings, Span, ServiceClient], pd.DataFrame], licence: str,
    attribution: str = "", currency: str = "EUR",
) -> Source[PriceSettings]:  # fmt: skip
    """A price service: its unit is checked by the size of its prices.

    `currency` is the one it answers in; "" where that is the customer's own.
    """

    def fetched(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
        return parsing.at_rate(fetch(settings, span, http), settings.rate_from(currency))

    return Source(fetched, licence, attribution, check=_check_unit)


PRICES: Mapping[str, Source[PriceSettings]] = {
    "csv": Source(owner_table.fetch_prices, OWN_FILE, kept=False),
    "fixed": Source(fixed_price.fetch, "your own price", kept=False),
    "energy-charts": _service(
        energy_charts.fetch, "CC BY 4.0 for most zones, the others for private use",
        ATTRIBUTIONS["energy-charts"],
    ),
    "smard": _service(smard.fetch, "CC BY 4.0", ATTRIBUTIONS["smard"]),
    "entsoe": _service(
        entsoe.fetch, "terms of use: your own use, do not hand on", ATTRIBUTIONS["entsoe"]
    ),
    "awattar": _service(awattar.fetch, "none stated: private use, 100 requests a day"),
    "tibber": _service(tibber.fetch, "for customers, your own use", currency=""),
    "swiss": _service(swiss.fetch, "public by law, for each supplier", currency="CHF"),
    "octopus": _service(octopus.fetch, "none stated: fair use", currency="GBP"),
}  # fmt: skip
"""Answer a frame with `spot_eur_per_kwh` (net), or `buy_eur_per_kwh` (all-in) and perhaps
`sell_eur_per_kwh`; `fixed` with `energy_eur_per_kwh` (net, in the exchange's place)."""

OWN_DEVICE = "your own device"

LOAD: Mapping[str, Source[LoadSettings]] = {
    "fems": Source(fems_history.fetch, OWN_DEVICE),
    "journal": Source(own_journal.fetch, OWN_DEVICE, kept=False),
    "csv": Source(owner_table.fetch_load, OWN_FILE, kept=False),
    "meter": Source(owner_table.fetch_load, OWN_FILE, kept=False),
    "excel": Source(owner_table.fetch_load, OWN_FILE, kept=False),
    "home-assistant": Source(home_assistant.fetch, OWN_DEVICE),
    "influxdb": Source(influxdb.fetch, OWN_DEVICE),
}  # fmt: skip
"""Answer a frame with `load_w` of the past, holes left out (`csv`: also of the future); where the
source knows them, `pv_w` and `grid_w` stand beside it, NaN where they are unknown. The source
`profile` is not here: it has no past at all, the standard household is planned."""

PV: Mapping[str, Source[PvSettings]] = {
    "open-meteo": Source(
        open_meteo.fetch, "CC BY 4.0, non-commercial use", ATTRIBUTIONS["open-meteo"],
        rest=timedelta(minutes=30),
    ),
    "forecast-solar": Source(
        forecast_solar.fetch, "free for private use", ATTRIBUTIONS["forecast-solar"],
        rest=timedelta(minutes=30),
    ),
    "solcast": Source(
        solcast.fetch, "your own account, private use", ATTRIBUTIONS["solcast"],
        rest=timedelta(hours=5),
    ),
    "csv": Source(owner_table.fetch_pv, OWN_FILE, kept=False),
}  # fmt: skip
"""Answer a frame with `pv_w` of the future, perhaps of the past too, uncorrected."""


def attributions() -> list[str]:
    """A line for each source whose data oblige us to name their origin."""
    kinds: dict[str, Mapping[str, Source[Any]]] = {"prices": PRICES, "load": LOAD, "roof": PV}
    return [
        f"  {kind}, {name}: {source.attribution}"
        for kind, sources in kinds.items()
        for name, source in sources.items()
        if source.attribution
    ]


def find(kind: Mapping[str, Source[S]], name: str, section: str) -> Source[S]:
    """The source of a name.

    Raises
    ------
    ConfigError
        If there is none, with the nearest name.
    """
    source = kind.get(name)
    if source is None:
        near = get_close_matches(name, kind, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ConfigError(
            f"{section}: this version has no source '{name}'; {hint}"
            f"there are: {', '.join(sorted(kind))}"
        )
    return source


def fetch(
    kind: Mapping[str, Source[S]], name: str, settings: S, span: Span, http: ServiceClient
) -> pd.DataFrame:
    """Ask one source.

    Raises
    ------
    ConfigError
        If there is no source of that name, or its settings are missing.
    DataError
        If it does not answer, or its answer is rejected: one of the kinds of `http/failures.py`.
    """
    return find(kind, name, settings.section).ask(settings, span, http)
