"""The chain as processes: a simulated FEMS, the planner, the executor, and the plug pulled."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S, Stopwatch

HELD = -10_000
"""The sample battery's largest charging power: what the cheap hours are for."""


@pytest.fixture
def put_to_work(simulated, write_config, files_for_now, optimizer, start, connect, wait_for):
    """Start an executor that holds the cheap hours' charge; gives (process, address, client)."""

    def put(*faults, speed):
        url = simulated(*faults, speed=speed)
        write_config(files_for_now, url=url)
        assert optimizer("plan").returncode == 0
        process, client = start("run"), connect(url)
        wait_for(lambda: client.applied() == HELD)
        return process, url, client

    return put


@pytest.fixture
def at_work(put_to_work):
    """The same before a FEMS whose time-out is longer than any wait: a release alone frees it."""
    return put_to_work("--fault", "api-timeout=300", speed=300 / (2 * PATIENCE_S))


def test_sigterm_and_sigint_release_and_end_at_once(at_work, start, wait_for):
    process, _, client = at_work
    for number in (signal.SIGTERM, signal.SIGINT):
        watch = Stopwatch(process.pid)
        process.send_signal(number)
        watch.until(lambda process=process: process.poll() is not None)
        assert process.returncode == 0
        assert watch.seconds() < 10
        wait_for(lambda: client.writers() == "" and client.applied() != HELD)
        if number is signal.SIGTERM:
            process = start("run")
            wait_for(lambda: client.applied() == HELD)


def test_after_a_hard_kill_the_fems_is_back_within_its_time_out(put_to_work):
    speed = 5
    process, _, client = put_to_work(speed=speed)
    process.kill()
    process.wait(60)
    assert client.applied() == HELD
    real_seconds = Stopwatch().until(lambda: client.applied() != HELD)
    assert real_seconds * speed <= 60 + 20  # simulated; some seconds of real time are for looking
    assert client.writers() == ""


def test_a_second_executor_of_the_same_store_is_refused(at_work, optimizer):
    done = optimizer("run", "--for", "3")
    assert done.returncode == 9
    assert "another executor already uses" in done.stderr


def test_status_says_what_is_held_and_why(at_work, optimizer):
    done = optimizer("status")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    lines = done.stdout.replace("\n" + " " * 12, " ").splitlines()  # continued below its column
    assert len(lines) == 5
    assert lines[0].startswith("FOLLOWING   charge: -10 000 W at the inverter until ")
    assert lines[1].startswith("battery     ")
    assert "roof" in lines[1]
    assert "low 16.7 at" in lines[2]
    assert "a stored kWh is worth" in lines[3]
    assert "expected saving of the plan" in lines[4]
    data = json.loads(optimizer("status", "--json").stdout)
    assert (data["schema"], data["state"], data["intent"]) == ("status/1", "following", "charge")
    assert data["executor"]["setpoint_w"] == HELD


def test_release_is_a_panic_button(at_work, optimizer, wait_for):
    process, _, client = at_work
    process.send_signal(signal.SIGSTOP)
    try:
        assert optimizer("release").returncode == 0
        wait_for(lambda: client.writers() == "")
    finally:
        process.send_signal(signal.SIGCONT)


def test_without_a_plan_nothing_is_written_and_status_says_why(
    simulated, write_config, optimizer, connect
):
    url = simulated()
    write_config(url=url)
    assert optimizer("run", "--for", "5").returncode == 0
    assert connect(url).writers() == ""
    status = optimizer("status")
    assert status.returncode == 6
    assert "there is no plan yet: make one with 'optimizer plan'" in status.stdout
    assert "NOT RUNNING" in status.stdout
    assert json.loads(optimizer("status", "--json").stdout)["state"] == "not_running"


def test_the_state_of_charge_comes_from_the_fems(simulated, write_config, files_for_now, optimizer):
    write_config(files_for_now, url=simulated("--soc", "37", "--hybrid", speed=1))
    plan = json.loads(optimizer("plan", "--json", "--dry-run").stdout)
    assert plan["start_soc_percent"] == pytest.approx(37, abs=1)


def test_the_coupling_can_be_asked_from_the_fems(simulated, write_config, files_for_now, optimizer):
    path = write_config(files_for_now, url=simulated("--hybrid", speed=1))
    path.write_text(path.read_text().replace("hybrid = false", 'hybrid = "auto"'))
    asked = optimizer("plan", "--json", "--dry-run")
    assert not any("hybrid" in note for note in json.loads(asked.stdout)["notes"])
    asked_not = optimizer("plan", "--soc", "50", "--json", "--dry-run")
    assert any("planned as a hybrid" in note for note in json.loads(asked_not.stdout)["notes"])
    assert optimizer("run", "--for", "1", "--shadow").returncode == 0


def test_a_fems_that_is_not_there_has_its_exit_code(write_config, files_for_now, optimizer):
    write_config(files_for_now, url="http://127.0.0.1:9")
    for command in (("plan",), ("release",)):
        done = optimizer(*command)
        assert done.returncode == 4
        assert "Traceback" not in done.stderr
    assert optimizer("run", "--for", "1").returncode == 0  # a service goes on trying


def test_a_wrong_password_has_its_exit_code(
    simulated, write_config, files_for_now, optimizer, monkeypatch
):
    path = write_config(files_for_now, url=simulated())
    path.write_text(path.read_text().replace("env:FEMS_PASSWORD", "env:WRONG"))
    monkeypatch.setenv("WRONG", "a-canary-password")
    for command in (("plan",), ("release",)):
        done = optimizer(*command)
        assert done.returncode == 5
        assert "a-canary-password" not in done.stdout + done.stderr
    assert "a-canary-password" not in optimizer("run", "--for", "1").stderr


def test_a_guest_may_plan_but_not_release(
    simulated, write_config, files_for_now, optimizer, monkeypatch
):
    path = write_config(files_for_now, url=simulated())
    path.write_text(path.read_text().replace("env:FEMS_PASSWORD", "env:GUEST"))
    monkeypatch.setenv("GUEST", "user")
    assert optimizer("plan").returncode == 0
    assert optimizer("release").returncode == 5


def test_the_executors_process_is_free_of_the_heavy_libraries(
    simulated, write_config, files_for_now, optimizer, tmp_path
):
    write_config(files_for_now, url=simulated())
    assert optimizer("plan").returncode == 0
    script = (
        "import atexit, sys\n"
        "sys.argv = ['optimizer', 'run', '--for', '4']\n"
        "heavy = ('pandas', 'numpy', 'pulp', 'highspy', 'jinja2', 'rich')\n"
        "atexit.register(lambda: print([n for n in heavy if n in sys.modules]))\n"
        "from optimizer.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, env=os.environ | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_the_override_of_follow_is_taken(simulated, write_config, files_for_now, optimizer):
    write_config(files_for_now, url=simulated())
    assert optimizer("run", "--for", "1", "--follow", "power").returncode == 0
    assert optimizer("run", "--for", "1", "--follow", "nose").returncode == 2


@pytest.mark.parametrize("blocks", [8, 40])
def test_a_full_disk_costs_the_new_plan_and_not_the_old_one(
    optimizer, write_config, tmp_path, blocks
):
    """Files may not grow above so many KiB: the store's opening fails, or only its commit."""
    write_config()
    plan = ("plan", "--at", "2026-01-14T00:00:00+01:00", "--soc", "30")
    show = ("show", "--at", "2026-01-14T12:00Z", "--json")
    assert optimizer(*plan).returncode == 0
    before = optimizer(*show).stdout
    # coverage writes a file of its own, for which there is no room either
    unseen = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        ["/bin/bash", "-c", f'ulimit -f {blocks}; exec "$@"', "-", sys.executable, "-m",
         "optimizer", *plan],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env=unseen | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith("optimizer: the store ")
    assert "disk" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert optimizer(*show).stdout == before
    assert optimizer(*plan).returncode == 0
