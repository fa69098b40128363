"""Requests and replies of the 2025 era: own table of the facts in contract 1.2 to 1.4."""

import base64
import json

import pytest

from optimizer.simulation.fems.simulated_rest import RestEndpoint, RestRequest

SET = "/rest/channel/ess0/SetActivePowerEquals"


def basic(password, user="x"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def house(make_house):
    house = make_house()
    house.advance(3)
    return house


@pytest.fixture
def ask(house):
    """Ask a FEMS; gives status and parsed content (the text of a page that is no JSON)."""
    rest = RestEndpoint(house, owner_password="owner", guest_password="user")

    def ask(method, target, body="", *, login="owner", accept="application/json", **header):
        header = {"authorization": basic(login)} | header
        reply = rest.reply(RestRequest(method, target, "fems", accept=accept, body=body, **header))
        text = reply.body.decode()
        if reply.content_type == "application/json":
            return reply.status, json.loads(text)
        return reply.status, text

    return ask


def test_one_channel_is_an_object(ask):
    status, content = ask("GET", "/rest/channel/ess0/Soc")
    assert status == 200
    assert list(content) == ["address", "type", "accessMode", "text", "unit", "value"]
    assert content["address"] == "ess0/Soc"
    assert (content["type"], content["accessMode"], content["unit"]) == ("INTEGER", "RO", "%")
    assert content["value"] == 50


def test_a_write_only_channel_has_no_value(ask):
    status, content = ask("GET", SET)
    assert (status, content["accessMode"], "value" in content) == (200, "WO", False)


@pytest.mark.parametrize(
    "target",
    [
        "/rest/channel/ess0/(Soc|Capacity|State)",
        "/rest/channel/ess0/%28Soc%7CCapacity%7CState%29",
        "/rest/channel/ess0/(Soc|Capacity|State)?x=1",
    ],
)
def test_several_channels_are_an_array(ask, target):
    status, content = ask("GET", target)
    assert status == 200
    values = {item["address"]: item["value"] for item in content}
    assert values == {"ess0/Soc": 50, "ess0/Capacity": 10_000, "ess0/State": 0}


def test_components_are_patterns_too(ask):
    _, content = ask("GET", "/rest/channel/(_sum|ess0)/State")
    assert {item["address"] for item in content} == {"_sum/State", "ess0/State"}


@pytest.mark.parametrize(
    ("channel", "value"),
    [
        ("_meta/Version", "2025.4.0"),
        ("_power/NotSolved", 0),
        ("ctrlApiRest0/ApiWorkerLog", ""),
        ("_sum/ProductionDcActualPower", None),
        ("ess0/MaxApparentPower", 6_000),
        ("_sum/EssDischargePower", 3_000),
    ],
)
def test_what_an_ac_coupled_system_shows(ask, channel, value):
    assert ask("GET", f"/rest/channel/{channel}")[1]["value"] == value


def test_a_hybrid_shows_its_roof(make_house):
    house = make_house(pv_w=4_000, load_w=700, soc_percent=60, battery={"hybrid": True})
    rest = RestEndpoint(house, owner_password="owner", guest_password="user")

    def value(channel):
        target = f"/rest/channel/{channel}"
        reply = rest.reply(RestRequest("GET", target, authorization=basic("user")))
        return json.loads(reply.body)["value"]

    house.write("SetActivePowerEquals", 1_000)
    house.advance(2)
    assert value("charger0/ActualPower") == value("_sum/ProductionDcActualPower") == 4_000
    assert value("ess0/DcDischargePower") == -3_000
    assert value("_sum/ProductionAcActivePower") is None
    assert value("ess0/AllowedDischargePower") == 10_000
    assert value("ess0/MaxApparentPower") == 10_000


def test_energies_are_counted(ask, house):
    house.write("SetActivePowerEquals", 0)
    house.advance(60)
    _, content = ask("GET", "/rest/channel/_sum/.*Energy")
    values = {item["address"]: (item["type"], item["value"]) for item in content}
    assert values["_sum/GridBuyActiveEnergy"] == ("LONG", 50)
    assert values["_sum/EssDcDischargeEnergy"] == ("LONG", 2)
    assert values["_sum/ProductionActiveEnergy"] == ("LONG", 0)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/rest/channel/nope/Soc", 404),
        ("GET", "/rest/channel/ess0/Nope", 404),
        ("GET", "/rest/channel/nope/*", 404),  # never compiled
        ("GET", "/rest/channel/ess0/*", 400),
        ("GET", "/rest/channel/(/Soc", 400),
        ("GET", "/rest/channel/ess0/a{99999999999}", 400),
        ("PUT", SET, 500),
        ("OPTIONS", SET, 500),
    ],
)
def test_these_have_no_body(ask, method, target, status):
    assert ask(method, target) == (status, "")


@pytest.mark.parametrize(
    ("method", "target", "body", "phrase"),
    [
        ("GET", "/", "", "OpenemsException: Missing arguments to handle request"),
        ("GET", "/rest", "", "Missing arguments to handle REST-request"),
        ("GET", "/rest/channel/ess0", "", "Missing channel ID. Provide it in path"),
        ("GET", "/rest/channel", "", "Missing component ID. Provide it in path"),
        ("GET", "/rest/else/x", "", "Unhandled REST target [else]"),
        ("GET", "/else", "", "Unknown REST endpoint: /else"),
        ("POST", SET, '{"val":1}', "OpenemsException: Value is missing"),
        ("POST", SET, '{"value":', "JSON failed to parse [java.io.EOFException: End of input at"),
        ("POST", SET, "", "Unable to parse: JSON [null] is not a JSON-Object"),
        ("POST", SET, "[1]", "Unable to parse: JSON [[1]] is not a JSON-Object"),
        ("POST", SET, r'{"\ud800" 1}', "Expected ':'"),
        ("POST", "/rest/channel/nope/Soc", '{"value":1}', "OpenEMS Component with ID [nope]"),
        ("POST", "/rest/channel/ess.*/Soc", '{"value":1}', "OpenEMS Component with ID [ess.*]"),
        ("POST", "/rest/channel/ess0/Nope", '{"value":1}', "Channel [Nope] is not defined for ID"),
        (
            "POST",
            "/rest/channel/ess0/Soc",
            '{"value":1}',
            "[Channel [ID=Soc, type=INTEGER, activeValue=50 %, access=READ_ONLY]] is not a Write",
        ),
    ],
)
def test_faults_are_500_in_the_format_asked_for(ask, method, target, body, phrase):
    status, content = ask(method, target, body)
    assert (status, content["status"]) == (500, "500")
    assert phrase in content["message"].replace("&quot;", '"').replace("&#x27;", "'")
    assert content["url"] == f"http://fems{target}"
    status, page = ask(method, target, body, accept="*/*")
    assert status == 500
    assert page.startswith("<html>")
    assert "<title>Error 500 " in page


@pytest.mark.parametrize(
    "header",
    [
        {"login": "wrong"},
        {"login": ""},
        {"authorization": ""},
        {"authorization": "Basic ?"},
        {"authorization": "Basic /w=="},
        {"authorization": "Basic \xe4"},
        {"authorization": basic("owner").replace("Basic", "Bearer")},
        {"authorization": "Basic " + base64.b64encode(b"owner").decode()},
    ],
)
def test_a_wrong_login_is_refused_whatever_is_asked(ask, header):
    for method, target in (("GET", "/rest/channel/ess0/Soc"), ("POST", SET), ("GET", "/rest")):
        status, content = ask(method, target, '{"value":1}', **header)
        assert status == 500
        assert content["message"].endswith("OpenemsNamedException: Authentication failed")


def test_the_password_alone_decides(ask):
    for user in ("", "x", "anybody", "guest"):
        header = {"authorization": basic("owner", user)}
        assert ask("POST", SET, '{"value":1}', **header) == (200, {})


def test_a_guest_may_read_but_not_write(ask, house):
    assert ask("GET", "/rest/channel/ess0/Soc", login="user")[0] == 200
    status, content = ask("POST", SET, '{"value":1}', login="user")
    assert status == 500
    assert "[HTTP POST] is denied for User with Role [GUEST]" in content["message"]
    assert not house.written.values


@pytest.mark.parametrize(
    ("body", "applied_w", "log"),
    [
        ('{"value":1000}', 1_000, "1000"),
        ('{"value":0}', 0, "0"),
        ('{"value":-2000}', -2_000, "-2000"),
        ('{"value":12.7}', 12, "12.7"),
        ('{"value":-12.7}', -13, "-12.7"),
        ('{"value":"1500"}', 1_500, "1500"),
        ('{"value":true}', 0, "true"),
        ('{"value":[123]}', 123, "[123]"),
        ("{ 'value': 5000 }", 5_000, "5000"),
        ("{value:700}", 700, "700"),
        ('{"value":1e3}', 1_000, "1000.0"),
        ('{"value":99999}', 6_000, "99999"),
        ('{"value":null}', 3_000, None),
        ('{"value":""}', 3_000, None),
        ('{"value":"abc"}', 3_000, "failed"),
        ('{"value":"1500.5"}', 3_000, "failed"),
        ('{"value":NaN}', 3_000, "failed"),
        ('{"value":99999999999}', 3_000, "failed"),
        ('{"value":{"a":1}}', 3_000, "failed"),
    ],
)
def test_writes_are_accepted_before_they_are_looked_at(ask, house, body, applied_w, log):
    assert ask("POST", SET, body) == (200, {})
    house.advance(2)
    _, content = ask("GET", "/rest/channel/ctrlApiRest0/(ApiWorkerLog|RunFailed)")
    shown = {item["address"].split("/")[1]: item["value"] for item in content}
    assert house.shown.applied_w == applied_w
    assert shown["RunFailed"] == (log == "failed")
    reported = f"ess0/SetActivePowerEquals:{log}" if log not in (None, "failed") else ""
    assert shown["ApiWorkerLog"] == reported
