"""What carrying a plan out earns, by how it is carried out: whole weeks of a house with bursts.

Run by hand: `python tests/bench/week.py` (about 15 minutes). For each sample week and coupling the
same house, with the bursts of a real home by the minute, lives the week by itself and then with the
plans carried out over HTTP by the real executor: by value, by intent and by the planned power, each
with both ways of writing. Printed is what each saved against the house left to itself [EUR], with
the energy left in the battery priced. `--days N` and `--weeks winter,summer` make it shorter.
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

from optimizer.simulation import sample_data
from optimizer.simulation.http_simulation import (
    DemoDay,
    ExecutorSettings,
    SimulationResult,
    simulate_days,
)

INTERVAL_S = 10.0
MANNERS = [
    ExecutorSettings(follow, write, INTERVAL_S)
    for follow in ("value", "intent", "power")
    for write in ("equals", "bounds")
]


def _one(
    week: str, hybrid: bool, manner: ExecutorSettings, days: int, seed: int
) -> SimulationResult:
    scene = DemoDay(week, week, 0, hybrid, soc_percent=30)
    with tempfile.TemporaryDirectory() as store:
        return simulate_days(scene, sample_data.folder(), Path(store), days, seed, manner=manner)


def main() -> None:
    """Live all weeks in all manners and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--days", type=int, default=7)
    arguments.add_argument("--weeks", default="winter,spring,summer,autumn")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=2)
    given = arguments.parse_args()
    cases = list(product(given.weeks.split(","), (False, True)))
    with ProcessPoolExecutor(given.jobs) as pool:
        running = {
            (week, hybrid, manner): pool.submit(_one, week, hybrid, manner, given.days, given.seed)
            for (week, hybrid), manner in product(cases, MANNERS)
        }
        head = "".join(f"{f'{m.follow}/{m.write}':>15}" for m in MANNERS)
        print(f"{'saved [EUR]':20}{'bill alone':>12}{head}")
        for week, hybrid in cases:
            simulated = [running[week, hybrid, manner].result() for manner in MANNERS]
            row = "".join(f"{one.saving_eur:15.2f}" for one in simulated)
            name = f"{week}, {'hybrid' if hybrid else 'AC'}"
            print(f"{name:20}{simulated[0].self_consumption_bill_eur:12.2f}{row}", flush=True)


if __name__ == "__main__":
    main()
