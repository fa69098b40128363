"""Contents of the picture: from a plan, from metered quarter-hours, from a simulated day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from optimizer.model.currency import EUR, Currency
from optimizer.model.moments import QUARTER
from optimizer.model.plan import Plan, Step
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.report.svg import Point, TimeSpan
from optimizer.savings.measured_day import QuarterPrice
from optimizer.text.phases import phases
from optimizer.text.plan_table import INTENT_NAMES

if TYPE_CHECKING:
    from optimizer.simulation.bill import PricedQuarter  # it imports pandas

GERMANY = (51.0, 10.0)
"""Latitude and longitude for day and night where a house's place is not known [degrees]."""

BURST = 1.6
"""Powers are drawn whole up to this multiple of what 95 % of the time stays below."""

HEADROOM = 1.18
"""Space above the highest value, for its label."""


@dataclass(frozen=True, slots=True)
class Band:
    """A phase of the plan behind the panels."""

    begin: datetime
    end: datetime
    style: str
    """Class of its colour: an intent or `paused`."""
    word: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Contents of a picture; each series may be empty."""

    title: str
    begin: datetime
    end: datetime
    zone: tzinfo
    money: Currency = EUR
    """Currency of the prices, which are in its unit of prices."""
    buy_price: Sequence[TimeSpan] = ()
    """Buying price, in its unit."""
    sell_price: Sequence[TimeSpan] = ()
    load_kw: Sequence[TimeSpan] = ()
    pv_kw: Sequence[TimeSpan] = ()
    battery_kw: Sequence[TimeSpan] = ()
    """Battery power, + discharges."""
    grid_kw: Sequence[TimeSpan] = ()
    """Grid power, + buys."""
    planned_percent: Sequence[Sequence[Point]] = ()
    """Planned state of charge, in runs without a gap [%]."""
    measured_percent: Sequence[Sequence[Point]] = ()
    reference_percent: Sequence[Sequence[Point]] = ()
    """State of charge of the battery left to itself [%]."""
    bands: Sequence[Band] = ()
    now: datetime | None = None
    lowest_percent: float = 0.0
    """Reserve: the planner goes no lower [%]."""
    highest_percent: float = 100.0
    place: tuple[float, float] = GERMANY
    """Latitude and longitude [degrees]."""


Series = Mapping[str, Any]
"""Arguments of a `Picture`: its series by name."""


def of_plan(plan: Plan, capacity_wh: float, zone: tzinfo, since: datetime | None = None) -> Series:
    """Forecast, planned powers and planned charge of a plan, of the steps that begin at `since`."""
    steps = [step for step in plan.steps if since is None or step.start >= since]
    begin = (plan.steps[0].start, plan.start_soc_percent)
    ends = [(step.end, 100 * step.soc_wh / capacity_wh) for step in plan.steps]
    return {
        "buy_price": _of_steps(steps, "buy_eur_per_kwh", plan.money.price_factor),
        "sell_price": _of_steps(steps, "sell_eur_per_kwh", plan.money.price_factor),
        "load_kw": _of_steps(steps, "load_w", 0.001),
        "pv_kw": _of_steps(steps, "pv_w", 0.001),
        "battery_kw": _of_steps(steps, "battery_w", 0.001),
        "grid_kw": _of_steps(steps, "grid_w", 0.001),
        "planned_percent": [[begin, *ends]],
        "bands": bands(plan, capacity_wh, zone),
    }


def bands(plan: Plan, capacity_wh: float, zone: tzinfo) -> list[Band]:
    """The plan's phases as bands; neighbours with one intent are one."""
    result = []
    for intent, group in groupby(phases(plan, capacity_wh, zone), key=lambda phase: phase.intent):
        part = list(group)
        result.append(Band(part[0].start, part[-1].end, intent.value, INTENT_NAMES[intent]))
    return result


def _of_steps(steps: Sequence[Step], name: str, factor: float) -> list[TimeSpan]:
    return [(step.start, step.end, getattr(step, name) * factor) for step in steps]


def of_record(
    quarters: Sequence[QuarterEnergy],
    prices: Mapping[datetime, QuarterPrice],
    without_plan: Sequence[Point],
    capacity_wh: float,
    money: Currency = EUR,
) -> Series:
    """Metered powers and charge, and the charge of the battery left to itself [Wh]."""
    seen = [quarter for quarter in quarters if quarter.seconds > 0]
    known = [(q.start, prices[q.start]) for q in quarters if q.start in prices]
    with_pv = [quarter for quarter in seen if quarter.pv_wh is not None]
    share = 100 / capacity_wh
    charges = [(q.start, q.first_soc_wh * share) for q in seen if q.first_soc_wh is not None]
    return {
        "buy_price": [(at, at + QUARTER, money.in_price_units(price.buy)) for at, price in known],
        "sell_price": [(at, at + QUARTER, money.in_price_units(price.sell)) for at, price in known],
        "load_kw": _powers(with_pv, _load_wh),
        "pv_kw": _powers(with_pv, lambda q: q.pv_wh or 0.0),
        "battery_kw": _powers(seen, lambda q: q.discharged_wh - q.charged_wh),
        "grid_kw": _powers(seen, lambda q: q.drawn_wh - q.fed_wh),
        "measured_percent": unbroken(charges),
        "reference_percent": unbroken([(at, wh * share) for at, wh in without_plan]),
    }


def _load_wh(quarter: QuarterEnergy) -> float:
    return (quarter.pv_wh or 0.0) + quarter.residual_load_wh - quarter.surplus_wh


def _powers(
    quarters: Sequence[QuarterEnergy], energy_wh: Callable[[QuarterEnergy], float]
) -> list[TimeSpan]:
    """Mean powers over the time that was metered [kW]."""
    return [(q.start, q.start + QUARTER, energy_wh(q) / q.seconds * 3.6) for q in quarters]


def unbroken(points: Sequence[Point]) -> list[list[Point]]:
    """Points in runs whose neighbours are a quarter of an hour apart at most."""
    runs: list[list[Point]] = [list(points[:1])]
    for (before, _), point in pairwise(points):
        if point[0] - before > QUARTER:
            runs.append([])
        runs[-1].append(point)
    return [run for run in runs if run]


def of_simulation(
    quarters: "Sequence[PricedQuarter]", alone: "Sequence[PricedQuarter]", capacity_wh: float
) -> Series:
    """A simulated day as metered, and the charge of the battery left to itself."""

    def spans(value: "Callable[[PricedQuarter], float]") -> list[TimeSpan]:
        return [(q.reading.start, q.reading.end, value(q)) for q in quarters]

    def charge(part: "Sequence[PricedQuarter]") -> list[list[Point]]:
        return [[(q.reading.end, 100 * q.reading.soc_wh / capacity_wh) for q in part]]

    return {
        "buy_price": spans(lambda q: EUR.in_price_units(q.buy)),
        "sell_price": spans(lambda q: EUR.in_price_units(q.sell)),
        "load_kw": spans(lambda q: q.reading.load_w / 1000),
        "pv_kw": spans(lambda q: q.reading.pv_w / 1000),
        "battery_kw": spans(lambda q: q.reading.battery_w / 1000),
        "grid_kw": spans(lambda q: q.reading.grid_w / 1000),
        "measured_percent": charge(quarters),
        "reference_percent": charge(alone),
    }


def joined(past: Series, future: Series) -> Series:
    """Metered series, and from the last reading on the planned ones."""
    both = dict(past) | {
        name: [*past.get(name, ()), *future[name]]
        for name in future
        if name.endswith(("price", "kw"))
    }
    return both | {name: future[name] for name in ("planned_percent", "bands")}


def within(picture: Picture) -> Picture:
    """The picture without what lies outside its time."""
    begin, end = picture.begin, picture.end
    names = ("buy_price", "sell_price", "load_kw", "pv_kw", "battery_kw", "grid_kw")
    spans: dict[str, Any] = {
        name: [
            (max(start, begin), min(after, end), value)
            for start, after, value in getattr(picture, name)
            if start < end and after > begin
        ]
        for name in names
    }
    points: dict[str, Any] = {
        name: [[point for point in run if begin <= point[0] <= end] for run in runs]
        for name in ("planned_percent", "measured_percent", "reference_percent")
        if (runs := getattr(picture, name))
    }
    bands = [band for band in picture.bands if band.begin < end and band.end > begin]
    return replace(picture, **spans, **points, bands=bands)


def day_start(at: datetime, zone: tzinfo) -> datetime:
    """The local midnight at or before a moment."""
    return at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def power_limits(picture: Picture) -> tuple[float, float]:
    """Highest and lowest power of the scale [kW]: of house, PV and battery, without rare bursts.

    The grid does not count: when a battery charges with 10 kW, 10 kW are bought.
    """
    up = [value for _, _, value in (*picture.load_kw, *picture.pv_kw, *picture.battery_kw)]
    high = _without_bursts([value for value in up if value > 0])
    down = [-value for _, _, value in picture.battery_kw if value < 0]
    low = min(max(down, default=0.0), 1.2 * high)
    sold = [-value for _, _, value in picture.grid_kw if value < 0]
    low = max(low, min(max(sold, default=0.0), high), 0.15 * high)
    return HEADROOM * high, -HEADROOM * low


def _without_bursts(values: Sequence[float]) -> float:
    if not values:
        return 1.0
    ordered = sorted(values)
    usual = ordered[int(0.95 * (len(ordered) - 1))]
    return max(0.5, min(ordered[-1], BURST * usual))
