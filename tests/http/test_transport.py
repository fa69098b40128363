"""The one transport: bounded in time and size, with one address and nobody else."""

import threading
from contextlib import closing

import pytest
import requests

from optimizer.http.transport import ExchangeLimits, TooLargeError, Transport, timed_out
from tests.waiting import PATIENCE_S, Stopwatch

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LIMITS = ExchangeLimits(read_timeout_s=PATIENCE_S, deadline_s=PATIENCE_S, cap_bytes=1_000)


@pytest.fixture
def exchange():
    """One exchange within a deadline; gives status and body."""
    with closing(Transport()) as transport:

        def once(url, deadline_s=PATIENCE_S, limits=LIMITS):
            transport.deadline.start(deadline_s)
            head, body = transport.exchange(requests.Request("GET", url), limits)
            return head.status_code, body

        yield once


def drip(pause_s):
    yield HEAD + b"Content-Length: 1000\r\n\r\n"
    while True:
        threading.Event().wait(pause_s)
        yield b"."


def test_an_answer_comes_whole(serve, exchange):
    assert exchange(serve([HEAD + b"Content-Length: 4\r\n\r\nab", b"cd"])) == (200, b"abcd")


@pytest.mark.parametrize(
    ("deadline_s", "silence_s", "pause_s"),
    [(0.3, PATIENCE_S, 0.05), (PATIENCE_S, 0.2, PATIENCE_S)],
    ids=["dripping past the deadline", "silent for too long"],
)  # fmt: skip
def test_a_slow_answer_ends_without_any_thread(serve, exchange, deadline_s, silence_s, pause_s):
    limits, watch = ExchangeLimits(silence_s, deadline_s, 1_000), Stopwatch()
    with pytest.raises((requests.RequestException, TimeoutError)) as caught:
        exchange(serve(drip(pause_s)), deadline_s, limits)
    assert timed_out(caught.value)
    assert watch.seconds() < 1


def test_a_deadline_that_has_passed_sends_nothing(exchange):
    with pytest.raises(TimeoutError, match="the deadline has passed"):
        exchange("http://127.0.0.1:9/", 0.0)


def test_nobody_there_is_not_slow(exchange):
    with pytest.raises(requests.ConnectionError) as caught:
        exchange("http://127.0.0.1:9/")
    assert not timed_out(caught.value)


def test_a_large_answer_is_not_read(serve, exchange):
    with pytest.raises(TooLargeError):
        exchange(serve([HEAD + b"\r\n", *[b"x" * 500] * 3]))
    assert exchange(serve([HEAD + b"Content-Length: 1000\r\n\r\n", b"x" * 1_000]))[0] == 200


def test_a_redirect_is_an_answer_and_not_looked_at(serve, exchange):
    head = b"HTTP/1.1 302 Found\r\nLocation: http://[broken\r\nContent-Length: 2\r\n\r\nno"
    assert exchange(serve([head])) == (302, b"no")


def test_proxies_of_the_environment_are_not_used(serve, exchange, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert exchange(serve([HEAD + b"Content-Length: 2\r\n\r\nok"])) == (200, b"ok")


def test_only_its_schemes_are_spoken():
    with closing(Transport(schemes=("http://",))) as transport:
        transport.deadline.start(1.0)
        with pytest.raises(requests.exceptions.InvalidSchema):
            transport.exchange(requests.Request("GET", "https://127.0.0.1:9/"), LIMITS)
