"""The live page: the moment, two days of plan, the past, the savings and the health."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from optimizer.doctor.finding import Finding, Level
from optimizer.model.plan import Intent
from optimizer.report.html import environment, phase_rows, step_rows
from optimizer.report.owner_report import OwnerReport, current_picture, past_picture, saved_by
from optimizer.report.picture import draw
from optimizer.report.picture_inputs import Picture
from optimizer.report.readout import readout
from optimizer.report.status_lines import Status
from optimizer.savings.account import DayAccount
from optimizer.savings.forecast_totals import ForecastTotals
from optimizer.store.pause import PauseKind
from optimizer.text import account_text
from optimizer.text.account_text import ComparedCosts
from optimizer.text.local_time import clock
from optimizer.text.plan_table import INTENT_NAMES, money_lines

CHIPS = {
    "self_consumption": ("self_consumption", "self-consumption"),
    "paused": ("paused", "paused"),
    "stood_down": ("paused", "stood down"),
    "released": ("hold", "nothing held"),
    "not_running": ("paused", "not running"),
}
"""Class and word of a state in which nothing of the plan is held."""


@dataclass(frozen=True, slots=True)
class SavedPeriod:
    """Accounts of some days under one name."""

    name: str
    days: Sequence[DayAccount]
    on_card: bool = False
    """Shown among the cards too."""


@dataclass(frozen=True, slots=True)
class LivePage:
    """Everything that the page shows."""

    status: Status
    report: OwnerReport
    """The house of today: its plan, and what was metered since midnight."""
    day: date
    """The past day that is shown."""
    past: OwnerReport
    """What was metered on that day."""
    past_account: DayAccount | None
    first_day: date | None
    """First day with a record; None without one."""
    saved: Sequence[SavedPeriod]
    forecasts: Sequence[tuple[str, ForecastTotals]]
    """Energies forecast and metered, by the name of the day."""
    findings: Sequence[Finding]


def render(page: LivePage, nonce: str) -> str:
    """The whole page as text; its style and its script carry the nonce."""
    report = page.report
    return environment().get_template("live_page.html").render(
        nonce=nonce,
        page=page,
        report=report,
        at=f"{report.now.astimezone(report.zone):%A %-d %B %Y}, "
        f"{report.now.astimezone(report.zone):%H:%M:%S %Z}",
        chip=_chip(page.status),
        state=[page.status.rows(report.zone)[0], *_rows(page.status, report, "why", "next")],
        facts=_rows(page.status, report, "battery", "price"),
        alerts=_alerts(page),
        cards=_cards(page),
        plan=_plan(page),
        today=None if page.status.plan or not report.quarters else _figure(past_picture(report)),
        money=[_costs(period, report.capacity_wh) for period in page.saved],
        past=_past(page),
        forecasts=_forecasts(page),
        findings=[
            {"level": finding.level.value, "name": finding.name, "text": finding.text,
             "fix": finding.fix}
            for finding in page.findings
        ],
        trouble=sum(finding.level is not Level.OK for finding in page.findings),
        eur=account_text.eur,
    )  # fmt: skip


def render_message(sentence: str, nonce: str) -> str:
    """A page with one sentence, where there is nothing else to show."""
    return environment().get_template("live_message.html").render(sentence=sentence, nonce=nonce)


def _chip(status: Status) -> tuple[str, str]:
    """Class and word of the state."""
    if status.state == "following" and status.live is not None:
        intent = Intent(status.live["intent"])
        return intent.value, INTENT_NAMES[intent]
    return CHIPS[status.state]


def _rows(status: Status, report: OwnerReport, *names: str) -> list[tuple[str, str]]:
    """Some rows of `optimizer status`, without the diagram of prices: there is a picture."""
    rows = dict(status.rows(report.zone)) | {"price": status.price_words(report.zone)}
    return [(name, rows[name]) for name in names]


def _alerts(page: LivePage) -> list[str]:
    """Sentences that stand above all others."""
    status, zone, alerts = page.status, page.report.zone, []
    if status.plan is None:
        alerts.append(f"Nothing is planned for now: {status.no_plan}.")
    if status.pause is not None:
        begun = {PauseKind.OWNER: "Paused", PauseKind.STAND_DOWN: "Stood down"}[status.pause.kind]
        alerts.append(f"{begun} {status.pause.text(zone)}.")
    override = dict(status.rows(zone)).get("override")
    if override is not None:
        alerts.append(f"Override: {override}.")
    if status.shadow:
        alerts.append(
            "This is a shadow run: everything is decided, nothing is written to the FEMS."
        )
    elif not status.running:
        alerts.append("No executor is running: nothing is held, the FEMS looks after itself.")
    return alerts


def _cards(page: LivePage) -> list[tuple[str, str, str]]:
    """Name, figure and remark of each card."""
    status, cards, money = page.status, [], page.report.money
    step, live = status.step, status.live if status.running else None
    if step is not None:
        sell = f"selling pays {money.price(step.sell_eur_per_kwh)}"
        cards.append(("Price now", money.price(step.buy_eur_per_kwh), sell))
    soc, planned = None if live is None else live["soc_percent"], status.planned_soc_percent
    if soc is not None or planned is not None:
        figure = "unknown" if soc is None else f"{soc:.0f} %"
        cards.append(("Battery", figure, "" if planned is None else f"planned {planned:.0f} %"))
    for period in (period for period in page.saved if period.on_card):
        costs, days = _costs(period, page.report.capacity_wh), len(period.days)
        remark = f"± {costs['doubt']} {money.code}" + (f", {days} days" if days > 1 else "")
        cards.append((f"Saved {period.name}", f"{costs['saved']} {money.code}", remark))
    if status.plan is not None:
        end = status.plan.steps[-1].end.astimezone(page.report.zone)
        by = saved_by(status.plan.saving_eur, f"{end:%a} {clock(end, page.report.zone)}")
        cards.append(("The plan expects", f"{status.plan.saving_eur:z.2f} {money.code}", by))
    return cards


def _figure(picture: Picture) -> dict[str, Any]:
    """A picture with the data of its read-out."""
    return {"drawn": draw(picture), "data": readout(picture)}


def _plan(page: LivePage) -> dict[str, Any] | None:
    report, plan = page.report, page.status.plan
    if plan is None:
        return None
    zone, capacity_wh = report.zone, report.capacity_wh
    rows = phase_rows(plan, capacity_wh, zone, "%a ", report.now)
    return {
        "figure": _figure(current_picture(report, plan)),
        "made": f"{plan.made_at.astimezone(zone):%A} {clock(plan.made_at, zone)}",
        "rows": [row for row in rows if row["time"] != "over"],
        "now": next((row for row in rows if row["time"] == "now"), None),
        "next": next((row for row in rows if row["time"] == "ahead"), None),
        "steps": step_rows(plan, capacity_wh, zone),
        "money": money_lines(plan),
        "notes": plan.notes,
    }


def _costs(period: SavedPeriod, capacity_wh: float) -> dict[str, Any]:
    """Both sides of a period's saving as texts in EUR."""
    costs = ComparedCosts.of(period.days)
    unsure = account_text.unsure_together_eur(period.days, capacity_wh)
    names = ("bill", "stored", "wear", "cost", "self_consumption_bill", "self_consumption_wear",
             "self_consumption_cost", "saved")  # fmt: skip
    figures = {name: account_text.eur(getattr(costs, name)) for name in names}
    verdict = account_text.verdict(costs.saved, unsure)
    return figures | {"name": period.name, "doubt": f"{unsure:.2f}", "verdict": verdict}


def _past(page: LivePage) -> dict[str, Any]:
    day, first, past = page.day, page.first_day, page.past
    last = past.now.astimezone(past.zone).date() - timedelta(days=1)
    named = f"{day:%A %-d %B %Y}"
    account = page.past_account
    costs = None
    if account is not None:
        costs = _costs(SavedPeriod(named, [account]), past.capacity_wh)
    return {
        "name": named,
        "day": day.isoformat(),
        "first": None if first is None else first.isoformat(),
        "last": last.isoformat(),
        "before": None if first is None or day <= first else (day - timedelta(1)).isoformat(),
        "after": None if day >= last else (day + timedelta(1)).isoformat(),
        "figure": _figure(past_picture(past)) if past.quarters else None,
        "costs": costs,
        "left_out": "" if account is None else account_text.left_out([account]),
    }


def _forecasts(page: LivePage) -> list[dict[str, str]]:
    """Rows of the comparison: the day, whose energy, forecast, came, difference."""
    rows = []
    for name, totals in page.forecasts:
        for what, forecast_wh, came_wh in (
            ("house", totals.load_forecast_wh, totals.load_wh),
            ("PV", totals.pv_forecast_wh, totals.pv_wh),
        ):
            if max(forecast_wh, came_wh) < 1:
                continue
            off = f"{100 * (came_wh / forecast_wh - 1):+.0f} %" if forecast_wh >= 1 else ""
            rows.append({
                "name": name, "what": what, "forecast": f"{forecast_wh / 1000:.1f}",
                "came": f"{came_wh / 1000:.1f}", "off": off,
            })  # fmt: skip
    return rows
