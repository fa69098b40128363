"""The owner's HTML file: the plan in force, what happened, what it saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.analysis.ledger import words
from optimizer.analysis.ledger.day import Day
from optimizer.analysis.ledger.measured import Price
from optimizer.analysis.ledger.words import Cents
from optimizer.analysis.pages import block_rows, environment, marks
from optimizer.analysis.pictures import Mark, Panel, Spell, panel, ribbon
from optimizer.analysis.text import WORDS, clock
from optimizer.model.exchange import Quarter
from optimizer.model.plan import Intent, Plan
from optimizer.model.quarter import QUARTER
from optimizer.model.state import Reason
from optimizer.store.journal import Tick

PICTURED = timedelta(days=3)
"""So much of the past is drawn; the accounts may go back further."""

STYLES = {
    Intent.CHARGE: "i0",
    Intent.DISCHARGE: "i1",
    Intent.LIMIT: "i2",
    Intent.DEFER: "i3",
    Intent.HOLD: "i4",
    Intent.OWN_USE: "i5",
}
PEACE = (Reason.OWN_USE, Reason.HOLDING)


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is told."""

    site: str
    now: datetime
    zone: ZoneInfo
    capacity_wh: float
    state: str
    """What is held now and why, in a line."""
    plan: Plan | None
    no_plan: str
    days: Sequence[Day]
    quarters: Sequence[Quarter]
    """As metered, of the time that is drawn."""
    prices: Mapping[datetime, Price]
    alone: Sequence[tuple[datetime, float]]
    """Stored energy, had the battery been left to itself [Wh]."""
    reasons: Sequence[tuple[str, timedelta]]
    """For how long nothing could be held, and why."""
    attributions: Sequence[str]


def doubts(changes: Sequence[Tick], until: datetime) -> list[tuple[str, timedelta]]:
    """For how long each reason but own use and holding lasted, the longest first.

    Parameters
    ----------
    changes
        The journal's changes, oldest first.
    until
        When the last one's time ends.
    """
    lasted: dict[str, timedelta] = {}
    ends = [*(datetime.fromisoformat(tick.at) for tick in changes[1:]), until]
    for tick, end in zip(changes, ends, strict=False):
        reason = Reason.__members__.get(tick.reason)
        if reason is not None and reason not in PEACE:
            spent = end - datetime.fromisoformat(tick.at)
            lasted[reason.value] = lasted.get(reason.value, timedelta(0)) + spent
    return sorted(lasted.items(), key=lambda item: -item[1])


def _plan_panels(plan: Plan, capacity_wh: float) -> list[Panel]:
    begin, end = plan.steps[0].start, plan.steps[-1].end

    def spells(name: str, factor: float) -> list[Spell]:
        return [(s.start, s.end, getattr(s, name) * factor) for s in plan.steps]

    buy, sell = spells("buy_eur_per_kwh", 100), spells("sell_eur_per_kwh", 100)
    powers = {
        "house": spells("load_w", 0.001),
        "roof": spells("pv_w", 0.001),
        "battery (+ discharges)": spells("battery_w", 0.001),
        "grid (+ buys)": spells("grid_w", 0.001),
    }
    return [
        panel("Price", "ct/kWh", begin, end, {"buying": buy, "selling": sell}),
        panel("Power", "kW", begin, end, powers),
        panel("Stored", "%", begin, end, {"planned": spells("soc_wh", 100 / capacity_wh)}),
    ]


def _ribbon(plan: Plan) -> tuple[Mark, ...]:
    begin, end = plan.steps[0].start, plan.steps[-1].end
    return ribbon(
        begin, end, [(s.start, s.end, STYLES[s.intent], WORDS[s.intent]) for s in plan.steps]
    )


def _past_panels(story: Story) -> list[Panel]:
    begin, end = story.quarters[0].start, story.quarters[-1].start + QUARTER

    def spells(values: Mapping[datetime, float]) -> list[Spell]:
        return [(at, at + QUARTER, value) for at, value in sorted(values.items())]

    seen = {q.start: q for q in story.quarters if q.seconds > 0}

    def power(energy: Mapping[datetime, float]) -> list[Spell]:
        return spells({at: wh / seen[at].seconds * 3.6 for at, wh in energy.items()})

    roof = {at: q.pv_wh for at, q in seen.items() if q.pv_wh is not None}
    powers = {
        "house": power({at: wh + seen[at].short_wh - seen[at].spare_wh for at, wh in roof.items()}),
        "roof": power(roof),
        "battery (+ discharges)": power(
            {at: q.discharged_wh - q.charged_wh for at, q in seen.items()}
        ),
        "grid (+ buys)": power({at: q.drawn_wh - q.fed_wh for at, q in seen.items()}),
    }
    share = 100 / story.capacity_wh
    stored = {at: q.first_soc_wh * share for at, q in seen.items() if q.first_soc_wh is not None}
    known = {at: price for at, price in story.prices.items() if begin <= at < end}
    prices = {
        "buying": spells({at: price.buy * 100 for at, price in known.items()}),
        "selling": spells({at: price.sell * 100 for at, price in known.items()}),
    }
    charges = {
        "measured": spells(stored),
        "left to itself": spells({at: wh * share for at, wh in story.alone}),
    }
    return [
        panel("Price", "ct/kWh", begin, end, prices),
        panel("Power, measured", "kW", begin, end, powers),
        panel("Stored", "%", begin, end, charges),
    ]


def _plan(story: Story) -> dict[str, Any] | None:
    plan = story.plan
    if plan is None:
        return None
    begin, end = plan.steps[0].start, plan.steps[-1].end
    return {
        "plan": plan,
        "made": f"{plan.made_at.astimezone(story.zone):%A %d %B %Y} "
        f"{clock(plan.made_at, story.zone)}",
        "panels": _plan_panels(plan, story.capacity_wh),
        "ribbon": _ribbon(plan),
        "intents": [
            (STYLES[i], WORDS[i]) for i in STYLES if any(s.intent is i for s in plan.steps)
        ],
        "marks": marks(begin, end, story.zone, "%a "),
        "rows": block_rows(plan, story.capacity_wh, story.zone, "%a "),
    }


def _savings(story: Story) -> dict[str, Any] | None:
    days = story.days
    if not days:
        return None
    rows = [(day.day, Cents.of(day), day) for day in days]
    unsure = sum(words.unsure_eur(day, story.capacity_wh) ** 2 for day in days) ** 0.5
    together = words.total(days)
    return {
        "rows": rows,
        "total": together,
        "verdict": words.verdict(together.saved, unsure),
        "model": words.model(days),
        "left_out": words.left_out(days),
        "price": f"{100 * days[-1].stored_eur_per_kwh:.1f}",
    }


def _past(story: Story) -> dict[str, Any] | None:
    if not story.quarters:
        return None
    begin, end = story.quarters[0].start, story.quarters[-1].start + QUARTER
    return {"panels": _past_panels(story), "marks": marks(begin, end, story.zone, "%a ")}


def lasting(time: timedelta) -> str:
    """A duration for people.

    >>> lasting(timedelta(minutes=5)), lasting(timedelta(hours=3, minutes=7))
    ('5 min', '3 h 07 min')
    """
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def render(story: Story) -> str:
    """The whole file as text."""
    template = environment().get_template("owner_report.html")
    return template.render(
        story=story,
        now=f"{story.now.astimezone(story.zone):%A %d %B %Y} {clock(story.now, story.zone)}",
        plan=_plan(story),
        past=_past(story),
        savings=_savings(story),
        reasons=[(reason, lasting(time)) for reason, time in story.reasons],
        eur=words.eur,
    )
