"""`release`, `pause` and `resume` beside a running executor, as processes over real sockets.

One executor serves all tests of the file that leave it at work: each start takes seconds.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from optimizer.errors import ExitCode
from optimizer.model.snapshot import Channel
from optimizer.store import database, journal, live_state, pause
from tests.steady_house import steady_house
from tests.waiting import Stopwatch

HELD = -10_000
SEEN_WITHIN_S = 1.0
"""A running executor obeys a pause within this [s], besides waits for a processor."""


@pytest.fixture(scope="module")
def tmp_path(tmp_path_factory):
    """One folder for all tests of the file."""
    return tmp_path_factory.mktemp("house")


@pytest.fixture(scope="module")
def fems():
    """One FEMS for all tests of the file."""
    with steady_house() as running:
        yield running


@pytest.fixture
def held(fems):
    return lambda: fems.house.written.values.get(Channel.EQUALS) == HELD


@pytest.fixture(scope="module")
def executors():
    """Executors that were started; what still runs at the end is ended."""
    started = []
    yield started
    for process in started:
        process.terminate()
        process.communicate()


@pytest.fixture
def begin(executors, tmp_path):
    """Start an executor that goes on after the test."""

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "optimizer", "run", "--no-replan"], cwd=tmp_path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"FEMS_PASSWORD": "owner"},
        )  # fmt: skip
        executors.append(process)
        return process

    return start


@pytest.fixture
def at_work(request, executors, begin, fems, held, optimizer, wait_for, tmp_path):
    """An executor with a long cycle that holds the cheap hours' charge, and nothing is paused."""
    if not executors:
        write_config = request.getfixturevalue("write_config")
        path = write_config(request.getfixturevalue("files_for_now"), url=fems.url)
        path.write_text(path.read_text().replace("interval_s = 1", "interval_s = 3"))
        assert optimizer("plan").returncode == 0
    pause.end(tmp_path / "state")
    if not executors or executors[-1].poll() is not None:
        begin()
    wait_for(held)
    wait_for(live_state.path_for(tmp_path / "state").exists)
    return executors[-1]


def stayed_free(fems, seconds):
    """Whether nothing was written in this time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if fems.house.written.values:
            return False
        time.sleep(0.05)
    return True


def test_an_executor_sees_a_pause_within_a_second_and_its_end(
    at_work, fems, held, wait_for, tmp_path
):
    """By the store alone: nobody else writes the null."""
    folder = tmp_path / "state"
    seconds = []
    for _ in range(3):
        watch = Stopwatch(at_work.pid)
        pause.store(folder, pause.Pause(datetime.now(UTC), "a test"))
        seconds.append(watch.until(lambda: not fems.house.written.values))
        pause.end(folder)
        wait_for(held)
    assert max(seconds) < SEEN_WITHIN_S, seconds


def test_release_own_never_pauses(at_work, fems, optimizer, tmp_path):
    assert optimizer("release", "--own").returncode == 0
    assert pause.load(tmp_path / "state") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="a read-only mount needs root")
def test_a_store_that_cannot_be_written_does_not_keep_release_from_releasing(
    at_work, fems, held, tmp_path, wait_for
):
    state = tmp_path / "state"
    script = (
        f"mount --bind {state} {state} && mount -o remount,ro,bind {state} && "
        f"exec {sys.executable} -m optimizer release"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True,
        timeout=60, check=False, env=os.environ | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip
    assert done.returncode == ExitCode.REFUSED
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("optimizer: released, but the pause cannot be stored in ")
    assert "a running executor will take over again within seconds: stop it first" in done.stderr
    assert done.stderr.count("\n") == 1
    wait_for(held)


def test_fems_set_beside_an_executor_is_refused_or_pauses_it(
    at_work, fems, held, optimizer, wait_for, start, tmp_path
):
    done = optimizer("fems", "set", "SetActivePowerEquals", "-500", "--for", "5")
    assert done.returncode == ExitCode.ALREADY_RUNNING
    assert "would take turns with this value: 'optimizer pause' first, or" in done.stderr
    assert held()
    process = start("fems", "set", "SetActivePowerEquals", "-500", "--for", "12", "--pause")
    wait_for(lambda: fems.house.written.values == {Channel.EQUALS: -500})
    until = time.monotonic() + 5  # longer than a cycle: no turns are taken
    while time.monotonic() < until:
        assert fems.house.written.values == {Channel.EQUALS: -500}
        time.sleep(0.05)
    assert process.wait(60) == 0
    wait_for(held)
    assert pause.load(tmp_path / "state") is None


def test_under_the_owners_pause_a_value_may_be_set_by_hand(at_work, fems, optimizer, tmp_path):
    assert optimizer("pause").returncode == 0
    done = optimizer("fems", "set", "SetActivePowerEquals", "-500", "--for", "3")
    assert done.returncode == 0
    assert pause.load(tmp_path / "state") is not None


def test_release_beside_an_executor_is_true_and_stays_true(
    at_work, fems, held, optimizer, wait_for, tmp_path
):
    done = optimizer("release")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "released: the FEMS controls the battery by itself; an executor stays away until "
        "'optimizer resume'\n"
    )
    assert stayed_free(fems, 5)  # longer than a cycle
    status = " ".join(optimizer("status").stdout.split())  # the lines fit a terminal's width
    assert re.match(
        r"PAUSED since \d{4}-\d\d-\d\d \d\d:\d\d by 'optimizer release' by \S+, until "
        r"'optimizer resume' FEMS ",
        status,
    )
    data = json.loads(optimizer("status", "--json").stdout)
    assert (data["state"], data["executor"]["reason"]) == ("paused", "paused")
    assert data["pause"]["by"].startswith("'optimizer release' by ")
    assert data["pause"]["until"] is None
    done = optimizer("resume")
    watch = Stopwatch(at_work.pid)
    assert done.returncode == 0
    assert done.stdout.endswith(" is over; the executor goes on\n")
    assert watch.until(held) < SEEN_WITHIN_S + 1  # it looks, reads, and writes
    at_work.send_signal(signal.SIGTERM)
    assert at_work.wait(60) == 0
    connection = database.connect(tmp_path / "state")
    rows = journal.ticks(connection, datetime(2026, 1, 1, tzinfo=UTC), "change")
    connection.close()
    reasons = [row.reason for row in rows]
    assert reasons[reasons.index("PAUSED") - 1] == "HOLDING"
    assert reasons[-3:] == ["PAUSED", "HOLDING", "STOPPED"]
    assert "PAUSED since " in next(row.note for row in rows if row.reason == "PAUSED")


def test_a_pause_survives_a_restart_and_a_kill_and_ends_by_itself(
    at_work, fems, held, optimizer, begin, wait_for, tmp_path
):
    done = optimizer("pause", "--for", "15s")
    assert done.returncode == 0
    assert done.stdout.endswith(": the executor has given control back\n")
    until = pause.load(tmp_path / "state").until
    assert not fems.house.written.values
    at_work.kill()
    at_work.wait(60)
    process = begin()
    while True:
        values = dict(fems.house.written.values)
        if datetime.now(UTC) >= until:
            break
        assert not values
        time.sleep(0.05)
    assert process.poll() is None
    wait_for(held)
