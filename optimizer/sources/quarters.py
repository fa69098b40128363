"""Prices on quarter-hours, each with the place that it came from."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from optimizer.errors import OptimizerError
from optimizer.model import frames
from optimizer.model.quarter import QUARTER, floor
from optimizer.store.price_days import PriceStep

SHORT_GAP = 2
"""Most quarters that are filled between two known ones."""
COLUMNS = ("spot_eur_per_kwh", "buy_eur_per_kwh", "sell_eur_per_kwh")


class Quarter(NamedTuple):
    """Prices of a quarter-hour, and where they came from."""

    prices: Mapping[str, float]
    origin: str
    """`published`, `cached` or `filled`, and a source's name."""


Quarters = dict[datetime, Quarter]


@dataclass(slots=True)
class Gathered:
    """What a chain gave."""

    quarters: Quarters = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: dict[str, OptimizerError] = field(default_factory=dict)
    basis: str = ""
    """`net` or `all-in`."""
    used: list[str] = field(default_factory=list)
    """Sources whose prices are in it."""

    def missing(self, start: datetime, end: datetime) -> int:
        """Count of quarters between two moments that are not known."""
        return sum(at not in self.quarters for at in quarters_of(start, end))

    def frame(self, start: datetime) -> pd.DataFrame:
        """Quarters from a moment up to the first that is not known; empty if it is not.

        A column that some of them do not have is left out. `price_from` tells where from.
        """
        at, known = floor(start), list[datetime]()
        while at in self.quarters:
            known.append(at)
            at += QUARTER
        rows = [self.quarters[at] for at in known]
        columns = {
            name: [row.prices[name] for row in rows]
            for name in COLUMNS
            if all(name in row.prices for row in rows)
        }
        if not known:
            return pd.DataFrame()
        made = frames.frame_of(known, [at + QUARTER for at in known], **columns)
        return made.assign(price_from=[row.origin for row in rows])


def quarters_of(start: datetime, end: datetime) -> Iterator[datetime]:
    """Starts of the quarters that a span touches."""
    at = floor(start)
    while at < end:
        yield at
        at += QUARTER


def steps_of(frame: pd.DataFrame) -> list[PriceStep]:
    """A source's frame as plain steps."""
    columns = [name for name in COLUMNS if name in frame.columns]
    values = zip(*(frame[name].astype(float).tolist() for name in columns), strict=True)
    moments = zip(frames.starts_of(frame), frames.ends_of(frame), values, strict=True)
    return [
        PriceStep(start, end, dict(zip(columns, row, strict=True))) for start, end, row in moments
    ]


def spread(steps: Iterable[PriceStep], origin: str) -> Quarters:
    """Steps of any length as quarters; an hourly price holds for its four."""
    made: Quarters = {}
    for step in steps:
        for at in quarters_of(step.start, step.end):
            made[at] = Quarter(step.prices, origin)
    return made


def fill_short_gaps(quarters: Quarters, start: datetime) -> None:
    """Give a gap of at most two quarters the mean of its neighbours, and say so."""
    known = sorted(at for at in quarters if at + QUARTER >= floor(start))
    for before, after in itertools.pairwise(known):
        gap = (after - before) // QUARTER - 1
        if not 1 <= gap <= SHORT_GAP:
            continue
        left, right = quarters[before].prices, quarters[after].prices
        mean = {name: (left[name] + right[name]) / 2 for name in left if name in right}
        for place in range(1, gap + 1):
            quarters[before + place * QUARTER] = Quarter(mean, "filled gap")
