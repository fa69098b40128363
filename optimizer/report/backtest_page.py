"""The back-test's HTML file: strategies beside each other, and the gain month by month."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from markupsafe import Markup

from optimizer.backtest.comparison import OURS, Comparison, ConfidenceInterval, StrategyResult
from optimizer.backtest.result_text import YEAR_DAYS
from optimizer.report.html import environment
from optimizer.report.svg import Scale, element

LEFT, COLUMN, HEIGHT, TOP, FOOT = 52.0, 64.0, 150.0, 24.0, 24.0
"""Measures of the bars: axis, width of a month, plane, space above and below [px]."""


def bars(months: Mapping[str, float], code: str = "EUR") -> Markup:
    """A bar for each month, with an axis; as wide as its months need."""
    low, high = min(0.0, *months.values()), max(0.0, *months.values())
    room = 0.15 * ((high - low) or 1.0)
    y = Scale(low - (room if low < 0 else 0), high + room, TOP + HEIGHT, TOP)
    width = LEFT + COLUMN * len(months) + 8
    ticks = y.ticks(5)
    decimals = 0 if all(abs(value - round(value)) < 1e-9 for value in ticks) else 2
    parts = [
        element("title", f"Gain over self-consumption by month in {code}"),
        element("text", code, x=2, y=14, class_="name"),
    ]
    for value in ticks:
        kind = "zero" if abs(value) < 1e-9 else "grid"
        parts.append(element("line", x1=LEFT, x2=width, y1=y(value), y2=y(value), class_=kind))
        parts.append(
            element("text", f"{value:z.{decimals}f}", x=LEFT - 6, y=y(value) + 4, class_="tick end")
        )
    for place, (month, eur) in enumerate(months.items()):
        parts += _bar(LEFT + COLUMN * (place + 0.5), month, eur, y)
    return element(
        "svg", *parts, class_="picture bars", role="img", style=f"--wide: {width:.0f}px",
        viewBox=f"0 0 {width:.0f} {TOP + HEIGHT + FOOT:.0f}",
    )  # fmt: skip


def _bar(middle: float, month: str, eur: float, y: Scale) -> list[Markup]:
    top, bottom = min(y(eur), y(0.0)), max(y(eur), y(0.0))
    return [
        element(
            "rect", x=middle - 20, y=top, width=40.0, height=bottom - top,
            class_="bar" if eur >= 0 else "bar less",
        ),
        element(
            "text", f"{eur:z.2f}", x=middle, y=top - 4 if eur >= 0 else bottom + 12,
            class_="label strong middle",
        ),
        element("text", month, x=middle, y=TOP + HEIGHT + 16, class_="tick middle"),
    ]  # fmt: skip


def _years(item: ConfidenceInterval) -> str:
    return "" if isnan(item.low) else f"{item.low:.0f} to {item.high:.0f}"


def _row(item: StrategyResult) -> dict[str, Any]:
    return {
        "name": item.name,
        "ours": item.name == OURS,
        "extra": f"{item.extra_eur:z.2f}",
        "yearly": f"{item.yearly.mean:z.1f}",
        "range": _years(item.yearly),
        "share": "" if item.share is None else f"{item.share:.0%}",
        "cycles": f"{item.cycles:.0f}",
        "worse": item.worse_days,
    }


def _scene(comparison: Comparison) -> dict[str, Any]:
    ours = next((item for item in comparison.outcomes if item.name == OURS), None)
    return {
        "title": comparison.scenario,
        "days": f"{comparison.days:.0f}",
        "left_out": f"{comparison.left_out_days:.0f}" if comparison.left_out_days else "",
        "short": comparison.days < YEAR_DAYS,
        "stored": comparison.money.price(comparison.stored_eur_per_kwh),
        "money": comparison.currency,
        "no_battery": f"{comparison.no_battery_eur:.2f}",
        "alone": f"{comparison.self_consumption_eur:.2f}",
        "attainable": f"{comparison.attainable_eur:.2f}",
        "ours": None if ours is None else _row(ours),
        "rows": [_row(item) for item in comparison.outcomes],
        "ahead": [(name, f"{item.mean:z.1f}", _years(item)) for name, item in comparison.ahead],
        "bars": None if ours is None or not ours.months else bars(ours.months, comparison.currency),
    }


def render(comparisons: Sequence[Comparison]) -> str:
    """The whole file as text."""
    template = environment().get_template("backtest.html")
    return template.render(scenes=[_scene(comparison) for comparison in comparisons])
