"""Against an exact model of the tests' own: everything at once, a binary wherever one can matter.

The matrix is written here from the mathematics alone and goes to HiGHS without PuLP. In every step
it chooses between charging and discharging and between buying and selling, so it needs no proof
that a relaxation does not cheat.

    CASES=300 pytest tests/planning/test_exact_model.py        all 300 cases, ten minutes

The program must not be worse than the best that this model finds, nor better than what it proves.
"""

import itertools
import os
from dataclasses import dataclass, field

import highspy
import numpy as np
import pytest

from optimizer.planning import engines, program

CASES = int(os.environ.get("CASES", "16"))
SEEDS = range(20_000, 20_000 + CASES)
TENTH_OF_A_CENT = 0.001
INFINITE = highspy.kHighsInf
CBC = engines.cbc_solver()


@dataclass
class Matrix:
    """Columns and rows as they are collected."""

    cost: list = field(default_factory=list)
    least: list = field(default_factory=list)
    most: list = field(default_factory=list)
    whole: list = field(default_factory=list)
    rows: list = field(default_factory=list)
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


def dimmed_w(task, step):
    """Most that the unit may draw by the operator's word."""
    limits = [d.max_w for d in task.grid.dimming if d.start < step.end and d.end > step.start]
    return max(min(limits, default=INFINITE), task.battery.standby_w)


def taper_w(points, soc_percent):
    return float(np.interp(soc_percent, *zip(*points, strict=True))) if points else INFINITE


def coming_down_wh(task):
    """Most stored energy after each step: above the band only as far as the house uses it up."""
    battery, soc_wh, result = task.battery, task.start_wh, []
    for step in task.steps:
        most_w = min(battery.max_discharge_w, battery.max_ac_w if battery.hybrid else INFINITE)
        taper = taper_w(battery.discharge_taper, 100 * soc_wh / battery.capacity_wh)
        rest_w = max(0.0, soc_wh - battery.min_wh) * battery.discharge_efficiency / hours(step)
        free_w = min(most_w, min(taper, rest_w) - battery.standby_w)
        cells_w = min(max(0.0, step.load_w - step.pv_w), free_w) + battery.standby_w
        soc_wh -= max(0.0, cells_w) / battery.discharge_efficiency * hours(step)
        result.append(max(battery.max_wh, soc_wh))
    return result


def exact_model(task):
    """The whole task as a matrix."""
    battery, grid, m = task.battery, task.grid, Matrix()
    idle, floor = battery.standby_w / 1000, min(battery.min_wh, task.start_wh) / 1000
    charges_freely = grid.rule in ("grid_charge", "mixed")
    sells_freely = grid.rule in ("green_export", "mixed")
    below = task.start_wh < battery.min_wh
    peaks, months, full, was_back = {}, [], [], None
    before = m.column(least=task.start_wh / 1000, most=task.start_wh / 1000)
    for t, (step, top) in enumerate(zip(task.steps, coming_down_wh(task), strict=True)):
        h, need, roof = hours(step), (step.load_w - step.pv_w) / 1000, step.pv_w / 1000
        charge_kw = battery.max_charge_w / 1000 if charges_freely else max(0.0, -need)
        charge_kw = max(min(battery.max_charge_w / 1000, charge_kw), idle) - idle
        if not battery.hybrid:
            charge_kw = min(charge_kw, dimmed_w(task, step) / 1000 - idle)
        if top > battery.max_wh + 0.001:
            charge_kw = 0.0
        out_kw = min(battery.max_discharge_w, battery.max_ac_w if battery.hybrid else INFINITE)
        out_kw = min(out_kw / 1000, INFINITE if sells_freely else max(0.0, need)) + idle
        passed = min(roof, battery.max_ac_w / 1000 + idle if battery.hybrid else INFINITE)
        over_kw = max(0.0, step.load_w / 1000 - passed + idle - grid.max_buy_w / 1000)
        buy_kw, sell_kw = grid.max_buy_w / 1000, grid.max_sell_w / 1000
        wear = battery.wear_eur_per_kwh / battery.discharge_efficiency
        buy, sell = m.column(step.buy * h, most=buy_kw), m.column(-step.sell * h, most=sell_kw)
        over = m.column((step.buy + 10.0) * h, most=over_kw)
        charge, discharge = m.column(most=charge_kw), m.column(wear * h, most=out_kw)
        thrown = m.column(most=roof)
        stored = m.column(least=floor, most=top / 1000)
        m.row(need + idle, need + idle, (buy, 1), (over, 1), (sell, -1), (thrown, -1),
              (discharge, 1), (charge, -1))  # fmt: skip
        m.row(0, 0, (stored, 1), (before, -1), (charge, -h * battery.charge_efficiency),
              (discharge, h / battery.discharge_efficiency))  # fmt: skip
        charging, buying = m.either(), m.either()
        m.row(-INFINITE, 0, (charge, 1), (charging, -charge_kw))
        m.row(-INFINITE, out_kw, (discharge, 1), (charging, out_kw))
        m.row(-INFINITE, 0, (buy, 1), (over, 1), (buying, -buy_kw - over_kw))
        m.row(-INFINITE, sell_kw, (sell, 1), (buying, sell_kw))
        if step.buy < 0 and not charges_freely:
            washing = m.either()
            m.row(-INFINITE, 0, (charge, 1), (washing, -charge_kw))
            m.row(-INFINITE, buy_kw, (buy, 1), (washing, buy_kw))
        if battery.hybrid:
            rating, draw = battery.max_ac_w / 1000, dimmed_w(task, step) / 1000
            m.row(-min(rating, draw) - roof + idle, rating - roof + idle,
                  (discharge, 1), (charge, -1), (thrown, -1))  # fmt: skip
        for flow, points, edge in (
            (charge, battery.charge_taper, 0), (discharge, battery.discharge_taper, -1),
        ):  # fmt: skip
            if points:
                m.row(-INFINITE, points[edge][1] / 1000, (flow, 1))
            for (soc_a, w_a), (soc_b, w_b) in itertools.pairwise(points):
                rise = (w_b - w_a) / (soc_b - soc_a) * 100 / battery.capacity_wh
                at_zero = w_a - rise * soc_a / 100 * battery.capacity_wh
                m.row(-INFINITE, at_zero / 1000, (flow, 1), (before, -rise))
        if battery.reserve_soc_percent:
            missing = m.column(battery.reserve_eur_per_kwh_h * h)
            m.row(battery.reserve_wh / 1000, INFINITE, (stored, 1), (missing, 1))
        if below:
            missing, back = m.column(0.05 * h), m.either()
            m.row(battery.min_wh / 1000, INFINITE, (stored, 1), (missing, 1))
            m.row(floor, INFINITE, (stored, 1), (back, floor - battery.min_wh / 1000))
            m.row(-INFINITE, 0, (discharge, 1), *([(was_back, -out_kw)] if t else []))
            if t:
                m.row(0, INFINITE, (back, 1), (was_back, -1))
            was_back = back
        if task.peak is not None:
            local = step.start.astimezone(task.peak.zone)
            month = (local.year, local.month if task.peak.period == "month" else 0)
            if month not in peaks:
                free = max(task.peak.usual_w, 0.0 if peaks else task.peak.reached_w) / 1000
                peaks[month] = m.column(task.peak.eur_per_kw, least=free)
                m.offset -= task.peak.eur_per_kw * free
                months.append(month)
            m.row(-INFINITE, 0, (buy, 1), (over, 1), (peaks[month], -1))
        if task.full_by is not None and t <= task.full_by:
            full.append((stored, m.either()))
        before = stored
    if full:
        missing, lift = m.column(2.0), battery.max_wh / 1000 - floor
        for stored, pick in full:
            m.row(floor, INFINITE, (stored, 1), (missing, 1), (pick, -lift))
        m.row(1, 1, *((pick, 1) for _, pick in full))
    m.cost[before] -= task.end_value
    return m


@pytest.fixture(scope="module")
def cases(whole_task):
    """Tasks of 24 to 192 steps, the long ones seldom; with what the exact model says."""
    sizes = (24, 24, 48, 24, 96, 48, 24, 192)
    tasks = [whole_task(seed, sizes[seed % 8]) for seed in SEEDS]
    return [(task, *exact_model(task).solve(20)) for task in tasks]


def test_the_program_is_as_good_as_the_exact_model_and_no_better(cases):
    for seed, (task, best, bound) in zip(SEEDS, cases, strict=True):
        ours = program.solve(task).objective_eur
        assert ours <= best + TENTH_OF_A_CENT, f"seed {seed}"
        assert ours >= bound - TENTH_OF_A_CENT, f"seed {seed}"


@pytest.mark.skipif(CBC is None, reason="neither the PATH nor this PuLP brings CBC")
def test_cbc_gives_the_same_money(cases):
    for seed, (task, best, bound) in zip(SEEDS, cases, strict=True):
        if len(task.steps) <= 48 or len(cases) > 100:
            theirs = program.solve(task, (CBC, "CBC")).objective_eur
            assert bound - TENTH_OF_A_CENT <= theirs <= best + TENTH_OF_A_CENT, f"seed {seed}"
