"""The simulated FEMS as a server: sockets, time, start and stop."""

import email.utils
import http.client
import socket
import threading
import time
from base64 import b64encode
from datetime import timedelta

import pytest

from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.waiting import wait_for

HEADERS = {"Authorization": "Basic " + b64encode(b"x:owner").decode()}
SOC = "/rest/channel/ess0/Soc"


@pytest.fixture
def line(fems):
    """A plain connection to the FEMS."""
    connection = http.client.HTTPConnection(*fems.address, timeout=60)
    yield connection
    connection.close()


def ask(line, method, target, body=None):
    line.request(method, target, body, HEADERS)
    response = line.getresponse()
    return response, response.read()


def test_a_connection_is_kept_alive(line):
    response, body = ask(line, "GET", SOC)
    kept = line.sock
    assert (response.status, response.version) == (200, 11)
    assert body.startswith(b'{"address":"ess0/Soc"')
    assert ask(line, "GET", SOC)[0].status == 200
    assert line.sock is kept


def test_the_date_is_the_devices(fems, line, at):
    fems.advance(90)
    response, _ = ask(line, "GET", SOC)
    reported = email.utils.parsedate_to_datetime(response.headers["Date"])
    assert reported == at + timedelta(seconds=90)


def test_after_a_500_the_connection_closes_without_a_word(line):
    response, _ = ask(line, "PUT", SOC)
    assert response.status == 500
    assert response.headers["Connection"] is None
    assert line.sock.recv(1) == b""


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "HEAD"])
def test_other_methods_are_500_without_a_body(line, method):
    response, body = ask(line, method, SOC)
    assert (response.status, body, response.headers["Content-Type"]) == (500, b"", None)


def test_an_absurd_length_is_no_body(fems):
    with socket.create_connection(fems.address, timeout=60) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 500 ")


def test_a_client_that_goes_away_is_no_matter(fems, line, capfd):
    with socket.create_connection(fems.address) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        raw.sendall(b"GET / HT")  # closed with a reset in the middle of a line
    assert ask(line, "GET", SOC)[0].status == 200
    fems.stop()
    assert capfd.readouterr().err == ""


class BrokenFems(SimulatedFems):
    """A simulator with a bug."""

    def reply(self, request):
        raise ZeroDivisionError


def test_a_fault_of_its_own_is_shown(make_house, capfd):
    with BrokenFems(make_house()) as fems:
        line = http.client.HTTPConnection(*fems.address, timeout=60)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(line, "GET", SOC)
        line.close()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_time_and_requests_do_not_disturb_each_other(fems, connect, at):
    thread = threading.Thread(target=lambda: [fems.advance(1) for _ in range(2_000)])
    client = connect(fems.url, "owner")
    thread.start()
    while thread.is_alive():
        client.hold(Channel.EQUALS, 1_000)
        shot = client.snapshot(at)
        assert shot.grid_w + shot.ess_w == 3_000
    assert fems.house.moment == at + timedelta(seconds=2_000)


def test_it_runs_by_itself_at_a_speed(make_house, at):
    house = make_house()
    with SimulatedFems(house, speed=36_000):
        wait_for(lambda: house.moment >= at + timedelta(minutes=10))
    stopped = house.moment
    assert timedelta(minutes=10) <= stopped - at < timedelta(hours=10)
    time.sleep(0.05)
    assert house.moment == stopped


def test_it_can_be_stopped_and_started_again(make_house, connect):
    fems = SimulatedFems(make_house(), owner_password="o", guest_password="g")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="does not run"):
            _ = fems.url
        fems.start()
        assert connect(fems.url, "g").soc() == 50
        connect(fems.url, "o").release()
        fems.stop()
        fems.stop()


def test_a_taken_address_is_said(fems, make_house):
    port = fems.address[1]
    with pytest.raises(OSError, match="in use"):
        SimulatedFems(make_house(), port=port).start()
