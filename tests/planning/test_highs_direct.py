"""The program handed to HiGHS as arrays is the program: the same money, task by task.

`CASES=500 pytest tests/planning/test_highs_direct.py` compares 500 tasks; by default fewer.
"""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from optimizer.errors import InfeasibleError
from optimizer.planning import highs_direct, program

pytestmark = pytest.mark.no_cover

CASES = int(os.environ.get("CASES", "40"))


@pytest.mark.parametrize("seed", range(50_000, 50_000 + CASES))
def test_both_ways_cost_the_same(random_task, seed):
    task = random_task(seed, 24 + 24 * (seed % 4), tricky=seed % 3 == 0)
    by_pulp, straight = program.solve(task), program.solve(task, highs_direct.engine())
    assert straight.objective_eur == pytest.approx(by_pulp.objective_eur, rel=0, abs=1e-6)
    assert straight.binaries == by_pulp.binaries
    assert len(straight.stored_wh) == len(task.steps)


@pytest.mark.parametrize("seed", range(50_000, 50_000 + CASES // 2))
def test_so_they_do_with_all_that_a_house_may_have(whole_task, seed):
    """Tapers, a reserve, peaks, dimming, a full charge that is due."""
    task = whole_task(seed, 48)
    by_pulp, straight = program.solve(task), program.solve(task, highs_direct.engine())
    assert straight.objective_eur == pytest.approx(by_pulp.objective_eur, rel=0, abs=1e-6)
    assert straight.gap_eur == pytest.approx(by_pulp.gap_eur, abs=1e-6)


def test_whole_plans_pass_their_own_check_and_cost_the_same(random_task, plan_task):
    for seed in range(51_000, 51_008):
        task = random_task(seed, 48)
        by_pulp, straight = plan_task(task), plan_task(task, engine=highs_direct.engine())
        assert straight.solver == by_pulp.solver
        assert straight.saving_eur == pytest.approx(by_pulp.saving_eur, rel=0, abs=1e-5)


def test_a_plan_in_between_changes_nothing(random_task):
    task, engine = random_task(51_100, 48), highs_direct.engine()
    first = program.solve(task, engine)
    program.solve(random_task(51_101, 48, tricky=True), engine)
    assert program.solve(task, engine) == first


def test_what_has_no_plan_is_refused(task_of):
    """Full power out of an empty battery, forced."""
    task = task_of([(0.3, 0.08, 5_000.0, 0.0)] * 3, soc_percent=0)
    forced = replace(task, forced=((0, 5_000.0, 5_000.0),))
    with pytest.raises(InfeasibleError, match=r"HiGHS .* proved no optimum for 3 steps"):
        program.solve(forced, highs_direct.engine())


FOREIGN = """
import highspy
other = highspy.Highs()
other.setOptionValue("output_flag", False)
other.setOptionValue("threads", 2)
rows = [other.addIntegral(lb=0, ub=10) for _ in range(30)]
other.addConstr(sum(rows) >= 55)
other.minimize(sum((at % 7 + 1) * row for at, row in enumerate(rows)))
import optimizer
plan = optimizer.sample_site("winter").plan("2026-01-14T00:00:00+01:00")
print(other.getModelStatus().name, plan.status)
"""


def test_somebody_elses_threads_in_the_process_refuse_no_plan():
    """As in a notebook that solves with HiGHS before it plans."""
    done = subprocess.run(
        [sys.executable, "-c", FOREIGN], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "kOptimal optimal"
