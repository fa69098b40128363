"""`optimizer simulate` as a process: eras, faults, the recorded device, and what it refuses."""

import json
import socket

import pytest
import requests

from optimizer.simulation.fems.situations import names

OWNER, SOC = ("x", "owner"), "/rest/channel/ess0/Soc"


@pytest.mark.parametrize(("era", "status", "code"), [("2023", 401, 1003), ("2025", 500, None)])
def test_the_era_decides_how_it_refuses(simulated, era, status, code):
    url = simulated("--era", era, speed=1)
    headers = {"Accept": "application/json"}
    refused = requests.get(url + SOC, auth=("x", "wrong"), headers=headers, timeout=60)
    assert refused.status_code == status
    assert refused.json().get("error", {}).get("code") == code
    assert "Authentication failed" in refused.text


def test_the_device_of_the_recording(simulated, wait_for):
    url = simulated("--recorded", speed=5)
    applied = "/rest/channel/ess0/DebugSetActivePower"
    with requests.Session() as session:
        session.auth = OWNER

        def reported():
            return session.get(url + applied, timeout=60).json()["value"]

        assert reported() == 3_000
        set_point = f"{url}/rest/channel/ess0/SetActivePowerEquals"
        written = session.post(set_point, data="{ 'value': -99999 }", timeout=60)
        assert (written.status_code, written.text) == (200, "{}")
        wait_for(lambda: reported() == -6_000)
        wait_for(lambda: reported() == 3_000)
        assert session.get(f"{url}/rest/channel/_sum/.*Power", timeout=60).status_code == 404


def test_faults_are_switched_on(simulated):
    url = simulated("--fault", "read-only", "--fault", "null/2", "--fault", "nginx", speed=1)
    with requests.Session() as session:
        session.auth = OWNER
        values = [session.get(url + SOC, timeout=60).json()["value"] for _ in range(4)]
        assert values == [50, None, 50, None]
        refused = session.post(url + SOC, json={"value": 1}, timeout=60)
        assert "REST-Api is in Read-Only mode" in refused.text
        assert refused.headers["Server"] == "nginx/1.14.2"
        assert session.get(url, timeout=60).headers["Content-Type"] == "text/html"


def test_the_configuration_says_what_was_asked_for(simulated):
    url = simulated("--hybrid", "--fault", "api-timeout=15", "--fault", "wrong-order", speed=1)
    body = json.dumps({"method": "getEdgeConfig", "params": {}})
    answer = requests.post(f"{url}/jsonrpc", body, auth=OWNER, timeout=60)
    components = answer.json()["result"]["components"]
    assert components["ctrlApiRest0"]["properties"]["apiTimeout"] == 15
    order = components["scheduler0"]["properties"]["controllers.ids"]
    assert order == ["ctrlBalancing0", "ctrlApiRest0"]
    assert "charger0" in components


def test_an_unknown_fault_names_the_others(optimizer):
    done = optimizer("simulate", "--port", "0", "--fault", "nope")
    assert done.returncode == 2
    assert "there is no fault 'nope'" in done.stderr
    shown = "".join(done.stderr.split())
    assert all(name in shown for name in names())
    assert optimizer("simulate", "--fault", "No Such=x").returncode == 2


def test_a_taken_port_is_one_sentence(optimizer):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = optimizer("simulate", "--port", port)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another with --port" in " ".join(done.stderr.split())


def test_help_lists_every_fault(optimizer):
    done = optimizer("simulate", "--help")
    assert done.returncode == 0
    shown = "".join(done.stdout.split())
    assert all(name in shown for name in names())
    assert "2023|2025" in shown


@pytest.mark.parametrize(
    ("args", "most"),
    [
        (("--speed", "61"), "60 at most"),
        (("--speed", "3600"), "60 at most"),
        (("--speed", "6", "--recorded"), "5 at most"),
        (("--speed", "16", "--fault", "api-timeout=15"), "15 at most"),
        (("--speed", "5.5", "--fault", "api-timeout=2"), "5 at most"),
    ],
)
def test_a_speed_at_which_nothing_can_be_held_is_refused(in_process, args, most):
    done = in_process("simulate", "--host", "999.1.1.1", *args)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "Invalid value for --speed: at " in said
    assert "passes between two writes of an executor" in said
    assert most in said


@pytest.mark.parametrize(
    ("args", "noted"),
    [
        (("--speed", "60"), True), (("--speed", "7"), True), (("--speed", "6"), False),
        (("--speed", "1"), False), (("--speed", "3600", "--fault", "api-timeout=0"), False),
    ],
)  # fmt: skip
def test_a_fast_one_says_how_often_an_executor_has_to_write(in_process, args, noted):
    done = in_process("simulate", "--host", "999.1.1.1", *args)
    assert "cannot listen on 999.1.1.1" in " ".join(done.stderr.split())
    assert ("an executor needs [control] interval_s = 1" in done.stderr) == noted
