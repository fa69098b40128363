"""Connections: five at a time, ten in five seconds, half a minute of silence (contract 1.5)."""

import base64
import socket
import time
from types import SimpleNamespace

import pytest

from optimizer.fems.client import FemsClient
from optimizer.simulation.fems import http_server
from optimizer.simulation.fems.http_server import Limits
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.waiting import PATIENCE_S, Stopwatch

LOGIN = base64.b64encode(b"x:user").decode()
ASK = f"GET /rest/channel/ess0/Soc HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {LOGIN}\r\n\r\n"


@pytest.fixture
def connected():
    """Connections that are closed in the end."""
    lines = []

    def connect(fems):
        lines.append(socket.create_connection(fems.address, timeout=PATIENCE_S))
        return lines[-1]

    yield connect
    for line in lines:
        line.close()


def answers(line, seconds=PATIENCE_S):
    """Whether a request is answered in time."""
    line.settimeout(seconds)
    line.sendall(ASK.encode())
    try:
        return line.recv(4096).startswith(b"HTTP/1.1 200 ")
    except TimeoutError:
        return False


def test_the_defaults_are_the_devices():
    assert Limits() == Limits(connections=5, new=10, within_s=5, idle_s=30)


def test_a_sixth_connection_hangs_until_one_closes(make_house, connected):
    with SimulatedFems(make_house()) as fems:
        lines = [connected(fems) for _ in range(5)]
        assert all(answers(line) for line in lines)
        sixth = connected(fems)  # it does connect
        assert not answers(sixth, 0.3)
        lines[2].close()
        sixth.settimeout(PATIENCE_S)
        assert sixth.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert answers(lines[0])


def test_too_many_new_ones_pause_the_accepting(make_house, connected, monkeypatch):
    clock_s = [100.0]
    clock = SimpleNamespace(monotonic=lambda: clock_s[0])
    monkeypatch.setattr(http_server, "time", clock)
    limits = Limits(connections=50, new=3, within_s=0.1)
    with SimulatedFems(make_house(), limits=limits) as fems:
        first = [connected(fems) for _ in range(3)]
        assert all(answers(line) for line in first)
        late = connected(fems)
        assert not answers(late, 0.3)
        assert answers(first[0])  # the others go on
        clock_s[0] += 0.1
        late.settimeout(PATIENCE_S)
        assert late.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_silence_closes(make_house, connected):
    with SimulatedFems(make_house(), limits=Limits(idle_s=1.0)) as fems:
        line = connected(fems)
        assert answers(line)
        line.settimeout(PATIENCE_S)
        assert line.recv(10) == b""


def test_stopping_does_not_wait_for_a_full_house(make_house, connected):
    fems = SimulatedFems(make_house(), limits=Limits(connections=1, new=2, within_s=60))
    fems.start()
    assert answers(connected(fems))
    connected(fems)
    time.sleep(0.05)
    watch = Stopwatch()
    fems.stop()
    assert watch.seconds() < 0.5


def test_a_quiet_door_looks_whether_to_stop(make_house):
    with SimulatedFems(make_house()) as fems:
        time.sleep(0.7)
        with FemsClient(fems.url, "user") as client:
            assert client.soc() == 50
