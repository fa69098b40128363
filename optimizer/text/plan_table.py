"""Plans as text for a terminal: the phases, two sparklines, the money; all steps on request."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from optimizer.model.currency import Currency
from optimizer.model.plan import Intent, Plan, Step
from optimizer.text.local_time import clock_span, in_local_time
from optimizer.text.phases import phases, span

INTENT_NAMES = {
    Intent.SELF_CONSUMPTION: "self-consumption",
    Intent.HOLD: "hold",
    Intent.DEFER: "keep room",
    Intent.CHARGE: "charge",
    Intent.LIMIT: "charge gently",
    Intent.DISCHARGE: "sell",
}
BARS = "▁▂▃▄▅▆▇█"
SAME_EUR_PER_KWH = 0.001
"""Values of stored energy closer than this are shown as one [EUR/kWh]."""
WIDTH = 80
"""Columns of a terminal that every line but those of the wide table fits."""


def head(money: Currency) -> str:
    """Line above all steps.

    >>> from optimizer.model.currency import EUR
    >>> head(EUR)[:50]
    'when          what              buy ct  sell ct   '
    """
    buy, sell = f"buy {money.price_unit}", f"sell {money.price_unit}"
    return (
        f"when          what           {buy:>9}  {sell:>7}"
        "   house W      PV W  battery W    grid W  stored %   why"
    )


def fit(line: str, indent: int = 0) -> list[str]:
    """A line as several of at most `WIDTH` columns, all but the first indented.

    >>> fit("why  " + "words " * 15, 5)[1]
    '     words words words'
    """
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=" " * indent, break_long_words=False,
        break_on_hyphens=False, drop_whitespace=True,
    )  # fmt: skip


def number(value: float) -> str:
    """Whole number with thin thousands.

    >>> number(-10000.4)
    '-10 000'
    """
    return f"{round(value):,}".replace(",", " ")


def sparkline(values: Sequence[float], width: int = 48) -> str:
    """Values as a row of bars, averaged down to `width` characters.

    >>> sparkline([1, 2, 3])
    '▁▅█'
    """
    size = max(1, -(-len(values) // width))
    parts = [values[i : i + size] for i in range(0, len(values), size)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    return "".join(BARS[round((mean - low) / span * (len(BARS) - 1))] for mean in means)


def phase_lines(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, now: datetime | None = None
) -> list[str]:
    """The plan's phases in words, a heading a day; the present one is marked."""
    made = phases(plan, capacity_wh, zone)
    width = max(len(span(phase, zone)) for phase in made)
    lines, day = [], ""
    for phase in made:
        title = f"{phase.start.astimezone(zone):%a %d %b}"
        lines += [title] if title != day else []
        day = title
        mark = ">" if now is not None and phase.start <= now < phase.end else " "
        lines += fit(f"{mark} {span(phase, zone):<{width}}  {phase.words(zone)}", width + 4)
    return lines


def step_table(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, now: datetime | None = None
) -> list[str]:
    """All steps of the plan as a wide table; the present one is marked."""
    lines, day, before_wh = [head(plan.money)], "", capacity_wh * plan.start_soc_percent / 100
    for step in plan.steps:
        title = f"{step.start.astimezone(zone):%a %d %b}"
        lines += [title] if title != day else []
        day = title
        mark = ">" if now is not None and step.start <= now < step.end else " "
        lines.append(mark + _step_line(step, before_wh, capacity_wh, zone, plan.money))
        before_wh = step.soc_wh
    return lines


def _step_line(
    step: Step, before_wh: float, capacity_wh: float, zone: ZoneInfo, money: Currency
) -> str:
    before, after = (f"{100 * wh / capacity_wh:.0f}" for wh in (before_wh, step.soc_wh))
    powers = (step.load_w, step.pv_w, step.battery_w, step.grid_w)
    times = clock_span(step.start, step.end, zone)
    return (
        f"{times:<12} {INTENT_NAMES[step.intent]:<16} {money.number(step.buy_eur_per_kwh):>7}  "
        f"{money.number(step.sell_eur_per_kwh):>7} {' '.join(f'{number(w):>9}' for w in powers)}  "
        f"{before + '→' + after:>8}   {step.why}"
    )


def sparklines(plan: Plan, capacity_wh: float) -> list[str]:
    """Price and state of charge over the plan as two rows of bars."""
    buy = [step.buy_eur_per_kwh for step in plan.steps]
    low, high = plan.money.number(min(buy)), plan.money.price(max(buy))
    soc = [100 * step.soc_wh / capacity_wh for step in plan.steps]
    return [
        f"price  {sparkline(buy)}  {low} to {high}",
        f"stored {sparkline(soc)}  {min(soc):.0f} to {max(soc):.0f} %",
    ]


def money_lines(plan: Plan) -> list[str]:
    """Saving and bills of the plan, as sentences: like beside like, then the parts."""
    more = plan.stored_value_eur - plan.self_consumption_stored_value_eur
    alone_eur = (
        plan.self_consumption_cost_eur
        + plan.self_consumption_wear_eur
        + plan.self_consumption_peak_eur
    )
    amount = plan.money.amount
    lines = [
        f"expected saving of the plan {amount(plan.saving_eur)}: "
        f"{amount(alone_eur - plan.saving_eur)} with it, {amount(alone_eur)} with the battery "
        "left to itself, stored energy and wear counted",
        f"bill with this plan {amount(plan.cost_eur)}, battery left to itself "
        f"{amount(plan.self_consumption_cost_eur)}, "
        f"no battery {amount(plan.no_battery_cost_eur)}",
    ]
    if abs(more) >= 0.005:
        word = "more" if more > 0 else "less"
        lines.append(
            f"energy worth {amount(abs(more))} {word} is left in the battery at the end "
            f"({_end_value_text(plan)})"
        )
    wear = plan.wear_eur - plan.self_consumption_wear_eur
    if abs(wear) >= 0.005:
        lines.append(f"wear of the battery {wear:+.2f} {plan.money.code}")
    if plan.peak_w is not None:
        lines.append(
            f"highest power from the grid {plan.peak_w / 1000:.1f} kW: {amount(plan.peak_eur)} "
            f"more for the peak, battery left to itself {amount(plan.self_consumption_peak_eur)}"
        )
    return lines


def _end_value_text(plan: Plan) -> str:
    """Value of a stored kWh at the plan's end, as words."""
    first, *_, last = plan.steps[-1].values_eur_per_kwh
    if first - last < SAME_EUR_PER_KWH * plan.money.size:
        return f"at {plan.money.price(plan.end_value_eur_per_kwh)} a kWh"
    price = plan.money.price
    return f"the first kWh are worth {price(first)} then, the last ones {price(last)}"


def plan_text(
    plan: Plan, capacity_wh: float, zone: ZoneInfo, now: datetime | None = None, *,
    wide: bool = False,
) -> str:  # fmt: skip
    """Phases, or all steps, with sparklines, money and notes of a plan as one text."""
    body = step_table if wide else phase_lines
    lines = [*body(plan, capacity_wh, zone, now), "", *sparklines(plan, capacity_wh), ""]
    for sentence in money_lines(plan):
        lines += fit(sentence, 2)
    for note in plan.notes:
        lines += fit(f"note: {in_local_time(note, zone)}", 6)
    return "\n".join(lines)
