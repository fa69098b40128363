"""Every "no" of both eras, and what is said about it; the password is said never."""

import base64
import json
import traceback

import pytest
import responses

from optimizer.errors import OptimizerError, RefusedError, UnreachableError
from optimizer.fems.client import FemsClient
from optimizer.fems.refusals import FemsAnswer, error_in
from optimizer.model.snapshot import Channel

CANARY = "kanari3nvogel€"
NAMED = "io.openems.common.exceptions.OpenemsError$OpenemsNamedException: "


def html(message):
    return FemsAnswer(500, "text/html", f"<html><title>Error 500 {message}</title></html>".encode())


def jetty(message, status=500):
    body = json.dumps({"message": message, "url": "http://fems/rest", "status": str(status)})
    return FemsAnswer(status, "application/json", body.encode())


def rpc(status, code, message):
    error = {"code": code, "message": message, "data": []}
    body = json.dumps({"jsonrpc": "2.0", "id": "0", "error": error})
    return FemsAnswer(status, "application/json", body.encode())


REFUSALS = [
    (jetty(NAMED + "Authentication failed"), "password"),
    (html(NAMED + "Authentication failed"), "password"),
    (rpc(401, 1003, "Authentication failed"), "password"),
    (rpc(400, 1003, "Anmeldung fehlgeschlagen"), "password"),
    (rpc(400, 1001, "User is not authenticated"), "password"),
    (FemsAnswer(401, "text/html", b""), "password"),
    (jetty(NAMED + "Access to [HTTP POST] is denied for User with Role [GUEST]"), "guest's"),
    (rpc(400, 1002, "Zugriff verweigert"), "guest's"),
    (FemsAnswer(403, "text/html", b""), "guest's"),
    (jetty("REST-Api is in Read-Only mode"), "REST/JSON Write Access"),
    (rpc(400, 1, "REST-Api is in Read-Only mode"), "REST/JSON Write Access"),
    (jetty("[Channel [ID=Soc]] is not a Write Channel"), "ess0/Soc be written"),
    (rpc(400, 1, "[Channel [ID=Soc]] is not a Write Channel"), "ess0/Soc be written"),
    (jetty("Unable to find OpenEMS Component with ID [ess0]"), "no component ess0"),
    (rpc(400, 2000, "Keine Komponente"), "no component ess0"),
    (jetty("Channel [Soc] is not defined for ID [ess0]"), "no channel ess0/Soc"),
    (FemsAnswer(404, "text/html", b"<html>Not found</html>"), "no ess0/Soc"),
    (FemsAnswer(400, "", b""), "status 400"),
    (rpc(400, 1, "Etwas anderes"), "status 400"),
    (FemsAnswer(429, "", b""), "status 429"),
]
TROUBLES = [
    (jetty("java.lang.NullPointerException"), "error of its own"),
    (html("java.lang.NullPointerException"), "error of its own"),
    (FemsAnswer(501, "", b""), "error of its own"),
    (FemsAnswer(502, "text/html", b"<html>nginx</html>"), "wait some minutes"),
    (FemsAnswer(503, "text/html", b""), "wait some minutes"),
    (FemsAnswer(504, "text/html", b""), "wait some minutes"),
    (FemsAnswer(204, "", b""), "Status 204"),
    (FemsAnswer(302, "text/html", b"Authentication failed"), "Status 302"),
]


@pytest.mark.parametrize(("answer", "words"), REFUSALS)
def test_a_refusal_and_its_cure(answer, words):
    error = error_in(answer, "ess0", "Soc")
    assert isinstance(error, RefusedError)
    assert words in str(error)


@pytest.mark.parametrize(("answer", "words"), TROUBLES)
def test_trouble_is_no_refusal(answer, words):
    error = error_in(answer, "ess0", "Soc")
    assert isinstance(error, UnreachableError)
    assert words in str(error)


def test_every_text_is_one_sentence():
    for answer, _ in REFUSALS + TROUBLES:
        text = str(error_in(answer, "ess0", "Soc"))
        assert text.endswith(".")
        assert ". " not in text
        assert "{" not in text


def test_a_success_is_no_error():
    assert error_in(FemsAnswer(200, "application/json", b"{}"), "ess0", "Soc") is None


def everything_in(error):
    """All that a log, a debugger or a crash report could take from an error and its chain."""
    found = "".join(traceback.format_exception(error))
    while error is not None:
        found += f"{error} {error!r} {error.args!r} {vars(error)!r}"
        assert error.__cause__ is None
        error = error.__context__
    return found


@pytest.mark.parametrize("answer", [answer for answer, _ in REFUSALS + TROUBLES])
def test_the_password_is_in_no_error(answer):
    secret = base64.b64encode(f"x:{CANARY}".encode()).decode()
    with responses.RequestsMock() as mocked, FemsClient("http://fems", CANARY) as client:
        mocked.post(
            "http://fems/rest/channel/ess0/SetActivePowerEquals",
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
        )
        with pytest.raises(OptimizerError) as caught:
            client.hold(Channel.EQUALS, 1)
        assert mocked.calls[0].request.headers["Authorization"] == f"Basic {secret}"
        assert CANARY not in repr(client)
    reported = everything_in(caught.value)
    assert CANARY not in reported
    assert secret not in reported


@pytest.mark.parametrize("talk", ["drop", "silence", "nonsense"])
def test_the_password_is_in_no_error_of_the_line(listen, hear, talk):
    def answer(connection):
        hear(connection)
        if talk == "silence":
            hear(connection)
        if talk == "nonsense":
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: -\r\n\r\n")

    url = listen(answer)
    with FemsClient(url, CANARY, read_timeout_s=0.1) as client:
        with pytest.raises(UnreachableError) as caught:
            client.soc()
        assert CANARY not in everything_in(caught.value)
