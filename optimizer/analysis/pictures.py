"""Pictures for the reports: stepped lines on a time axis, as plain SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

WIDTH, HEIGHT = 960.0, 120.0
"""Size of a picture's plane in SVG units."""

Spell = tuple[datetime, datetime, float]
"""A value that holds from a moment to another."""


@dataclass(frozen=True, slots=True)
class Line:
    """A stepped line: its points, apart where nothing is known."""

    name: str
    style: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture of several lines on one scale that contains zero."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    low: str
    high: str
    zero: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes: a span of time and a range of values."""

    begin: datetime
    end: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        """Place of a moment."""
        return WIDTH * ((at - self.begin) / (self.end - self.begin))

    def y(self, value: float) -> float:
        """Place of a value."""
        return HEIGHT * (1 - (value - self.low) / ((self.high - self.low) or 1.0))

    def runs(self, spells: Sequence[Spell]) -> tuple[str, ...]:
        """SVG points of stepped lines; a gap in time ends one.

        >>> from datetime import UTC
        >>> day = [datetime(2026, 1, 14, hour, tzinfo=UTC) for hour in range(4)]
        >>> frame = Frame(day[0], day[3], 0.0, 1.0)
        >>> frame.runs([(day[0], day[1], 0.0), (day[2], day[3], 1.0)])
        ('0.0,120.0 320.0,120.0', '640.0,0.0 960.0,0.0')
        """
        runs: list[list[str]] = []
        last: datetime | None = None
        for start, end, value in spells:
            if start != last:
                runs.append([])
            y = self.y(value)
            runs[-1] += [f"{self.x(start):.1f},{y:.1f}", f"{self.x(end):.1f},{y:.1f}"]
            last = end
        return tuple(" ".join(run) for run in runs)


def panel(
    title: str, unit: str, begin: datetime, end: datetime, series: Mapping[str, Sequence[Spell]]
) -> Panel:
    """A picture; a series without a value is left out."""
    known = {name: spells for name, spells in series.items() if spells}
    values = [value for spells in known.values() for _, _, value in spells]
    frame = Frame(begin, end, min([0.0, *values]), max([0.0, *values]))
    lines = tuple(
        Line(name, f"s{place}", frame.runs(spells))
        for place, (name, spells) in enumerate(known.items())
    )
    low, high = f"{frame.low:.0f}", f"{frame.high:.0f}"
    return Panel(title, unit, lines, low, high, f"{frame.y(0.0):.1f}")


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a ribbon."""

    x: str
    width: str
    style: str
    words: str


def ribbon(
    begin: datetime, end: datetime, spells: Sequence[tuple[datetime, datetime, str, str]]
) -> tuple[Mark, ...]:
    """Coloured parts of the time axis: (from, to, style, words); like neighbours are one."""
    frame, marks = Frame(begin, end, 0.0, 1.0), []
    for (style, words), group in groupby(spells, key=lambda spell: spell[2:]):
        part = list(group)
        x, after = frame.x(part[0][0]), frame.x(part[-1][1])
        marks.append(Mark(f"{x:.1f}", f"{after - x:.1f}", style, words))
    return tuple(marks)
