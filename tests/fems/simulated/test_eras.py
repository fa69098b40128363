"""How both eras refuse (contract 1.4), what both servers make of odd paths, and the other app."""

import json

import pytest

from optimizer.simulation.fems.answers import Era
from optimizer.simulation.fems.installation import Installation

SET, SOC = "/rest/channel/ess0/SetActivePowerEquals", "/rest/channel/ess0/Soc"
ONE = '{"value":1}'
READ_ONLY = "REST-Api is in Read-Only mode"
GUEST = "Access to this resource [HTTP POST] is denied for User with Role [GUEST]"


@pytest.fixture
def old(make_house, over):
    return over(make_house(), era=Era.OLD)


@pytest.fixture
def new(make_house, over):
    return over(make_house(), era=Era.NEW)


@pytest.mark.parametrize(
    ("method", "path", "body", "password", "status", "code", "message", "data"),
    [
        ("GET", SOC, None, "wrong", 401, 1003, "Authentication failed", []),
        ("PUT", SOC, None, "wrong", 401, 1003, "Authentication failed", []),
        ("GET", SOC, None, None, 401, 1003, "Authentication failed", []),
        ("POST", SET, ONE, "user", 400, 1002, GUEST, ["HTTP POST", "GUEST"]),
        ("POST", "/rest/channel/nope/Soc", ONE, "owner", 400, 2000,
         "Unable to find OpenEMS Component with ID [nope]", ["nope"]),
        ("POST", SOC, ONE, "owner", 400, 1, "is not a Write Channel", None),
        ("POST", SET, '{"val":1}', "owner", 400, 1, "Value is missing", None),
        ("POST", SET, "{", "owner", 400, 1, "Unable to parse: JSON failed to parse", None),
        ("POST", SET, "", "owner", 400, 1, "JSON [null] is not a JSON-Object", None),
        ("GET", "/rest/channel/ess0", None, "owner", 400, 1, "Missing arguments", None),
        ("GET", "/rest/other", None, "owner", 400, 1, "Unhandled REST target [other]", None),
        ("POST", "/jsonrpc", "{}", "user", 400, 1002, "[HTTP POST JSON-RPC] is denied for",
         ["HTTP POST JSON-RPC", "GUEST"]),
        ("POST", "/jsonrpc", '{"method":"no","params":{}}', "owner", 400, 1,
         "Unable to get Response: Unhandled JSON-RPC method [no]", None),
    ],
)  # fmt: skip
def test_the_old_era_refuses_in_json_rpc(
    old, ask, method, path, body, password, status, code, message, data
):
    answered = ask(old, method, path, body, password)
    assert (answered.status, answered.headers["Content-Type"]) == (status, "application/json")
    assert list(answered.content) == ["jsonrpc", "id", "error"]
    error = answered.content["error"]
    assert error["code"] == code
    assert message in error["message"]
    assert error["data"] == ([error["message"]] if data is None else data)


@pytest.mark.parametrize(
    ("path", "method", "status", "phrase"),
    [
        ("/rest/channel/nope/Soc", "GET", 404, "Not Found"),
        ("/", "GET", 404, "Not Found"),
        ("/rest", "GET", 404, "Not Found"),
        ("/rest/channel/ess0/*", "GET", 500, "PatternSyntaxException"),
        ("/rest/channel/ess0/Nope", "POST", 500, "Channel [Nope] is not defined for ID [ess0]"),
    ],
)
def test_the_old_era_has_pages_too(old, ask, path, method, status, phrase):
    answered = ask(old, method, path, ONE if method == "POST" else None)
    assert (answered.status, answered.headers["Content-Type"][:9]) == (status, "text/html")
    assert phrase in answered.body.decode()


def test_other_methods_in_the_old_era(old, ask):
    assert ask(old, "PUT", SET, ONE)[::2] == (500, b"")


def test_versions_differ(old, new, ask):
    for fems, version, known in ((old, "2023.6.1", 404), (new, "2025.4.0", 200)):
        shown = ask(fems, "GET", "/rest/channel/_meta/Version").content
        assert shown["value"] == version
        for late in ("_meta/IsEssChargeFromGridAllowed", "_sum/UnmanagedConsumptionActivePower"):
            assert ask(fems, "GET", f"/rest/channel/{late}").status == known


def test_the_app_that_only_reads(make_house, over, ask):
    for era, status in ((Era.OLD, 400), (Era.NEW, 500)):
        fems = over(make_house(installation=Installation(read_only=True)), era=era)
        assert ask(fems, "GET", SOC).content["value"] == 50
        for path in (SET, "/jsonrpc"):
            for password in ("owner", "user"):  # the app is looked at before the role
                answered = ask(fems, "POST", path, ONE, password, Accept="application/json")
                assert answered.status == status
                assert READ_ONLY in answered.body.decode()
        assert not fems.house.written.values
        assert ask(fems, "GET", "/rest/channel/ctrlApiRest0/ApiWorkerLog").status == 404


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("//rest/channel/ess0/Soc", "Ambiguous URI empty segment"),
        ("/rest/channel/ess0//Soc", "Ambiguous URI empty segment"),
        ("/rest/channel/ess0%2FSoc", "Ambiguous URI path separator"),
        ("/rest/./channel/ess0/Soc", "Ambiguous URI path segment"),
        ("/rest/channel/ess0/%2553oc", "Ambiguous URI path encoding"),
        ("/rest/channel/ess0/\\w+", "Illegal Path Character"),
        ("/rest/channel/ess0/%zz", "Bad URI"),
    ],
)
def test_paths_that_nobody_looks_at(new, ask, path, reason):
    answered = ask(new, "GET", path, password=None)
    assert (answered.status, answered.headers["Connection"]) == (400, "close")
    assert f"Error 400 {reason}" in answered.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        SOC + "/",
        SOC + "?x=1",
        SOC + "?",
        "/rest/channel/%65ss0/%53oc",
        "/rest/channel/ess0/S[o]c",
        "/rest/channel/ess0/%5ESoc%24",
        "/rest/channel/ess0/So%28%3F%3Cx%3Ec%29",
        "/rest/channel/?component=ess0&channel=Soc",
        "/rest/channel/x/y?componentRegex=ess.&channelRegex=Soc",
    ],
)
def test_other_ways_to_the_same_channel(new, ask, path):
    assert ask(new, "GET", path).content["address"] == "ess0/Soc"


@pytest.mark.parametrize(
    "pattern", ["*", "**", "+", "%3F", "a**", "(", ")", "%5B", "%7B", "a%7B", "%7B2%7D",
                "a%7B,3%7D", "(*a)", "(?P%3Cn%3Ea)", "a|*", "a%7B2,1%7D", "a%7B99999999999%7D"],
)  # fmt: skip
def test_patterns_that_java_does_not_compile(new, ask, pattern):
    assert ask(new, "GET", f"/rest/channel/ess0/{pattern}")[::2] == (400, b"")


def test_patterns_that_java_does_compile(new, ask):
    for pattern in ("So%7B1%7Dc", "So%7B1,%7Dc", "S.*+|Soc", "(%3Fi)soc"):
        assert ask(new, "GET", f"/rest/channel/ess0/{pattern}").status == 200
    assert ask(new, "GET", "/rest/channel/ess0/[[S]]oc").status == 404  # a union, in Java only


@pytest.mark.parametrize("header", ["Bearer b3duZXI=", "Basic", "basic  eDpvd25lcg== "])
def test_odd_logins(new, ask, header):
    status = ask(new, "GET", SOC, password=None, Authorization=header).status
    assert status == (200 if header.startswith("basic") else 500)


def test_the_root_is_refused_before_the_password_is_looked_at(new, ask):
    assert b"Missing arguments to handle request" in ask(new, "GET", "/", password="no").body
    assert ask(new, "GET", "/favicon.ico", password=None)[::2] == (404, b"")
    assert b"Unknown REST endpoint: /websocket" in ask(new, "GET", "/websocket").body


def test_head_has_no_body(new, ask):
    assert ask(new, "HEAD", SOC)[::2] == (500, b"")
    assert ask(new, "HEAD", "/jsonrpc")[::2] == (400, b"")
    assert json.loads(ask(new, "PUT", "/jsonrpc").body)["error"]["code"] == 1


def test_an_unknown_value_is_undefined_in_the_message(make_house, over, ask):
    house = make_house()
    house.conditions.unknown = "ess0/S.*"
    fems = over(house)
    assert ask(fems, "GET", SOC).content["value"] is None
    assert b"activeValue=UNDEFINED, access" in ask(fems, "POST", SOC, ONE).body
