"""JSON-RPC: the call, the two ports, the device's configuration, its history; recorded shapes."""

import itertools
import json
import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import responses

from optimizer.errors import DataError, UnreachableError
from optimizer.fems import device_history, edge_config, jsonrpc
from optimizer.fems.jsonrpc import JsonRpcClient
from optimizer.http.transport import ExchangeLimits

BERLIN = ZoneInfo("Europe/Berlin")
PROXY, OWN = "http://fems/jsonrpc", "http://fems:8084/jsonrpc"
HTML = {"body": "<html>FEMS</html>", "content_type": "text/html"}


@pytest.fixture
def mocked():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture
def rpc():
    with JsonRpcClient("http://fems", "owner") as rpc:
        yield rpc


def result(content):
    return {"json": {"jsonrpc": "2.0", "id": "0", "result": content}}


def test_a_call(mocked, rpc):
    mocked.post(PROXY, **result({"a": 1}))
    assert rpc.call("method", {"x": 2}) == {"a": 1}
    sent = mocked.calls[0].request
    assert json.loads(sent.body) == {"method": "method", "params": {"x": 2}}
    assert sent.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("first", [HTML, {"status": 404}, {"status": 405}, {"status": 302}])
def test_the_interfaces_own_port_is_tried_next_and_kept(mocked, rpc, first):
    proxy = mocked.post(PROXY, **first)
    mocked.post(OWN, **result([]))
    assert rpc.call("a", {}) == rpc.call("b", {}) == []
    assert proxy.call_count == 1


@pytest.mark.parametrize("second", [HTML, None])
def test_neither_port(mocked, rpc, second):
    mocked.post(PROXY, **HTML)
    if second:
        mocked.post(OWN, **second)
    with pytest.raises(UnreachableError, match="does not forward /jsonrpc at http://fems"):
        rpc.call("a", {})


def test_a_configured_port_is_the_only_one(mocked):
    mocked.post("http://fems:99/jsonrpc", **HTML)
    with (
        JsonRpcClient("http://fems", "owner", 99) as rpc,
        pytest.raises(UnreachableError, match=":99"),
    ):
        rpc.call("a", {})
    with JsonRpcClient("http://[::1]:80", "owner", 99) as rpc, pytest.raises(UnreachableError):
        rpc.call("a", {})
    with JsonRpcClient("http://fems:8084", "owner") as rpc, pytest.raises(UnreachableError):
        rpc.call("a", {})
    assert len(mocked.calls) == 3


@pytest.mark.parametrize("answer", [{"json": [1]}, {"json": {}}, {"body": "x"}])
def test_what_is_no_answer(mocked, rpc, answer):
    mocked.post(PROXY, **answer)
    with pytest.raises(UnreachableError, match="does not speak like a FEMS"):
        rpc.call("a", {})


def component(factory, **properties):
    return {"alias": "geheim", "factoryId": factory, "properties": properties}


DEVICE = {
    "_meta": component(
        "Core.Meta", gridConnectionPointFuseLimit=32, maximumGridFeedInLimit=9_000,
        gridFeedInLimitationType="DYNAMIC_LIMITATION", isEssChargeFromGridAllowed=False,
    ),
    "scheduler0": component(
        "Scheduler.AllAlphabetically",
        **{"controllers.ids": ["ctrlEssLimiter14a0", "ctrlGone0", "ctrlApiRest0", "ctrlPeak0"]},
    ),
    "ctrlApiRest0": component("Controller.Api.Rest.ReadWrite", apiTimeout=60, enabled=True),
    "ctrlEssLimiter14a0": component("Controller.Ess.Limiter14a"),
    "ctrlPeak0": component("Controller.Symmetric.PeakShaving"),
    "ctrlEmergencyCapacityReserve0": component(
        "Controller.Ess.EmergencyCapacityReserve", reserveSoc=20, isReserveSocEnabled=True
    ),
    "ctrlGridOptimizedCharge0": component("Controller.Ess.GridOptimizedCharge", mode="AUTOMATIC"),
    "ctrlEssTimeOfUseTariff0": component("Controller.Ess.Time-Of-Use-Tariff", mode="OFF"),
    "ctrlBalancing0": component("Controller.Symmetric.Balancing"),
    "ctrlOff0": component("Controller.Ess.FixActivePower", enabled=False),
    "batteryInverter0": component("GoodWe.BatteryInverter", controlMode="SMART"),
    "charger0": component("GoodWe.Charger.Mppt.Two.String"),
    "ess0": component("Ess.Generic.ManagedSymmetric", maxApparentPower=10_000),
    "odd": 5,
}  # fmt: skip


def parsed(**changes):
    parts = {name: part for name, part in (DEVICE | changes).items() if part is not None}
    return edge_config.parse({"components": parts, "factories": {}}, "ess0")


def test_the_facts_of_a_hybrid():
    config = parsed()
    assert config.order[:3] == ("ctrlEssLimiter14a0", "ctrlApiRest0", "ctrlPeak0")
    assert config.order[3:] == tuple(sorted(config.order[3:]))
    assert config.above == ("ctrlEssLimiter14a0",)
    assert "ctrlOff0" not in config.order
    assert (config.rest_above_balancing, config.rest_above_tariff) == (True, True)
    assert (config.rest_writes, config.api_timeout_s) == (True, 60)
    assert (config.control_mode, config.hybrid, config.max_apparent_va) == ("SMART", True, 10_000)
    assert (config.reserve_soc_percent, config.operator_limits) == (20, True)
    assert config.peak_shaving == ("ctrlPeak0",)
    assert (config.grid_optimized_charge, config.tariff_mode) == ("AUTOMATIC", "OFF")
    assert (config.fuse_a, config.max_sell_w) == (32, 9_000)
    assert config.max_buy_w == pytest.approx(math.sqrt(3) * 400 * 32)
    assert (config.feed_in_type, config.charge_from_grid) == ("DYNAMIC_LIMITATION", False)


def test_what_is_not_said_is_unknown():
    config = edge_config.parse({"components": {}}, "ess0")
    assert config == edge_config.EdgeConfig()
    bare = parsed(scheduler0=None, ctrlApiRest0=component("Controller.Api.Rest.ReadOnly"))
    assert (bare.rest_writes, bare.api_timeout_s, bare.order) == (False, None, None)
    assert (bare.rest_above_balancing, bare.above) == (None, None)
    assert bare.max_buy_w is not None
    assert parsed(_meta=None).max_buy_w is None


def test_the_wrong_order_and_other_schedulers():
    first = {"controllers.ids": ["ctrlBalancing0", "ctrlApiRest0"]}
    fixed = parsed(scheduler0=component("Scheduler.FixedOrder", **first))
    assert fixed.order == ("ctrlBalancing0", "ctrlApiRest0")
    assert (fixed.rest_above_balancing, fixed.rest_above_tariff) == (False, None)
    assert parsed(scheduler0=component("Scheduler.Daily")).order is None
    assert parsed(scheduler0=component("Scheduler.FixedOrder")).above is None


def test_small_print():
    off = component("Controller.Ess.EmergencyCapacityReserve", isReserveSocEnabled=False)
    assert parsed(ctrlEmergencyCapacityReserve0=off).reserve_soc_percent == 0
    assert parsed(ctrlEmergencyCapacityReserve0=None).reserve_soc_percent is None
    both = parsed(ess0=component("GoodWe.Ess", controlMode="internal"))
    assert both.control_mode == "INTERNAL"
    # the factory of an inverter decides nothing: only a charger on the DC side does
    assert parsed(charger0=None).hybrid is False
    assert parsed(charger0=None, ess0=component("GoodWe.Ess")).hybrid is False
    assert parsed(charger0=component("GoodWe.Charger.Mppt.Two-String")).hybrid is True
    assert parsed(charger0=component("Fenecon.Dess.DC-Charger1")).hybrid is True
    ac = parsed(batteryInverter0=None, charger0=component("Evcs.Keba.KeContact"))
    assert ac.hybrid is False


@pytest.mark.parametrize("content", [None, [], {}, {"components": []}])
def test_what_is_no_configuration(content):
    with pytest.raises(UnreachableError, match="is no configuration"):
        edge_config.parse(content, "ess0")


def test_the_client_asks_for_the_configuration_once(mocked, connect):
    client = connect("http://fems", "owner")
    asked = mocked.post(PROXY, **result({"components": DEVICE}))
    mocked.get("http://fems/rest/channel/ctrlApiRest0/_PropertyApiTimeout", status=404)
    assert client.timeout_s() == 60
    assert client.edge_config() is client.edge_config()
    assert asked.call_count == 1


@pytest.mark.parametrize(("value", "seconds"), [(0, 0), (60, 60), ("300", 300)])
def test_the_time_out_is_a_channel_too(mocked, connect, value, seconds):
    item = {"address": "ctrlApiRest0/_PropertyApiTimeout", "value": value}
    mocked.get("http://fems/rest/channel/ctrlApiRest0/_PropertyApiTimeout", json=item)
    assert connect("http://fems", "owner").timeout_s() == seconds


@pytest.mark.parametrize("value", ["9" * 5_000, "-1", "60 s", 1e300, int("9" * 400), [60], True])
def test_a_mad_time_out_is_unknown(mocked, connect, value):
    item = {"address": "ctrlApiRest0/_PropertyApiTimeout", "value": value}
    mocked.get("http://fems/rest/channel/ctrlApiRest0/_PropertyApiTimeout", json=item)
    mocked.post(PROXY, **result({"components": {}}))
    assert connect("http://fems", "owner").timeout_s() is None


class Past:
    """Answers history as a device does: local days, `toDate` included, 5-minute depth ignored."""

    def __init__(self, *, first=date(2020, 1, 1), has=(device_history.LOAD, device_history.PV)):
        self.first, self.has, self.asked = first, has, []

    def call(self, method, params):
        assert method == "queryHistoricTimeseriesData"
        assert params["resolution"] == {"value": 15, "unit": "Minutes"}
        begin, last = (date.fromisoformat(params[key]) for key in ("fromDate", "toDate"))
        self.asked.append((begin, last))
        zone = ZoneInfo(params["timezone"])
        start = datetime(begin.year, begin.month, begin.day, tzinfo=zone).astimezone(UTC)
        end = last + timedelta(days=1)
        stop = datetime(end.year, end.month, end.day, tzinfo=zone).astimezone(UTC)
        stamps = [
            start + n * device_history.QUARTER
            for n in range((stop - start) // device_history.QUARTER)
        ]
        values = [at.hour if at.astimezone(zone).date() >= self.first else None for at in stamps]
        data = {name: values for name in params["channels"] if name in self.has}
        local = [at.astimezone(zone).isoformat() for at in stamps]
        return {"timestamps": local, "data": data}


def test_the_past_month_by_month():
    past = Past()
    got = device_history.fetch_power(past, date(2026, 1, 20), date(2026, 4, 2), BERLIN)
    assert past.asked == [
        (date(2026, 1, 20), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 1)),
    ]  # fmt: skip
    assert got[0].start == datetime(2026, 1, 19, 23, tzinfo=UTC)
    assert len(got) == 72 * 96 - 4  # the night of the change has 92
    assert all(b.start - a.start == device_history.QUARTER for a, b in itertools.pairwise(got))
    assert (got[0].load_w, got[0].pv_w) == (23, 23)


def test_autumn_has_a_hundred_quarters():
    got = device_history.fetch_power(Past(), date(2025, 10, 26), date(2025, 10, 27), BERLIN)
    assert len(got) == 100


def test_gaps_stay_and_older_devices_have_the_whole_consumption():
    past = Past(first=date(2026, 2, 1), has=(device_history.WHOLE_LOAD,))
    got = device_history.fetch_power(past, date(2026, 1, 31), date(2026, 2, 2), BERLIN)
    assert [quarter.load_w for quarter in got[:96]] == [None] * 96
    assert got[96].load_w == 23
    assert {quarter.pv_w for quarter in got} == {None}


@pytest.mark.parametrize("bad", [True, "5", float("nan"), 1e9, None, []])
def test_a_value_of_no_use_is_a_gap(bad):
    class Odd(Past):
        def call(self, method, params):
            answer = super().call(method, params)
            answer["data"][device_history.LOAD] = [bad, 5.5]
            return answer

    got = device_history.fetch_power(Odd(), date(2026, 1, 1), date(2026, 1, 2), BERLIN)
    assert [quarter.load_w for quarter in got[:3]] == [None, 5.5, None]


@pytest.mark.parametrize(
    "content",
    [None, {}, {"timestamps": ["x"], "data": {}}, {"timestamps": [5], "data": {}},
     {"timestamps": ["2026-01-01T00:00:00"], "data": {}}, {"timestamps": [], "data": []}],
)  # fmt: skip
def test_what_is_no_history(content):
    class Strange:
        def call(self, method, params):
            return content

    with pytest.raises(UnreachableError, match="not in the known form"):
        device_history.fetch_power(Strange(), date(2026, 1, 1), date(2026, 1, 2), BERLIN)


@pytest.mark.parametrize("days", [0, -1, 451])
def test_spans_that_no_device_remembers(days):
    first = date(2026, 1, 1)
    with pytest.raises(DataError, match="1 to 450 days"):
        device_history.fetch_power(Past(), first, first + timedelta(days=days), BERLIN)


def test_a_large_answer_passes_and_a_huge_one_does_not(listen, hear, page):
    body = json.dumps({"result": "x" * 2_000_000}).encode()

    def talk(connection):
        while hear(connection):
            connection.sendall(page(body=body))

    url = listen(talk)
    with JsonRpcClient(url, "owner") as rpc:
        assert len(rpc.call("a", {})) == 2_000_000
        with pytest.raises(UnreachableError, match="does not speak like a FEMS"):
            rpc.call("a", {}, ExchangeLimits(5, 5, 100_000))
    assert jsonrpc.LIMITS.cap_bytes == 16 * 1024 * 1024
