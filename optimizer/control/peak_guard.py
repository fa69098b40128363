"""Guard of the paid peak: the running quarter-hour's mean stays below the period's peak; pure.

Some tariffs price the highest power of a month or year, as a mean over a quarter-hour
(`[tariff.peak]`). A plan decides up to which power buying is worth its price (`Step.peak_w`), on a
forecast; a house strays from it. Here the meter counts: what was bought in the running quarter-hour
so far leaves a mean power for its rest. Where the planned band of battery power would buy more, the
battery charges less or serves the house.

A kWh bought above the peak costs four times the price of a kW, since the quarter-hour's mean rises
by 4 kW for each kWh: with 10 EUR/kW 40 EUR. That is compared with the value of a stored kWh.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from optimizer.control.input_checks import CheckedReading
from optimizer.control.power_band import MARGIN_W, PowerBand
from optimizer.model.moments import QUARTER
from optimizer.model.plan import Intent, Plan, Step
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.tariff import Peak

QUARTER_H = QUARTER.total_seconds() / 3600

LEAST_LEFT_S = 60.0
"""Shortest rest of a quarter-hour that is steered by [s]; in a shorter one powers would jump."""

SAME_W = 1.0


@dataclass(frozen=True, slots=True)
class MeteredPeak:
    """Highest mean power of a quarter-hour that the meter has seen in a period."""

    period: tuple[int, int]
    """See `Peak.period_of`."""
    highest_w: float


def metered_peak(
    before: MeteredPeak | None, quarter: QuarterEnergy | None, peak: Peak | None
) -> MeteredPeak | None:
    """Peak after a running quarter-hour whose predecessor may just have ended."""
    ended = None if quarter is None else quarter.previous
    if peak is None or ended is None or not peak.counts(ended.start):
        return before
    period, mean_w = peak.period_of(ended.start), ended.drawn_wh / QUARTER_H
    if before is None or before.period != period:
        return MeteredPeak(period, mean_w)
    return replace(before, highest_w=max(before.highest_w, mean_w))


def target_w(step: Step, at: datetime, peak: Peak | None, metered: MeteredPeak | None) -> float:
    """Mean power of the running quarter-hour that makes no peak dearer [W]; infinite if none."""
    if step.peak_w is None:
        return float("inf")
    if peak is None or metered is None or metered.period != peak.period_of(at):
        return step.peak_w
    return max(step.peak_w, metered.highest_w)


def left_w(quarter: QuarterEnergy | None, at: datetime, target: float) -> float:
    """Mean power that may be bought in the rest of the running quarter-hour [W].

    Time that no reading covers counts as if the target had been bought.

    >>> start = datetime(2026, 1, 14, 12)
    >>> half = start + QUARTER / 2
    >>> left_w(QuarterEnergy(start, half, seconds=450.0, drawn_wh=500.0), half, 3_000.0)
    2000.0
    """
    if (
        target == float("inf")
        or quarter is None
        or not quarter.start <= at < quarter.start + QUARTER
    ):
        return target
    unseen_s = max(0.0, (at - quarter.start).total_seconds() - quarter.seconds)
    rest_s = max(LEAST_LEFT_S, (quarter.start + QUARTER - at).total_seconds())
    budget_wh = target * QUARTER_H - quarter.drawn_wh - target * unseen_s / 3600
    return max(0.0, budget_wh / (rest_s / 3600))


def needed_later_wh(plan: Plan, at: datetime, target: float) -> float:
    """Energy that the plan's coming steps need above a power, until the battery charges [Wh].

    At the AC side. Energy that is missing there would make the peak that is avoided now.
    """
    needed_wh = 0.0
    for step in plan.steps:
        if step.start <= at:
            continue
        if step.battery_w < -SAME_W:
            break
        needed_wh += max(0.0, step.need_w - target) * step.hours
    return needed_wh


def keep_below(
    chosen: PowerBand, step: Step, reading: CheckedReading, limit_w: float, peak: Peak | None,
    unneeded_wh: float,
) -> PowerBand:  # fmt: skip
    """Band of battery power with which the house buys no more than a mean power.

    Parameters
    ----------
    limit_w
        What `left_w` gives for the target [W].
    unneeded_wh
        Stored energy that no later step needs for the same peak, at the AC side [Wh].
    """
    if peak is None or limit_w == float("inf"):
        return chosen
    need_w = reading.need_w
    wanted_w = min(max(need_w, chosen.lowest_w), chosen.highest_w)
    least_w = need_w - max(0.0, limit_w - MARGIN_W)
    if least_w <= wanted_w + SAME_W:
        return chosen
    gain = peak.eur_per_kw / QUARTER_H + step.buy_eur_per_kwh
    if least_w > 0 and (gain <= step.stored_value_eur_per_kwh or unneeded_wh <= 0):
        return chosen
    intent = Intent.DISCHARGE if least_w > 0 else Intent.LIMIT
    note = f"the {peak.period}'s peak: {limit_w:.0f} W may be bought in this quarter-hour's rest"
    return PowerBand(intent, least_w, max(chosen.highest_w, least_w), note)
