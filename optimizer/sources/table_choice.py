"""Choice of a table's column: by quantity, unit and content; two that fit are never one by chance.

Columns that say the same (kW = 4 x kWh of a quarter-hour, differences of a counter) are one.
Otherwise both are named, and the owner chooses by `column = "..."`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from optimizer.errors import ConfigError, DataError
from optimizer.sources import table_columns, table_numbers
from optimizer.sources.table_columns import Quantity, Unit
from optimizer.sources.table_layout import SAMPLE_ROWS, Layout
from optimizer.sources.table_numbers import AmbiguousNumbersError, Notation
from optimizer.sources.table_steps import Steps
from optimizer.sources.table_text import Cell

HOUR = timedelta(hours=1)
COUNTER_ROWS = 24
"""Rows that only rise and so may be a counter, where the header does not say so."""
COUNTER_SPAN = timedelta(days=2)
"""Time over which the load of a house always falls once."""
COUNTER_W = 100_000.0
"""Power beyond which readings cannot be energies of a house [W]."""
AGREE = 0.02
"""Relative distance within which two columns say the same."""
ROUNDING = 0.25
"""Share of the mean that a coarse last digit may explain."""
AGREE_SHARE = 0.98
"""Share of the rows in which they have to."""
_SUFFIX = re.compile(r"[-+\d.,' ]*\d\s*([kM]?Wh?)")
FIX = 'name one of them: column = "{}"'


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of numbers."""

    number: int
    name: str
    quantity: Quantity
    unit: Unit | None
    values: list[float | None]
    """As they are written."""
    digit: float
    """Value of the last written digit."""
    counter: bool


def columns_of(layout: Layout, step: timedelta) -> list[TableColumn]:
    """Columns that hold numbers, of a table with a step.

    Raises
    ------
    DataError
        With file, line or column: a cell that is no number, marks that can be read in two ways.
    """
    every = {n: layout.cells(n) for n in range(len(layout.names)) if n not in layout.columns.all}
    suffixes = {n: _suffix(cells) for n, cells in every.items()}
    every = {n: _stripped(cells, suffixes[n]) for n, cells in every.items()}
    numeric = {n: cells for n, cells in every.items() if _is_numeric(cells)}
    shared = _unit_column(cells for n, cells in every.items() if n not in numeric)
    hint = _hint(layout, numeric)
    made = []
    for number, cells in numeric.items():
        name = layout.names[number]
        quantity, unit = table_columns.quantity_of(name), table_columns.unit_of(name)
        if unit is None and quantity is not Quantity.PRICE:
            unit = (
                table_columns.unit_of(suffixes[number])
                or shared
                or (table_columns.unit_of("kWh") if table_columns.is_register(name) else None)
            )
        useful = unit is not None or quantity not in (Quantity.UNKNOWN, Quantity.OTHER)
        if not useful:
            continue
        values = _values(layout, number, cells, hint)
        counter = table_columns.is_counter(name) or _counts(values, unit, step)
        made.append(TableColumn(number, name, quantity, unit, values, _digit(cells), counter))
    return made


def _is_numeric(cells: Sequence[Cell]) -> bool:
    filled = [cell for cell in cells if not _is_hole(cell)]
    sample = filled[:SAMPLE_ROWS]
    return bool(sample) and sum(map(table_numbers.looks_like_number, sample)) * 2 >= len(sample)


def _suffix(cells: Sequence[Cell]) -> str:
    """The unit behind every number of a column, such as `0,35 kWh`; empty if there is none."""
    texts = [cell.strip() for cell in cells[:SAMPLE_ROWS] if isinstance(cell, str)]
    found = {match[1] for text in texts if (match := _SUFFIX.fullmatch(text))}
    filled = [text for text in texts if not _is_hole(text)]
    every = found and all(_SUFFIX.fullmatch(text) for text in filled)
    return found.pop() if every and len(found) == 1 else ""


def _stripped(cells: list[Cell], suffix: str) -> list[Cell]:
    if not suffix:
        return cells
    return [cell.strip().removesuffix(suffix).rstrip() if isinstance(cell, str) else cell
            for cell in cells]  # fmt: skip


def _is_hole(cell: Cell) -> bool:
    return isinstance(cell, str) and cell.strip().lower() in table_numbers.HOLES


def _unit_column(columns: Iterable[Sequence[Cell]]) -> Unit | None:
    """The unit that a column of units names in every row."""
    for cells in columns:
        texts = {str(cell).strip() for cell in cells if str(cell).strip()}
        if len(texts) == 1:
            text = texts.pop()
            unit = table_columns.unit_of(text)
            if unit is not None and len(text) <= len("EUR/MWh") + 2:
                return unit
    return None


def _hint(layout: Layout, numeric: dict[int, list[Cell]]) -> str:
    """Decimal mark that the table's other columns show."""
    if layout.text.delimiter == ",":
        return "."
    marks = set()
    for cells in numeric.values():
        try:
            notation = table_numbers.notation_of(cells)
        except AmbiguousNumbersError:
            continue
        if notation.certain:
            marks.add(notation.decimal)
    return marks.pop() if len(marks) == 1 else ""


def _values(layout: Layout, number: int, cells: list[Cell], hint: str) -> list[float | None]:
    name = layout.names[number]
    try:
        notation = table_numbers.notation_of(cells, hint)
    except AmbiguousNumbersError as error:
        raise DataError(
            f"{layout.text.path}, column '{name}': {error}: save it without thousands marks"
        ) from error
    return [_number(layout, place, cell, notation, number) for place, cell in enumerate(cells)]


def _number(
    layout: Layout, place: int, cell: Cell, notation: Notation, column: int
) -> float | None:
    row = layout.rows[place]
    if column >= len(row.cells):
        raise DataError(f"{layout.text.place(row.line)}: the row is too short")
    try:
        return notation.number(cell)
    except ValueError as error:
        raise DataError(f"{layout.text.place(row.line)}: {error}") from error


def _digit(cells: Sequence[Cell]) -> float:
    """Value of the last digit that the longest of some cells shows."""
    digits = 0
    for cell in cells[:SAMPLE_ROWS]:
        text = cell.strip() if isinstance(cell, str) else f"{cell:.6g}"
        mark = max(text.rfind(","), text.rfind("."))
        digits = max(digits, len(text) - mark - 1 if mark >= 0 else 0)
    return float(10.0**-digits)


def _counts(values: Sequence[float | None], unit: Unit | None, step: timedelta) -> bool:
    """Test for values that only rise, at a level that energies cannot have or for days.

    A restart, one fall in a day's rows, does not matter; an even ramp is no house's counter.
    """
    known = [value for value in values if value is not None]
    if unit is None or unit.kind != "energy" or len(known) < COUNTER_ROWS:
        return False
    rises = [after - before for before, after in pairwise(known)]
    if sum(rise < 0 for rise in rises) * COUNTER_ROWS > len(rises) or known[0] == known[-1]:
        return False
    up = [rise for rise in rises if rise > 0]
    even = not up or max(up) - min(up) <= 0.01 * max(up)
    high = min(known) * unit.factor * (HOUR / step) > COUNTER_W
    return high or (len(known) * step >= COUNTER_SPAN and not even)


def chosen(
    columns: Sequence[TableColumn], ranks: Sequence[set[Quantity]], steps: Steps, layout: Layout,
    wanted: str | None,
) -> TableColumn:  # fmt: skip
    """The column that is taken.

    Parameters
    ----------
    ranks
        Quantities that fit, the best first.
    wanted
        The owner's choice by `column`.

    Raises
    ------
    ConfigError
        If there is no column of the owner's choice.
    DataError
        If none fits, two fit, or the unit is unknown.
    """
    if wanted is not None:
        return _with_unit(_named(columns, layout, wanted), layout)
    for rank in ranks:
        fitting = [column for column in columns if column.quantity in rank]
        fitting = [column for column in fitting if column.unit is not None] or fitting
        if fitting:
            return _with_unit(_one(fitting, steps, layout), layout)
    names = ", ".join(f"'{name}'" for name in layout.names)
    raise DataError(
        f"{layout.text.path}: no column fits; it has {names}: name the one to take: "
        'column = "..." (with its unit in the header)'
    )


def _named(columns: Sequence[TableColumn], layout: Layout, wanted: str) -> TableColumn:
    for column in columns:
        if column.name.strip().lower() == wanted.strip().lower():
            return column
    names = ", ".join(f"'{column.name}'" for column in columns) or "none"
    raise ConfigError(
        f"{layout.text.path} has no column of numbers '{wanted}'; that can be taken: {names}"
    )


def _with_unit(column: TableColumn, layout: Layout) -> TableColumn:
    if column.unit is None:
        raise DataError(
            f"{layout.text.path}: the unit of column '{column.name}' is not known: write it into "
            f"the header, such as {column.name} [kWh]"
        )
    return column


def _one(fitting: Sequence[TableColumn], steps: Steps, layout: Layout) -> TableColumn:
    """The only column, or the first of those that say the same."""
    first, *others = sorted(fitting, key=lambda column: (column.counter, column.number))
    for other in others:
        if not _agree(first, other, steps):
            raise DataError(
                f"{layout.text.path}: columns '{first.name}' and '{other.name}' both fit and "
                f"differ: {FIX.format(first.name)}"
            )
    return first


def _agree(one: TableColumn, other: TableColumn, steps: Steps) -> bool:
    """Test that two columns say the same: row by row, with a counter on the whole."""
    first, second = (in_base_unit(column, steps) for column in (one, other))
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    slack = sum(_slack(column, steps) for column in (one, other))
    if not pairs:
        return False
    if one.counter or other.counter:
        total, total_of_other = (sum(abs(pair[n]) for pair in pairs) for n in (0, 1))
        return abs(total - total_of_other) <= AGREE * total + slack
    mean = sum(abs(a) for a, _ in pairs) / len(pairs)
    rounding = min(1.01 * slack, ROUNDING * mean)
    same = sum(abs(a - b) <= AGREE * max(abs(a), abs(b)) + rounding for a, b in pairs)
    return same >= AGREE_SHARE * len(pairs)


def _slack(column: TableColumn, steps: Steps) -> float:
    """Half of the last digit, as power [W] or price; a counter is rounded twice."""
    unit = column.unit
    if unit is None:
        return 0.0
    per_hour = HOUR / steps.step if unit.kind == "energy" else 1.0
    return column.digit * unit.factor * per_hour * (1.0 if column.counter else 0.5)


def in_base_unit(column: TableColumn, steps: Steps) -> list[float | None]:
    """Values as power [W], or as a price per kWh.

    A counter's step is the difference to its next reading; a fall is a restart, hence a hole.
    """
    unit = column.unit
    if unit is None:
        return [None] * len(column.values)
    values = _rises(column.values, steps) if column.counter else column.values
    per_hour = [HOUR / n if unit.kind == "energy" else 1.0 for n in steps.lengths]
    return [
        None if value is None else value * unit.factor * times
        for value, times in zip(values, per_hour, strict=True)
    ]


def _rises(values: Sequence[float | None], steps: Steps) -> list[float | None]:
    """Rise of a counter over each step that ends with the next reading."""
    moments: list[datetime | None] = [
        at if at is None or steps.named == "start" else at + length
        for at, length in zip(steps.starts, steps.lengths, strict=True)
    ]
    result: list[float | None] = []
    for place, length in enumerate(steps.lengths[:-1]):
        value, following = values[place : place + 2]
        at, later = moments[place : place + 2]
        if value is None or following is None or at is None or later is None:
            result.append(None)
        else:
            whole = following >= value and later - at == length
            result.append(following - value if whole else None)
    return [*result, None]


def starts_of(column: TableColumn, steps: Steps) -> Steps:
    """Steps of a column: a counter's begin with its reading, whatever other columns do."""
    if not column.counter or steps.named == "start":
        return steps
    moved = [None if at is None else at + length
             for at, length in zip(steps.starts, steps.lengths, strict=True)]  # fmt: skip
    return replace(steps, starts=moved, named="start", shown_by="a meter's reading")
