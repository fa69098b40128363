"""The same inputs give the same plan, bit for bit, in this process and in any other."""

import json
import os
import subprocess
import sys
from pathlib import Path

from optimizer.model import plan_json
from optimizer.planning import planner

FIXED = Path(__file__).with_name("fixed_plans.py")


def plans_with_hash_seed(seed):
    root = str(Path(planner.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, FIXED],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root},
        capture_output=True,
        check=True,
    )
    return run.stdout


def test_the_same_task_twice_gives_the_same_plan(random_task, plan_task):
    for seed in range(5000, 5010):
        task = random_task(seed, 24, tricky=seed % 2 == 1)
        assert plan_task(task) == plan_task(task)


def test_a_plan_in_between_changes_nothing(random_task, plan_task):
    task = random_task(5020, 48)
    first = plan_task(task)
    plan_task(random_task(5021, 96, tricky=True))
    assert plan_task(task) == first


def test_the_hash_seed_of_the_process_does_not_matter():
    texts = [plans_with_hash_seed(seed) for seed in ("0", "1", "12345")]
    assert texts[0] == texts[1] == texts[2]
    decoder, text, plans = json.JSONDecoder(), texts[0].decode().strip(), []
    while text:
        data, end = decoder.raw_decode(text)
        plans.append(plan_json.from_json(data))
        text = text[end:].lstrip()
    assert [len(plan.steps) for plan in plans] == [192, 48, 96, 96]
    assert all(len({step.intent for step in plan.steps}) > 1 for plan in plans)


def test_the_clock_only_shows_in_solve_s(random_task):
    task, ticks = random_task(5030, 24), iter([100.0, 100.25])
    request = planner.PlanRequest(
        task.steps[0].start, "home", task.battery, task.grid, 41.0, *task.end_values
    )
    timed = planner.make_plan(task.steps, request, lambda: next(ticks))
    still = planner.make_plan(task.steps, request, lambda: 0.0)
    assert (timed.solve_s, still.solve_s) == (0.25, 0.0)
    assert timed.steps == still.steps
