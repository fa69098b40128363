"""A small pure world for fuzzing: a FEMS, its house, a link, clocks, and what befalls them.

It stands behind the executor's own ports (`fems`, `clock`, `active_plan`, `journal`) without
sockets, files or waiting: a cycle takes some microseconds of real time. What it knows in truth goes
into the `MeterCycle` that the judge looks at.
"""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from optimizer.control.setpoint_writer import LONGEST_HOLD_S
from optimizer.errors import LoginError, UnreachableError
from optimizer.fems.channels import API
from optimizer.fems.client import FemsClient
from optimizer.fems.writable_channels import Entry, HandedOver
from optimizer.model.battery import Battery
from optimizer.model.plan import Plan
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot
from tests.faults.promises import UNSAFE_S, Broken, Cycle, Post, Promise

TIMEOUTS_S = (60, 60, 40)
"""The FEMS's own time-out: whatever was written ends so long after the last write."""

DEADLINE_S = 3.0
"""An exchange without an answer takes so long, as `optimizer run` sets it."""

CREPT_S = 95.0
"""A clock that crept away from the FEMS's so far [s] is believed no more, unless the network sets
it: 60 s prove it at most, and 30 s more are found as a jump."""

FULL_TURN_S = 0.05
"""An exchange that succeeds."""

LEARNT_S = 25.0
"""Time until another time-out is seen where the connection has ended: two cycles [s]."""

FAILING = {"down", "post lost", "answer lost", "late", "refused", "writes refused", "write refused"}
"""Troubles in which writes fail."""

CUT_OFF = {"down", "post lost", "late", "refused", "writes refused"}
"""Troubles in which no release reaches the FEMS."""

READING = ("soc_percent", "grid_w", "ess_w", "grid_mode", "state", "allowed_charge_w",
           "allowed_discharge_w")  # fmt: skip
"""What has to be known of a reading."""


class Killed(BaseException):
    """The process is gone: not one more line of it runs to any effect."""


@dataclass(slots=True)
class Trouble:
    """What is wrong now; each for some more cycles."""

    left: dict[str, int] = field(default_factory=dict)

    def pass_cycle(self) -> None:
        """One cycle less of everything."""
        if self.left:
            self.left = {name: n - 1 for name, n in self.left.items() if n > 1}


class Nowhere:
    """A journal that keeps nothing, in a store that may fail."""

    def __init__(self, trouble: Trouble | None = None) -> None:
        self._trouble = trouble or Trouble()

    def note(self, decision: Decision, snapshot: Snapshot | None) -> None:
        """Forget it."""
        self.flush()

    def event(self, decision: Decision, snapshot: Snapshot | None, note: str) -> None:
        """Forget it."""

    def quarter(self, quarter: object) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Nothing to write; raises an error of the store's if that is gone."""
        if "store gone" in self._trouble.left:
            raise sqlite3.OperationalError("disk I/O error")


class World:
    """A house with its FEMS, the computer's clocks, and the way between them.

    Parameters
    ----------
    draw
        Where all chance comes from.
    start
        True time at the beginning.
    befall
        Called between two cycles: brings new troubles.
    judge
        Called with each completed cycle.
    """

    def __init__(
        self,
        draw: random.Random,
        battery: Battery,
        start: datetime,
        befall: "Callable[[World], None]",
        judge: Callable[[Cycle], None],
    ) -> None:
        self.draw, self.battery, self.start = draw, battery, start
        self.befall, self.judge = befall, judge
        self.t = 0.0
        self.offset_s = 0.0
        self.device_offset_s = 0.0
        self.trouble = Trouble()
        self.load_w, self.dc_pv_w, self.derate = 600.0, 0.0, 1.0
        self.soc_wh = battery.capacity_wh * draw.uniform(0.03, 1.0)
        self.written: dict[Channel, tuple[int, bool]] = {}
        """What the FEMS hands over, by channel: the value, and whether it is ours."""
        self.timeout_s = draw.choice(TIMEOUTS_S)
        self.until_s = float("inf")
        self.connections = 1
        self._no_trouble()
        self.late: list[tuple[float, Channel, int | None]] = []
        self.plan: Plan | None = None
        self.valid = False
        """Whether the plan is one for this battery."""
        self.paused = False
        """Whether the owner pauses control; it outlives executors."""
        self.stopping = self.dead = False
        self.hits: dict[str, int] = {}
        """How often each trouble met something that was held."""
        self.cycles = self.holding = 0
        self._held_before = False
        self._landed_late_s = float("-inf")
        self._reported: tuple[float, float] | None = None
        self._last_offset_s: float | None = None
        self._overwritten = self._timed_out = False
        self.begin_life()

    def _no_trouble(self) -> None:
        """A clock and a FEMS with which nothing is wrong."""
        self.synchronised = False
        """What the computer says of its clock."""
        self.creep_s = 0.0
        """By how much its clock creeps away in each cycle."""
        self._unsafe_from_s: float | None = None
        self._unsafe_connections = 0
        self._learnt_s = self._failed_s = float("-inf")
        self.modbus_w: int | None = None
        """Another program's value over Modbus, which stands above ours."""

    def begin_life(self) -> None:
        """A new executor starts."""
        self.stopping = self.dead = False
        self._first, self._wrote = True, False
        self._last_offset_s = self._reported = None
        self._decided: Decision | None = None
        self._begin_cycle()

    def gone(self, seconds: float) -> None:
        """Nobody is there; the judge's promise about that is the FEMS's own time-out."""
        self._pass(seconds)

    def left_behind(self) -> list[Broken]:
        """What an executor that ended in good order left on the FEMS, although it could write."""
        held = [c for c, (_, ours) in self.written.items() if ours]
        cut_off = CUT_OFF & self.trouble.left.keys()
        on_its_way = self.late or self.t - self._landed_late_s < 2 * DEADLINE_S
        if held and self._wrote and not cut_off and not on_its_way:
            return [Broken(Promise.ENDS, self.t, f"{held} held after the end")]
        return []

    def _begin_cycle(self) -> None:
        self._begun_s, self._paused = self.t, self.paused
        self._posts: list[Post] = []
        self._doubt = ""
        self._refused_one = False
        self._seen: Snapshot | None = None
        self._held = frozenset(c for c, (_, ours) in self.written.items() if ours)

    # --- the pause port

    def current(self, now: datetime) -> str:
        """The pause in words."""
        del now
        return "PAUSED by a test" if self.paused else ""

    @property
    def reason(self) -> Reason:
        """The owner's pause."""
        return Reason.PAUSED

    def changed(self, now: datetime) -> bool:
        """Pauses begin and end between two cycles here."""
        del now
        return False

    # --- the clock port

    def now(self) -> datetime:
        """What the computer's clock shows."""
        return self.start + timedelta(seconds=self.t + self.offset_s)

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return self.t

    def wait(self, seconds: float) -> bool:
        """A cycle is over: judge it, let time pass, bring trouble."""
        self._end_cycle()
        half_s = seconds * self.draw.random()
        self._pass(half_s)
        self.offset_s += self.creep_s
        self.befall(self)
        if self.dead:
            raise Killed
        self._pass(seconds - half_s)
        self._begin_cycle()
        return self.stopping

    def _end_cycle(self) -> None:
        """Tell the judge."""
        self.cycles += 1
        decision = self._decided or Decision(self.now(), None, Reason.STOPPED)
        self._clock_doubts()
        held = decision.setpoint_w is not None
        self.holding += held
        if self._held_before and self.trouble.left:
            for name in self.trouble.left:
                self.hits[name] = self.hits.get(name, 0) + 1
        self._held_before = held
        self.judge(
            Cycle(
                begun_s=self._begun_s,
                utc=self.start + timedelta(seconds=self._begun_s),
                first=self._first,
                doubt=self._doubt,
                snapshot=self._seen,
                plan=self.plan if self.valid else None,
                decision=decision,
                posts=self._posts,
                held=self._held,
                overwritten=self._overwritten,
                timed_out=self.timed_out,
                texts=decision.note,
                paused=self._paused,
                clock_error_s=self.offset_s,
                unsafe_s=None if self._unsafe_from_s is None else self.t - self._unsafe_from_s,
                reconnected=self.connections != self._unsafe_connections,
            )
        )
        self._first = self._overwritten = self._timed_out = False
        self._last_offset_s = self.offset_s
        self.trouble.pass_cycle()

    def _clock_doubts(self) -> None:
        if self._seen is None:
            self._doubt = self._doubt or "no reading"
        before = self._last_offset_s
        if before is not None and abs(self.offset_s - before) > 30:
            self._doubt = self._doubt or "the clock jumped"
        apart_s = abs(self.device_offset_s - self.offset_s)
        if self._seen is not None and apart_s > 120:
            self._doubt = self._doubt or "the clocks differ"
        crept = self.creep_s != 0 and not self.synchronised and apart_s > CREPT_S
        if self._seen is not None and crept:
            self._doubt = self._doubt or "the clock has crept away"

    def on_cycle(self, decision: Decision, snapshot: Snapshot | None) -> None:
        """What the executor decided."""
        del snapshot
        self._decided = decision

    # --- time, house and FEMS

    def _pass(self, seconds: float) -> None:
        """Let true time pass, with all that comes due in it."""
        until = self.t + seconds
        while True:
            due = min(self.until_s, *(item[0] for item in self.late)) if self.late else self.until_s
            step = min(until, due) - self.t
            if step > 0:
                self._live(step)
                self.t += step
            if due > until:
                return
            if self.until_s <= self.t:
                self._timed_out = any(ours for _, ours in self.written.values())
                self.written.clear()
                self.until_s = float("inf")
            for item in [one for one in self.late if one[0] <= self.t]:
                self.late.remove(item)
                self._landed_late_s = self.t
                self._take(item[1], item[2])

    def _live(self, seconds: float) -> None:
        battery_w = self._powers()[0]
        stored = self.soc_wh - battery_w * seconds / 3600
        self.soc_wh = min(max(stored, 0.0), self.battery.capacity_wh)

    def _limits(self) -> tuple[float, float]:
        full, battery = self.battery.capacity_wh, self.battery
        low = 0.0 if self.soc_wh >= full else -battery.max_charge_w * self.derate
        high = 0.0 if self.soc_wh <= 0.02 * full else battery.max_discharge_w * self.derate
        return low, high

    def _powers(self) -> tuple[float, float]:
        """Battery and inverter [W] at this moment."""
        low, high = self._limits()
        pv = self.dc_pv_w if self.battery.hybrid else 0.0
        battery_w = min(max(self.load_w - self.dc_pv_w, low), high)
        if Channel.LESS_OR_EQUALS in self.written:
            battery_w = min(battery_w, self.written[Channel.LESS_OR_EQUALS][0] - pv)
        if Channel.GREATER_OR_EQUALS in self.written:
            battery_w = max(battery_w, self.written[Channel.GREATER_OR_EQUALS][0] - pv)
        if Channel.EQUALS in self.written:
            battery_w = self.written[Channel.EQUALS][0] - pv
        if self.modbus_w is not None:
            battery_w = self.modbus_w - pv
        battery_w = min(max(battery_w, low), high)
        return battery_w, battery_w + pv

    def _take(self, channel: Channel, value: int | None, *, ours: bool = True) -> None:
        if value is None:
            self.written.pop(channel, None)
        else:
            self.written[channel] = (value, ours)
        self.until_s = self.t + self.timeout_s if self.timeout_s else float("inf")

    def change_timeout(self, seconds: int, *, restarts: bool) -> None:
        """The owner sets another time-out; as a rule the app restarts, and the connection ends."""
        self.timeout_s = seconds
        if restarts:
            self.connections += 1
            self.restart_device()
        unsafe = not 0 < seconds <= LONGEST_HOLD_S
        if not unsafe:
            self._unsafe_from_s = None
        elif self._unsafe_from_s is None:
            self._unsafe_from_s = self.t
            self._unsafe_connections = self.connections - restarts
        self._learnt_s = self.t + (LEARNT_S if restarts else UNSAFE_S)

    @property
    def timed_out(self) -> bool:
        """Whether the FEMS has dropped something of ours that should have lasted.

        A time-out that has just become shorter is learnt first, and within a short one there is no
        room for lost writes.
        """
        learning = self.t < self._learnt_s
        no_room = self.timeout_s < min(TIMEOUTS_S) and self.t - self._failed_s < 60
        return self._timed_out and not learning and not no_room

    def write_over(self) -> None:
        """Another program puts its value in the place of ours."""
        channel = next((c for c, (_, ours) in self.written.items() if ours), None)
        if channel is not None:
            self._overwritten = True
        self._take(channel or Channel.EQUALS, 1_000 + self.draw.randrange(999), ours=False)

    def restart_device(self) -> None:
        """The FEMS reboots: what was written is lost."""
        self.written.clear()
        self.until_s = float("inf")

    # --- the link: what the client above it asks

    def snapshot(self, at: datetime) -> Snapshot:
        """A reading, as far as the link and its troubles let it through."""
        wrong = self.trouble.left
        self._exchange_begins("GET")
        battery_w, ess_w = self._powers()
        low, high = self._limits()
        pv_dc, contradicting = ess_w - battery_w, "contradicting limits" in wrong
        soc: float | None = round(100 * self.soc_wh / self.battery.capacity_wh)
        values: dict[str, Any] = {
            "soc_percent": soc,
            "grid_w": float(round(self.load_w - self.dc_pv_w - battery_w)),
            "ess_w": float(round(ess_w)),
            "battery_w": float(round(battery_w)),
            "pv_w": self.dc_pv_w,
            "allowed_charge_w": float(int(low)),
            "allowed_discharge_w": 498.0 if contradicting else float(int(high + pv_dc)),
            "grid_mode": 1,
            "state": 0,
            "applied_w": float(round(ess_w)),
        }
        if wrong:
            at = self._spoil(values, at, wrong)
        self._note_jump(values["soc_percent"])
        self._seen = Snapshot(at, **values)
        return self._seen

    def _spoil(self, values: dict[str, Any], at: datetime, wrong: dict[str, int]) -> datetime:
        for name in wrong:
            if name.startswith("null "):
                values[name[5:]] = None
                if name != "null battery_w" or self.battery.hybrid:
                    self._doubt = name
        if "fault" in wrong:
            values["state"], self._doubt = 3, "fault"
        if "off grid" in wrong:
            values["grid_mode"], self._doubt = 2, "off grid"
        if "genset" in wrong:
            values["grid_mode"], self._doubt = 3, "off grid"
        if "wrong sign" in wrong:
            values["allowed_charge_w"], self._doubt = 3_000.0, "wrong sign"
        if "impossible charge" in wrong:
            values["soc_percent"], self._doubt = 127.0, "impossible charge"
        if "stale" in wrong:
            at, self._doubt = at - timedelta(seconds=25), "stale"
        return at

    def _note_jump(self, soc: float | None) -> None:
        before, self._reported = self._reported, None
        if soc is None or self._doubt:
            return
        self._reported = (self.t, soc)
        if before is not None and self.t - before[0] < 50 and abs(soc - before[1]) > 20:
            self._doubt = "the state of charge jumped"

    def _exchange_begins(self, method: str) -> None:
        """What becomes of an exchange before the FEMS looks at it."""
        if self.dead:
            raise Killed
        wrong = self.trouble.left
        if method == "POST" and self._refuses_write():
            raise LoginError("The FEMS does not accept the password.")
        if "refused" in wrong:
            self._doubt = "refused"
            raise LoginError("The FEMS does not accept the password.")
        if wrong.keys() & FAILING:
            self._failed_s = self.t
        if "down" in wrong:
            self._doubt = self._doubt or "down"
            self._pass(DEADLINE_S)
            raise UnreachableError("The FEMS cannot be reached.")
        if "slow" in wrong or self.until_s <= self.t + FULL_TURN_S or self.late:
            self._pass(min(self.timeout_s or 60, 60) / 24 if "slow" in wrong else FULL_TURN_S)
        else:
            self.t += FULL_TURN_S

    def _refuses_write(self) -> bool:
        """Whether this write is refused: all of them, or just one between others that are not."""
        one = "write refused" in self.trouble.left and not self._refused_one
        self._refused_one = self._refused_one or one
        return one or "writes refused" in self.trouble.left

    def post(self, ess: str, channel: Channel, value: int | None) -> None:
        """A write, and what becomes of it."""
        del ess
        wrong, at = self.trouble.left, self.t
        place = len(self._posts)
        self._posts.append(Post(at, channel, value, taken=False))
        self._wrote = self._wrote or value is not None
        self._exchange_begins("POST")
        if "post lost" in wrong:
            self._pass(DEADLINE_S)
            raise UnreachableError("The FEMS did not answer in time.")
        if "late" in wrong:
            self.late.append((at + DEADLINE_S + 12 * self.draw.random(), channel, value))
            self._pass(DEADLINE_S)
            raise UnreachableError("The FEMS did not answer in time.")
        self._take(channel, value)
        self._posts[place] = Post(at, channel, value, taken=True)
        if "answer lost" in wrong:
            self._pass(DEADLINE_S)
            raise UnreachableError("The FEMS did not answer in time.")

    def handed_over(self, ess: str) -> HandedOver:
        """What the REST app hands over."""
        self._exchange_begins("GET")
        entries = [Entry(API, f"{ess}/{c}", str(v)) for c, (v, _) in self.written.items()]
        if self.modbus_w is not None:
            entries.append(
                Entry("ctrlApiModbusTcp0", f"{ess}/{Channel.EQUALS}", str(self.modbus_w))
            )
        return HandedOver(tuple(entries), known=True, failed=False)

    def at(self, now: datetime) -> Plan | None:
        """The plan book."""
        del now
        return self.plan

    def news(self) -> str:
        """The plan book's news."""
        return ""

    def end_override(self, number: int | None, now: datetime) -> None:
        """The plan book's note of a charge that is there; it outlives executors."""
        del now
        order = None if self.plan is None else self.plan.override
        if self.plan is not None and order is not None and order.number == number:
            self.plan = replace(self.plan, override=None)


class WorldClient(FemsClient):
    """The real client, with the world for its link; readings come without being parsed."""

    def __init__(self, world: World) -> None:
        self.ess = "ess0"
        self._link = world  # type: ignore[assignment]
        self._world = world
        self._deadline_s, self._reactive = DEADLINE_S, False
        self._held, self._written = {}, []

    @property
    def device_time(self) -> datetime | None:
        """The FEMS's clock."""
        world = self._world
        return world.start + timedelta(seconds=world.t + world.device_offset_s)

    def timeout_s(self) -> int | None:
        """The FEMS's time-out."""
        return self._world.timeout_s

    def snapshot(self, at: datetime) -> Snapshot:
        """One reading."""
        return self._world.snapshot(at)

    def handed_over(self) -> HandedOver:
        """Who writes."""
        return self._world.handed_over(self.ess)

    def controllers(self) -> tuple[str, ...]:
        """None that matters."""
        return ()
