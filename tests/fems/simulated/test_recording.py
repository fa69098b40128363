"""The recorded exchanges themselves, where they are at hand: each is asked and compared."""

import base64
import http.client
import json
import re
from pathlib import Path

import pytest

from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.simulation.fems.situations import recorded_house

RECORDING = Path(__file__).parents[4] / "shared" / "fems" / "rest_above_balancing.json"
pytestmark = pytest.mark.skipif(not RECORDING.exists(), reason="the recording is not here")


def recorded():
    return json.loads(RECORDING.read_text()) if RECORDING.exists() else {"exchanges": []}


@pytest.fixture
def fems(at):
    with SimulatedFems(recorded_house(at), limits=NO_LIMITS) as running:
        yield running


def asked(fems, request):
    login = base64.b64encode(f"{request['user']}:{request['password']}".encode()).decode()
    line = http.client.HTTPConnection(*fems.address, timeout=60)
    headers = request["headers"] | {"Authorization": f"Basic {login}"}
    line.request(request["method"], request["path"], request["body"], headers)
    answer = line.getresponse()
    body = answer.read().decode("utf-8", "replace")
    line.close()
    return answer.status, answer.headers["Content-Type"], body


def shape(content):
    if isinstance(content, dict):
        return {key: shape(value) for key, value in content.items()}
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return sorted((item.get("address"), str(shape(item))) for item in content)
    if isinstance(content, list):
        return [shape(item) for item in content]
    return type(content).__name__


def key_text(kind, body):
    """What a refusal says, without what belongs to that one device."""
    if not body or not (kind or "").startswith(("text/html", "application/json")):
        return ""
    if kind.startswith("text/html"):
        text = body.partition("<title>")[2].partition("</title>")[0]
    else:
        content = json.loads(body)
        if not isinstance(content, dict):
            return ""
        text = content.get("message") or content.get("error", {}).get("message", "")
    text = re.sub(r"Implementation \[.*\]", "Implementation []", text)
    return re.sub(r"activeValue=\d+ %", "activeValue=", text)


@pytest.mark.parametrize("exchange", recorded()["exchanges"], ids=lambda one: one["name"])
def test_the_same_is_answered_and_done(fems, exchange):
    expected = exchange["response"]
    status, kind, body = asked(fems, exchange["request"])
    assert (status, kind) == (expected["status"], expected["content_type"])
    assert bool(body) == bool(expected["body"])
    assert key_text(kind, body) == key_text(kind, expected["body"])
    if kind == "application/json":
        assert shape(json.loads(body)) == shape(json.loads(expected["body"]))
    if "after_2_6_s" in exchange:
        fems.advance(2)
        shown = {}
        for address in ("ess0/DebugSetActivePower", "ctrlApiRest0/(ApiWorkerLog|RunFailed)"):
            request = exchange["request"] | {
                "method": "GET", "path": f"/rest/channel/{address}", "body": None,
            }  # fmt: skip
            items = json.loads(asked(fems, request)[2])
            for item in items if isinstance(items, list) else [items]:
                shown[item["address"].split("/")[1]] = item["value"]
        assert shown == exchange["after_2_6_s"]


@pytest.mark.parametrize(
    ("name", "refreshed_s"),
    [
        ("watchdog_api_timeout_5_s_single_write", -1),
        ("watchdog_api_timeout_5_s_other_channel_refreshed_for_5_s", 5),
    ],
)
def test_the_time_out_within_a_cycle(fems, name, refreshed_s):
    fems.house.write("SetActivePowerEquals", 1_000)
    ours = [3_000]
    for second in range(14):
        if second <= refreshed_s:
            fems.house.write("SetReactivePowerEquals", 0)
        fems.advance(1)
        ours.append(fems.house.shown.applied_w)
    for at_s, applied_w in recorded()[name]:
        about = ours[max(0, int(at_s) - 1) : int(at_s) + 2]
        assert applied_w in about, at_s
