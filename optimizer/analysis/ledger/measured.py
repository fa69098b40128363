"""Which quarter-hours can be counted, and what came in them; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from optimizer.analysis.ledger.walk import Span, Terms
from optimizer.model.exchange import Quarter
from optimizer.model.plan import Plan
from optimizer.model.quarter import QUARTER

SEEN_S = 855.0
"""So much of a quarter-hour has to be seen [s]; else it counts as not measured."""

JUMP_SHARE = 0.03
"""A charge that moves further from what flowed in a quarter-hour, as a share of the capacity, was
corrected by the device: nothing of that was saved or lost."""


class Price(NamedTuple):
    """Prices of a quarter-hour [EUR/kWh], as known last before it was over."""

    buy: float
    sell: float


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a span of time, by the start of the quarter-hour."""

    quarters: Sequence[Quarter]
    """As metered, oldest first."""
    prices: Mapping[datetime, Price]
    plans: Mapping[datetime, Plan]
    """The plan that was in force at the start."""


class Selected(NamedTuple):
    """Quarter-hours that fall through fewer and fewer sieves."""

    measured: list[Quarter]
    steady: list[Quarter]
    counted: list[Quarter]


class Part(NamedTuple):
    """Quarter-hours without a gap between them."""

    quarters: list[Quarter]
    spans: list[Span]


def select(begin: datetime, end: datetime, known: Known, terms: Terms) -> Selected:
    """Which quarter-hours can be counted."""
    inside = [q for q in known.quarters if begin <= q.start and q.start + QUARTER <= end]
    measured = [q for q in inside if _measured(q)]
    steady = [q for q in measured if not _corrected(q, terms)]
    return Selected(measured, steady, [q for q in steady if q.start in known.prices])


def charge(soc_wh: float | None) -> float:
    """A counted quarter-hour's charge, which is known."""
    return 0.0 if soc_wh is None else soc_wh


def _measured(quarter: Quarter) -> bool:
    known = quarter.first_soc_wh is not None and quarter.soc_wh is not None
    return known and quarter.seconds >= SEEN_S


def _corrected(quarter: Quarter, terms: Terms) -> bool:
    """Whether the charge moved by itself, not by what flowed."""
    return abs(model_off_wh([quarter], terms)) > JUMP_SHARE * terms.battery.capacity_wh


def model_off_wh(quarters: Sequence[Quarter], terms: Terms) -> float:
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


def parts_of(counted: Sequence[Quarter], prices: Mapping[datetime, Price]) -> list[Part]:
    """Cut at gaps."""
    found: list[Part] = []
    for quarter in counted:
        if not found or found[-1].quarters[-1].start + QUARTER != quarter.start:
            found.append(Part([], []))
        found[-1].quarters.append(quarter)
        found[-1].spans.append(span_of(quarter, prices[quarter.start]))
    return found


def span_of(quarter: Quarter, price: Price) -> Span:
    """What came, as a walk wants it."""
    hours = quarter.seconds / 3600
    roof_w = 0.0 if quarter.pv_wh is None else quarter.pv_wh / hours
    return Span(
        quarter.start, hours, quarter.short_wh, quarter.spare_wh, roof_w, price.buy, price.sell
    )
