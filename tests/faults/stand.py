"""The real executor, client and store on a simulated FEMS in simulated time, with a judge.

The client reaches the FEMS through a real socket, or straight through `Direct`: the same requests,
answers and faults without the cost of a connection.
"""

import base64
import json
import logging
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.control.book import PlanBook
from optimizer.control.executor import Executor
from optimizer.control.memory import Settings
from optimizer.errors import UnreachableError
from optimizer.fems.channels import ESS
from optimizer.fems.client import FemsClient
from optimizer.fems.refusals import Answer
from optimizer.fems.simulated import faults
from optimizer.fems.simulated.house import Profile, SimulatedHouse
from optimizer.fems.simulated.listener import NO_LIMITS
from optimizer.fems.simulated.rest import Request
from optimizer.fems.simulated.simulator import SimulatedFems
from optimizer.model.plan import Plan
from optimizer.model.state import ON_GRID, Channel, Decision, Snapshot
from optimizer.store import database, plans
from optimizer.store.journal import Journal
from tests.faults.promises import Broken, Cycle, Judge, Post, Promise, Terms

SECRET = "a-canary-password"
START = datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
"""Ten minutes before an hour that local time does not have."""

TIMEOUT_S, INTERVAL_S, DEADLINE_S = 60, 10, 3

NOT_TAKEN = ("drop-before", "reset", "redirect", "html")
"""Faults that come in the place of the FEMS's answer."""

ON_THE_WIRE = (*NOT_TAKEN, "drop-after", "garbage", "null", "huge=200000")


class Direct:
    """In the place of the client's `Wire`: hands requests to the FEMS without a socket."""

    origin = "http://direct"

    def __init__(self, fems: SimulatedFems, password: str) -> None:
        self.fems = fems
        self._login = "Basic " + base64.b64encode(f"x:{password}".encode()).decode()

    def close(self) -> None:
        """Nothing is open."""

    def unlike(self, answer: Answer | None = None) -> str:
        """The sentence for an answer that no FEMS would give."""
        del answer
        return "What answers does not speak like a FEMS."

    def exchange(self, method: str, path: str, content: Any, patience: Any) -> Answer:
        """One exchange, with the faults that are its share."""
        request = Request(method, path, "direct", self._login, "application/json",
                          "" if content is None else json.dumps(content))  # fmt: skip
        found = self.fems.faults.take(request)
        replies = [reply for fault in found if (reply := faults.instead(fault)) is not None]
        reply = replies[0] if replies else self.fems.reply(request)[0]
        for fault in found:
            reply = faults.spoiled(fault, reply)
        lost = not reply.status or any(fault.name == "drop-after" for fault in found)
        if lost or len(reply.body) > patience.cap_bytes:
            raise UnreachableError("The FEMS did not answer in time.")
        return Answer(reply.status, reply.content_type or "", reply.body, self.fems.date(0))


class Near(FemsClient):
    """A client without a way to the FEMS's JSON-RPC: that time-out is known beforehand."""

    def timeout_s(self) -> int | None:
        """The simulated FEMS's."""
        return TIMEOUT_S


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

    def __init__(self, folder: Path, settings: Settings, seed: int, *, socket: bool) -> None:
        draw, self.settings = random.Random(seed), settings
        load = Profile(START, 60, tuple(draw.choice((200.0, 700.0, 3_000.0)) for _ in range(60)))
        roof = Profile(START, 300, tuple(draw.choice((0.0, 0.0, 4_000.0)) for _ in range(12)))
        self.house = SimulatedHouse(settings.battery, load, roof, START, draw.uniform(15, 95))
        self.fems = SimulatedFems(self.house, limits=NO_LIMITS, owner_password=SECRET)
        self.fems.faults.when(self._record, "null")
        self._socket = socket
        if socket:
            self.fems.start()
        self.store = database.connect(folder)
        self.judge = Judge(Terms(settings.battery, settings.grid, settings.follow, (SECRET,)))
        self.broken: list[Broken] = []
        self.offset_s = 0.0
        self._away_until = START
        self.doubts: dict[str, int] = {}
        self.plan: Plan | None = None
        self.holding = self.cycles = 0
        self.told = Told()
        self._overwritten = False
        self._ours: set[str] = set()
        """Channels that were last written by us."""
        self._posts: list[Post] = []
        logging.getLogger("optimizer").addHandler(self.told)
        self.client: FemsClient | None = None
        self.start_executor()

    def close(self) -> None:
        """End without any last word."""
        logging.getLogger("optimizer").removeHandler(self.told)
        if self.client is not None:
            self.client.close()
        self.fems.stop()
        self.store.close()

    def start_executor(self) -> None:
        """A new executor, which knows nothing of the one before."""
        if self.client is not None:
            self.client.close()
        url = self.fems.url if self._socket else "http://127.0.0.1:9"
        self.client = (FemsClient if self._socket else Near)(url, SECRET, deadline_s=DEADLINE_S)
        if not self._socket:
            self.client._link._wire = Direct(self.fems, SECRET)
        self._last_offset_s: float | None = None
        self._first = True
        self.executor = Executor(
            self.client, PlanBook(self.store), Journal(self.store), self, self.settings,
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

    def restart(self, seconds: int) -> None:
        """The FEMS restarts: it is away, and has forgotten what was written."""
        self._away_until = self.house.moment + timedelta(seconds=seconds)
        self._ours.clear()
        self.fems.restart(seconds)

    def save(self, plan: Plan, *, valid: bool = True) -> None:
        """The planner has stored a plan."""
        plans.save(self.store, plan, {})
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
        decision = self.executor.cycle()
        self.cycles += 1
        self.holding += decision.setpoint_w is not None
        doubt = next(iter(self.doubts), "") or self._conditions() or wrong_clock
        broken = self.judge.look(
            Cycle(
                begun_s, utc, self._first, doubt, self._seen, self.plan, decision, self._posts,
                held, self._overwritten, timed_out, texts=self.told.take() + decision.note,
            )
        )  # fmt: skip
        if broken is not None:
            self.broken.append(broken)
        self._first = self._overwritten = False
        self.doubts = {name: n - 1 for name, n in self.doubts.items() if n > 1}
        if not self.doubts:
            self.fems.faults.clear()
            self.fems.faults.when(self._record, "null")
        self.fems.advance(INTERVAL_S)

    def end(self) -> None:
        """The executor ends in good order, and another one starts."""
        self.executor.run(0)
        kept = self._held()
        if kept and not self.doubts and self.house.moment >= self._away_until:
            self._break(Promise.ENDS, f"{sorted(kept)} held after the end")
        self.start_executor()

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

    def _record(self, request: Request) -> bool:
        """Note each request; as a rule for faults it never applies."""
        if not request.target.startswith(("/rest/channel/", "/jsonrpc")):
            self._break(Promise.ELSEWHERE, f"{request.method} {request.target}")
        if request.method == "POST" and request.target.startswith("/rest/channel/"):
            taken = not any(name in self.doubts for name in NOT_TAKEN)
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
