"""Cells of an owner's table: a text of any usual encoding and delimiter, or a workbook.

Lines are numbered as an editor shows them. Quotation marks are strict: a cell ends on its line, so
that one stray mark does not swallow the rest of a file.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from optimizer.errors import DataError, MissingExtraError
from optimizer.store import files

DELIMITERS = ";\t|,"
"""Tried in this order; the comma last, since it is a decimal mark as well."""
SAMPLE_LINES = 200
SHEET = "Export"
"""Sheet of the FEMS Online-Monitoring's export; of other workbooks the first sheet counts."""
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""Byte order marks."""
FOREIGN = {
    b"\xd0\xcf\x11\xe0": "is a workbook of Excel 97: save it as .xlsx or as CSV UTF-8",
    b"\x1f\x8b": "is compressed: unpack it",
    b"%PDF": "is a PDF: ask the portal for a CSV file",
    b"<!DO": "is a web page, not a table: save the portal's CSV file",
    b"<htm": "is a web page, not a table: save the portal's CSV file",
}
"""Beginnings of files that are no tables, and what to do."""

Cell = str | float
"""Workbooks have numbers, texts have none."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line that is not blank."""

    line: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class TableText:
    """A table as cells."""

    path: Path
    rows: list[Row]
    delimiter: str
    """Empty for a workbook."""

    def place(self, line: int) -> str:
        """File and line for a message."""
        return f"{self.path}, {'line' if self.delimiter else 'row'} {line}"


def read(path: Path) -> TableText:
    """Read a file.

    Raises
    ------
    DataError
        If it cannot be read or is no table.
    MissingExtraError
        For a workbook without openpyxl.
    """
    content = files.content(path, files.MOST_TABLE_BYTES)
    if content.startswith(b"PK"):
        return TableText(path, list(_workbook(content, path)), "")
    return parse(decoded(content, path), path)


def parse(text: str, path: Path) -> TableText:
    """Cells of a text.

    Raises
    ------
    DataError
        With the line whose quotation marks do not pair.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = lines[0].strip().lower()
    if first.startswith("sep=") and len(first) == len("sep=;"):  # Excel's own hint
        delimiter, lines[0] = first[-1], ""
    else:
        delimiter = _delimiter(lines)
    return TableText(path, list(_split(lines, delimiter, path)), delimiter)


def decoded(content: bytes, path: Path) -> str:
    """Text of a file: UTF-8, UTF-16, else Windows-1252.

    Raises
    ------
    DataError
        If it is no text.
    """
    for beginning, text in FOREIGN.items():
        if content[:4].lower().startswith(beginning.lower()):
            raise DataError(f"{path} {text}")
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return _decoded(content, encoding, path)
    zeros = content[1:400:2].count(0), content[0:400:2].count(0)
    if max(zeros) > 100 or (max(zeros) > 5 and max(zeros) * 5 > len(content)):
        return _decoded(content, "utf-16-le" if zeros[0] > zeros[1] else "utf-16-be", path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _decoded(content: bytes, encoding: str, path: Path) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
        raise DataError(
            f"{path} is not {name} text, although it begins so: save it as CSV UTF-8"
        ) from error


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most lines into the same number of cells, at least two."""
    sample = [line for line in lines if line.strip()][:SAMPLE_LINES]
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = Counter(_cells(line, delimiter) for line in sample)
        counts.pop(1, None)
        if not counts:
            continue
        width, lines_of_width = counts.most_common(1)[0]
        score = lines_of_width + width / 1000
        if score > best_score + (len(sample) / 10 if best_score else 0):
            best, best_score = delimiter, score
    return best


def _cells(line: str, delimiter: str) -> int:
    """Count of cells; delimiters within quotation marks do not count."""
    if '"' not in line:
        return line.count(delimiter) + 1
    outside = line.split('"')[::2]
    return sum(part.count(delimiter) for part in outside) + 1


def _split(lines: list[str], delimiter: str, path: Path) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if "field larger" in str(error):
                raise DataError(f"{path}, line {line}: a cell is too long") from error
            raise _stray(path, line) from error
        if cells is None:
            return
        if reader.line_num > line:
            raise _stray(path, line)
        if any(map(str.strip, cells)):
            yield Row(line, list(cells))


def _stray(path: Path, line: int) -> DataError:
    return DataError(
        f"{path}, line {line}: a quotation mark is not closed on its line: take it out of the cell"
    )


def _workbook(content: bytes, path: Path) -> Iterator[Row]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError(f"{path}: a workbook needs openpyxl", "excel") from error
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    except Exception as error:  # a damaged workbook fails inside in many ways
        raise DataError(f"{path} is not a workbook that can be read: save it again") from error
    for number, row in enumerate(rows, 1):
        cells = [_cell(value) for value in row]
        if any(not isinstance(cell, str) or cell.strip() for cell in cells):
            yield Row(number, cells)


def _cell(value: object) -> Cell:
    """A workbook's value as a number or as text; moments are rounded to the second."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, datetime):
        whole = value + timedelta(microseconds=500_000)
        return whole.replace(microsecond=0).isoformat(sep=" ")
    if isinstance(value, time):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
