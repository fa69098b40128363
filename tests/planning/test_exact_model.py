"""Against an exact model of the tests' own: everything at once, a binary wherever one can matter.

The matrix is written here from the mathematics alone and goes to HiGHS without PuLP. In every step
it chooses between charging and discharging and between buying and selling, so it needs no proof
that a relaxation does not cheat.

    CASES=300 pytest tests/planning/test_exact_model.py        300 cases of each kind

The program must not be worse than the best that this model finds, nor better than what it proves.
"""

import itertools
import os
from dataclasses import dataclass, field

import highspy
import numpy as np
import pytest

from optimizer.planning import program, solvers

pytestmark = pytest.mark.no_cover

CASES = int(os.environ.get("CASES", "16"))
SEEDS = range(20_000, 20_000 + CASES)
EXTREME_SEEDS = range(50_000, 50_000 + CASES)
TENTH_OF_A_CENT = 0.001
INFINITE = highspy.kHighsInf
CBC = solvers.cbc_solver()


@dataclass
class Matrix:
    """Columns and rows as they are collected."""

    cost: list = field(default_factory=list)
    least: list = field(default_factory=list)
    most: list = field(default_factory=list)
    whole: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    stored: list = field(default_factory=list)
    """Columns of the stored energy after each step."""
    offset: float = 0.0

    def column(self, cost=0.0, least=0.0, most=INFINITE, whole=False):
        self.cost.append(cost)
        self.least.append(least)
        self.most.append(max(least, most))
        if whole:
            self.whole.append(len(self.cost) - 1)
        return len(self.cost) - 1

    def either(self):
        return self.column(most=1.0, whole=True)

    def row(self, least, most, *terms):
        self.rows.append((least, most, [(column, factor) for column, factor in terms if factor]))

    def solve(self, seconds):
        """(Best objective found, proved bound)."""
        highs = highspy.Highs()
        for name, value in {
            "output_flag": False, "threads": 1, "mip_abs_gap": 1e-6, "mip_rel_gap": 0.0,
            "primal_feasibility_tolerance": 1e-9, "mip_feasibility_tolerance": 1e-9,
            "time_limit": float(seconds),
        }.items():  # fmt: skip
            highs.setOptionValue(name, value)
        count, nothing = len(self.cost), np.array([], dtype=np.int32)
        highs.addCols(
            count, np.array(self.cost), np.array(self.least), np.array(self.most),
            0, nothing, nothing, np.array([]),
        )  # fmt: skip
        for column in self.whole:
            highs.changeColIntegrality(column, highspy.HighsVarType.kInteger)
        for least, most, terms in self.rows:
            columns = np.array([column for column, _ in terms], dtype=np.int32)
            factors = np.array([factor for _, factor in terms], dtype=float)
            highs.addRow(least, most, len(terms), columns, factors)
        highs.run()
        info = highs.getInfo()
        return info.objective_function_value + self.offset, info.mip_dual_bound + self.offset


def hours(step):
    return (step.end - step.start).total_seconds() / 3600


def operator_limit_w(task, step):
    """Most that the unit may draw by the operator's word."""
    limits = [
        d.max_w for d in task.grid.operator_limits if d.start < step.end and d.end > step.start
    ]
    return max(min(limits, default=INFINITE), task.battery.standby_w)


def taper_w(points, soc_percent):
    return float(np.interp(soc_percent, *zip(*points, strict=True))) if points else INFINITE


def curve_w(share, most_w, *, out):
    """Points (AC power, power in the cells) of an efficiency, from 0 to a largest power [W]."""
    if not isinstance(share, tuple):
        share = ((most_w or 1.0, share),)
    points = [(0.0, 0.0), *((w, w / part if out else w * part) for w, part in share)]
    (w_a, cells_a), (w_b, cells_b) = points[-2:]
    points.append((2 * w_b + most_w, cells_b + (w_b + most_w) * (cells_b - cells_a) / (w_b - w_a)))
    end = np.interp(most_w, *zip(*points, strict=True))
    return [point for point in points if point[0] < most_w] + [(most_w, float(end))]


def taken_w(battery, discharge_w):
    """Power out of the cells."""
    return curve_w(battery.discharge_efficiency, discharge_w, out=True)[-1][1]


def given_w(battery, cells_w):
    """AC power for a power out of the cells, of which it is never more."""
    powers, cells = zip(*curve_w(battery.discharge_efficiency, cells_w, out=True), strict=True)
    return float(np.interp(cells_w, cells, powers))


def add_conversion(m, share, flow, most_kw, *, out):
    """Power in the cells as (column, factor): on one piece of the curve, chosen by a binary."""
    if not isinstance(share, tuple):
        return [(flow, 1 / share if out else share)]
    if most_kw <= 0:
        return []
    points = [(w / 1000, cells / 1000) for w, cells in curve_w(share, 1000 * most_kw, out=out)]
    weights = [m.column(most=1.0) for _ in points]
    chosen = [m.either() for _ in points[1:]]
    m.row(1, 1, *((weight, 1) for weight in weights))
    m.row(1, 1, *((piece, 1) for piece in chosen))
    m.row(0, 0, (flow, -1), *((at, w) for at, (w, _) in zip(weights, points, strict=True)))
    for place, weight in enumerate(weights):
        beside = chosen[max(0, place - 1) : place + 1]
        m.row(-INFINITE, 0, (weight, 1), *((piece, -1) for piece in beside))
    return [(at, cells) for at, (_, cells) in zip(weights, points, strict=True)]


def coming_down_wh(task):
    """Most stored energy after each step: above the band only as far as the house uses it up."""
    battery, soc_wh, result = task.battery, task.start_wh, []
    for step in task.steps:
        most_w = min(battery.max_discharge_w, battery.max_ac_w if battery.hybrid else INFINITE)
        taper = taper_w(battery.discharge_taper, 100 * soc_wh / battery.capacity_wh)
        rest_w = given_w(battery, max(0.0, soc_wh - battery.min_wh) / hours(step))
        free_w = min(most_w, min(taper, rest_w) - battery.standby_w)
        cells_w = min(max(0.0, step.load_w - step.pv_w), free_w) + battery.standby_w
        soc_wh -= taken_w(battery, max(0.0, cells_w)) * hours(step)
        result.append(max(battery.max_wh, soc_wh))
    return result


def largest_kw(task, step, top_wh):
    """Largest flows of a step: (buy, overload, sell, charge, discharge)."""
    battery, grid, rule = task.battery, task.grid, task.grid.rule
    idle, need, pv = battery.standby_w, step.load_w - step.pv_w, step.pv_w
    buy_w, sell_w, _ = grid.limits(step.start, step.end)
    charge = battery.max_charge_w
    if rule in ("pv_only", "green_export"):
        charge = min(charge, max(0.0, -need))
    charge = max(charge, idle) - idle
    if not battery.hybrid:
        charge = min(charge, operator_limit_w(task, step) - idle)
    if top_wh > battery.max_wh + 0.001:
        charge = 0.0
    rating = battery.max_ac_w if battery.hybrid else INFINITE
    discharge = min(battery.max_discharge_w, rating)
    if rule in ("pv_only", "grid_charge"):
        discharge = min(discharge, max(0.0, need))
    over = max(0.0, step.load_w - min(pv, rating + idle) + idle - buy_w)
    flows = buy_w, over, sell_w, charge, discharge + idle
    return [watts / 1000 for watts in flows]


def left_over_kw(task, step):
    """PV power that grid and inverter each do not take while the battery stands still."""
    idle = task.battery.standby_w
    unsold_w = step.pv_w - step.load_w - task.grid.limits(step.start, step.end).sell_w
    blocked_w = step.pv_w - idle - task.battery.max_ac_w if task.battery.hybrid else 0.0
    return [min(step.pv_w, max(0.0, watts)) / 1000 for watts in (unsold_w, blocked_w)]


def rest_kw(task, step):
    """What may be throttled: all of the roof where somebody rests it, else what cannot go out."""
    return step.pv_w / 1000 if task.grid.price_curtailment else max(left_over_kw(task, step))


def add_step(m, task, step, top_wh, before):
    """Flows, balance, store and inverter of a step; (its columns, its largest flows)."""
    battery, h, idle = task.battery, hours(step), task.battery.standby_w / 1000
    most = buy_kw, over_kw, sell_kw, charge_kw, out_kw = largest_kw(task, step, top_wh)
    pv, need = step.pv_w / 1000, (step.load_w - step.pv_w) / 1000
    buy, over = m.column(step.buy * h, most=buy_kw), m.column((step.buy + 10) * h, most=over_kw)
    sell, charge = m.column(-step.sell * h, most=sell_kw), m.column(most=charge_kw)
    discharge, thrown = m.column(most=out_kw), m.column(most=rest_kw(task, step))
    arrives = add_conversion(m, battery.charge_efficiency, charge, charge_kw, out=False)
    leaves = add_conversion(m, battery.discharge_efficiency, discharge, out_kw, out=True)
    for column, factor in leaves:
        m.cost[column] += battery.wear_eur_per_kwh * factor * h
    floor = min(battery.min_wh, task.start_wh) / 1000
    stored = m.column(least=floor, most=top_wh / 1000)
    m.row(need + idle, need + idle, (buy, 1), (over, 1), (sell, -1), (thrown, -1),
          (discharge, 1), (charge, -1))  # fmt: skip
    m.row(0, 0, (stored, 1), (before, -1), *((column, -h * factor) for column, factor in arrives),
          *((column, h * factor) for column, factor in leaves))  # fmt: skip
    if battery.hybrid:
        rating, draw = battery.max_ac_w / 1000, operator_limit_w(task, step) / 1000
        m.row(-min(rating, draw) - pv + idle, rating - pv + idle,
              (discharge, 1), (charge, -1), (thrown, -1))  # fmt: skip
    if not task.grid.price_curtailment:
        add_throttling(m, task, step, (buy, over, sell, charge, discharge, thrown))
    return (buy, over, sell, charge, discharge, stored), most


def add_throttling(m, task, step, columns):
    """Nothing is throttled before the grid takes all that it may, or the inverter passes it."""
    buy, over, sell, charge, discharge, thrown = columns
    unsold_kw, blocked_kw = left_over_kw(task, step)
    if not max(unsold_kw, blocked_kw):
        return
    buy_w, sell_w, _ = task.grid.limits(step.start, step.end)
    rating, sell_kw, buy_kw = (w / 1000 for w in (task.battery.max_ac_w, sell_w, buy_w))
    sold_out, passed_out = m.either(), m.either()
    m.row(-INFINITE, 0, (thrown, 1), (sold_out, -step.pv_w / 1000),
          (passed_out, -step.pv_w / 1000))  # fmt: skip
    m.row(0, INFINITE, (sell, 1), (sold_out, -sell_kw))
    m.row(-INFINITE, buy_kw, (buy, 1), (sold_out, buy_kw))
    m.row(-INFINITE, 100, (over, 1), (sold_out, 100))
    if task.battery.hybrid:
        lift = 2 * rating + 100 + task.battery.max_charge_w / 1000
        still = (step.pv_w - task.battery.standby_w) / 1000
        m.row(rating - lift - still, INFINITE,
              (discharge, 1), (charge, -1), (thrown, -1), (passed_out, -lift))  # fmt: skip
    else:
        m.row(0, 0, (passed_out, 1))


def add_choices(m, task, step, columns, most):
    """Buy or sell, charge or discharge; and no grid energy under the roof's name."""
    buy, over, sell, charge, discharge, _ = columns
    buy_kw, over_kw, sell_kw, charge_kw, out_kw = most
    charging, buying = m.either(), m.either()
    m.row(-INFINITE, 0, (charge, 1), (charging, -charge_kw))
    m.row(-INFINITE, out_kw, (discharge, 1), (charging, out_kw))
    m.row(-INFINITE, 0, (buy, 1), (over, 1), (buying, -buy_kw - over_kw))
    m.row(-INFINITE, sell_kw, (sell, 1), (buying, sell_kw))
    if step.buy < 0 and task.grid.rule in ("pv_only", "green_export"):
        washing = m.either()
        m.row(-INFINITE, 0, (charge, 1), (washing, -charge_kw))
        m.row(-INFINITE, buy_kw, (buy, 1), (washing, buy_kw))


def add_tapers(m, battery, charge, discharge, before):
    pairs = (charge, battery.charge_taper, 0), (discharge, battery.discharge_taper, -1)
    for flow, points, edge in pairs:
        if points:
            m.row(-INFINITE, points[edge][1] / 1000, (flow, 1))
        for (soc_a, w_a), (soc_b, w_b) in itertools.pairwise(points):
            rise = (w_b - w_a) / (soc_b - soc_a) * 100 / battery.capacity_wh
            at_zero = w_a - rise * soc_a / 100 * battery.capacity_wh
            m.row(-INFINITE, at_zero / 1000, (flow, 1), (before, -rise))


def add_levels(m, task, step, columns, was_back):
    """Reserve and recovery; the binary "back in the band" if there is one."""
    battery, h, (*_, discharge, stored) = task.battery, hours(step), columns
    if battery.reserve_soc_percent:
        missing = m.column(battery.reserve_eur_per_kwh_h * h)
        m.row(battery.reserve_wh / 1000, INFINITE, (stored, 1), (missing, 1))
    if task.start_wh >= battery.min_wh:
        return None
    missing, back, low = m.column(0.05 * h), m.either(), task.start_wh / 1000
    m.row(battery.min_wh / 1000, INFINITE, (stored, 1), (missing, 1))
    m.row(low, INFINITE, (stored, 1), (back, low - battery.min_wh / 1000))
    m.row(-INFINITE, 0, (discharge, 1), *([(was_back, -100.0)] if was_back else []))
    if was_back:
        m.row(0, INFINITE, (back, 1), (was_back, -1))
    return back


def peak_column(m, task, step, peaks):
    """The peak of a step's month or year, at its price above what is free."""
    local = step.start.astimezone(task.peak.zone)
    month = (local.year, local.month if task.peak.period == "month" else 0)
    if month not in peaks:
        free = max(task.peak.usual_w, 0.0 if peaks else task.peak.reached_w) / 1000
        peaks[month] = m.column(task.peak.eur_per_kw, least=free)
        m.offset -= task.peak.eur_per_kw * free
    return peaks[month]


def add_full_charge(m, task, stored):
    """One of the steps in time ends full, or what is missing costs 2 EUR/kWh."""
    missing, picks = m.column(2.0), []
    floor = min(task.battery.min_wh, task.start_wh) / 1000
    for column in stored[: task.full_by + 1]:
        picks.append(m.either())
        lift = task.battery.max_wh / 1000 - floor
        m.row(floor, INFINITE, (column, 1), (missing, 1), (picks[-1], -lift))
    m.row(1, 1, *((pick, 1) for pick in picks))


def exact_model(task):
    """The whole task as a matrix."""
    m, peaks, stored, was_back = Matrix(), {}, [], None
    before = m.column(least=task.start_wh / 1000, most=task.start_wh / 1000)
    for step, top_wh in zip(task.steps, coming_down_wh(task), strict=True):
        columns, most = add_step(m, task, step, top_wh, before)
        buy, over, _, charge, discharge, after = columns
        add_choices(m, task, step, columns, most)
        add_tapers(m, task.battery, charge, discharge, before)
        was_back = add_levels(m, task, step, columns, was_back)
        if task.peak is not None:
            m.row(-INFINITE, 0, (buy, 1), (over, 1), (peak_column(m, task, step, peaks), -1))
        stored.append(after)
        before = after
    if task.full_by is not None:
        add_full_charge(m, task, stored)
    add_end(m, task, before)
    m.stored = stored
    return m


def add_end(m, task, stored):
    """What is left is worth so much in each part of the band, the first part also below it."""
    battery, parts, marginal_values = task.battery, [], task.end_values
    size = (battery.max_wh - battery.min_wh) / len(marginal_values) / 1000
    for place, marginal_value in enumerate(marginal_values):
        most = size + (battery.min_wh / 1000 if place == 0 else 0.0)
        parts.append(
            m.column(-marginal_value, most=most if place + 1 < len(marginal_values) else INFINITE)
        )
    m.row(0, 0, (stored, 1), *((part, -1) for part in parts))


@pytest.fixture(scope="module")
def cases(whole_task):
    """Tasks of 24 to 192 steps, the long ones seldom; with what the exact model says."""
    sizes = (24, 24, 48, 24, 96, 48, 24, 192)
    tasks = [whole_task(seed, sizes[seed % 8]) for seed in SEEDS]
    return [(task, *exact_model(task).solve(20)) for task in tasks]


@pytest.mark.parametrize("place", range(CASES), ids=[str(seed) for seed in SEEDS])
def test_the_program_is_as_good_as_the_exact_model_and_no_better(cases, place):
    task, best, bound = cases[place]
    ours = program.solve(task).objective_eur
    assert bound - TENTH_OF_A_CENT <= ours <= best + TENTH_OF_A_CENT


def throttled_needlessly(plan, task):
    """Steps in which PV is throttled although house, grid or battery could take it."""
    if task.grid.price_curtailment:
        return []
    rating = task.battery.max_ac_w if task.battery.hybrid else INFINITE
    return [
        step
        for step in plan.steps
        if step.curtailed_w > 1.0
        and step.grid_w > 1.0 - task.grid.limits(step.start, step.end).sell_w
        and step.battery_w + step.pv_w - step.curtailed_w < rating - 1.0
    ]


@pytest.mark.parametrize("seed", EXTREME_SEEDS)
def test_extreme_houses_have_a_plan_as_good_as_the_exact_model(extreme_task, plan_task, seed):
    task = extreme_task(seed)
    best, bound = exact_model(task).solve(20)
    ours = program.solve(task).objective_eur
    assert bound - TENTH_OF_A_CENT <= ours <= best + TENTH_OF_A_CENT
    plan = plan_task(task)
    assert not throttled_needlessly(plan, task)
    assert not [note for note in plan.notes if "disagree" in note]


@pytest.mark.skipif(CBC is None, reason="neither the PATH nor this PuLP brings CBC")
def test_cbc_gives_the_same_money(cases):
    for seed, (task, best, bound) in zip(SEEDS, cases, strict=True):
        if len(task.steps) <= 48 or len(cases) > 100:
            theirs = program.solve(task, (CBC, "CBC")).objective_eur
            assert bound - TENTH_OF_A_CENT <= theirs <= best + TENTH_OF_A_CENT, f"seed {seed}"
