"""From the configuration to the planner's forecast: sources, tariff, resampling."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.errors import ConfigError, DataError
from optimizer.forecast import assemble, outlook
from optimizer.forecast.priced import Priced, priced
from optimizer.model import frames
from optimizer.model.plan import iso
from optimizer.model.quarter import QUARTER, floor
from optimizer.sources import patience, registry
from optimizer.sources.chain import Chain
from optimizer.sources.http import Http
from optimizer.sources.quarters import Gathered
from optimizer.sources.settings import PriceSettings, Span
from optimizer.store import database

if TYPE_CHECKING:
    from optimizer.cli.house import House
    from optimizer.config.sections import Config
    from optimizer.model.battery import Battery
    from optimizer.model.roof_days import RoofDays
    from optimizer.model.spread import LoadSpread
    from optimizer.planning.task import ForecastStep


def span_of(config: "Config", at: datetime) -> Span:
    """The time that a plan made at `at` is about."""
    zone = ZoneInfo(config.tariff.time_zone if config.tariff else "Europe/Berlin")
    return Span(at, at + timedelta(hours=config.planning.horizon_h), zone)


@contextmanager
def chain_of(config: "Config", at: datetime) -> Iterator[Chain]:
    """The chain of price sources, with the store where one of them is kept.

    A store that cannot be used keeps nothing; who needs it says so.
    """
    section = config.prices
    with ExitStack() as stack:
        store = None
        if any(name in registry.PRICES and registry.PRICES[name].kept for name in section.sources):
            with suppress(DataError):
                store = stack.enter_context(closing(database.connect(config.store.folder)))
        yield Chain(section.sources, PriceSettings(**section.settings()), Http(), store, at)


def prices(config: "Config", at: datetime, sleep: Callable[[float], None] = time.sleep) -> Priced:
    """All-in prices from the chain of sources, and what to say of them.

    Raises
    ------
    ConfigError, DataError
        If no source knows the price of this moment.
    """
    span = span_of(config, at)
    with chain_of(config, at) as chain:
        end = chain.expected_end(span)
        gathered = patience.patiently(
            lambda skip: chain.gather(span, skip),
            lambda made: not made.missing(at, end),
            config.prices.patience_s,
            sleep,
            logging.getLogger(__name__).warning,
        )
    made = priced(gathered, None if config.tariff is None else config.tariff.tariff(), at)
    if made is None:
        raise _none_known(gathered, at)
    return made


def _none_known(gathered: Gathered, at: datetime) -> ConfigError | DataError:
    """Why there is no price of this moment."""
    failures = gathered.failures
    if not failures:
        first, last = min(gathered.quarters), max(gathered.quarters) + QUARTER
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
class Foreseen:
    """All that a plan is made from, apart from the battery."""

    frame: pd.DataFrame
    """The forecast, from the plan's moment on."""
    beyond: pd.DataFrame | None
    """The day after it, at prices of like days; None where that cannot be foreseen."""
    prices: Priced
    spread: "LoadSpread | None"
    """How far the load strays."""
    roof_days: "RoofDays | None"
    """Days of less and of more roof."""
    notes: list[str]
    """For the owner."""


def forecast(config: "Config", at: datetime) -> Foreseen:
    """What is known and foreseen from a moment on."""
    from optimizer.cli import house

    costs = prices(config, at)
    notes = list(costs.notes)
    planning = config.planning
    horizon = timedelta(hours=planning.horizon_h)
    step = timedelta(minutes=planning.step_minutes)
    begin, end = floor(at, step), at + horizon + step
    with house.near(config, at) as at_hand:
        expected = house.house(config, begin, end + outlook.WHOLE_DAY, at_hand, planned_to=end)
    notes += expected.notes
    frame = assemble.forecast(
        costs.frame, expected.load, expected.roof, at, horizon, step, costs.origins
    )
    known = frame["end"].iloc[-1].to_pydatetime()
    if known < at + horizon - step:
        notes.append(f"prices, load and roof are known to {iso(known)}: the plan ends there")
    after = _beyond(costs, expected, known, step)
    return Foreseen(frame, after, costs, expected.spread, expected.roof_days, notes)


def _beyond(
    costs: Priced, expected: "House", end: datetime, step: timedelta
) -> pd.DataFrame | None:
    """The day after a plan's end, for what energy is worth then; nothing is planned there."""
    known = costs.frame if costs.tail is None else pd.concat([costs.frame, costs.tail])
    try:
        return assemble.forecast(known, expected.load, expected.roof, end, outlook.WHOLE_DAY, step)
    except DataError:  # nothing is known there, or not all: that costs no plan
        return None


def mean_value(steps: "tuple[ForecastStep, ...]", tail: pd.DataFrame, battery: "Battery") -> float:
    """Worth of energy left at the end [EUR/kWh] where load or roof are not known beyond it.

    A plan often ends with an evening; together with like days' prices its mean is that of a day.
    """
    from optimizer.planning.end_value import auto_end_value
    from optimizer.planning.task import ForecastStep

    rows = zip(
        frames.starts_of(tail), frames.ends_of(tail), tail["buy_eur_per_kwh"].tolist(),
        tail["sell_eur_per_kwh"].tolist(), strict=True,
    )  # fmt: skip
    day = steps[0].start + outlook.WHOLE_DAY
    guessed = [ForecastStep(*row, load_w=0.0, pv_w=0.0) for row in rows if row[0] < day]
    return auto_end_value([*steps, *guessed], battery)


def outlook_notes(end: datetime, tail: pd.DataFrame | None) -> tuple[str, ...]:
    """What the owner should know of prices on the day after a plan that nobody has published."""
    if tail is None or frames.starts_of(tail)[0] >= end + outlook.WHOLE_DAY:
        return ()
    mean = tail["buy_eur_per_kwh"].mean()
    note = (
        "what energy is worth that is left at the end comes from a forecast of the prices after "
        f"{iso(frames.starts_of(tail)[0])} by like days ({mean * 100:.1f} ct on average); nothing "
        "is done at those prices"
    )
    return (note,)
