"""The loop in front of a mad or hostile FEMS: a doubt, never an exit, never a flood."""

import logging
import tracemalloc
from contextlib import ExitStack

import pytest

from optimizer.control.active_plan import ActivePlan, StoredDevice
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.control.log_limit import EVERY_S, MOST_KINDS, HourlyFilter
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.snapshot import FAULT, Reason
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.simulation.fems.wire_faults import ESCAPES
from optimizer.store import database, journal, plan_store
from tests.control.stepped import START, SteppedClock


class Log(logging.Handler):
    """Keeps what passes, as a journal would."""

    def __init__(self, clock):
        super().__init__(logging.INFO)
        self.addFilter(HourlyFilter(clock.monotonic))
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def world(tmp_path, make_plan):
    """An executor that charges in an hour and a half of cheap quarters."""
    battery = Battery(capacity_wh=100_000)
    settings = ControlSettings(battery, Grid(), site="home")
    load, pv = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    with ExitStack() as stack:
        store = database.connect(tmp_path)
        stack.callback(store.close)
        plan_store.save(
            store, make_plan(settings=settings, buy=0.1, values=(0.3,) * 2, steps=96), {}
        )
        house = SimulatedHouse(battery, load, pv, START, 5)
        fems = stack.enter_context(SimulatedFems(house, limits=NO_LIMITS))
        client = stack.enter_context(FemsClient(fems.url, "owner", deadline_s=2))
        clock = SteppedClock(fems)
        handler = Log(clock)
        logger = logging.getLogger("optimizer")
        before = logger.level
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        stack.callback(logger.setLevel, before)
        stack.callback(logger.removeHandler, handler)
        executor = Executor(
            client, ActivePlan(store), journal.Journal(store), clock, settings,
            device_memory=StoredDevice(store),
        )  # fmt: skip
        yield executor, fems, handler


HOSTILE = {
    "digits": Reason.UNKNOWN,
    "digits=20000": Reason.UNREACHABLE,  # beyond what is read of an answer
    "long-numbers": Reason.UNKNOWN,
    "long-numbers=4000": Reason.UNKNOWN,
    "long-numbers=5000": Reason.UNREACHABLE,  # no number of Python's either
    "escapes": None,
    "endless": Reason.YIELDED,
    "endless=600": Reason.UNREACHABLE,
    "garbage": Reason.UNREACHABLE,
    "huge=10000000": Reason.UNREACHABLE,
    "type-swap": Reason.UNKNOWN,
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_answer_is_a_doubt_and_not_an_exit(world, fault):
    executor, fems, log = world
    executor.run(40)
    fems.house.advance(1)
    fems.faults.when(lambda request: request.method == "GET", fault)
    reasons = set()
    executor.report = lambda decision: reasons.add(decision.reason)
    executor.run(300)
    assert Reason.INTERNAL_ERROR not in reasons
    assert not fems.house.written.values
    if HOSTILE[fault] is not None:
        assert HOSTILE[fault] in reasons
    assert len(log.lines) <= 12
    assert not [line for line in log.lines if len(line) > 500 or not line.isprintable()]


TURNS = (*HOSTILE, "refused", "null", "drop-before", "html", "refused=403")


def in_turns(fems):
    """Another fault for two minutes, then a good minute, and a fault state each half-hour."""

    def each(second):
        if second % 180 == 0:
            fems.faults.clear()
        elif second % 180 == 60:
            fems.faults.always(TURNS[second // 180 % len(TURNS)])
        if second % 1_800 in (30, 50):
            fems.house.conditions.state = FAULT if second % 1_800 == 30 else 0

    return each


@pytest.mark.no_cover  # what coverage notes would count as memory
def test_trouble_of_all_kinds_comes_and_goes_and_neither_log_nor_memory_grow(world):
    executor, fems, log = world
    executor.run(40)
    executor.clock.each, reasons = in_turns(fems), set()
    executor.report = lambda decision: reasons.add(decision.reason)
    executor.run(3_600)
    first_hour = len(log.lines)
    tracemalloc.start()
    executor.run(3_600)
    before = tracemalloc.get_traced_memory()[0]
    executor.run(4 * 3_600)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert Reason.INTERNAL_ERROR not in reasons
    assert reasons >= {Reason.REFUSED, Reason.UNREACHABLE, Reason.UNKNOWN, Reason.FAULT}
    assert grown < 1_000_000
    # two lines, its beginning and its end, for each kind of trouble and hour
    assert first_hour <= 40
    assert len(log.lines) <= 6 * 40
    assert not [line for line in log.lines if not line.isprintable() or len(line) > 500]


def test_escapes_of_a_stranger_reach_no_line(world, tmp_path):
    """A component that is new, and a name full of escapes, in the sentence about a stranger."""
    executor, fems, log = world
    executor.run(40)
    fems.faults.when(lambda request: request.method == "GET", "escapes")
    executor._approach.ask_again()
    executor.run(60)
    (line,) = [line for line in log.lines if "another FEMS than before" in line]
    assert "ess7 [2J 31mERROR all is lost" in line
    assert ESCAPES[0] not in line
    rows = executor.active_plan.connection.execute("SELECT note FROM tick").fetchall()
    assert all(note.isprintable() for (note,) in rows)


def test_a_kind_of_warning_is_logged_once_an_hour_and_counted():
    now, limit = [0.0], HourlyFilter(lambda: now[0])

    def logged(kind, level=logging.WARNING, line=1):
        record = logging.LogRecord("x", level, "f.py", line, "%s", ("gone",), None)
        record.kind = kind
        return record.getMessage() if limit.filter(record) else None

    assert [logged("a"), logged("a"), logged("b"), logged("a", line=2)] == [
        "gone", None, "gone", "gone",
    ]  # fmt: skip
    now[0] = EVERY_S
    assert logged("a") == "gone (and 1 times before, within the hour)"
    assert [logged(None, logging.INFO) for _ in range(2)] == ["gone", "gone"]
    for number in range(10_000):
        logged(number)
    assert len(limit._said) == MOST_KINDS
