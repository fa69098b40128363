"""What the HTML files have in common: no script, no network, everything from outside escaped."""

from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from optimizer.analysis.blocks import blocks
from optimizer.analysis.text import WORDS, clock, number, price
from optimizer.model.plan import Plan


def environment() -> Environment:
    """Where templates come from; everything from outside is escaped."""
    return Environment(
        loader=PackageLoader("optimizer.analysis", "."), autoescape=True, undefined=StrictUndefined
    )


def marks(begin: datetime, end: datetime, zone: ZoneInfo, day: str = "") -> list[str]:
    """Seven moments of the time axis, with the day where there are several."""
    moments = [begin + (end - begin) * part / 6 for part in range(7)]
    return [f"{_day(at, zone, day)}{clock(at, zone)}" for at in moments]


def block_rows(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, day: str = ""
) -> list[dict[str, str]]:
    """A plan's blocks as rows of a table."""
    return [
        {
            "when": f"{_day(block.start, zone, day)}{clock(block.start, zone)}-"
            f"{clock(block.end, zone)}",
            "what": WORDS[block.intent],
            "price": price(block),
            "battery": number(block.battery_w),
            "stored": f"{100 * block.soc_after_wh / capacity_wh:.0f}",
            "why": block.why,
        }
        for block in blocks(plan, capacity_wh)
    ]


def _day(at: datetime, zone: ZoneInfo, form: str) -> str:
    return at.astimezone(zone).strftime(form)
