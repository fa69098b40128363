"""The shorter campaigns: a real socket under faults, a hanging loop, and all of them by name."""

import random
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from optimizer.control.systemd_notify import Supervisor
from optimizer.model.snapshot import Snapshot
from tests.faults import kills, sequences
from tests.faults.promises import Broken, Promise
from tests.faults.sequences import INTERVAL_S, houses, moved
from tests.faults.stand import ON_THE_WIRE, STRANGE, Stand
from tests.faults.world import Nowhere, World, WorldClient
from tests.waiting import wait_for

SEEDS = 3_000
"""So many sequences a planted fault gets to show itself; it usually takes some dozen."""

HANGING_S = 1.5


def pure(*only: str, seeds: int = SEEDS) -> Iterator[Broken]:
    """Random sequences in the pure world; with `only` some troubles, or all."""
    for seed in range(seeds):
        found = sequences.Found()
        sequences.run(seed, found, only)
        yield from (wrong for _, wrong in found.broken)


def wire(seeds: int = 16, cycles: int = 40) -> Iterator[Broken]:
    """The real client over a real socket, with faults on the wire and nulls in the readings."""
    for seed in range(seeds):
        draw = random.Random(seed)
        law, plans = draw.choice(houses())
        with tempfile.TemporaryDirectory(prefix="wire") as folder:
            table = Stand(Path(folder), law, seed, socket=True)
            try:
                for place in range(cycles):
                    if place % 10 == 0:
                        at = table.house.moment
                        begin = at - timedelta(seconds=at.timestamp() % 900)
                        table.save(moved(draw.choice(plans), begin))
                    _befall(table, draw)
                    table.cycle()
                    yield from table.broken
                    table.broken.clear()
            finally:
                table.close()


def _befall(table: Stand, draw: random.Random) -> None:
    conditions = table.house.conditions
    conditions.unknown = draw.choice(("", "", "", "", "", "ess0/Soc", "_sum/GridActivePower"))
    if draw.random() < 0.1:
        table.write_over_modbus(draw.choice((None, None, -1_500, 3_000)))
    if draw.random() < 0.1:
        table.fems.faults.always(draw.choice(STRANGE))
    elif not table.doubts and draw.random() < 0.1:
        table.refuse_writes(draw.choice((1, 3)))
    elif not table.doubts and draw.random() < 0.2:
        fault = draw.choice(ON_THE_WIRE)
        table.doubts[fault.partition("=")[0]] = draw.choice((1, 2))
        table.fems.faults.always(fault)


def end() -> Iterator[Broken]:
    """A real executor that is ended with SIGTERM while it holds something."""
    command = kills.OPTIMIZER if not PLANTED else (*CHILD, *PLANTED)
    outcome = kills.strike(0, kills.signal.SIGTERM, command)
    if outcome.broken is not None:
        yield outcome.broken


def slow_end() -> Iterator[Broken]:
    """A real executor that is ended with SIGTERM while its FEMS takes long for each answer."""
    command = kills.OPTIMIZER if not PLANTED else (*CHILD, *PLANTED)
    with tempfile.TemporaryDirectory(prefix="slow") as folder:
        target = kills.Target(Path(folder), command, timeout_s=60)
        try:
            wait_for(lambda: not target.free)
            target.fems.faults.when(lambda request: request.method == "GET", "delay=2.9")
            time.sleep(1.3)
            target.process.send_signal(kills.signal.SIGTERM)
            if not target.wait(lambda: target.free, kills.RELEASES_WITHIN_S):
                yield Broken(Promise.ENDS, kills.RELEASES_WITHIN_S, "no release after SIGTERM")
        finally:
            target.close()


def hang() -> Iterator[Broken]:
    """A loop that hangs in its reading: its watchdog has to starve."""
    folder = tempfile.TemporaryDirectory(prefix="hang")
    path = str(Path(folder.name) / "notify")
    with folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(path)
        ear.settimeout(60)
        hanging, over = threading.Event(), threading.Event()
        thread = threading.Thread(target=_hang_after, args=(3, path, hanging, over), daemon=True)
        thread.start()
        heard = [ear.recv(4096) for _ in range(3)]
        if not all(b"WATCHDOG=1" in one for one in heard) or not hanging.wait(60):
            yield Broken(Promise.ALIVE, 0.0, "the watchdog is not fed by decisions")
        ear.settimeout(HANGING_S)
        try:
            late = ear.recv(4096)
        except TimeoutError:
            late = b""
        if b"WATCHDOG=1" in late:
            yield Broken(Promise.ALIVE, HANGING_S, "the watchdog is fed while the loop hangs")
        over.set()
        thread.join(60)


def _hang_after(cycles: int, path: str, hanging: threading.Event, over: threading.Event) -> None:
    settings, plans = houses()[0]
    draw = random.Random(1)

    def befall(world: World) -> None:
        world.stopping = over.is_set()

    world = World(draw, settings.battery, sequences.STARTS[0], befall, lambda cycle: None)
    world.plan = moved(plans[0], world.start)
    supervisor = Supervisor(path)

    class Hanging(WorldClient):
        def snapshot(self, at: object) -> Snapshot:
            if world.cycles == cycles:
                hanging.set()
                over.wait(30)
            return super().snapshot(at)  # type: ignore[arg-type]

    sequences.Executor(
        Hanging(world), world, Nowhere(), world, settings, INTERVAL_S,
        report=lambda decision: supervisor.decided(decision.sentence),
    ).run()  # fmt: skip


CHILD = (kills.sys.executable, "-m", "tests.faults.planted.child")
PLANTED: list[str] = []
"""Name of the fault that is planted in this process, for the processes that it starts."""

CAMPAIGNS: dict[str, Callable[[], Iterator[Broken]]] = {
    "pure": pure,
    "late writes": partial(pure, "late", "other plan"),
    "outages": partial(pure, "off grid", "clock jumps"),
    "swings": partial(pure, "kettle", "cloud"),
    "refusals": partial(pure, "writes refused", "write refused", "fault", "ended"),
    "time-outs": partial(pure, "time-out changed"),
    "limits": partial(pure, "contradicting limits"),
    "store": partial(pure, "store gone"),
    "clocks": partial(pure, "clock creeps"),
    "overrides": partial(pure, "owner overrides"),
    "wire": wire,
    "end": end,
    "slow end": slow_end,
    "hang": hang,
}


def first_broken(name: str, promise: Promise) -> Sequence[Broken]:
    """The first time that a promise is seen broken, or nothing."""
    found = (one for one in CAMPAIGNS[name]() if one.promise is promise)
    return [*islice(found, 1)]
