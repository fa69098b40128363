"""Prices of a plan: the owner's tariff on published prices, and an outlook beyond them.

The plan ends where published prices end. The outlook for the day after comes from like days;
nothing is ever done at those prices. They only value the energy left in the battery at the end: by
the mean of a whole day, where the published prices alone would be an evening's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.forecast import forecast_frame
from optimizer.model import frames
from optimizer.model.currency import EUR, Currency
from optimizer.model.moments import QUARTER
from optimizer.model.tariff import Tariff
from optimizer.sources.price_chain import ChainPrices

WHOLE_DAY = timedelta(hours=24)
DAY_QUARTERS = WHOLE_DAY // QUARTER
SHARE = 0.75
"""Share of the last day's distance from its like days that is expected to stay. Over five series
(DE-LU, AT, CH, DK1, 2018 to 2026) 0.75 meets the mean of the next day as well as or better than
1, 0.5 or 0. Against the published part alone at 18:35 it halves the error, over eight series by
0.9 to 2.7 ct/kWh (`tests/bench/outlook.py`); only late prices that lie near the mean do as well."""
LIKE_DAYS = ((7, (1, 2, 3, 4)), (1, (1, 2, 3)))
"""Unit [days] and multiples: the last four same weekdays, or else the last three days."""
SOON = timedelta(days=14)
"""Dated parts of a tariff that end sooner are noted in every plan."""


def like_days(known: np.ndarray, count: int) -> np.ndarray:
    """Prices [EUR/kWh] of the quarter-hours after the published ones, where they have like days.

    The mean of the same quarter of up to four same weekdays, or else of the last three days, moved
    by most of what the last known day lies above its own like days.

    Parameters
    ----------
    known
        (quarters): published prices up to their end, with those of past days, NaN where unknown.
    count
        Quarters wanted.

    Notes
    -----
    Quarters are compared at the same time UTC: in the week after the clocks change the
    shape comes an hour late, which hardly moves a mean.
    """
    end = len(known)
    last_day = np.arange(max(0, end - DAY_QUARTERS), end)
    above = known[last_day] - _like(known, last_day)
    above = above[np.isfinite(above)]
    ahead = _like(known, np.arange(end, end + count))
    unknown = np.isnan(ahead)
    made: np.ndarray = ahead[: int(unknown.argmax()) if unknown.any() else count]
    return made + SHARE * above.mean() if above.size else made


def _like(known: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Mean of the same quarter of like days; NaN if there are none."""
    means = np.full(len(places), np.nan)
    for days, multiples in LIKE_DAYS:
        before = places[:, None] - DAY_QUARTERS * days * np.array(multiples)
        inside = (before >= 0) & (before < len(known))
        values = np.full(before.shape, np.nan)
        values[inside] = known[before[inside]]
        count = np.isfinite(values).sum(axis=1)
        found = np.isnan(means) & (count > 0)
        means[found] = np.nansum(values[found], axis=1) / count[found]
    return means


@dataclass(frozen=True, slots=True)
class TariffPrices:
    """All-in prices of a plan."""

    frame: pd.DataFrame
    """`buy_eur_per_kwh`, `sell_eur_per_kwh` (and perhaps spot) on quarter-hours, as far as they are
    published."""
    tail: pd.DataFrame | None
    """The same for the day after, a forecast from like days; None where there are none."""
    grid_charging: bool
    """The prices are those of the bill, so charging from the grid may be planned."""
    notes: tuple[str, ...]


def priced_by_tariff(
    gathered: ChainPrices, tariff: Tariff | None, start: datetime, money: Currency = EUR
) -> TariffPrices | None:
    """Apply the tariff to the prices known from `start` on; None if there are none.

    Raises
    ------
    DataError
        If the tariff's export rule needs a price that the sources do not give.
    """
    known = gathered.published(start)
    if known.empty:
        return None
    fees = tariff or Tariff(stated=False)
    notes = [*_failures(gathered, known[frames.ORIGIN]), *gathered.notes]
    stated = gathered.basis == "all-in" or fees.stated
    if not stated:
        whose = "net prices" if "energy_eur_per_kwh" in known.columns else "prices of the exchange"
        notes.append(
            f"these are {whose}, and [tariff] does not say what is added to them "
            'until they are yours: planned with rule = "pv_only", without charging from the grid'
        )
    if tariff is None and "sell_eur_per_kwh" not in known.columns:
        notes.append(
            f"there is no [tariff.export]: fed-in energy is counted with 0 {money.price_unit}"
        )
    if gathered.basis == "net":
        notes += _dates(fees, start, money)
    frame = forecast_frame.all_in(known, fees)
    return TariffPrices(frame, _tail(gathered, known, fees), stated, tuple(notes))


def _failures(gathered: ChainPrices, origins: Iterable[str]) -> list[str]:
    """Notes about sources that failed, although there are prices."""
    used = set(origins)
    return [
        f"price source '{name}': {error}; what was kept of it is used"
        if any(f"cached {name}" in origin for origin in used)
        else f"price source '{name}' was skipped: {error}"
        for name, error in gathered.failures.items()
    ]


def _dates(tariff: Tariff, start: datetime, money: Currency) -> list[str]:
    """Notes about parts of the tariff that have ended or will soon."""
    if tariff.operator_fees_over(start):
        fee = money.price(tariff.grid_fee(start), 1)
        return [
            f"the grid fees of {tariff.grid_operator} are known to {tariff.operator_fees_to}: its "
            f"standard fee of {fee} counts in all hours since then; update the program, or write "
            "the new price sheet into a [[tariff.change]]"
        ]
    if tariff.expired(start):
        part = tariff.on(start)
        return [f"the tariff's parts were valid to {part.valid_to}: look at section [tariff]"]
    ends = tariff.ends
    if ends is not None and ends < (start + SOON).astimezone(tariff.time_zone).date():
        return [
            f"the tariff's parts are known to {ends}: add a [[tariff.change]] for what comes after"
        ]
    return []


def _tail(gathered: ChainPrices, known: pd.DataFrame, tariff: Tariff) -> pd.DataFrame | None:
    """Prices of the day after the published ones."""
    end = frames.ends_of(known)[-1]
    past = frames.steps(frames.starts_of(gathered.frame)[0], end, QUARTER)
    prices = gathered.frame.reindex(past.index)
    names = known.columns.drop(["end", frames.ORIGIN])
    guesses = {name: like_days(prices[name].to_numpy(), DAY_QUARTERS) for name in names}
    count = min(len(guess) for guess in guesses.values())
    if count == 0:
        return None
    made = frames.steps(end, end + count * QUARTER, QUARTER)
    values = {name: guess[:count] for name, guess in guesses.items()}
    return forecast_frame.all_in(made.assign(**values, origin="forecast like days"), tariff)
