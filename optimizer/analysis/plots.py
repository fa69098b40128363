"""Pictures for notebooks (matplotlib, the `notebook` extra)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.model.plan import Intent, Plan

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from optimizer.analysis.ledger.day import Day

COLOURS = {
    Intent.CHARGE: "#0072B2",
    Intent.HOLD: "#999999",
    Intent.DEFER: "#E69F00",
    Intent.LIMIT: "#F0E442",
    Intent.DISCHARGE: "#D55E00",
}
"""Okabe and Ito's palette, which colour-blind people can tell apart; own use stays white."""


def plan_figure(plan: Plan, capacity_wh: float, zone: ZoneInfo) -> "Figure":
    """A plan on one time axis: prices as steps, powers, state of charge; intents as a ribbon."""
    from matplotlib.dates import DateFormatter
    from matplotlib.figure import Figure

    from optimizer.analysis.text import WORDS

    figure = Figure(figsize=(11, 8), layout="constrained")
    price, power, stored = figure.subplots(3, 1, sharex=True)
    edges = [step.start.astimezone(zone) for step in plan.steps]
    edges.append(plan.steps[-1].end.astimezone(zone))
    price.stairs(
        [s.buy_eur_per_kwh * 100 for s in plan.steps], edges, label="buying", baseline=None
    )
    price.stairs(
        [s.sell_eur_per_kwh * 100 for s in plan.steps],
        edges,
        label="selling",
        ls="--",
        baseline=None,
    )
    price.set_ylabel("ct/kWh")
    for name, label in (("load_w", "house"), ("pv_w", "roof"), ("battery_w", "battery (+ gives)")):
        power.stairs(
            [getattr(s, name) / 1000 for s in plan.steps], edges, label=label, baseline=None
        )
    power.set_ylabel("kW")
    before = plan.start_soc_percent
    stored.plot(edges, [before, *(100 * s.soc_wh / capacity_wh for s in plan.steps)], lw=1.6)
    stored.set(ylabel="stored %", ylim=(0, 102))
    shown: set[Intent] = set()
    for step, begin, end in zip(plan.steps, edges, edges[1:], strict=False):
        if step.intent in COLOURS:
            label = "_" if step.intent in shown else WORDS[step.intent]
            stored.axvspan(begin, end, color=COLOURS[step.intent], alpha=0.35, lw=0, label=label)
            shown.add(step.intent)
    for axes in (price, power, stored):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper right", ncols=3, fontsize=9)
    stored.xaxis.set_major_formatter(DateFormatter("%a %H:%M", tz=zone))  # type: ignore[no-untyped-call, unused-ignore]
    return figure


PARTS = (("planning_eur", "promised by the plan", "#0072B2"),
         ("forecast_eur", "what came otherwise", "#E69F00"),
         ("execution_eur", "execution", "#999999"))  # fmt: skip


def savings_figure(days: "Sequence[Day]") -> "Figure":
    """Bills of each day three ways, and the parts that make up its saving."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    bills, parts = figure.subplots(2, 1, sharex=True)
    names, places = [day.day[5:] for day in days], range(len(days))
    # what is stored at the day's end belongs to the bill: without it a cheap night looks dear
    shown = (
        ("no battery", [day.no_battery_eur for day in days], "#999999"),
        ("left to itself", [day.own_use_bill_eur for day in days], "#E69F00"),
        ("with the plan", [day.bill_eur - day.stored_eur for day in days], "#0072B2"),
    )
    for number, (label, values, colour) in enumerate(shown):
        bills.bar(
            [p + 0.27 * (number - 1) for p in places], values, 0.25, label=label, color=colour
        )
    bills.set_ylabel("bill, EUR\n(less what is stored)")
    above, below = [0.0] * len(days), [0.0] * len(days)
    for name, label, colour in PARTS:
        values = [getattr(day, name) for day in days]
        bottom = [a if v > 0 else b for a, b, v in zip(above, below, values, strict=True)]
        parts.bar(places, values, 0.6, bottom=bottom, label=label, color=colour)
        above = [a + max(0.0, v) for a, v in zip(above, values, strict=True)]
        below = [b + min(0.0, v) for b, v in zip(below, values, strict=True)]
    parts.plot(places, [day.saving_eur for day in days], "k_", ms=28, label="saved")
    parts.set_ylabel("saving, EUR")
    parts.set_xticks(list(places), names)
    for axes in (bills, parts):
        axes.axhline(0, color="k", lw=0.8)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(fontsize=9, ncols=4)
    return figure


def what_if_figure(table: "pd.DataFrame") -> "Figure":
    """What each battery earns a year under each tariff: by itself, and what a plan adds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    tariffs = list(dict.fromkeys(table.index.get_level_values("tariff")))
    panes = figure.subplots(1, len(tariffs), sharey=True, squeeze=False)[0]
    for axes, tariff in zip(panes, tariffs, strict=True):
        part = table.xs(tariff, level="tariff")
        alone = part["battery earns"].tolist()
        names = [str(name) for name in part.index]
        axes.bar(names, alone, color="#E69F00", label="left to itself")
        axes.bar(names, part["plan adds"], bottom=alone, color="#0072B2", label="a plan adds")
        axes.set_title(tariff)
        axes.grid(axis="y", alpha=0.3)
    panes[0].set_ylabel("the battery earns, EUR a year")
    panes[0].legend(fontsize=9)
    return figure


def forecast_figure(came: "pd.DataFrame", expected: "pd.DataFrame", zone: ZoneInfo) -> "Figure":
    """Roof and house as expected and as they came."""
    from matplotlib.dates import DateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    panes = figure.subplots(2, 1, sharex=True)
    moments = came.index.tz_convert(zone)  # type: ignore[attr-defined]
    for axes, (column, name) in zip(panes, (("pv_w", "roof"), ("load_w", "house")), strict=True):
        axes.plot(moments, came[column] / 1000, color="#0072B2", lw=1, label="came")
        axes.plot(
            moments, expected[column] / 1000, color="#D55E00", lw=1.4, ls="--", label="expected"
        )
        axes.set_ylabel(f"{name}, kW")
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right", ncols=2, fontsize=9)
    panes[1].xaxis.set_major_formatter(DateFormatter("%a %H:%M", tz=zone))  # type: ignore[no-untyped-call, unused-ignore]
    return figure
