"""Prices that the owner states: flat, or by local hours such as day and night.

The stated price takes the exchange's place in `[tariff]`, or is the whole price (`all_in`). The
exchange's prices are then beside it for the export rule alone.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.local_hours import applying
from optimizer.model.moments import QUARTER
from optimizer.sources.source_settings import PriceSettings, PriceWindow, Span

NAME = "fixed"
AHEAD = timedelta(days=8)
"""The price is stated for every time; an answer reaches so far beyond the span."""


def fetch(settings: PriceSettings, span: Span, _: ServiceClient) -> pd.DataFrame:
    """`energy_eur_per_kwh` (net), or `buy_eur_per_kwh` where the price is all-in."""
    steps = frames.steps(span.start, span.end + AHEAD, QUARTER)
    column = "buy_eur_per_kwh" if settings.all_in else "energy_eur_per_kwh"
    prices = [_price(settings, start, span.zone) for start in frames.starts_of(steps)]
    return frames.check(steps.assign(**{column: prices}), [column], NAME, settings.money.size)


def window_at(settings: PriceSettings, at: datetime, zone: ZoneInfo) -> PriceWindow | None:
    """The window whose price holds at a moment; None where it is the section's own."""
    return applying(settings.window, at.astimezone(zone), settings.holidays)


def _price(settings: PriceSettings, at: datetime, zone: ZoneInfo) -> float:
    window = window_at(settings, at, zone)
    price = settings.eur_per_kwh if window is None else window.eur_per_kwh
    if price is None:
        raise ConfigError("prices: the source 'fixed' needs a key 'eur_per_kwh'")
    return price


def with_exchange(stated: pd.DataFrame, exchange: pd.DataFrame) -> pd.DataFrame:
    """Stated prices with the exchange's beside them, as far as both are known.

    Parameters
    ----------
    exchange
        Quarter-hours with `spot_eur_per_kwh`, or with `sell_eur_per_kwh` alone; perhaps none.

    Raises
    ------
    ConfigError
        If its prices are all-in.
    """
    if exchange.empty:
        return stated.iloc[:0]
    pays_alone = {"sell_eur_per_kwh"} == {*exchange.columns} - {"end", frames.ORIGIN}
    column = "sell_eur_per_kwh" if pays_alone else "spot_eur_per_kwh"
    if column not in exchange.columns:
        raise ConfigError(
            "prices.spot_sources: those prices are all-in; the export rule needs the exchange's "
            "own, such as those of energy-charts"
        )
    made = stated.join(exchange[[column]], how="inner")
    if frames.ORIGIN in made.columns and frames.ORIGIN in exchange.columns:
        beside = exchange[frames.ORIGIN].reindex(made.index)
        made[frames.ORIGIN] = made[frames.ORIGIN] + " and " + beside
    return made
