"""From what a chain of sources gave to the owner's prices: tariff, outlook, and what to say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from optimizer.forecast import assemble, outlook
from optimizer.model import frames
from optimizer.model.quarter import QUARTER
from optimizer.model.tariff import Tariff
from optimizer.sources.quarters import Gathered

SOON = timedelta(days=14)
"""Dated parts of a tariff that end sooner are told in every plan."""


@dataclass(frozen=True, slots=True)
class Priced:
    """Prices of a plan, all-in."""

    frame: pd.DataFrame
    """`buy_eur_per_kwh`, `sell_eur_per_kwh` (and perhaps spot), as far as they are published."""
    origins: Mapping[datetime, str]
    """Where the price of each quarter came from."""
    tail: pd.DataFrame | None
    """The same for the day after, a forecast from like days; None where there are none."""
    grid_charging: bool
    """Whether the prices tell the bill, so that charging from the grid may be planned."""
    notes: tuple[str, ...]


def priced(gathered: Gathered, tariff: Tariff | None, start: datetime) -> Priced | None:
    """Apply the tariff to what is known from `start` on; None if nothing is.

    Raises
    ------
    DataError
        If the tariff's export rule needs a price that the sources do not give.
    """
    known = gathered.frame(start)
    if known.empty:
        return None
    fees = tariff or Tariff(stated=False)
    origins = dict(zip(frames.starts_of(known), known["price_from"].tolist(), strict=True))
    frame = assemble.all_in(known.drop(columns="price_from"), fees)
    notes = [*_failures(gathered, origins.values()), *gathered.notes]
    stated = gathered.basis == "all-in" or fees.stated
    if not stated:
        notes.append(
            "these are prices of the exchange, and [tariff] does not say what is added to them "
            'until they are yours: planned with rule = "pv_only", without charging from the grid'
        )
    if tariff is None and "sell_eur_per_kwh" not in known.columns:
        notes.append("there is no [tariff.export]: fed-in energy is counted with 0 ct")
    if gathered.basis == "net":
        notes += _dates(fees, start)
    return Priced(frame, origins, _tail(gathered, known, fees), stated, tuple(notes))


def _failures(gathered: Gathered, origins: Iterable[str]) -> list[str]:
    """What is to be said of sources that failed, although there are prices."""
    used = set(origins)
    return [
        f"price source '{name}': {error}; what was kept of it is used"
        if f"cached {name}" in used
        else f"price source '{name}' was skipped: {error}"
        for name, error in gathered.failures.items()
    ]


def _dates(tariff: Tariff, start: datetime) -> list[str]:
    """What is to be said of parts that have ended or will soon."""
    if tariff.expired(start):
        part = tariff.on(start)
        return [f"the tariff's parts were valid to {part.valid_to}: look at section [tariff]"]
    ends = tariff.ends
    if ends is not None and ends < (start + SOON).astimezone(tariff.zone).date():
        return [
            f"the tariff's parts are known to {ends}: add a [[tariff.change]] for what comes after"
        ]
    return []


def _tail(gathered: Gathered, known: pd.DataFrame, tariff: Tariff) -> pd.DataFrame | None:
    """Prices of the day after the published ones."""
    end = frames.ends_of(known)[-1]
    until = end + outlook.WHOLE_DAY
    columns = [name for name in known.columns if name not in ("end", "price_from")]
    guesses = []
    for name in columns:
        past = {
            at: quarter.prices[name]
            for at, quarter in gathered.quarters.items()
            if at < end and name in quarter.prices
        }
        guesses.append(outlook.like_days(past, end, until))
    starts = sorted(set.intersection(*(set(guess) for guess in guesses)))
    if not starts:
        return None
    values = {
        name: [guess[at] for at in starts] for name, guess in zip(columns, guesses, strict=True)
    }
    raw = frames.frame_of(starts, [at + QUARTER for at in starts], **values)
    return assemble.all_in(raw, tariff)
