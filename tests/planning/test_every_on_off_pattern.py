"""Against brute force: every on/off pattern of a short task, each solved as a linear program.

The matrices are written here from the mathematics alone. In every step the model chooses between
charging and discharging and between buying and selling; where only the roof may charge and drawing
power is paid for, also between buying and charging. Without price curtailment a roof is throttled
only while the grid takes all that it may, or the inverter passes all that it can.
"""

import itertools

import highspy
import numpy as np
import pytest

from optimizer.planning import program
from optimizer.planning.program import is_convex

BUY, SELL, CHARGE, DISCHARGE, CURTAILED, STORED, OVERLOAD, SHORTFALL = range(8)
WIDTH = 8
OVERLOAD_EUR = 10.0
RECOVERY_EUR = 0.05
INFINITE = highspy.kHighsInf


def hours(step):
    return (step.end - step.start).total_seconds() / 3600


def device_w(battery):
    return min(battery.max_discharge_w, battery.max_ac_w if battery.hybrid else INFINITE)


def ceilings_wh(task):
    """Most stored energy after each step: above the band only as far as the house uses it up."""
    battery, soc_wh, result = task.battery, task.start_wh, []
    for step in task.steps:
        wanted_w = min(max(0.0, step.load_w - step.pv_w), device_w(battery))
        room_w = max(0.0, battery.max_wh - soc_wh) / battery.charge_efficiency / hours(step)
        rest_w = max(0.0, soc_wh - battery.min_wh) * battery.discharge_efficiency / hours(step)
        least_w = max(-battery.max_charge_w, -room_w - battery.standby_w)
        most_w = min(battery.max_discharge_w, rest_w - battery.standby_w)
        cells_w = min(max(wanted_w, least_w), most_w) + battery.standby_w
        loss = 1 / battery.discharge_efficiency if cells_w > 0 else battery.charge_efficiency
        soc_wh -= cells_w * loss * hours(step)
        result.append(max(battery.max_wh, soc_wh))
    return result


def bounds(task):
    """Upper bounds of all variables, row by row [kW, kWh]."""
    battery, grid, result = task.battery, task.grid, []
    for step, ceiling in zip(task.steps, ceilings_wh(task), strict=True):
        need = step.load_w - step.pv_w
        charge = discharge = INFINITE
        if grid.rule in ("pv_only", "green_export"):
            charge = max(0.0, -need)
        if grid.rule in ("pv_only", "grid_charge"):
            discharge = max(0.0, need)
        charge = max(min(battery.max_charge_w, charge), battery.standby_w) - battery.standby_w
        if ceiling > battery.max_wh + 0.001:
            charge = 0.0
        discharge = min(device_w(battery), discharge) + battery.standby_w
        passed = min(
            step.pv_w, battery.max_ac_w + battery.standby_w if battery.hybrid else INFINITE
        )
        over = max(0.0, step.load_w - passed + battery.standby_w - grid.max_buy_w)
        thrown = step.pv_w
        if not grid.price_curtailment:
            blocked = [0.0, -need - grid.max_sell_w]
            blocked += [step.pv_w - battery.standby_w - battery.max_ac_w] if battery.hybrid else []
            thrown = min(step.pv_w, max(blocked))
        row = [grid.max_buy_w, grid.max_sell_w, charge, discharge, thrown, ceiling, over]
        result += [watts / 1000 for watts in row] + [INFINITE]
    part = (task.battery.max_wh - task.battery.min_wh) / len(task.end_values) / 1000
    first = part + task.battery.min_wh / 1000
    return result + [first, *[part] * (len(task.end_values) - 2), INFINITE][-len(task.end_values) :]


def costs(task):
    result = []
    for step in task.steps:
        wear = task.battery.wear_eur_per_kwh / task.battery.discharge_efficiency
        row = [step.buy, -step.sell, 0, wear, 0, 0, step.buy + OVERLOAD_EUR, RECOVERY_EUR]
        result += [price * hours(step) for price in row]
    return result + [-marginal_value for marginal_value in task.end_values]


def rows(task):
    """(least, most, {column: factor}) of balance, store, inverter and band; what is left."""
    after = len(task.steps) * WIDTH
    parts = {after + place: -1 for place in range(len(task.end_values))}
    yield 0.0, 0.0, {after - WIDTH + STORED: 1} | parts
    battery, standby = task.battery, task.battery.standby_w / 1000
    for index, step in enumerate(task.steps):
        at = index * WIDTH
        need = (step.load_w - step.pv_w) / 1000 + standby
        yield need, need, {
            at + BUY: 1, at + OVERLOAD: 1, at + SELL: -1, at + CURTAILED: -1,
            at + CHARGE: -1, at + DISCHARGE: 1,
        }  # fmt: skip
        store = {
            at + STORED: 1,
            at + CHARGE: -battery.charge_efficiency * hours(step),
            at + DISCHARGE: hours(step) / battery.discharge_efficiency,
        }
        before = {at - WIDTH + STORED: -1} if index else {}
        given = 0.0 if index else task.start_wh / 1000
        yield given, given, store | before
        if battery.hybrid:
            rating, pv = battery.max_ac_w / 1000, step.pv_w / 1000 - standby
            ac = {at + DISCHARGE: 1, at + CHARGE: -1, at + CURTAILED: -1}
            yield -rating - pv, rating - pv, ac
        yield battery.min_wh / 1000, INFINITE, {at + STORED: 1, at + SHORTFALL: 1}


def model(task):
    """HiGHS with the whole matrix; patterns only change bounds."""
    highs = highspy.Highs()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
    highs.setOptionValue("dual_feasibility_tolerance", 1e-9)
    floor = min(task.battery.min_wh, task.start_wh) / 1000
    nothing, no_numbers = np.array([], dtype=np.int32), np.array([])
    for column, (cost, most) in enumerate(zip(costs(task), bounds(task), strict=True)):
        of_step = column < len(task.steps) * WIDTH
        least = floor if of_step and column % WIDTH == STORED else 0.0
        highs.addCol(cost, least, most, 0, nothing, no_numbers)
    for least, most, terms in rows(task):
        columns, factors = np.array(list(terms), dtype=np.int32), np.array([*terms.values()], float)
        highs.addRow(least, most, len(terms), columns, factors)
    return highs


def throttlings(task, most_kw):
    """Why a step may throttle its roof: at will, not at all, the grid or the inverter is full."""
    if task.grid.price_curtailment or not most_kw:
        return ["at will"]
    return ["not", "grid", "inverter"] if task.battery.hybrid else ["not", "grid"]


def patterns(task):
    """All combinations of (buys, charges, why it throttles), one per step."""
    most = bounds(task)
    tuples = (
        itertools.product(
            (False, True), (False, True), throttlings(task, most[index * WIDTH + CURTAILED])
        )
        for index in range(len(task.steps))
    )
    return itertools.product(
        *(
            [
                (buys, charges, why)
                for buys, charges, why in of_step
                if not (buys and charges and step.buy < 0 and not task.grid.rule.grid_charging)
                and not (buys and why == "grid")
            ]
            for step, of_step in zip(task.steps, tuples, strict=True)
        )
    )


def change_throttling(highs, task, index, why, most):
    """Set the bounds of what is throttled, of selling and of the inverter's AC power."""
    place, step = index * WIDTH, task.steps[index]
    highs.changeColBounds(place + CURTAILED, 0.0, 0.0 if why == "not" else most[place + CURTAILED])
    if why == "grid":
        highs.changeColBounds(place + SELL, most[place + SELL], most[place + SELL])
    if task.battery.hybrid:
        rating, still = task.battery.max_ac_w / 1000, (step.pv_w - task.battery.standby_w) / 1000
        least = (rating if why == "inverter" else -rating) - still
        highs.changeRowBounds(1 + 4 * index + 2, least, rating - still)


def returns(task):
    """The steps after which a battery may be back in its band; 0 is from the start."""
    return range(len(task.steps) + 1) if task.start_wh < task.battery.min_wh else (0,)


def least_objective(task):
    highs, most, best = model(task), bounds(task), INFINITE
    floor, band = (min(task.battery.min_wh, x) / 1000 for x in (task.start_wh, INFINITE))
    below = task.start_wh < task.battery.min_wh
    for pattern, back in itertools.product(patterns(task), returns(task)):
        for index, (buys, charges, why) in enumerate(pattern):
            place = index * WIDTH + STORED
            highs.changeColBounds(place, band if index >= back else floor, most[place])
            switches = {
                BUY: buys, OVERLOAD: buys, SELL: not buys, CHARGE: charges,
                DISCHARGE: not charges and (index > back or not below),
            }  # fmt: skip
            for column, on in switches.items():
                place = index * WIDTH + column
                highs.changeColBounds(place, 0.0, most[place] if on else 0.0)
            change_throttling(highs, task, index, why, most)
        highs.run()
        if highs.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            best = min(best, highs.getObjectiveValue())
    return best


@pytest.fixture(scope="module")
def tricky_tasks(random_task):
    """The first hundred random tasks of 3 or 4 steps that need binaries."""
    tasks = (random_task(seed, 3 + seed % 4 // 3, tricky=True) for seed in itertools.count(1000))
    return list(itertools.islice((task for task in tasks if not is_convex(task)), 100))


def test_the_program_finds_the_best_of_all_patterns(tricky_tasks):
    for index, task in enumerate(tricky_tasks):
        best = least_objective(task)
        assert program.solve(task).objective_eur == pytest.approx(best, rel=0, abs=1e-6), (
            f"task {index}: {task}"
        )


def test_the_hundred_tasks_hold_every_kind_of_trick(tricky_tasks):
    steps = [(task, step) for task in tricky_tasks for step in task.steps]
    roof_only = {"pv_only", "green_export"}
    seen = {
        "negative buying price": any(step.buy < 0 for _, step in steps),
        "selling pays more": any(step.sell > step.buy for _, step in steps),
        "paid for drawing, roof only": any(
            step.buy < 0 and step.pv_w > step.load_w and task.grid.rule in roof_only
            for task, step in steps
        ),
        "cap below the load": any(step.need_w > task.grid.max_buy_w for task, step in steps),
    }
    assert all(seen.values()), seen
    assert {task.grid.rule for task in tricky_tasks} == {*roof_only, "grid_charge", "mixed"}
    assert sum(program.solve(task).binaries for task in tricky_tasks) > 100


def test_short_tasks_without_binaries_need_none(random_task):
    """Choosing patterns freely in every step finds nothing better than the plain program."""
    for seed in range(2000, 2020):
        task = random_task(seed, 3)
        assert program.solve(task).binaries == 0
        assert program.solve(task).objective_eur == pytest.approx(
            least_objective(task), rel=0, abs=1e-6
        )
