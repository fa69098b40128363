"""The vocabulary of frames: column names with unit and plausible range, and the check at each door.

A frame has a UTC index named `start` (the start of each step, half-open), a column `end`, and
columns out of this vocabulary. Nothing missing passes a door.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from optimizer.errors import DataError
from optimizer.model.plan import iso


@dataclass(frozen=True, slots=True)
class Column:
    """One word of the vocabulary."""

    unit: str
    least: float
    most: float
    meaning: str


COLUMNS = {
    "spot_eur_per_kwh": Column("EUR/kWh", -1.0, 5.0, "day-ahead price, net of everything"),
    "buy_eur_per_kwh": Column("EUR/kWh", -1.0, 5.0, "what the next bought kWh costs, all-in"),
    "sell_eur_per_kwh": Column("EUR/kWh", -1.0, 5.0, "what a sold kWh earns"),
    "load_w": Column("W", 0.0, 100_000.0, "house load, mean over the step"),
    "pv_w": Column("W", 0.0, 100_000.0, "roof, mean over the step, AC side"),
}
"""European exchanges allow -0.5 to +5 EUR/kWh; a home of more than 100 kW is a mistake of unit."""

FORECAST = ("buy_eur_per_kwh", "sell_eur_per_kwh", "load_w", "pv_w")
"""The columns that a plan is made from."""


def check(frame: pd.DataFrame, columns: Iterable[str], origin: str) -> pd.DataFrame:
    """Refuse a frame that is not what it says it is; return it unchanged.

    Raises
    ------
    DataError
        Naming origin, column, unit and the first place: a missing column, an index that is not
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
    starts, ends = starts_of(frame), ends_of(frame)
    for start, end, following in zip(starts, ends, [*starts[1:], None], strict=True):
        if end <= start or (following is not None and following < end):
            raise DataError(f"{origin}: the step at {iso(start)} overlaps the next or is empty")
    for name in wanted:
        _check_values(frame[name], COLUMNS[name], origin, starts)
    return frame


def _check_values(series: "pd.Series[float]", word: Column, origin: str,
                  starts: list[datetime]) -> None:  # fmt: skip
    numbers = pd.to_numeric(series, errors="coerce").astype(float)
    for bad, text in (
        (numbers.isna(), "is missing"),
        ((numbers < word.least) | (numbers > word.most), "is out of range"),
    ):
        if bool(bad.any()):
            place = int(bad.to_numpy().argmax())
            raise DataError(
                f"{origin}: {series.name} [{word.unit}] {text} at {iso(starts[place])}"
                + ("" if text == "is missing" else
                   f": {numbers.iloc[place]:g} is not within {word.least:g} to {word.most:g}; "
                   "look at the unit")
            )  # fmt: skip


def starts_of(frame: pd.DataFrame) -> list[datetime]:
    """The steps' starts as plain UTC datetimes."""
    return list(pd.DatetimeIndex(frame.index).to_pydatetime())


def ends_of(frame: pd.DataFrame) -> list[datetime]:
    """The steps' ends as plain UTC datetimes."""
    return list(pd.DatetimeIndex(frame["end"]).to_pydatetime())


def step_of(frame: pd.DataFrame) -> timedelta:
    """The shortest step of a frame."""
    pairs = zip(starts_of(frame), ends_of(frame), strict=True)
    return min(end - start for start, end in pairs)


def frame_of(starts: list[datetime], ends: list[datetime], **columns: list[float]) -> pd.DataFrame:
    """Build a frame from plain lists; stamps have to be aware."""
    index = pd.DatetimeIndex(starts, name="start").tz_convert("UTC")
    return pd.DataFrame({"end": pd.DatetimeIndex(ends).tz_convert("UTC"), **columns}, index=index)
