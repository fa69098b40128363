"""From the configuration to the planner's forecast: sources, tariff, resampling."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from optimizer.errors import ConfigError, OptimizerError
from optimizer.forecast import assemble, steps
from optimizer.model.plan import iso
from optimizer.model.tariff import Tariff
from optimizer.sources import registry
from optimizer.sources.http import Http
from optimizer.sources.settings import PriceSettings, Span

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.config.sections import Config


def span_of(config: "Config", at: datetime) -> Span:
    """The time that a plan made at `at` is about."""
    return Span(at, at + timedelta(hours=config.planning.horizon_h))


def prices(config: "Config", at: datetime) -> "tuple[pd.DataFrame, list[str]]":
    """All-in prices from the first source of the chain that answers, and notes."""
    settings = PriceSettings(file=config.prices.file)
    span, http = span_of(config, at), Http()
    notes: list[str] = []
    for place, name in enumerate(config.prices.sources):
        try:
            frame = registry.fetch(registry.PRICES, name, settings, span, http)
        except OptimizerError as error:
            if place == len(config.prices.sources) - 1:
                raise
            notes.append(f"price source '{name}' was skipped: {error}")
            continue
        if "spot_eur_per_kwh" not in frame.columns:
            return frame, notes
        tariff = _tariff(config)
        if tariff.expired(at):
            notes.append(
                f"the tariff's parts were valid to {tariff.valid_to}: look at section [tariff]"
            )
        return assemble.all_in(frame, tariff), notes
    raise ConfigError("prices.sources is empty")


def _tariff(config: "Config") -> Tariff:
    """The tariff; without its parts a spot price says nothing about the bill."""
    if config.tariff is None:
        raise ConfigError(
            "the price source gives spot prices, but there is no section [tariff]: fees and VAT "
            "decide what pays, see README"
        )
    return config.tariff.tariff()


def forecast(config: "Config", at: datetime) -> "tuple[pd.DataFrame, list[str]]":
    """The forecast frame from a moment on, and notes for the owner."""
    from optimizer.cli import house

    price_frame, notes = prices(config, at)
    planning = config.planning
    horizon = timedelta(hours=planning.horizon_h)
    step = timedelta(minutes=planning.step_minutes)
    with house.near(config, at) as at_hand:
        expected = house.house(config, steps.floor(at, step), at + horizon + step, at_hand)
    notes += expected.notes
    frame = assemble.forecast(price_frame, expected.load, expected.roof, at, horizon, step)
    known = frame["end"].iloc[-1].to_pydatetime()
    if known < at + horizon - step:
        notes.append(f"prices, load and roof are known to {iso(known)}: the plan ends there")
    return frame, notes
