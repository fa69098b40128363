"""Pictures for notebooks (matplotlib, the `notebook` extra)."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.model.plan import Intent, Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
