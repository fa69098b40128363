"""A trial in words, as data and as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from math import isnan

from optimizer.analysis.backtest.outcome import Interval, Outcome
from optimizer.analysis.backtest.trial import OURS, Trial

YEAR_DAYS = 360
"""From so many days on figures are given for a year alone."""


def table(trial: Trial) -> list[str]:
    """The result for people."""
    whole_year = trial.days >= YEAR_DAYS
    lines = [
        f"{trial.case}: {trial.days:.0f} days; costs in EUR, energy left in the battery counted at "
        f"{trial.stored_eur_per_kwh * 100:.1f} ct/kWh",
        f"  without a battery {trial.no_battery_eur:10.2f}",
        f"  own use           {trial.own_use_eur:10.2f}   the battery left to itself",
        f"  all known         {trial.attainable_eur:10.2f}   what nobody could beat: "
        f"{trial.own_use_eur - trial.attainable_eur:.2f} less",
        "",
        f"  {'beyond own use':24} {'EUR':>8} {'EUR a year':>10} {'95 % of years':>16} {'share':>6}"
        f" {'cycles/a':>8} {'worse days':>10}",
    ]
    lines += [_row(item) for item in trial.outcomes]
    if trial.ahead:
        lines += ["", f"  {OURS} is ahead by, EUR a year:"]
        lines += [f"  {name:24} {_range(item)}" for name, item in trial.ahead]
    if not whole_year:
        lines += ["", f"  {trial.days:.0f} days are no year: a season says little of the others"]
    return lines


def _row(item: Outcome) -> str:
    share = "" if item.share is None else f"{item.share:.0%}"
    bounds = "" if isnan(item.yearly.low) else f"{item.yearly.low:.0f} to {item.yearly.high:.0f}"
    return (
        f"  {item.name:24} {item.extra_eur:z8.2f} {item.yearly.mean:z10.1f} {bounds:>16} "
        f"{share:>6} {item.cycles:8.0f} {item.worse_days:10d}"
    )


def _range(item: Interval) -> str:
    if isnan(item.low):
        return f"{item.mean:z8.1f}"
    return f"{item.mean:z8.1f}  ({item.low:.0f} to {item.high:.0f})"


def months(trial: Trial) -> list[str]:
    """What this program earned beyond own use, month by month."""
    ours = next((item for item in trial.outcomes if item.name == OURS), None)
    if ours is None:
        return []
    parts = [f"{month} {money:+.2f}" for month, money in ours.months.items()]
    lines = ["  by month:"]
    return lines + [f"    {'   '.join(parts[n : n + 6])}" for n in range(0, len(parts), 6)]


def as_json(trial: Trial) -> Mapping[str, object]:
    """A trial as JSON data; what is not known is null."""
    return {
        "case": trial.case,
        "days": round(trial.days, 3),
        "stored_eur_per_kwh": round(trial.stored_eur_per_kwh, 6),
        "no_battery_eur": round(trial.no_battery_eur, 4),
        "own_use_eur": round(trial.own_use_eur, 4),
        "attainable_eur": round(trial.attainable_eur, 4),
        "attainable_extra_eur_per_year": round(trial.attainable_extra_eur, 4),
        "outcomes": [
            {
                **asdict(item),
                "yearly": _numbers(item.yearly),
                "share": None if item.share is None else round(item.share, 4),
                "months": {key: round(value, 4) for key, value in item.months.items()},
            }
            for item in trial.outcomes
        ],
        "ahead_eur_per_year": {name: _numbers(item) for name, item in trial.ahead},
    }


def _numbers(item: Interval) -> dict[str, float | None]:
    return {
        key: None if isnan(value) else round(value, 4)
        for key, value in (("mean", item.mean), ("low", item.low), ("high", item.high))
    }


STYLE = (
    "body{font:16px/1.5 system-ui;max-width:60em;margin:2em auto;padding:0 1em}"
    "pre{overflow-x:auto;background:#f4f4f4;padding:1em}.bar{fill:#4a7}.less{fill:#c55}"
)


def page(trials: Sequence[Trial]) -> str:
    """One self-contained HTML page: the table, and bars of what each month earned."""
    parts = [
        f"<h2>{escape(trial.case)}</h2><pre>{escape(chr(10).join(table(trial)))}</pre>{_bars(trial)}"
        for trial in trials
    ]
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Back-test</title>"
        f"<style>{STYLE}</style><h1>What would have been earned</h1>"
        "<p>Each strategy has lived through the same past with what was known then. Euros beyond "
        "what the battery earns when it is left to itself.</p>" + "".join(parts) + "</html>\n"
    )


def _bars(trial: Trial) -> str:
    """A bar for each month of this program's earnings."""
    ours = next((item for item in trial.outcomes if item.name == OURS), None)
    if ours is None:
        return ""
    most = max(1e-9, *(abs(money) for money in ours.months.values()))
    width, bars = 60, []
    for place, (month, money) in enumerate(ours.months.items()):
        height = 80 * abs(money) / most
        top = 100 - height if money >= 0 else 100
        bars.append(
            f"<rect class='{'bar' if money >= 0 else 'less'}' x='{place * width + 5}' "
            f"y='{top:.1f}' width='{width - 10}' height='{height:.1f}'/>"
            f"<text x='{place * width + 30}' y='195' font-size='11' text-anchor='middle'>{month}"
            f"</text><text x='{place * width + 30}' y='{top - 3:.1f}' font-size='11' "
            f"text-anchor='middle'>{money:.2f}</text>"
        )
    return f"<svg viewBox='0 0 {width * len(bars)} 200' role='img'>{''.join(bars)}</svg>"


def overview(trials: Sequence[Trial]) -> list[str]:
    """Many trials, a line for each strategy."""
    lines = [
        f"{'home, battery, tariff':28} {'strategy':24} {'days':>5} {'EUR a year':>10} "
        f"{'of':>8} {'share':>6} {'cycles/a':>8}"
    ]
    for trial in trials:
        for place, item in enumerate(trial.outcomes):
            share = "" if item.share is None else f"{item.share:.0%}"
            lines.append(
                f"{trial.case if place == 0 else '':28} {item.name:24} {trial.days:5.0f} "
                f"{item.yearly.mean:z10.1f} {trial.attainable_extra_eur:8.1f} {share:>6} "
                f"{item.cycles:8.0f}"
            )
    lines.append("")
    lines.append(
        "EUR a year beyond what the battery earns when it is left to itself; 'of': if all had been "
        "known"
    )
    if trials and max(trial.days for trial in trials) < YEAR_DAYS:
        lines.append("these periods are shorter than a year: a season says little of the others")
    return lines
