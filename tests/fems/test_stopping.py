"""Exchanges that are given up, or shortened, because the program has to stop; and silent names."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from optimizer.errors import StoppedError, UnreachableError
from optimizer.fems.client import FemsClient
from optimizer.fems.link import LAST_RELEASE_S, LAST_WRITE_S, Link
from optimizer.model.snapshot import Channel
from tests.waiting import Stopwatch

SOC = b'{"address":"ess0/Soc","value":50}'
SOON_S = 0.4
"""A wait that is given up ends within this time [s], besides waits for a processor."""


@pytest.fixture
def silent():
    """A port that takes no connection and says nothing: its queue is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()


@pytest.fixture
def named(monkeypatch):
    """Let `fems.test` have these addresses; a number waits for so many seconds instead."""
    places = []
    real, over = socket.getaddrinfo, threading.Event()

    def look_up(host, port, *args, **more):
        if host != "fems.test":
            return real(host, port, *args, **more)
        if places and isinstance(places[0], float):
            over.wait(places[0])
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield places
    over.set()


@pytest.fixture
def link(listen):  # servers wait for the connections that are closed here
    with ExitStack() as stack:

        def make(url="http://fems.test", deadline_s=3.0):
            made = Link(url, "owner", read_timeout_s=deadline_s, deadline_s=deadline_s)
            stack.callback(made.close)
            return made

        yield make


def seconds(call, *args):
    """Seconds that a call takes, and what it raises."""
    watch = Stopwatch()
    try:
        call(*args)
    except (StoppedError, UnreachableError) as error:
        return watch.seconds(), type(error)
    return watch.seconds(), None


def stop_after(link, delay_s):
    """Let a link stop so many seconds from now."""
    until_s = time.monotonic() + delay_s
    link.stop_when(lambda: time.monotonic() >= until_s)


def test_twelve_silent_addresses_share_one_deadline(link, named, silent):
    named += [silent] * 12
    took_s, error = seconds(link(deadline_s=1.2).get, "ess0", "Soc")
    assert error is UnreachableError
    assert took_s < 1.6


def test_a_fems_behind_twelve_silent_addresses_is_found_and_then_remembered(
    link, named, silent, listen, hear, page
):
    def talk(connection):
        if hear(connection):
            connection.sendall(page(body=SOC))

    url = listen(talk)
    named += [*[silent] * 12, ("127.0.0.1", int(url.rsplit(":", 1)[1]))]
    reading = link(deadline_s=3)
    assert reading.get("ess0", "Soc") == {"address": "ess0/Soc", "value": 50}
    took_s, error = seconds(reading.get, "ess0", "Soc")  # over a new connection
    assert (error, took_s < SOON_S) == (None, True)


def test_a_silent_name_server_ends_with_the_deadline_and_keeps_one_thread(link, named):
    named.append(30.0)
    asking, before = link(deadline_s=0.3), threading.active_count()
    for _ in range(5):
        took_s, error = seconds(asking.get, "ess0", "Soc")
        assert (error, took_s < 0.3 + SOON_S) == (UnreachableError, True)
    assert threading.active_count() - before <= 1


def test_a_name_server_that_falls_silent_does_not_hold_up_a_release(
    link, named, listen, hear, page
):
    def talk(connection):
        if hear(connection):
            connection.sendall(page())

    url = listen(talk)
    place = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
    named.append(place)
    writing = link()
    writing.post("ess0", Channel.EQUALS, 5)
    named[0] = 30.0
    took_s, error = seconds(writing.post, "ess0", Channel.EQUALS, None)
    assert (error, took_s < 1 + SOON_S) == (None, True)


@pytest.mark.parametrize("where", ["name", "connection", "header", "body"])
def test_a_reading_is_given_up_at_once_wherever_it_hangs(
    link, named, silent, listen, hear, page, where
):
    def hang(connection):
        hear(connection)
        whole = page(body=SOC)
        for byte in {"header": whole[:40], "body": whole[:-1]}.get(where, b""):
            connection.sendall(bytes([byte]))
        connection.recv(1)  # until the client goes

    port = int(listen(hang).rsplit(":", 1)[1])
    named.append({"name": 30.0, "connection": silent}.get(where, ("127.0.0.1", port)))
    reading = link(deadline_s=60.0)
    stop_after(reading, 0.5)
    begun_s = time.monotonic()
    took_s, error = seconds(reading.get, "ess0", "Soc")
    assert error is StoppedError
    assert time.monotonic() - begun_s > 0.4
    assert took_s < 0.5 + SOON_S


def test_after_a_stop_nothing_begins_but_a_release(link, listen, hear, page, heard):
    def talk(connection):
        while hear(connection):
            connection.sendall(page())

    writing = link(listen(talk))
    stop_after(writing, 0)
    assert seconds(writing.get, "ess0", "Soc")[1] is StoppedError
    assert seconds(writing.post, "ess0", Channel.EQUALS, 5)[1] is StoppedError
    assert heard == []
    assert seconds(writing.post, "ess0", Channel.EQUALS, None)[1] is None
    assert heard[0].endswith(b'{"value": null}')


@pytest.mark.parametrize(("value", "longest_s"), [(5, LAST_WRITE_S), (None, LAST_RELEASE_S)])
def test_a_write_on_its_way_is_waited_for_a_little(link, listen, hear, heard, value, longest_s):
    def hang(connection):
        hear(connection)
        connection.recv(1)  # until the client goes

    writing = link(listen(hang), deadline_s=60.0)
    writing.stop_when(lambda: bool(heard))
    begun_s = time.monotonic()
    took_s, error = seconds(writing.post, "ess0", Channel.EQUALS, value)
    assert error is UnreachableError
    assert time.monotonic() - begun_s > longest_s
    assert took_s < 0.2 + longest_s + SOON_S


def test_a_client_gives_up_json_rpc_too(listen, hear):
    def hang(connection):
        hear(connection)
        connection.recv(1)  # until the client goes

    with FemsClient(listen(hang), "owner", jsonrpc_port=None) as client:
        until_s = time.monotonic() + 0.3
        client.stop_when(lambda: time.monotonic() >= until_s)
        took_s, error = seconds(client.edge_config)
    assert error is StoppedError
    assert took_s < 0.3 + SOON_S
