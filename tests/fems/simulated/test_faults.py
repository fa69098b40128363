"""Faults on the wire, request by request, and what stands in front of the REST interface."""

import email.utils
import http.client
import json
import socket
import time
from datetime import timedelta

import pytest

from optimizer.errors import UnreachableError
from optimizer.fems.client import FemsClient
from optimizer.model.snapshot import FAULT, Channel
from optimizer.simulation.fems.installation import OFF_GRID, ControlMode
from optimizer.simulation.fems.situations import SITUATIONS, arrange, names, recorded_house
from optimizer.simulation.fems.wire_faults import KINDS, Fault, parse
from tests.waiting import PATIENCE_S, Stopwatch, wait_for

SET, SOC = "/rest/channel/ess0/SetActivePowerEquals", "/rest/channel/ess0/Soc"
BATCH = "/rest/channel/ess0/(Soc|Capacity|ActivePower|State|GridMode)"
GONE = (http.client.RemoteDisconnected, ConnectionResetError)


@pytest.mark.parametrize("name", ["drop-before", "reset"])
def test_gone_before_the_effect(fems, ask, name):
    fems.faults.next(name)
    with pytest.raises(GONE):
        ask(fems, "POST", SET, '{"value":5}')
    assert not fems.house.written.values
    assert ask(fems, "POST", SET, '{"value":5}').status == 200


def test_gone_after_the_effect(fems, ask):
    fems.faults.next("drop-after")
    with pytest.raises(http.client.RemoteDisconnected):
        ask(fems, "POST", SET, '{"value":5}')
    assert dict(fems.house.written.values) == {"SetActivePowerEquals": 5}


def test_a_reset_is_a_reset(fems):
    fems.faults.next("reset")
    with socket.create_connection(fems.address, timeout=60) as line:
        line.sendall(f"GET {SOC} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            line.recv(10)


@pytest.mark.parametrize(("name", "status"), [("redirect", 302), ("html", 200)])
def test_somebody_else_answers(fems, ask, name, status):
    fems.faults.next(name)
    answered = ask(fems, "POST", SET, '{"value":5}')
    assert (answered.status, answered.headers["Content-Type"]) == (status, "text/html")
    assert answered.headers["Location"] == ("/rest/elsewhere" if status == 302 else None)
    assert not fems.house.written.values


def test_spoiled_contents(fems, ask):
    fems.faults.next("garbage", "huge", "huge=70000", "null", "null")
    with pytest.raises(ValueError, match=r"Unterminated|control|decode"):
        _ = ask(fems, "GET", SOC).content
    assert len(ask(fems, "GET", SOC).body) > 200_000
    assert 70_000 < len(ask(fems, "GET", SOC).body) < 71_000
    assert ask(fems, "GET", SOC).content["value"] is None
    assert ask(fems, "POST", SET, '{"value":5}').content == {}


def test_swapped_types(fems, ask):
    fems.faults.next("type-swap", "type-swap=1", "type-swap")
    swapped = {item["address"]: item["value"] for item in ask(fems, "GET", BATCH).content}
    assert {type(value) for value in swapped.values()} == {str, bool, float, list}
    assert ask(fems, "GET", SOC).content["value"] is True
    assert ask(fems, "GET", "/rest/channel/_meta/Version").content["value"] == "2025.4.0"
    fems.faults.next("null")
    assert ask(fems, "GET", "/rest/channel/nope/x").status == 404


def test_less_than_announced(fems, ask):
    fems.faults.next("truncate")
    with pytest.raises(http.client.IncompleteRead):
        ask(fems, "GET", SOC)


def test_slowness(fems, ask):
    fems.faults.next("delay=0.3", "drip=0.002", "drip-header=0.002")
    for _ in range(3):
        begun_s = time.monotonic()
        assert ask(fems, "GET", SOC).content["value"] == 50
        assert time.monotonic() - begun_s >= 0.2


def test_slowness_does_not_hold_up_the_end(make_house, over):
    fems = over(make_house())
    fems.faults.next("delay=60", "drip=60")
    asked = []
    fems.faults.when(lambda request: asked.append(request) or False, "null")
    lines = [socket.create_connection(fems.address, timeout=PATIENCE_S) for _ in range(2)]
    for number, line in enumerate(lines, 1):
        line.sendall(f"GET {SOC} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda number=number: len(asked) == number)
    watch = Stopwatch()
    fems.stop()
    assert watch.seconds() < 2
    for line in lines:
        line.close()


def test_another_time(fems, ask, at):
    fems.faults.next("clock", "clock=-60")
    for offset_s in (3_600, -60, 0):
        reported = email.utils.parsedate_to_datetime(ask(fems, "GET", SOC).headers["Date"])
        assert reported == at + timedelta(seconds=offset_s)


def test_a_script_a_rule_and_a_rhythm(fems, ask):
    fems.faults.when(lambda request: request.method == "POST", "html")
    fems.faults.next(None, Fault("null"))
    fems.faults.always("redirect", every=4)
    seen = [ask(fems, "GET", SOC) for _ in range(4)]
    assert [answer.status for answer in seen] == [200, 200, 200, 302]
    assert seen[1].content["value"] is None
    assert ask(fems, "POST", SET, '{"value":5}').headers["Content-Type"] == "text/html"
    fems.faults.clear()
    assert ask(fems, "POST", SET, '{"value":5}').content == {}


def test_a_fault_is_written_in_one_way():
    assert parse("delay=3/10") == (Fault("delay", 3), 10)
    assert parse("clock=-1.5") == (Fault("clock", -1.5), 1)
    assert parse("drip") == (Fault("drip", KINDS["drip"].amount), 1)
    assert parse("other") == (Fault("other"), 1)
    with pytest.raises(ValueError, match="NAME=AMOUNT"):
        parse("Delay 3")


@pytest.mark.parametrize("unknown", ["nope", Fault("nope")])
def test_an_unknown_fault_names_the_others(fems, unknown):
    with pytest.raises(ValueError, match=r"nope.*drop-before.*clock"):
        fems.faults.next(unknown)


def test_nginx_in_front(make_house, over, ask):
    fems = over(make_house(), nginx=True)
    line = http.client.HTTPConnection(*fems.address, timeout=60)
    for _ in range(2):  # it stays open after a 500
        line.request("GET", "/rest/channel/ess0/Soc")
        answer = line.getresponse()
        assert (answer.status, answer.headers["Server"]) == (500, "nginx/1.14.2")
        assert b"Authentication failed" in answer.read()
    kept = line.sock
    line.request("GET", SOC)
    line.getresponse().read()
    assert line.sock is kept
    line.close()
    for path in ("/", "/index.html", "/jsonrpc", "/rest"):
        page = ask(fems, "POST" if path == "/jsonrpc" else "GET", path, password=None)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html")
    assert ask(fems, "GET", "/websocket").status == 400
    fems.restart(30)
    away = ask(fems, "GET", SOC)
    assert (away.status, away.headers["Content-Type"]) == (502, "text/html")
    assert b"502 Bad Gateway" in away.body
    assert ask(fems, "GET", "/websocket").status == 502
    assert ask(fems, "GET", "/").status == 200
    fems.advance(30)
    assert ask(fems, "GET", SOC).status == 200


def test_a_restart_loses_what_was_written(fems, ask):
    with FemsClient(fems.url, "owner") as client:
        client.hold(Channel.EQUALS, 500)
        fems.restart(20)
        with pytest.raises(UnreachableError):
            client.applied()
        fems.advance(20)
        assert client.applied() == 3_000
        assert client.writers() == ""


def test_every_situation_can_be_arranged(make_house, over):
    for name in SITUATIONS:
        arrange(over(make_house()), [name])
    assert set(names()) == set(SITUATIONS) | set(KINDS)


def test_situations_add_up(make_house, over, ask):
    fems = over(make_house(soc_percent=10))
    arrange(
        fems,
        ["internal", "limiter", "reserve=15", "modbus=-900", "wrong-order", "state", "off-grid",
         "unknown", "nginx", "api-timeout=0", "clock=10/2"],
    )  # fmt: skip
    installed, conditions = fems.house.installation, fems.house.conditions
    assert installed.order == (
        "ctrlEssLimiter14a0", "ctrlEmergencyCapacityReserve0", "ctrlApiModbusTcp0",
        "ctrlBalancing0", "ctrlApiRest0",
    )  # fmt: skip
    assert (installed.control_mode, installed.reserve_soc_percent) == (ControlMode.INTERNAL, 15)
    assert (conditions.dimmed, conditions.modbus_w) == (True, -900)
    assert (conditions.state, conditions.grid_mode) == (FAULT, OFF_GRID)
    assert fems.house.written.timeout_s == 0
    assert ask(fems, "GET", SOC).content["value"] is None
    assert ask(fems, "GET", "/").status == 200
    arrange(fems, ["restart=5", "remote", "read-only"])
    assert ask(fems, "GET", SOC).status == 502


def test_an_unknown_situation_names_them_all(fems):
    with pytest.raises(ValueError, match=r"no fault 'nope'.*read-only.*drip-header"):
        arrange(fems, ["html", "nope"])


def test_the_device_of_the_recording(at):
    assert recorded_house(at, 49).shown.applied_w == 3_000
    json.dumps(names())
