"""Plans as text for a terminal: a table of blocks, two sparklines, the money."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from optimizer.analysis.blocks import Block, blocks
from optimizer.model.plan import Intent, Plan

WORDS = {
    Intent.OWN_USE: "own use",
    Intent.HOLD: "hold",
    Intent.DEFER: "keep room",
    Intent.CHARGE: "charge",
    Intent.LIMIT: "charge gently",
    Intent.DISCHARGE: "sell",
}
BARS = "▁▂▃▄▅▆▇█"
HEAD = "when           what            price ct   house W    roof W  battery W  stored %   why"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Local time; on days of 23 or 25 hours with the zone's abbreviation."""
    local = moment.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, fold=0)
    changes = midnight.utcoffset() != midnight.replace(hour=23).utcoffset()
    return f"{local:%H:%M}" + (f" {local:%Z}" if changes else "")


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


def table(plan: Plan, capacity_wh: float, zone: ZoneInfo, now: datetime | None = None) -> list[str]:
    """The plan's blocks as lines; the present one is marked."""
    lines, day = [HEAD], ""
    for block in blocks(plan, capacity_wh):
        title = f"{block.start.astimezone(zone):%a %d %b}"
        if title != day:
            lines.append(title)
            day = title
        mark = ">" if now is not None and block.start <= now < block.end else " "
        lines.append(mark + _line(block, capacity_wh, zone))
    return lines


def price(block: Block) -> str:
    """A block's buying prices [ct/kWh]: one, or the lowest and the highest."""
    low, high = f"{block.buy_low * 100:z.1f}", f"{block.buy_high * 100:z.1f}"
    return low if low == high else f"{low}-{high}"


def _line(block: Block, capacity_wh: float, zone: ZoneInfo) -> str:
    before, after = (
        f"{100 * wh / capacity_wh:.0f}" for wh in (block.soc_before_wh, block.soc_after_wh)
    )
    span = f"{clock(block.start, zone)}-{clock(block.end, zone)}"
    return (
        f"{span:<13} {WORDS[block.intent]:<13} {price(block):>10} {number(block.load_w):>9} "
        f"{number(block.pv_w):>9} {number(block.battery_w):>10}  {before + '→' + after:>8}   "
        f"{block.why}"
    )


def picture(plan: Plan, capacity_wh: float) -> list[str]:
    """Price and state of charge over the plan as two rows of bars."""
    buy = [step.buy_eur_per_kwh * 100 for step in plan.steps]
    soc = [100 * step.soc_wh / capacity_wh for step in plan.steps]
    return [
        f"price  {sparkline(buy)}  {min(buy):z.1f} to {max(buy):z.1f} ct",
        f"stored {sparkline(soc)}  {min(soc):.0f} to {max(soc):.0f} %",
    ]


def money(plan: Plan) -> list[str]:
    """What the plan costs and saves, in words."""
    more = plan.stored_value_eur - plan.own_use_stored_value_eur
    lines = [
        f"bill with this plan {plan.cost_eur:z.2f} EUR, battery left to itself "
        f"{plan.own_use_cost_eur:z.2f} EUR, no battery {plan.no_battery_cost_eur:z.2f} EUR"
    ]
    if abs(more) >= 0.005:
        word = "more" if more > 0 else "less"
        lines.append(
            f"energy worth {abs(more):.2f} EUR {word} is left in the battery at the end "
            f"({_end_worth(plan)})"
        )
    wear = plan.wear_eur - plan.own_use_wear_eur
    if abs(wear) >= 0.005:
        lines.append(f"wear of the battery {wear:+.2f} EUR")
    if plan.peak_w is not None:
        lines.append(
            f"highest power from the grid {plan.peak_w / 1000:.1f} kW: {plan.peak_eur:.2f} EUR "
            f"more for the peak, battery left to itself {plan.own_use_peak_eur:.2f} EUR"
        )
    lines.append(f"expected saving of the plan {plan.saving_eur:z.2f} EUR")
    return lines


def _end_worth(plan: Plan) -> str:
    """What a kWh is worth at the plan's end, in words."""
    first, *_, last = plan.steps[-1].values_eur_per_kwh
    if first - last < 0.001:
        return f"at {plan.end_value_eur_per_kwh * 100:.1f} ct a kWh"
    return f"the first kWh are worth {first * 100:.1f} ct then, the last ones {last * 100:.1f} ct"


def whole(plan: Plan, capacity_wh: float, zone: ZoneInfo, now: datetime | None = None) -> str:
    """Everything: table, picture, money, notes."""
    lines = table(plan, capacity_wh, zone, now)
    lines += ["", *picture(plan, capacity_wh), "", *money(plan)]
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join(lines)
