"""Losses that grow with power: one physics, and plans that no exact model beats."""

from dataclasses import replace
from random import Random

import pytest

from optimizer.planning import program, water_value_exact
from optimizer.planning.program import is_convex
from tests.planning.test_exact_model import exact_model

pytestmark = pytest.mark.no_cover

TENTH_OF_A_CENT = 0.001
GENTLE = ((2_000, 0.97), (5_000, 0.955), (10_000, 0.93))


def random_curve(rng, most_w, *, out):
    """Points with falling marginal efficiencies, within and beyond the largest power."""
    count = rng.choice([1, 2, 3, 4])
    powers = sorted(rng.uniform(0.05, 1.3) * most_w for _ in range(count))
    shares = sorted((rng.uniform(0.75, 1.0) for _ in range(count)), reverse=True)
    points, cells_w, before_w = [], 0.0, 0.0
    for power_w, share in zip(powers, shares, strict=True):
        cells_w += (power_w - before_w) / share if out else (power_w - before_w) * share
        before_w = power_w
        points.append((power_w, power_w / cells_w if out else cells_w / power_w))
    return tuple(points)


@pytest.fixture(scope="module")
def curved(whole_task, random_task):
    """A random task with a curve in both directions, sometimes in one."""

    def make(seed, count, *, whole, tricky=False):
        rng = Random(31 * seed)  # noqa: S311
        task = whole_task(seed, count) if whole else random_task(seed, count, tricky=tricky)
        battery, way = task.battery, rng.choice(["both", "both", "in", "out"])
        curves = {}
        if way != "out":
            curves["charge_efficiency"] = random_curve(rng, battery.max_charge_w, out=False)
        if way != "in":
            curves["discharge_efficiency"] = random_curve(rng, battery.max_discharge_w, out=True)
        if not whole and rng.random() < 0.5:
            into, out = battery.max_charge_w, battery.max_discharge_w
            curves["charge_taper"] = ((80.0, into), (95.0, 0.6 * into), (100.0, 0.05 * into))
            curves["discharge_taper"] = ((0.0, 0.05 * out), (8.0, 0.6 * out), (20.0, out))
        return replace(task, battery=replace(battery, **curves))

    return make


@pytest.mark.parametrize("seed", range(90_000, 90_012))
def test_the_program_is_as_good_as_the_exact_model_and_no_better(curved, seed):
    """Negative prices, hybrids, tapers, peaks; there each piece of a curve has a binary."""
    task = curved(seed, 24, whole=True)
    best, bound = exact_model(task).solve(20)
    ours = program.solve(task).objective_eur
    assert bound - TENTH_OF_A_CENT <= ours <= best + TENTH_OF_A_CENT


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_program_and_recursion_agree_on_the_money(curved, first):
    compared = 0
    for seed in range(91_000 + first, 91_010 + first):
        task = curved(seed, 48, whole=False)
        if not is_convex(task):
            continue
        compared += 1
        solution, values = program.solve(task), water_value_exact.water_values(task)
        assert solution.binaries == 0
        assert values.objective_eur == pytest.approx(solution.objective_eur, rel=0, abs=1e-6), (
            f"seed {seed}"
        )
    assert compared


def test_every_plan_is_what_the_battery_does(curved, plan_task):
    """`make_plan` verifies powers, bounds and money by the battery's physics."""
    tricky = 0
    for seed in range(92_000, 92_040):
        task = replace(curved(seed, 24, whole=False, tricky=bool(seed % 2)), calm_eur=0.005)
        plan, soc_wh = plan_task(task), task.start_wh
        for step in plan.steps:
            soc_wh = task.battery.stored_after(soc_wh, step.battery_w, step.hours)
            assert step.soc_wh == pytest.approx(soc_wh, rel=0, abs=1.0), f"seed {seed}"
            soc_wh = step.soc_wh
        tricky += not is_convex(task)
    assert tricky > 5
