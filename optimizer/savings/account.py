"""Account of one day: what the plan saved against self-consumption, and why not more; pure.

A day's account: what the plan saved against self-consumption, and why not more; pure, adds up.

    saving = own-use bill - actual bill + wear + paid peak + worth of what is stored more at the end
           = planning + override + forecast + execution

Four runs over the same quarter-hours, from the same measured charge, at the same prices:

    self-consumption on what came          the baseline
    the plan's law on what came   carried out ideally: at once, all the time, by nobody disturbed
    self-consumption on what was expected
    the plan's law on what was expected

    override  = minus the price at which the owner took overrides: the plan with it less the plan
                without it, spread over its time, as far as that was counted
    planning  = what the plan promised: self-consumption minus the plan's law, on what was expected;
                without the price of overrides, which are the owner's and not the plan's
    forecast  = the same on what came, minus that promise
    execution = the plan's law on what came, minus what really happened

A price for the highest power of a month or year (`[tariff.peak]`) costs each side on a day what the
day adds to it: the highest quarter-hour of the day beyond the highest of the period before it, by
the meter for what happened, by self-consumption's own quarter-hours for self-consumption.

Quarter-hours without a measurement are left out on both sides; after such a gap all runs start
again from the measured charge. What is stored more than self-consumption would have left is priced
at the end of the day, and before each gap, by the value table of the plan in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from optimizer.model.battery import Battery
from optimizer.model.moments import QUARTER
from optimizer.model.plan import Plan, Step
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings.battery_path import (
    AccountingRules,
    BatteryPath,
    HouseQuarter,
    battery_path,
    by_plan,
    no_battery_eur,
)
from optimizer.savings.measured_day import (
    GaplessSpan,
    KnownQuarters,
    QuarterPrice,
    charge,
    gapless_spans,
    model_off_wh,
    select,
)
from optimizer.savings.paid_peak import PeakCost, highest_w


@dataclass(frozen=True, slots=True)
class DayAccount:
    """A day's account; energies [Wh], money [EUR]."""

    day: str
    """Local date."""
    quarters: int
    """Quarter-hours of the day so far."""
    counted: int
    unmeasured: int
    """Left out: not seen by the executor."""
    unpriced: int
    """Left out: no plan ever stated a price."""
    corrected: int
    """Left out: the device corrected its state of charge."""
    unplanned: int = 0
    """Counted, without a plan in force."""
    drawn_wh: float = 0.0
    fed_wh: float = 0.0
    bill_eur: float = 0.0
    self_consumption_bill_eur: float = 0.0
    no_battery_eur: float = 0.0
    wear_eur: float = 0.0
    self_consumption_wear_eur: float = 0.0
    stored_wh: float = 0.0
    """Energy stored beyond self-consumption at the end; summed over the spans between gaps."""
    stored_eur: float = 0.0
    """Worth of that."""
    stored_eur_per_kwh: float = 0.0
    """Its price at the end of the day."""
    planning_eur: float = 0.0
    forecast_eur: float = 0.0
    execution_eur: float = 0.0
    peak_w: float = 0.0
    """Highest mean power of a quarter-hour that counts for the paid peak [W]."""
    self_consumption_peak_w: float = 0.0
    peak_eur: float = 0.0
    """Cost that the day adds to the paid peak."""
    self_consumption_peak_eur: float = 0.0
    override_eur: float = 0.0
    """Minus the price of the owner's overrides: none is 0."""
    model_off_wh: float = 0.0
    """By how much the battery's model, fed with the measured power, misses the measured charge."""
    model_through_wh: float = 0.0
    """What went through the battery meanwhile."""

    @property
    def worn_eur(self) -> float:
        """Wear that self-consumption would have cost more."""
        return self.self_consumption_wear_eur - self.wear_eur

    @property
    def less_peak_eur(self) -> float:
        """Cost that self-consumption would have added more to the paid peak."""
        return self.self_consumption_peak_eur - self.peak_eur

    @property
    def saving_eur(self) -> float:
        """Saving against self-consumption; stored energy, wear and paid peak counted [EUR]."""
        bills = self.self_consumption_bill_eur - self.bill_eur
        return bills + self.worn_eur + self.less_peak_eur + self.stored_eur

    @property
    def model_off_eur(self) -> float:
        """Bound of the model's error in the saving [EUR]."""
        return self.model_off_wh / 1000 * self.stored_eur_per_kwh

    @property
    def model_off_percent(self) -> float | None:
        """The same as a share of what went through; None if next to nothing did."""
        if self.model_through_wh < 1:
            return None
        return 100 * self.model_off_wh / self.model_through_wh

    def as_json(self) -> dict[str, Any]:
        """All figures, money to 0.0001 EUR."""
        figures = {item.name: getattr(self, item.name) for item in fields(self)}
        figures |= {"saving_eur": self.saving_eur}
        return {
            name: round(value, 4 if "eur" in name else 1) + 0.0
            if isinstance(value, float)
            else value
            for name, value in figures.items()
        }


VALUE_POINTS = 20
"""So many points between two states of charge make up the mean worth of a kWh."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Walks over one part without gaps."""

    self_consumption: BatteryPath
    ideal: BatteryPath
    expected_self_consumption: BatteryPath
    expected_ideal: BatteryPath


def account(
    day: date, begin: datetime, end: datetime, known: KnownQuarters, terms: AccountingRules
) -> DayAccount | None:
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
    counts = DayAccount(
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
    return _priced(counts, gapless_spans(counted, known.prices), known, terms)


def _priced(
    day: DayAccount, parts: Sequence[GaplessSpan], known: KnownQuarters, terms: AccountingRules
) -> DayAccount:
    """Add the money to what was counted."""
    runs = [_run(part, known, terms) for part in parts]
    prices = [
        stored_price(part.quarters[-1], run.self_consumption.soc_wh[-1], known, terms)
        for part, run in zip(parts, runs, strict=True)
    ]
    wear_eur_per_wh = terms.battery.wear_eur_per_kwh / 1000
    counted = [quarter for part in parts for quarter in part.quarters]

    starts = [quarter.start for quarter in counted]

    def drawn(followed: Sequence[BatteryPath]) -> list[tuple[datetime, float]]:
        return list(zip(starts, (wh for one in followed for wh in one.drawn_wh), strict=True))

    def cost(followed: Sequence[BatteryPath], reached_w: float) -> float:
        return PeakCost(terms.peak, reached_w).together_eur(drawn(followed)) + sum(
            one.bill_eur + one.worn_wh * wear_eur_per_wh - one.soc_wh[-1] / 1000 * price
            for one, price in zip(followed, prices, strict=True)
        )

    bill = metered_bill_eur(counted, known.prices)
    wear = taken_out_wh(counted, terms.battery) * wear_eur_per_wh
    ended = [charge(part.quarters[-1].soc_wh) for part in parts]
    left_eur = sum(wh / 1000 * price for wh, price in zip(ended, prices, strict=True))
    more = [wh - run.self_consumption.soc_wh[-1] for wh, run in zip(ended, runs, strict=True)]
    reached_w, own_reached_w = known.reached
    promise = cost([r.expected_self_consumption for r in runs], own_reached_w) - cost(
        [r.expected_ideal for r in runs], reached_w
    )
    ideal, own = cost([r.ideal for r in runs], reached_w), [r.self_consumption for r in runs]
    metered, own_drawn = [(q.start, q.drawn_wh) for q in counted], drawn(own)
    peak = PeakCost(terms.peak, reached_w).together_eur(metered)
    override = sum(known.override_eur.get(quarter.start, 0.0) for quarter in counted)
    return replace(
        day,
        bill_eur=bill,
        self_consumption_bill_eur=sum(r.self_consumption.bill_eur for r in runs),
        no_battery_eur=sum(no_battery_eur(part.spans, terms.grid) for part in parts),
        wear_eur=wear,
        self_consumption_wear_eur=sum(r.self_consumption.worn_wh for r in runs) * wear_eur_per_wh,
        stored_wh=sum(more),
        stored_eur=sum(wh / 1000 * price for wh, price in zip(more, prices, strict=True)),
        stored_eur_per_kwh=prices[-1],
        planning_eur=promise + override,
        override_eur=-override + 0.0,
        forecast_eur=cost(own, own_reached_w) - ideal - promise,
        execution_eur=ideal - (bill + wear + peak - left_eur),
        peak_w=highest_w(terms.peak, metered),
        self_consumption_peak_w=highest_w(terms.peak, own_drawn),
        peak_eur=peak,
        self_consumption_peak_eur=PeakCost(terms.peak, own_reached_w).together_eur(own_drawn),
        model_off_wh=sum(abs(model_off_wh(part.quarters, terms)) for part in parts),
    )


def self_consumption_charge(
    begin: datetime, end: datetime, known: KnownQuarters, terms: AccountingRules
) -> list[tuple[datetime, float]]:
    """Stored energy at the start of quarter-hours [Wh], had the battery been left to itself."""
    path: list[tuple[datetime, float]] = []
    for part in gapless_spans(select(begin, end, known, terms).counted, known.prices):
        start_wh = charge(part.quarters[0].first_soc_wh)
        followed = battery_path(part.spans, start_wh, terms).soc_wh
        charges = (start_wh, *followed[:-1])
        path += [(span.start, wh) for span, wh in zip(part.spans, charges, strict=True)]
    return path


def taken_out_wh(quarters: Sequence[QuarterEnergy], battery: Battery) -> float:
    """Energy taken out of the cells, which wears them [Wh]."""
    return sum(battery.out_of_cells_wh(q.discharged_wh, q.seconds / 3600) for q in quarters)


def metered_bill_eur(
    quarters: Sequence[QuarterEnergy], prices: Mapping[datetime, QuarterPrice]
) -> float:
    """By the meter: both directions of a quarter-hour at their prices [EUR]."""
    return sum(
        (q.drawn_wh * prices[q.start].buy - q.fed_wh * prices[q.start].sell) / 1000
        for q in quarters
    )


def _expected(span: HouseQuarter, plan: Plan | None) -> HouseQuarter:
    """Forecast of the plan in force; without a plan the measurement."""
    step = None if plan is None else plan.step_at(span.start)
    if step is None:
        return span
    residual_load_wh = max(0.0, step.need_w) * span.hours
    surplus_wh = max(0.0, -step.need_w) * span.hours
    return HouseQuarter(
        span.start, span.hours, residual_load_wh, surplus_wh, step.pv_w, span.buy, span.sell
    )


def _run(part: GaplessSpan, known: KnownQuarters, terms: AccountingRules) -> _Runs:
    plans = [known.plans.get(span.start) for span in part.spans]
    expected = [_expected(span, plan) for span, plan in zip(part.spans, plans, strict=True)]
    start_wh = charge(part.quarters[0].first_soc_wh)
    law = by_plan(plans, part.spans, terms)
    return _Runs(
        battery_path(part.spans, start_wh, terms), battery_path(part.spans, start_wh, terms, law),
        battery_path(expected, start_wh, terms), battery_path(expected, start_wh, terms, law),
    )  # fmt: skip


def stored_price(
    last: QuarterEnergy, self_consumption_wh: float, known: KnownQuarters, terms: AccountingRules
) -> float:
    """The price of stored energy after a quarter-hour [EUR/kWh].

    The mean worth, by the last plan's value table, of the kilowatt-hours between what
    self-consumption would have left and what is there. Without a plan what a kWh saves at the day's
    mean price, wear deducted.
    """
    planned = [(start, plan) for start, plan in known.plans.items() if start <= last.start]
    if not planned:
        buys = [price.buy for price in known.prices.values()]
        saved = sum(buys) / len(buys) * terms.battery.usual_discharge_efficiency
        return saved - terms.battery.wear_eur_per_kwh
    start, plan = max(planned, key=lambda item: item[0])
    step = plan.step_at(start) or plan.steps[-1]
    return _marginal_value(plan, step, self_consumption_wh, charge(last.soc_wh))


def _marginal_value(plan: Plan, step: Step, one_wh: float, other_wh: float) -> float:
    points = [
        one_wh + (other_wh - one_wh) * (place + 0.5) / VALUE_POINTS for place in range(VALUE_POINTS)
    ]
    return sum(plan.value_at(step, point) for point in points) / VALUE_POINTS
