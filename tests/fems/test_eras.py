"""Both eras of a FEMS's errors, row by row: one sentence and one exit code for the owner."""

import json

import pytest

from optimizer.errors import ExitCode, OptimizerError
from optimizer.model.snapshot import Channel

NAMED = "io.openems.common.exceptions.OpenemsError$OpenemsNamedException: "
PLAIN = "io.openems.common.exceptions.OpenemsException: "
REFUSED, UNREACHABLE, BUG = ExitCode.REFUSED, ExitCode.UNREACHABLE, ExitCode.BUG


def old(status, code, message):
    """An answer of a FEMS up to 2025.3."""
    error = {"code": code, "message": message, "data": []}
    body = {"jsonrpc": "2.0", "id": "00000000-0000-0000-0000-000000000000", "error": error}
    return status, "application/json", json.dumps(body).encode()


def new(message, status=500):
    """An answer of a FEMS from 2025.4 on."""
    body = {"message": message, "url": "http://fems/rest", "status": str(status)}
    return status, "application/json", json.dumps(body).encode()


def page(status, text=""):
    """A web server's own page."""
    return status, "text/html", f"<html><title>Error {status} {text}</title></html>".encode()


GUEST = "Access to this resource [HTTP POST] is denied for User with Role [GUEST]"
NO_COMPONENT = "Unable to find OpenEMS Component with ID [ess0]"
NO_CHANNEL = "Channel [SetActivePowerEquals] is not defined for ID [ess0]"
NO_WRITE = "[Channel [ID=SetActivePowerEquals]] is not a Write Channel"
ONLY_READ = "REST-Api is in Read-Only mode"

WRITES = {
    "wrong password": (
        old(401, 1003, "Authentication failed"), new(NAMED + "Authentication failed"),
        REFUSED, "does not accept the password",
    ),
    "guest": (old(400, 1002, GUEST), new(NAMED + GUEST), REFUSED, "lets this password only read"),
    "unknown component": (
        old(400, 2000, NO_COMPONENT), new(NAMED + NO_COMPONENT), REFUSED, "no component ess0",
    ),
    "unknown channel": (
        page(500, NO_CHANNEL), new("java.lang.IllegalArgumentException: " + NO_CHANNEL), REFUSED,
        "no channel ess0/SetActivePowerEquals",
    ),
    "read-only channel": (
        old(400, 1, NO_WRITE), new(PLAIN + NO_WRITE), REFUSED, "does not let ess0/Set",
    ),
    "read-only app": (
        old(400, 1, ONLY_READ), new(PLAIN + ONLY_READ), REFUSED, "REST/JSON Write Access",
    ),
    "value missing": (
        old(400, 1, "Value is missing"), new(PLAIN + "Value is missing"), BUG,
        "a fault of this program",
    ),
    "bad JSON": (
        old(400, 1, "Unable to parse: JSON failed to parse [...]"),
        new(PLAIN + "Unable to parse: JSON failed to parse [...]"), BUG, "a fault of this program",
    ),
    "no object": (
        old(400, 1, "JSON [[1]] is not a JSON-Object"),
        new(PLAIN + "Unable to parse: JSON [[1]] is not a JSON-Object"), BUG,
        "a fault of this program",
    ),
    "restart 502": (page(502), page(502), UNREACHABLE, "wait some minutes"),
    "restart 503": (page(503), page(503), UNREACHABLE, "wait some minutes"),
    "restart 504": (page(504), page(504), UNREACHABLE, "wait some minutes"),
    "own error": (
        page(500, "NullPointerException"), new("java.lang.NullPointerException"), UNREACHABLE,
        "an error of its own",
    ),
}  # fmt: skip


@pytest.fixture
def served(listen, hear, connect):
    """A client of a bare server that always gives one answer."""

    def serve(answer, **options):
        status, kind, body = answer
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"

        def talk(connection):
            while hear(connection):
                connection.sendall(head.encode() + body)

        return connect(listen(talk), "owner", **options)

    return serve


@pytest.mark.parametrize("era", [0, 1], ids=["2023", "2025"])
@pytest.mark.parametrize("case", WRITES)
def test_a_write_that_is_refused(served, case, era):
    answer, code, words = WRITES[case][era], *WRITES[case][2:]
    with pytest.raises(OptimizerError, match=words) as caught:
        served(answer).hold(Channel.EQUALS, 5)
    assert caught.value.exit_code is code


READS = {
    "wrong password": (*WRITES["wrong password"][:3], "does not accept the password"),
    "unknown channel": (page(404), (404, "", b""), REFUSED, "no component ess0"),
    "broken regex": (page(400), (400, "", b""), REFUSED, "status 400"),
    "a web page": (page(200), page(200), UNREACHABLE, "sends a web page"),
}


@pytest.mark.parametrize("era", [0, 1], ids=["2023", "2025"])
@pytest.mark.parametrize("case", READS)
def test_a_read_that_is_refused(served, case, era):
    answer, code, words = READS[case][era], *READS[case][2:]
    with pytest.raises(OptimizerError, match=words) as caught:
        served(answer).soc()
    assert caught.value.exit_code is code


CALLS = {
    "read-only app": (old(400, 1, ONLY_READ), new(PLAIN + ONLY_READ), REFUSED, "Write Access"),
    "guest": (
        old(400, 1002, GUEST), new(NAMED + GUEST), REFUSED, "lets this password only read",
    ),
    "unknown method": (
        old(400, 1, "Unhandled method"), old(400, 1, "Unable to get Response: Unhandled"), REFUSED,
        "does not answer getEdgeConfig",
    ),
    "restart": (page(502), page(502), UNREACHABLE, "wait some minutes"),
    "no JSON-RPC": (
        page(500, "Unknown REST endpoint"), new(PLAIN + "Unknown REST endpoint: /jsonrpc"),
        REFUSED, "does not know /jsonrpc",
    ),
    "error with 200": (
        old(200, 1002, GUEST), old(200, 1002, GUEST), REFUSED, "lets this password only read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("era", [0, 1], ids=["2023", "2025"])
@pytest.mark.parametrize("case", CALLS)
def test_a_call_that_is_refused(served, case, era):
    answer, code, words = CALLS[case][era], *CALLS[case][2:]
    with pytest.raises(OptimizerError, match=words) as caught:
        served(answer).edge_config()
    assert caught.value.exit_code is code
