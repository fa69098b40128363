"""Progress: a line on a terminal while work lasts, nothing in a pipe, and nothing left of it."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from optimizer.cli import progress
from optimizer.cli.progress import Progress
from optimizer.simulation import sample_data
from tests.waiting import wait_for

WINTER = str(sample_data.folder() / "winter")
SPAN = ("--from", "2026-01-16T00:00:00+01:00", "--to", "2026-01-18T00:00:00+01:00")
LONG = {
    "backtest": (("backtest", "--data", WINTER, "--forecast", "csv", *SPAN),
                 r"repeating the past(, \d of \d strategies done)? \.\.\. \d+ s"),
    "study": (("study", WINTER, "--tariff", "fix", "--tariff", "14a", "--jobs", "1"),
              r"comparing.* \.\.\. \d+ s"),
    "demo": (("demo",), r"simulating 1 of 2: A winter day.* \.\.\. \d+ s"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["backtest", "study"])
def test_a_long_command_shows_it_on_a_terminal_and_removes_it(tmp_path, name):
    command, words = LONG[name]
    code, out, shown = on_terminal(tmp_path, *command)
    assert (code, bool(out)) == (0, True)
    assert re.search(words, shown), shown
    assert shown.endswith("\r\x1b[K")
    assert "\x1b" not in out
    assert all(len(part) < 80 for part in shown.replace("\x1b[K", "").split("\r"))


def test_ctrl_c_leaves_nothing_of_it(tmp_path):
    command, words = LONG["demo"]
    code, _, shown = on_terminal(tmp_path, *command, interrupt_at=words)
    assert code == 130
    assert shown.endswith("\r\x1b[K")


@pytest.mark.parametrize("name", ["backtest", "study"])
def test_in_a_pipe_nothing_is_shown(optimizer, name):
    command, _ = LONG[name]
    done = optimizer(*command)
    assert (done.returncode, done.stderr) == (0, "")


def on_terminal(folder, *args, interrupt_at=None):
    """Exit code, standard output, and what a terminal as standard error was sent.

    Ctrl-C is sent when a text is shown.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer", *args], cwd=folder, stdout=subprocess.PIPE,
        stderr=theirs, text=True,
    )  # fmt: skip
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            shown += os.read(ours, 4_096)
        except OSError:  # the other end is closed
            break
        if interrupt_at is not None and re.search(interrupt_at, shown.decode()):
            process.send_signal(signal.SIGINT)
            interrupt_at = None
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out, shown.decode()


def terminal(monkeypatch):
    """Let standard error be a terminal, and what it is sent a list; shorten the times.

    Called within a test: pytest gives each part of a test a standard error of its own.
    """
    parts = []

    class Terminal:
        def isatty(self):
            return True

        def write(self, text):
            parts.append(text)

        def flush(self):
            pass

    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setattr(Progress, "AFTER_S", 0.05)
    monkeypatch.setattr(Progress, "EVERY_S", 0.05)
    return parts


def test_short_work_shows_nothing(monkeypatch):
    sent = terminal(monkeypatch)
    monkeypatch.setattr(Progress, "AFTER_S", 60.0)
    before = {*threading.enumerate()}
    with Progress("working") as shown:
        shown.show("still working")
        begun = {*threading.enumerate()} - before
    wait_for(lambda: begun and not any(thread.is_alive() for thread in begun))
    assert sent == []


def test_it_makes_room_for_a_result(monkeypatch):
    sent = terminal(monkeypatch)
    with Progress("working") as shown:
        wait_for(lambda: len(sent) >= 2)
        with shown.hidden():
            assert sent[-1] == "\r\x1b[K"
            count = len(sent)
            time.sleep(0.15)
            assert len(sent) == count
        wait_for(lambda: sent[-1] != "\r\x1b[K")
        shown.show("working, 1 of 2")
        assert re.fullmatch(r"\rworking, 1 of 2 \.\.\. \d+ s\x1b\[K", sent[-1])
    assert sent[-1] == "\r\x1b[K"
    count = len(sent)
    time.sleep(0.15)
    assert len(sent) == count
