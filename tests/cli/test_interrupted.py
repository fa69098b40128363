"""Ctrl-C at any moment of a command: it ends quietly with 130."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from optimizer.cli import INTERRUPTED
from optimizer.errors import ExitCode
from tests.waiting import wait_for

PROGRAM = """
import os, signal, sys
sys.argv = ["optimizer", *{args!r}]
from optimizer.cli import main
left = 0
def hook(event, args):
    global left
    if event == "import":
        left += 1
        if {at}:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
main()
"""
"""Ctrl-C comes with imports of some numbers after the command has begun."""


def interrupted(tmp_path, at, *args):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(args=list(args), at=at)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip


@pytest.mark.parametrize("imports", [1, 2, 5, 12, 30, 75, 150, 180])
def test_while_a_command_is_loaded(write_config, tmp_path, imports):
    write_config()
    done = interrupted(tmp_path, f"left == {imports}", "status")
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")


@pytest.mark.parametrize("imports", [300, 450, 600])
def test_while_heavy_rooms_are_loaded(write_config, tmp_path, imports):
    write_config()
    plan = ("plan", "--at", "2026-01-14T00:00Z", "--soc", "30", "--dry-run")
    done = interrupted(tmp_path, f"left == {imports}", *plan)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.5])
def test_while_several_processes_work(tmp_path, seconds):
    """A terminal sends Ctrl-C to all processes of the command."""
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer", "study", "--jobs", "2", "--minutes", "1"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_for(lambda: workers.read_text().split())
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=300)  # the workers have the same standard error
    assert (process.returncode, *said) == (ExitCode.INTERRUPTED, "", "")


def test_a_second_one_is_as_quiet(write_config, tmp_path):
    write_config()
    assert INTERRUPTED == ExitCode.INTERRUPTED
    done = interrupted(tmp_path, "left in (700, 699, 698, 600)", "plan", "--dry-run")
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")


def test_who_ignores_it_goes_on(write_config, tmp_path):
    """`nohup`, or a command that a script has started with `&`."""
    write_config()
    script = f"trap '' INT; exec {sys.executable} -c \"$PROGRAM\""
    program = PROGRAM.format(args=["status"], at="left == 30")
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"FEMS_PASSWORD": "owner", "PROGRAM": program},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (ExitCode.NO_PLAN, "")
