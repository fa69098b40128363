"""Layout of a table: its header, its columns of stamps, and its rows in rising order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from optimizer.errors import DataError
from optimizer.model import moments
from optimizer.sources import table_columns, table_numbers, table_stamps
from optimizer.sources.table_columns import folded
from optimizer.sources.table_stamps import Kind, Stamp
from optimizer.sources.table_text import Cell, Row, TableText

PREAMBLE = 60
"""Count of lines within which the rows of data begin."""
ALIKE = 3
"""Rows with a date in the same column that are data, not a preamble."""
SAMPLE_ROWS = 200
SUMS = ("summe", "sum", "total", "gesamt", "mittel", "durchschnitt", "average", "mean", "minim",
        "maxim", "quelle", "source")  # fmt: skip
"""Beginnings of rows below the data that are no data."""
LATE_H = 23
_UNIT_CELL = re.compile(r"\[.*\]|\(.*\)|[kM]?Wh?|%")
"""A cell of a row of units below the headers."""


@dataclass(frozen=True, slots=True)
class StampColumns:
    """Columns that hold the moments of a table."""

    begin: tuple[int, ...]
    """One column of moments, or those of date and time."""
    end: tuple[int, ...] = ()
    """Those of the end, where the table has them."""
    zone_is_utc: bool = False

    @property
    def all(self) -> set[int]:
        """Every column of stamps."""
        return {*self.begin, *self.end}


@dataclass(frozen=True, slots=True)
class Layout:
    """Header, stamps and rows of a table."""

    text: TableText
    names: list[str]
    """Headers."""
    rows: list[Row]
    """Rows of data, in rising order."""
    columns: StampColumns
    stamps: list[Stamp]
    ends: list[Stamp] | None
    notes: tuple[str, ...] = field(default=())

    @property
    def stamp_words(self) -> str | None:
        """`start` or `end`, where the header of the stamps says so."""
        words = " ".join(self.names[n] for n in self.columns.begin)
        if table_columns.names_start(words):
            return "start"
        return "end" if table_columns.names_end(words) else None

    def cells(self, column: int) -> list[Cell]:
        """Cells of a column, empty where a row is too short."""
        return [row.cells[column] if column < len(row.cells) else "" for row in self.rows]


def layout_of(text: TableText) -> Layout:
    """The layout of a table.

    Raises
    ------
    DataError
        With file and line: no header, no stamps, a row of another width, a stamp that is none.
    """
    first, column = _data_start(text)
    names = _header(text.rows, first, column, text)
    rows = [row for row in text.rows[first:] if not _is_footer(row, column)]
    for row in rows:
        _check_width(row, len(names), column, text)
    sample = rows[:SAMPLE_ROWS]
    columns = _stamp_columns(names, sample, text)
    begins = _stamps(rows, columns.begin, text, utc=columns.zone_is_utc)
    ends = _stamps(rows, columns.end, text, utc=columns.zone_is_utc) if columns.end else None
    if not columns.end:
        ends = _ends_within(rows, columns.begin, begins)
    skipped = len(text.rows) - first - len(rows)
    notes: tuple[str, ...] = ()
    if skipped:
        notes = (f"{skipped} rows without a moment (sums) are left out",)
    if any(at.local.second for at in (*begins, *(ends or ()))):
        begins, ends = _to_minutes(begins), None if ends is None else _to_minutes(ends)
        notes += ("stamps are rounded to minutes",)
    return _in_order(Layout(text, names, rows, columns, _late_midnights(begins), ends, notes))


def _data_start(text: TableText) -> tuple[int, int]:
    """Place of the first row of data, and its first column with a date."""
    rows = text.rows
    for place, row in enumerate(rows[:PREAMBLE]):
        dated = _dated(row)
        for other in rows[place + 1 : place + ALIKE]:
            dated &= _dated(other) if not _is_footer(other, min(dated, default=0)) else dated
        if dated:
            return place, min(dated)
    if not rows:
        raise DataError(f"{text.path} is empty")
    raise DataError(
        f"{text.path}: no rows that begin with a moment such as 31.01.2026 18:15 in the first "
        f"{PREAMBLE} lines"
    )


def _dated(row: Row) -> set[int]:
    return {n for n, cell in enumerate(row.cells) if table_stamps.has_date(cell)}


def _header(rows: Sequence[Row], first: int, column: int, text: TableText) -> list[str]:
    """Headers: the row above the data, joined with the one above it if that names the stamps."""

    def cell(place: int, number: int) -> str:
        cells = rows[place].cells if place >= 0 else []
        return str(cells[number]).strip() if number < len(cells) else ""

    place = first - 1
    shown = [name for n in range(len(rows[place].cells)) if (name := cell(place, n))]
    bare = not cell(place, column) or all(map(_UNIT_CELL.fullmatch, shown))
    units_only = place > 0 and bare and bool(cell(place - 1, column))
    if place < 0 or not (cell(place, column) or units_only):
        raise DataError(
            f"{text.place(rows[first].line)}: no header above the data: the first line has to name "
            "the columns with their units, such as Zeitstempel;Hausverbrauch [W]"
        )
    width = max(len(rows[place].cells), len(rows[place - 1].cells) if units_only else 0)
    lines = (place - 1, place) if units_only else (place,)
    names = [" ".join(filter(None, (cell(n, number) for n in lines))) for number in range(width)]
    return [
        f"{name} ({names[: n + 1].count(name)})" if name and name in names[:n] else name
        for n, name in enumerate(names)
    ]


def _is_footer(row: Row, column: int) -> bool:
    """Test for a row of sums, or without a moment, below the data."""
    cell = row.cells[column] if column < len(row.cells) else ""
    return isinstance(cell, str) and (not cell.strip() or folded(cell).strip().startswith(SUMS))


def _check_width(row: Row, width: int, column: int, text: TableText) -> None:
    if any(str(cell).strip() for cell in row.cells[width:]):
        raise DataError(
            f"{text.place(row.line)}: {len(row.cells)} cells where the header has {width}: is the "
            "decimal mark the delimiter too?"
        )
    if len(row.cells) <= column or (width > 1 and len(row.cells) == 1):
        raise DataError(f"{text.place(row.line)}: the row is too short")


def _stamp_columns(names: list[str], rows: list[Row], text: TableText) -> StampColumns:
    by_kind: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    columns = [[row.cells[n] if n < len(row.cells) else "" for row in rows]
               for n in range(len(names))]  # fmt: skip
    for number, cells in enumerate(columns):
        kind = table_stamps.kind_of(cells)
        if kind is not None:
            by_kind[kind].append(number)
    found, days, clocks = by_kind[Kind.MOMENT], by_kind[Kind.DAY], by_kind[Kind.CLOCK]
    midnights = [n for n in found if all(str(c).strip().endswith(" 00:00:00") for c in columns[n])]
    if clocks and midnights and len(rows) > 1:  # a workbook's dates
        days, found = days + midnights, [n for n in found if n not in midnights]
    if found:
        return _of_moments(found, clocks, names, columns)
    if days and clocks:
        end_day = days[1] if len(days) > 1 else days[0]
        end = (end_day, clocks[1]) if len(clocks) > 1 else ()
        return StampColumns((days[0], clocks[0]), end, _utc_named(names, clocks[:1]))
    epochs = [n for n in by_kind[Kind.EPOCH] if len(set(columns[n])) == len(rows)]
    if epochs:
        return StampColumns((epochs[0],))
    what = "days only" if days else "no column of moments such as 31.01.2026 18:15"
    raise DataError(f"{text.path} has {what}: steps of 15, 30 or 60 min are wanted")


def _of_moments(
    found: list[int], clocks: list[int], names: list[str], columns: list[list[Cell]]
) -> StampColumns:
    """The stamps among columns of whole moments."""
    changing = [n for n in found if len(set(columns[n])) > 1 or len(columns[n]) == 1] or found
    pair = _pair(changing, names, columns)
    if pair is not None:
        return StampColumns((pair[0],), (pair[1],), _utc_named(names, [pair[0]]))
    offset = [n for n in changing if table_stamps.has_offset(columns[n][0])]
    best = (offset or changing)[0]
    ends = [n for n in clocks if table_columns.names_end(names[n])]
    return StampColumns((best,), (best, ends[0]) if ends else (), _utc_named(names, [best]))


def _pair(found: list[int], names: list[str], columns: list[list[Cell]]) -> tuple[int, int] | None:
    """Start and end among columns of moments: by their words, or a constant distance to an hour."""
    for begin, end in ((a, b) for a in found for b in found if a != b):
        try:
            gaps = {
                table_stamps.stamp(later).local - table_stamps.stamp(early).local
                for early, later in zip(columns[begin], columns[end], strict=True)
                if str(early).strip() and str(later).strip()
            }
        except ValueError:
            continue
        usual = gaps and all(timedelta(0) < gap <= timedelta(hours=1) for gap in gaps)
        words = table_columns.names_start(names[begin]) and table_columns.names_end(names[end])
        if (usual and len(gaps) == 1) or words:
            return begin, end
    return None


def _utc_named(names: list[str], columns: list[int]) -> bool:
    return any(table_columns.names_utc(names[n]) for n in columns)


def _stamps(
    rows: list[Row], columns: tuple[int, ...], text: TableText, *, utc: bool
) -> list[Stamp]:
    """Moments of the rows from one column, or from date and time."""
    dates = [row.cells[columns[0]] if columns[0] < len(row.cells) else "" for row in rows]
    order = table_stamps.day_first(dates)
    if order is None:
        raise DataError(
            f"{text.path}: '{dates[0]}' can be read as day or month first: save it with dates such "
            "as 2026-01-31"
        )
    made = []
    for row in rows:
        try:
            at = _stamp(row, columns, day_comes_first=order)
            moments.utc(at.local.replace(tzinfo=UTC))
        except (ValueError, IndexError) as error:
            shown = " ".join(str(row.cells[n]).strip() for n in columns if n < len(row.cells))
            raise DataError(
                f"{text.place(row.line)}: '{shown}' is not a moment such as 31.01.2026 18:15"
            ) from error
        made.append(at._replace(offset=timedelta(0)) if utc and at.offset is None else at)
    return made


def _stamp(row: Row, columns: tuple[int, ...], *, day_comes_first: bool) -> Stamp:
    if len(columns) == 1:
        return table_stamps.stamp(row.cells[columns[0]], day_comes_first=day_comes_first)
    date, clock = (row.cells[n] for n in columns)
    return table_stamps.on_day(table_stamps.day_of(date, day_comes_first=day_comes_first), clock)


def _ends_within(
    rows: list[Row], columns: tuple[int, ...], begins: list[Stamp]
) -> list[Stamp] | None:
    """Ends from cells such as `18:00 - 18:15`."""
    last = columns[-1]
    ends = [table_stamps.end_within(row.cells[last], begin)
            for row, begin in zip(rows, begins, strict=True)]  # fmt: skip
    known = [end for end in ends if end is not None]
    return known if len(known) == len(ends) else None


def _to_minutes(stamps: list[Stamp]) -> list[Stamp]:
    """Stamps rounded to the minute: meters are read a few seconds late, or end at 18:14:59."""
    half = timedelta(seconds=30)
    return [at._replace(local=(at.local + half).replace(second=0)) for at in stamps]


def without_hours_that_do_not_exist(layout: Layout, zone: ZoneInfo) -> Layout:
    """The layout without rows that hold no number in the hour that a clock change skips."""

    def exists(stamp: Stamp) -> bool:
        local = stamp.local.replace(tzinfo=zone)
        back = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        return stamp.offset is not None or back == stamp.local

    def is_empty(row: Row) -> bool:
        return not any(
            table_numbers.looks_like_number(cell)
            for n, cell in enumerate(row.cells) if n not in layout.columns.all
        )  # fmt: skip

    kept = [n for n, (row, stamp) in enumerate(zip(layout.rows, layout.stamps, strict=True))
            if exists(stamp) or not is_empty(row)]  # fmt: skip
    if len(kept) == len(layout.rows):
        return layout
    ends = None if layout.ends is None else [layout.ends[n] for n in kept]
    return replace(layout, rows=[layout.rows[n] for n in kept],
                   stamps=[layout.stamps[n] for n in kept], ends=ends)  # fmt: skip


def _late_midnights(stamps: list[Stamp]) -> list[Stamp]:
    """Stamps in which the last row of a day, 00:00 of the same date, is the midnight after it."""
    late = [
        after.local.date() == before.local.date() and before.local.hour >= LATE_H
        and not (after.local.hour or after.local.minute)
        for before, after in pairwise(stamps)
    ]  # fmt: skip
    if not any(late) or sum(b.local < a.local for a, b in pairwise(stamps)) > len(stamps) / 2:
        return stamps
    return [stamps[0]] + [
        stamp._replace(local=stamp.local + timedelta(days=1), at_24=True) if moved else stamp
        for stamp, moved in zip(stamps[1:], late, strict=True)
    ]


def _in_order(layout: Layout) -> Layout:
    """Rows in rising order: reversed where the newest come first, sorted where they have none."""
    rows, stamps, ends = layout.rows, layout.stamps, layout.ends
    notes = layout.notes
    falling = sum((b.local < a.local) - (b.local > a.local) for a, b in pairwise(stamps)) > 0
    if falling:
        rows, stamps, ends = rows[::-1], stamps[::-1], ends and ends[::-1]
        notes += ("the newest rows come first",)
    jumps = [b.local - a.local for a, b in pairwise(stamps) if b.local < a.local]
    if any(jump < -timedelta(hours=1) for jump in jumps):
        order = sorted(range(len(stamps)), key=lambda n: (stamps[n].utc or
                       stamps[n].local.replace(tzinfo=UTC)))  # fmt: skip
        rows, stamps = [rows[n] for n in order], [stamps[n] for n in order]
        ends = None if ends is None else [ends[n] for n in order]
        notes += ("rows are not in the order of time: sorted",)
    return replace(layout, rows=rows, stamps=stamps, ends=ends, notes=notes)
