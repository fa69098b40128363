"""Seeded random sequences of faults over the pure world: `python -m tests.faults.sequences`.

Each seed gives one sequence of 50 cycles: a house, a plan, a way of following it, and every few
cycles another trouble. The real executor runs on the world's ports, the judge looks at each cycle.
"""

import argparse
import functools
import logging
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product

from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.errors import UnsafeTimeoutError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.override import Override, OverrideKind
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from tests.bare_plan import bare_plan
from tests.faults.promises import Broken, Cycle, Judge, Promise, Terms
from tests.faults.world import READING, TIMEOUTS_S, Killed, Nowhere, World, WorldClient

CYCLES = 50
INTERVAL_S = 10.0
QUARTER = timedelta(minutes=15)
POOL = 6
"""Plans for each kind of house."""

STARTS = (
    datetime(2026, 1, 15, 2, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 50, tzinfo=UTC),  # the hour that is missing in local time
    datetime(2026, 10, 25, 0, 50, tzinfo=UTC),  # the hour that comes twice
    datetime(2026, 12, 31, 22, 52, tzinfo=UTC),
)

FOLLOWS, WRITES = ("value", "intent", "power"), ("equals", "bounds")

READING_TROUBLES = (
    *(f"null {name}" for name in (*READING, "battery_w")),
    "fault", "off grid", "wrong sign", "impossible charge", "stale", "contradicting limits",
)  # fmt: skip
LINK_TROUBLES = (
    "down", "post lost", "answer lost", "late", "refused", "slow", "write refused",
    "writes refused", "store gone",
)  # fmt: skip
ONE_TIME = (
    "charge jumps", "clock steps", "clock jumps", "device clock", "device restarts", "killed",
    "ended", "no plan", "foreign plan", "other plan", "past plan", "coming plan", "kettle",
    "cloud", "derated", "other writer", "time-out changed", "clock creeps", "modbus writer",
    "owner pauses", "owner overrides",
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What came of some sequences."""

    sequences: int = 0
    cycles: int = 0
    holding: int = 0
    broken: list[tuple[int, Broken]] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)


@functools.cache
def houses() -> tuple[tuple[ControlSettings, tuple[Plan, ...]], ...]:
    """All kinds of houses with their plans, always the same ones."""
    draw, made = random.Random(5), []
    for hybrid, rule, follow, write in product((False, True), Rule, FOLLOWS, WRITES):
        battery = Battery(
            22_000, min_soc_percent=10, max_soc_percent=draw.choice((90.0, 100.0)), hybrid=hybrid,
            max_charge_w=draw.choice((4_000.0, 10_000.0)),
        )  # fmt: skip
        grid = Grid(draw.choice((9_000.0, 20_000.0)), draw.choice((0.0, 5_000.0, 20_000.0)), rule)
        settings = ControlSettings(battery, grid, follow, write)
        made.append((settings, tuple(_plan(draw, settings) for _ in range(POOL))))
    return tuple(made)


def _plan(draw: random.Random, settings: ControlSettings) -> Plan:
    """Six quarter-hours from 02:00 of no particular day on; most of them bind."""
    battery, begin = settings.battery, datetime(2000, 1, 1, tzinfo=UTC)
    steps = tuple(
        _step(draw, begin + place * QUARTER, battery) for place in range(draw.choice((1, 3, 6)))
    )
    return bare_plan(
        steps, made_at=begin, bounds=fingerprint(battery, settings.grid),
        value_soc_wh=(4_000.0, 12_000.0, 20_000.0),
    )  # fmt: skip


def _step(draw: random.Random, start: datetime, battery: Battery) -> Step:
    intent = draw.choice(tuple(Intent))
    power = float(draw.randrange(200, int(battery.max_charge_w)))
    low, high, planned = {
        Intent.SELF_CONSUMPTION: (-1e4, 1e4, 0.0),
        Intent.HOLD: (-1e4, 0.0, 0.0),
        Intent.DEFER: (0.0, 1e4, 0.0),
        Intent.CHARGE: (-1e4, -power, -power),
        Intent.LIMIT: (-power, 1e4, -power),
        Intent.DISCHARGE: (power, 1e4, power),
    }[intent]
    values = tuple(sorted((draw.uniform(0.02, 0.5) for _ in range(3)), reverse=True))
    buy = draw.uniform(-0.05, 0.6)
    return Step(
        start=start, end=start + QUARTER, buy_eur_per_kwh=buy,
        sell_eur_per_kwh=min(buy, draw.uniform(-0.05, 0.4)), load_w=800.0, pv_w=0.0,
        battery_w=planned, ess_w=planned, grid_w=800.0 - planned, curtailed_w=0.0,
        soc_wh=draw.uniform(2_500, 20_000), intent=intent, lowest_w=low, highest_w=high,
        stored_value_eur_per_kwh=values[0], values_eur_per_kwh=values, why="because",
    )  # fmt: skip


def moved(plan: Plan, start: datetime) -> Plan:
    """The same plan from another moment on."""
    by = start - plan.steps[0].start
    return replace(
        plan, steps=tuple(replace(s, start=s.start + by, end=s.end + by) for s in plan.steps)
    )


class Fate:
    """What befalls one world, by its own chance; `only` these troubles, if there are any."""

    def __init__(
        self, draw: random.Random, plans: tuple[Plan, ...], cycles: int, only: tuple[str, ...]
    ) -> None:
        self.draw, self.plans, self.left, self.only = draw, plans, cycles, only

    def befall(self, world: World) -> None:
        """Between two cycles."""
        self.left -= 1
        draw = self.draw
        world.load_w = min(max(world.load_w + draw.uniform(-40, 40), 60), 12_000)
        if world.battery.hybrid or world.dc_pv_w:
            world.dc_pv_w = min(max(world.dc_pv_w + draw.uniform(-40, 40), 0), 10_000)
        if "other writer" in world.trouble.left:
            world.write_over()
        if self.left <= 0:
            world.stopping = True
        elif draw.random() < 0.15:
            self._new_trouble(world)
        elif draw.random() < 0.25:
            self._mend(world)
        elif draw.random() < 0.1:
            draw.choice((self._kettle, self._cloud))(world, "")

    def _mend(self, world: World) -> None:
        """What does not pass by itself."""
        world.device_offset_s, world.modbus_w, world.paused = 0.0, None, False
        if abs(world.offset_s) > 30 or world.creep_s:
            world.offset_s = world.creep_s = 0.0
        if world.timeout_s not in TIMEOUTS_S:
            world.change_timeout(TIMEOUTS_S[0], restarts=True)
        if not world.valid or world.plan is None:
            self._plans(world, "other plan")

    def _new_trouble(self, world: World) -> None:
        kinds = (READING_TROUBLES, *[LINK_TROUBLES] * 2, *[ONE_TIME] * 2)
        name = self.draw.choice(self.only or self.draw.choice(kinds))
        if name not in ONE_TIME:
            world.trouble.left[name] = self.draw.choice((1, 1, 2, 3, 7))
            return
        world.trouble.left[name] = 12 if name == "other writer" else 1
        method = "_" + name.replace(" ", "_").replace("-", "_")
        getattr(self, method, self._plans)(world, name)

    def _plans(self, world: World, name: str) -> None:
        """Another plan is in force, or none."""
        new = self.draw.choice(self.plans)
        away = {"past plan": -24, "coming plan": 3}.get(name, 0)
        start = begin_of(world) + timedelta(hours=away)
        world.plan = None if name == "no plan" else moved(new, start)
        world.valid = name not in ("no plan", "foreign plan")
        if name == "foreign plan" and world.plan is not None:
            world.plan = replace(world.plan, bounds="another battery's")

    def _charge_jumps(self, world: World, _: str) -> None:
        world.soc_wh = world.battery.capacity_wh * self.draw.random()

    def _clock_steps(self, world: World, _: str) -> None:
        world.offset_s = self.draw.uniform(-4, 4)

    def _clock_jumps(self, world: World, _: str) -> None:
        far = self.draw.choice((-1, 1)) * self.draw.choice((200.0, 900.0, 3_600.0, 86_400.0))
        world.offset_s = 0.0 if abs(world.offset_s) > 30 else far

    def _device_clock(self, world: World, _: str) -> None:
        world.device_offset_s = 0.0 if world.device_offset_s else 7_200.0

    def _device_restarts(self, world: World, _: str) -> None:
        world.restart_device()
        world.trouble.left["down"] = 2

    def _killed(self, world: World, _: str) -> None:
        world.dead = True

    def _ended(self, world: World, _: str) -> None:
        world.stopping = True

    def _kettle(self, world: World, _: str) -> None:
        world.load_w = self.draw.choice((100.0, 3_000.0, 11_000.0))

    def _cloud(self, world: World, _: str) -> None:
        world.dc_pv_w = self.draw.choice((0.0, 1_500.0, 9_000.0))

    def _derated(self, world: World, _: str) -> None:
        world.derate = self.draw.choice((0.0, 0.1, 0.5, 1.0))

    def _owner_pauses(self, world: World, _: str) -> None:
        world.paused = not world.paused

    def _owner_overrides(self, world: World, _: str) -> None:
        """Whatever an owner may order, from now on or for some cycles more, or nothing any more."""
        if world.plan is None:
            return
        if world.plan.override is not None:
            world.plan = replace(world.plan, override=None, value_kink_wh=None)
            return
        draw, now = self.draw, world.start + timedelta(seconds=world.t)
        kind = draw.choice(tuple(OverrideKind))
        until = now + timedelta(seconds=draw.choice((25, 100, 400)))
        order = Override(draw.randrange(1, 1_000_000), kind, now, until, "owner")
        percent = float(draw.randrange(15, 101))
        if kind is OverrideKind.CHARGE:
            power_w, at_once = draw.choice((None, 700.0, 5_000.0)), draw.random() < 0.6
            order = replace(order, soc_percent=percent, power_w=power_w, at_once=at_once)
        kink_wh = percent / 100 * world.battery.capacity_wh
        world.plan = replace(world.plan, override=order, value_kink_wh=kink_wh)

    def _other_writer(self, world: World, _: str) -> None:
        world.write_over()

    def _time_out_changed(self, world: World, _: str) -> None:
        seconds = self.draw.choice((0, 5, 15, 40, 120, 301, 600))
        world.change_timeout(seconds, restarts=self.draw.random() < 0.6)

    def _clock_creeps(self, world: World, _: str) -> None:
        world.creep_s = self.draw.choice((-7.0, -2.0, 2.0, 4.0, 7.0, 25.0))

    def _modbus_writer(self, world: World, _: str) -> None:
        world.modbus_w = self.draw.choice((-1_500, 0, 800, 3_000))


def begin_of(world: World) -> datetime:
    """The true quarter-hour of this moment, or the one before."""
    now = world.start + timedelta(seconds=world.t)
    begin = now - timedelta(seconds=now.timestamp() % 900)
    return begin - world.draw.choice((0, 1)) * QUARTER


def run(seed: int, found: Found, only: tuple[str, ...] = (), cycles: int = CYCLES) -> None:
    """One sequence, and what it shows."""
    draw = random.Random(seed)
    settings, plans = draw.choice(houses())
    judge = Judge(Terms(settings.battery, settings.grid, settings.follow))
    broken: list[Broken] = []

    def poll(cycle: Cycle) -> None:
        wrong = judge.poll(cycle)
        if wrong is not None and not broken:
            broken.append(wrong)
            fate.left, world.stopping = 0, True

    fate = Fate(draw, plans, cycles, only)
    start = draw.choice(STARTS) + timedelta(seconds=draw.randrange(900))
    world = World(draw, settings.battery, start, fate.befall, poll)
    world.dc_pv_w = draw.choice((0.0, 0.0, 2_500.0, 8_000.0))
    world.plan, world.valid = moved(draw.choice(plans), begin_of(world)), True
    world.synchronised = draw.random() < 0.5
    while fate.left > 0 and not broken:
        executor = Executor(
            WorldClient(world), world, Nowhere(world.trouble), world, settings, INTERVAL_S,
            on_cycle=world.on_cycle, synchronised=lambda: world.synchronised,
            pause=world, pause_poll_s=math.inf,
        )  # fmt: skip
        broken += _lived(executor, world)
        world.begin_life()
    found.sequences += 1
    found.cycles += world.cycles
    found.holding += world.holding
    found.hits.update(world.hits)
    found.broken += [(seed, wrong) for wrong in broken[:1]]


def _lived(executor: Executor, world: World) -> list[Broken]:
    """Run an executor to its end, however that comes; what it left behind."""
    try:
        executor.run()
    except Killed:
        world.gone(world.draw.choice((1.0, 30.0, 80.0)))
        return []
    except UnsafeTimeoutError:
        left = world.left_behind()
        world.gone(world.draw.choice((1.0, 30.0)))
        world.change_timeout(TIMEOUTS_S[0], restarts=True)
        return left
    except Exception as error:  # noqa: BLE001 the promise is about all of them
        return [Broken(Promise.SOUND, world.t, f"ended by {error!r}")]
    return world.left_behind()


def campaign(seeds: Iterable[int], most_broken: int = 20) -> Found:
    """Many sequences; ends early when enough is broken."""
    found, before = Found(), logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        for seed in seeds:
            run(seed, found)
            if len(found.broken) >= most_broken:
                break
    finally:
        logging.disable(before)
    return found


def main() -> None:
    """Run and print; the exit code says whether a promise was broken."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--first", type=int, default=0, help="first seed")
    arguments.add_argument("--count", type=int, default=10_000, help="how many sequences")
    given = arguments.parse_args()
    found = campaign(range(given.first, given.first + given.count))
    for seed, wrong in found.broken:
        print(f"seed {seed}: {wrong.promise} ({wrong.how}, after {wrong.at_s:.0f} s)")
    share = found.holding / max(1, found.cycles)
    print(f"{found.sequences} sequences, {found.cycles} cycles, {share:.0%} of them holding")
    for name, count in sorted(found.hits.items()):
        print(f"  {name}: {count}")
    sys.exit(1 if found.broken else 0)


if __name__ == "__main__":
    main()
