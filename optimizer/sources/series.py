"""From a service's answer to a checked frame: moments, numbers, the ends of steps."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import pandas as pd

from optimizer.errors import DataError
from optimizer.model import frames
from optimizer.model.plan import iso
from optimizer.sources.failures import RejectedError
from optimizer.sources.settings import Span

STEPS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))


class Point(NamedTuple):
    """A value over a step, both ends aware; None is a hole."""

    start: datetime
    end: datetime
    value: float | None


@contextmanager
def documented(origin: str) -> Iterator[None]:
    """Turn every stumble over an answer into one sentence: it is not of the documented shape.

    Raises
    ------
    RejectedError
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        missing = f"no {error}" if isinstance(error, KeyError) else type(error).__name__
        raise RejectedError(
            f"{origin} answered in another shape than documented ({missing}): it may have changed, "
            "please report it"
        ) from error


def moment(text: str) -> datetime:
    """An ISO 8601 moment with offset as UTC.

    >>> moment("2026-11-22T00:00:00.000+01:00").isoformat()
    '2026-11-21T23:00:00+00:00'
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return at.astimezone(UTC)


def epoch(seconds: float) -> datetime:
    """A moment from seconds since 1970."""
    return datetime.fromtimestamp(number(seconds), UTC)


def number(value: Any) -> float:
    """A finite number; texts and truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def scaled(value: Any, divisor: float) -> float | None:
    """A number in our unit; None stays a hole."""
    return None if value is None else number(value) / divisor


def begun(values: Sequence[tuple[datetime, float | None]]) -> list[Point]:
    """Points from start stamps alone: a step is as long as the way to the nearer neighbour.

    So a missing stamp stays a hole and does not stretch the step before it, and an answer may go
    from hours to quarters. A single stamp does not tell its step.
    """
    stamps = [at for at, _ in values]
    if len(stamps) == 1:
        raise ValueError("one value alone does not tell its step")
    gaps = [after - before for before, after in itertools.pairwise(stamps)]
    before, after = [timedelta.max, *gaps], [*gaps, timedelta.max]
    return [
        Point(at, at + min(left, right), value)
        for (at, value), left, right in zip(values, before, after, strict=True)
    ]


def frame(points: Iterable[Point], column: str, origin: str) -> pd.DataFrame:
    """A checked frame of one column, oldest first; holes and exact repetitions are left out.

    Raises
    ------
    RejectedError
        Naming origin and first place: nothing left, a step that is not 15, 30 or 60 min or does
        not lie on the clock, steps that overlap, two values for one step, a value out of range.
    """
    known = sorted({point for point in points if point.value is not None})
    for point in known:
        length = point.end - point.start
        if length not in STEPS or point.start.timestamp() % length.total_seconds():
            raise RejectedError(
                f"{origin}: {iso(point.start)} to {iso(point.end)} is not a step of 15, 30 or "
                "60 min on the clock"
            )
    for before, after in itertools.pairwise(known):
        if before.start == after.start:
            raise RejectedError(f"{origin}: two values for {iso(after.start)}")
    try:
        starts, ends = [point.start for point in known], [point.end for point in known]
        values = [float(point.value or 0.0) for point in known]
        made = frames.frame_of(starts, ends, **{column: values}) if known else pd.DataFrame()
        return frames.check(made, [column], origin) if known else made
    except DataError as error:
        raise RejectedError(str(error)) from error


def with_sell(buy: pd.DataFrame, sell: pd.DataFrame) -> pd.DataFrame:
    """Buying prices with the selling prices of the same steps, as far as both are known."""
    joined = buy.join(sell[["sell_eur_per_kwh"]], how="inner")
    if joined.empty:
        raise RejectedError("prices for buying and selling are for different times")
    return joined


def local_dates(span: Span) -> list[date]:
    """The local dates that a span touches.

    >>> day = datetime(2026, 11, 22, 17, tzinfo=UTC)
    >>> [at.day for at in local_dates(Span(day, day + timedelta(days=1)))]
    [22, 23]
    """
    first = span.start.astimezone(span.zone).date()
    last = (span.end - timedelta(microseconds=1)).astimezone(span.zone).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def midnight(day: date, span: Span) -> datetime:
    """Where a local day begins, in UTC."""
    return datetime.combine(day, time(), span.zone).astimezone(UTC)


def whole_days(span: Span) -> tuple[datetime, datetime]:
    """The span widened to local midnights, in UTC."""
    days = local_dates(span)
    return midnight(days[0], span), midnight(days[-1] + timedelta(days=1), span)
