"""Elements, scales and paths of SVG pictures; every text is escaped, colours are CSS classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor, log10

from markupsafe import Markup, escape

TimeSpan = tuple[datetime, datetime, float]
"""A value that holds from one moment to another."""

Point = tuple[datetime, float]
"""A value at a moment."""

HOUR = timedelta(hours=1)

TICK_HOURS = (1, 2, 3, 6, 12, 24)
"""Distances of the labels on a time axis [h]; they divide a day."""


def element(name: str, *children: str, **attributes: object) -> Markup:
    """An SVG element; attributes that are None are left out, `_` in their names becomes `-`.

    >>> str(element("text", "a < b", x=1.25, class_="label", text_anchor="end", y=None))
    '<text x="1.2" class="label" text-anchor="end">a &lt; b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup(f"<{name}{written}/>")  # noqa: S704 every value is escaped above
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")  # noqa: S704 likewise


def number(value: object) -> str:
    """A coordinate with at most one decimal; other values as they are.

    >>> number(12.04), number(3.0), number("M0,0")
    ('12', '3', 'M0,0')
    """
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0", value > -0.05)


def join(parts: Sequence[str]) -> Markup:
    """Elements one after the other."""
    return Markup("\n").join(parts)


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear scale from values to a coordinate; what lies outside is drawn at the edge."""

    low: float
    high: float
    at_low: float
    at_high: float

    def __call__(self, value: float) -> float:
        """Coordinate of a value.

        >>> Scale(0.0, 10.0, 100.0, 0.0)(2.5), Scale(0.0, 10.0, 100.0, 0.0)(50.0)
        (75.0, 0.0)
        """
        share = (min(max(value, self.low), self.high) - self.low) / ((self.high - self.low) or 1.0)
        return self.at_low + share * (self.at_high - self.at_low)

    def ticks(self, most: int) -> list[float]:
        """Round values within the scale, at most so many.

        >>> Scale(-4.0, 2.5, 0.0, 1.0).ticks(5)
        [-4.0, -2.0, 0.0, 2.0]
        """
        step = nice_step((self.high - self.low) / max(1, most - 1))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


def nice_step(least: float) -> float:
    """Smallest of 1, 2 and 5 times a power of ten that is not below a value.

    >>> nice_step(0.3), nice_step(17.0), nice_step(0.0)
    (0.5, 20.0, 1.0)
    """
    if least <= 0:
        return 1.0
    power: float = 10.0 ** floor(log10(least))
    return next(
        factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least - 1e-9
    )


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Time axis whose labels are local times."""

    begin: datetime
    end: datetime
    left: float
    right: float
    zone: tzinfo

    def x(self, at: datetime) -> float:
        """Coordinate of a moment; what lies outside is drawn at the edge."""
        share = (at - self.begin) / (self.end - self.begin)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def hours(self) -> list[datetime]:
        """Full local hours, each once: 23 or 25 on the days on which the clock changes."""
        first = self.begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        count = int((self.end - first) / HOUR)
        moments = [first + n * HOUR for n in range(count + 1)]
        return [at for at in moments if self.begin <= at <= self.end]

    def ticks(self, least_px: float) -> list[datetime]:
        """Local hours that leave this space for a label [px]."""
        hour_px = (self.right - self.left) / ((self.end - self.begin) / HOUR)
        every = next((h for h in TICK_HOURS if h * hour_px >= least_px), TICK_HOURS[-1])
        return [at for at in self.hours() if at.astimezone(self.zone).hour % every == 0]

    def midnights(self) -> list[datetime]:
        """Local midnights within the axis."""
        return [at for at in self.hours() if at.astimezone(self.zone).hour == 0]

    def clock_changes(self) -> list[tuple[datetime, str]]:
        """Moments at which the local clock is changed, and what it then does."""
        found = []
        for at in self.hours():
            before, after = (at - HOUR).astimezone(self.zone), at.astimezone(self.zone)
            turned = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
            if turned and at > self.begin:
                way = "forward" if turned > timedelta() else "back"
                found.append((at, f"clock {way}: {after:%Z}"))
        return found


def runs_of(spans: Sequence[TimeSpan]) -> list[list[TimeSpan]]:
    """Spans in runs without a gap."""
    runs: list[list[TimeSpan]] = []
    for span in spans:
        if not runs or runs[-1][-1][1] != span[0]:
            runs.append([])
        runs[-1].append(span)
    return runs


def step_path(spans: Sequence[TimeSpan], axis: TimeAxis, y: Scale) -> str:
    """Path of stepped lines; a gap in time is a gap in the line."""
    parts = []
    for run in runs_of(spans):
        parts.append(f"M{number(axis.x(run[0][0]))},{number(y(run[0][2]))}")
        parts += _steps(run, axis, y)
    return "".join(parts)


def area_path(spans: Sequence[TimeSpan], axis: TimeAxis, y: Scale) -> str:
    """Path of the areas between stepped lines and zero."""
    zero, parts = number(y(0.0)), []
    for run in runs_of(spans):
        parts.append(f"M{number(axis.x(run[0][0]))},{zero}V{number(y(run[0][2]))}")
        parts += [*_steps(run, axis, y), f"V{zero}Z"]
    return "".join(parts)


def _steps(run: Sequence[TimeSpan], axis: TimeAxis, y: Scale) -> list[str]:
    """Commands of one run behind its first point; equal neighbours are one step."""
    parts, height = [], number(y(run[0][2]))
    for (_, end, _), following in zip(run, [*run[1:], None], strict=True):
        after = height if following is None else number(y(following[2]))
        if following is None or after != height:
            parts.append(f"H{number(axis.x(end))}")
            parts += [f"V{after}"] if after != height else []
        height = after
    return parts


def line_path(runs: Sequence[Sequence[Point]], axis: TimeAxis, y: Scale) -> str:
    """Path of straight lines between points."""
    return "".join(
        "M" + "L".join(f"{number(axis.x(at))},{number(y(value))}" for at, value in run)
        for run in runs
        if run
    )
