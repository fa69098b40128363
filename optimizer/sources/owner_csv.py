"""The own form of an owner's table, CSV of prices, load and PV: strict in every row.

A row starts with `start`, an ISO 8601 moment with its offset that names the start of the step. The
step (15, 30 or 60 min) comes from the stamps and is one throughout the file; prices may change to
shorter steps once, as the exchanges did on 1 October 2025. Anything doubtful is refused with file
and line, nothing is repaired.
"""

import itertools
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from optimizer.errors import DataError
from optimizer.model import frames, moments
from optimizer.sources import table_text
from optimizer.sources.table_text import TableText

STEPS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))

MIXED_ROWS = 2
"""Steps of either length that distinguish a change of the step from missing rows."""

FACTORS = {"spot_eur_per_mwh": ("spot_eur_per_kwh", 1000.0)}
"""Columns in another unit: name inside, divisor."""

PRICES = (
    ("spot_eur_per_mwh",),
    ("spot_eur_per_kwh",),
    ("buy_eur_per_kwh", "sell_eur_per_kwh"),
)
"""Columns of a price file: one spot column (the tariff is added), or both all-in prices. A spot
file may also have `sell_eur_per_kwh`, for `tariff.export.kind = "series"`."""


PRICE_COLUMNS = tuple(dict.fromkeys(name for names in PRICES for name in names))


def is_own(text: TableText, columns: Iterable[str]) -> bool:
    """Test for the own form: a header with `start` and one of some columns."""
    header = _header(text)
    return text.delimiter == "," and "start" in header and any(name in header for name in columns)


def read_prices(path: Path, money_size: float = 1.0) -> pd.DataFrame:
    """Spot prices, or all-in buying and selling prices [EUR/kWh].

    Parameters
    ----------
    money_size
        Units of the prices' currency that are about one EUR.

    Raises
    ------
    DataError
        With file, line and fault.
    """
    return prices_of(table_text.read(path), money_size)


def read_power(path: Path, column: str) -> pd.DataFrame:
    """House load (`load_w`) or PV power (`pv_w`), means over each step [W].

    Raises
    ------
    DataError
        With file, line and fault.
    """
    return power_of(table_text.read(path), column)


def prices_of(text: TableText, money_size: float = 1.0) -> pd.DataFrame:
    """Prices of a table in the own form; see `read_prices`."""
    path, header = text.path, _header(text)
    rows = _rows(text)
    for wanted in PRICES:
        if wanted[0] in header:
            extra = ["sell_eur_per_kwh"] if "sell_eur_per_kwh" in header else []
            names = list(dict.fromkeys([*wanted, *extra]))
            return _frame(path, header, rows, names, money_size, mixed=True)
    raise DataError(
        f"{path}, line 1: a price file has a column 'spot_eur_per_mwh' or 'spot_eur_per_kwh', or "
        f"'buy_eur_per_kwh' and 'sell_eur_per_kwh'; found: {', '.join(header)}"
    )


def power_of(text: TableText, column: str) -> pd.DataFrame:
    """Load or PV of a table in the own form; see `read_power`."""
    return _frame(text.path, _header(text), _rows(text), [column])


def _header(text: TableText) -> list[str]:
    return [str(cell).strip() for cell in text.rows[0].cells] if text.rows else []


def _rows(text: TableText) -> list[tuple[int, list[str]]]:
    """Numbered rows below the header."""
    if not text.rows:
        raise DataError(f"{text.path} is empty")
    if text.delimiter != ",":
        raise DataError(
            f"{text.path}, line 1: cells are separated by '{text.delimiter}': save it with ',' and "
            "'.'"
        )
    return [(row.line, [str(cell) for cell in row.cells]) for row in text.rows[1:]]


def _frame(
    path: Path, header: list[str], rows: list[tuple[int, list[str]]], names: list[str],
    money_size: float = 1.0, *, mixed: bool = False,
) -> pd.DataFrame:  # fmt: skip
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
            column.append(_number(path, line, name, row[place], money_size))
    ends = _ends(path, lines, starts, mixed=mixed)
    columns = {FACTORS.get(n, (n, 1.0))[0]: v for n, v in zip(names, values, strict=True)}
    return frames.check(frames.frame_of(starts, ends, **columns), columns, str(path), money_size)


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
        return moments.utc(moment)
    except ValueError as error:
        raise DataError(f"{path}, line {line}: '{text}' {error}") from error


def _number(path: Path, line: int, name: str, text: str, money_size: float) -> float:
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
    column = frames.COLUMNS[inside]
    least, most = column.limits(money_size)
    if not least <= number <= most:
        raise DataError(
            f"{path}, line {line}: {name} {text} is not plausible "
            f"({least:g} to {most:g} {column.unit}): look at the unit"
        )
    return number


def _ends(
    path: Path, lines: list[int], starts: list[datetime], *, mixed: bool = False
) -> list[datetime]:
    """Ends of the steps; order, one step throughout, no holes, and full steps are checked.

    With `mixed` the steps may get shorter once.
    """
    if len(starts) == 1:
        raise DataError(f"{path}, line {lines[0]}: the step cannot be known from one row")
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    step = min(gaps)
    longer = _longer(gaps) if mixed else 0
    lengths = [gaps[0]] * longer + [step] * (len(starts) - longer)
    for line, start, gap, length in zip(lines[1:], starts[1:], gaps, lengths, strict=False):
        place = f"{path}, line {line}: {start.isoformat()}"
        if gap <= timedelta(0):
            raise DataError(f"{place} {'goes back in time' if gap else 'is there twice'}")
        if gap != length > timedelta(0):
            raise DataError(
                f"{place} comes {_minutes(gap)} after the row before, the step of this file is "
                f"{_minutes(length)}: rows are missing, or steps are mixed"
            )
    if step not in STEPS:
        raise DataError(f"{path}: the step is {_minutes(step)}; 15, 30 or 60 min can be read")
    if starts[0].timestamp() % lengths[0].total_seconds():
        raise DataError(
            f"{path}, line {lines[0]}: {starts[0].isoformat()} is not on a full "
            f"{_minutes(lengths[0])}"
        )
    return [start + length for start, length in zip(starts, lengths, strict=True)]


def _longer(gaps: list[timedelta]) -> int:
    """Number of longer steps at the beginning, where a file goes over to shorter ones.

    Two of each at the change: fewer could be rows that are missing.
    """
    count = len(list(itertools.takewhile(lambda gap: gap == gaps[0], gaps)))
    change = gaps[max(0, count - MIXED_ROWS) : count + MIXED_ROWS]
    wanted = [gaps[0]] * MIXED_ROWS + [min(gaps)] * MIXED_ROWS
    return count if change == wanted and gaps[0] in STEPS and gaps[0] > min(gaps) else 0


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g} min"
