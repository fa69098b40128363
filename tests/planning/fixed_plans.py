"""Prints three fixed plans: the same bytes from any process, Python and PuLP.

Only the line `"solver"` may differ, it names a version. Two environments are compared with

    for python in .venv .venv-ci313; do
        PYTHONPATH=. $python/bin/python tests/planning/fixed_plans.py > $python.plans
    done
    diff -I '^ "solver": ' .venv.plans .venv-ci313.plans
"""

import sys
from datetime import UTC, datetime, timedelta
from random import Random

from optimizer.model import plan_json
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.pv_days import seen
from optimizer.planning import planner
from optimizer.planning.task import ForecastStep

AT = datetime(2026, 3, 28, 13, tzinfo=UTC)
"""The clocks change in the night after."""


def steps(
    seed: int, count: int, minutes: int, buys: list[float], begin: datetime = AT
) -> tuple[ForecastStep, ...]:
    """A forecast with many equal prices, so with many plans of the same cost; odd powers."""
    rng, length = Random(seed), timedelta(minutes=minutes)  # noqa: S311
    made = []
    for at in range(count):
        start = begin + at * length
        prices = rng.choice(buys), rng.choice([0.0, 0.08])
        load_w = round(rng.uniform(0, 3_000), 2)
        dc_pv_w = rng.choice([0.0, round(rng.uniform(0, 6_000), 2)])
        made.append(ForecastStep(start, start + length, *prices, load_w, dc_pv_w))
    return tuple(made)


CASES = {
    "a hybrid, two days of quarter-hours, hourly ties": (
        steps(7, 192, 15, [0.2, 0.2, 0.3, 0.35]),
        planner.PlanRequest(AT, "home", Battery(11_000, standby_w=30, hybrid=True), Grid(), 41.0),
    ),
    "paid power, selling allowed, wear": (
        steps(8, 48, 60, [-0.1, 0.0, 0.2, 0.3]),
        planner.PlanRequest(
            AT, "home", Battery(22_000, wear_eur_per_kwh=0.01), Grid(9_000, 4_000, Rule.MIXED), 80.0
        ),
    ),
    "a dull day, and what is left is worth what the day after makes of it": (
        steps(10, 96, 15, [0.2, 0.25, 0.3]),
        planner.PlanRequest(
            AT,
            "home",
            Battery(10_000),
            Grid(),
            60.0,
            beyond=steps(11, 96, 15, [0.2, 0.3, 0.4], AT + timedelta(days=1)),
            pv_days=seen("Europe/Berlin", 2_000, 1_300),
        ),
    ),
    "zero export, a start below the reserve": (
        steps(9, 96, 30, [0.2, 0.25, 0.3]),
        planner.PlanRequest(
            AT, "home", Battery(5_000, min_soc_percent=20, max_charge_w=2_000), Grid(6_000, 0), 8.0
        ),
    ),
}


def main() -> None:
    """Print the plans, one after the other."""
    for forecast, request in CASES.values():
        plan = planner.make_plan(forecast, request, lambda: 0.0)
        sys.stdout.write(plan_json.to_text(plan) + "\n")


if __name__ == "__main__":
    main()
