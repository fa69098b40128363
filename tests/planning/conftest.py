"""Random houses and hand-made tasks for the tests of this room."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, OperatorLimit, Rule
from optimizer.model.tariff import Peak
from optimizer.planning import plan_notes, planner
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.task import ForecastStep, Task

AT = datetime(2026, 3, 28, 13, tzinfo=UTC)

TRICKY_PRICES = (
    (-0.10, -0.10), (-0.05, -0.20), (-0.20, 0.08), (-0.10, 0.0), (-0.30, -0.10),
    (0.05, 0.20), (0.10, 0.10), (0.0, 0.0), (0.0, 0.08),
)  # fmt: skip
"""(buy, sell): drawing power is paid for, or selling pays at least what buying costs."""


def _battery(rng):
    return Battery(
        capacity_wh=rng.choice([5_000, 11_000, 22_000]),
        min_soc_percent=rng.choice([0, 5, 10, 20]),
        max_soc_percent=rng.choice([80, 95, 100]),
        max_charge_w=rng.choice([1_000, 2_500, 5_000, 10_000]),
        max_discharge_w=rng.choice([1_000, 2_500, 5_000, 10_000]),
        charge_efficiency=rng.choice([1.0, 0.95, 0.9]),
        discharge_efficiency=rng.choice([1.0, 0.95, 0.9]),
        wear_eur_per_kwh=rng.choice([0, 0, 0.01, 0.05]),
        standby_w=rng.choice([0, 0, 20, 70]),
        hybrid=rng.random() < 0.5,
        max_ac_w=rng.choice([3_000, 5_000, 10_000]),
    )


def _grid(rng):
    return Grid(
        max_buy_w=rng.choice([1_000, 3_000, 20_000]),
        max_sell_w=rng.choice([0, 2_000, 6_000, 20_000]),
        rule=rng.choice(list(Rule)),
    )


def _prices(rng, tricky):
    if tricky and rng.random() < 0.4:
        return rng.choice(TRICKY_PRICES)
    buy = rng.choice([0.2, 0.25, round(rng.uniform(0, 0.5), 3)])
    sell = rng.choice([0.0, 0.08, 0.08, -0.05, round(rng.uniform(-0.1, 0.3), 3)])
    return buy, min(sell, buy)


def _steps(rng, count, minutes, tricky):
    length, load_w, pv_w, result = timedelta(minutes=minutes), rng.uniform(0, 3_000), 0.0, []
    for index in range(count):
        load_w = max(0.0, load_w + rng.gauss(0, 800))
        if rng.random() < 0.05:
            load_w = rng.choice([0, 8_000, 15_000])
        pv_w = max(0.0, pv_w + rng.gauss(0, 1_500)) if rng.random() < 0.8 else 0.0
        start = AT + index * length
        prices = _prices(rng, tricky)
        # Half a watt: the house never needs exactly what the roof gives.
        result.append(
            ForecastStep(start, start + length, *prices, round(load_w) + 0.5, round(pv_w))
        )
    return tuple(result)


def _soc_percent(rng, battery):
    """Inside the band, at its edges, and outside on both sides."""
    edges = [0, 100, battery.min_soc_percent, battery.max_soc_percent]
    return rng.choice([rng.uniform(0, 100), rng.uniform(0, 100), *edges])


@pytest.fixture(scope="session")
def at():
    """Start of all plans here: a few hours before a night in which the clocks change."""
    return AT


@pytest.fixture(scope="session")
def random_task():
    """A task from a seed; `tricky` ones have steps that need binaries."""

    def make(seed, count=None, *, tricky=False):
        rng = Random(seed)  # noqa: S311
        battery, grid = _battery(rng), replace(_grid(rng), price_curtailment=seed % 3 != 0)
        count = count or rng.choice([24, 48, 96, 144, 192])
        steps = _steps(rng, count, rng.choice([15, 30, 60]), tricky)
        start_wh = battery.capacity_wh * _soc_percent(rng, battery) / 100
        end_values = (rng.uniform(0, 0.3),)
        if rng.random() < 0.7:
            end_values = (auto_end_value(steps, battery),)
        if seed % 4 == 1:
            count = rng.choice([2, 7, 25])
            end_values = tuple(sorted((rng.uniform(0, 0.4) for _ in range(count)), reverse=True))
        return Task(steps, battery, grid, start_wh, end_values)

    return make


def _whole_battery(rng, battery):
    """The battery with tapers, a reserve, a wish for full charges, each now and then."""
    into, out = (
        rng.choice([0.6, 1.0, 1.3]) * w for w in (battery.max_charge_w, battery.max_discharge_w)
    )
    more = {}
    if rng.random() < 0.5:
        start, end = rng.choice([60, 80, 90]), rng.choice([0.0, 0.05 * into])
        more["charge_taper"] = ((start, into), (95.0, 0.6 * into), (100.0, end))
    if rng.random() < 0.5:
        more["discharge_taper"] = ((0.0, rng.choice([0.0, 0.05 * out])), (8.0, 0.6 * out),
                                   (20.0, out))  # fmt: skip
    if rng.random() < 0.5:
        more["reserve_soc_percent"] = rng.choice([15, 30, 50])
        more["reserve_eur_per_kwh_h"] = rng.choice([0.002, 0.01, 0.1])
    if rng.random() < 0.3:
        more |= {"full_charge_every_days": 10.0, "max_soc_percent": 100}
    return replace(battery, **more)


def _dimming(rng, steps):
    """Up to three times of dimming, not on the edges of steps."""
    span = steps[-1].end - steps[0].start
    starts = [steps[0].start + rng.random() * span for _ in range(rng.randrange(4))]
    length = timedelta(hours=rng.choice([0.4, 1, 2.2]))
    return tuple(OperatorLimit(at, at + length, rng.choice([0, 600, 4_200])) for at in starts)


@pytest.fixture(scope="session")
def whole_task(random_task):
    """A random task with everything that the model knows; every second one is tricky.

    Long ones cross the end of a month and the night in which the clocks change.
    """

    def make(seed, count=None):
        task, rng = random_task(seed, count, tricky=seed % 2 == 1), Random(-seed)  # noqa: S311
        battery = _whole_battery(rng, task.battery)
        grid = replace(task.grid, operator_limits=_dimming(rng, task.steps))
        peak, price = None, rng.choice([0.5, 3.0, 12.0])
        if rng.random() < 0.5:
            reached_w, usual_w = rng.choice([0, 1_500, 4_000]), rng.choice([0, 0, 2_000])
            peak = Peak(price, rng.choice(["month", "year"]), reached_w, usual_w)
        last = rng.choice([None, AT - timedelta(days=9), AT - timedelta(days=100)])
        full_by = plan_notes.due(task.steps, battery, last)
        return replace(task, battery=battery, grid=grid, peak=peak, full_by=full_by)

    return make


def _extreme_prices(rng, steps):
    """Prices of all steps: all zero, negative around noon, one flat price, or as they are."""
    kind = rng.choice(["zero", "negative", "flat", "as they are"])
    pair = rng.choice([(0.3, 0.08), (0.3, 0.0), (0.25, 0.25)])
    result = []
    for step in steps:
        buy, sell = {"zero": (0.0, 0.0), "flat": pair}.get(kind, (step.buy, step.sell))
        if kind == "negative" and rng.random() < 0.5:
            buy, sell = rng.choice([(-0.1, -0.1), (-0.05, 0.0), (0.1, -0.08), (-0.2, 0.08)])
        result.append(replace(step, buy=buy, sell=sell))
    return tuple(result)


@pytest.fixture(scope="session")
def extreme_task(whole_task):
    """A task at the edges of what owners can have.

    1 to 300 steps, 0.1 kWh to 1 MWh, no charging or discharging power, all prices zero, negative
    prices under a feed-in cap, a battery that is dimmed to zero.
    """

    def make(seed):
        rng = Random(-7 * seed)  # noqa: S311
        count = rng.choice([1, 2, 3, 8, 24, 24, 48, 96, 300])
        task = whole_task(seed, count)
        scale = rng.choice([100, 1_000, 10_000, 10_000, 30_000, 1_000_000]) / 10_000
        powers = {
            name: rng.choice([0, 0.2, 1, 1]) * 10_000 * scale
            for name in ("max_charge_w", "max_discharge_w")
        }
        tapers = {
            name: tuple((soc, watts * scale) for soc, watts in getattr(task.battery, name))
            for name in ("charge_taper", "discharge_taper")
        }
        battery = replace(
            task.battery, capacity_wh=10_000 * scale, max_ac_w=max(3_000, 5_000 * scale),
            standby_w=min(task.battery.standby_w, *powers.values()), **powers, **tapers,
        )  # fmt: skip
        steps = _extreme_prices(rng, task.steps)
        steps = tuple(replace(step, pv_w=step.pv_w * rng.choice([1, 3])) for step in steps)
        operator_limits = task.grid.operator_limits
        if rng.random() < 0.3:
            operator_limits = (OperatorLimit(steps[0].start, steps[-1].end, 0.0),)
        grid = replace(
            task.grid,
            operator_limits=operator_limits,
            max_sell_w=rng.choice([0, 0, 2_000, 6_000, 20_000]),
            price_curtailment=rng.random() < 0.2,
        )
        start_wh = battery.capacity_wh * task.start_wh / task.battery.capacity_wh
        return replace(task, steps=steps, battery=battery, grid=grid, start_wh=start_wh)

    return make


@pytest.fixture(scope="session")
def task_of():
    """A task from rows of (buy, sell, load_w, pv_w); 10 kWh, half full.

    Neither losses nor wear unless said.
    """

    def make(rows, *, soc_percent=50.0, end_value=0.0, minutes=60, rule="grid_charge", **limits):
        length = timedelta(minutes=minutes)
        steps = tuple(
            ForecastStep(AT + index * length, AT + (index + 1) * length, *row)
            for index, row in enumerate(rows)
        )
        ideal = {
            "min_soc_percent": 0, "charge_efficiency": 1.0, "discharge_efficiency": 1.0,
            "wear_eur_per_kwh": 0.0,
        }  # fmt: skip
        names = ("max_buy_w", "max_sell_w", "price_curtailment")
        caps = {key: limits.pop(key) for key in names if key in limits}
        cells = Battery(**({"capacity_wh": 10_000} | ideal | limits))
        start_wh = cells.capacity_wh * soc_percent / 100
        if end_value is None:
            end_value = auto_end_value(steps, cells)
        end_values = end_value if isinstance(end_value, tuple) else (end_value,)
        return Task(steps, cells, Grid(**caps, rule=Rule(rule)), start_wh, end_values)

    return make


@pytest.fixture(scope="session")
def plan_task():
    """The plan for a task, with a clock that stands still."""

    def make(task, engine=None, **options):
        soc_percent = 100 * task.start_wh / task.battery.capacity_wh
        request = planner.PlanRequest(
            AT, "home", task.battery, task.grid, soc_percent, peak=task.peak, **options
        )
        task = replace(task, full_by=planner.task_of(task.steps, request).full_by)
        return planner.plan_of(task, request, lambda: 0.0, engine)

    return make


@pytest.fixture(scope="session")
def plan_of(task_of, plan_task):
    """The plan for a hand-made task."""
    return lambda rows, **options: plan_task(task_of(rows, **options))
