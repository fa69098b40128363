"""The demo's HTML file: plan, what happened, what it saved; no script, no network."""

from collections.abc import Callable, Sequence
from typing import Any

from optimizer.analysis import sample
from optimizer.analysis.bill import Quarter
from optimizer.analysis.living import Lived
from optimizer.analysis.pages import block_rows, environment, marks
from optimizer.analysis.pictures import Panel, Spell, panel


def _panels(lived: Lived) -> list[Panel]:
    quarters, capacity = lived.quarters, lived.battery.capacity_wh
    begin, end = quarters[0].reading.start, quarters[-1].reading.end

    def spells(value: Callable[[Quarter], float], of: Sequence[Quarter] = quarters) -> list[Spell]:
        return [(q.reading.start, q.reading.end, value(q)) for q in of]

    planned = [(s.start, s.end, 100 * s.soc_wh / capacity) for s in lived.plan.steps]
    price_lines = {
        "buying": spells(lambda q: q.buy * 100),
        "selling": spells(lambda q: q.sell * 100),
    }
    powers = {
        "house": spells(lambda q: q.reading.load_w / 1000),
        "roof": spells(lambda q: q.reading.pv_w / 1000),
        "battery (+ discharges)": spells(lambda q: q.reading.battery_w / 1000),
        "grid (+ buys)": spells(lambda q: q.reading.grid_w / 1000),
    }
    stored = {
        "with the plan": spells(lambda q: 100 * q.reading.soc_wh / capacity),
        "planned at midnight": [spell for spell in planned if spell[1] <= end],
        "left to itself": spells(lambda q: 100 * q.reading.soc_wh / capacity, lived.own_use),
    }
    return [
        panel("Price", "ct/kWh", begin, end, price_lines),
        panel("Power", "kW", begin, end, powers),
        panel("Stored", "%", begin, end, stored),
    ]


def _scene(lived: Lived) -> dict[str, Any]:
    """One lived scene as the template wants it."""
    start, end = lived.quarters[0].reading.start, lived.quarters[-1].reading.end
    return {
        "lived": lived,
        "day": f"{start.astimezone(sample.ZONE):%A %d %B %Y}",
        "marks": marks(start, end, sample.ZONE),
        "panels": _panels(lived),
        "rows": block_rows(lived.plan, lived.battery.capacity_wh, sample.ZONE),
    }


def render(scenes: Sequence[Lived]) -> str:
    """The whole file as text."""
    template = environment().get_template("report.html")
    return template.render(scenes=[_scene(lived) for lived in scenes])
