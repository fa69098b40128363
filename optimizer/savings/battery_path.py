"""A battery through quarter-hours: left to itself, or carrying a plan out ideally; pure.

The house is given by two energies a quarter-hour: what it was short of while it was short, and what
the roof had to spare while it had. A battery that balances every second serves the one from itself
and stores the other, with the losses of both ways, also within one quarter-hour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from optimizer.control import power_band
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Plan, Step
from optimizer.model.site import SitePhysics
from optimizer.model.tariff import Peak

SUBSTEPS = 3
"""So often in a quarter-hour the law is asked: a charge of 10 kW passes many a worth in one."""


@dataclass(frozen=True, slots=True)
class AccountingRules:
    """Battery, connection and control rule of an account."""

    battery: Battery
    grid: Grid
    follow: Literal["value", "intent", "power"] = "value"
    peak: Peak | None = None
    """The tariff's price of the highest power, if it has one."""


@dataclass(frozen=True, slots=True)
class HouseQuarter:
    """A quarter-hour of a house [Wh], with its prices [EUR/kWh]."""

    start: datetime
    hours: float
    residual_load_wh: float
    """What the house lacked beyond its roof, while it lacked."""
    surplus_wh: float
    """What the roof had to spare, while it had."""
    pv_w: float
    """Mean power of the roof [W]; counts on hybrids only, where the inverter has to pass it."""
    buy: float
    sell: float

    @property
    def end(self) -> datetime:
        """First moment after it."""
        return self.start + timedelta(hours=self.hours)

    def parts(self, *, deficit_first: bool) -> list[tuple[float, float]]:
        """The quarter-hour as (battery power that would bring the grid to zero [W], hours)."""
        total_wh = self.residual_load_wh + self.surplus_wh
        if total_wh <= 0 or self.hours <= 0:
            return [(0.0, self.hours)]
        size_w = total_wh / self.hours
        short = (size_w, self.hours * self.residual_load_wh / total_wh)
        spare = (-size_w, self.hours * self.surplus_wh / total_wh)
        ordered = (short, spare) if deficit_first else (spare, short)
        return [part for part in ordered if part[1] > 0]


@dataclass(frozen=True, slots=True)
class BatteryPath:
    """Cost of a path of the battery, and its stored energies."""

    bill_eur: float
    worn_wh: float
    """Taken out of the cells."""
    through_wh: float
    """Charged and discharged, AC-referred."""
    soc_wh: tuple[float, ...]
    """Stored energy after each quarter-hour."""
    drawn_wh: tuple[float, ...]
    """Energy from the grid in each quarter-hour."""


Choice = Callable[[int, float], tuple[Step, float, float] | None]
"""For a quarter-hour's place and the stored energy [Wh] then: the plan's step and the band of
battery power [W]; None where the battery is left to itself."""


def self_consumption_path(place: int, soc_wh: float) -> None:
    """The battery left to itself."""


def by_plan(
    plans: Sequence[Plan | None], spans: Sequence[HouseQuarter], terms: AccountingRules
) -> Choice:
    """The control law, ideally: each quarter-hour by the plan that was in force then."""

    def choose(place: int, soc_wh: float) -> tuple[Step, float, float] | None:
        plan = plans[place]
        step = None if plan is None else plan.step_at(spans[place].start)
        if plan is None or step is None:
            return None
        order, rule = plan.override_at(spans[place].start), terms.grid.rule
        stated = power_band.by_override(order, soc_wh, terms.battery, rule)
        if stated is not None:
            found = stated
        elif terms.follow == "value":
            charge_w = power_band.charging_w(order, terms.battery)
            found = power_band.by_value(plan, step, soc_wh, terms.battery, rule, charge_w=charge_w)
        elif terms.follow == "intent":
            found = power_band.by_intent(step, soc_wh, terms.battery)
        else:
            found = power_band.by_power(step)
        return step, found.lowest_w, found.highest_w

    return choose


def battery_path(
    spans: Sequence[HouseQuarter],
    soc_wh: float,
    terms: AccountingRules,
    choose: Choice = self_consumption_path,
) -> BatteryPath:
    """Go through contiguous quarter-hours from a stored energy [Wh]."""
    bill, worn, through, path, drawn = 0.0, 0.0, 0.0, [], []
    middle_wh = (terms.battery.min_wh + terms.battery.max_wh) / 2
    for place, span in enumerate(spans):
        drawn_wh = 0.0
        for _ in range(SUBSTEPS):
            chosen = choose(place, soc_wh)
            for need_w, whole_hours in span.parts(deficit_first=soc_wh > middle_wh):
                hours = whole_hours / SUBSTEPS
                wanted_w = _wanted(need_w, hours, span, terms, chosen)
                battery_w, soc_wh = terms.battery.step(soc_wh, wanted_w, hours)
                grid_w = _grid_w(need_w, battery_w, span, terms)
                bill += grid_w * hours / 1000 * (span.buy if grid_w > 0 else span.sell)
                worn += terms.battery.out_of_cells_wh(max(0.0, battery_w) * hours, hours)
                through += abs(battery_w) * hours
                drawn_wh += max(0.0, grid_w) * hours
        path.append(soc_wh)
        drawn.append(drawn_wh)
    return BatteryPath(bill, worn, through, tuple(path), tuple(drawn))


def _wanted(
    need_w: float, hours: float, span: HouseQuarter, terms: AccountingRules,
    chosen: tuple[Step, float, float] | None,
) -> float:  # fmt: skip
    """Battery power by plan, rule, connection and inverter [W]."""
    site = _site(span, terms)
    low, high = terms.grid.battery_limits(need_w)
    wanted_w, draw_w = need_w, site.limits.buy_w
    if chosen is not None:
        step, lowest_w, highest_w = chosen
        wanted_w = min(max(need_w, lowest_w), highest_w)
        if step.peak_w is not None:
            draw_w = min(draw_w, step.peak_w)
    low = max(low, min(0.0, need_w - draw_w))
    passed_low, passed_high = site.inverter_range(span.pv_w)
    low, high = max(low, passed_low), min(high, max(0.0, passed_high))
    sold_w = need_w + site.limits.sell_w
    high = min(high, sold_w) if sold_w > 0 else high
    return min(max(wanted_w, min(low, high)), high)


def _site(span: HouseQuarter, terms: AccountingRules) -> SitePhysics:
    return SitePhysics.at(terms.battery, terms.grid, span.start, span.end)


def _grid_w(need_w: float, battery_w: float, span: HouseQuarter, terms: AccountingRules) -> float:
    """Grid power [W]; what inverter and connection cannot pass is throttled."""
    return _site(span, terms).grid_w(need_w + span.pv_w, span.pv_w, battery_w)


def no_battery_eur(spans: Sequence[HouseQuarter], grid: Grid) -> float:
    """Bill of the house with its roof alone [EUR]."""
    return sum(
        span.residual_load_wh / 1000 * span.buy
        - min(span.surplus_wh, grid.limits(span.start, span.end).sell_w * span.hours)
        / 1000
        * span.sell
        for span in spans
    )
