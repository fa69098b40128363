"""How long plans take, as ratios within one run; by hand, not in CI.

    python tests/bench/plan.py [--quick]

The measure is the program's bare matrix: exactly the arrays that `highs_direct.py` hands
to HiGHS, all stages, recorded before, replayed into a new HiGHS; "cold" means that the second stage
does not start from the first one's basis, as PuLP does it; "one LP" is the first stage alone.
Targets:

- a whole nightly plan (`make_plan`: two days of quarter-hours, a third day for the end value): at
  most 15 times one LP;
- build and solve of one plan of 192 quarter-hours in PuLP: at most 4 times the bare matrix;
- 365 plans of 36 h through `highs_direct.py`, one process: at most 2 times;
- the value table of one plan: at most 2 times the PuLP plan;
- tables of 8760 plans of 36 h, each for three kinds of roof days, on one core: at most 50 s, so
  that a back-tested year of hourly plans stays below a minute.

Medians of 20 of the processor's time, the cases measured in turns.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.load_spread import generic
from optimizer.model.pv_days import PvDays
from optimizer.planning import highs_direct, planner, program, water_value, water_value_exact
from optimizer.planning.arrays import Forecasts, day_states
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.task import ForecastStep, Task

QUARTER = timedelta(minutes=15)
ROUNDS = 20


def task_of(day: int, steps: int) -> Task:
    """A house in spring: prices with two peaks a day, a restless load, sun or clouds."""
    rng, start = Random(day), datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=day)  # noqa: S311
    sun, rows = rng.uniform(500, 6_000), []
    for index in range(steps):
        at = start + index * QUARTER
        hour = at.hour + at.minute / 60
        buy = 0.28 + 0.07 * math.sin((hour - 3) / 6 * math.pi) + rng.gauss(0, 0.01)
        pv = sun * max(0.0, math.sin((hour - 6) / 12 * math.pi)) * rng.uniform(0.6, 1)
        load = 300 + rng.expovariate(1 / 400)
        rows.append(ForecastStep(at, at + QUARTER, round(buy, 4), 0.08, round(load), round(pv)))
    battery = Battery(11_000, hybrid=True, max_charge_w=5_000, max_discharge_w=5_000)
    return Task(tuple(rows), battery, Grid(), rng.uniform(1_000, 10_000),
                (auto_end_value(rows, battery),), calm_eur=0.005)  # fmt: skip


CURVE = ((1_000.0, 0.975), (2_000.0, 0.965), (3_500.0, 0.95), (5_000.0, 0.935))
"""Losses of 1.5 % + 5 % x power / largest power."""


class Recorded(highs_direct.Direct):
    """Notes what HiGHS is asked, to ask it again without anything else."""

    def __init__(self, tape: list) -> None:
        super().__init__()
        self.model = _Recorder(self.model, tape)


class _Recorder:
    def __init__(self, model: object, tape: list) -> None:
        self._model, self._tape = model, tape

    def __getattr__(self, name: str) -> Callable:
        method = getattr(self._model, name)

        def call(*arguments: object) -> object:
            if name in ("addVars", "addRows", "changeColsCost", "changeColsIntegrality", "run"):
                self._tape.append((name, arguments))
            return method(*arguments)

        return call


def tape_of(task: Task) -> list:
    """All that HiGHS is asked for a task."""
    tape: list = []

    class Engine(highs_direct.Engine):
        def new_problem(self) -> Recorded:
            return Recorded(tape)

    program.solve(task, (Engine(), "bare"))
    return tape


def replay(tape: list, *, cold: bool = False) -> None:
    """The bare matrix: the same questions to a new HiGHS."""
    model = highs_direct.new_highs()
    for name, arguments in tape:
        if name == "run" and cold:
            model.clearSolver()
        getattr(model, name)(*arguments)
        if name == "run":
            np.asarray(model.getSolution().col_value)


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def medians(cases: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median time of each case [s], measured in turns after one round to warm up."""
    rounds = [{name: seconds(work) for name, work in cases.items()} for _ in range(ROUNDS + 1)]
    return {name: statistics.median(r[name] for r in rounds[1:]) for name in cases}


def nightly(**fields: object) -> Callable[[], object]:
    """A whole nightly plan: its program, values, reasons and checks; `fields` of the battery."""
    task, every = task_of(0, 192), task_of(0, 288).steps
    soc_percent = 100 * task.start_wh / task.battery.capacity_wh
    request = planner.PlanRequest(
        every[0].start, "home", replace(task.battery, **fields), task.grid, soc_percent,
        beyond=every[192:], pv_days=PvDays("Europe/Berlin"),
    )  # fmt: skip
    return lambda: planner.make_plan(every[:192], request, lambda: 0.0)


def one_plan() -> None:
    task = task_of(0, 192)
    tape, spread, kinds = tape_of(task), generic(), PvDays("Europe/Berlin")
    first = tape[: [name for name, _ in tape].index("run") + 1]
    found = medians(
        {
            "nightly plan": nightly(),
            "with curves": nightly(charge_efficiency=CURVE, discharge_efficiency=CURVE),
            "one LP": lambda: replay(first),
            "bare matrix": lambda: replay(tape),
            "bare, cold": lambda: replay(tape, cold=True),
            "PuLP": lambda: program.solve(task),
            "direct": lambda: program.solve(task, highs_direct.engine()),
            "value table": lambda: water_value.of_task(task, spread, kinds),
            "exact recursion": lambda: water_value_exact.water_values(task),
        }
    )
    for name, took in found.items():
        sys.stdout.write(f"192 steps: {name:<16} {took * 1000:7.1f} ms\n")
    bare, pulp, whole = found["bare matrix"], found["PuLP"], found["nightly plan"]
    sys.stdout.write(f"nightly / one LP    {whole / found['one LP']:5.2f} (target 15), of it ")
    sys.stdout.write(f"{found['exact recursion'] / whole:.0%} exact recursion\n")
    sys.stdout.write(f"with curves / nightly {found['with curves'] / whole:.2f}\n")
    sys.stdout.write(f"PuLP / bare         {pulp / bare:5.2f}\n")
    sys.stdout.write(f"PuLP / bare, cold   {pulp / found['bare, cold']:5.2f} (target 4)\n")
    sys.stdout.write(f"direct / bare       {found['direct'] / bare:5.2f}\n")
    sys.stdout.write(f"value table / PuLP  {found['value table'] / pulp:5.2f} (target 2)\n")


def a_year_of_plans(days: int) -> None:
    """In turns day by day, so that a busy moment hits both alike."""
    bare = straight = 0.0
    for day in range(days):
        task = task_of(day, 144)
        tape = tape_of(task)
        straight += seconds(lambda task=task: program.solve(task, highs_direct.engine()))
        bare += seconds(lambda tape=tape: replay(tape))
    sys.stdout.write(f"{days} plans of 36 h: direct {straight:.1f} s, bare {bare:.1f} s: ")
    sys.stdout.write(f"{straight / bare:.2f} (target 2)\n")


def a_year_of_tables(plans: int) -> None:
    tasks = [task_of(day, 144) for day in range(64)]
    some = Forecasts.of([t.steps for t in tasks], generic(), [t.end_values for t in tasks])
    many = Forecasts(*(np.resize(getattr(some, name), (plans, *getattr(some, name).shape[1:]))
                       for name in ("hours", "buy", "sell", "load_w", "pv_w", "ratios", "end_values")))  # fmt: skip  # noqa: E501
    kinds, firsts = [PvDays("Europe/Berlin")] * plans, np.arange(plans)[:, None] % 24 * 4
    some_day = (firsts + np.arange(some.hours.shape[1])) // 96
    many = replace(many, days=day_states(kinds, some_day))
    task = tasks[0]
    took = seconds(lambda: water_value.tables(task.battery, task.grid, many, keep=4))
    sys.stdout.write(f"tables of {plans} plans of 36 h: {took:.1f} s (target 50 s for 8760)\n")


def main() -> None:
    """Measure."""
    quick = "--quick" in sys.argv
    one_plan()
    a_year_of_plans(60 if quick else 365)
    a_year_of_tables(1_024 if quick else 8_760)


if __name__ == "__main__":
    main()
