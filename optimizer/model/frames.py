"""Time series as checked pandas frames: the one form of a series between its source and a plan.

A frame has one row for each step: a UTC index `start` (steps are half-open and named by their
start), a column `end` (UTC), value columns out of `COLUMNS` with the unit in their name, and a text
column `origin` with the provenance of each row. Unknown values are missing rows or NaN, never 0.
The source checks its frame once; later code relies on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.errors import DataError
from optimizer.model import moments, ranges
from optimizer.model.plan import iso

ORIGIN = "origin"
"""Provenance of a row: `published`, `reported`, `forecast`, `cached`, `filled` or `stand-in`, and
the name of the source."""
NOTES = "notes"
"""Key of a frame's `attrs` with sentences for the owner about what a source left out."""
COVERED_US = 1_000
"""A step counts as covered when at most this much of it is missing [us]."""


@dataclass(frozen=True, slots=True)
class Column:
    """Unit, plausible range and meaning of a value column."""

    unit: str
    range: ranges.Range | ranges.MoneyRange
    meaning: str

    def limits(self, money_size: float) -> tuple[float, float]:
        """Least and most; of prices in a currency of which so many units are about one EUR."""
        size = money_size if isinstance(self.range, ranges.MoneyRange) else 1.0
        return self.range.least * size, self.range.most * size


COLUMNS = {
    "spot_eur_per_kwh": Column("EUR/kWh", ranges.EUR_PER_KWH, "day-ahead price, net of everything"),
    "energy_eur_per_kwh": Column(
        "EUR/kWh", ranges.EUR_PER_KWH, "net price that takes the exchange's place"
    ),
    "buy_eur_per_kwh": Column(
        "EUR/kWh", ranges.EUR_PER_KWH, "price of the next bought kWh, all-in"
    ),
    "sell_eur_per_kwh": Column("EUR/kWh", ranges.EUR_PER_KWH, "pay for a sold kWh"),
    "load_w": Column("W", ranges.HOUSE_W, "house load, mean over the step"),
    "pv_w": Column("W", ranges.HOUSE_W, "PV power, mean over the step, AC side"),
}

FORECAST = ("buy_eur_per_kwh", "sell_eur_per_kwh", "load_w", "pv_w")
"""Columns of the frame that a plan is made from."""


def frame_of(starts: list[datetime], ends: list[datetime], **columns: list[float]) -> pd.DataFrame:
    """Build a frame from plain values; stamps have to be aware."""
    index = pd.DatetimeIndex(starts, name="start").tz_convert("UTC")
    return pd.DataFrame({"end": pd.DatetimeIndex(ends).tz_convert("UTC"), **columns}, index=index)


def steps(start: datetime, end: datetime, step: timedelta, *, whole: bool = True) -> pd.DataFrame:
    """Whole steps up to `end`, as a frame without values.

    Steps lie on multiples of their length since midnight UTC, so the quarters and hours of every
    European zone are met, also on days of 23 and 25 hours.

    Parameters
    ----------
    whole
        Begin with the whole step that contains `start`; otherwise with the rest of that step.

    Examples
    --------
    >>> at = datetime.fromisoformat("2026-01-14T13:40:00+00:00")
    >>> made = steps(at, at + timedelta(hours=1), timedelta(minutes=30), whole=False)
    >>> [f"{start:%H:%M}" for start in made.index], [f"{end:%H:%M}" for end in made["end"]]
    (['13:40', '14:00'], ['14:00', '14:30'])
    """
    first = moments.floor(start, step)
    starts = [first + index * step for index in range(int((end - first) / step))]
    if not starts:
        nothing = pd.DatetimeIndex([], tz="UTC", name="start")
        return pd.DataFrame({"end": nothing}, index=nothing)
    ends = [*starts[1:], starts[-1] + step]
    return frame_of(starts if whole else [start, *starts[1:]], ends)


def check(
    frame: pd.DataFrame, columns: Iterable[str], origin: str, money_size: float = 1.0
) -> pd.DataFrame:
    """Refuse a frame that breaks the rules of this module; return it unchanged.

    Parameters
    ----------
    money_size
        Units of the prices' currency that are about one EUR.

    Raises
    ------
    DataError
        With origin, column, unit and the first place: a missing column, an index that is not
        UTC or not rising, overlapping steps, a missing or not finite value, one out of range.
    """
    wanted = tuple(columns)
    missing = [name for name in ("end", *wanted) if name not in frame.columns]
    if missing:
        raise DataError(f"{origin}: column '{missing[0]}' is missing")
    if frame.empty:
        raise DataError(f"{origin}: there are no rows")
    stamps = (frame.index, frame["end"].dt if hasattr(frame["end"], "dt") else frame["end"])
    if any(str(getattr(column, "tz", None)) != "UTC" for column in stamps):
        raise DataError(f"{origin}: time stamps are not UTC")
    if bool(frame.index.isna().any()) or bool(frame["end"].isna().any()):
        raise DataError(f"{origin}: a time stamp is missing")
    starts, ends = _us(frame.index), _us(frame["end"])
    bad = (ends <= starts) | (np.append(starts[1:], np.iinfo(np.int64).max) < ends)
    if bad.any():
        at = iso(starts_of(frame)[int(bad.argmax())])
        raise DataError(f"{origin}: the step at {at} overlaps the next or is empty")
    for name in wanted:
        _check_values(frame[name], COLUMNS[name], origin, money_size)
    return frame


def _check_values(
    series: "pd.Series[float]", column: Column, origin: str, money_size: float
) -> None:
    least, most = column.limits(money_size)
    numbers = pd.to_numeric(series, errors="coerce").astype(float)
    for bad, text in (
        (numbers.isna(), "is missing"),
        ((numbers < least) | (numbers > most), "is out of range"),
    ):
        if not bool(bad.any()):
            continue
        place = int(bad.to_numpy().argmax())
        at = iso(pd.Timestamp(series.index[place]).to_pydatetime())
        more = "" if text == "is missing" else (
            f": {numbers.iloc[place]:g} is not within {least:g} to {most:g}; "
            "look at the unit"
        )  # fmt: skip
        raise DataError(f"{origin}: {series.name} [{column.unit}] {text} at {at}{more}")


def on_steps(frame: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """Resample onto steps by the time-weighted mean: the one resampling.

    A step inside a row takes its value exactly, so hours repeat on quarters; a longer step, or the
    rest of one, takes the mean over its time. Origins of several rows are joined by "and".

    Parameters
    ----------
    frame
        Rows in order that do not overlap.
    steps
        `start` and `end` of the new steps, in order; its values are ignored.

    Returns
    -------
    DataFrame
        The new steps with every column of `frame`, NaN where a step is not wholly known.
    """
    begin, end = _us(frame.index), _us(frame["end"])
    left, right = _us(steps.index), _us(steps["end"])
    first = np.searchsorted(end, left, side="right")
    count = np.searchsorted(begin, right, side="left") - first
    inside = first.clip(max=len(frame) - 1)
    made = steps[["end"]].copy()
    for name in frame.columns.drop(["end", ORIGIN], errors="ignore"):
        values = frame[name].to_numpy(dtype=float)
        known = np.isfinite(values)
        lengths = np.where(known, end - begin, 0)
        covered = _integral(begin, end, lengths, left, right)
        whole = np.abs(covered - (right - left)) <= COVERED_US
        areas = np.where(known, values, 0.0) * lengths
        means = _integral(begin, end, areas, left, right) / (right - left)
        made[name] = np.where(whole, np.where(count == 1, values[inside], means), np.nan)
    if ORIGIN in frame.columns:
        texts = frame[ORIGIN].tolist()
        spans = zip(first.tolist(), (first + count).tolist(), strict=True)
        made[ORIGIN] = [" and ".join(dict.fromkeys(texts[a:b])) for a, b in spans]
    return made


def _us(stamps: "pd.Index | pd.Series[pd.Timestamp]") -> np.ndarray:
    """Microseconds since 1970, exact."""
    found: np.ndarray = pd.DatetimeIndex(stamps).as_unit("us").asi8
    return found


def _integral(
    begin: np.ndarray, end: np.ndarray, areas: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Area from `left` to `right` under a step function with `areas` from `begin` to `end`."""
    sums = np.cumsum(areas)
    knots = np.column_stack([begin, end]).ravel()
    cumulated = np.column_stack([sums - areas, sums]).ravel()
    result: np.ndarray = np.interp(right, knots, cumulated) - np.interp(left, knots, cumulated)
    return result


def filled_from(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """All rows of `frame`, and those of `other` that overlap none of them, in order."""
    if frame.empty or other.empty:
        return other if frame.empty else frame
    place = np.searchsorted(_us(frame["end"]), _us(other.index), side="right")
    following = np.append(_us(frame.index), np.iinfo(np.int64).max)[place]
    free = other[following >= _us(other["end"])]
    return frame if free.empty else pd.concat([frame, free]).sort_index()


def covers(frame: pd.DataFrame, wanted: pd.DataFrame) -> bool:
    """Test that every one of some steps lies within a row."""
    place = np.searchsorted(_us(frame["end"]), _us(wanted.index), side="right")
    begin = np.append(_us(frame.index), np.iinfo(np.int64).max)[place]
    end = np.append(_us(frame["end"]), 0)[place]
    return bool(((begin <= _us(wanted.index)) & (end >= _us(wanted["end"]))).all())


def notes_of(frame: pd.DataFrame | None) -> tuple[str, ...]:
    """Sentences for the owner that a source has attached to its frame."""
    return () if frame is None else tuple(frame.attrs.get(NOTES, ()))


def starts_of(frame: pd.DataFrame) -> list[datetime]:
    """Starts of the steps as plain UTC datetimes."""
    return list(pd.DatetimeIndex(frame.index).to_pydatetime())


def ends_of(frame: pd.DataFrame) -> list[datetime]:
    """Ends of the steps as plain UTC datetimes."""
    return list(pd.DatetimeIndex(frame["end"]).to_pydatetime())


def step_of(frame: pd.DataFrame) -> timedelta:
    """Length of the shortest step."""
    return timedelta(microseconds=int((_us(frame["end"]) - _us(frame.index)).min()))
