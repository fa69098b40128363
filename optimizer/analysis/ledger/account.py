"""A day's account: what the plan saved against own use, and why not more; pure, adds up.

    saving = own-use bill - actual bill + wear + worth of what is stored more at the end
           = planning + forecast + execution

Four runs over the same quarter-hours, from the same measured charge, at the same prices:

    own use on what came          the baseline
    the plan's law on what came   carried out ideally: at once, all the time, by nobody disturbed
    own use on what was expected
    the plan's law on what was expected

    planning  = what the plan promised: own use minus the plan's law, on what was expected
    forecast  = the same on what came, minus that promise
    execution = the plan's law on what came, minus what really happened

Quarter-hours without a measurement are left out on both sides; after such a gap all runs start
again from the measured charge. What is stored more than own use would have left is priced at the
end of the day, and before each gap, by the value table of the plan in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from optimizer.analysis.ledger.day import Day
from optimizer.analysis.ledger.measured import (
    Known,
    Part,
    Price,
    charge,
    model_off_wh,
    parts_of,
    select,
)
from optimizer.analysis.ledger.walk import Span, Terms, Walked, by_plan, no_battery_eur, walk
from optimizer.model.exchange import Quarter
from optimizer.model.plan import Plan, Step
from optimizer.model.quarter import QUARTER

WORTH_POINTS = 20
"""So many points between two states of charge make up the mean worth of a kWh."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Walks over one part without gaps."""

    own_use: Walked
    ideal: Walked
    expected_own_use: Walked
    expected_ideal: Walked


def account(day: date, begin: datetime, end: datetime, known: Known, terms: Terms) -> Day | None:
    """The account of the quarter-hours in a day, or in the part of it that is over.

    Parameters
    ----------
    day
        The local date.
    begin, end
        The day's first moment, and its last or the present one (UTC).

    Returns
    -------
    Day | None
        None if not one quarter-hour can be counted.
    """
    found = select(begin, end, known, terms)
    counted = found.counted
    if not counted:
        return None
    counts = Day(
        day=day.isoformat(),
        quarters=(end - begin) // QUARTER,
        counted=len(counted),
        unmeasured=(end - begin) // QUARTER - len(found.measured),
        unpriced=len(found.steady) - len(counted),
        corrected=len(found.measured) - len(found.steady),
        unplanned=sum(q.start not in known.plans for q in counted),
        drawn_wh=sum(q.drawn_wh for q in counted),
        fed_wh=sum(q.fed_wh for q in counted),
        model_through_wh=sum(q.charged_wh + q.discharged_wh for q in counted),
    )
    return _priced(counts, parts_of(counted, known.prices), known, terms)


def _priced(day: Day, parts: Sequence[Part], known: Known, terms: Terms) -> Day:
    """Add the money to what was counted."""
    runs = [_run(part, known, terms) for part in parts]
    prices = [
        stored_price(part.quarters[-1], run.own_use.soc_wh[-1], known, terms)
        for part, run in zip(parts, runs, strict=True)
    ]
    wear_eur_per_wh = terms.battery.wear_eur_per_kwh / 1000
    counted = [quarter for part in parts for quarter in part.quarters]

    def cost(walked: Sequence[Walked]) -> float:
        return sum(
            one.bill_eur + one.worn_wh * wear_eur_per_wh - one.soc_wh[-1] / 1000 * price
            for one, price in zip(walked, prices, strict=True)
        )

    bill, out_wh = _bill(counted, known.prices), sum(q.discharged_wh for q in counted)
    wear = out_wh / terms.battery.discharge_efficiency * wear_eur_per_wh
    ended = [charge(part.quarters[-1].soc_wh) for part in parts]
    left_eur = sum(wh / 1000 * price for wh, price in zip(ended, prices, strict=True))
    more = [wh - run.own_use.soc_wh[-1] for wh, run in zip(ended, runs, strict=True)]
    promise = cost([r.expected_own_use for r in runs]) - cost([r.expected_ideal for r in runs])
    ideal = cost([r.ideal for r in runs])
    return replace(
        day,
        bill_eur=bill,
        own_use_bill_eur=sum(r.own_use.bill_eur for r in runs),
        no_battery_eur=sum(no_battery_eur(part.spans, terms.grid) for part in parts),
        wear_eur=wear,
        own_use_wear_eur=sum(r.own_use.worn_wh for r in runs) * wear_eur_per_wh,
        stored_wh=sum(more),
        stored_eur=sum(wh / 1000 * price for wh, price in zip(more, prices, strict=True)),
        stored_eur_per_kwh=prices[-1],
        planning_eur=promise,
        forecast_eur=cost([r.own_use for r in runs]) - ideal - promise,
        execution_eur=ideal - (bill + wear - left_eur),
        model_off_wh=sum(abs(model_off_wh(part.quarters, terms)) for part in parts),
    )


def own_use_charge(
    begin: datetime, end: datetime, known: Known, terms: Terms
) -> list[tuple[datetime, float]]:
    """Stored energy at the start of quarter-hours [Wh], had the battery been left to itself."""
    path: list[tuple[datetime, float]] = []
    for part in parts_of(select(begin, end, known, terms).counted, known.prices):
        start_wh = charge(part.quarters[0].first_soc_wh)
        walked = walk(part.spans, start_wh, terms).soc_wh
        charges = (start_wh, *walked[:-1])
        path += [(span.start, wh) for span, wh in zip(part.spans, charges, strict=True)]
    return path


def _bill(quarters: Sequence[Quarter], prices: Mapping[datetime, Price]) -> float:
    """By the meter: both directions of a quarter-hour at their prices [EUR]."""
    return sum(
        (q.drawn_wh * prices[q.start].buy - q.fed_wh * prices[q.start].sell) / 1000
        for q in quarters
    )


def _expected(span: Span, plan: Plan | None) -> Span:
    """What the plan in force expected; without a plan what came."""
    step = None if plan is None else plan.step_at(span.start)
    if step is None:
        return span
    short_wh = max(0.0, step.need_w) * span.hours
    spare_wh = max(0.0, -step.need_w) * span.hours
    return Span(span.start, span.hours, short_wh, spare_wh, step.pv_w, span.buy, span.sell)


def _run(part: Part, known: Known, terms: Terms) -> _Runs:
    plans = [known.plans.get(span.start) for span in part.spans]
    expected = [_expected(span, plan) for span, plan in zip(part.spans, plans, strict=True)]
    start_wh = charge(part.quarters[0].first_soc_wh)
    law = by_plan(plans, part.spans, terms)
    return _Runs(
        walk(part.spans, start_wh, terms), walk(part.spans, start_wh, terms, law),
        walk(expected, start_wh, terms), walk(expected, start_wh, terms, law),
    )  # fmt: skip


def stored_price(last: Quarter, own_use_wh: float, known: Known, terms: Terms) -> float:
    """The price of stored energy after a quarter-hour [EUR/kWh].

    The mean worth, by the last plan's value table, of the kilowatt-hours between what own use would
    have left and what is there. Without a plan what a kWh saves at the day's mean price.
    """
    planned = [(start, plan) for start, plan in known.plans.items() if start <= last.start]
    if not planned:
        buys = [price.buy for price in known.prices.values()]
        return sum(buys) / len(buys) * terms.battery.discharge_efficiency
    start, plan = max(planned, key=lambda item: item[0])
    step = plan.step_at(start) or plan.steps[-1]
    return _worth(plan, step, own_use_wh, charge(last.soc_wh))


def _worth(plan: Plan, step: Step, one_wh: float, other_wh: float) -> float:
    points = [
        one_wh + (other_wh - one_wh) * (place + 0.5) / WORTH_POINTS for place in range(WORTH_POINTS)
    ]
    return sum(plan.value_at(step, point) for point in points) / WORTH_POINTS
