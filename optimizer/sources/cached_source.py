"""One source over the cache: ask when needed, check, keep, and fall back on earlier answers.

Prices, load and PV all pass here. A failure is part of the result and is not raised: the caller
decides whether another source, an earlier answer or the owner has to step in.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.errors import OptimizerError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.sources import registry
from optimizer.sources.parsing import midnight
from optimizer.sources.registry import S, Source
from optimizer.sources.source_settings import LoadSettings, PriceSettings, PvSettings, Span
from optimizer.store import series_cache
from optimizer.store.series_cache import CachedValue, SeriesValue

ENOUGH_DAYS = 20
"""Cached days of published values from which on only newer ones are asked for."""


@dataclass(frozen=True, slots=True)
class SourceResult:
    """Values known of a source: its answer of now, and its earlier ones."""

    frame: pd.DataFrame | None
    """All that is known; `origin` is `cached NAME`, or `published`, `reported` (load) or `forecast`
    (PV) and the name. None if nothing is known."""
    failure: OptimizerError | None = None
    """Why there is no answer of now, although one was wanted."""
    answer: pd.DataFrame | None = None
    """The answer of now; None if the source was not asked, or failed."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences of the source about what it left out of its answer."""
        return frames.notes_of(self.answer)


@dataclass(frozen=True, slots=True)
class CachedSources:
    """Access to sources at one moment, over the cache.

    Parameters
    ----------
    http
        The client for services.
    store
        Where answers are kept; None keeps nothing.
    now
        The moment of asking.
    """

    http: ServiceClient
    store: sqlite3.Connection | None
    now: datetime

    def ask(
        self, kind: Mapping[str, Source[S]], name: str, settings: S, span: Span,
        wanted: pd.DataFrame | None = None,
    ) -> SourceResult:  # fmt: skip
        """Ask a source unless the cache has what is wanted, keep the answer, and join both.

        Parameters
        ----------
        span
            Time that is asked for.
        wanted
            Steps of published values, which do not change: the source is asked only if the cache
            lacks one of them. None asks whenever the source's `rest` is over.

        Raises
        ------
        ConfigError
            If there is no source of that name.
        """
        source = registry.find(kind, name, settings.section)
        before, known_at = self._cached(source, name, settings)
        rests = known_at is not None and self.now - source.rest < known_at <= self.now
        if rests or _enough(before, wanted):
            return SourceResult(before)
        try:
            asked = span if wanted is None else _narrowed(span, before, self.now)
            answer = source.ask(settings, asked, self.http)
            if source.check is not None:
                source.check(name, answer, before, settings)
        except OptimizerError as error:
            return SourceResult(before, error)
        if source.kept and self.store is not None:
            with suppress(sqlite3.Error):  # a locked or full disk must not cost a plan
                values = _new_values(answer, before, self.now)
                series_cache.keep(self.store, _series(name, settings), self.now, values)
        fresh = answer.assign(origin=f"{settings.provenance} {name}")
        return SourceResult(_joined(before, fresh, self.now, wanted), None, fresh)

    def kept_days(
        self, kind: Mapping[str, Source[S]], name: str, settings: S, zone: ZoneInfo
    ) -> int:
        """Count of the local days of which values are cached."""
        if name not in kind:
            return 0
        return len(_days(self._cached(kind[name], name, settings)[0], zone))

    def _cached(
        self, source: Source[S], name: str, settings: S
    ) -> tuple[pd.DataFrame | None, datetime | None]:
        """The cached frame, and the moment of its newest answer."""
        rows: list[CachedValue] = []
        if source.kept and self.store is not None:
            since = self.now - series_cache.REACH
            with suppress(sqlite3.Error):  # a locked or damaged store must not cost a plan
                rows = series_cache.kept(self.store, _series(name, settings), since)
        if not rows:
            return None, None
        return _frame(rows).assign(origin=f"cached {name}"), max(row.known_at for row in rows)


def _series(name: str, settings: PriceSettings | LoadSettings | PvSettings) -> str:
    return f"{settings.section} {name} {settings.identity}"


def _frame(rows: list[CachedValue]) -> pd.DataFrame:
    """Cached values, in order, as a frame; a step within an earlier, longer one is left out."""
    ends: dict[datetime, datetime] = {}
    columns: dict[str, dict[datetime, float]] = {}
    last = rows[0].start
    for row in rows:
        if row.start in ends or row.start >= last:
            last = ends.setdefault(row.start, row.end)
        columns.setdefault(row.column, {})[row.start] = row.value
    values = {key: [of.get(at, np.nan) for at in ends] for key, of in sorted(columns.items())}
    return frames.frame_of(list(ends), list(ends.values()), **values)


def _days(frame: pd.DataFrame | None, zone: ZoneInfo) -> list[date]:
    if frame is None:
        return []
    return sorted(set(pd.DatetimeIndex(frame.index).tz_convert(zone).date))


def _enough(before: pd.DataFrame | None, wanted: pd.DataFrame | None) -> bool:
    if wanted is None or wanted.empty:
        return wanted is not None
    return before is not None and frames.covers(before, wanted)


def _narrowed(span: Span, before: pd.DataFrame | None, now: datetime) -> Span:
    """The span from the last cached day on, where enough days are cached."""
    days = _days(before, span.zone)
    if len(days) < ENOUGH_DAYS:
        return span
    return replace(span, start=midnight(min(days[-1], now.astimezone(span.zone).date()), span))


def _new_values(
    answer: pd.DataFrame, before: pd.DataFrame | None, now: datetime
) -> Iterator[SeriesValue]:
    """The values of an answer that the cache may lack."""
    if before is not None:
        answer = answer[(answer["end"] > now) | ~answer.index.isin(before.index)]
    starts, ends = frames.starts_of(answer), frames.ends_of(answer)
    for column in answer.columns.drop("end"):
        for start, end, value in zip(starts, ends, answer[column].astype(float), strict=True):
            if np.isfinite(value):
                yield SeriesValue(column, start, end, value)


def _joined(
    before: pd.DataFrame | None, answer: pd.DataFrame, now: datetime, wanted: pd.DataFrame | None
) -> pd.DataFrame:
    """Cached values for the time that is over, and the answer for all other time.

    Published values do not change: where the answer lacks them the cached ones hold.
    """
    if before is None:
        return answer
    past = before[before["end"] <= now]
    joined = frames.filled_from(past, answer)
    return joined if wanted is None else frames.filled_from(joined, before)
