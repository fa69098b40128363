"""Figures of plans, records, savings and forecasts (matplotlib, extra `notebook`)."""

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from optimizer.errors import MissingExtraError
from optimizer.model.currency import EUR, Currency, known
from optimizer.model.plan import Intent, Plan

try:
    from matplotlib.axes import Axes
    from matplotlib.dates import DateFormatter
    from matplotlib.figure import Figure as Figure
except ImportError as error:  # pragma: no cover - without the extra
    raise MissingExtraError("the notebooks' pictures need matplotlib", "notebook") from error

if TYPE_CHECKING:
    import pandas as pd

COLOURS = {
    Intent.CHARGE: "#0072B2",
    Intent.HOLD: "#999999",
    Intent.DEFER: "#E69F00",
    Intent.LIMIT: "#F0E442",
    Intent.DISCHARGE: "#D55E00",
}
"""Palette of Okabe and Ito, safe for colour-blind people; self-consumption stays white."""


def plan_figure(plan: Plan, capacity_wh: float, zone: ZoneInfo) -> Figure:
    """A plan on one time axis: prices as steps, powers, state of charge; intents as a ribbon."""
    from optimizer.text.plan_table import INTENT_NAMES

    figure = Figure(figsize=(11, 8), dpi=80, layout="constrained")
    price, power, stored = figure.subplots(3, 1, sharex=True)
    edges = [step.start.astimezone(zone) for step in plan.steps]
    edges.append(plan.steps[-1].end.astimezone(zone))
    price.stairs(
        [plan.money.in_price_units(s.buy_eur_per_kwh) for s in plan.steps],
        edges,
        label="buying",
        baseline=None,
    )
    price.stairs(
        [plan.money.in_price_units(s.sell_eur_per_kwh) for s in plan.steps],
        edges,
        label="selling",
        ls="--",
        baseline=None,
    )
    price.set_ylabel(f"{plan.money.price_unit}/kWh")
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
            label = "_" if step.intent in shown else INTENT_NAMES[step.intent]
            stored.axvspan(begin, end, color=COLOURS[step.intent], alpha=0.35, lw=0, label=label)
            shown.add(step.intent)
    for axes in (price, power, stored):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper right", ncols=3, fontsize=9)
    _label_time(stored, zone)
    return figure


def record_figure(
    quarters: "pd.DataFrame", prices: "pd.DataFrame", planned: "pd.DataFrame", capacity_wh: float,
    zone: ZoneInfo,
) -> Figure:  # fmt: skip
    """A recorded span: prices, metered powers, state of charge as metered and as planned.

    Parameters
    ----------
    quarters, prices, planned
        Tables of `Site.quarters`, `Site.prices` and `Site.planned`; gaps stay gaps.
    """
    figure = Figure(figsize=(11, 8), dpi=80, layout="constrained")
    price, power, stored = figure.subplots(3, 1, sharex=True)
    money = _money(prices)
    metered = quarters.assign(
        grid_wh=quarters["drawn_wh"] - quarters["fed_wh"],
        battery_wh=quarters["discharged_wh"] - quarters["charged_wh"],
    ).asfreq("15min")
    _steps_line(price, prices["buy_eur_per_kwh"] * money.price_factor, zone, label="buying")
    _steps_line(
        price, prices["sell_eur_per_kwh"] * money.price_factor, zone, label="selling", ls="--"
    )
    hours = metered["seconds"] / 3600
    for name, label in (("load", "house"), ("pv", "roof"), ("battery", "battery (+ gives)"),
                        ("grid", "grid (+ buys)")):  # fmt: skip
        _steps_line(power, metered[f"{name}_wh"] / hours / 1000, zone, label=label)
    _steps_line(stored, 100 * metered["first_soc_wh"] / capacity_wh, zone, label="metered", lw=1.6)
    planned_wh = planned["soc_wh"].asfreq("15min")
    _steps_line(stored, 100 * planned_wh / capacity_wh, zone, label="planned", ls=":")
    price.set_ylabel(f"{money.price_unit}/kWh")
    power.set_ylabel("kW")
    stored.set(ylabel="stored %", ylim=(0, 102))
    for axes in (price, power, stored):
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right", ncols=4, fontsize=9)
    _label_time(stored, zone)
    return figure


def _money(table: "pd.DataFrame") -> Currency:
    """The currency that a table of `Site` carries."""
    return known(table.attrs.get("currency")) or EUR


def _steps_line(
    axes: Axes, values: "pd.Series[float]", zone: ZoneInfo, **style: Any
) -> None:  # fmt: skip
    """Draw a series by the starts of its quarter-hours, in local time."""
    moments = values.index.tz_convert(zone)  # type: ignore[attr-defined]
    axes.plot(moments, values.to_numpy(), drawstyle="steps-post", **({"lw": 1.2} | style))


def _label_time(axes: Axes, zone: ZoneInfo) -> None:
    """Label the time axis with local weekdays and times."""
    axes.xaxis.set_major_formatter(DateFormatter("%a %H:%M", tz=zone))  # type: ignore[no-untyped-call, unused-ignore]


PARTS = (("planning_eur", "promised by the plan", "#0072B2"),
         ("forecast_eur", "what came otherwise", "#E69F00"),
         ("execution_eur", "execution", "#999999"),
         ("override_eur", "your overrides", "#CC79A7"))  # fmt: skip


def savings_figure(days: "pd.DataFrame") -> Figure:
    """Bills of each day three ways, and the parts that make up its saving.

    Parameters
    ----------
    days
        A table of `Site.savings`.
    """
    figure = Figure(figsize=(11, 6), dpi=80, layout="constrained")
    bills, parts = figure.subplots(2, 1, sharex=True)
    names, places = [str(day)[5:] for day in days["day"]], range(len(days))
    # what is stored at the day's end belongs to the bill: without it a cheap night looks dear
    shown = (
        ("no battery", days["no_battery_eur"].tolist(), "#999999"),
        ("left to itself", days["self_consumption_bill_eur"].tolist(), "#E69F00"),
        ("with the plan", (days["bill_eur"] - days["stored_eur"]).tolist(), "#0072B2"),
    )
    for number, (label, values, colour) in enumerate(shown):
        bills.bar(
            [p + 0.27 * (number - 1) for p in places],
            values,
            0.25,
            label=label,
            color=colour,
        )
    bills.set_ylabel(f"bill, {_money(days).code}\n(less what is stored)")
    above, below = [0.0] * len(days), [0.0] * len(days)
    for name, label, colour in PARTS:
        if name == "override_eur" and not (name in days and days[name].any()):
            continue
        values = days[name].tolist()
        bottom = [a if v > 0 else b for a, b, v in zip(above, below, values, strict=True)]
        parts.bar(places, values, 0.6, bottom=bottom, label=label, color=colour)
        above = [a + max(0.0, v) for a, v in zip(above, values, strict=True)]
        below = [b + min(0.0, v) for b, v in zip(below, values, strict=True)]
    parts.plot(places, days["saving_eur"].tolist(), "k_", ms=28, label="saved")
    parts.set_ylabel(f"saving, {_money(days).code}")
    parts.set_xticks(list(places), names)
    for axes in (bills, parts):
        axes.axhline(0, color="k", lw=0.8)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(fontsize=9, ncols=4)
    return figure


def what_if_figure(table: "pd.DataFrame") -> Figure:
    """Yearly gains of each battery under each tariff: left to itself, and a plan's upper limit."""
    figure = Figure(figsize=(11, 4), dpi=80, layout="constrained")
    tariffs = list(dict.fromkeys(table.index.get_level_values("tariff")))
    panes = figure.subplots(1, len(tariffs), sharey=True, squeeze=False)[0]
    for axes, tariff in zip(panes, tariffs, strict=True):
        part = table.xs(tariff, level="tariff")
        without_plan = part["battery_gain_eur"].tolist()
        names = [str(name) for name in part.index]
        axes.bar(names, without_plan, color="#E69F00", label="left to itself")
        axes.bar(
            names, part["plan_gain_eur"], bottom=without_plan, color="#0072B2", label="a plan adds"
        )
        axes.set_title(tariff)
        axes.grid(axis="y", alpha=0.3)
    panes[0].set_ylabel(f"the battery earns, {_money(table).code} a year")
    panes[0].legend(fontsize=9)
    return figure


def forecast_figure(comparison: "pd.DataFrame", zone: ZoneInfo) -> Figure:
    """PV and load as forecast and as metered.

    Parameters
    ----------
    comparison
        A table of `Site.compare_forecasts`; gaps stay gaps.
    """
    figure = Figure(figsize=(11, 6), dpi=80, layout="constrained")
    panes = figure.subplots(2, 1, sharex=True)
    names = ["forecast_pv_w", "pv_w", "forecast_load_w", "load_w"]
    powers = comparison[names].asfreq("15min") / 1000
    for axes, (column, name) in zip(panes, (("pv_w", "roof"), ("load_w", "house")), strict=True):
        _steps_line(axes, powers[column], zone, color="#0072B2", lw=1, label="metered")
        _steps_line(axes, powers[f"forecast_{column}"], zone, color="#D55E00", lw=1.4, ls="--",
                    label="forecast")  # fmt: skip
        axes.set_ylabel(f"{name}, kW")
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right", ncols=2, fontsize=9)
    _label_time(panes[1], zone)
    return figure
