"""Executors that are ended and killed at random moments: `python -m tests.faults.kills`.

Real `optimizer run` processes in real time, each on a simulated FEMS of its own with a time-out of
3 s instead of 60, so that the executor writes by the second and a kill costs seconds.
`--term 200 --kill 200` is the long campaign (about 10 minutes on two cores).
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from optimizer.app.device_access import battery_of
from optimizer.config import loading
from optimizer.model.plan import Intent, fingerprint
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulated_rest import RestRequest
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, live_state, plan_store
from tests.faults.promises import Broken, Promise, held_too_long
from tests.faults.sequences import houses, moved
from tests.waiting import Stopwatch

TIMEOUT_S = 3
SECRET = "a-canary-password"
ENDS_WITHIN_S = 10.0
"""SIGTERM to the end of the process; the null itself goes out within the deadline of 3 s."""
RELEASES_WITHIN_S = 4.0
AT_A_TIME = 6

CONFIG = """
[fems]
url = "{url}"
password = "{secret}"
[battery]
capacity_wh = 22_000
hybrid = false
[prices]
sources = ["csv"]
file = "prices.csv"
[load]
source = "csv"
file = "load.csv"
[pv]
source = "none"
[tariff.export]
eur_per_kwh = 0.08
[control]
interval_s = 1
[store]
folder = "{store}"
"""

NAMES = "names.json"
"""File, in the folder of an executor, of the addresses of `fems.test` (`named_child.py`)."""

OPTIMIZER = (sys.executable, "-m", "optimizer")


class Outcome(NamedTuple):
    """What one kill led to."""

    number: int
    held: bool
    """Whether something was held when the signal came."""
    free_s: float
    """Seconds from the signal until the FEMS was on its own; 0 if it was."""
    after_post_s: float
    """The same from the last write of a value."""
    broken: Broken | None = None


class Target:
    """A FEMS with a plan that charges, and an executor on it."""

    def __init__(
        self, folder: Path, command: Sequence[str], timeout_s: int = TIMEOUT_S,
        host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        now = datetime.now(UTC).replace(microsecond=0)
        config = folder / "optimizer.toml"
        config.touch(0o600)
        values = {"store": folder / "state", "secret": SECRET}
        config.write_text(CONFIG.format(url="http://127.0.0.1:9", **values))
        settings = loading.load(config)
        battery = battery_of(settings, None)[0]
        flat = [Profile(now, 900, (watts,)) for watts in (800.0, 0.0)]
        self.house = SimulatedHouse(battery, *flat, now, 50, api_timeout_s=timeout_s)
        self.fems = SimulatedFems(self.house, speed=1, owner_password=SECRET)
        self.last_post_s: float | None = None
        self.fems.faults.when(self._record, "null")
        self.fems.start()
        url = f"http://{host}:{self.fems.address[1]}"
        config.write_text(CONFIG.format(url=url, **values))
        self.live = live_state.path_for(folder / "state")
        plan = moved(houses()[0][1][0], now - timedelta(minutes=5))
        step = replace(
            plan.steps[0], end=now + timedelta(hours=2), buy_eur_per_kwh=0.1,
            values_eur_per_kwh=(0.3,) * 3, intent=Intent.CHARGE,
        )  # fmt: skip
        connection = database.connect(folder / "state")
        bounds = fingerprint(battery, settings.grid.grid(settings.pv.kwp))
        plan_store.save(
            connection, replace(plan, steps=(step,), bounds=bounds, site=settings.site), {}
        )
        connection.close()
        plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
        self.process = subprocess.Popen(
            [*command, "run", "--no-replan"], cwd=folder, text=True,
            env=plain | {"PYTHONPATH": str(Path(__file__).parents[2]), "NAMES": NAMES},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._said.extend(self.process.stdout)

    def said(self) -> str:
        """All that the process told, once it has ended."""
        self._reader.join(60)
        return "".join(self._said)

    def _record(self, request: RestRequest) -> bool:
        write = request.method == "POST" and "/rest/channel/" in request.target
        if write and json.loads(request.body)["value"] is not None:
            self.last_post_s = time.monotonic()
        return False

    @property
    def free(self) -> bool:
        """Whether nothing is held."""
        return not self.house.written.values

    def wait(self, what: Callable[[], object], seconds: float) -> bool:
        """Wait until something is true; whether it was in time, waits for a processor left out."""
        return self.stopwatch().within(what, seconds)

    def stopwatch(self) -> Stopwatch:
        """A new stopwatch for what the executor does."""
        return Stopwatch(self.process.pid)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.fems.stop()
        self.live.unlink(missing_ok=True)


def strike(number: int, how: signal.Signals, command: Sequence[str] = OPTIMIZER) -> Outcome:
    """Start an executor, send it a signal at a random moment, and see how long the FEMS is held."""
    draw = random.Random(number)
    with tempfile.TemporaryDirectory(prefix="kills") as folder:
        target = Target(Path(folder), command)
        try:
            return _struck(number, how, target, draw)
        finally:
            target.close()


def _struck(number: int, how: signal.Signals, target: Target, draw: random.Random) -> Outcome:
    early = number % 10 == 9
    if not early and not target.wait(lambda: not target.free, 90):
        said = target.process.poll(), target.said() if target.process.poll() is not None else ""
        raise RuntimeError(f"nothing was ever held: {said}")
    # a whole cycle and a bit: before, in and after a write; or somewhere in the start
    time.sleep(draw.uniform(0.2, 4.0) if early else draw.uniform(0.0, 1.3))
    held, watch = not target.free, target.stopwatch()
    target.process.send_signal(how)
    broken = None
    if how is signal.SIGTERM:
        broken = _ended(target, watch, early=early)
    else:
        target.process.wait()
    watch.within(lambda: target.free, TIMEOUT_S + 3)
    now_s = time.monotonic()
    waited_s = watch.waited_s()
    free_s = now_s if target.free else None
    # the simulated FEMS counts whole seconds, and looks every 20 ms
    limit_s = TIMEOUT_S + 0.1 + waited_s
    broken = broken or held_too_long(target.last_post_s, free_s, now_s, limit_s)
    if SECRET in target.said():
        broken = Broken(Promise.SECRET, watch.seconds(), "the password is in the log")
    after_s = 0.0 if target.last_post_s is None else now_s - target.last_post_s
    return Outcome(number, held, watch.seconds() if held else 0.0, after_s, broken)


def _ended(target: Target, watch: Stopwatch, *, early: bool) -> Broken | None:
    """What is wrong with how a process ended after SIGTERM."""

    def gone() -> bool:
        return target.process.poll() is not None

    if not watch.within(lambda: target.free or gone(), RELEASES_WITHIN_S):
        return Broken(Promise.ENDS, watch.seconds(), "no release after SIGTERM")
    if not watch.within(gone, RELEASES_WITHIN_S + ENDS_WITHIN_S):
        return Broken(Promise.ENDS, watch.seconds(), "it does not end after SIGTERM")
    code = target.process.wait()
    if not target.free:
        return Broken(Promise.ENDS, watch.seconds(), "held after its end by SIGTERM")
    # before it listens to signals it may simply be gone
    if code != 0 and not (early and code == -signal.SIGTERM):
        return Broken(Promise.ENDS, watch.seconds(), f"exit code {code}")
    return None


def campaign(
    terms: int, kills: int, command: Sequence[str] = OPTIMIZER
) -> dict[str, list[Outcome]]:
    """Many of both, some at a time."""
    wanted = {"SIGTERM": (terms, signal.SIGTERM), "SIGKILL": (kills, signal.SIGKILL)}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        jobs = {
            name: [pool.submit(strike, number, how, command) for number in range(count)]
            for name, (count, how) in wanted.items()
        }
        return {name: [job.result() for job in some] for name, some in jobs.items()}


def reported(outcomes: dict[str, list[Outcome]]) -> str:
    """The distribution of how long it was held, in words."""
    lines = []
    for name, some in outcomes.items():
        held = sorted(one.free_s for one in some if one.held)
        after = sorted(one.after_post_s for one in some if one.held)
        if held:
            lines.append(
                f"{name}: {len(some)}, {len(held)} of them while something was held; free after "
                f"{held[0]:.2f} to {held[-1]:.2f} s, median {held[len(held) // 2]:.2f} s "
                f"(after the last write at most {after[-1]:.2f} s of {TIMEOUT_S} + 1)"
            )
    return "\n".join(lines)


def main() -> None:
    """Run and print; the exit code says whether a promise was broken."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--term", type=int, default=20)
    arguments.add_argument("--kill", type=int, default=20)
    given = arguments.parse_args()
    outcomes = campaign(given.term, given.kill)
    print(reported(outcomes))
    broken = [one for some in outcomes.values() for one in some if one.broken]
    for one in broken:
        print(f"number {one.number}: {one.broken}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
