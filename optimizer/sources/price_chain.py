"""Prices from a chain of sources, in the order of the configuration.

A later source fills only quarter-hours that the ones before it lack, and only with prices of the
same kind: net exchange prices and all-in prices are never mixed. Each quarter-hour carries its
origin: `published`, `cached` or `filled`, and the name of the source.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from optimizer.errors import DataError, OptimizerError
from optimizer.http.failures import BusyError, NotPublishedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames, moments
from optimizer.model.currency import Currency
from optimizer.model.moments import QUARTER, floor
from optimizer.model.plan import iso
from optimizer.sources import fixed_price, price_checks, registry
from optimizer.sources.cached_source import CachedSources, SourceResult
from optimizer.sources.parsing import midnight
from optimizer.sources.source_settings import PriceSettings, Span

KEPT_DAYS = 35
"""Days before today that are asked for once and cached: four like weekdays, a month's median."""
HOUR = timedelta(hours=1)
EXPECTED = time(13)
"""Local time from which on the prices of tomorrow are expected."""
SHORT_GAP = 2
"""Most quarter-hours that are filled between two known ones."""
FIRST_PAUSE_S = 10.0
NOT_STATED: dict[str, Any] = {
    "eur_per_kwh": None, "window": (), "all_in": False, "spot_sources": ()
}  # fmt: skip
"""Settings of prices that nobody states."""


def _nothing() -> pd.DataFrame:
    return frames.steps(moments.FIRST, moments.FIRST, QUARTER)


@dataclass(slots=True)
class ChainPrices:
    """Prices that a chain has gathered."""

    frame: pd.DataFrame = field(default_factory=_nothing)
    """Known quarter-hours with their `origin`; columns of some sources only are NaN elsewhere."""
    notes: list[str] = field(default_factory=list)
    failures: dict[str, OptimizerError] = field(default_factory=dict)
    basis: str = ""
    """`net` or `all-in`."""
    used: list[str] = field(default_factory=list)
    """Sources whose prices are in it."""

    def missing(self, start: datetime, end: datetime) -> pd.DataFrame:
        """The quarter-hours between two moments that are not known, as steps."""
        steps = frames.steps(start, end + QUARTER - timedelta.resolution, QUARTER)
        return steps[~steps.index.isin(self.frame.index)]

    def published(self, start: datetime) -> pd.DataFrame:
        """Quarter-hours from a moment up to the first that is not known.

        Columns that some of them lack are left out.
        """
        ahead = self.frame[self.frame.index >= floor(start)]
        steps = frames.steps(start, floor(start) + len(ahead) * QUARTER, QUARTER)
        known = int((ahead.index == steps.index).cumprod().sum())
        return ahead.iloc[:known].dropna(axis="columns")


@dataclass(frozen=True, slots=True)
class PriceChain:
    """A chain of price sources for one owner.

    Parameters
    ----------
    names, settings
        As configured.
    """

    names: Sequence[str]
    settings: PriceSettings
    sources: CachedSources

    def expected_end(self, span: Span) -> datetime:
        """End of the time whose prices should be known: today, from early afternoon tomorrow."""
        local = self.sources.now.astimezone(span.zone)
        days = 2 if local.time() >= EXPECTED else 1
        return min(midnight(local.date() + timedelta(days=days), span), span.end)

    def gather(self, span: Span, skip: Collection[str] = ()) -> ChainPrices:
        """Prices for a span, as far as they are known; failures are noted and not raised.

        Parameters
        ----------
        skip
            Sources that are not asked; cached prices of them are used.
        """
        made, end = ChainPrices(), self.expected_end(span)
        for name in self.names:
            wanted = made.missing(span.start, end)
            if made.used and wanted.empty:
                break
            try:
                found = self._ask(name, span, wanted[:0] if name in skip else wanted)
            except OptimizerError as error:
                made.failures[name] = error
                continue
            if found.failure is not None:
                made.failures[name] = found.failure
            self._merge(made, name, found, span)
            if found.answer is None or not registry.PRICES[name].kept:
                continue
            if not made.missing(span.start, end).empty:
                last = iso(frames.ends_of(found.answer)[-1])
                made.failures[name] = NotPublishedError(f"{name} has prices to {last} so far")
        made.frame = _short_gaps_filled(made.frame, span.start)
        if self.settings.spot_sources:
            self._add_exchange(made, span, skip)
        return made

    def _add_exchange(self, made: ChainPrices, span: Span, skip: Collection[str]) -> None:
        """Put the exchange's prices beside the stated ones, which then reach as far as those."""
        settings = replace(self.settings, sources=self.settings.spot_sources, **NOT_STATED)
        exchange = replace(self, names=settings.sources, settings=settings).gather(span, skip)
        made.frame = fixed_price.with_exchange(made.frame, exchange.frame)
        made.notes += exchange.notes
        made.failures |= exchange.failures
        made.used += exchange.used

    def kept_days(self, name: str, span: Span) -> int:
        """Count of the local days of a source that are cached."""
        return self.sources.kept_days(registry.PRICES, name, self.settings, span.zone)

    def _ask(self, name: str, span: Span, wanted: pd.DataFrame) -> SourceResult:
        """Ask for the last weeks to the end of tomorrow, and cut the result to that time."""
        today = self.sources.now.astimezone(span.zone).date()
        oldest = midnight(today - timedelta(days=KEPT_DAYS), span)
        wide = Span(oldest, midnight(today + timedelta(days=2), span), span.zone)
        found = self.sources.ask(registry.PRICES, name, self.settings, wide, wanted)
        if found.frame is None:
            return found
        recent = found.frame[found.frame["end"] > oldest]
        if recent.empty:
            kind = NotPublishedError if registry.PRICES[name].kept else DataError
            raise kind(  # a file is not asked again
                f"{name} has prices from {iso(frames.starts_of(found.frame)[0])} to "
                f"{iso(frames.ends_of(found.frame)[-1])}, the plan starts at {iso(span.start)}"
            )
        return SourceResult(recent, found.failure, found.answer)

    def _merge(self, made: ChainPrices, name: str, found: SourceResult, span: Span) -> None:
        """Add the quarter-hours that are missing, if they are of the same kind."""
        if found.frame is None:
            return
        answered = found.frame if found.answer is None else found.answer
        quarters = _quarters_of(found.frame)
        new = quarters[~quarters.index.isin(made.frame.index)]
        if new.empty:
            return
        basis = "all-in" if "buy_eur_per_kwh" in new.columns else "net"
        if made.basis not in ("", basis):
            made.notes.append(
                f"prices of {name} are {basis}, those of {made.used[0]} {made.basis}: not mixed"
            )
            return
        if made.used and not _agrees(made, name, found.answer, self.settings.money):
            return
        made.notes += self._notes(made, name, answered, new, span)
        if made.used:
            origin = new[frames.ORIGIN].str.replace("published", "filled")
            new = pd.concat([made.frame, new.assign(origin=origin)])
        made.frame, made.basis = new.sort_index(), basis
        made.used.append(name)

    def _notes(
        self, made: ChainPrices, name: str, frame: pd.DataFrame, new: pd.DataFrame, span: Span
    ) -> list[str]:
        """Notes about a source whose prices are used."""
        notes = list(frames.notes_of(frame))
        if "spot_eur_per_kwh" in new.columns and price_checks.repeats(frame, span.zone):
            notes.append(f"{name} has the same prices for two days: it may repeat itself")
        ahead = int(((new.index >= floor(span.start)) & (new.index < span.end)).sum())
        if ahead and name != self.names[0]:
            hourly = " (hourly ones)" if bool((frame["end"] - frame.index == HOUR).all()) else ""
            word = "fills in" if made.used else "stands in with"
            notes.append(f"{name} {word} {ahead} quarter-hours of prices{hourly}")
        return notes


def exchange_beside(
    stated: pd.DataFrame, settings: PriceSettings, span: Span, http: ServiceClient
) -> pd.DataFrame:
    """Stated prices with those of the first of their `spot_sources` that answers; nothing is kept.

    Raises
    ------
    OptimizerError
        If none answers: the first one's error.
    """
    failed: OptimizerError | None = None
    for name in settings.spot_sources:
        try:
            found = registry.fetch(registry.PRICES, name, settings, span, http)
        except OptimizerError as error:
            failed = failed or error
            continue
        return beside(stated, found)
    if failed is not None:
        raise failed
    return stated


def beside(stated: pd.DataFrame, exchange: pd.DataFrame) -> pd.DataFrame:
    """Stated prices with those of an exchange's answer, as far as both are known."""
    return fixed_price.with_exchange(stated, _quarters_of(exchange))


def _quarters_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Known quarter-hours of a frame; an hourly price holds for its four."""
    start, end = frames.starts_of(frame)[0], frames.ends_of(frame)[-1]
    quarters = frames.on_steps(frame, frames.steps(start, end, QUARTER))
    return quarters[quarters[price_checks.prices_of(quarters).name].notna()]


def _agrees(made: ChainPrices, name: str, answer: pd.DataFrame | None, money: Currency) -> bool:
    """Compare a source with those before it where both know the price; note a distance."""
    if answer is None:
        return True
    apart = price_checks.apart(made.frame, _quarters_of(answer), money)
    if apart is None:
        return True
    usable, text = apart
    made.notes.append(f"{name} and {made.used[0]} differ for the same hours: {text}")
    return usable


def _short_gaps_filled(frame: pd.DataFrame, start: datetime) -> pd.DataFrame:
    """The frame with gaps of at most two quarter-hours from `start` on filled by the mean."""
    parts = [frame]
    for place, (before, after) in enumerate(pairwise(frames.starts_of(frame))):
        count = (after - before) // QUARTER - 1
        if not 1 <= count <= SHORT_GAP or before + QUARTER < floor(start):
            continue
        gap = frames.steps(before + QUARTER, after, QUARTER)
        beside = frame.iloc[place : place + 2].drop(columns=["end", frames.ORIGIN])
        mean = {str(name): value for name, value in beside.mean(skipna=False).items()}
        parts.append(gap.assign(**mean, origin="filled gap"))
    return frame if len(parts) == 1 else pd.concat(parts).sort_index()


def with_retries(
    gather: Callable[[Sequence[str]], ChainPrices], complete: Callable[[ChainPrices], bool],
    patience_s: float, sleep: Callable[[float], None], report: Callable[[str], None],
) -> ChainPrices:  # fmt: skip
    """Gather, and ask again sources that are busy or have not yet published, within bounds.

    Parameters
    ----------
    gather
        Takes the names of sources that need not be asked again.
    complete
        Tests that all prices that can be expected now have been gathered.
    patience_s
        Longest time that is waited in all [s]; a service's `Retry-After` beyond it ends it.
    sleep, report
        Waits [s]; writes the reason for the owner.
    """
    pause_s, left_s = FIRST_PAUSE_S, patience_s
    final: dict[str, OptimizerError] = {}
    order: dict[str, None] = {}
    while True:
        made = gather(sorted(final))
        retried = {
            name: error
            for name, error in made.failures.items()
            if isinstance(error, BusyError | NotPublishedError)
        }
        final |= {n: e for n, e in made.failures.items() if n not in retried}
        order |= dict.fromkeys(made.failures)
        made.failures = {n: e for n in order if (e := made.failures.get(n, final.get(n)))}
        asked = [e.retry_after_s or 0.0 for e in retried.values() if isinstance(e, BusyError)]
        wait_s = max([pause_s, *asked])
        if complete(made) or not retried or wait_s > left_s:
            return made
        reasons = "; ".join(dict.fromkeys(str(error) for error in retried.values()))
        report(f"{reasons} (they are asked again in {wait_s:.0f} s)")
        sleep(wait_s)
        left_s, pause_s = left_s - wait_s, 2 * pause_s
