"""Numbers of a table: decimal and thousands mark are decided once for a column.

A cell alone cannot say whether `1.234` is 1234 or 1.234; the column usually can. Where it cannot,
it is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HOLES = frozenset({
    "", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", "n/a", "na", "n.a.", "nan", "null", "none",
    "unknown", "unavailable", "k.a.", "n.v.", "#nv", "#n/a", "?", "n/e",
})  # fmt: skip
"""Cells without a value, in lower case."""
SPACES = str.maketrans(
    "",
    "",
    " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'\N{RIGHT SINGLE QUOTATION MARK}",
)
"""Thousands marks that are never a decimal mark."""
GROUP_DIGITS = 3
SURELY_WHOLE = 100.0
"""Size of numbers without a mark beside which marks with three digits are thousands."""
_PLAIN = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?")
_NUMBERS = {
    (mark, grouped): re.compile(
        rf"[+-]?(?:\d{{1,3}}(?:{re.escape('.' if mark == ',' else ',')}\d{{3}})+|\d*)"
        rf"(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d+)?"
        if grouped else rf"[+-]?\d*(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d+)?"
    )
    for mark in ".,"
    for grouped in (True, False)
}  # fmt: skip


class AmbiguousNumbersError(ValueError):
    """A column's marks can be read in two ways."""


@dataclass(frozen=True, slots=True)
class Notation:
    """Marks of a column."""

    decimal: str = "."
    grouped: bool = False
    """The other mark separates thousands."""
    certain: bool = False
    """The column itself shows its decimal mark."""

    def number(self, cell: str | float) -> float | None:
        """A number; None is a hole.

        Raises
        ------
        ValueError
            If the cell is not a number of this notation.

        Examples
        --------
        >>> Notation(",", grouped=True).number("1.084,30"), Notation().number("-")
        (1084.3, None)
        """
        if not isinstance(cell, str):
            return cell
        text = cell.strip()
        if text.lower() in HOLES:
            return None
        text = text.translate(SPACES)
        matches = _NUMBERS[self.decimal, self.grouped].fullmatch(text)
        if not matches or not any(map(str.isdigit, text)):
            raise ValueError(f"'{cell}' is not a number")
        group = "." if self.decimal == "," else ","
        return float(text.replace(group, "").replace(self.decimal, "."))


def looks_like_number(cell: str | float) -> bool:
    """Test for a number in any notation.

    >>> [looks_like_number(text) for text in ("1.084,30", "14.01.2026", "kWh", "-", "1'200")]
    [True, False, False, False, True]
    """
    if not isinstance(cell, str):
        return True
    text = cell.strip().translate(SPACES)
    if not _PLAIN.fullmatch(text) or not any(map(str.isdigit, text)):
        return False
    return any(pattern.fullmatch(text) for pattern in _NUMBERS.values())


def notation_of(cells: Sequence[str | float], hint: str = "") -> Notation:
    """The notation of a column.

    Parameters
    ----------
    hint
        Decimal mark of the table's other columns, for a column that does not show its own; empty
        if there is none.

    Raises
    ------
    AmbiguousNumbersError
        If its marks can be read in two ways.

    Examples
    --------
    >>> notation_of(["987", "1.234", "12.345"]).number("1.234")
    1234.0
    >>> notation_of(["0.987", "1.234"]).number("1.234")
    1.234
    >>> notation_of(["1.234", "2.345"])
    Traceback (most recent call last):
    optimizer.sources.table_numbers.AmbiguousNumbersError: '1.234' can be 1234 or 1.234
    """
    texts = {cell.strip().translate(SPACES).lstrip("+-") for cell in cells if isinstance(cell, str)
             and looks_like_number(cell)}  # fmt: skip
    both = {max(".,", key=text.rfind) for text in texts if "." in text and "," in text}
    if len(both) > 1:
        raise AmbiguousNumbersError("some numbers have a decimal comma, others a decimal point")
    if both:
        return Notation(both.pop(), grouped=True, certain=True)
    marked = {mark: {text for text in texts if mark in text} for mark in ".,"}
    proofs = {mark: any(map(_shows_decimal, found)) for mark, found in marked.items()}
    if all(proofs.values()):
        raise AmbiguousNumbersError("some numbers have a decimal comma, others a decimal point")
    for mark, proven in proofs.items():
        if proven:
            other = "." if mark == "," else ","
            return Notation(mark, grouped=bool(marked[other]), certain=True)
    used = [mark for mark in ".," if marked[mark]]
    if not used:
        return Notation(hint or ".")
    if len(used) > 1:
        raise AmbiguousNumbersError("some numbers have a comma, others a point")
    return _of_groups(used[0], marked[used[0]], texts - marked[used[0]], hint)


def _shows_decimal(text: str) -> bool:
    """Test for a mark that cannot separate thousands: `0.5`, `1234.567`, `0,100`."""
    parts = re.split("[.,]", text)
    if len(parts) > 2:
        return False
    whole, rest = parts
    return len(rest) != GROUP_DIGITS or not 1 <= len(whole) <= GROUP_DIGITS or whole[0] == "0"


def _of_groups(mark: str, marked: set[str], plain: set[str], hint: str) -> Notation:
    """Notation of a column in which every mark has three digits behind it."""
    other = "." if mark == "," else ","
    sizes = [float(text) for text in plain]
    if any(text.count(mark) > 1 for text in marked):
        return Notation(other, grouped=True, certain=True)
    if any(size >= 10**GROUP_DIGITS for size in sizes):
        return Notation(mark, certain=True)
    if sizes and max(sizes) >= SURELY_WHOLE:
        return Notation(other, grouped=True, certain=True)
    if hint:
        return Notation(hint, grouped=hint == other)
    text = min(marked)
    raise AmbiguousNumbersError(f"'{text}' can be {text.replace(mark, '')} or {text}")
