"""Tables with a row for each day and a column for each hour or quarter-hour of it.

They are turned into rows of steps with both ends in UTC. A column `Hour 1` is the first hour; of
times of day `00:00` to `23:45` are starts, `00:15` to `24:00` ends. On the day of a clock change
the filled cells are taken in their order, if they are as many as the day is long; a column that
only the longer day needs (`Hour 25`, `02:00 B`) is empty on others.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from optimizer.errors import DataError
from optimizer.sources import table_columns, table_stamps
from optimizer.sources.table_columns import folded
from optimizer.sources.table_text import Cell, Row, TableText

HEADER_ROWS = 60
"""Rows within which the header is."""
LEAST_COLUMNS = 23
DAY = timedelta(days=1)
STEPS = {24: timedelta(hours=1), 48: timedelta(minutes=30), 96: timedelta(minutes=15)}
"""Columns of an ordinary day, and their step."""
_NUMBERED = re.compile(r"(?:hour|hr|h|stunde|std\.?|heure|uur|ora)?\s*0*(\d{1,2})\s*([ab]|\*)?")
_TIME = r"(\d{1,2}):(\d{2})(?::00)?"
_CLOCK = re.compile(rf"{_TIME}(?:\s*(?:-|\N{{EN DASH}}|bis|to)\s*{_TIME})?\s*([ab]|\*)?")
START, END = "start", "end"


@dataclass(frozen=True, slots=True)
class _DayTable:
    """Header of such a table."""

    place: int
    """Row of the header."""
    steps: tuple[tuple[int, int], ...]
    """Column and place within an ordinary day, in the order of the columns."""
    extra: tuple[int, ...]
    """Columns that only the day of 25 hours needs."""
    length: timedelta
    stamps: str


def by_steps(text: TableText, zone: ZoneInfo) -> tuple[TableText, tuple[str, ...]]:
    """The table with a row for each step, and notes; another table as it is.

    Raises
    ------
    DataError
        With file and line: a day of another length than its cells.
    """
    found = _header(text)
    if found is None:
        return text, ()
    rows = [row for row in text.rows[found.place + 1 :] if any(_has_day(c) for c in row.cells[:3])]
    column = next(n for n, cell in enumerate(rows[0].cells) if _has_day(cell)) if rows else 0
    days = [row.cells[column] for row in rows]
    order = table_stamps.day_first(days)
    if order is None:
        raise DataError(
            f"{text.path}: '{days[0]}' can be read as day or month first: save it with dates such "
            "as 2026-01-31"
        )
    made, notes = [Row(text.rows[found.place].line, [START, END, _name(text, found)])], []
    for row, cell in zip(rows, days, strict=True):
        day = table_stamps.day_of(cell, day_comes_first=order)
        steps = list(_steps(row, day, found, zone, text))
        if not steps:
            notes.append(
                f"{day:%d.%m.%Y} is left out: the clock changes there and its cells are not as "
                "many as its hours"
            )
        made += steps
    note = f"a row is a day, its columns name the {found.stamps} of steps"
    return replace(text, rows=made), (note, *notes)


def _header(text: TableText) -> _DayTable | None:
    for place, row in enumerate(text.rows[:HEADER_ROWS]):
        for read in (_numbered, _clocks):
            found = read(place, row)
            if found is not None:
                return found
    return None


def _numbered(place: int, row: Row) -> _DayTable | None:
    """Header of `Hour 1` to `Hour 24`, perhaps 25, or with a 3B."""
    names = [folded(str(cell)).strip() for cell in row.cells]
    cells = [(n, _NUMBERED.fullmatch(name)) for n, name in enumerate(names)]
    found = [(n, int(match[1]), match[2]) for n, match in cells if match]
    plain = [(n, number - 1) for n, number, mark in found if number <= 24 and mark in (None, "a")]
    if [number for _, number in plain] != list(range(24)):
        return None
    extra = tuple(n for n, number, mark in found if number == 25 or mark in ("b", "*"))
    return _DayTable(place, tuple(plain), extra, STEPS[24], START)


def _clocks(place: int, row: Row) -> _DayTable | None:
    """Header of times of day."""
    names = [folded(str(cell)).strip() for cell in row.cells]
    cells = [(n, _CLOCK.fullmatch(name)) for n, name in enumerate(names)]
    found = [
        (n, timedelta(hours=int(match[1]), minutes=int(match[2])), match)
        for n, match in cells
        if match
    ]
    plain = [(n, at) for n, at, match in found if match[5] in (None, "a")]
    once = dict.fromkeys(at for _, at in plain)
    step = STEPS.get(len(once))
    if step is None or len(plain) < LEAST_COLUMNS:
        return None
    starts = [n * step for n in range(len(once))]
    if list(once) == starts:
        stamps = START
    elif list(once) in ([at + step for at in starts], [*starts[1:], timedelta(0)]):
        stamps = END
    else:
        return None
    places = {at: n for n, at in enumerate(once)}
    first: dict[timedelta, int] = {}
    for n, at in plain:
        first.setdefault(at, n)
    steps = tuple((n, places[at]) for at, n in first.items())
    extra = tuple(n for n, _, _ in found if n not in first.values())
    return _DayTable(place, steps, extra, step, stamps)


def _has_day(cell: Cell) -> bool:
    return isinstance(cell, str) and table_stamps.has_date(cell)


def _name(text: TableText, found: _DayTable) -> str:
    """Header of the values: the cell beside the hours, or above them, that names a unit."""
    used = {n for n, _ in found.steps} | set(found.extra)
    header = text.rows[found.place]
    beside = [str(cell) for n, cell in enumerate(header.cells) if n not in used]
    below = [
        str(cell) for row in text.rows[found.place + 1 : found.place + 2]
        for n, cell in enumerate(row.cells) if n not in used
    ]  # fmt: skip
    above = [str(cell) for row in text.rows[: found.place] for cell in row.cells]
    for cell in (*beside, *below, *above):
        if table_columns.unit_of(cell) is not None and not table_stamps.has_date(cell):
            return cell.strip()
    words = [cell for cell in (*beside, *above) if table_columns.quantity_of(cell)
             is not table_columns.Quantity.UNKNOWN]  # fmt: skip
    return words[0].strip() if words else "value"


def _steps(row: Row, day: date, found: _DayTable, zone: ZoneInfo, text: TableText) -> Iterator[Row]:
    """Rows of a day's steps; none where they are not certain."""
    begin, end = (_midnight(day, zone, later) for later in (0, 1))
    ordinary = end - begin == DAY
    if ordinary:
        late = [n for n in found.extra if _cell(row, n)]
        if late:
            raise DataError(
                f"{text.place(row.line)}: column '{text.rows[found.place].cells[late[0]]}' has a "
                f"value, but {day:%d.%m.%Y} has 24 hours in {zone.key}"
            )
        places: Sequence[tuple[int, int]] = found.steps
    else:
        columns = sorted({*(n for n, _ in found.steps), *found.extra})
        filled = [n for n in columns if _cell(row, n)]
        if len(filled) * found.length != end - begin:
            return
        places = [(n, place) for place, n in enumerate(filled)]
    for n, place in places:
        at = begin + place * found.length
        cells: list[Cell] = [at.isoformat(), (at + found.length).isoformat(), _value(row, n)]
        yield Row(row.line, cells)


def _value(row: Row, column: int) -> Cell:
    return row.cells[column] if column < len(row.cells) else ""


def _cell(row: Row, column: int) -> str:
    return str(_value(row, column)).strip()


def _midnight(day: date, zone: ZoneInfo, later: int) -> datetime:
    return datetime.combine(day + timedelta(days=later), time(), zone).astimezone(UTC)
