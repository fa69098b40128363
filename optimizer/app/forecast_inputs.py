"""Inputs of a plan from the configuration: prices by the chain of sources, load and PV."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.app import house_forecast
from optimizer.app.house_forecast import HouseForecast, SourceContext
from optimizer.errors import ConfigError, DataError
from optimizer.forecast import forecast_frame, tariff_prices
from optimizer.forecast.tariff_prices import TariffPrices, priced_by_tariff
from optimizer.model import frames
from optimizer.model.currency import EUR, Currency
from optimizer.model.moments import floor
from optimizer.model.plan import iso
from optimizer.sources import price_chain, registry
from optimizer.sources.cached_source import CachedSources
from optimizer.sources.price_chain import ChainPrices, PriceChain
from optimizer.sources.source_settings import Span

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.model.battery import Battery
    from optimizer.model.load_spread import LoadSpread
    from optimizer.model.pv_days import PvDays
    from optimizer.model.tariff import Tariff
    from optimizer.planning.task import ForecastStep


def span_of(config: "Config", at: datetime) -> Span:
    """The time that a plan made at `at` covers."""
    return Span(at, at + timedelta(hours=config.planning.horizon_h), config.zone)


@contextmanager
def sources_of(config: "Config", at: datetime) -> Iterator[SourceContext]:
    """The sources of house and prices; the store is created if a price source is cached."""
    names = config.prices.names
    create = any(name in registry.PRICES and registry.PRICES[name].kept for name in names)
    with house_forecast.source_context(config, at, create=create) as context:
        yield context


def chain_of(config: "Config", sources: CachedSources) -> PriceChain:
    """The configured chain of price sources."""
    return PriceChain(config.prices.sources, config.prices, sources)


def prices(
    config: "Config", sources: CachedSources, sleep: Callable[[float], None] = time.sleep,
    tariff: "Tariff | None" = None,
) -> TariffPrices:  # fmt: skip
    """All-in prices from the chain of sources, with notes for the owner.

    Parameters
    ----------
    tariff
        Another tariff than the configured one.

    Raises
    ------
    ConfigError, DataError
        If no source knows the price of this moment.
    """
    at, chain = sources.now, chain_of(config, sources)
    span = span_of(config, at)
    end = chain.expected_end(span)
    gathered = price_chain.with_retries(
        lambda skip: chain.gather(span, skip), lambda made: made.missing(at, end).empty,
        config.prices.patience_s, sleep, logging.getLogger(__name__).warning,
    )  # fmt: skip
    made = priced_by_tariff(gathered, config.tariff if tariff is None else tariff, at,
                             config.money)  # fmt: skip
    if made is None:
        raise _none_known(gathered, at)
    return made


def _none_known(gathered: ChainPrices, at: datetime) -> ConfigError | DataError:
    """The error for a moment without a price."""
    failures, frame = gathered.failures, gathered.frame
    if not failures and frame.empty:
        return DataError(f"prices: no source has any near {iso(at)}, where the plan starts")
    if not failures:
        first, last = frames.starts_of(frame)[0], frames.ends_of(frame)[-1]
        return DataError(
            f"prices: known from {iso(first)} to {iso(last)}, the plan starts at {iso(at)}"
        )
    if all(isinstance(error, ConfigError) for error in failures.values()):
        return ConfigError("; ".join(str(error) for error in failures.values()))
    if set(failures) == {"csv"}:
        return DataError(str(failures["csv"]))
    reasons = "; ".join(str(error) for error in failures.values())
    return DataError(
        f"no price is known for {iso(at)}, so there is no new plan ({reasons}). A plan in force "
        "goes on to its end, then the FEMS balances the house by itself"
    )


@dataclass(frozen=True, slots=True)
class ForecastInputs:
    """Everything that a plan is made from, apart from the battery."""

    frame: pd.DataFrame
    """The forecast, from the plan's moment on."""
    beyond: pd.DataFrame | None
    """The day after it, at prices of like days; None where that cannot be forecast."""
    prices: TariffPrices
    spread: "LoadSpread | None"
    """Ratios of load to its forecast; None where too little is known of the house."""
    pv_days: "PvDays | None"
    """Days of less and of more PV energy than forecast."""
    notes: list[str]
    """Notes for the owner."""
    history: pd.DataFrame | None
    """The measured past of the load [W]; None if unknown."""


def forecast(config: "Config", at: datetime, tariff: "Tariff | None" = None) -> ForecastInputs:
    """Prices, load and PV from a moment on, as published and forecast.

    Parameters
    ----------
    tariff
        Another tariff than the configured one.

    Raises
    ------
    ConfigError, DataError
        If a price, the load or the PV power of this moment cannot be known.
    """
    planning = config.planning
    horizon = timedelta(hours=planning.horizon_h)
    step = timedelta(minutes=planning.step_minutes)
    begin, end = floor(at), at + horizon + step
    with sources_of(config, at) as context:
        costs = prices(config, context, tariff=tariff)
        expected = house_forecast.house_forecast(
            config, begin, end + tariff_prices.WHOLE_DAY, context, planned_to=end
        )
    notes = [*costs.notes, *expected.notes]
    frame = forecast_frame.forecast(costs.frame, expected.load, expected.pv, at, horizon, step,
                                     config.money.size)  # fmt: skip
    known = frame["end"].iloc[-1].to_pydatetime()
    if known < at + horizon - step:
        notes.append(f"prices, load and roof are known to {iso(known)}: the plan ends there")
    after = _beyond(costs, expected, known, step, config.money.size)
    days, history = expected.pv_days, expected.history
    return ForecastInputs(frame, after, costs, expected.spread, days, notes, history)


def _beyond(
    costs: TariffPrices, expected: HouseForecast, end: datetime, step: timedelta,
    money_size: float,
) -> pd.DataFrame | None:  # fmt: skip
    """The day after a plan's end, which values the energy left; nothing is planned there."""
    known = costs.frame if costs.tail is None else pd.concat([costs.frame, costs.tail])
    try:
        return forecast_frame.forecast(
            known, expected.load, expected.pv, end, tariff_prices.WHOLE_DAY, step, money_size
        )
    except DataError:  # unknown, or in part: that costs no plan
        return None


def mean_value(
    steps: "tuple[ForecastStep, ...]", tail: pd.DataFrame, battery: "Battery",
    money_size: float = 1.0,
) -> float:  # fmt: skip
    """Value of energy left at the end [EUR/kWh] where load or PV are not known beyond it.

    A plan often ends with an evening; with prices of similar days its mean covers a whole day.
    """
    from optimizer.planning.arrays import forecast_steps
    from optimizer.planning.end_value import auto_end_value

    day = tail[tail.index < steps[0].start + tariff_prices.WHOLE_DAY]
    outlook = () if day.empty else forecast_steps(day.assign(load_w=0.0, pv_w=0.0), money_size)
    return auto_end_value([*steps, *outlook], battery, money_size)


def outlook_notes(
    end: datetime, tail: pd.DataFrame | None, money: Currency = EUR
) -> tuple[str, ...]:
    """Notes for the owner about unpublished prices of the day after a plan."""
    if tail is None or frames.starts_of(tail)[0] >= end + tariff_prices.WHOLE_DAY:
        return ()
    mean = tail["buy_eur_per_kwh"].mean()
    note = (
        "the value of the energy left at the end comes from a forecast of the prices after "
        f"{iso(frames.starts_of(tail)[0])} by like days ({money.price(mean)} on average); nothing "
        "is done at those prices"
    )
    return (note,)
