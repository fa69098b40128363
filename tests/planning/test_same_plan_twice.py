"""The same inputs give the same plan, bit for bit, in this process and in any other."""

import json
import os
import subprocess
import sys
from pathlib import Path

from optimizer.model import plan_json
from optimizer.planning import planner

SCRIPT = """
import json
from datetime import UTC, datetime, timedelta
from random import Random
from optimizer.model import plan_json
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.planning import planner
from optimizer.planning.task import ForecastStep

rng, at, quarter = Random(7), datetime(2026, 3, 28, 13, tzinfo=UTC), timedelta(minutes=15)
steps = tuple(
    ForecastStep(
        at + index * quarter, at + (index + 1) * quarter, rng.choice([-0.1, 0.2, 0.2, 0.3]),
        rng.choice([0.0, 0.08]), rng.choice([200.0, 900.0]), rng.choice([0.0, 0.0, 4000.0]),
    )
    for index in range(48)
)
battery = Battery(11_000, standby_w=30, hybrid=True, wear_eur_per_kwh=0.01)
request = planner.Request(at, "home", battery, Grid(9_000, 4_000, Rule.MIXED), 41.0)
print(json.dumps(plan_json.to_json(planner.make_plan(steps, request, lambda: 0.0))))
"""


def plan_with_hash_seed(seed):
    root = str(Path(planner.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root},
        capture_output=True,
        text=True,
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
    text = plan_with_hash_seed("1")
    assert plan_with_hash_seed("2") == text
    plan = plan_json.from_json(json.loads(text))
    assert len(plan.steps) == 48
    assert len({step.intent for step in plan.steps}) > 1


def test_the_clock_only_shows_in_solve_s(random_task):
    task, ticks = random_task(5030, 24), iter([100.0, 100.25])
    request = planner.Request(
        task.steps[0].start, "home", task.battery, task.grid, 41.0, task.end_value
    )
    timed = planner.make_plan(task.steps, request, lambda: next(ticks))
    still = planner.make_plan(task.steps, request, lambda: 0.0)
    assert (timed.solve_s, still.solve_s) == (0.25, 0.0)
    assert timed.steps == still.steps
