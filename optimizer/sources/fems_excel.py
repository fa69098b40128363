"""The Excel export of FENECON's Online-Monitoring: load, roof and grid in quarter-hours.

Sheet `Export`, header in row 10 (German or English), data below: stamps with offset name the start,
whole watts, `-` is unknown. Needs openpyxl: `pip install optimizer[excel]`.
"""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError, DataError
from optimizer.model.quarter import QUARTER
from optimizer.sources import power
from optimizer.sources.http import Http
from optimizer.sources.series import Point
from optimizer.sources.settings import LoadSettings, Span

HEADER_ROW = 10
NAMES = {
    "at": ("Datum / Uhrzeit", "Date / Time"),
    "load_w": ("Verbrauch [W]", "Consumption [W]"),
    "pv_w": ("Erzeugung [W]", "Production [W]"),
    "buy_w": ("Netzbezug [W]", "Grid Purchase [W]"),
    "sell_w": ("Netzeinspeisung [W]", "Grid feed-in [W]"),
}
STAMP = "%d.%m.%Y %H:%M:%S %z"


def fetch(settings: LoadSettings, span: Span, http: Http) -> pd.DataFrame:
    """Read the workbook."""
    if settings.file is None:
        raise ConfigError("load: the source 'excel' needs a key 'file'")
    try:
        import openpyxl
    except ImportError as error:
        raise ConfigError(
            "load: the source 'excel' needs openpyxl: pip install 'optimizer[excel]'"
        ) from error
    try:
        content = io.BytesIO(settings.file.read_bytes())
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        rows = [list(row) for row in book["Export"].iter_rows(values_only=True)]
    except OSError as error:
        raise DataError(f"{settings.file} cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged workbook fails inside in many ways
        raise DataError(
            f"{settings.file} is not an export of the Online-Monitoring (a workbook with a sheet "
            "'Export')"
        ) from error
    return parse(rows, settings.file)


def parse(rows: list[list[Any]], path: Path) -> pd.DataFrame:
    """`load_w` where it is known; `pv_w` and `grid_w` beside it, NaN where they are not [W]."""
    header = rows[HEADER_ROW - 1] if len(rows) >= HEADER_ROW else []
    places = {key: next((header.index(name) for name in names if name in header), None)
              for key, names in NAMES.items()}  # fmt: skip
    if places["at"] is None or places["load_w"] is None:
        raise DataError(f"{path}, row {HEADER_ROW}: no columns '{NAMES['at'][0]}' and "
                        f"'{NAMES['load_w'][0]}'")  # fmt: skip
    starts, columns = [], {key: list[float | None]() for key in NAMES if key != "at"}
    for number, row in enumerate(rows[HEADER_ROW:], HEADER_ROW + 1):
        if row[places["at"]] is None:
            continue
        starts.append(_start(row[places["at"]], path, number))
        for key, values in columns.items():
            values.append(_watts(row, places[key], path, number))
    told = zip(starts, columns["load_w"], strict=True)
    frame = power.frame([Point(at, at + QUARTER, w) for at, w in told], "load_w", str(path))
    other = pd.DataFrame(columns, index=pd.DatetimeIndex(starts), dtype=float).groupby(level=0)
    means = other.mean().reindex(frame.index)
    return frame.assign(pv_w=means["pv_w"], grid_w=means["buy_w"] - means["sell_w"])


def _start(cell: object, path: Path, number: int) -> datetime:
    try:
        return datetime.strptime(str(cell).strip(), STAMP).astimezone(UTC)
    except ValueError as error:
        raise DataError(
            f"{path}, row {number}: '{cell}' is not a moment such as 31.01.2026 18:15:00 +0100"
        ) from error


def _watts(row: list[Any], place: int | None, path: Path, number: int) -> float | None:
    cell = None if place is None else row[place]
    if cell is None or cell == "-":
        return None
    try:
        return float(cell)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}, row {number}: '{cell}' is not a number") from error
