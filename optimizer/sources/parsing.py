"""Parsing of services' answers into a checked frame."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import pandas as pd

from optimizer.errors import DataError
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.model import frames, moments
from optimizer.model.plan import iso
from optimizer.sources.source_settings import Span

STEPS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))

MARGIN = timedelta(days=16)
"""Longest time that an answer may reach beyond the span that was asked for: services answer whole
weeks, or the last two weeks as well. Values further away are left out."""


MOST_FAULTS = 0.02
"""Share of impossible powers that are holes; more of them are another unit."""
MEASURED = ("load_w",)
"""Columns whose few impossible values are holes: a meter that restarts, a disturbed bus."""


class StepValue(NamedTuple):
    """A value over a step, both ends aware; None is a hole."""

    start: datetime
    end: datetime
    value: float | None


@contextmanager
def documented(origin: str) -> Iterator[None]:
    """Turn every exception of a parser into one sentence: the shape is not the documented one.

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
    return moments.utc(datetime.fromisoformat(text))


def epoch(seconds: float) -> datetime:
    """A moment from seconds since 1970."""
    return moments.utc(datetime.fromtimestamp(number(seconds), UTC))


def epoch_ms(milliseconds: Any) -> datetime:
    """A moment from milliseconds since 1970."""
    return epoch(number(milliseconds) / 1000)


def number(value: Any) -> float:
    """A finite number; texts and booleans are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def scaled(value: Any, divisor: float) -> float | None:
    """A number divided into our unit; None stays a hole."""
    return None if value is None else number(value) / divisor


def begun(values: Sequence[tuple[datetime, float | None]]) -> list[StepValue]:
    """Steps from start stamps alone: a step is as long as the distance to the nearer neighbour.

    So a missing stamp stays a hole and does not stretch the step before it, and an answer may go
    from hours to quarters. The last one is at most as long as the one before it.

    Raises
    ------
    ValueError
        If there is only one stamp: its step is unknown.
    """
    stamps = [at for at, _ in values]
    if not stamps:
        return []
    if len(stamps) == 1:
        raise ValueError("the step cannot be known from one value")
    gaps = [after - before for before, after in itertools.pairwise(stamps)]
    before, after = [timedelta.max, *gaps], [*gaps, *gaps[-2:-1], timedelta.max][: len(stamps)]
    return [
        StepValue(at, at + min(left, right), value)
        for (at, value), left, right in zip(values, before, after, strict=True)
    ]


def series_frame(
    points: Iterable[StepValue], column: str, origin: str, money_size: float = 1.0
) -> pd.DataFrame:
    """A checked frame of one column, in order; holes and exact repetitions are left out.

    Parameters
    ----------
    money_size
        Units of the prices' currency that are about one EUR.

    Raises
    ------
    NotPublishedError
        If no value is known.
    RejectedError
        With origin and first place: a step that is not 15, 30 or 60 min or does not lie on the
        clock, steps that overlap, two values for one step, a value out of range.
    """
    known = sorted({point for point in points if point.value is not None})
    every, known = known, without_impossible(known, column)
    faults = sorted(set(every).difference(known))
    if not known:
        nothing = "has no prices for this time yet" if column.endswith("_eur_per_kwh") else (
            "knows nothing of this time"
        )  # fmt: skip
        raise NotPublishedError(f"{origin} {nothing}")
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
        made = frames.frame_of(starts, ends, **{column: values})
        frames.check(made, [column], origin, money_size)
    except DataError as error:
        raise RejectedError(str(error)) from error
    if faults:
        made.attrs[frames.NOTES] = (
            f"{origin}: {len(faults)} impossible values are holes, the first is "
            f"{faults[0].value:.0f} W at {iso(faults[0].start)}",
        )
    return made


def without_impossible(points: list[StepValue], column: str) -> list[StepValue]:
    """Points without the powers that no house can have, if those are few."""
    if column not in MEASURED:
        return points
    least, most = frames.COLUMNS[column].limits(1.0)
    possible = [p for p in points if p.value is None or least <= p.value <= most]
    return possible if len(points) - len(possible) <= MOST_FAULTS * len(points) else points


def averaged(points: Sequence[StepValue], step: timedelta) -> list[StepValue]:
    """Means over longer steps, where they are wholly known."""
    known = sorted({point for point in points if point.value is not None})
    if not known:
        return []
    fine = frames.frame_of([p.start for p in known], [p.end for p in known],
                           value=[float(p.value or 0.0) for p in known])  # fmt: skip
    fine = fine[~fine.index.duplicated()]
    steps = frames.steps(known[0].start, known[-1].end, step)
    coarse = frames.on_steps(fine, steps).dropna()
    return [
        StepValue(at, end, value)
        for at, end, value in zip(frames.starts_of(coarse), frames.ends_of(coarse),
                                  coarse["value"].tolist(), strict=True)
    ]  # fmt: skip


def at_rate(prices: pd.DataFrame, rate: float) -> pd.DataFrame:
    """Prices in a currency of which so many units are one of theirs."""
    if rate == 1.0:
        return prices
    names = [name for name in prices.columns if str(name).endswith("_eur_per_kwh")]
    return prices.assign(**{name: prices[name] * rate for name in names})


def clipped(answer: pd.DataFrame, span: Span) -> pd.DataFrame:
    """The part of an answer within the span that was asked for, or `MARGIN` around it.

    Raises
    ------
    NotPublishedError
        If nothing of it does.
    """
    begin, end = span.start - MARGIN, span.end + MARGIN
    found = answer[(answer["end"] > begin) & (answer.index < end)]
    if found.empty:
        raise NotPublishedError(
            f"the answer is for {iso(frames.starts_of(answer)[0])} to "
            f"{iso(frames.ends_of(answer)[-1])}, not for the time that was asked for"
        )
    return found


def with_sell(buy: pd.DataFrame, sell: pd.DataFrame) -> pd.DataFrame:
    """Buying prices with the selling prices of the same steps, as far as both are known.

    Raises
    ------
    RejectedError
        If they have no step in common.
    """
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
    """Begin of a local day, in UTC."""
    return datetime.combine(day, time(), span.zone).astimezone(UTC)


def whole_days(span: Span) -> tuple[datetime, datetime]:
    """The span widened to local midnights, in UTC."""
    days = local_dates(span)
    return midnight(days[0], span), midnight(days[-1] + timedelta(days=1), span)
