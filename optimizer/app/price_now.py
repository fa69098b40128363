"""The price of this moment, all-in, for comparison with the bill."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from optimizer.app import house_forecast
from optimizer.doctor import number_findings
from optimizer.doctor.finding import Finding
from optimizer.errors import OptimizerError
from optimizer.forecast import forecast_frame, plausible_sizes
from optimizer.model.tariff import Tariff
from optimizer.sources import price_chain, registry
from optimizer.sources.source_settings import Span

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.config.sections import Config


def price_in(frame: "pd.DataFrame", config: "Config", now: datetime) -> Finding | None:
    """The price now, from the prices of one source; None if they do not cover this moment."""
    tariff = config.tariff or Tariff(stated=False)
    covering = frame[(frame.index <= now) & (frame["end"] > now)]
    if covering.empty:
        return None
    priced = forecast_frame.all_in(covering, tariff).iloc[0]
    net = "buy_eur_per_kwh" not in frame.columns
    found = number_findings.price_now(
        float(priced["buy_eur_per_kwh"]), float(priced["sell_eur_per_kwh"]),
        _net(covering) if net else None, tariff if net else None, config.money,
    )  # fmt: skip
    doubts = plausible_sizes.warnings(forecast_frame.all_in(frame, tariff), money=config.money)
    if not doubts:
        return found
    text = "; ".join((found.text, *doubts))
    return number_findings.NUMBERS.warn(
        "price now", text, "compare the prices with your bill ('optimizer read prices --explain')"
    )


def _net(covering: "pd.DataFrame") -> float:
    """The net price that the tariff meets: the stated one, or the exchange's."""
    names = ("energy_eur_per_kwh", "spot_eur_per_kwh")
    return float(covering[next(name for name in names if name in covering)].iloc[0])


def price_now(config: "Config", now: datetime) -> Finding | None:
    """The price now, from the first source that answers; nothing is stored.

    Raises
    ------
    OptimizerError
        If none answers: the first one's error.
    """
    span, failed = Span(now, now + timedelta(hours=1), config.zone), None
    with house_forecast.source_context(config, now) as context:
        for name in config.prices.sources:
            try:
                frame = registry.fetch(registry.PRICES, name, config.prices, span, context.http)
                frame = price_chain.exchange_beside(frame, config.prices, span, context.http)
            except OptimizerError as error:
                failed = failed or error
                continue
            found = price_in(frame, config, now)
            if found is not None:
                return found
    if failed is not None:
        raise failed
    return None
