"""`release`, `pause` and `resume` beside a running executor, as processes over real sockets."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import typer

from optimizer.cli.common_options import duration_within
from optimizer.errors import ExitCode
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, pause
from tests.control.stepped import START

HELD = -10_000
SEEN_WITHIN_S = 1.0
"""A running executor obeys a pause within this [s]."""


@pytest.fixture
def fems():
    """A FEMS of this process in real time; what it holds is plain to see."""
    load, pv = Profile(START, 900, (800.0,)), Profile(START, 900, (0.0,))
    house = SimulatedHouse(Battery(capacity_wh=22_000), load, pv, START, 50)
    with SimulatedFems(house, speed=1) as running:
        yield running


@pytest.fixture
def held(fems):
    return lambda: fems.house.written.values.get(Channel.EQUALS) == HELD


@pytest.fixture
def at_work(fems, held, write_config, files_for_now, optimizer, start, wait_for):
    """An executor with a long cycle that holds the cheap hours' charge."""
    path = write_config(files_for_now, url=fems.url)
    path.write_text(path.read_text().replace("interval_s = 1", "interval_s = 3"))
    assert optimizer("plan").returncode == 0
    process = start("run", "--no-replan")
    wait_for(held, 60)
    return process


def stayed_free(fems, seconds):
    """Whether nothing was written in this time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if fems.house.written.values:
            return False
        time.sleep(0.05)
    return True


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
    assert done.returncode == 0
    assert done.stdout.endswith(" is over; the executor goes on\n")
    assert wait_for(held, 10) < SEEN_WITHIN_S + 1  # it looks, reads, and writes
    at_work.send_signal(signal.SIGTERM)
    assert at_work.wait(10) == 0
    connection = database.connect(tmp_path / "state")
    rows = journal.ticks(connection, datetime(2026, 1, 1, tzinfo=UTC), "change")
    connection.close()
    reasons = [row.reason for row in rows]
    assert reasons[reasons.index("PAUSED") - 1] == "HOLDING"
    assert reasons[-3:] == ["PAUSED", "HOLDING", "STOPPED"]
    assert "PAUSED since " in next(row.note for row in rows if row.reason == "PAUSED")


def test_an_executor_sees_a_pause_within_a_second_and_its_end(
    at_work, fems, held, wait_for, tmp_path
):
    """By the store alone: nobody else writes the null."""
    folder = tmp_path / "state"
    seconds = []
    for _ in range(3):
        pause.store(folder, pause.Pause(datetime.now(UTC), "a test"))
        seconds.append(wait_for(lambda: not fems.house.written.values, 10))
        pause.end(folder)
        wait_for(held, 10)
    assert max(seconds) < SEEN_WITHIN_S, seconds


def test_a_pause_survives_a_restart_and_a_kill_and_ends_by_itself(
    at_work, fems, held, optimizer, start, wait_for
):
    done = optimizer("pause", "--for", "18s")
    assert done.returncode == 0
    assert done.stdout.endswith(": the executor has given control back\n")
    begun = time.monotonic()
    assert not fems.house.written.values
    at_work.kill()
    at_work.wait(5)
    process = start("run", "--no-replan")
    assert stayed_free(fems, 11)
    assert process.poll() is None
    wait_for(held, 30)
    assert time.monotonic() - begun > 15


def test_a_pause_without_an_executor_keeps_the_next_one_away(
    fems, write_config, files_for_now, optimizer
):
    write_config(files_for_now, url=fems.url)
    assert optimizer("plan").returncode == 0
    done = optimizer("pause")
    assert done.stdout.endswith(": no executor is running; one that starts stays away\n")
    assert optimizer("run", "--no-replan", "--for", "6").returncode == 0
    assert fems.house.shown.applied_w != HELD
    status = optimizer("status")
    assert "no executor is running" in " ".join(status.stdout.split())
    assert status.stdout.startswith("PAUSED ")
    assert optimizer("resume").stdout.endswith("is over; no executor is running\n")
    assert optimizer("resume").stdout == "nothing was paused\n"


def test_release_own_never_pauses(at_work, fems, optimizer, tmp_path):
    assert optimizer("release", "--own").returncode == 0
    assert pause.load(tmp_path / "state") is None


def test_a_value_that_another_program_keeps_writing_is_named(
    fems, write_config, optimizer, tmp_path
):
    """The nulls are taken, and yet something is held: exit code 5 says what."""
    write_config(url=fems.url)
    stop = threading.Event()

    def another_program():
        with FemsClient(fems.url, "owner") as client:
            while not stop.wait(0.05):
                client.hold(Channel.EQUALS, 1_234)

    other = threading.Thread(target=another_program)
    other.start()
    try:
        done = optimizer("release")
    finally:
        stop.set()
        other.join()
    assert done.returncode == ExitCode.REFUSED
    assert "still lists ess0/SetActivePowerEquals = 1234 by ctrlApiRest0" in done.stderr
    assert "an executor stays away until 'optimizer resume'" in done.stderr
    assert pause.load(tmp_path / "state") is not None


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
    wait_for(held, 20)


def test_a_fems_that_is_away_is_told_by_the_exit_code_and_the_pause_stays(
    write_config, optimizer, tmp_path
):
    write_config(url="http://127.0.0.1:9")
    done = optimizer("release")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "an executor stays away until 'optimizer resume'" in done.stderr
    assert pause.load(tmp_path / "state") is not None


def test_fems_set_beside_an_executor_is_refused_or_pauses_it(
    at_work, fems, held, optimizer, wait_for, start, tmp_path
):
    done = optimizer("fems", "set", "SetActivePowerEquals", "-500", "--for", "5")
    assert done.returncode == ExitCode.ALREADY_RUNNING
    assert "would take turns with this value: 'optimizer pause' first, or" in done.stderr
    assert held()
    process = start("fems", "set", "SetActivePowerEquals", "-500", "--for", "9", "--pause")
    wait_for(lambda: fems.house.written.values == {Channel.EQUALS: -500}, 10)
    until = time.monotonic() + 5  # longer than a cycle: no turns are taken
    while time.monotonic() < until:
        assert fems.house.written.values == {Channel.EQUALS: -500}
        time.sleep(0.05)
    assert process.wait(20) == 0
    wait_for(held, 5)
    assert pause.load(tmp_path / "state") is None


def test_under_the_owners_pause_a_value_may_be_set_by_hand(at_work, fems, optimizer, tmp_path):
    assert optimizer("pause").returncode == 0
    done = optimizer("fems", "set", "SetActivePowerEquals", "-500", "--for", "3")
    assert done.returncode == 0
    assert pause.load(tmp_path / "state") is not None


WITH_A_LENGTH = (
    ("pause",), ("run",), ("override", "hold"), ("fems", "set", "SetActivePowerEquals", "-500"),
)  # fmt: skip


@pytest.mark.parametrize("command", WITH_A_LENGTH, ids=" ".join)
@pytest.mark.parametrize(
    "text", ["", "h", "2 weeks", "-2h", "-2", "9999d", "1h x", "1h30", "nan", "1e3", "9" * 400]
)
def test_what_is_no_length_of_time(in_process, write_config, command, text):
    write_config()
    done = in_process(*command, "--for", text)
    assert done.returncode == 2
    assert re.search(
        r"is not a length of time from \d [sd] to \d+ d such as 90 \(seconds\), 90m, 2h or 1d",
        " ".join(done.stderr.replace("│", " ").split()),
    )


@pytest.mark.parametrize("command", WITH_A_LENGTH, ids=" ".join)
@pytest.mark.parametrize("text", ["2", "2.0", "2s", "2 s", "0.0005h 0.2s"])
def test_a_length_of_time_is_written_alike_everywhere(in_process, write_config, command, text):
    """They go on, to a FEMS that is not there or to prices of another time."""
    write_config()
    done = in_process(*command, "--for", text)
    assert done.returncode == {"fems": 4, "override": 8}.get(command[0], 0), done.stderr


def test_lengths_of_time():
    assert duration_within(1)("2h") == timedelta(hours=2)
    assert duration_within(1)("1d 12h") == timedelta(hours=36)
    assert duration_within(1)("0.5h") == timedelta(minutes=30)
    assert duration_within(1)("90m") == duration_within(1)("5400") == timedelta(minutes=90)
    assert duration_within(0)("0") == timedelta(0)
    for text in ("0", "0s", "25h"):
        with pytest.raises(typer.BadParameter, match=f"'{text}' is not .* from 1 s to 1 d"):
            duration_within(1, 86_400)(text)
