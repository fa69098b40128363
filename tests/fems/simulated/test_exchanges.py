"""What the real controller was asked and answered (contract 1.2 to 2.1): own table of the facts.

The device: 6 kW, 10 kWh, a house of 3 kW that Balancing covers, a time-out of 5 s, no `_sum`.
"""

import http.client
import json
from base64 import b64encode
from typing import NamedTuple

import pytest

from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.simulation.fems.situations import recorded_house

CHANNEL = "/rest/channel/"
SOC = CHANNEL + "ess0/Soc"
EQUALS, LESS, GREATER = (
    f"{CHANNEL}ess0/SetActivePower{kind}" for kind in ("Equals", "LessOrEquals", "GreaterOrEquals")
)
JSON, HTML = "application/json", "text/html;charset=iso-8859-1"
POINT = ["address", "type", "accessMode", "text", "unit", "value"]
BATCH = (
    "Soc", "Capacity", "ActivePower", "AllowedChargePower", "AllowedDischargePower",
    "MaxApparentPower", "GridMode", "State", "DebugSetActivePower",
)  # fmt: skip
GUEST = "OpenemsNamedException: Access to this resource [HTTP POST] is denied for User with Role"
NO_UNIT = "OpenemsNamedException: Unable to find OpenEMS Component with ID "
NOT_PARSED = "OpenemsException: Unable to parse: JSON failed to parse [java.io.EOFException: "
NO_OBJECT = "OpenemsException: Unable to parse: JSON "
RPC_FAILED = "Unable to get Response: "


class Ask(NamedTuple):
    method: str
    path: str
    body: str | None = None
    password: str = "owner"
    accept: str = "*/*"


def get(path, **more):
    return Ask("GET", path, **more)


def post(path, body, **more):
    return Ask("POST", path, body, **more)


READS = [
    (get(SOC), {"address": "ess0/Soc", "type": "INTEGER", "unit": "%", "value": 50}),
    (get(SOC, password="user"), {"address": "ess0/Soc", "accessMode": "RO", "value": 50}),
    (get(f"{CHANNEL}ess0/(Soc|Nope)"), {"address": "ess0/Soc"}),
    (get(EQUALS), {"address": "ess0/SetActivePowerEquals", "accessMode": "WO", "unit": "W"}),
]
EMPTY = [
    (get(f"{CHANNEL}_sum/.*Power"), 404),
    (get(f"{CHANNEL}nope/Soc"), 404),
    (get(f"{CHANNEL}ess0/Nope"), 404),
    (get(f"{CHANNEL}ess0/*"), 400),
    (Ask("PUT", EQUALS, '{"value":1}'), 500),
    (Ask("OPTIONS", EQUALS), 500),
]
PAGES = [
    (get(SOC, password="wrong"), "OpenemsNamedException: Authentication failed"),
    (post(EQUALS, '{"value":1}', password="user"), GUEST + " [GUEST]"),
    (get("/"), "OpenemsException: Missing arguments to handle request"),
    (get("/rest"), "OpenemsException: Missing arguments to handle REST-request"),
    (post(EQUALS, '{"val":1}'), "OpenemsException: Value is missing"),
    (
        post(EQUALS, '{"value":'),
        NOT_PARSED + 'End of input at line 1 column 10 path $.value]: {"value":',
    ),
    (post(EQUALS, ""), NO_OBJECT + "[null] is not a JSON-Object"),
    (post(EQUALS, "[1]"), NO_OBJECT + "[[1]] is not a JSON-Object"),
    (
        post(SOC, '{"value":1}'),
        "OpenemsException: [Channel [ID=Soc, type=INTEGER, activeValue=50 %, access=READ_ONLY]] "
        "is not a Write Channel",
    ),
    (post(f"{CHANNEL}nope/Soc", '{"value":1}'), NO_UNIT + "[nope]"),
    (
        post(f"{CHANNEL}ess0/Nope", '{"value":1}'),
        "java.lang.IllegalArgumentException: Channel [Nope] is not defined for ID [ess0]. Implem",
    ),
    (post(f"{CHANNEL}ess.*/SetActivePowerEquals", '{"value":1}'), NO_UNIT + "[ess.*]"),
]
WRITES = [  # path, body, applied [W], what ApiWorkerLog says, RunFailed
    (EQUALS, '{"value":1000}', 1_000, "1000", 0),
    (EQUALS, '{"value":0}', 0, "0", 0),
    (EQUALS, '{"value":-2000}', -2_000, "-2000", 0),
    (EQUALS, '{"value":12.7}', 12, "12.7", 0),
    (EQUALS, '{"value":"1500"}', 1_500, "1500", 0),
    (EQUALS, '{"value":"abc"}', 3_000, None, 1),
    (EQUALS, '{"value":true}', 0, "true", 0),
    (EQUALS, '{"value":null}', 3_000, None, 0),
    (EQUALS, "{ 'value': 5000 }", 5_000, "5000", 0),
    (EQUALS, '{"value":{"a":1}}', 3_000, None, 1),
    (EQUALS, '{"value":NaN}', 3_000, None, 1),
    (EQUALS, '{"value":1e3}', 1_000, "1000.0", 0),
    (EQUALS, '{"value":99999}', 6_000, "99999", 0),
    (EQUALS, '{"value":-99999}', -6_000, "-99999", 0),
    (LESS, '{"value":0}', 0, "0", 0),
    (LESS, '{"value":1000}', 1_000, "1000", 0),
    (GREATER, '{"value":-1000}', 3_000, "-1000", 0),
]
RPC = [
    (
        post("/jsonrpc", '{"method":"nope","params":{}}'),
        'OpenemsError$OpenemsNamedException: Endpoint with method "nope" is not defined!',
    ),
    (post("/jsonrpc", "{"), "JSON failed to parse [java.io.EOFException: End of input at line 1"),
    (get("/jsonrpc"), RPC_FAILED + "Method [GET] is not supported for JSON-RPC endpoint"),
]


@pytest.fixture
def fems(at):
    with SimulatedFems(recorded_house(at), limits=NO_LIMITS) as running:
        yield running


@pytest.fixture
def ask(fems):
    """Ask over a socket of its own; gives status, kind and body."""

    def ask(asked):
        login = b64encode(f"x:{asked.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Accept": asked.accept}
        line = http.client.HTTPConnection(*fems.address, timeout=60)
        line.request(asked.method, asked.path, asked.body, headers)
        answer = line.getresponse()
        body = answer.read().decode()
        line.close()
        return answer.status, answer.headers["Content-Type"], body

    return ask


@pytest.fixture
def value(ask):
    return lambda address: json.loads(ask(get(CHANNEL + address))[2])["value"]


@pytest.mark.parametrize(("asked", "content"), READS)
def test_one_channel(ask, asked, content):
    status, kind, body = ask(asked)
    found = json.loads(body)
    assert (status, kind) == (200, JSON)
    assert list(found) == (POINT if "value" in content or "Soc" in asked.path else POINT[:-1])
    assert {key: found[key] for key in content} == content


def test_several_channels(ask):
    status, kind, body = ask(get(f"{CHANNEL}ess0/({'|'.join(BATCH)})"))
    assert (status, kind) == (200, JSON)
    found = json.loads(body)
    assert all(list(item) == POINT and item["type"] == "INTEGER" for item in found)
    values = {item["address"].removeprefix("ess0/"): item["value"] for item in found}
    assert values == dict(
        zip(BATCH, (50, 10_000, 3_000, -6_000, 6_000, 10_000, 1, 0, 3_000), strict=True)
    )


@pytest.mark.parametrize(("asked", "status"), EMPTY)
def test_nothing_but_a_status(ask, asked, status):
    assert ask(asked) == (status, None, "")


@pytest.mark.parametrize("accept", ["*/*", JSON])
@pytest.mark.parametrize(("asked", "phrase"), PAGES)
def test_refusals(ask, asked, phrase, accept):
    status, kind, body = ask(asked._replace(accept=accept))
    escaped = phrase.replace('"', "&quot;")
    assert status == 500
    if accept == JSON:
        assert kind == JSON
        found = json.loads(body)
        assert list(found) == ["message", "url", "status"]
        assert escaped in found["message"]
        assert found["url"].endswith(asked.path)
        assert found["status"] == "500"
    else:
        assert kind == HTML
        title = body.partition("<title>")[2].partition("</title>")[0]
        assert title.startswith("Error 500 ")
        assert escaped in title


@pytest.mark.parametrize(("path", "body", "applied_w", "log", "failed"), WRITES)
def test_writes(fems, ask, value, path, body, applied_w, log, failed):
    assert ask(post(path, body)) == (200, JSON, "{}")
    reported = "" if log is None else f"{path.removeprefix(CHANNEL)}:{log}"
    for seconds in (2, 1):  # 2.6 s after the write two or three cycles have passed
        fems.advance(seconds)
        assert value("ess0/DebugSetActivePower") == applied_w
        assert value("ctrlApiRest0/ApiWorkerLog") == reported
        assert value("ctrlApiRest0/RunFailed") == failed


@pytest.mark.parametrize(("asked", "phrase"), RPC)
def test_json_rpc(ask, asked, phrase):
    status, kind, body = ask(asked)
    found = json.loads(body)
    assert (status, kind) == (400, JSON)
    assert list(found) == ["jsonrpc", "id", "error"]
    assert list(found["error"]) == ["code", "message", "data"]
    assert (found["jsonrpc"], found["error"]["code"]) == ("2.0", 1)
    assert found["error"]["message"].startswith(RPC_FAILED)
    assert phrase in found["error"]["message"]
    assert found["error"]["data"] == [found["error"]["message"]]


def trace(fems, value, seconds, write_until_s, ask):
    """What the storage is told, second by second after a single write."""
    ask(post(EQUALS, '{"value":1000}'))
    reported = []
    for second in range(seconds):
        if second <= write_until_s:
            ask(post(f"{CHANNEL}ess0/SetReactivePowerEquals", '{"value":0}'))
        fems.advance(1)
        reported.append(value("ess0/DebugSetActivePower"))
    return reported


def test_the_time_out_of_a_single_write(fems, value, ask):
    """Seen from 2.0 s to 6.7 s after it, gone at 7.2 s."""
    assert trace(fems, value, 10, -1, ask) == [3_000] + [1_000] * 5 + [3_000] * 4


def test_another_channel_keeps_it_alive(fems, value, ask):
    """Refreshed for 5 s: still seen at 11.1 s."""
    assert trace(fems, value, 13, 5, ask) == [3_000] + [1_000] * 10 + [3_000] * 2
