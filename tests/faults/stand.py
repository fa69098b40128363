"""The real executor, client and store on a simulated FEMS in simulated time, with a judge.

The client reaches the FEMS through a real socket, or straight through `Direct`: the same requests,
answers and faults without the cost of a connection.
"""

import base64
import json
import logging
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.control.active_plan import ActivePlan
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.control.setpoint_writer import LONGEST_HOLD_S
from optimizer.errors import UnreachableError, UnsafeTimeoutError
from optimizer.fems.channels import ESS
from optimizer.fems.client import FemsClient
from optimizer.fems.refusals import FemsAnswer
from optimizer.model.plan import Plan
from optimizer.model.snapshot import ON_GRID, Channel, Decision, Snapshot
from optimizer.simulation.fems import wire_faults
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.installation import MODBUS
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulated_rest import RestRequest
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, plan_store
from optimizer.store.journal import Journal
from tests.faults.promises import Broken, Cycle, Judge, Post, Promise, Terms

SECRET = "a-canary-password"
START = datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
"""Ten minutes before an hour that local time does not have."""

TIMEOUT_S, INTERVAL_S, DEADLINE_S = 60, 10, 3

NOT_TAKEN = ("drop-before", "reset", "redirect", "html")
"""Faults that come in the place of the FEMS's answer."""

ON_THE_WIRE = (
    *NOT_TAKEN, "drop-after", "garbage", "null", "huge=200000", "digits", "long-numbers=5000",
)  # fmt: skip

STRANGE = ("escapes", "endless=20")
"""Faults that leave the reading as it is."""


class Direct:
    """In the place of the client's `Wire`: hands requests to the FEMS without a socket."""

    origin = "http://direct"
    connections = 0

    def __init__(self, fems: SimulatedFems, password: str) -> None:
        self.fems = fems
        self._login = "Basic " + base64.b64encode(f"x:{password}".encode()).decode()

    def close(self) -> None:
        """Nothing is open."""

    def unlike(self, answer: FemsAnswer | None = None) -> str:
        """The sentence for an answer that no FEMS would give."""
        del answer
        return "What answers does not speak like a FEMS."

    def exchange(self, method: str, path: str, content: Any, patience: Any) -> FemsAnswer:
        """One exchange, with the faults that are its share."""
        request = RestRequest(method, path, "direct", self._login, "application/json",
                          "" if content is None else json.dumps(content))  # fmt: skip
        found = self.fems.faults.take(request)
        replies = [reply for fault in found if (reply := wire_faults.instead(fault)) is not None]
        reply = replies[0] if replies else self.fems.reply(request)[0]
        for fault in found:
            reply = wire_faults.spoiled(fault, reply)
        lost = not reply.status or any(fault.name == "drop-after" for fault in found)
        if lost or len(reply.body) > patience.cap_bytes:
            raise UnreachableError("The FEMS did not answer in time.")
        return FemsAnswer(reply.status, reply.content_type or "", reply.body, self.fems.date(0))


class Stand:
    """One house and the executors that follow each other on it.

    Parameters
    ----------
    folder
        For the store.
    settings
        What the law goes by.
    seed
        Of the house's load and roof.
    socket
        Whether client and FEMS speak over a socket.
    """

    def __init__(self, folder: Path, settings: ControlSettings, seed: int, *, socket: bool) -> None:
        draw, self.settings = random.Random(seed), settings
        load = Profile(START, 60, tuple(draw.choice((200.0, 700.0, 3_000.0)) for _ in range(60)))
        pv = Profile(START, 300, tuple(draw.choice((0.0, 0.0, 4_000.0)) for _ in range(12)))
        self.house = SimulatedHouse(settings.battery, load, pv, START, draw.uniform(15, 95))
        self.fems = SimulatedFems(self.house, limits=NO_LIMITS, owner_password=SECRET)
        self.fems.faults.when(self._record, "null")
        self._socket = socket
        if socket:
            self.fems.start()
        self.store = database.connect(folder, wait_s=0)
        self.judge = Judge(Terms(settings.battery, settings.grid, settings.follow, (SECRET,)))
        self.broken: list[Broken] = []
        self.offset_s = 0.0
        self._away_until = START
        self.doubts: dict[str, int] = {}
        self.plan: Plan | None = None
        self.holding = self.cycles = 0
        self.reported = Told()
        self._overwritten = False
        self._no_trouble()
        self._ours: set[str] = set()
        """Channels that were last written by us."""
        self._posts: list[Post] = []
        logging.getLogger("optimizer").addHandler(self.reported)
        self.client: FemsClient | None = None
        self.start_executor()

    def _no_trouble(self) -> None:
        """A FEMS, a clock and a store with which nothing is wrong."""
        self.refusing = 0
        """Cycles in which each write is still refused."""
        self.creep_s = 0.0
        """By how much the computer's clock creeps away in each cycle [s]."""
        self._named = 0
        """How often the present other writer was named."""
        self._unsafe_from_s: float | None = None
        self._reconnected = self._slow = False

    def close(self) -> None:
        """End without any last word."""
        logging.getLogger("optimizer").removeHandler(self.reported)
        if self.client is not None:
            self.client.close()
        self.fems.stop()
        self.store.close()

    def start_executor(self) -> None:
        """A new executor, which knows nothing of the one before."""
        if self.client is not None:
            self.client.close()
        url = self.fems.url if self._socket else "http://127.0.0.1:9"
        self.client = FemsClient(url, SECRET, deadline_s=DEADLINE_S)
        if not self._socket:
            self.client._link._wire = Direct(self.fems, SECRET)
        self._last_offset_s: float | None = None
        self._first, self._named = True, 0
        self.executor = Executor(
            self.client, ActivePlan(self.store), Journal(self.store), self, self.settings,
            INTERVAL_S, on_cycle=self._decided,
        )  # fmt: skip

    # --- the clock port

    def now(self) -> datetime:
        """The computer's clock."""
        return self.house.moment + timedelta(seconds=self.offset_s)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self.house.moment - START).total_seconds()

    def wait(self, seconds: float) -> bool:
        """Let time pass."""
        self.fems.advance(round(seconds))
        return False

    # --- what befalls it

    def write_over(self) -> None:
        """Another program writes where we do."""
        channel = min(self._held(), default=Channel.EQUALS)
        self._overwritten = channel in self._ours
        self._ours.discard(channel)
        self.house.write(channel, 1_234 + self.cycles % 50)
        self.fems.advance(3)  # its own channels show it a cycle later

    def write_over_modbus(self, power_w: int | None) -> None:
        """Another program writes over Modbus, which stands above ours; None for no more."""
        installed = self.house.installation
        self.house.install(replace(installed, order=installed.with_controllers(MODBUS)))
        self.house.conditions.modbus_w = power_w

    def refuse_writes(self, cycles: int) -> None:
        """The FEMS refuses each write, and each reading is right."""
        self.refusing = cycles
        self.fems.faults.writes("refused")

    def change_timeout(self, seconds: int, *, restarts: bool) -> None:
        """The owner sets another time-out, which restarts the app as a rule."""
        if restarts:
            self.fems.change_timeout(seconds)
            self._ours.clear()
            self.connections += 1
        else:
            self.house.written.timeout_s = seconds
        self._slow = True
        unsafe = not 0 < seconds <= LONGEST_HOLD_S
        if not unsafe:
            self._unsafe_from_s = None
        elif self._unsafe_from_s is None:
            self._unsafe_from_s, self._reconnected = self.monotonic(), restarts

    @property
    def connections(self) -> int:
        """Connections of the client without a socket."""
        wire = None if self.client is None else self.client._link._wire
        return wire.connections if isinstance(wire, Direct) else 0

    @connections.setter
    def connections(self, value: int) -> None:
        wire = None if self.client is None else self.client._link._wire
        if isinstance(wire, Direct):
            wire.connections = value

    def lock_store(self, *, locked: bool) -> None:
        """The store takes nothing any more, or again."""
        self.store.execute(f"PRAGMA query_only = {'ON' if locked else 'OFF'}")

    def restart(self, seconds: int) -> None:
        """The FEMS restarts: it is away, and has forgotten what was written."""
        self._away_until = self.house.moment + timedelta(seconds=seconds)
        self._ours.clear()
        self.fems.restart(seconds)

    def save(self, plan: Plan, *, valid: bool = True) -> None:
        """The planner has stored a plan."""
        plan_store.save(self.store, plan, {})
        self.plan = plan if valid else self.plan

    def spoil_newest_plan(self) -> None:
        """The newest plan in the store cannot be read."""
        self.store.execute("UPDATE plan SET body = x'7b' WHERE id = (SELECT max(id) FROM plan)")

    # --- cycles

    def cycle(self) -> None:
        """One cycle of the executor, its judgement, and the time until the next one."""
        begun_s, utc = self.monotonic(), self.house.moment
        self._posts = []
        held = self._held()
        timed_out = bool(self._ours) and not self.house.written.values and not self.doubts
        self._ours &= held
        wrong_clock = self._clock_doubt()
        self.offset_s += self.creep_s
        try:
            decision = self.executor.cycle()
        except UnsafeTimeoutError:
            self._refused_timeout()
            return
        self.cycles += 1
        self.holding += decision.setpoint_w is not None
        doubt = next(iter(self.doubts), "") or self._conditions() or wrong_clock
        texts = self.reported.take()
        self._count_names(texts)
        unsafe_s = None if self._unsafe_from_s is None else begun_s - self._unsafe_from_s
        broken = self.judge.poll(
            Cycle(
                begun_s, utc, self._first, doubt, self._seen, self.plan, decision, self._posts,
                held, self._overwritten, timed_out and not self._slow,
                texts=texts + decision.note, clock_error_s=self.offset_s, unsafe_s=unsafe_s,
                reconnected=self._reconnected,
            )
        )  # fmt: skip
        if broken is not None:
            self.broken.append(broken)
        self._first = self._overwritten = False
        self.doubts = {name: n - 1 for name, n in self.doubts.items() if n > 1}
        self.refusing = max(0, self.refusing - 1)
        if not self.doubts:
            self.fems.faults.clear()
            self.fems.faults.when(self._record, "null")
            if self.refusing:
                self.fems.faults.writes("refused")
        self.fems.advance(INTERVAL_S)

    def end(self) -> None:
        """The executor ends in good order, and another one starts."""
        self.executor.run(0)
        kept, away = self._held(), self.house.moment < self._away_until
        if kept and not self.doubts and not self.refusing and not away:
            self._break(Promise.ENDS, f"{sorted(kept)} held after the end")
        self.start_executor()

    def _refused_timeout(self) -> None:
        """The executor refuses a time-out: it ends, and starts again once that is mended."""
        if self._unsafe_from_s is None:
            self._break(Promise.TIMEOUT, "a safe time-out was refused")
        self.end()
        self.change_timeout(TIMEOUT_S, restarts=True)
        self._slow = False
        self.fems.advance(INTERVAL_S)

    def _count_names(self, texts: str) -> None:
        """Another writer that stays is named once."""
        if self.house.conditions.modbus_w is None:
            self._named = 0
            return
        self._named += texts.count("over ctrlApiModbusTcp0: only one")
        if self._named > 1:
            self._break(Promise.NAMED, f"named {self._named} times: {texts}")

    def _held(self) -> frozenset[str]:
        """Channels on which the FEMS holds something of ours."""
        return frozenset(self._ours & self.house.written.values.keys())

    def _break(self, promise: Promise, how: str) -> None:
        self.broken.append(Broken(promise, self.monotonic(), how))

    def _decided(self, decision: Decision, snapshot: Snapshot | None) -> None:
        del decision
        self._seen = snapshot

    def _clock_doubt(self) -> str:
        before, self._last_offset_s = self._last_offset_s, self.offset_s
        jumped = before is not None and abs(before - self.offset_s) > 30
        return "the clock jumped" if jumped else "skew" if abs(self.offset_s) > 120 else ""

    def _conditions(self) -> str:
        conditions = self.house.conditions
        if self.house.moment < self._away_until:
            return "away"
        if conditions.faulty:
            return "fault"
        if conditions.grid_mode != ON_GRID:
            return "off grid"
        needed = ("_sum/GridActivePower", f"{ESS}/Soc", f"{ESS}/AllowedDischargePower")
        unknown = conditions.unknown
        if unknown and any(re.fullmatch(unknown, name) for name in needed):
            return "unknown"
        return ""

    def _record(self, request: RestRequest) -> bool:
        """Note each request; as a rule for faults it never applies."""
        if not request.target.startswith(("/rest/channel/", "/jsonrpc")):
            self._break(Promise.ELSEWHERE, f"{request.method} {request.target}")
        if request.method == "POST" and request.target.startswith("/rest/channel/"):
            taken = not any(name in self.doubts for name in NOT_TAKEN) and not self.refusing
            channel = request.target.rsplit("/", 1)[1]
            value = json.loads(request.body)["value"]
            self._posts.append(Post(self.monotonic(), Channel(channel), value, taken))
            if taken:
                (self._ours.discard if value is None else self._ours.add)(channel)
        return False


class Told(logging.Handler):
    """Keeps what is logged, as an owner would read it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self._texts.append(record.getMessage())

    def take(self) -> str:
        """All since the last time."""
        texts, self._texts = self._texts, []
        return "\n".join(texts)
