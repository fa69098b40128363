"""systemd's watchdog is fed by completed decisions, and by nothing else."""

import contextlib
import socket
import sqlite3
import threading
import time

import pytest

from optimizer.control.systemd_notify import Supervisor


@pytest.fixture
def ear(tmp_path):
    """What systemd hears; an abstract socket, which has no path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0optimizer-test-{tmp_path.name}-{time.monotonic_ns()}")
        listening.settimeout(60)
        yield listening


def address(listening):
    name = listening.getsockname()
    return "@" + name[1:].decode() if isinstance(name, bytes) else name


def heard(listening):
    return listening.recv(4096).decode().splitlines()


def until_silence(listening):
    """Take what is still on its way; gives how much that was."""
    count = 0
    with contextlib.suppress(TimeoutError):
        while heard(listening):
            count += 1
    return count


def test_the_first_decision_means_ready_and_each_feeds_the_watchdog(ear):
    supervisor = Supervisor(address(ear))
    supervisor.decided("nothing is held: no plan")
    supervisor.decided("charge: -3000 W\nheld")
    supervisor.stopping()
    assert heard(ear) == ["READY=1", "WATCHDOG=1", "STATUS=nothing is held: no plan"]
    assert heard(ear) == ["WATCHDOG=1", "STATUS=charge: -3000 W held"]
    assert heard(ear)[0] == "STOPPING=1"


def test_a_socket_with_a_path(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(60)
        Supervisor.take({"NOTIFY_SOCKET": str(path)}).decided("x")
        assert heard(listening)[0] == "READY=1"


def test_without_systemd_nothing_is_sent_and_children_inherit_no_socket():
    environment = {"NOTIFY_SOCKET": "/run/x", "HOME": "/"}
    assert Supervisor.take(environment).address == "/run/x"
    assert environment == {"HOME": "/"}
    nobody = Supervisor.take(environment)
    nobody.decided("x")
    nobody.stopping()


def test_a_deaf_systemd_is_said_once_and_ready_comes_again(tmp_path, caplog):
    path = tmp_path / "notify"
    supervisor = Supervisor(str(path))
    supervisor.decided("x")
    supervisor.decided("x")
    assert [r.message.partition(":")[0] for r in caplog.records] == ["systemd cannot be notified"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(60)
        supervisor.decided("x")
        assert heard(listening)[0] == "READY=1"


def test_a_loop_that_hangs_feeds_no_watchdog(ear, executor_of):
    """The loop hangs in a reading; whatever else lives in the process must not speak for it."""
    hang, go_on = threading.Event(), threading.Event()
    executor = executor_of(hang, go_on)
    supervisor = Supervisor(address(ear))
    executor.report = lambda decision: supervisor.decided(decision.sentence)
    loop = threading.Thread(target=executor.run)
    loop.start()
    try:
        assert "WATCHDOG=1" in heard(ear)
        hang.set()
        ear.settimeout(0.5)
        assert until_silence(ear) < 1000  # a cycle lasts 0.02 s; some may still be on their way
        ear.settimeout(60)
        hang.clear()
        go_on.set()
        assert "WATCHDOG=1" in heard(ear)
    finally:
        hang.clear()
        go_on.set()
        executor.clock.stop()
        loop.join(60)
    assert not loop.is_alive()


@pytest.fixture
def executor_of(tmp_path, make_settings):
    """An executor whose FEMS can be made to hang."""
    from optimizer.control.active_plan import ActivePlan
    from optimizer.control.clock import SystemClock
    from optimizer.control.executor import Executor
    from optimizer.errors import UnreachableError
    from optimizer.store import database, journal

    class Hanging:
        ess, clock_ahead = "ess0", None

        def __init__(self, hang, go_on):
            self._hang, self._go_on = hang, go_on

        def __getattr__(self, name):
            def ask(*_args, **_options):
                if self._hang.is_set():
                    self._go_on.wait(20)
                raise UnreachableError("nobody is there")

            return ask

    def make(hang, go_on):
        fems = Hanging(hang, go_on)
        connection = database.connect(tmp_path)
        connection.close()
        # SQLite wants to be used by the thread that opened it
        shared = sqlite3.connect(tmp_path / database.FILE_NAME, check_same_thread=False,
                                 isolation_level=None)  # fmt: skip
        made.append(shared)
        return Executor(
            fems, ActivePlan(shared), journal.Journal(shared), SystemClock(), make_settings(),
            interval_s=0.02,
        )  # fmt: skip

    made = []
    yield make
    for connection in made:
        connection.close()
