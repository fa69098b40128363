"""Stamps of a table: dates and times of the usual forms, the order of day and month by column."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

_DATE = (
    r"(?:(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<t>[-/.])(?P<b>\d{1,2})(?P=t)(?P<c>\d{4}|\d{2}))"
)
_TIME = (
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s*Uhr)?"
)
_ZONE = r"(?:\s*(?P<z>Z|MESZ|MEZ|CEST|CET|(?:UTC|GMT)?\s?[+-]\d{2}(?::?\d{2})?|UTC|GMT))"
_WEEKDAY = r"(?:[^\W\d]{2,10}[.,]{0,2}\s+)?"
_TO = r"(?:\s*(?:-|\N{EN DASH}|bis|to)\s*(?P<to>\S.*))?"
_MOMENT = re.compile(rf"{_WEEKDAY}{_DATE}[T,\s]\s*{_TIME}{_ZONE}?{_TO}")
_DAY = re.compile(rf"{_WEEKDAY}{_DATE}")
_CLOCK = re.compile(rf"{_TIME}{_ZONE}?{_TO}")
_NAMED_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "MEZ": 1, "CET": 1, "MESZ": 2, "CEST": 2}
CENTURY = 2_000
EPOCH = (1_000_000_000, 4_000_000_000)
"""Seconds since 1970 that a table of this century has; a thousand times as many are ms."""
SAMPLE_ROWS = 200


class Kind(StrEnum):
    """Content of a column of stamps."""

    MOMENT = "moment"
    DAY = "day"
    CLOCK = "clock"
    EPOCH = "epoch"


class Stamp(NamedTuple):
    """A moment as it is written."""

    local: datetime
    """Naive; 24:00 is the next midnight."""
    offset: timedelta | None = None
    """From UTC; None if it is not written."""
    at_24: bool = False
    """Written as 24:00, which only an end can be."""

    @property
    def utc(self) -> datetime | None:
        """UTC, where the offset is written."""
        return None if self.offset is None else (self.local - self.offset).replace(tzinfo=UTC)


def kind_of(cells: Sequence[str | float]) -> Kind | None:
    """Content of most of a column's first cells; None if it has no stamps."""
    filled = [cell for cell in cells if not isinstance(cell, str) or cell.strip()][:SAMPLE_ROWS]
    most = len(filled) // 2 + 1
    if sum(map(_is_epoch, filled)) >= most:
        return Kind.EPOCH
    texts = [cell.strip() for cell in filled if isinstance(cell, str)]
    for kind, pattern in ((Kind.MOMENT, _MOMENT), (Kind.DAY, _DAY), (Kind.CLOCK, _CLOCK)):
        if sum(pattern.fullmatch(text) is not None for text in texts) >= most:
            return kind
    compact = sum(_compact(text) is not None for text in texts)
    return Kind.MOMENT if compact >= most else None


def has_date(cell: str | float) -> bool:
    """Test for a cell that begins a row of data."""
    if not isinstance(cell, str):
        return _is_epoch(cell)
    text = cell.strip()
    found = _MOMENT.fullmatch(text) or _DAY.fullmatch(text) or _compact(text)
    return bool(found) or _is_epoch(text)


def has_offset(cell: str | float) -> bool:
    """Test for a moment with its offset from UTC."""
    found = _MOMENT.fullmatch(str(cell).strip())
    compact = _compact(str(cell).strip())
    return bool(found and found["z"]) or (compact is not None and compact.tzinfo is not None)


def day_first(cells: Sequence[str | float]) -> bool | None:
    """Order of day and month in a column of dates such as 03/04/2026; None if nothing shows it."""
    pairs = set()
    for cell in cells:
        found = _DAY.match(cell.strip()) if isinstance(cell, str) else None
        if found and found["a"]:
            if found["t"] == ".":
                return True
            pairs.add((int(found["a"]), int(found["b"])))
    if any(first > 12 for first, _ in pairs) or not pairs:
        return True
    if any(second > 12 for _, second in pairs):
        return False
    return None


def stamp(text: str | float, *, day_comes_first: bool = True) -> Stamp:
    """A moment.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> stamp("14.01.2026 24:00").local.isoformat()
    '2026-01-15T00:00:00'
    >>> stamp("2026-01-14T18:00:00.000+01:00").utc.isoformat()
    '2026-01-14T17:00:00+00:00'
    """
    if _is_epoch(text):
        seconds = float(text)
        seconds /= 1000 if seconds > EPOCH[1] else 1
        return Stamp(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None), timedelta(0))
    cell = str(text).strip()
    found = _MOMENT.fullmatch(cell)
    if found is None:
        compact = _compact(cell)
        if compact is None:
            raise ValueError(f"'{cell}' is not a moment such as 31.01.2026 18:15")
        return Stamp(compact.replace(tzinfo=None), compact.utcoffset())
    return _with_clock(_date(found, day_comes_first), found)


def day_of(text: str | float, *, day_comes_first: bool = True) -> date:
    """A date; a workbook's midnight is one too.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _DAY.fullmatch(str(text).strip().removesuffix(" 00:00:00"))
    if found is None:
        raise ValueError(f"'{text}' is not a date such as 31.01.2026")
    return _date(found, day_comes_first)


def on_day(at: date, text: str | float) -> Stamp:
    """A time of day on a date.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _CLOCK.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(f"'{text}' is not a time such as 18:15")
    return _with_clock(at, found)


def end_within(text: str | float, begin: Stamp) -> Stamp | None:
    """The second moment of a cell such as `14.01.2026 18:00 - 18:15`; None if it has one only."""
    cell = str(text).strip()
    found = _MOMENT.fullmatch(cell) or _CLOCK.fullmatch(cell)
    if found is None or not found["to"]:
        return None
    rest = found["to"]
    if _MOMENT.fullmatch(rest):
        return stamp(rest)
    end = on_day(begin.local.date(), rest)
    return end if end.local > begin.local else end._replace(local=end.local + timedelta(days=1))


def _with_clock(at: date, found: "re.Match[str]") -> Stamp:
    hour, minute, second = (int(found[name] or 0) for name in "HMS")
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] in "Pp" else 0)
    at_24 = hour == 24 and not minute and not second
    local = datetime.combine(at, time(0 if at_24 else hour, minute, second))
    return Stamp(local + timedelta(days=at_24), _offset(found["z"]), at_24)


def _offset(text: str | None) -> timedelta | None:
    if not text:
        return None
    if text in _NAMED_ZONES:
        return timedelta(hours=_NAMED_ZONES[text])
    digits = re.sub(r"[^\d]", "", text)
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -size if "-" in text else size


def _date(found: "re.Match[str]", day_comes_first: bool) -> date:
    if found["y"]:
        return date(int(found["y"]), int(found["m"]), int(found["d"]))
    first, second, year = int(found["a"]), int(found["b"]), int(found["c"])
    year += CENTURY if len(found["c"]) == 2 else 0
    return date(year, second, first) if day_comes_first else date(year, first, second)


def _compact(text: str) -> datetime | None:
    """A moment such as 20260114T180000+01 or 2026-01-14T18:00."""
    if not text[:8].replace("-", "").isdigit() or "T" not in text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _is_epoch(cell: str | float) -> bool:
    if isinstance(cell, str):
        text = cell.strip()
        if not (text.isdigit() and len(text) in (10, 13)):
            return False
        cell = float(text)
    return EPOCH[0] <= (cell / 1000 if cell > EPOCH[1] else cell) <= EPOCH[1]
