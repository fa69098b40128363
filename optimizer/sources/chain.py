"""Prices from a chain of sources: kept days first, then the services in their order.

A source later in the chain fills only quarter-hours that the ones before it do not have, and only
with prices of the same kind: net exchange prices and all-in prices are never mixed. Every quarter
knows where its price came from.
"""

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from optimizer.errors import OptimizerError
from optimizer.model.plan import iso
from optimizer.model.quarter import floor
from optimizer.sources import plausible, registry
from optimizer.sources.failures import NotPublishedError
from optimizer.sources.http import Http
from optimizer.sources.quarters import (
    Gathered,
    fill_short_gaps,
    quarters_of,
    spread,
    steps_of,
)
from optimizer.sources.series import local_dates, midnight
from optimizer.sources.settings import PriceSettings, Span
from optimizer.store import price_days
from optimizer.store.price_days import PriceDay, PriceStep

KEPT_DAYS = 35
"""Days before today that are asked for once and kept: four like weekdays, a month's median."""
ENOUGH_DAYS = 20
HOUR = timedelta(hours=1)
EXPECTED = time(13)
"""Local time from which on tomorrow's prices are expected."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of price sources for one owner.

    Parameters
    ----------
    names, settings
        As configured.
    http
        The way to the services.
    store
        Where published days are kept; None keeps nothing.
    now
        The moment of asking.
    """

    names: Sequence[str]
    settings: PriceSettings
    http: Http
    store: sqlite3.Connection | None
    now: datetime

    def expected_end(self, span: Span) -> datetime:
        """Up to when prices should be known: the end of today, from early afternoon of tomorrow."""
        local = self.now.astimezone(span.zone)
        days = 2 if local.time() >= EXPECTED else 1
        return min(midnight(local.date() + timedelta(days=days), span), span.end)

    def gather(self, span: Span, skip: Collection[str] = ()) -> Gathered:
        """Prices for a span, as far as they are known; failures are noted and not raised.

        Parameters
        ----------
        skip
            Sources that are not asked; what is kept of them is used.
        """
        made, end = Gathered(), self.expected_end(span)
        for name in self.names:
            if made.used and not made.missing(span.start, end):
                break
            fresh, kept = list[PriceStep](), list[PriceStep]()
            try:
                source = registry.find(registry.PRICES, name, self.settings.section)
                days = self._kept(name, source, span)
                kept += [step for day in days for step in day.steps]
                known = made.quarters.keys() | spread(kept, "").keys()
                if name not in skip and any(at not in known for at in quarters_of(span.start, end)):
                    fresh = self._ask(name, source, span, days, made)
            except OptimizerError as error:
                made.failures[name] = error
            self._merge(made, name, fresh, kept, span)
            late = fresh and made.missing(span.start, end) and registry.PRICES[name].kept
            if late and name not in made.failures:
                last = max(step.end for step in fresh)
                made.failures[name] = NotPublishedError(f"{name} has prices to {iso(last)} so far")
        fill_short_gaps(made.quarters, span.start)
        return made

    def kept_days(self, name: str, span: Span) -> int:
        """How many days of a source are kept."""
        source = registry.PRICES.get(name)
        return 0 if source is None else len(self._kept(name, source, span))

    def _ask(
        self, name: str, source: registry.Source[PriceSettings], span: Span, days: list[PriceDay],
        made: Gathered,
    ) -> list[PriceStep]:  # fmt: skip
        """Ask a service, from the last day that is kept to the end of tomorrow, and keep it."""
        today = local_dates(span)[0]
        first = today
        if source.kept:
            newest = min(today, days[-1].day) if days else today
            first = newest if len(days) >= ENOUGH_DAYS else today - timedelta(days=KEPT_DAYS)
        wide = Span(midnight(first, span), midnight(today + timedelta(days=2), span), span.zone)
        frame = source.fetch(self.settings, wide, self.http)
        oldest = midnight(today - timedelta(days=KEPT_DAYS), span)
        fresh = [step for step in steps_of(frame) if step.end > oldest]
        if source.kept:
            plausible.check(name, fresh, [step for day in days for step in day.steps])
            self._keep(name, fresh, days, span)
        return fresh

    def _merge(
        self, made: Gathered, name: str, fresh: list[PriceStep], kept: list[PriceStep], span: Span
    ) -> None:
        """Add what is new, if it is of the same kind."""
        new = spread(kept, f"cached {name}")
        new |= spread(fresh, f"{'filled' if made.used else 'published'} {name}")
        new = {at: quarter for at, quarter in new.items() if at not in made.quarters}
        if not new:
            return
        prices = next(iter(new.values())).prices
        basis = "all-in" if "buy_eur_per_kwh" in prices else "net"
        if made.basis not in ("", basis):
            made.notes.append(
                f"prices of {name} are {basis}, those of {made.used[0]} {made.basis}: not mixed"
            )
            return
        if made.used and not self._agrees(made, name, fresh):
            return
        if basis == "net" and plausible.repeats(fresh, span.zone):
            made.notes.append(f"{name} has the same prices for two days: it may repeat itself")
        ahead = [at for at in new if floor(span.start) <= at < span.end]
        if ahead and name != self.names[0]:
            hourly = " (hourly ones)" if all(s.end - s.start == HOUR for s in fresh or kept) else ""
            many = f"{len(ahead)} quarter-hours of prices{hourly}"
            made.notes.append(f"{name} {'fills in' if made.used else 'stands in with'} {many}")
        made.quarters |= new
        made.basis = basis
        made.used.append(name)
        currency = registry.PRICES[name].currency
        if currency != "EUR":
            made.notes.append(f"prices of {name} are in {currency}: read EUR as {currency}")

    def _agrees(self, made: Gathered, name: str, fresh: list[PriceStep]) -> bool:
        """Whether a source agrees with those before it where both know the price."""
        theirs = {at: quarter.prices for at, quarter in made.quarters.items()}
        mine = {at: quarter.prices for at, quarter in spread(fresh, "").items()}
        apart = plausible.apart(theirs, mine)
        if apart is None:
            return True
        usable, text = apart
        made.notes.append(f"{name} and {made.used[0]} differ for the same hours: {text}")
        return usable

    def _kept(
        self, name: str, source: registry.Source[PriceSettings], span: Span
    ) -> list[PriceDay]:
        """The days of this source that are kept, oldest first."""
        if self.store is None or not source.kept:
            return []
        oldest = local_dates(span)[0] - timedelta(days=KEPT_DAYS)
        try:
            return price_days.kept(self.store, name, self.settings.place, oldest)
        except sqlite3.Error:  # a locked or full disk must not cost a plan
            return []

    def _keep(self, name: str, steps: list[PriceStep], before: list[PriceDay], span: Span) -> None:
        """Keep days, unless more of one is kept already."""
        if self.store is None:
            return
        days: dict[date, list[PriceStep]] = {}
        for step in steps:
            days.setdefault(step.start.astimezone(span.zone).date(), []).append(step)
        had = {day.day: len(day.steps) for day in before}
        found = [
            PriceDay(day, self.now, tuple(rows))
            for day, rows in days.items()
            if len(rows) >= had.get(day, 0)
        ]
        oldest = local_dates(span)[0] - timedelta(days=2 * KEPT_DAYS)
        with suppress(sqlite3.Error):
            price_days.keep(self.store, name, self.settings.place, found, oldest)
