"""Selection of the quarter-hours that can be counted, and their measured energies; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from optimizer.model.moments import QUARTER
from optimizer.model.plan import Plan
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings.battery_path import AccountingRules, HouseQuarter

SEEN_S = 855.0
"""So much of a quarter-hour has to be seen [s]; else it counts as not measured."""

JUMP_SHARE = 0.03
"""A charge that moves further from what flowed in a quarter-hour, as a share of the capacity, was
corrected by the device: nothing of that was saved or lost."""


class QuarterPrice(NamedTuple):
    """Prices of a quarter-hour [EUR/kWh], as known last before it was over."""

    buy: float
    sell: float


class ReachedPeaks(NamedTuple):
    """Highest mean powers of a quarter-hour in a month or year so far [W]."""

    metered_w: float = 0.0
    self_consumption_w: float = 0.0
    """The same, had the battery been left to itself."""


@dataclass(frozen=True, slots=True)
class KnownQuarters:
    """Measurements, prices and plans of a span of time, by the start of the quarter-hour."""

    quarters: Sequence[QuarterEnergy]
    """As metered, oldest first."""
    prices: Mapping[datetime, QuarterPrice]
    plans: Mapping[datetime, Plan]
    """The plan that was in force at the start."""
    override_eur: Mapping[datetime, float] = field(default_factory=dict)
    """Price of the owner's overrides that falls to the quarter-hour [EUR]."""
    reached: ReachedPeaks = field(default_factory=ReachedPeaks)
    """Highest powers of the period before these quarter-hours."""


class SelectedQuarters(NamedTuple):
    """Quarter-hours that fall through fewer and fewer sieves."""

    measured: list[QuarterEnergy]
    steady: list[QuarterEnergy]
    counted: list[QuarterEnergy]


class GaplessSpan(NamedTuple):
    """Quarter-hours without a gap between them."""

    quarters: list[QuarterEnergy]
    spans: list[HouseQuarter]


def select(
    begin: datetime, end: datetime, known: KnownQuarters, terms: AccountingRules
) -> SelectedQuarters:
    """Select the quarter-hours that can be counted."""
    inside = [q for q in known.quarters if begin <= q.start and q.start + QUARTER <= end]
    measured = [q for q in inside if _measured(q)]
    steady = [q for q in measured if not _corrected(q, terms)]
    return SelectedQuarters(measured, steady, [q for q in steady if q.start in known.prices])


def charge(soc_wh: float | None) -> float:
    """A counted quarter-hour's charge, which is known."""
    return 0.0 if soc_wh is None else soc_wh


def _measured(quarter: QuarterEnergy) -> bool:
    known = quarter.first_soc_wh is not None and quarter.soc_wh is not None
    return known and quarter.seconds >= SEEN_S


def _corrected(quarter: QuarterEnergy, terms: AccountingRules) -> bool:
    """Return true if the charge moved by itself, not by what flowed."""
    return abs(model_off_wh([quarter], terms)) > JUMP_SHARE * terms.battery.capacity_wh


def model_off_wh(quarters: Sequence[QuarterEnergy], terms: AccountingRules) -> float:
    """Charge by the model from the measured energies, minus the measured one [Wh]."""
    battery, soc_wh = terms.battery, charge(quarters[0].first_soc_wh)
    for quarter in quarters:
        hours = quarter.seconds / 3600
        flows = (quarter.charged_wh, -1.0), (quarter.discharged_wh, 1.0)
        total_wh = sum(wh for wh, _ in flows)
        if total_wh <= 0:
            soc_wh = battery.stored_after(soc_wh, 0.0, hours)
            continue
        for wh, sign in flows:
            share = hours * wh / total_wh
            soc_wh = battery.stored_after(soc_wh, sign * total_wh / hours, share)
    return soc_wh - charge(quarters[-1].soc_wh)


def gapless_spans(
    counted: Sequence[QuarterEnergy], prices: Mapping[datetime, QuarterPrice]
) -> list[GaplessSpan]:
    """Cut at gaps."""
    found: list[GaplessSpan] = []
    for quarter in counted:
        if not found or found[-1].quarters[-1].start + QUARTER != quarter.start:
            found.append(GaplessSpan([], []))
        found[-1].quarters.append(quarter)
        found[-1].spans.append(span_of(quarter, prices[quarter.start]))
    return found


def span_of(quarter: QuarterEnergy, price: QuarterPrice) -> HouseQuarter:
    """Measured quarter-hour in the form that a battery path takes."""
    hours = quarter.seconds / 3600
    pv_w = 0.0 if quarter.pv_wh is None else quarter.pv_wh / hours
    return HouseQuarter(
        quarter.start,
        hours,
        quarter.residual_load_wh,
        quarter.surplus_wh,
        pv_w,
        price.buy,
        price.sell,
    )
