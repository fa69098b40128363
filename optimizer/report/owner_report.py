"""The owner's HTML file: the plan in force, what happened, what it saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.model.currency import EUR, Currency
from optimizer.model.moments import QUARTER
from optimizer.model.plan import Plan
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import Reason
from optimizer.report import picture_inputs
from optimizer.report.html import environment, phase_rows, step_rows
from optimizer.report.picture import draw
from optimizer.report.picture_inputs import GERMANY, Picture
from optimizer.savings.account import DayAccount
from optimizer.savings.measured_day import QuarterPrice
from optimizer.store.journal import Tick
from optimizer.text import account_text
from optimizer.text.account_text import Cents
from optimizer.text.local_time import clock, in_local_time
from optimizer.text.plan_table import money_lines

PICTURED = timedelta(days=3)
"""Length of the past that is drawn; the accounts may go back further."""

PEACE = (Reason.SELF_CONSUMPTION, Reason.HOLDING)


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """Everything that the file shows."""

    site: str
    now: datetime
    zone: ZoneInfo
    capacity_wh: float
    state: str
    """State of the executor and its reason, as a line."""
    plan: Plan | None
    no_plan: str
    days: Sequence[DayAccount]
    quarters: Sequence[QuarterEnergy]
    """Metered quarter-hours of the time that is drawn."""
    prices: Mapping[datetime, QuarterPrice]
    without_plan: Sequence[tuple[datetime, float]]
    """Stored energy of the battery left to itself [Wh], by moment."""
    reasons: Sequence[tuple[str, timedelta]]
    """Reasons why nothing could be held, with their durations."""
    attributions: Sequence[str]
    lowest_percent: float = 0.0
    """Reserve of the battery [%]."""
    highest_percent: float = 100.0
    place: tuple[float, float] = GERMANY
    """Latitude and longitude, for day and night [degrees]."""
    money: Currency = EUR
    """Currency of prices and amounts."""
    footnotes: Sequence[tuple[str, str]] = ()
    """Rule of each column of the savings, as name and text."""


def interruptions(changes: Sequence[Tick], until: datetime) -> list[tuple[str, timedelta]]:
    """Durations of all reasons but self-consumption and holding, the longest first.

    Parameters
    ----------
    changes
        The journal's changes, oldest first.
    until
        End of the last change's time.
    """
    lasted: dict[str, timedelta] = {}
    ends = [*(datetime.fromisoformat(tick.at) for tick in changes[1:]), until]
    for tick, end in zip(changes, ends, strict=False):
        reason = Reason.__members__.get(tick.reason)
        if reason is not None and reason not in PEACE:
            spent = end - datetime.fromisoformat(tick.at)
            lasted[reason.value] = lasted.get(reason.value, timedelta(0)) + spent
    return sorted(lasted.items(), key=lambda item: -item[1])


def current_picture(report: OwnerReport, plan: Plan) -> Picture:
    """Today as metered up to now, and the plan from now on."""
    today = picture_inputs.day_start(report.now, report.zone)
    past = [quarter for quarter in report.quarters if today <= quarter.start < report.now]
    since = past[-1].start + QUARTER if past else None
    ahead = picture_inputs.of_plan(plan, report.capacity_wh, report.zone, since)
    begin = past[0].start if past else plan.steps[0].start
    metered = picture_inputs.of_record(
        past, report.prices, [(at, wh) for at, wh in report.without_plan if at >= begin],
        report.capacity_wh, report.money,
    )  # fmt: skip
    return Picture(
        "Prices, powers and stored energy of the plan in force", begin, plan.steps[-1].end,
        report.zone, **picture_inputs.joined(metered, ahead), now=report.now,
        lowest_percent=report.lowest_percent, highest_percent=report.highest_percent,
        place=report.place, money=report.money,
    )  # fmt: skip


def past_picture(report: OwnerReport) -> Picture:
    """The last days as metered."""
    metered = picture_inputs.of_record(
        report.quarters, report.prices, report.without_plan, report.capacity_wh, report.money
    )
    return Picture(
        "Prices, powers and stored energy of the last days", report.quarters[0].start,
        report.quarters[-1].start + QUARTER, report.zone, **metered,
        lowest_percent=report.lowest_percent, highest_percent=report.highest_percent,
        place=report.place, money=report.money,
    )  # fmt: skip


def _plan(report: OwnerReport) -> dict[str, Any] | None:
    plan = report.plan
    if plan is None:
        return None
    ends = plan.steps[-1].end.astimezone(report.zone)
    rows = phase_rows(plan, report.capacity_wh, report.zone, "%a ", report.now)
    return {
        "plan": plan,
        "made": f"{plan.made_at.astimezone(report.zone):%A %-d %B %Y} "
        f"{clock(plan.made_at, report.zone)}",
        "saved_by": saved_by(plan.saving_eur, f"{ends:%a} {clock(ends, report.zone)}"),
        "picture": draw(current_picture(report, plan)),
        "rows": rows,
        "now": next((row for row in rows if row["time"] == "now"), None),
        "next": next((row for row in rows if row["time"] == "ahead"), None),
        "steps": step_rows(plan, report.capacity_wh, report.zone),
        "money": money_lines(plan),
        "notes": [in_local_time(note, report.zone) for note in plan.notes],
    }


def _savings(report: OwnerReport) -> dict[str, Any] | None:
    days = report.days
    if not days:
        return None
    rows = [(day.day, Cents.of(day), day) for day in days]
    unsure = account_text.unsure_together_eur(days, report.capacity_wh)
    together = account_text.total(days)
    return {
        "rows": rows,
        "total": together,
        "priced": any(cents.override for _, cents, _ in rows),
        "peaked": any(day.peak_eur or day.self_consumption_peak_eur for day in days),
        "doubt": f"± {report.money.amount(unsure)}",
        "verdict": account_text.verdict(together.saved, unsure, report.money),
        "model": account_text.model(days, report.money),
        "left_out": account_text.left_out(days),
    }


def saved_by(saving_eur: float, until: str) -> str:
    """Remark beside the expected saving of a plan; the saving is rounded to cents before.

    >>> saved_by(1.2, "Sat 00:00"), saved_by(0.004, "Sat 00:00")
    ('saved by Sat 00:00', 'nothing to gain before Sat 00:00: self-consumption is best')
    """
    if round(saving_eur, 2) > 0:
        return f"saved by {until}"
    return f"nothing to gain before {until}: self-consumption is best"


def lasting(time: timedelta) -> str:
    """A duration as words.

    >>> lasting(timedelta(minutes=5)), lasting(timedelta(hours=3, minutes=7))
    ('5 min', '3 h 07 min')
    """
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def render(report: OwnerReport) -> str:
    """The whole file as text."""
    template = environment().get_template("owner_report.html")
    return template.render(
        report=report,
        now=f"{report.now.astimezone(report.zone):%A %d %B %Y} {clock(report.now, report.zone)}",
        plan=_plan(report),
        past=draw(past_picture(report)) if report.quarters else None,
        savings=_savings(report),
        reasons=[(reason, lasting(time)) for reason, time in report.reasons],
        eur=account_text.eur,
    )
