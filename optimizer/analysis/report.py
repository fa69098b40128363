"""One self-contained HTML file: plan, what happened, what it saved; no script, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from optimizer.analysis import sample
from optimizer.analysis.blocks import blocks
from optimizer.analysis.living import Lived
from optimizer.analysis.text import WORDS, clock, number, price

WIDTH, HEIGHT = 960.0, 120.0
"""Size of a picture's plane in SVG units."""


@dataclass(frozen=True, slots=True)
class Line:
    """A stepped line in a picture."""

    name: str
    style: str
    points: str


def stepped(values: Sequence[float], low: float, high: float) -> str:
    """SVG points of a step line: each value holds for its whole quarter-hour.

    >>> stepped([0.0, 1.0], 0.0, 1.0)
    '0.0,120.0 480.0,120.0 480.0,0.0 960.0,0.0'
    """
    width, span = WIDTH / len(values), (high - low) or 1.0
    corners = []
    for place, value in enumerate(values):
        y = HEIGHT * (1 - (value - low) / span)
        corners += [f"{place * width:.1f},{y:.1f}", f"{(place + 1) * width:.1f},{y:.1f}"]
    return " ".join(corners)


def _panel(title: str, unit: str, series: dict[str, Sequence[float]]) -> dict[str, Any]:
    """A picture of several lines on one scale that contains zero."""
    low = min(0.0, *(min(values) for values in series.values()))
    high = max(0.0, *(max(values) for values in series.values()))
    lines = [
        Line(name, f"s{place}", stepped(values, low, high))
        for place, (name, values) in enumerate(series.items())
    ]
    zero = HEIGHT * (1 - (0 - low) / ((high - low) or 1.0))
    return {
        "title": title, "unit": unit, "lines": lines, "low": f"{low:.0f}", "high": f"{high:.0f}",
        "zero": f"{zero:.1f}",
    }  # fmt: skip


def _scene(lived: Lived) -> dict[str, Any]:
    """One lived scene as the template wants it."""
    quarters, alone = lived.quarters, lived.own_use
    capacity = lived.battery.capacity_wh
    planned = [100 * step.soc_wh / capacity for step in lived.plan.steps][: len(quarters)]
    planned += planned[-1:] * (len(quarters) - len(planned))
    panels = [
        _panel("Price", "ct/kWh", {
            "buying": [q.buy * 100 for q in quarters], "selling": [q.sell * 100 for q in quarters],
        }),
        _panel("Power", "kW", {
            "house": [q.reading.load_w / 1000 for q in quarters],
            "roof": [q.reading.pv_w / 1000 for q in quarters],
            "battery (+ discharges)": [q.reading.battery_w / 1000 for q in quarters],
            "grid (+ buys)": [q.reading.grid_w / 1000 for q in quarters],
        }),
        _panel("Stored", "%", {
            "with the plan": [100 * q.reading.soc_wh / capacity for q in quarters],
            "planned at midnight": planned,
            "left to itself": [100 * q.reading.soc_wh / capacity for q in alone],
        }),
    ]  # fmt: skip
    rows = [
        {
            "when": f"{clock(block.start, sample.ZONE)}-{clock(block.end, sample.ZONE)}",
            "what": WORDS[block.intent],
            "price": price(block),
            "battery": number(block.battery_w),
            "stored": f"{100 * block.soc_after_wh / capacity:.0f}",
            "why": block.why,
        }
        for block in blocks(lived.plan, capacity)
    ]
    start, end = quarters[0].reading.start, quarters[-1].reading.end
    return {
        "lived": lived,
        "day": f"{start.astimezone(sample.ZONE):%A %d %B %Y}",
        "marks": [clock(start + (end - start) * part / 6, sample.ZONE) for part in range(7)],
        "panels": panels,
        "rows": rows,
    }


def render(scenes: Sequence[Lived]) -> str:
    """The whole file as text; everything from outside is escaped."""
    environment = Environment(
        loader=PackageLoader("optimizer.analysis", "."), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("report.html")
    return template.render(scenes=[_scene(lived) for lived in scenes], width=WIDTH, height=HEIGHT)
