"""The six data points, two logins on one connection, and who writes."""

import base64
import re

import pytest
import responses

from optimizer.errors import ConfigError, DataError, RefusedError
from optimizer.fems import writable_channels
from optimizer.fems.writable_channels import Entry, ReactiveChannel
from optimizer.model.snapshot import Channel

EQUALS, LESS, Q = Channel.EQUALS, Channel.LESS_OR_EQUALS, ReactiveChannel.EQUALS


@pytest.mark.parametrize(
    ("value", "wire"), [(5_000, 5_000), (-1499.6, -1_500), (0.4, 0), (-1_000_000, -1_000_000)]
)
def test_set_points_are_whole(value, wire):
    assert writable_channels.whole(EQUALS, value) == wire


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1_000_001, True, "5", None])
def test_what_is_no_set_point_is_never_sent(fems, client, value):
    with pytest.raises(DataError, match="takes whole W"):
        client.hold(EQUALS, value)
    assert not fems.house.written.values
    with pytest.raises(DataError, match="takes whole var"):
        writable_channels.whole(Q, value)


def test_all_six_data_points_have_their_name():
    for channel in writable_channels.SET_POINTS:
        assert writable_channels.set_point_named(str(channel)) is channel
    with pytest.raises(DataError, match="cannot be written; there are: SetActivePowerEquals"):
        writable_channels.set_point_named("ActivePower")


def test_reactive_power_is_refused_unless_it_was_allowed(fems, client, connect):
    with pytest.raises(ConfigError, match=re.escape("[fems] reactive = true")):
        client.hold(Q, 100)
    assert not fems.house.written.values
    other = connect(fems.url, "owner", reactive=True)
    other.hold(EQUALS, 5)
    other.hold(Q, 100)
    assert dict(fems.house.written.values) == {EQUALS: 5, Q: 100}
    other.hold(ReactiveChannel.LESS_OR_EQUALS, 50)  # gives back its own kind only
    assert dict(fems.house.written.values) == {EQUALS: 5, ReactiveChannel.LESS_OR_EQUALS: 50}
    other.release()
    assert not fems.house.written.values


def test_everything_includes_reactive_power_where_it_is_allowed(fems, connect):
    writer = connect(fems.url, "owner", reactive=True)
    writer.hold(Q, 7)
    connect(fems.url, "owner").release(everything=True)
    assert dict(fems.house.written.values) == {Q: 7}
    connect(fems.url, "owner", reactive=True).release(everything=True)
    assert not fems.house.written.values


def test_the_owners_password_travels_in_writes_only(listen, hear, heard, page, connect):
    opened = []

    def talk(connection):
        opened.append(connection)
        while hear(connection):
            posted = heard[-1].startswith(b"POST")
            connection.sendall(page(body=b"{}" if posted else b'{"address":"ess0/Soc","value":5}'))

    client = connect(listen(talk), "owner-secret", guest_password="guest-secret")
    client.soc()
    client.hold(EQUALS, 1)
    client.soc()
    client.release()
    owner, guest = (base64.b64encode(f"x:{name}-secret".encode()) for name in ("owner", "guest"))
    assert [guest in request for request in heard] == [True, False, True, False]
    assert [owner in request for request in heard] == [False, True, False, True]
    assert len(opened) == 1


def test_a_wrong_guest_password_is_told_as_a_wrong_password(fems, connect):
    client = connect(fems.url, "owner", guest_password="wrong")
    with pytest.raises(RefusedError, match=r"\[fems\] guest_password"):
        client.soc()
    client.release()


def test_what_is_handed_over(fems, client):
    assert client.handed_over().entries == ()
    client.hold(EQUALS, -5)
    fems.advance(3)
    log = client.handed_over()
    assert log.entries == (Entry("ctrlApiRest0", "ess0/SetActivePowerEquals", "-5"),)
    assert (log.known, log.failed) == (True, False)
    assert log.has(EQUALS)
    assert not log.has(LESS)
    assert log.on("ess0") == log.entries
    assert log.on("ess1") == ()


def test_logs_of_several_interfaces_and_nonsense():
    log = writable_channels.handed_over(
        {
            "ctrlApiRest0/ApiWorkerLog": None,
            "ctrlApiRest0/RunFailed": 1,
            "ctrlApiModbusTcp0/ApiWorkerLog": "ess0/SetActivePowerEquals:7|io0/Relay1:1|broken",
        }
    )
    assert (log.known, log.failed) == (False, True)
    assert [entry.address for entry in log.entries] == ["ess0/SetActivePowerEquals", "io0/Relay1"]
    assert not log.has(EQUALS)
    assert [entry.api for entry in log.on("ess0")] == ["ctrlApiModbusTcp0"]


def test_a_log_that_is_not_there_is_unknown(connect):
    client = connect("http://fems", "owner")
    with responses.RequestsMock() as mocked:
        mocked.get(re.compile("http://fems/rest/.*"), status=404)
        mocked.post("http://fems/jsonrpc", status=502)
        assert not client.handed_over().known
        assert client.controllers() == ()
        assert client.points("ess0", ".*") == []
        assert client.timeout_s() is None
