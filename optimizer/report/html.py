"""Common parts of the HTML files: no script, no network, all values escaped."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from optimizer.model.plan import Plan
from optimizer.report.picture import draw, patterns
from optimizer.report.picture_inputs import Picture
from optimizer.text.local_time import clock, clock_from
from optimizer.text.phases import Phase, phases, span
from optimizer.text.plan_table import INTENT_NAMES, number


def environment() -> Environment:
    """The template environment, which escapes all values."""
    made = Environment(
        loader=PackageLoader("optimizer.report", "."), autoescape=True, undefined=StrictUndefined
    )
    made.globals["patterns"] = patterns()
    return made


DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{.*?\} \}\n", re.DOTALL)
FONT = "font-family: system-ui, 'DejaVu Sans', sans-serif"


def picture_file(picture: Picture) -> str:
    """The wide picture as an SVG file of its own, in light colours."""
    style, _, _ = environment().get_template("style.css").render().partition("@media (max-width")
    drawn = str(draw(picture)).partition('<svg class="picture narrow"')[0]
    head, _, rest = drawn.partition(">")
    area = re.sub(r'.*viewBox="0 0 (\d+) (\d+)".*', r'width="\1" height="\2"', head)
    own = f'xmlns="http://www.w3.org/2000/svg" {area} style="{FONT}" class="picture"'
    head = head.replace('class="picture wide"', own)
    paper = f'<rect {area} fill="var(--paper)"/>'
    return f"{head}><style>{DARK.sub('', style)}</style>{paper}{patterns()}{rest}\n"


def phase_rows(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, day: str = "", now: datetime | None = None
) -> list[dict[str, str]]:
    """The plan's phases as rows of a table.

    `style` is the class of the intent's colour, `time` is `over`, `now` or `ahead`.
    """
    return [
        {
            "when": f"{_day(phase.start, zone, day)}{span(phase, zone)}",
            "until": clock_from(phase.end, phase.start, zone),
            "time": _time(phase, now),
            "what": INTENT_NAMES[phase.intent],
            "style": phase.intent.value,
            "words": phase.words(zone),
            "why": phase.why,
        }
        for phase in phases(plan, capacity_wh, zone)
    ]


def _time(phase: Phase, now: datetime | None) -> str:
    if now is None or phase.start > now:
        return "ahead"
    return "now" if now < phase.end else "over"


def step_rows(plan: Plan, capacity_wh: float, zone: ZoneInfo) -> list[list[str]]:
    """All steps: time, intent, prices [price units], powers [W], charge at the end [%]."""
    return [
        [
            f"{step.start.astimezone(zone):%a} {clock(step.start, zone)}",
            INTENT_NAMES[step.intent],
            plan.money.number(step.buy_eur_per_kwh),
            plan.money.number(step.sell_eur_per_kwh),
            *(number(watts) for watts in (step.load_w, step.pv_w, step.battery_w, step.grid_w)),
            f"{100 * step.soc_wh / capacity_wh:.0f}",
        ]
        for step in plan.steps
    ]


def _day(at: datetime, zone: ZoneInfo, form: str) -> str:
    return at.astimezone(zone).strftime(form)
