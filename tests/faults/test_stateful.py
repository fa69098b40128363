"""The promises under whatever hypothesis thinks of, over the simulated FEMS.

`FAULT_STATES=20000 pytest tests/faults/test_stateful.py` looks longer, and at other sequences.
"""

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from optimizer.model.snapshot import FAULT, ON_GRID
from optimizer.simulation.fems.installation import OFF_GRID
from tests.faults.sequences import houses, moved
from tests.faults.stand import ON_THE_WIRE, STRANGE, Stand

SEQUENCES = int(os.environ.get("FAULT_STATES", "500"))
MEMORY = Path("/dev/shm")  # noqa: S108 a folder of its own in it
PLACES = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
pytestmark = pytest.mark.no_cover


class Promises(RuleBasedStateMachine):
    """Rules are what befalls an executor; the invariant is that no promise is broken."""

    @initialize(kind=st.integers(0, len(houses()) - 1), seed=st.integers(0, 99))
    def begin(self, kind, seed):
        self.folder = Path(tempfile.mkdtemp(prefix="faults", dir=PLACES))
        law, self.plans = houses()[kind]
        self.stand = Stand(self.folder, law, seed, socket=False)
        self.stand.save(self._plan(0))
        self.work(3)

    def _store(self, plan, **more):
        self.stand.lock_store(locked=False)
        self.stand.save(plan, **more)

    def _plan(self, place, hours=0):
        quarter = timedelta(minutes=15)
        at = self.stand.house.moment
        begin = at - timedelta(seconds=at.timestamp() % quarter.total_seconds())
        return moved(self.plans[place % len(self.plans)], begin + timedelta(hours=hours))

    @rule(cycles=st.integers(1, 3))
    def work(self, cycles):
        for _ in range(cycles):
            self.stand.cycle()

    @rule(fault=st.sampled_from(ON_THE_WIRE), cycles=st.integers(1, 2))
    def break_the_link(self, fault, cycles):
        self.stand.doubts[fault.partition("=")[0]] = cycles
        self.stand.fems.faults.always(fault)
        self.work(cycles)

    @rule(name=st.sampled_from(("ess0/Soc", "_sum/GridActivePower", "ess0/AllowedDischargePower")))
    def forget_a_value(self, name):
        self.stand.house.conditions.unknown = name
        self.work(1)

    @rule(state=st.sampled_from((0, 2, FAULT)), mode=st.sampled_from((ON_GRID, ON_GRID, OFF_GRID)))
    def change_state(self, state, mode):
        self.stand.house.conditions.state, self.stand.house.conditions.grid_mode = state, mode
        self.work(1)

    @rule()
    def mend(self):
        conditions = self.stand.house.conditions
        conditions.unknown, conditions.state, conditions.grid_mode = "", 0, ON_GRID
        self.stand.offset_s = self.stand.creep_s = 0.0
        self.stand.write_over_modbus(None)
        self.stand.lock_store(locked=False)
        self.work(3)

    @rule(seconds=st.sampled_from((-5.0, 5.0, 600.0, -7_200.0, 86_400.0)))
    def set_the_clock(self, seconds):
        self.stand.offset_s = seconds
        self.work(1)

    @rule(place=st.integers(0, 5))
    def plan_anew(self, place):
        self._store(self._plan(place))
        self.work(2)

    @rule(place=st.integers(0, 5), how=st.sampled_from(("damaged", "foreign", "of tomorrow")))
    def plan_badly(self, place, how):
        """A plan that is of no use leaves the one before in force."""
        plan = self._plan(place, 24 if how == "of tomorrow" else 0)
        if how == "foreign":
            return
        self._store(plan, valid=False)
        if how == "damaged":
            self.stand.spoil_newest_plan()
        self.work(1)

    @rule()
    def get_anothers_plan(self):
        foreign = replace(self._plan(0), bounds="another battery's")
        self._store(foreign)
        self.stand.plan = None
        self.work(2)

    @rule(times=st.sampled_from((1, 2, 8)))
    def write_from_elsewhere(self, times):
        for _ in range(times):
            self.stand.write_over()
            self.stand.cycle()

    @rule(cycles=st.integers(1, 4))
    def refuse_writes(self, cycles):
        self.stand.refuse_writes(cycles)
        self.work(cycles)

    @rule(seconds=st.sampled_from((0, 15, 60, 301, 600)), restarts=st.booleans())
    def change_the_time_out(self, seconds, restarts):
        self.stand.change_timeout(seconds, restarts=restarts)
        self.work(2)

    @rule(step=st.sampled_from((-7.0, 2.0, 25.0)))
    def let_the_clock_creep(self, step):
        self.stand.creep_s = step
        self.work(2)

    @rule(locked=st.booleans())
    def lock_the_store(self, locked):
        self.stand.lock_store(locked=locked)
        self.work(2)

    @rule(power_w=st.sampled_from((None, -1_500, 3_000)))
    def write_over_modbus(self, power_w):
        self.stand.write_over_modbus(power_w)
        self.work(3)

    @rule(fault=st.sampled_from(STRANGE))
    def answer_strangely(self, fault):
        self.stand.fems.faults.always(fault)
        self.work(1)

    @rule(seconds=st.sampled_from((0, 20, 70)))
    def kill(self, seconds):
        self.stand.fems.advance(seconds)
        self.stand.start_executor()
        self.work(1)

    @rule()
    def end(self):
        self.stand.end()

    @rule(seconds=st.sampled_from((20, 90)))
    def restart_the_fems(self, seconds):
        self.stand.restart(seconds)
        self.work(2)

    @precondition(lambda self: hasattr(self, "stand"))
    @invariant()
    def keeps_its_promises(self):
        assert self.stand.broken == []

    def teardown(self):
        if hasattr(self, "stand"):
            self.stand.close()
            shutil.rmtree(self.folder, ignore_errors=True)


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=SEQUENCES, stateful_step_count=10, deadline=None,
    derandomize="FAULT_STATES" not in os.environ, suppress_health_check=list(HealthCheck),
    database=None, print_blob=True,
)  # fmt: skip
