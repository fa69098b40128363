"""Comparisons as tables and as JSON data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan

from optimizer.backtest.comparison import OURS, Comparison, ConfidenceInterval, StrategyResult
from optimizer.model.currency import EUR

YEAR_DAYS = 360
"""From so many days on figures are given for a year alone."""


def table(comparison: Comparison) -> list[str]:
    """The result for people."""
    whole_year, money = comparison.days >= YEAR_DAYS, comparison.money
    lines = [
        f"{comparison.scenario}: {comparison.days:.0f} days; costs in {money.code}, energy left in "
        f"the battery counted at {money.price(comparison.stored_eur_per_kwh)}/kWh",
        f"  without a battery {comparison.no_battery_eur:10.2f}",
        f"  self-consumption  {comparison.self_consumption_eur:10.2f}   the battery left to itself",
        f"  all known         {comparison.attainable_eur:10.2f}   what nobody could beat: "
        f"{comparison.self_consumption_eur - comparison.attainable_eur:.2f} less",
        "",
        f"  {'beyond self-consumption':24} {money.code:>8} {f'{money.code} a year':>10} "
        f"{'95 % of years':>16} {'share':>6} {'cycles/a':>8} {'worse days':>10}",
    ]
    lines += [_row(item) for item in comparison.outcomes]
    if comparison.ahead:
        lines += ["", f"  {OURS} is ahead by, {money.code} a year:"]
        lines += [f"  {name:24} {_range(item)}" for name, item in comparison.ahead]
    if comparison.left_out_days:
        lines += [
            "",
            f"  {comparison.left_out_days:.0f} days of which more than an hour is unknown are left "
            "out on both sides",
        ]
    if not whole_year:
        lines += [
            "",
            f"  {comparison.days:.0f} days are no year: a season says little of the others",
        ]
    return lines


def _row(item: StrategyResult) -> str:
    share = "" if item.share is None else f"{item.share:.0%}"
    bounds = "" if isnan(item.yearly.low) else f"{item.yearly.low:.0f} to {item.yearly.high:.0f}"
    return (
        f"  {item.name:24} {item.extra_eur:z8.2f} {item.yearly.mean:z10.1f} {bounds:>16} "
        f"{share:>6} {item.cycles:8.0f} {item.worse_days:10d}"
    )


def _range(item: ConfidenceInterval) -> str:
    if isnan(item.low):
        return f"{item.mean:z8.1f}"
    return f"{item.mean:z8.1f}  ({item.low:.0f} to {item.high:.0f})"


def months(comparison: Comparison) -> list[str]:
    """Money earned by this program beyond self-consumption, month by month."""
    ours = next((item for item in comparison.outcomes if item.name == OURS), None)
    if ours is None:
        return []
    parts = [f"{month} {money:+.2f}" for month, money in ours.months.items()]
    lines = ["  by month:"]
    return lines + [f"    {'   '.join(parts[n : n + 6])}" for n in range(0, len(parts), 6)]


def as_json(comparison: Comparison) -> Mapping[str, object]:
    """A trial as JSON data; what is not known is null."""
    return {
        "case": comparison.scenario,
        "days": round(comparison.days, 3),
        "left_out_days": round(comparison.left_out_days, 3),
        "stored_eur_per_kwh": round(comparison.stored_eur_per_kwh, 6),
        "no_battery_eur": round(comparison.no_battery_eur, 4),
        "self_consumption_eur": round(comparison.self_consumption_eur, 4),
        "attainable_eur": round(comparison.attainable_eur, 4),
        "attainable_extra_eur_per_year": round(comparison.attainable_extra_eur, 4),
        "outcomes": [
            {
                **asdict(item),
                "yearly": _numbers(item.yearly),
                "share": None if item.share is None else round(item.share, 4),
                "months": {key: round(value, 4) for key, value in item.months.items()},
            }
            for item in comparison.outcomes
        ],
        "ahead_eur_per_year": {name: _numbers(item) for name, item in comparison.ahead},
    }


def _numbers(item: ConfidenceInterval) -> dict[str, float | None]:
    return {
        key: None if isnan(value) else round(value, 4)
        for key, value in (("mean", item.mean), ("low", item.low), ("high", item.high))
    }


def overview(comparisons: Sequence[Comparison]) -> list[str]:
    """Many trials, a line for each strategy."""
    code = comparisons[0].currency if comparisons else EUR.code
    lines = [
        f"{'home, battery, tariff':28} {'strategy':24} {'days':>5} {f'{code} a year':>10} "
        f"{'of':>8} {'share':>6} {'cycles/a':>8}"
    ]
    for comparison in comparisons:
        for place, item in enumerate(comparison.outcomes):
            share = "" if item.share is None else f"{item.share:.0%}"
            lines.append(
                f"{comparison.scenario if place == 0 else '':28} {item.name:24} "
                f"{comparison.days:5.0f} {item.yearly.mean:z10.1f} "
                f"{comparison.attainable_extra_eur:8.1f} {share:>6} {item.cycles:8.0f}"
            )
    lines.append("")
    lines.append(
        f"{code} a year beyond what the battery earns when it is left to itself; 'of': if all had "
        "been known"
    )
    if comparisons and max(comparison.days for comparison in comparisons) < YEAR_DAYS:
        lines.append("these periods are shorter than a year: a season says little of the others")
    return lines
