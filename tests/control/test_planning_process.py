"""The planner as a process beside the loop: small programs stand in for it."""

import logging
import os
import sys
from datetime import timedelta

import pytest

from optimizer.control.replan import ReplanInterval, Replanner
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Decision, Reason
from tests.waiting import Stopwatch, wait_for


class Clock:
    """Monotonic time by hand."""

    seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def replanner(caplog):
    """A replanner whose planner is some lines of Python."""
    caplog.set_level(logging.INFO)
    made = []

    def make(program):
        command = [sys.executable, "-c", program]
        rhythm = ReplanInterval(site="home")
        made.append(Replanner(command, rhythm, Battery(capacity_wh=22_000), Clock()))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def poll(now):
    def poll(replanner, minutes=0.0):
        decision = Decision(now + timedelta(minutes=minutes), None, Reason.NO_PLAN)
        replanner.poll(decision, None, None)

    return poll


def ended(replanner, poll):
    poll(replanner)
    return replanner._run is None


def messages(caplog):
    return [record.message for record in caplog.records]


def test_a_run_is_started_looked_after_and_told(replanner, poll, caplog, tmp_path):
    mark = tmp_path / "mark"
    one = replanner(f"open({str(mark)!r}, 'a').write('x'); print('much ' * 100_000)")
    poll(one)
    wait_for(lambda: ended(one, poll))
    assert messages(caplog) == ["planned anew: no plan covers this moment"]
    poll(one, 14)
    assert one._run is None
    poll(one, 15)
    wait_for(lambda: ended(one, poll))
    assert mark.read_text() == "xx"


def test_a_failure_is_one_line_and_changes_nothing(replanner, poll, caplog):
    one = replanner("import sys; print('lots\\nof text\\nthe prices are gone', file=sys.stderr); sys.exit(8)")  # fmt: skip  # noqa: E501
    poll(one)
    wait_for(lambda: ended(one, poll))
    assert messages(caplog) == [
        "the planner failed with exit code 8, the plan in force stays: the prices are gone"
    ]


def test_a_silent_failure_is_told_too(replanner, poll, caplog):
    one = replanner("raise SystemExit(1)")
    poll(one)
    wait_for(lambda: ended(one, poll))
    assert messages(caplog)[0].endswith("it said nothing")


def test_never_two_at_once_and_never_waited_for(replanner, poll):
    one = replanner("import time; time.sleep(600)")
    watch = Stopwatch()
    poll(one)
    first = one._run.process
    for minutes in range(1, 60):
        poll(one, minutes)
    assert one._run.process is first
    assert watch.seconds() < 2
    assert os.getpriority(os.PRIO_PROCESS, first.pid) == 10
    one.stop()
    assert first.returncode is not None


def test_a_run_that_does_not_end_is_ended(replanner, poll, caplog, tmp_path):
    mark = tmp_path / "deaf"
    one = replanner(
        f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(mark)!r}, 'w');"
        " time.sleep(600)"
    )
    poll(one)
    process = one._run.process
    wait_for(mark.exists)
    one.clock.seconds = 301.0
    poll(one)
    assert process.returncode is not None
    assert one._run is None
    assert messages(caplog) == ["the planner was ended after 301 s: the plan in force stays"]


def test_a_planner_that_is_not_there_is_told(replanner, poll, caplog):
    one = replanner("")
    one.command = ["/nowhere/optimizer"]
    poll(one)
    assert one._run is None
    assert "the planner cannot be started" in messages(caplog)[0]


def test_a_request_begins_a_run_at_once_and_answers_those_before_it(replanner, poll, caplog):
    asked = replanner("pass")
    poll(asked)  # no plan covers this moment
    wait_for(lambda: ended(asked, poll))
    poll(asked)
    assert asked._run is None  # not again within the quarter of an hour
    asked.requests.put("first")
    asked.requests.put("second")
    poll(asked)
    assert asked._run is not None
    wait_for(lambda: ended(asked, poll))
    assert messages(caplog)[-1] == "planned anew: second"
    poll(asked)
    assert asked._run is None
