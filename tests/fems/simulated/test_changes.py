"""A simulated FEMS whose app, password and time-out are changed while it runs; its restarts."""

import http.client
import json

import pytest

from optimizer.errors import LoginError, RefusedError
from optimizer.fems.client import FemsClient
from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.simulator import JUMP_WH

PATH = "/rest/channel/ess0/SetActivePowerEquals"
EQ = Channel.EQUALS


@pytest.fixture
def client(fems):
    with FemsClient(fems.url, "owner") as owner:
        yield owner


def counters(client):
    return {point["address"]: point["value"] for point in client.points("_sum", ".*Energy")}


@pytest.mark.parametrize("password", ["owner", "user"])
def test_the_time_out_is_a_channel_that_a_guest_may_read(fems, ask, password):
    answered = ask(fems, "GET", "/rest/channel/ctrlApiRest0/_PropertyApiTimeout", password=password)
    assert (answered.status, answered.content["value"]) == (200, 60)
    assert answered.content["accessMode"] == "RO"


def test_a_changed_time_out_restarts_the_app(fems, client):
    client.hold(EQ, 500)
    before = client.connections
    fems.change_timeout(5)
    assert not fems.house.written.values
    assert client.timeout_s() == 5
    assert client.connections == before + 1
    client.hold(EQ, 500)
    fems.advance(5)
    assert fems.house.written.values
    fems.advance(1)
    assert not fems.house.written.values


def test_the_app_is_replaced_by_the_one_that_only_reads_and_back(fems, client):
    client.hold(EQ, 500)
    fems.change_app(read_only=True)
    assert not fems.house.written.values
    with pytest.raises(RefusedError, match="can only be read"):
        client.hold(EQ, 500)
    assert client.timeout_s() is None
    fems.change_app(read_only=False)
    client.hold(EQ, 500)
    assert fems.house.written.values


def test_a_changed_password_is_checked_on_the_connection_that_is_open(fems, client):
    client.hold(EQ, 500)
    fems.change_password("other")
    with pytest.raises(LoginError):
        client.hold(EQ, 600)
    with FemsClient(fems.url, "other") as owner:
        owner.hold(EQ, 700)
    assert fems.house.written.values == {EQ: 700}


def test_after_a_restart_counters_jump_until_the_second_inverter_is_ready(fems, client):
    before = counters(client)
    fems.restart(10, second_inverter=True)
    fems.advance(10)
    jumped = counters(client)
    assert all(jumped[name] - before[name] >= JUMP_WH for name in before)
    fems.advance(2)
    after = counters(client)
    assert all(0 <= after[name] - before[name] < 100 for name in before)
    fems.restart(10)
    fems.advance(10)
    assert all(counters(client)[name] - before[name] < 200 for name in before)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (PATH + "?" + "x" * 9_000, {}, 414),
        (PATH, {"X-Long": "x" * 9_000}, 431),
        (PATH + "?" + "x" * 7_000, {"X-Long": "x" * 7_000}, 200),
    ],
)
def test_what_is_too_long_is_refused(fems, ask, path, headers, status):
    answered = ask(fems, "GET", path, **headers)
    assert answered.status == status
    assert (answered.headers.get("Connection") == "close") == (status != 200)


def test_a_body_may_come_in_chunks(fems):
    line = http.client.HTTPConnection(*fems.address, timeout=60)
    headers = {"Authorization": "Basic eDpvd25lcg==", "Transfer-Encoding": "chunked"}
    for value in (5, 6):  # the connection goes on after them
        pieces = iter([b'{"val', b'ue": %d' % value, b"}"])
        line.request("POST", PATH, pieces, headers, encode_chunked=True)
        answer = line.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {})
        assert fems.house.written.values == {EQ: value}
    line.close()


@pytest.mark.parametrize(
    "body",
    [
        '\ufeff{"value": 5}',
        '{"value": 5} // five',
        '/* a */ {"value" /* b */ : 5}',
        '# c\n{"value":5}',
    ],
)
def test_a_byte_order_mark_and_comments_are_taken(fems, ask, body):
    assert ask(fems, "POST", PATH, body.encode()).status == 200
    assert fems.house.written.values == {EQ: 5}
