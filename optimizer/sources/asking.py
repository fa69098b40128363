"""Ask a source and keep its answer; where it does not answer, what it told before."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
import pandas as pd

from optimizer.errors import ConfigError, OptimizerError
from optimizer.model import frames
from optimizer.sources import registry
from optimizer.sources.failures import NotPublishedError
from optimizer.sources.http import Http
from optimizer.sources.registry import S, Source
from optimizer.sources.settings import Span
from optimizer.store import kept


@dataclass(frozen=True, slots=True)
class Told:
    """What is known from a source."""

    frame: pd.DataFrame | None
    """Its answer and what is kept of earlier ones; None if there is nothing at all."""
    failure: str = ""
    """Why it did not answer now, in a sentence."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Where answers are kept; without a store nothing is."""

    store: sqlite3.Connection | None
    now: datetime


def ask(
    kind: Mapping[str, Source[S]], name: str, settings: S, span: Span, http: Http, memory: Memory,
    columns: Sequence[str],
) -> Told:  # fmt: skip
    """Ask, keep, and put together.

    Parameters
    ----------
    columns
        What is kept, the first one without holes.

    Raises
    ------
    ConfigError
        If the owner has to mend the configuration.
    DataError
        If a file of the owner's own is rejected.
    """
    source = registry.find(kind, name, settings.section)
    if not source.kept:
        try:
            return Told(source.fetch(settings, span, http))
        except NotPublishedError as error:
            return Told(None, str(error))
    series = f"{settings.section} {name} {sha256(repr(settings).encode()).hexdigest()[:8]}"
    before, known_at = _kept(memory, series, columns)
    if known_at is not None and memory.now - source.rest < known_at <= memory.now:
        return Told(before)
    try:
        answer = source.fetch(settings, span, http)
    except ConfigError:
        raise
    except OptimizerError as error:
        return Told(before, str(error).rstrip("."))
    past = None if before is None else before["end"][before["end"] <= memory.now].max()
    with suppress(sqlite3.Error):  # a locked or full disk must not cost a plan
        _keep(memory, series, answer if pd.isna(past) else answer[answer["end"] > past], columns)
    return Told(_joined(before, answer, memory.now))


def _keep(memory: Memory, series: str, answer: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in set(columns) & set(answer.columns) if memory.store else ():
        values = answer[column].astype(float).tolist()
        steps = zip(frames.starts_of(answer), frames.ends_of(answer), values, strict=True)
        known = [row for row in steps if np.isfinite(row[2])]
        assert memory.store is not None  # noqa: S101 for the type checker
        kept.keep(memory.store, f"{series} {column}", memory.now, known)


def _kept(
    memory: Memory, series: str, columns: Sequence[str]
) -> tuple[pd.DataFrame | None, datetime | None]:
    """What is kept, and when its newest word was said."""
    if memory.store is None:
        return None, None
    since = memory.now - kept.REACH
    found = {name: kept.rows(memory.store, f"{series} {name}", since) for name in columns}
    rows = found[columns[0]]
    if not rows:
        return None, None
    frame = frames.frame_of(
        [row.start for row in rows], [row.end for row in rows],
        **{columns[0]: [row.value for row in rows]},
    )  # fmt: skip
    for name in columns[1:]:
        values = pd.Series({pd.Timestamp(row.start): row.value for row in found[name]}, dtype=float)
        frame[name] = values.reindex(frame.index)
    return frame, max(row.known_at for row in rows)


def _joined(before: pd.DataFrame | None, answer: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """What was told before for the time that is over, the answer for all other time."""
    past = None if before is None else before[before["end"] <= now]
    if past is None or past.empty:
        return answer
    older = answer[answer["end"] <= past.index[0]]
    newer = answer[answer.index >= past["end"].iloc[-1]]
    joined: pd.DataFrame = pd.concat([part for part in (older, past, newer) if not part.empty])
    return joined


def instead(told: Mapping[str, pd.DataFrame | None]) -> str | None:
    """The name of the past that knows most, None if none knows anything."""
    sizes = {name: len(frame) for name, frame in told.items() if frame is not None}
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def ended(frame: pd.DataFrame, span: timedelta, now: datetime) -> bool:
    """Whether a series reaches less than a span beyond now."""
    return bool(frame["end"].iloc[-1] < now + span)
