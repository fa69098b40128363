"""One polite exchange: every way a service can fail is one of four kinds, and no secret is told."""

import logging
import time
from datetime import UTC, datetime

import pytest
import responses

from optimizer.http.failures import BusyError, KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import CAP_BYTES, USER_AGENT, ServiceAnswer, ServiceClient
from tests.waiting import Stopwatch

URL = "https://prices.example/api"
SECRET = "kanari3nvogel"
NOW = datetime(2026, 11, 22, 17, 35, tzinfo=UTC)
HTTP = ServiceClient(now=lambda: NOW)


@pytest.fixture
def service():
    with responses.RequestsMock() as mock:
        yield mock


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def test_an_answer_is_read(service):
    service.get(URL, json={"a": [1, None]})
    answer = HTTP.get(URL, {"zone": "DE-LU"}, {"X-Key": SECRET})
    assert answer.json() == {"a": [1, None]}
    sent = service.calls[0].request
    assert sent.url == f"{URL}?zone=DE-LU"
    assert sent.headers["User-Agent"] == USER_AGENT
    assert sent.headers["X-Key"] == SECRET


def test_content_is_posted_as_json(service):
    service.post(
        URL, json=1, match=[responses.matchers.json_params_matcher({"query": "{viewer{id}}"})]
    )
    assert HTTP.post(URL, {"query": "{viewer{id}}"}).json() == 1


STATUS = {
    204: (NotPublishedError, "prices.example has nothing for this time yet"),
    400: (RejectedError, "prices.example rejects the request (400): bad *** zone"),
    401: (
        KeyRefusedError,
        "prices.example refuses (401): look at the key or token: bad *** zone",
    ),
    403: (
        KeyRefusedError,
        "prices.example refuses (403): look at the key or token: bad *** zone",
    ),
    404: (RejectedError, "prices.example rejects the request (404): bad *** zone"),
    429: (BusyError, "prices.example limits the rate of requests (429): ask again later"),
    302: (RejectedError, "prices.example redirects (302), which is not followed"),
    500: (BusyError, "prices.example does not work now (500): ask again later"),
    503: (BusyError, "prices.example does not work now (503): ask again later"),
}


@pytest.mark.parametrize("status", STATUS)
def test_a_status_is_a_kind_of_failure(service, status):
    kind, text = STATUS[status]
    service.get(
        URL, status=status, body="" if status == 204 else f"<h1>bad\n{SECRET}\x07 zone</h1>",
        headers={"Location": "https://elsewhere.example"},
    )  # fmt: skip
    with pytest.raises(kind) as caught:
        HTTP.get(URL, {"key": SECRET}, secrets=[SECRET])
    assert str(caught.value) == text
    assert len(service.calls) == 1


def test_a_source_may_read_a_status_itself(service):
    service.get(URL, status=400, body="not published")
    answer = HTTP.get(URL, own=(400,))
    assert (answer.status, answer.text) == (400, "not published")


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999999", 86_400.0),
        ("Sun, 22 Nov 2026 17:40:00 GMT", 300.0),
        ("Sun, 22 Nov 2026 17:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 17:40:00", None),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(service, status, header, wait_s):
    service.get(URL, status=status, headers={"Retry-After": header} if header else {})
    with pytest.raises(BusyError) as caught:
        HTTP.get(URL)
    assert caught.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<!DOCTYPE html><p>hello", "a web page"),
        ("", "something else"),
        ("{", "something else"),
        ('{"price": NaN}', "something else"),
        ('{"price": -Infinity}', "something else"),
        ("[" * 100_000, "something else"),
    ],
)
def test_what_is_not_json(text, what):
    with pytest.raises(RejectedError) as caught:
        ServiceAnswer("prices.example", 200, text, {}).json()
    assert str(caught.value) == f"prices.example answered with {what} instead of JSON"
    assert caught.value.__context__ is None


def test_a_quote_is_short_and_hides_a_secret_in_every_spelling():
    text = "no a%20b%2Fc or a b/c or a%20b/c: " + "x" * 500
    quote = ServiceAnswer("h", 400, text, {}, ("a b/c",)).quoted()
    assert quote.startswith("no *** or *** or ***: xxx")
    assert quote.endswith("...")
    assert len(quote) == 120


def test_a_byte_order_mark_is_no_fault(service):
    service.get(URL, body="\ufeff[1]".encode())
    assert HTTP.get(URL).json() == [1]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:9/", "127.0.0.1 cannot be reached: look at the internet connection"),
        ("ftp://a.example/", "'a.example' is no address of a service"),
        ("http:///x", "'' is no address of a service"),
    ],
)
def test_what_cannot_be_reached(url, text):
    with pytest.raises((BusyError, RejectedError)) as caught:
        HTTP.get(url, {"key": SECRET}, secrets=[SECRET])
    assert str(caught.value) == text


def test_a_service_that_drips_is_left_at_the_deadline(serve):
    def drip():
        yield HEAD + b"Content-Length: 1000\r\n\r\n"
        while True:
            time.sleep(0.05)
            yield b"["

    watch = Stopwatch()
    with pytest.raises(BusyError, match=r"127\.0\.0\.1 did not answer within 0\.3 s"):
        ServiceClient(deadline_s=0.3).get(serve(drip()))
    assert watch.seconds() < 2


def test_a_service_without_tls_at_its_https_address(serve):
    url = serve([b"this is no TLS record, and long enough to be read as one\n" * 9])
    with pytest.raises(BusyError, match=r"127\.0\.0\.1 could not prove who it is \(TLS\)"):
        HTTP.get(url.replace("http:", "https:"))


def test_an_answer_that_is_too_large_is_not_read_to_its_end(serve):
    parts = [HEAD + b"\r\n", *[b"x" * 100_000] * (CAP_BYTES // 100_000 + 1)]
    with pytest.raises(RejectedError, match=r"127\.0\.0\.1 sends more than 2 MB: not read"):
        HTTP.get(serve(parts))


def test_an_answer_that_breaks_off(serve):
    with pytest.raises(BusyError, match=r"127\.0\.0\.1 (broke off|cannot be reached)"):
        HTTP.get(serve([HEAD + b"Content-Length: 1000\r\n\r\n[1"]))


def test_no_proxy_and_no_netrc(serve, monkeypatch, tmp_path):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login x password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert HTTP.get(serve([HEAD + b"Content-Length: 2\r\n\r\n[]"])).json() == []


def test_no_secret_in_the_log_nor_behind_an_exception(serve, caplog):
    caplog.set_level(logging.DEBUG)
    HTTP.get(serve([HEAD + b"Content-Length: 2\r\n\r\n[]"]), {"key": SECRET})
    with pytest.raises(BusyError) as caught:
        HTTP.get(f"http://127.0.0.1:9/{SECRET}", {"key": SECRET}, secrets=[SECRET])
    assert SECRET not in caplog.text
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
