"""CSV files of the owner's own: prices, load, roof.

A row starts with `start`, an ISO 8601 moment with its offset that names the beginning of the step.
The step (15, 30 or 60 min) comes from the stamps and is one throughout the file. Everything
doubtful is refused by file and line, nothing is repaired.
"""

import csv
import itertools
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from optimizer.errors import DataError
from optimizer.model import frames

STEPS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))

LAST_YEAR = 9000

FACTORS = {"spot_eur_per_mwh": ("spot_eur_per_kwh", 1000.0)}
"""Columns in another unit: name inside, divisor."""

PRICES = (
    ("spot_eur_per_mwh",),
    ("spot_eur_per_kwh",),
    ("buy_eur_per_kwh", "sell_eur_per_kwh"),
)
"""What a price file may hold: one spot column (the tariff is added), or both all-in prices. A spot
file may bring a `sell_eur_per_kwh` too, for `tariff.export.kind = "series"`."""


def read_prices(path: Path) -> pd.DataFrame:
    """Spot prices, or all-in buying and selling prices [EUR/kWh].

    Raises
    ------
    DataError
        Naming file, line and what is wrong there.
    """
    header, rows = _rows(path)
    for wanted in PRICES:
        if wanted[0] in header:
            extra = ["sell_eur_per_kwh"] if "sell_eur_per_kwh" in header else []
            return _frame(path, header, rows, list(dict.fromkeys([*wanted, *extra])))
    raise DataError(
        f"{path}, line 1: a price file has a column 'spot_eur_per_mwh' or 'spot_eur_per_kwh', or "
        f"'buy_eur_per_kwh' and 'sell_eur_per_kwh'; found: {', '.join(header)}"
    )


def read_power(path: Path, column: str) -> pd.DataFrame:
    """House load (`load_w`) or roof (`pv_w`), means over each step [W].

    Raises
    ------
    DataError
        Naming file, line and what is wrong there.
    """
    header, rows = _rows(path)
    return _frame(path, header, rows, [column])


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and numbered rows; blank lines are skipped."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file: {error}") from error
    if not rows:
        raise DataError(f"{path} is empty")
    header = [cell.strip() for cell in rows[0][1]]
    if len(header) == 1 and ";" in header[0]:
        raise DataError(f"{path}, line 1: cells are separated by ';': save it with ',' and '.'")
    return header, rows[1:]


def _frame(
    path: Path, header: list[str], rows: list[tuple[int, list[str]]], names: list[str]
) -> pd.DataFrame:
    for name in ("start", *names):
        if header.count(name) != 1:
            count = "missing" if name not in header else "there twice"
            raise DataError(
                f"{path}, line 1: column '{name}' is {count}; found: {', '.join(header)}"
            )
    if not rows:
        raise DataError(f"{path} has a header but no rows")
    places = [header.index(name) for name in names]
    lines, starts = [], []
    values: list[list[float]] = [[] for _ in names]
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}: {len(row)} cells where the header has {len(header)}; "
                "a decimal comma? Numbers are written with a point"
            )
        lines.append(line)
        starts.append(_moment(path, line, row[header.index("start")]))
        for name, place, column in zip(names, places, values, strict=True):
            column.append(_number(path, line, name, row[place]))
    ends = _ends(path, lines, starts)
    columns = {FACTORS.get(n, (n, 1.0))[0]: v for n, v in zip(names, values, strict=True)}
    return frames.check(frames.frame_of(starts, ends, **columns), columns, str(path))


def _moment(path: Path, line: int, text: str) -> datetime:
    """An aware stamp, in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise DataError(
            f"{path}, line {line}: '{text}' is not an ISO 8601 moment such as "
            "2026-01-15T18:00:00+01:00"
        ) from error
    if moment.tzinfo is None:
        raise DataError(
            f"{path}, line {line}: '{text}' has no offset from UTC; twice a year local time alone "
            "is ambiguous, write 2026-01-15T18:00:00+01:00"
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise DataError(f"{path}, line {line}: '{text}' is not a year of ours") from error


def _number(path: Path, line: int, name: str, text: str) -> float:
    """A finite number in the column's unit inside."""
    try:
        number = float(text.replace("_", "?"))
    except ValueError as error:
        what = "is empty" if not text.strip() else f"'{text}' is not a number with a point"
        raise DataError(f"{path}, line {line}: {name} {what}") from error
    if not math.isfinite(number):
        raise DataError(f"{path}, line {line}: {name} is '{text}', not a finite number")
    inside, divisor = FACTORS.get(name, (name, 1.0))
    number /= divisor
    word = frames.COLUMNS[inside]
    if not word.least <= number <= word.most:
        raise DataError(
            f"{path}, line {line}: {name} {text} is not plausible "
            f"({word.least:g} to {word.most:g} {word.unit}): look at the unit"
        )
    return number


def _ends(path: Path, lines: list[int], starts: list[datetime]) -> list[datetime]:
    """Ends of the steps; order, one step throughout, no holes, and full steps are checked."""
    if len(starts) == 1:
        raise DataError(f"{path}, line {lines[0]}: one row alone does not tell its step")
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    step = min(gaps)
    for line, start, gap in zip(lines[1:], starts[1:], gaps, strict=True):
        place = f"{path}, line {line}: {start.isoformat()}"
        if gap <= timedelta(0):
            raise DataError(f"{place} {'goes back in time' if gap else 'is there twice'}")
        if gap != step > timedelta(0):
            raise DataError(
                f"{place} comes {_minutes(gap)} after the row before, the step of this file is "
                f"{_minutes(step)}: rows are missing, or steps are mixed"
            )
    if step not in STEPS:
        raise DataError(f"{path}: the step is {_minutes(step)}; 15, 30 or 60 min can be read")
    if starts[0].timestamp() % step.total_seconds():
        raise DataError(
            f"{path}, line {lines[0]}: {starts[0].isoformat()} is not on a full {_minutes(step)}"
        )
    if starts[-1].year > LAST_YEAR:
        raise DataError(f"{path}, line {lines[-1]}: {starts[-1].isoformat()} is not a year of ours")
    return [start + step for start in starts]


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g} min"
