"""A planner that is killed while it stores: `python -m tests.faults.storing --kills 1000`.

A process stores one plan after another, with the planner's own code, and says when it begins and
when it has ended each; it is killed at a random moment after a beginning. After each kill the store
has to be whole, with the last plan that was told done and the one before.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from optimizer.errors import OptimizerError
from optimizer.store import database, plan_store
from tests.faults.sequences import houses, moved

START = datetime(2026, 1, 15, tzinfo=UTC)
STEPS = 192
"""Two days of quarter-hours, as a planner stores them."""


class Killed(NamedTuple):
    """What a kill came upon, and what is wrong with the store afterwards."""

    hit: bool
    """Whether a plan was being stored."""
    number: int
    """The newest plan in the store."""
    wrong: str = ""


def store_for_ever(folder: Path) -> None:
    """The planner's part; never ends by itself."""
    plan = moved(houses()[0][1][0], START)
    step, length = plan.steps[0], timedelta(minutes=15)
    steps = tuple(
        replace(step, start=START + n * length, end=START + (n + 1) * length) for n in range(STEPS)
    )
    connection = database.connect(folder)
    while True:
        sys.stdout.write("b")
        sys.stdout.flush()
        number = plan_store.save(connection, replace(plan, steps=steps), {"steps": [0] * STEPS})
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def campaign(folder: Path, kills: int, seed: int = 0) -> list[Killed]:
    """Kill the planner so often, over one and the same store."""
    draw, found, typical_s = random.Random(seed), [], 0.02
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    root = str(Path(__file__).parents[2])
    before = 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.storing", "--folder", str(folder)],
            cwd=root, env=plain | {"PYTHONPATH": root}, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        head = process.stdout.readline()  # the first plan is stored
        begun_s = time.monotonic()
        process.stdout.readline()
        typical_s = time.monotonic() - begun_s
        process.stdout.read(1)  # the third is begun
        time.sleep(draw.uniform(0, 1.2 * typical_s))
        process.send_signal(signal.SIGKILL)
        said = head + b"b" + process.stdout.read()
        process.wait()
        process.stdout.close()
        one = _looked_at(folder, said.decode(), before)
        before = one.number
        found.append(one)
    return found


def _looked_at(folder: Path, said: str, before: int) -> Killed:
    """The store after a kill, opened as everybody opens it."""
    hit = not said.endswith("\n")
    reported = [int(line) for line in said.replace("b", "").split() if line]
    try:
        connection = database.connect(folder)
        (fine,) = connection.execute("PRAGMA integrity_check").fetchone()
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM plan").fetchone()
        whole = [plan_store.load(connection, number) for number in (newest, newest - 1)]
        in_force = plan_store.in_force(connection, START)
        connection.close()
    except OptimizerError as error:
        return Killed(hit, 0, str(error))
    wrong = "" if fine == "ok" else f"integrity: {fine}"
    if any(len(plan.steps) != STEPS for plan in whole) or in_force != whole[0]:
        wrong = "a plan is not whole"
    if newest < max([before, *reported]):
        wrong = f"plan {max(reported)} was stored, and is gone"
    return Killed(hit, newest, wrong)


def main() -> None:
    """Run and print; the exit code says whether anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--folder", type=Path, help="be the planner, for ever")
    given = arguments.parse_args()
    if given.folder is not None:
        store_for_ever(given.folder)
    with tempfile.TemporaryDirectory(prefix="storing") as folder:
        found = campaign(Path(folder), given.kills)
    hits, wrong = sum(one.hit for one in found), [one.wrong for one in found if one.wrong]
    print(f"{len(found)} kills, {hits} of them while a plan was being stored; wrong: {wrong}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
