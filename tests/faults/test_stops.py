"""SIGTERM to null in at most 4 s, and the end soon after, whatever is locked, slow or silent.

Real executors on a FEMS that would hold a set-point for a minute more.
"""

import json
import signal
import socket
import sqlite3
import sys
import time
from contextlib import ExitStack

import pytest

from optimizer.store.database import FILE_NAME
from tests.faults.kills import NAMES, OPTIMIZER, RELEASES_WITHIN_S, Target
from tests.waiting import wait_for

pytestmark = pytest.mark.no_cover
NAMED = (sys.executable, "-m", "tests.faults.named_child")


@pytest.fixture
def target(tmp_path):
    """An executor that holds something; the addresses of `fems.test` are those of its FEMS."""
    with ExitStack() as stack:

        def make(command=OPTIMIZER, host="127.0.0.1"):
            (tmp_path / NAMES).write_text("[]")
            made = Target(tmp_path, command, timeout_s=60, host=host)
            stack.callback(made.close)
            (tmp_path / NAMES).write_text(json.dumps([made.fems.address]))
            wait_for(lambda: not made.free, why=made.said)
            return made

        yield make


def seconds_until(target, *, free):
    """Seconds from SIGTERM until the FEMS is free, or only until the process has ended."""
    watch = target.stopwatch()
    target.process.send_signal(signal.SIGTERM)
    took_s = watch.until(lambda: target.free or (not free and target.process.poll() is not None))
    ended_s = watch.until(lambda: target.process.poll() is not None)
    assert target.process.returncode == 0
    print(f"null after {took_s:.2f} s, end after {ended_s:.2f} s")
    assert ended_s < RELEASES_WITHIN_S + 1
    return took_s


def test_while_the_store_is_locked(target, tmp_path):
    held = target()
    store = sqlite3.connect(tmp_path / "state" / FILE_NAME, isolation_level=None)
    store.execute("PRAGMA busy_timeout = 5000")
    store.execute("BEGIN EXCLUSIVE")
    time.sleep(1.3)
    assert seconds_until(held, free=True) < RELEASES_WITHIN_S
    store.close()


@pytest.mark.parametrize("pause_s", [0.0, 0.7])
@pytest.mark.parametrize("what", ["reading", "everything"])
def test_while_the_fems_is_slow(target, what, pause_s):
    """It does nothing for 2.5 s after each request, or each reading."""
    held = target()
    held.fems.faults.when(lambda r: what == "everything" or r.method == "GET", "delay=2.5")
    time.sleep(1.3 + pause_s)
    assert seconds_until(held, free=True) < RELEASES_WITHIN_S


def test_while_the_fems_is_silent(target):
    held = target()
    held.fems.faults.always("delay=60")
    time.sleep(1.3)
    assert seconds_until(held, free=False) < RELEASES_WITHIN_S


@pytest.fixture
def silent():
    """A port that takes no connection and says nothing: its queue is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()


@pytest.mark.parametrize("there", [True, False])
def test_while_the_name_has_twelve_silent_addresses(target, tmp_path, silent, there):
    held = target(NAMED, "fems.test")
    places = [silent] * 12 + [held.fems.address] * there
    (tmp_path / NAMES).write_text(json.dumps(places))
    held.fems.change_timeout(60)  # the connection ends
    held.house.write("SetActivePowerEquals", -1_000)
    time.sleep(1.3)
    assert seconds_until(held, free=there) < RELEASES_WITHIN_S


def test_while_the_name_server_is_silent(target, tmp_path):
    held = target(NAMED, "fems.test")
    (tmp_path / NAMES).write_text("60")
    held.fems.change_timeout(60)
    held.house.write("SetActivePowerEquals", -1_000)
    time.sleep(1.3)
    assert seconds_until(held, free=True) < RELEASES_WITHIN_S
