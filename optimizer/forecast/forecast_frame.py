"""Prices, load and PV on the planner's steps: the one frame that a plan is made from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from optimizer.errors import DataError
from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.model.plan import iso
from optimizer.model.tariff import ExportKind, Tariff


@dataclass(frozen=True, slots=True)
class ExpectedSeries:
    """A checked frame, and notes for the owner about its provenance."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def all_in(prices: pd.DataFrame, tariff: Tariff) -> pd.DataFrame:
    """Buying and selling prices [EUR/kWh] from a price source's answer.

    All-in prices pass unchanged. Net prices (the exchange's, or those stated instead) meet the
    tariff on quarter-hours, so that a fee window that begins within an hourly price is right.

    Raises
    ------
    DataError
        If the tariff's export rule needs a price that the source does not give.
    """
    if {"buy_eur_per_kwh", "sell_eur_per_kwh"} <= set(prices.columns):
        return prices
    end = frames.ends_of(prices)[-1]
    fine = frames.on_steps(prices, frames.steps(frames.starts_of(prices)[0], end, QUARTER))
    starts = frames.starts_of(fine)
    spot = fine["spot_eur_per_kwh"].tolist() if "spot_eur_per_kwh" in fine.columns else None
    if not {"buy_eur_per_kwh", "energy_eur_per_kwh", "spot_eur_per_kwh"} & set(prices.columns):
        raise DataError(
            "prices: the source answers only what is paid for energy fed in: name your own prices "
            'by sources = ["fixed"], and it under spot_sources with kind = "series" in '
            "[tariff.export]"
        )
    if "buy_eur_per_kwh" not in fine.columns:
        net = fine["energy_eur_per_kwh"] if "energy_eur_per_kwh" in fine.columns else spot
        pairs = zip(net if net is not None else [], starts, strict=True)
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
            "prices: tariff.export follows the spot price, which this price source does not give: "
            'set a fixed pay, or with sources = ["fixed"] name spot_sources'
        )
    return [tariff.sell(0.0, at) for at in starts]


def forecast(
    prices: pd.DataFrame,
    load: pd.DataFrame,
    pv: pd.DataFrame | None,
    start: datetime,
    horizon: timedelta,
    step: timedelta,
    money_size: float = 1.0,
) -> pd.DataFrame:
    """The forecast frame from `start` on, as far as prices, load and PV are known.

    Steps end on multiples of `step`. The first one begins at `start`: only the rest of the running
    step is planned, with the means over that rest.

    Parameters
    ----------
    prices
        `buy_eur_per_kwh`, `sell_eur_per_kwh` [EUR/kWh], and perhaps `spot_eur_per_kwh`.
    load, pv
        `load_w` and `pv_w` [W]; no PV is 0 W.
    money_size
        Units of the prices' currency that are about one EUR.

    Returns
    -------
    DataFrame
        Columns of all three; where an input has an `origin`, it becomes `price_from`, `load_from`
        or `pv_from`.

    Raises
    ------
    DataError
        If the first step is not covered, or a gap lies within the horizon.
    """
    series = {"prices": prices, "load": load} | ({} if pv is None else {"roof": pv})
    known = min(frames.ends_of(frame)[-1] for frame in series.values())
    made = frames.steps(start, min(start + horizon, known), step, whole=False)
    for name, frame in series.items():
        first, last = frames.starts_of(frame)[0], frames.ends_of(frame)[-1]
        if first > start or (made.empty and last == known):
            raise DataError(_not_covered(name, first, last, start, step))
    sources = (("price_from", prices), ("load_from", load), ("pv_from", pv))
    for provenance, source in sources:
        if source is None:
            made["pv_w"] = 0.0
            continue
        part = frames.on_steps(source, made).drop(columns="end")
        made = made.join(part.rename(columns={frames.ORIGIN: provenance}))
    return frames.check(made, frames.FORECAST, "forecast", money_size)


def _not_covered(
    name: str, first: datetime, last: datetime, start: datetime, step: timedelta
) -> str:
    """The sentence for a series that does not cover the first step."""
    text = f"{name}: known from {iso(first)} to {iso(last)}, the plan starts at {iso(start)}"
    if not first <= start < last:
        return text
    (end,) = frames.ends_of(frames.steps(start, start + step, step))[:1]
    return f"{text} and its first step ends at {iso(end)}"
