"""The client against a simulated FEMS over a real socket."""

import errno
import json
import re
import socket
from datetime import timedelta

import pytest
import responses

from optimizer.errors import ConfigError, LoginError, RefusedError, UnreachableError
from optimizer.fems.client import FemsClient
from optimizer.model.snapshot import ON_GRID, Channel
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.waiting import Stopwatch

EQUALS, LESS, GREATER = Channel.EQUALS, Channel.LESS_OR_EQUALS, Channel.GREATER_OR_EQUALS


def test_a_snapshot_of_an_ac_coupled_system(fems, client, at):
    shot = client.snapshot(at)
    assert shot.at == at
    assert (shot.soc_percent, shot.grid_w, shot.pv_w) == (50, 0, 0)
    assert (shot.ess_w, shot.battery_w, shot.applied_w) == (3_000, 3_000, 3_000)
    assert (shot.allowed_charge_w, shot.allowed_discharge_w) == (-6_000, 6_000)
    assert (shot.grid_mode, shot.state, shot.writers) == (ON_GRID, 0, None)


def test_a_snapshot_of_a_hybrid(make_house, connect, at):
    house = make_house(load_w=700, pv_w=4_000, battery={"hybrid": True})
    with SimulatedFems(house) as fems:
        client = connect(fems.url, "user")
        shot = client.snapshot(at + timedelta(hours=1))
        assert (shot.ess_w, shot.battery_w, shot.pv_w) == (700, -3_300, 4_000)
        assert shot.allowed_discharge_w == 10_000
        assert client.hybrid() is True


class CountingFems(SimulatedFems):
    """Remembers what it was asked for."""

    def __init__(self, house):
        super().__init__(house)
        self.asked = []

    def reply(self, request):
        self.asked.append(request.target)
        return super().reply(request)


def test_a_tick_takes_two_requests_and_a_write(make_house, connect, at):
    with CountingFems(make_house()) as fems:
        client = connect(fems.url, "owner")
        client.snapshot(at)
        client.hold(EQUALS, 5)
    assert [target.split("/")[3] for target in fems.asked] == ["_sum", "ess0", "ess0"]


def test_a_set_point_is_held_and_released(fems, client):
    client.hold(EQUALS, -1_500)
    fems.advance(3)
    assert client.applied() == -1_500
    assert client.writers() == "ess0/SetActivePowerEquals:-1500"
    client.release()
    fems.advance(3)
    assert client.applied() == 3_000
    assert client.writers() == ""


def test_another_channel_replaces_the_one_before(fems, client):
    client.hold(EQUALS, 1_000)
    client.hold(LESS, 500)
    client.hold(LESS, 400)
    assert dict(fems.house.written.values) == {LESS: 400}
    client.hold(GREATER, -100)
    assert dict(fems.house.written.values) == {GREATER: -100}
    client.release()
    assert not fems.house.written.values


def test_release_gives_back_only_what_was_written_here(fems, client, connect):
    other = connect(fems.url, "owner")
    other.hold(LESS, 800)
    client.release()
    assert dict(fems.house.written.values) == {LESS: 800}
    client.hold(EQUALS, 5)
    client.release()
    assert dict(fems.house.written.values) == {LESS: 800}


def test_everything_can_be_given_back_whoever_wrote_it(fems, client, connect):
    connect(fems.url, "owner").hold(LESS, 800)
    client.hold(EQUALS, 5)
    client.release(everything=True)
    assert not fems.house.written.values


def test_a_release_without_a_write_proves_the_right_to_write(fems, client, connect):
    client.release()
    with pytest.raises(RefusedError, match="guest"):
        connect(fems.url, "user").release()


def test_the_fems_takes_over_when_nobody_writes(fems, client):
    client.hold(EQUALS, 0)
    fems.advance(40)
    client.hold(EQUALS, 0)
    fems.advance(60)
    assert client.applied() == 0
    fems.advance(3)
    assert client.applied() == 3_000


def test_soc(client):
    assert client.soc() == 50


def test_an_ac_coupled_system_is_no_hybrid(client):
    assert client.hybrid() is False


def test_a_wrong_password(fems, connect):
    stranger = connect(fems.url, "wrong")
    for _ in range(3):  # each 500 is followed by a closed connection
        with pytest.raises(RefusedError, match="does not accept the password"):
            stranger.soc()


def test_a_500_does_not_harm_the_next_request(fems, connect, at):
    guest = connect(fems.url, "user")
    for _ in range(10):
        with pytest.raises(RefusedError, match="only read"):
            guest.hold(EQUALS, 5)
        assert guest.snapshot(at).soc_percent == 50


def test_a_wrong_unit(fems, connect, at):
    lost = connect(fems.url, "owner", "ess7")
    with pytest.raises(RefusedError, match="no component ess7"):
        lost.snapshot(at)
    with pytest.raises(RefusedError, match="no component ess7"):
        lost.hold(EQUALS, 1)
    assert lost.applied() is None


def test_a_stopped_fems_is_unreachable(make_house, connect, at):
    with SimulatedFems(make_house()) as fems:
        client = connect(fems.url, "owner")
        client.snapshot(at)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        client.snapshot(at)


def test_closing_releases_nothing(fems, connect):
    client = connect(fems.url, "owner")
    client.hold(EQUALS, 7)
    client.close()
    assert dict(fems.house.written.values) == {EQUALS: 7}
    assert client.soc() == 50  # and it can go on


@pytest.mark.parametrize("ess", ["ess.*", "ess0/Soc", ""])
def test_an_id_that_is_a_pattern_is_refused(ess):
    with pytest.raises(ConfigError, match="ess"):
        FemsClient("http://fems", "owner", ess)


class TestAgainstSingleAnswers:
    """Cases that a healthy FEMS does not show."""

    @pytest.fixture
    def mocked(self):
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
            yield mocked

    @pytest.fixture
    def without_plan(self, connect):
        return connect("http://fems", "owner")

    def post(self, mocked, channel, **answer):
        url = f"http://fems/rest/channel/ess0/{channel}"
        return mocked.post(url, **({"json": {}} | answer))

    def test_release_tries_all_channels_and_raises_the_first_fault(self, mocked, without_plan):
        for channel in (EQUALS, LESS, GREATER):
            self.post(mocked, channel)
            without_plan.hold(channel, 1)
        mocked.reset()
        calls = [self.post(mocked, EQUALS, status=502), self.post(mocked, LESS, status=404)]
        calls.append(self.post(mocked, GREATER))
        with pytest.raises(UnreachableError, match="wait some minutes"):
            without_plan.release()
        assert [call.call_count for call in calls] == [1, 1, 1]
        assert {call.request.body for call in mocked.calls} == {b'{"value": null}'}

    def test_a_refusal_on_one_channel_does_not_keep_the_others_from_being_released(
        self, mocked, without_plan
    ):
        for channel in (EQUALS, LESS):
            self.post(mocked, channel)
            without_plan.hold(channel, 1)
        mocked.reset()
        first = self.post(mocked, EQUALS, status=401)
        second = self.post(mocked, LESS)
        with pytest.raises(LoginError):
            without_plan.release()
        assert (first.call_count, second.call_count) == (1, 1)

    def test_the_new_channel_waits_until_the_old_one_is_free(self, mocked, without_plan):
        self.post(mocked, EQUALS)
        less = self.post(mocked, LESS)
        without_plan.hold(EQUALS, 1)
        mocked.replace("POST", "http://fems/rest/channel/ess0/SetActivePowerEquals", status=503)
        for _ in range(2):
            with pytest.raises(UnreachableError):
                without_plan.hold(LESS, 5)
        assert less.call_count == 0

    def test_a_write_whose_answer_is_lost_is_given_back(self, mocked, without_plan):
        self.post(mocked, LESS, status=503)
        with pytest.raises(UnreachableError):
            without_plan.hold(LESS, 5)
        mocked.reset()
        less = self.post(mocked, LESS)
        without_plan.release()
        assert less.call_count == 1

    def test_an_unknown_soc_is_said(self, mocked, without_plan):
        item = {"address": "ess0/Soc", "value": None}
        mocked.get("http://fems/rest/channel/ess0/Soc", json=item)
        with pytest.raises(UnreachableError, match="state of charge"):
            without_plan.soc()

    @pytest.mark.parametrize(
        ("pv", "chargers", "hybrid"),
        [
            ({"address": "_sum/ProductionDcActualPower", "value": 900}, None, True),
            ({"address": "_sum/ProductionDcActualPower", "value": 0}, None, False),
            ({"address": "_sum/ProductionDcActualPower", "value": None}, None, False),
            ({"address": "_sum/ProductionDcActualPower", "value": 0}, "charger0", True),
            (None, "charger0", True),
            (None, None, None),
        ],
    )
    def test_hybrid_or_not(self, mocked, without_plan, pv, chargers, hybrid):
        path = "http://fems/rest/channel/"
        mocked.get(f"{path}_sum/ProductionDcActualPower", **_found(pv))
        item = chargers and {"address": f"{chargers}/ActualPower", "value": None}
        mocked.get(re.compile(f"{path}charger.*/ActualPower"), **_found(item))
        assert without_plan.hybrid() is hybrid


def _found(item):
    return {"status": 404} if item is None else {"body": json.dumps(item), "content_type": JSON}


JSON = "application/json"


def test_a_name_that_turns_public_is_refused_at_the_next_connection(fems, at, monkeypatch):
    """A name server decides anew at each connection; nothing is sent to a public address."""
    answers = ["127.0.0.1"]
    port = int(fems.url.rsplit(":", 1)[1])

    def look_up(_host, port, *_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with FemsClient(f"http://battery.example:{port}", "owner") as client:
        assert client.snapshot(at).soc_percent is not None
        client.close()
        answers[:] = ["203.0.113.7", "127.0.0.1"]  # a private one beside it is taken
        assert client.snapshot(at).soc_percent is not None
        client.close()
        answers[:] = ["8.8.8.8", "2001:4860:4860::8888"]
        watch = Stopwatch()
        for ask in (
            lambda: client.snapshot(at), lambda: client.hold(Channel.EQUALS, 0),
            lambda: client.rpc.call("getEdgeConfig", {}),
        ):  # fmt: skip
            with pytest.raises(UnreachableError, match=r"battery\.example is 8\.8\.8\.8, outside"):
                ask()
        assert watch.seconds() < 1
    with (
        FemsClient(f"http://battery.example:{port}", "a-canary-password") as client,
        pytest.raises(UnreachableError) as caught,
    ):
        client.snapshot(at)
    assert str(caught.value) == (
        "Nothing was sent to the FEMS: battery.example is 8.8.8.8, outside private networks now; "
        "if you mean it write allow_public = true into [fems]."
    )


def test_a_public_address_is_tried_where_it_is_allowed(at, monkeypatch):
    tried = []
    monkeypatch.setattr(
        socket.socket, "connect_ex", lambda _, place: tried.append(place[0]) or errno.ECONNREFUSED
    )
    with FemsClient("http://8.8.8.8", "owner", allow_public=True) as client:
        with pytest.raises(UnreachableError, match="cannot be reached"):
            client.snapshot(at)
        assert tried[0] == "8.8.8.8"
    tried.clear()
    with (
        FemsClient("http://8.8.8.8", "owner") as client,
        pytest.raises(UnreachableError, match=r"Nothing was sent to the FEMS: 8\.8\.8\.8 is"),
    ):
        client.snapshot(at)
    assert tried == []
