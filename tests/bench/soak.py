"""What a day of the executor costs: memory, files, bytes written, processor. Run by hand.

`python -m tests.bench.soak` lives 24 hours (8,640 cycles) in some minutes: `optimizer run` as a
process of its own over a simulated FEMS in this one, with simulated time handed over a pipe; all
else is real. `--hours 2` makes it shorter.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

INTERVAL_S = 10
WARM_CYCLES = 180
SECRET = "a-canary-password"
LIMITS = {"grown_kb": 2_048, "files": 0, "written_bytes_a_day": 2_000_000, "resident_kb": 51_200,
          "core_percent": 0.5}  # fmt: skip
"""What is promised; `files` is by how many they may become more."""


class Used(NamedTuple):
    """What the executor's process has used up to a cycle."""

    cycle: int
    resident_kb: int
    files: int
    written_bytes: int
    processor_s: float


def _used(cycle: int) -> Used:
    """This process's own figures, as the kernel tells them."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return Used(
        cycle, resident // 1024, len(os.listdir("/proc/self/fd")),  # noqa: PTH208 one call
        int(io["write_bytes"]), time.process_time(),
    )  # fmt: skip


class PipedClock:
    """The time of the simulated house; waiting asks for it to pass."""

    def __init__(self) -> None:
        self._out = os.fdopen(int(os.environ["SOAK_OUT"]), "w")
        self._in = os.fdopen(int(os.environ["SOAK_IN"]))
        self._cycle, self._waited_s = 0, 0.0
        self._now = self._begun = datetime.fromisoformat(self._in.readline().strip())

    def now(self) -> datetime:
        """Wall clock."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self._now - self._begun).total_seconds()

    def synchronised(self) -> bool:
        """The FEMS's own clock has to agree."""
        return False

    def stop(self) -> None:
        """Nobody signals."""

    def stopped(self) -> bool:
        """False: the simulated house's time ends it."""
        return False

    def wait(self, seconds: float) -> bool:
        """Let time pass in the other process, a cycle's polls for a pause in one."""
        self._waited_s += seconds
        self._now += timedelta(seconds=seconds)
        if self._waited_s >= INTERVAL_S:
            self._cycle += 1
            print(json.dumps([self._waited_s, _used(self._cycle)]), file=self._out, flush=True)
            self._now = datetime.fromisoformat(self._in.readline().strip())
            self._waited_s = 0.0
        return False


def _be_the_executor(arguments: list[str]) -> None:
    """`optimizer ...` with the clock exchanged."""
    from optimizer.cli import main
    from optimizer.control import clock

    clock.SystemClock = PipedClock  # type: ignore[assignment, misc]
    sys.argv = ["optimizer", *arguments]
    main()


def soak(folder: Path, hours: float) -> list[Used]:
    """Live some hours; what had been used at each cycle."""
    from optimizer.config import loading
    from optimizer.simulation.fems.http_server import NO_LIMITS
    from optimizer.simulation.fems.profile import Profile
    from optimizer.simulation.fems.simulated_house import SimulatedHouse
    from optimizer.simulation.fems.simulator import SimulatedFems
    from optimizer.store import database, live_state, plan_store
    from tests.faults.kills import CONFIG

    start = datetime(2026, 1, 15, tzinfo=UTC)
    load = Profile(start, 3_600, (400.0, 900.0, 600.0, 1_500.0)).spiky(1)
    pv = Profile(start, 1_800, (0.0, 700.0, 3_000.0, 200.0))
    config, store = folder / "optimizer.toml", folder / "state"
    config.touch(0o600)
    values = {"store": store, "secret": SECRET}
    config.write_text(CONFIG.format(url="http://127.0.0.1:9", **values))
    settings = loading.load(config)
    battery = settings.battery.battery(hybrid=False)
    house = SimulatedHouse(battery, load, pv, start, 50)
    with SimulatedFems(house, limits=NO_LIMITS, owner_password=SECRET) as fems:
        config.write_text(CONFIG.format(url=fems.url, **values).replace("_s = 1", "_s = 10"))
        connection = database.connect(store)
        plan_store.save(connection, _plan(start, settings), {})
        connection.close()
        try:
            return _simulated(folder, fems, hours)
        finally:
            live_state.path_for(store).unlink(missing_ok=True)


def _plan(start: datetime, settings: object) -> object:
    """Two days in which every hour wants something else."""
    from optimizer.model.plan import fingerprint
    from tests.faults.sequences import houses, moved

    quarter, (_, some) = timedelta(minutes=15), houses()[0]
    kinds = [step for plan in some for step in plan.steps]
    steps = tuple(
        replace(kinds[n // 4 % len(kinds)], start=at, end=at + quarter)
        for n, at in enumerate(start + place * quarter for place in range(192))
    )
    battery, grid = settings.battery.battery(hybrid=False), settings.grid.grid(settings.pv.kwp)
    bounds = fingerprint(battery, grid)
    return replace(moved(some[0], start), steps=steps, bounds=bounds, site=settings.site)


def _simulated(folder: Path, fems: object, hours: float) -> list[Used]:
    """The executor's process from its start to its end."""
    (read_there, write_here), (read_here, write_there) = os.pipe(), os.pipe()
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.soak", "--executor", "run", "--no-replan",
         "--for", str(hours * 3600)],
        cwd=folder, pass_fds=(read_there, write_there), stderr=subprocess.PIPE, text=True,
        env=plain | {"PYTHONPATH": str(Path(__file__).parents[2]), "SOAK_IN": str(read_there),
                     "SOAK_OUT": str(write_there)},
    )  # fmt: skip
    os.close(read_there)
    os.close(write_there)
    found: list[Used] = []
    with os.fdopen(read_here) as come, os.fdopen(write_here, "w") as go:
        _hand_out_time(come, go, fems, found)
    error = process.communicate()[1]
    if process.returncode != 0:
        raise RuntimeError(f"the executor ended with {process.returncode}: {error}")
    return found


def _hand_out_time(come: IO[str], go: IO[str], fems: object, found: list[Used]) -> None:
    print(fems.house.moment.isoformat(), file=go, flush=True)
    for line in come:
        seconds, used = json.loads(line)
        found.append(Used(*used))
        fems.advance(round(seconds))
        print(fems.house.moment.isoformat(), file=go, flush=True)


def figures(found: Sequence[Used]) -> dict[str, float]:
    """What is promised of a day, from what was used at each cycle after the warm-up."""
    first, last = found[min(WARM_CYCLES, len(found) // 4)], found[-1]
    cycles = last.cycle - first.cycle
    days = cycles * INTERVAL_S / 86_400
    return {
        "grown_kb": last.resident_kb - first.resident_kb,
        "files": max(one.files for one in found[first.cycle :]) - first.files,
        "written_bytes_a_day": (last.written_bytes - first.written_bytes) / days,
        "resident_kb": max(one.resident_kb for one in found),
        "core_percent": 100 * (last.processor_s - first.processor_s) / (cycles * INTERVAL_S),
    }


def main() -> None:
    """Live, print, and say by the exit code whether all is kept."""
    if sys.argv[1:2] == ["--executor"]:
        _be_the_executor(sys.argv[2:])
        return
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--hours", type=float, default=24)
    hours = arguments.parse_args().hours
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        found = soak(Path(folder), hours)
        size = sum(path.stat().st_size for path in (Path(folder) / "state").iterdir())
    print(f"{len(found)} cycles; the store has {size} bytes at the end")
    reported = figures(found)
    for name, value in reported.items():
        print(f"  {name:20} {value:12.3f}   allowed {LIMITS[name]}")
    sys.exit(1 if any(reported[name] > LIMITS[name] for name in LIMITS) else 0)


if __name__ == "__main__":
    main()
