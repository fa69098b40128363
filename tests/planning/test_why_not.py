"""What "why not?" says another decision costs, against brute force and against its own parts."""

import functools
import itertools
from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest

from optimizer.model.grid import OperatorLimit
from optimizer.model.tariff import Peak
from optimizer.planning import program, why_not
from tests.planning.scalar_step import step_cost

UNIT = 500
"""Everything in the small tasks is a multiple of this [W, Wh], so the best plans are, too."""
CAPACITY, POWER, BUY_LIMIT, SELL_LIMIT = 4_000, 2_000, 4_000, 3_000
DECISIONS = ["charge", "hold", "discharge", "self_consumption"]


def lattice_task(task_of, seed):
    """A task of four hours without losses, everything in multiples of 500; and its rule."""
    rng = Random(seed)  # noqa: S311
    rule = rng.choice(["mixed", "grid_charge", "green_export", "pv_only"])
    rows = []
    for _ in range(4):
        buy = rng.choice([0.1, 0.2, 0.3, 0.5])
        sell = min(buy, rng.choice([-0.1, 0.0, 0.08, 0.2]))
        rows.append((buy, sell, UNIT * rng.randint(0, 5), UNIT * rng.choice([0, 0, 2, 5, 9])))
    soc_percent = 100 * UNIT * rng.randint(0, 8) / CAPACITY
    return task_of(
        rows, soc_percent=soc_percent, end_value=rng.choice([0.05, 0.15, 0.25]), rule=rule,
        capacity_wh=CAPACITY, max_charge_w=POWER, max_discharge_w=POWER, max_buy_w=BUY_LIMIT,
        max_sell_w=SELL_LIMIT, price_curtailment=rng.random() < 0.5,
    ), rule  # fmt: skip


def cheapest_step(step, rule, battery_w, price_curtailment):
    """Least bill of an hour at a battery power, over all throttlings; None if not allowed."""
    need = step.load_w - step.pv_w
    if battery_w < min(0, need) and rule in ("pv_only", "green_export"):
        return None
    if battery_w > max(0, need) and rule in ("pv_only", "grid_charge"):
        return None
    bills = []
    least = int(max(0, battery_w - need - SELL_LIMIT))
    if not price_curtailment and least > max(0, -need - SELL_LIMIT):
        return None  # the battery does not discharge in place of the roof
    most = int(step.pv_w) if price_curtailment else least
    for curtailed in range(least, most + 1, UNIT):
        grid = need + curtailed - battery_w
        washed = battery_w < 0 and grid > 0 and rule in ("pv_only", "green_export")
        if -SELL_LIMIT <= grid <= BUY_LIMIT and not washed:
            bills.append(grid / 1000 * (step.buy if grid > 0 else step.sell))
    return min(bills, default=None)


def brute_force(task, rule, start_wh, at, forced_w=None):
    """Least objective from step `at` on, by trying every path of stored energy."""

    @functools.cache
    def best(index, stored):
        if index == len(task.steps):
            return -task.end_eur(stored)
        tries = []
        for after in range(0, CAPACITY + 1, UNIT):
            battery_w = stored - after
            if abs(battery_w) > POWER or (
                index == at and forced_w is not None and battery_w != forced_w
            ):
                continue
            bill = cheapest_step(task.steps[index], rule, battery_w, task.grid.price_curtailment)
            if bill is not None:
                tries.append(bill + best(index + 1, after))
        return min(tries, default=float("inf"))

    return best(at, start_wh)


@pytest.mark.parametrize("seed", range(16))
def test_every_difference_is_that_of_all_paths_tried(task_of, plan_task, seed):
    task, rule = lattice_task(task_of, seed)
    plan = plan_task(task)
    for at in range(len(task.steps)):
        start_wh = round(plan.steps[at - 1].soc_wh if at else task.start_wh)
        if start_wh % UNIT:
            continue  # a tie was settled between two corners
        free = brute_force(task, rule, start_wh, at)
        said = {item.decision: item for item in why_not.alternatives(task, plan, at)}
        assert list(said) == DECISIONS
        for item in said.values():
            if item.battery_w is not None:
                forced = brute_force(task, rule, start_wh, at, round(item.battery_w))
                assert item.difference_eur == pytest.approx(forced - free, rel=0, abs=1e-6)
        reachable = [
            w for w in range(-POWER, POWER + 1, UNIT)
            if brute_force(task, rule, start_wh, at, w) < float("inf")
        ]  # fmt: skip
        lowest, highest = min(reachable), max(reachable)
        assert said["charge"].battery_w == (lowest if lowest < 0 else None)
        assert said["discharge"].battery_w == (highest if highest > 0 else None)


def test_differences_are_those_of_the_step_and_of_what_comes_after(random_task, plan_task):
    """Any house, with losses: the forced step's own cost and the best rest after it."""
    asked = 0
    for seed in range(7000, 7008):
        task = random_task(seed, 10, tricky=seed % 2 == 1)
        if task.start_wh < task.battery.min_wh or task.start_wh > task.battery.max_wh:
            task = replace(task, start_wh=(task.battery.min_wh + task.battery.max_wh) / 2)
        plan, at = plan_task(task), seed % 5
        rest = why_not.task_from(task, plan, at)
        free = program.solve(rest).objective_eur
        for item in why_not.alternatives(task, plan, at):
            if item.battery_w is None:
                continue
            after_wh = task.battery.stored_after(rest.start_wh, item.battery_w, rest.steps[0].hours)
            band = (task.battery.min_wh, task.battery.max_wh)
            later = replace(
                rest, steps=rest.steps[1:], start_wh=min(max(after_wh, band[0]), band[1])
            )
            cost = step_cost(rest, rest.steps[0], item.battery_w)
            forced = cost + program.solve(later).objective_eur
            assert item.difference_eur == pytest.approx(forced - free, rel=0, abs=2e-5), seed
            assert item.difference_eur >= -1e-6
            asked += not item.planned
    assert asked > 12


def test_no_decision_is_better_than_the_plan(random_task, plan_task):
    """Starts outside the band, paid power, selling above buying, fuses below the load."""
    for seed in range(7100, 7120):
        task = random_task(seed, 8, tricky=seed % 2 == 1)
        plan = plan_task(task)
        for at in (0, 3):
            said = why_not.alternatives(task, plan, at)
            assert all(item.difference_eur is None or item.difference_eur >= -1e-6 for item in said)
            assert [item.decision for item in said] == DECISIONS
            assert {item.decision for item in said if item.battery_w is not None} >= {
                "hold", "self_consumption",
            }  # fmt: skip


def test_a_plans_rest_costs_what_the_plan_says(random_task, plan_task):
    """Asking from a step on is asking about the same plan."""
    for seed in range(7200, 7206):
        task = random_task(seed, 24)
        plan = plan_task(task)
        for at in (0, 7, 15):
            rest = plan.steps[at:]
            wear = task.battery.wear_eur_per_kwh / task.battery.discharge_efficiency
            out = [max(0.0, s.battery_w + task.battery.standby_w) * s.hours / 1000 for s in rest]
            over = [max(0.0, s.grid_w - task.grid.max_buy_w) * s.hours / 100 for s in rest]
            said = sum(s.cost_eur for s in rest) + wear * sum(out) + sum(over)
            said -= task.end_eur(plan.steps[-1].soc_wh)
            if task.start_wh >= task.battery.min_wh:
                again = program.solve(why_not.task_from(task, plan, at)).objective_eur
                assert again == pytest.approx(said, rel=0, abs=2e-4)


NIGHT = (0.30, 0.08, 500.0, 0.0)
NOON = (0.30, 0.08, 500.0, 3_000.0)

LIMITS = {
    "full": (NIGHT, {"soc_percent": 100}, "charge", None, "the battery is full"),
    "empty": (NIGHT, {"soc_percent": 0}, "discharge", None, "the battery is empty"),
    "rule, charging": (
        NIGHT, {"rule": "pv_only"}, "charge", None,
        "the rule 'pv_only' forbids charging from the grid",
    ),
    "rule, charging the surplus": (
        NOON, {"rule": "pv_only"}, "charge", -2_500,
        "the rule 'pv_only' forbids charging from the grid",
    ),
    "rule, selling": (
        NOON, {"rule": "grid_charge"}, "discharge", None,
        "the rule 'grid_charge' forbids selling from the battery",
    ),
    "rule, self-consumption": (
        NIGHT, {"rule": "grid_charge"}, "discharge", 500,
        "the rule 'grid_charge' forbids selling from the battery",
    ),
    "device, charging": (
        NIGHT, {"max_charge_w": 1_000}, "charge", -1_000, "its largest charging power",
    ),
    "device, selling": (
        NIGHT, {"rule": "mixed", "max_discharge_w": 2_000}, "discharge", 2_000,
        "its largest discharging power",
    ),
    "fuse": (
        NIGHT, {"max_buy_w": 2_000}, "charge", -1_500,
        "the grid connection gives no more (max_buy_w)",
    ),
    "export": (
        NIGHT, {"rule": "mixed", "max_sell_w": 1_000}, "discharge", 1_500,
        "the grid connection takes no more (max_sell_w)",
    ),
    "inverter, selling": (
        NOON, {"rule": "mixed", "hybrid": True, "max_ac_w": 4_000}, "discharge", 1_000,
        "the inverter gives no more",
    ),
    "inverter, charging": (
        NIGHT, {"hybrid": True, "max_ac_w": 3_000}, "charge", -3_000,
        "the inverter takes no more",
    ),
    "full within the step": (
        NIGHT, {"soc_percent": 95}, "charge", -500, "the battery is full",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_what_limits_a_decision_is_named(task_of, plan_task, name):
    row, options, decision, battery_w, note = LIMITS[name]
    task = task_of([row, NIGHT], end_value=0.2, **options)
    said = {item.decision: item for item in why_not.alternatives(task, plan_task(task), 0)}
    found = said[decision]
    assert (found.battery_w, found.note) == (battery_w, note)
    assert (found.difference_eur is None) == (battery_w is None)


def test_the_plans_own_decision_is_marked(plan_task, task_of):
    rows = [(0.10, 0.08, 500, 0), (0.50, 0.08, 12_000, 0)]
    task = task_of(rows, soc_percent=0, max_charge_w=3_000)
    plan = plan_task(task)
    marks = [[item.planned for item in why_not.alternatives(task, plan, at)] for at in (0, 1)]
    assert marks == [[True, False, False, False], [False, False, True, True]]
    hold = why_not.alternatives(task, plan, 0)[1]
    assert hold.difference_eur == pytest.approx(3 * 0.4, abs=1e-6)


def test_a_start_at_a_rounded_edge_is_the_edge(plan_task, task_of):
    task = task_of([NIGHT] * 3, soc_percent=30, min_soc_percent=20.1, capacity_wh=3_333.33)
    plan = plan_task(task)
    assert plan.steps[0].soc_wh != task.battery.min_wh
    assert why_not.task_from(task, plan, 1).start_wh == task.battery.min_wh


def test_standing_still_means_the_cells(plan_task, task_of):
    task = task_of([NIGHT, NIGHT], standby_w=60.0)
    said = {item.decision: item for item in why_not.alternatives(task, plan_task(task), 0)}
    assert said["hold"].battery_w == -60.0
    assert said["hold"].difference_eur > 0


def test_decisions_name_powers_in_the_order_charge_hold_discharge(random_task, plan_task):
    for seed in range(7300, 7310):
        task = random_task(seed, 4)
        said = why_not.alternatives(task, plan_task(task), 1)
        powers = [item.battery_w for item in said[:3] if item.battery_w is not None]
        assert all(low <= high + 0.02 for low, high in itertools.pairwise(powers))


def limited(task_of, rows, *, task=None, battery=None, grid=None, **options):
    """A task with what no row tells: peaks, tapers, dimming, a full charge."""
    made = task_of(rows, **options)
    return replace(
        made, battery=replace(made.battery, **(battery or {})),
        grid=replace(made.grid, **(grid or {})), **(task or {}),
    )  # fmt: skip


def asked(task, at=0):
    """The alternatives to a plan of a task that is more than a request says."""
    solution = program.solve(task)
    planned = replace(task, decided=solution.decided)
    steps, before_wh = [], task.start_wh
    for step, after_wh in zip(task.steps, solution.stored_wh, strict=True):
        battery_w = task.battery.power_for(before_wh, after_wh, step.hours)
        steps.append(SimpleNamespace(
            battery_w=battery_w, soc_wh=after_wh, grid_w=step.need_w - battery_w
        ))  # fmt: skip
        before_wh = after_wh
    plan = SimpleNamespace(steps=steps)
    return plan, {item.decision: item for item in why_not.alternatives(planned, plan, at)}


CHEAP, DEAR = (0.10, 0.08, 500.0, 0.0), (0.50, 0.08, 3_000.0, 0.0)


def test_a_peak_counts_and_what_was_drawn_before_is_free(task_of):
    """3 kW are drawn in the first hour anyway, so 3 kW are free in the second; 5 kW are not."""
    rows = [(0.10, 0.08, 3_000.0, 0.0), (0.11, 0.08, 500.0, 0.0), DEAR]
    peak = Peak(10.0)
    task = limited(task_of, rows, soc_percent=0, max_charge_w=4_500, task={"peak": peak})
    plan, said = asked(task, 1)
    assert why_not.task_from(task, plan, 1).peak.reached_w == pytest.approx(3_000, abs=0.1)
    assert plan.steps[1].battery_w == pytest.approx(-2_500, abs=0.1)
    # 2 kWh more are bought at 11 ct and left over, the peak is 2 kW higher, 0.5 kWh save 50 ct
    assert said["charge"].battery_w == pytest.approx(-4_500)
    assert said["charge"].difference_eur == pytest.approx(
        2 * 10.0 + 2 * 0.11 - 0.5 * 0.50, abs=1e-5
    )
    again = limited(task_of, rows, task={"peak": replace(peak, reached_w=4_000.0)})
    assert why_not.task_from(again, plan, 1).peak.reached_w == 4_000.0


def test_a_full_charge_that_was_had_is_not_asked_for_again(task_of):
    rows = [CHEAP, DEAR, CHEAP, CHEAP]
    task = limited(task_of, rows, soc_percent=50, task={"full_by": 2})
    plan, _ = asked(task)
    full = next(t for t, step in enumerate(plan.steps) if step.soc_wh > 9_990)
    assert why_not.task_from(task, plan, full).full_by == 2 - full
    assert why_not.task_from(task, plan, full + 1).full_by is None
    assert why_not.task_from(task, plan, 3).full_by is None
    assert why_not.task_from(replace(task, full_by=None), plan, 1).full_by is None


def test_a_missed_full_charge_costs_what_it_is_worth(task_of):
    """Held in the only hour that could fill it, the battery lacks 2 kWh at 2 EUR each."""
    task = limited(task_of, [CHEAP, DEAR], soc_percent=80, task={"full_by": 0})
    _, said = asked(task)
    assert said["charge"].planned
    assert said["hold"].difference_eur == pytest.approx(2 * 2.0 - 2 * 0.10, abs=1e-3)


def test_tapers_and_dimming_are_named(task_of):
    taper = {
        "charge_taper": ((80, 5_000), (100, 2_000)),
        "discharge_taper": ((0, 100), (90, 400), (100, 400)),
    }
    task = limited(task_of, [CHEAP, DEAR], soc_percent=90, battery=taper)
    _, said = asked(task)
    assert (said["discharge"].battery_w, said["discharge"].note) == (
        400, "the battery gives no more at this state of charge",
    )  # fmt: skip
    task = limited(task_of, [CHEAP, DEAR], soc_percent=85, capacity_wh=40_000, battery=taper)
    _, said = asked(task)
    assert (said["charge"].battery_w, said["charge"].note) == (
        -4_250, "the battery takes no more at this state of charge",
    )  # fmt: skip
    first = task_of([CHEAP]).steps[0]
    operator_limits = {"operator_limits": (OperatorLimit(first.start, first.end, 2_000.0),)}
    for hybrid in (False, True):
        task = limited(
            task_of, [CHEAP, DEAR], grid=operator_limits, battery={"hybrid": hybrid}, soc_percent=0
        )
        _, said = asked(task)
        assert (said["charge"].battery_w, said["charge"].note) == (
            -2_000, "the grid operator limits the storage unit",
        )  # fmt: skip
