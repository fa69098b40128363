""" "80 % by 07:00", and the executor's process killed at 06:30: a real kill -9, simulated time."""

import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.override import Override, OverrideKind
from optimizer.model.snapshot import Channel
from optimizer.planning import planner
from optimizer.planning.task import ForecastStep
from optimizer.simulation import sample_data
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, overrides, plan_store
from optimizer.store.overrides import StoredOverride

BEGIN = datetime(2026, 1, 15, 6, 0, tzinfo=sample_data.ZONE).astimezone(UTC)
QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
KILLED, MOMENT = BEGIN + 2 * QUARTER, BEGIN + 4 * QUARTER
BATTERY = Battery(capacity_wh=22_000)

CHILD = """
import sys
from datetime import datetime
from pathlib import Path

from optimizer.control.active_plan import ActivePlan
from optimizer.control.executor import Executor
from optimizer.control.law import ControlSettings
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.store import database
from optimizer.store.journal import Journal


class PipedClock:
    '''Time as the parent lets it pass.'''

    def __init__(self):
        self.wait(0)
        self.begun = self.moment

    def now(self):
        return self.moment

    def monotonic(self):
        return (self.moment - self.begun).total_seconds()

    def wait(self, seconds):
        print(round(seconds), flush=True)
        line = sys.stdin.readline()
        if line:
            self.moment = datetime.fromisoformat(line.strip())
        return not line


url, folder = sys.argv[1:]
connection, clock = database.connect(Path(folder)), PipedClock()
with FemsClient(url, "owner", deadline_s=4) as client:
    settings = ControlSettings(Battery(capacity_wh=22_000), Grid())
    Executor(client, ActivePlan(connection), Journal(connection), clock, settings).run()
"""


@contextmanager
def executor(fems, folder):
    """A real process of an executor; give a function that lets it run until a moment."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, fems.url, str(folder)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip

    def run_until(moment):
        while fems.house.moment < moment:
            line = process.stdout.readline()
            assert line, "the executor has ended"
            fems.advance(int(line))
            process.stdin.write(f"{fems.house.moment.isoformat()}\n")
            process.stdin.flush()

    try:
        yield process, run_until
    finally:
        process.kill()
        process.communicate()


def stored(folder):
    """A plan at one price, and on it the override that it would not charge without."""
    steps = tuple(
        ForecastStep(BEGIN + n * QUARTER, BEGIN + (n + 1) * QUARTER, 0.30, 0.08, 800.0, 0.0)
        for n in range(16)
    )
    charge = Override(1, OverrideKind.CHARGE, BEGIN, MOMENT, "owner", 80.0)
    request = planner.PlanRequest(BEGIN, "home", BATTERY, Grid(), 55.0, stored_value=0.10)
    connection = database.connect(folder)
    plan_store.save(connection, planner.make_plan(steps, request, lambda: 0.0), {})
    request = planner.PlanRequest(
        BEGIN, "home", BATTERY, Grid(), 55.0, stored_value=0.10, override=charge
    )
    plan = planner.make_plan(steps, request, lambda: 0.0)
    plan_store.save(connection, plan, {}, taken=StoredOverride(charge, 0.5))
    return connection


def test_a_charge_by_seven_is_there_after_a_kill_at_half_past_six(tmp_path):
    connection = stored(tmp_path)
    load, pv = Profile(BEGIN, 900, (800.0,)), Profile(BEGIN, 900, (0.0,))
    house = SimulatedHouse(BATTERY, load, pv, BEGIN, 55)

    def charge():
        return 100 * house.soc_wh / BATTERY.capacity_wh

    with SimulatedFems(house, limits=NO_LIMITS) as fems:
        with executor(fems, tmp_path) as (process, run_until):
            run_until(KILLED)
            assert 55 < charge() < 79
            assert house.written.values.get(Channel.EQUALS) is not None
            process.kill()
            assert process.wait(30) == -9
        fems.advance(70)  # longer than the time-out: the FEMS is on its own
        assert house.written.values == {}
        with executor(fems, tmp_path) as (_, run_until):
            run_until(MOMENT)
            assert 79.5 <= charge() <= 81.5
            assert overrides.in_force(connection, MOMENT) is None
            run_until(MOMENT + MINUTE)
            assert house.written.values == {}  # the house is served again
            run_until(MOMENT + 5 * MINUTE)
            assert charge() < 80.5
    connection.close()
