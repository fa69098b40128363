"""Tables of meter portals and inverters: kWh or W by local time, with the end or start in a row.

Known: one column with the end of each step (Netz NÖ: `Messzeitpunkt;Verbrauch (kWh)`), date with
from and to (Wiener Netze and many others: `Datum;Zeit von;Zeit bis;Verbrauch [kWh]`), one column
with the start and the house's power (E3DC: `Zeitstempel;Hausverbrauch [W]`). A grid operator's
meter tells what was drawn from the grid: with a roof or a battery that is not the house's load.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.errors import ConfigError, DataError
from optimizer.sources import power
from optimizer.sources.http import Http
from optimizer.sources.series import Point
from optimizer.sources.settings import LoadSettings, Span

WHOLE = re.compile(
    r"(hausverbrauch|verbrauch|consumption|bezug)[^\[(]*[\[(](k?wh?)[\])]", re.IGNORECASE
)
"""A column of load or draw, with its unit."""
STAMPS = {"messzeitpunkt": "end", "zeitstempel": "start"}
DATES, FROMS = ("datum", "date"), ("zeit von", "von", "from")
FORMATS = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y %H:%M", "%Y-%m-%d %H:%M",
           "%Y-%m-%d %H:%M:%S")  # fmt: skip
PREAMBLE = 30
"""The header stands within so many lines."""
KNOWN = "Messzeitpunkt, or Datum and Zeit von, or Zeitstempel, and Verbrauch [kWh] or [W]"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in a row."""

    line: int
    stamp: tuple[int, ...]
    at_end: bool
    value: int
    unit: str
    drawn: bool
    """Whether it is what was drawn from the grid."""


def fetch(settings: LoadSettings, span: Span, http: Http) -> pd.DataFrame:
    """Read the file."""
    if settings.file is None:
        raise ConfigError("load: the source 'meter' needs a key 'file'")
    try:
        content = settings.file.read_bytes()
    except OSError as error:
        raise DataError(f"{settings.file} cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return parse(text, settings.file, span.zone, grid_only=settings.grid_only)


def parse(text: str, path: Path, zone: ZoneInfo, *, grid_only: bool) -> pd.DataFrame:
    """`load_w` [W]; rows without a value, and incomplete days of a clock change, are holes.

    Raises
    ------
    ConfigError
        If it holds draw from the grid and nobody said that the house had neither roof nor battery.
    DataError
        By file and line.
    """
    sep = max(";,\t", key=text.count)
    rows = list(csv.reader(text.splitlines(), delimiter=sep))
    layout = _layout(rows, path)
    if layout.drawn and not grid_only:
        raise ConfigError(
            f"load: {path} tells what was drawn from the grid; that is the house's load only "
            "without roof and battery: say grid_only = true if there was neither"
        )
    moments, values = _read(rows, layout, path)
    steps = {abs(after - before) for before, after in pairwise(moments)} - {timedelta(0)}
    if not steps:
        raise DataError(f"{path} has no rows: one moment alone does not tell its step")
    step = min(steps)
    starts = [moment - step for moment in moments] if layout.at_end else moments
    scale = {"w": 1.0, "kw": 1e3, "wh": timedelta(hours=1) / step,
             "kwh": 1e3 * (timedelta(hours=1) / step)}[layout.unit]  # fmt: skip
    utc = _utc(starts, step, zone)
    known = [Point(at, at + step, None if value is None else value * scale)
             for at, value in zip(utc, values, strict=True) if at is not None]  # fmt: skip
    return power.frame(known, "load_w", str(path))


def _read(
    rows: Sequence[Sequence[str]], layout: _Layout, path: Path
) -> tuple[list[datetime], list[float | None]]:
    """Local moments and values below the header."""
    moments, values = [], []
    for line, row in enumerate(rows[layout.line :], layout.line + 1):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(*layout.stamp, layout.value):
            raise DataError(f"{path}, line {line}: the row is too short")
        moments.append(_local(" ".join(row[n].strip() for n in layout.stamp), path, line))
        values.append(_number(row[layout.value].strip(), path, line))
    return moments, values


def _layout(rows: Sequence[Sequence[str]], path: Path) -> _Layout:
    for line, row in enumerate(rows[:PREAMBLE], 1):
        names = [cell.strip().strip('"').lower() for cell in row]
        value = next(((n, found) for n, name in enumerate(names) if (found := WHOLE.search(name))),
                     None)  # fmt: skip
        if value is None:
            continue
        unit, drawn = value[1][2], not value[1][1].startswith("haus")
        for n, name in enumerate(names):
            if name in STAMPS:
                return _Layout(line, (n,), STAMPS[name] == "end", value[0], unit, drawn)
        day = next((n for n, name in enumerate(names) if name in DATES), None)
        begin = next((n for n, name in enumerate(names) if name in FROMS), None)
        if day is not None and begin is not None:
            return _Layout(line, (day, begin), False, value[0], unit, drawn)
    raise DataError(f"{path}: no header of a known form ({KNOWN}) in the first {PREAMBLE} lines")


def _local(text: str, path: Path, line: int) -> datetime:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 local, made aware below
        except ValueError:
            continue
    raise DataError(f"{path}, line {line}: '{text}' is not a moment such as 31.01.2026 18:15")


def _number(text: str, path: Path, line: int) -> float | None:
    """A number with comma or point; nothing and a dash are unknown."""
    if text in ("", "-"):
        return None
    try:
        return float(text.replace(".", "").replace(",", ".") if "," in text else text)
    except ValueError as error:
        raise DataError(f"{path}, line {line}: '{text}' is not a number") from error


def _utc(starts: list[datetime], step: timedelta, zone: ZoneInfo) -> list[datetime | None]:
    """Local starts in UTC.

    On a day on which the clock changes rows are counted: the k-th row is local midnight + k steps.
    If some are missing there, nobody knows which: the day is left out.
    """
    result: list[datetime | None] = []
    for day, group in groupby(starts, key=datetime.date):
        rows, (begin, end) = list(group), (_midnight(day, zone), _midnight(day, zone, 1))
        if end - begin == timedelta(days=1):
            result += [local.replace(tzinfo=zone).astimezone(UTC) for local in rows]
        elif len(rows) == (end - begin) / step:
            result += [begin + k * step for k in range(len(rows))]
        else:
            result += [None] * len(rows)
    return result


def _midnight(day: date, zone: ZoneInfo, later: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=later), time(), zone).astimezone(UTC)
