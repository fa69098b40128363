"""Put prices, load and roof together into the one frame that a plan is made from."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd

from optimizer.errors import DataError
from optimizer.forecast import steps
from optimizer.model import frames
from optimizer.model.plan import iso
from optimizer.model.quarter import QUARTER, floor
from optimizer.model.tariff import ExportKind, Tariff


def all_in(prices: pd.DataFrame, tariff: Tariff) -> pd.DataFrame:
    """Buying and selling prices [EUR/kWh] from a price source's answer.

    All-in prices pass as they are. Spot prices meet the tariff on quarter-hours, so that a fee
    window that begins within an hourly price is right.

    Raises
    ------
    DataError
        If the tariff wants a selling price from the series and the series has none.
    """
    if {"buy_eur_per_kwh", "sell_eur_per_kwh"} <= set(prices.columns):
        return prices
    start, end = frames.starts_of(prices)[0], frames.ends_of(prices)[-1]
    starts = steps.grid(start, end, QUARTER)
    fine = steps.resample(prices, starts, QUARTER)
    spot = fine["spot_eur_per_kwh"].tolist() if "spot_eur_per_kwh" in fine.columns else None
    if "buy_eur_per_kwh" not in fine.columns:
        pairs = zip(spot or [], starts, strict=True)
        fine["buy_eur_per_kwh"] = [tariff.buy(price, at) for price, at in pairs]
    if tariff.export.kind is not ExportKind.SERIES:
        fine["sell_eur_per_kwh"] = _sell(tariff, spot, starts)
    elif "sell_eur_per_kwh" not in fine.columns:
        raise DataError(
            "prices: tariff.export.kind is 'series', but the price source has no column "
            "'sell_eur_per_kwh'"
        )
    return fine


def _sell(tariff: Tariff, spot: list[float] | None, starts: list[datetime]) -> list[float]:
    """Pay for sold energy [EUR/kWh] by the tariff's export rule."""
    if spot is not None:
        return [tariff.sell(price, at) for price, at in zip(spot, starts, strict=True)]
    rule = tariff.export
    if rule.kind is ExportKind.SPOT or rule.zero_when_spot_negative:
        raise DataError(
            "prices: tariff.export follows the spot price, which this price source does not tell: "
            "set a fixed pay"
        )
    return [tariff.sell(0.0, at) for at in starts]


def forecast(
    prices: pd.DataFrame,
    load: pd.DataFrame,
    roof: pd.DataFrame | None,
    start: datetime,
    horizon: timedelta,
    step: timedelta,
    origins: Mapping[datetime, str] | None = None,
) -> pd.DataFrame:
    """The forecast frame from `start` on, as far as prices, load and roof are known.

    Parameters
    ----------
    prices
        `buy_eur_per_kwh`, `sell_eur_per_kwh` (and perhaps `spot_eur_per_kwh`).
    load, roof
        `load_w` and `pv_w`; no roof is a roof of 0 W.
    origins
        Where the price of each quarter came from, for the column `price_from`.

    Raises
    ------
    DataError
        If the first step is not covered, or a gap lies within the horizon.
    """
    series = {"prices": prices, "load": load} | ({} if roof is None else {"roof": roof})
    known = min(frames.ends_of(frame)[-1] for frame in series.values())
    starts = steps.grid(start, min(start + horizon, known), step)
    for name, frame in series.items():
        first, last = frames.starts_of(frame)[0], frames.ends_of(frame)[-1]
        if first > floor(start, step) or (not starts and last == known):
            raise DataError(
                f"{name}: known from {iso(first)} to {iso(last)}, the plan starts at {iso(start)}"
            )
    parts = [steps.resample(frame, starts, step) for frame in series.values()]
    joined = pd.concat([parts[0], *(part.drop(columns="end") for part in parts[1:])], axis=1)
    if roof is None:
        joined["pv_w"] = 0.0
    joined["price_from"] = [steps.origin(origins or {}, at, step) for at in starts]
    return frames.check(joined, frames.FORECAST, "forecast")
