"""Report of a series that was read: how a source was understood, as text and as `series/1`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.forecast import plausible_sizes
from optimizer.model import frames
from optimizer.model.currency import EUR, Currency
from optimizer.model.plan import iso

SCHEMA = "series/1"
FIRST_ROWS = 4
SHOWN_HOLES = 5
COLUMNS = {
    "load": ("load_w",),
    "pv": ("pv_w",),
    "prices": ("spot_eur_per_kwh", "energy_eur_per_kwh", "buy_eur_per_kwh", "sell_eur_per_kwh"),
}
"""Columns of each kind of series, those that are there."""
DIGITS = {"W": 1, "EUR/kWh": 6}
HOUR, DAY_H = timedelta(hours=1), 24.0


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """A series, and what was understood of it.

    Parameters
    ----------
    kind
        `load`, `pv` or `prices`.
    facts
        Further lines: name and text.
    kwp
        Peak power of the modules [kW], for the size of PV; 0 if it is unknown.
    """

    kind: str
    source: str
    frame: pd.DataFrame
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kwp: float = 0.0
    money: Currency = EUR
    """Currency of prices."""

    @property
    def columns(self) -> list[str]:
        """Value columns that are shown."""
        return [name for name in COLUMNS[self.kind] if name in self.frame.columns]

    @property
    def holes(self) -> list[tuple[datetime, datetime]]:
        """Times between rows that are not known."""
        pairs = zip(frames.starts_of(self.frame), frames.ends_of(self.frame), strict=True)
        return [(end, start) for (_, end), (start, _) in pairwise(pairs) if start > end]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about sizes that a house cannot have."""
        shown = self.frame[["end", *self.columns]]
        return plausible_sizes.warnings(shown, self.kwp, money=self.money)

    def as_json(self) -> dict[str, Any]:
        """The series as `series/1`."""
        units = {name: DIGITS[frames.COLUMNS[name].unit] for name in self.columns}
        values = {name: self.frame[name].astype(float).round(n).tolist()
                  for name, n in units.items()}  # fmt: skip
        rows = [
            {"start": iso(start), "end": iso(end)}
            | {name: _known(values[name][place]) for name in self.columns}
            for place, (start, end) in enumerate(
                zip(frames.starts_of(self.frame), frames.ends_of(self.frame), strict=True)
            )
        ]
        return {
            "schema": SCHEMA, "kind": self.kind, "source": self.source, "facts": dict(self.facts),
            "step_s": round(frames.step_of(self.frame).total_seconds()), "rows": rows,
            "holes": [{"start": iso(begin), "end": iso(end)} for begin, end in self.holes],
            "notes": [*self.warnings, *self.notes],
        }  # fmt: skip

    def table(self) -> tuple[list[str], list[dict[str, Any]]]:
        """Columns and rows for a CSV file."""
        return ["start", "end", *self.columns], self.as_json()["rows"]

    def lines(self, zone: ZoneInfo, now: datetime) -> Iterator[str]:
        """Lines for the owner."""
        yield f"{self.kind}: {self.source}"
        step = frames.step_of(self.frame) / timedelta(minutes=1)
        starts, ends = frames.starts_of(self.frame), frames.ends_of(self.frame)
        facts = dict(self.facts) | {
            "span": f"{_at(starts[0], zone)} to {_at(ends[-1], zone)}, {len(starts)} steps of "
            f"{step:g} min",
            "holes": self._holes(zone),
        } | (self._prices(now) if self.kind == "prices" else self._energy())  # fmt: skip
        yield from (f"  {name:7} {text}" for name, text in facts.items())
        yield from (f"  warning: {text}" for text in self.warnings)
        yield from (f"  note: {text}" for text in self.notes)
        yield ""
        yield from self._first_rows(zone)

    def _holes(self, zone: ZoneInfo) -> str:
        holes = self.holes
        if not holes:
            return "none"
        hours = sum((end - begin) / HOUR for begin, end in holes)
        shown = ", ".join(f"{_at(a, zone)} to {_at(b, zone)}" for a, b in holes[:SHOWN_HOLES])
        more = "" if len(holes) <= SHOWN_HOLES else ", ..."
        return f"{len(holes)}, {hours:g} h in all: {shown}{more}"

    def _energy(self) -> dict[str, str]:
        series = self.frame[self.columns[0]].astype(float)
        kwh = plausible_sizes.annual_kwh(series, self.frame)
        a_day = kwh / plausible_sizes.YEAR_H * DAY_H
        year = f", {kwh:.0f} kWh a year" if self.kind == "load" else ""
        return {"energy": f"{a_day:.1f} kWh a day{year}; highest {series.max():.0f} W"}

    def _prices(self, now: datetime) -> dict[str, str]:
        facts = {}
        for name in self.columns:
            prices, shown = self.frame[name].astype(float), self._number
            inside = prices[(prices.index <= now) & (self.frame["end"] > now)]
            present = (
                f"{shown(inside.iloc[0])} {self.money.price_unit}/kWh now"
                if len(inside)
                else "not known for now"
            )
            facts[name.removesuffix("_eur_per_kwh")] = (
                f"{present}; lowest {shown(prices.min())}, highest {shown(prices.max())}, "
                f"mean {shown(prices.mean())}"
            )
        return facts

    def _number(self, price: float) -> str:
        return self.money.number(price, 1)

    def _first_rows(self, zone: ZoneInfo) -> Iterator[str]:
        heads = [_head(name, self.money) for name in self.columns]
        yield "".join(["start           ", *(f"{head:>12}" for head in heads)])
        for place, start in enumerate(frames.starts_of(self.frame)[:FIRST_ROWS]):
            cells = (
                _cell(name, float(self.frame[name].iloc[place]), self.money)
                for name in self.columns
            )
            yield "".join([_at(start, zone), *(f"{cell:>12}" for cell in cells)])


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d.%m.%Y %H:%M}"


def _known(value: float) -> float | None:
    return None if pd.isna(value) else value


def _head(name: str, money: Currency) -> str:
    return name.replace("_eur_per_kwh", f" {money.price_unit}").replace("_w", " W")


def _cell(name: str, value: float, money: Currency) -> str:
    if pd.isna(value):
        return "-"
    return money.number(value, 1) if name.endswith("_eur_per_kwh") else f"{value:.0f}"
