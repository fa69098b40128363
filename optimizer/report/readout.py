"""Read-out of the picture: its values at each quarter-hour as words, for the live page's script."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from optimizer.model.moments import QUARTER, floor
from optimizer.report.picture_inputs import Picture
from optimizer.report.svg import Point, TimeSpan
from optimizer.text.local_time import clock

SIGNED = {
    "battery_kw": ("battery gives", "battery takes"),
    "grid_kw": ("grid gives", "grid takes"),
}
"""Words for a positive and a negative power."""


def readout(picture: Picture) -> dict[str, Any]:
    """Begin, end [s since 1970] and rows `[end, words]` of a picture, oldest first."""
    series = {name: SpanLookup(getattr(picture, name)) for name in (
        "buy_price", "sell_price", "load_kw", "pv_kw", "battery_kw", "grid_kw",
    )}  # fmt: skip
    rows: list[list[Any]] = []
    at = picture.begin
    while at < picture.end:
        end = min(floor(at) + QUARTER, picture.end)
        rows.append([_seconds(end), f"{_times(picture, at, end)}  {_words(picture, series, at)}"])
        at = end
    return {"begin": _seconds(picture.begin), "end": _seconds(picture.end), "rows": rows}


class SpanLookup:
    """Values of spans by moment."""

    def __init__(self, spans: Sequence[TimeSpan]) -> None:
        self.spans = sorted(spans, key=lambda span: span[0])
        self.starts = [span[0] for span in self.spans]

    def at(self, moment: datetime) -> float | None:
        """Value at a moment; None between spans."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0 or self.spans[place][1] <= moment:
            return None
        return self.spans[place][2]


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _times(picture: Picture, at: datetime, end: datetime) -> str:
    local = at.astimezone(picture.zone)
    return f"{local:%a} {clock(at, picture.zone)}-{clock(end, picture.zone)}"


def _words(picture: Picture, series: dict[str, SpanLookup], at: datetime) -> str:
    """The known values of a quarter-hour; "no values" without any."""
    found = {name: lookup.at(at) for name, lookup in series.items()}
    parts, money = [], picture.money
    for name, words in (("buy_price", "buying"), ("sell_price", "selling")):
        value = found[name]
        parts += (
            [] if value is None else [f"{words} {value:z.{money.price_digits}f} {money.price_unit}"]
        )
    for name, words in (("load_kw", "house"), ("pv_kw", "PV")):
        value = found[name]
        parts += [] if value is None else [f"{words} {value:z.2f} kW"]
    for name, (up, down) in SIGNED.items():
        value = found[name]
        parts += [] if value is None else [f"{up if value >= 0 else down} {abs(value):.2f} kW"]
    parts += _stored(picture, at)
    return ", ".join(parts) or "no values"


def _stored(picture: Picture, at: datetime) -> list[str]:
    named = (
        ("measured", picture.measured_percent), ("planned", picture.planned_percent),
        ("left to itself", picture.reference_percent),
    )  # fmt: skip
    charges = [(words, _charge(runs, at)) for words, runs in named]
    known = [f"{value:.0f} % {words}" for words, value in charges if value is not None]
    return [f"stored {', '.join(known)}"] if known else []


def _charge(runs: Sequence[Sequence[Point]], at: datetime) -> float | None:
    """State of charge at a moment, from the point less than a quarter-hour before it [%]."""
    points = [point for run in runs for point in run]
    place = bisect_right(points, at, key=lambda point: point[0]) - 1
    if place < 0 or at - points[place][0] >= timedelta(minutes=15):
        return None
    return points[place][1]
