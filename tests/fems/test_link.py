"""One exchange: bounded in time and size, with nobody else, over a connection that may drop."""

import os
import random
import time
from datetime import timedelta

import pytest

from optimizer.errors import ConfigError, UnreachableError
from optimizer.fems.link import CAP_BYTES, Link
from tests.waiting import PATIENCE_S, Stopwatch

SOC = b'{"address":"ess0/Soc","value":50}'


@pytest.fixture
def dial():
    """Links, closed in the end; without limits that a slow machine could reach unless given."""
    links = []

    def dial(url, *, read_timeout_s=PATIENCE_S, deadline_s=PATIENCE_S, login="owner"):
        link = Link(url, login, read_timeout_s=read_timeout_s, deadline_s=deadline_s)
        links.append(link)
        return link

    yield dial
    for link in links:
        link.close()


@pytest.fixture
def answering(listen, hear):
    """A server that answers each request with the next of `answers`; then it hangs up."""

    def answering(*answers):
        left = list(answers)

        def talk(connection):
            while left and hear(connection):
                answer = left.pop(0)
                if answer is None:
                    return
                connection.sendall(answer)

        return listen(talk)

    return answering


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://192.168.0.23", "http://192.168.0.23"),
        ("http://192.168.0.23:8084/", "http://192.168.0.23:8084"),
        (" http://FEMS.local ", "http://fems.local"),
        ("http://[fe80::1]:80", "http://[fe80::1]:80"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_plain_addresses(dial, url, origin):
    assert dial(url).origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "192.168.0.23",
        "https://fems",
        "ftp://fems",
        "http://",
        "http://fems/rest",
        "http://fems?x",
        "http://fems#x",
        "http://fems:x",
        "http://fems:99999",
        "http://[fems",
        "http://fe ms",
        "http://fems\\x",
        "http://-fems",
    ],
)
def test_other_addresses_are_refused(url):
    with pytest.raises(ConfigError, match=r"\[fems\] url is not a plain HTTP address"):
        Link(url, "owner", read_timeout_s=1, deadline_s=1)


def test_a_login_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match=r"\[fems\] password") as caught:
        Link("http://x:geheim@192.168.0.23", "owner", read_timeout_s=1, deadline_s=1)
    assert "geheim" not in str(caught.value)


def test_a_get_and_a_post_on_one_connection(dial, answering, page, heard):
    link = dial(answering(page(body=SOC), page()))
    assert link.get("ess0", "(Soc|State)") == {"address": "ess0/Soc", "value": 50}
    link.post("ess0", "SetActivePowerEquals", -5)
    read, write = heard
    assert read.startswith(b"GET /rest/channel/ess0/%28Soc%7CState%29 HTTP/1.1\r\n")
    assert b"Accept: application/json\r\n" in read
    assert b"Authorization: Basic eDpvd25lcg==\r\n" in read
    assert write.startswith(b"POST /rest/channel/ess0/SetActivePowerEquals HTTP/1.1\r\n")
    assert write.endswith(b'{"value": -5}')


def test_nothing_there_is_none(dial, answering, page):
    assert dial(answering(page(404, b"", "text/html"))).get("ess0", "Nope") is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>router</html>", "text/html"),
        (SOC, "text/html"),
        (b"{", "application/json"),
        (b"null", "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 60_000, "application/json"),
        (SOC + b" " * CAP_BYTES, "application/json"),
    ],
)
def test_what_is_no_answer_of_a_fems(dial, answering, page, body, kind):
    with pytest.raises(UnreachableError, match="does not speak like a FEMS"):
        dial(answering(page(200, body, kind))).get("ess0", "Soc")


def test_a_write_is_answered_by_an_object(dial, answering, page):
    with pytest.raises(UnreachableError, match="does not speak like a FEMS"):
        dial(answering(page(200, b"[]"))).post("ess0", "SetActivePowerEquals", 1)


@pytest.mark.parametrize("where", ["{other}/x", "http://[broken", "/rest"])
@pytest.mark.parametrize("status", [301, 302, 307])
def test_no_redirect_is_followed(dial, answering, page, heard, status, where):
    other = answering(page())
    location = f"Location: {where.format(other=other)}\r\n"
    link = dial(answering(page(status, b"", more=location)))
    with pytest.raises(UnreachableError, match=f"Status {status} is no FEMS's answer"):
        link.post("ess0", "SetActivePowerEquals", 1)
    assert len(heard) == 1


def test_a_date_tells_how_far_the_clocks_are_apart(dial, answering, page):
    date = "Date: Wed, 14 Jan 2026 12:00:00 GMT\r\n"
    odd = page(body=SOC, more="Date: x\r\n")
    link = dial(answering(page(body=SOC, more=date), page(body=SOC), odd))
    link.get("ess0", "Soc")
    assert link.clock_ahead < timedelta(0)
    for _ in range(2):
        link.get("ess0", "Soc")
        assert link.clock_ahead is None


def test_no_proxy_and_no_foreign_password(dial, answering, page, heard, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login x password foreign\n")
    monkeypatch.setenv("NETRC", str(netrc))
    proxy = answering(page())
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    dial(answering(page(body=SOC))).get("ess0", "Soc")
    assert len(heard) == 1
    assert b"GET /rest" in heard[0]
    assert b"Basic eDpvd25lcg==" in heard[0]


def test_a_password_of_any_letters_is_sent(dial, answering, page, heard):
    dial(answering(page(body=SOC)), login="pässwört€\ud800").get("ess0", "Soc")
    assert b"Authorization: Basic eDpww6Rzc3fDtnJ04oKs7aCA\r\n" in heard[0]


def test_nobody_there(dial, answering):
    link = dial(answering())
    with pytest.raises(UnreachableError, match="cannot be reached"):
        link.get("ess0", "Soc")
    with pytest.raises(UnreachableError, match="cannot be reached"):
        dial("http://127.0.0.1:9").get("ess0", "Soc")


def test_a_dropped_connection_is_opened_again_once(dial, answering, page, heard):
    link = dial(answering(page(body=SOC), None, page(body=SOC), None, None, page()))
    link.get("ess0", "Soc")
    link.get("ess0", "Soc")
    assert len(heard) == 3
    with pytest.raises(UnreachableError, match="cannot be reached"):
        link.post("ess0", "SetActivePowerEquals", 1)
    assert len(heard) == 5
    link.post("ess0", "SetActivePowerEquals", 1)


def test_a_fresh_connection_that_drops_is_not_tried_again(dial, answering, page, heard):
    link = dial(answering(None, page(body=SOC)))
    with pytest.raises(UnreachableError, match="cannot be reached"):
        link.get("ess0", "Soc")
    assert len(heard) == 1


@pytest.mark.parametrize(
    "text", [b"HTTP/1.1 200 X\r\nX-Drip: ", b"HTTP/1.1 200 X\r\nContent-Length: 9999\r\n\r\n"]
)
def test_a_dripping_answer_ends_with_the_deadline(dial, listen, hear, text):
    def drip(connection):
        hear(connection)
        connection.sendall(text)
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.02)

    link = dial(listen(drip), deadline_s=0.3)
    watch = Stopwatch()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        link.get("ess0", "Soc")
    assert watch.seconds() < 0.8


def test_no_drip_holds_a_call_longer_than_the_deadline(listen, hear):
    """1,000 tries: OPTIMIZER_DRIPS=1000 pytest tests/fems/test_link.py -k drip."""
    tries = int(os.environ.get("OPTIMIZER_DRIPS", "100"))
    whole = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n"
    chance = random.Random(7)  # noqa: S311 - the same drips each time

    def drip(connection):
        hear(connection)
        connection.sendall(whole[: chance.randrange(len(whole) + 1)] or b"H")
        pause_s = chance.choice((0.001, 0.01, 0.04))
        for _ in range(int(0.5 / pause_s)):
            connection.sendall(b"x")
            time.sleep(pause_s)

    url, longest_s = listen(drip), 0.0
    for number in range(tries):
        link = Link(url, "owner", read_timeout_s=0.5, deadline_s=0.05)
        watch = Stopwatch()
        large = number % 4 == 0
        with pytest.raises(UnreachableError):
            link.get("ess0", "Soc", large=large)
        # a large answer may take three times as long
        allowed_s = 0.15 if large else 0.05
        longest_s = max(longest_s, watch.seconds() - allowed_s)
        link.close()
    assert longest_s < 0.5


def test_silence_ends_with_the_read_time_out(dial, listen, hear):
    def wait(connection):
        while hear(connection):
            pass

    link, watch = dial(listen(wait), read_timeout_s=0.1), Stopwatch()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        link.get("ess0", "Soc")
    assert watch.seconds() < 0.6


def test_a_second_attempt_has_what_is_left_of_the_deadline(dial, listen, hear, page):
    def slow_drop(connection):
        if hear(connection):
            connection.sendall(page(body=SOC))
        if hear(connection):
            time.sleep(0.25)

    link = dial(listen(slow_drop), deadline_s=0.2)
    link.get("ess0", "Soc")
    with pytest.raises(UnreachableError, match="did not answer in time"):
        link.get("ess0", "Soc")


def test_no_time_at_all(dial, answering):
    with pytest.raises(UnreachableError, match="did not answer in time"):
        dial(answering(), deadline_s=0).get("ess0", "Soc")


def test_the_cap_holds_without_a_length(dial, listen, hear):
    def flood(connection):
        hear(connection)
        connection.sendall(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n")
        connection.sendall(SOC + b" " * 1_000_000)

    with pytest.raises(UnreachableError, match="does not speak like a FEMS"):
        dial(listen(flood)).get("ess0", "Soc")
