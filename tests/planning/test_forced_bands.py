"""A band of battery power forced onto one step: what "why not?" asks the program."""

from dataclasses import replace

import pytest

from optimizer.errors import InfeasibleError
from optimizer.planning import program, water_value_exact
from optimizer.planning.program import is_convex

ROWS = [(0.20, 0.08, 500.0, 0.0), (0.30, 0.08, 500.0, 3_000.0), (0.40, 0.08, 2_000.0, 0.0)]


def powers(task):
    result, before_wh = [], task.start_wh
    for step, after_wh in zip(task.steps, program.solve(task).stored_wh, strict=True):
        result.append(task.battery.power_for(before_wh, after_wh, step.hours))
        before_wh = after_wh
    return result


def test_without_a_forced_band_nothing_changes(task_of):
    task = task_of(ROWS, rule="mixed")
    low, high = task.battery_range(task.steps[1])
    assert powers(replace(task, forced=((1, low, high),))) == powers(task)


@pytest.mark.parametrize("band", [(-1_000, -1_000), (700, 700), (0, 0), (-200, 300)])
def test_the_program_keeps_to_the_band(task_of, band):
    task = replace(task_of(ROWS, rule="mixed", standby_w=30.0), forced=((1, *band),))
    assert band[0] - 0.01 <= powers(task)[1] <= band[1] + 0.01


def test_outside_the_rule_the_nearest_power_is_forced(task_of):
    task = replace(task_of(ROWS, rule="pv_only"), forced=((0, -5_000.0, -5_000.0),))
    assert task.battery_range(task.steps[0]) == (0.0, 0.0)
    assert powers(task)[0] == 0.0
    task = replace(task, forced=((0, 5_000.0, 9_000.0),))
    assert powers(task)[0] == 500.0


def test_a_forced_loss_costs_what_it_costs(task_of):
    """1 kWh bought at 30 ct in the dear hour instead of at 20 ct in the cheap one."""
    task = task_of([(0.2, 0.0, 0.0, 0.0), (0.3, 0.0, 0.0, 0.0), (0.5, 0.0, 1_000.0, 0.0)],
                   soc_percent=0)  # fmt: skip
    free = program.solve(task).objective_eur
    late = program.solve(replace(task, forced=((0, 0.0, 0.0), (1, -1_000.0, -1_000.0))))
    assert late.objective_eur - free == pytest.approx(0.1, abs=1e-6)


def test_what_the_battery_cannot_give_has_no_plan(task_of):
    empty = replace(task_of(ROWS, soc_percent=0), forced=((0, 500.0, 500.0),))
    full = replace(task_of(ROWS, soc_percent=100), forced=((0, -1_000.0, -1_000.0),))
    for task in (empty, full):
        with pytest.raises(InfeasibleError, match="proved no optimum for 3 steps"):
            program.solve(task)
        with pytest.raises(InfeasibleError, match="cannot do what is forced at 2026-03-28 13:00"):
            _ = water_value_exact.water_values(task).battery_w


def test_program_and_recursion_agree_under_force(random_task):
    """Also on whether there is a plan at all."""
    solved = refused = 0
    for seed in range(8000, 8030):
        task = random_task(seed, 24)
        if not is_convex(task):
            continue
        low, high = task.battery_range(task.steps[9])
        for band in ((low, low), (high, high), (low / 2, low / 2), (high / 2, high)):
            forced = replace(task, forced=((9, *band),))
            try:
                solution = program.solve(forced)
            except InfeasibleError:
                refused += 1
                with pytest.raises(InfeasibleError):
                    _ = water_value_exact.water_values(forced).battery_w
                continue
            solved += 1
            assert water_value_exact.water_values(forced).objective_eur == pytest.approx(
                solution.objective_eur, rel=0, abs=1e-6
            ), f"seed {seed}, band {band}"
    assert solved > 40
    assert refused >= 1


def test_no_energy_is_burnt_to_make_room_for_what_is_forced(task_of):
    """A full battery that may not feed in has no room for an hour of forced charging."""
    rows = [(0.30, 0.0, 0.0, 0.0), (0.30, 0.0, 0.0, 0.0)]
    task = replace(task_of(rows, soc_percent=100, charge_efficiency=0.9),
                   forced=((1, -1_000.0, -1_000.0),))  # fmt: skip
    with pytest.raises(InfeasibleError):
        program.solve(task)
