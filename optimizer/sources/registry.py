"""Which sources there are, by the names that the configuration uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources import (
    awattar,
    energy_charts,
    entsoe,
    fems_excel,
    fems_history,
    forecast_solar,
    home_assistant,
    influxdb,
    meter_table,
    octopus,
    open_meteo,
    own_journal,
    smard,
    solcast,
    swiss,
    table,
    tibber,
)
from optimizer.sources.http import Http
from optimizer.sources.settings import LoadSettings, PriceSettings, RoofSettings, Span

S = TypeVar("S", PriceSettings, LoadSettings, RoofSettings)


@dataclass(frozen=True, slots=True)
class Source(Generic[S]):
    """One provider.

    Its module has `fetch`, which asks exactly the documented request, and a pure `parse`, which
    makes a checked frame of the answer: UTC steps, units and stamps converted, holes left out.
    """

    fetch: Callable[[S, Span, Http], pd.DataFrame]
    """May answer less than the span, or more. Raises one of `failures.py`, or ConfigError."""
    licence: str = ""
    """What the data may be used for, in a line."""
    attribution: str = ""
    """Who has to be named where the data are shown; empty if nobody."""
    kept: bool = True
    """Whether what it has published may be kept in the store; an own file need not be."""
    rest: timedelta = timedelta(0)
    """How long an answer is good enough before the service is asked again."""
    currency: str = "EUR"
    """Currency of the prices; where it is another one, read EUR as that one throughout."""


def _file(settings: PriceSettings | LoadSettings | RoofSettings) -> Path:
    if settings.file is None:
        raise ConfigError(f"{settings.section}: the source 'csv' needs a key 'file'")
    return settings.file


OWN_FILE = "your own file"

PRICES: Mapping[str, Source[PriceSettings]] = {
    "csv": Source(
        lambda settings, span, http: table.read_prices(_file(settings)), OWN_FILE, kept=False
    ),
    "energy-charts": Source(
        energy_charts.fetch, "CC BY 4.0 for most zones, the others for private use",
        "Bundesnetzagentur | SMARD.de, through energy-charts.info (CC BY 4.0)",
    ),
    "smard": Source(smard.fetch, "CC BY 4.0", "Bundesnetzagentur | SMARD.de (CC BY 4.0)"),
    "entsoe": Source(
        entsoe.fetch, "terms of use: your own use, do not hand on",
        "ENTSO-E Transparency Platform",
    ),
    "awattar": Source(awattar.fetch, "none stated: private use, 100 requests a day"),
    "tibber": Source(tibber.fetch, "for customers, your own use"),
    "swiss": Source(swiss.fetch, "public by law, for each supplier", currency="CHF"),
    "octopus": Source(octopus.fetch, "none stated: fair use", currency="GBP"),
}  # fmt: skip
"""Answer a frame with `spot_eur_per_kwh` (net), or `buy_eur_per_kwh` (all-in) and perhaps
`sell_eur_per_kwh`."""

OWN_DEVICE = "your own device"

LOAD: Mapping[str, Source[LoadSettings]] = {
    "fems": Source(fems_history.fetch, OWN_DEVICE),
    "journal": Source(own_journal.fetch, OWN_DEVICE, kept=False),
    "csv": Source(
        lambda settings, span, http: table.read_power(_file(settings), "load_w"), OWN_FILE,
        kept=False,
    ),
    "meter": Source(meter_table.fetch, OWN_FILE, kept=False),
    "excel": Source(fems_excel.fetch, OWN_FILE, kept=False),
    "home-assistant": Source(home_assistant.fetch, OWN_DEVICE),
    "influxdb": Source(influxdb.fetch, OWN_DEVICE),
}  # fmt: skip
"""Answer a frame with `load_w` of the past, holes left out (`csv`: also of the future); where the
source knows them, `pv_w` and `grid_w` stand beside it, NaN where they are unknown. A source that is
not here is `profile`: no past at all, the standard household."""

ROOF: Mapping[str, Source[RoofSettings]] = {
    "open-meteo": Source(
        open_meteo.fetch, "CC BY 4.0, non-commercial use", "Weather data by Open-Meteo.com",
        rest=timedelta(minutes=30),
    ),
    "forecast-solar": Source(
        forecast_solar.fetch, "free for private use", "Forecast.Solar", rest=timedelta(minutes=30)
    ),
    "solcast": Source(
        solcast.fetch, "your own account, private use", "Solcast", rest=timedelta(hours=5)
    ),
    "csv": Source(
        lambda settings, span, http: table.read_power(_file(settings), "pv_w"), OWN_FILE, kept=False
    ),
}  # fmt: skip
"""Answer a frame with `pv_w` of the future, perhaps of the past too, uncorrected."""


def attributions() -> list[str]:
    """A line for each source whose data oblige us to name where they come from."""
    kinds: dict[str, Mapping[str, Source[Any]]] = {"prices": PRICES, "load": LOAD, "roof": ROOF}
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
    kind: Mapping[str, Source[S]], name: str, settings: S, span: Span, http: Http
) -> pd.DataFrame:
    """Ask one source.

    Raises
    ------
    ConfigError
        If there is no source of that name, or its settings are missing.
    DataError
        If it does not answer, or its answer is rejected: one of the kinds of `failures.py`.
    """
    return find(kind, name, settings.section).fetch(settings, span, http)
