"""The house's past from the device, the journal, Home Assistant and InfluxDB."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import requests
import responses
from answers import house as written
from answers.prices import BERLIN, day_of, midnight
from responses import matchers

from optimizer.errors import ConfigError, DataError, UnreachableError
from optimizer.fems.jsonrpc import JsonRpcClient
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceAnswer, ServiceClient
from optimizer.model import frames
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.sources import home_assistant, influxdb, own_journal, registry
from optimizer.sources.source_settings import LoadSettings, Span
from optimizer.store import database
from optimizer.store.journal import Journal

DAY = date(2026, 11, 22)
STARTS = day_of(DAY, 15)
QUARTER = timedelta(minutes=15)
RPC = "http://fems/jsonrpc"


@pytest.fixture
def device():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def from_device(device, document, without=(), until=STARTS[-1] + QUARTER):
    device.post(RPC, json=document)
    with JsonRpcClient("http://fems", "kanari3nvogel") as rpc:
        settings = LoadSettings(rpc=rpc, without=without)
        return registry.fetch(
            registry.LOAD, "fems", settings, Span(STARTS[0], until, BERLIN), ServiceClient()
        )


@pytest.mark.parametrize("day", [DAY, date(2026, 3, 29), date(2026, 10, 25)])
def test_a_day_of_the_device(device, day):
    starts = day_of(day, 15)
    values = [float(400 + n) for n in range(len(starts))]
    device.post(RPC, json=written.fems(starts, 15, values))
    with JsonRpcClient("http://fems", "owner") as rpc:
        span = Span(starts[0], midnight(day + timedelta(days=1)) - timedelta(seconds=1), BERLIN)
        made = registry.fetch(registry.LOAD, "fems", LoadSettings(rpc=rpc), span, ServiceClient())
    assert frames.starts_of(made) == starts[: len(made)]
    assert len(made) == len(starts) - 1  # the running quarter is not over
    assert made["load_w"].tolist() == values[: len(made)]


def test_roof_and_grid_stand_beside_the_load_and_may_be_unknown(device):
    pv = [None, *[100.0] * 95]
    more = {"_sum/ProductionActivePower": pv, "_sum/GridActivePower": [-50.0] * 96}
    made = from_device(device, written.fems(STARTS, 15, [500.0] * 96, **more))
    assert made["pv_w"].isna().tolist() == [True] + [False] * 95
    assert set(made["grid_w"]) == {-50.0}


def test_null_and_negative_loads_of_the_device_are_holes(device):
    made = from_device(device, written.fems(STARTS, 15, [None, -3.0, *[500.0] * 94]))
    assert frames.starts_of(made) == STARTS[2:]


def test_one_quarter_hour_of_130_kw_is_a_hole_with_a_note(device):
    more = {"_sum/ProductionActivePower": [float(n) for n in range(96)]}
    values = [500.0] * 30 + [130_000.0] + [500.0] * 65
    made = from_device(device, written.fems(STARTS, 15, values, **more))
    assert frames.starts_of(made) == STARTS[:30] + STARTS[31:]
    assert made["pv_w"].tolist()[29:31] == [29.0, 31.0]
    assert "the first is 130000 W at" in frames.notes_of(made)[0]


def test_parts_that_are_planned_apart_are_taken_off(device):
    document = written.fems(
        STARTS, 15, [5_000.0] * 96,
        **{
            "_sum/UnmanagedConsumptionActivePower": [4_999.0] * 96,
            "evcs0/ChargePower": [None, 4_000.0, 6_000.0, *[0.0] * 93],
            "meter7/ActivePower": [300.0] * 96,
        },
    )  # fmt: skip
    made = from_device(device, document, without=("evcs0", "meter7/ActivePower"))
    assert made.index[0] == STARTS[1]  # what the part took is unknown before
    assert made["load_w"].tolist()[:3] == [700.0, 0.0, 4_700.0]
    asked = json.loads(device.calls[0].request.body)["params"]["channels"]
    assert asked[-3:] == ["evcs0/ActivePower", "evcs0/ChargePower", "meter7/ActivePower"]


def test_a_part_that_the_device_does_not_know_is_named(device):
    with pytest.raises(ConfigError, match=r"no history of 'evcs9': look at load\.without"):
        from_device(device, written.fems(STARTS, 15, [500.0] * 96), without=("evcs9",))


def test_an_empty_memory_of_the_device(device):
    with pytest.raises(NotPublishedError, match="knows nothing of this time"):
        from_device(device, written.fems([], 15, []))


def test_a_device_that_does_not_answer(device):
    device.post(RPC, body=requests.ConnectionError("no"))
    with JsonRpcClient("http://fems", "kanari3nvogel", 80) as rpc:
        settings, span = LoadSettings(rpc=rpc), Span(STARTS[0], STARTS[-1], BERLIN)
        with pytest.raises(UnreachableError):
            registry.fetch(registry.LOAD, "fems", settings, span, ServiceClient())


# The journal.


def journal_of(folder, readings, every=timedelta(seconds=60)):
    """Readings of grid, battery, roof [W] through the executor's own journal."""
    connection = database.connect(folder)
    journal, at = Journal(connection), STARTS[0]
    for grid, battery, pv in readings:
        seen = Snapshot(at=at, grid_w=grid, battery_w=battery, pv_w=pv)
        journal.note(Decision(at, None, Reason.SELF_CONSUMPTION), seen)
        at += every
    journal.flush()
    return connection


def from_journal(connection, start=STARTS[0]):
    span = Span(start, STARTS[-1], BERLIN)
    return registry.fetch(
        registry.LOAD, "journal", LoadSettings(journal=connection), span, ServiceClient()
    )


def test_the_journal_tells_load_from_the_balance(tmp_path):
    connection = journal_of(tmp_path, [(200.0, 1_000.0, 300.0)] * 50)
    made = from_journal(connection)
    assert frames.starts_of(made) == STARTS[:3]
    assert frames.ends_of(made) == STARTS[1:4]
    assert made["load_w"].tolist() == [1_500.0] * 3
    assert (made["pv_w"].iloc[0], made["grid_w"].iloc[0]) == (300.0, 200.0)
    connection.close()


def test_unknown_and_negative_loads_of_the_journal_are_holes(tmp_path):
    readings = [(None, 100.0, 0.0)] * 16 + [(-400.0, 100.0, 0.0)] * 15 + [(400.0, 100.0, 0.0)] * 20
    connection = journal_of(tmp_path, readings)
    assert from_journal(connection)["load_w"].tolist() == [500.0]
    connection.close()


def test_a_pause_of_the_executor_is_no_mean(tmp_path):
    connection = journal_of(tmp_path, [(400.0, 0.0, 0.0)] * 9, every=timedelta(minutes=25))
    with pytest.raises(NotPublishedError, match="the journal knows nothing"):
        from_journal(connection)
    connection.close()


def test_the_same_quarter_twice_counts_once(tmp_path):
    """A clock that was set back."""
    connection = journal_of(tmp_path, [(400.0, 0.0, 0.0)] * 20)
    rows = own_journal.journal.ticks(connection, STARTS[0], "summary")
    assert len(own_journal.parse([*rows, *rows])) == len(rows)
    connection.close()


# Home Assistant and InfluxDB.


def test_a_sensor_of_power_tells_its_mean():
    document = written.home_assistant(STARTS[:1], 60, [0.0])
    row = document["service_response"]["statistics"]["sensor.house"][0]
    row |= {"change": None, "mean": 0.75}
    assert home_assistant.parse(document, "sensor.house")["load_w"].tolist() == [750]


def test_energy_of_half_an_hour_is_twice_the_power():
    document = written.home_assistant(day_of(DAY, 30)[:2], 30, [800.0, 400.0])
    row = document["service_response"]["statistics"]["sensor.house"][0]
    assert row["change"] == 0.4
    assert home_assistant.parse(document, "sensor.house")["load_w"].tolist() == [800, 400]


def test_an_exchanged_meter_counts_backwards_once():
    document = written.home_assistant(day_of(DAY, 60), 60, [500.0] * 24)
    document["service_response"]["statistics"]["sensor.house"][3]["change"] = -8_000.0
    assert len(home_assistant.parse(document, "sensor.house")) == 23


def test_parts_of_home_assistant_are_taken_off_where_they_are_known():
    hours = day_of(DAY, 60)
    document = written.home_assistant(hours, 60, [900.0] * 24)
    statistics = document["service_response"]["statistics"]
    car = written.home_assistant(hours[1:], 60, [400.0, 2_000.0, *[0.0] * 21])
    statistics["sensor.car"] = car["service_response"]["statistics"]["sensor.house"]
    made = home_assistant.parse(document, "sensor.house", ("sensor.car",))
    assert made["load_w"].tolist()[:3] == [500.0, 0.0, 900.0]
    assert made.index[0] == hours[1]


def test_statistics_of_five_minutes_are_quarter_hours_over_the_hourly_ones(device):
    """By hand: the mean of three steps of 5 min; older hours stay, holes of one are an hour's."""
    hours = day_of(DAY, 60)
    fine = [hours[20] + timedelta(minutes=5 * n) for n in range(12 * 4)]
    watts = [float(100 * (n // 3)) for n in range(len(fine))]
    watts[2] += 300.0
    device.post(
        "http://ha:8123/api/services/recorder/get_statistics",
        body=json.dumps(written.home_assistant(hours, 60, [750.0] * 24)),
        match=[matchers.json_params_matcher({"period": "hour"}, strict_match=False)],
    )
    device.post(
        "http://ha:8123/api/services/recorder/get_statistics",
        body=json.dumps(written.home_assistant(fine, 5, watts)),
        match=[matchers.json_params_matcher({"period": "5minute"}, strict_match=False)],
    )
    settings = LoadSettings(
        url="http://ha:8123", token="t", sensor="sensor.house", statistics="5minute"
    )
    span = Span(hours[0], hours[-1] + timedelta(hours=1))
    made = home_assistant.fetch(settings, span, ServiceClient())
    assert made["load_w"].tolist()[:20] == [750.0] * 20
    assert made["load_w"].tolist()[20:] == pytest.approx(
        [100.0, *(100.0 * n for n in range(1, 16))]
    )
    assert settings.identity != replace(settings, statistics="hour").identity


def test_an_unknown_sensor_is_named():
    document = written.home_assistant(day_of(DAY, 60), 60, [900.0] * 24)
    with pytest.raises(NotPublishedError, match=r"no statistics of 'sensor\.hous'.*load\.sensor"):
        home_assistant.parse(document, "sensor.hous")


def answered(document, status=200):
    return ServiceAnswer("nas", status, json.dumps(document), {})


def test_parts_of_influxdb_are_taken_off_and_negative_loads_are_holes():
    rows = [[int(at.timestamp()), *values] for at, *values in (
        (STARTS[0], 900.0, 400.0), (STARTS[1], 900.0, None), (STARTS[2], None, 1.0),
        (STARTS[3], -5.0, 0.0), (STARTS[4], 900.0, 1_000.0),
    )]  # fmt: skip
    document = {"results": [{"series": [{"name": "data", "values": rows}]}]}
    made = influxdb.parse(answered(document))
    assert made["load_w"].tolist() == [500.0, 0.0]
    assert frames.starts_of(made) == [STARTS[0], STARTS[4]]


@pytest.mark.parametrize("status", [200, 400])
def test_what_influxdb_objects_to_is_told(status):
    document = {"results": [{"error": "database not found: openems"}]} if status == 200 else {
        "error": "database not found: openems"}  # fmt: skip
    with pytest.raises(RejectedError, match=r"rejects the question.*database not found: openems"):
        influxdb.parse(answered(document, status))


def test_names_with_quotes_cannot_leave_their_place_in_the_question(device):
    device.get("http://nas:8086/query", body=json.dumps(written.influxdb(STARTS, 15, [1.5] * 96)))
    settings = LoadSettings(
        url="http://nas:8086", field_='a" FROM b; DROP "x', measurement="c\\", database="d e",
        without=('p"q',),
    )  # fmt: skip
    span = Span(STARTS[0], STARTS[4], BERLIN)
    document = {"results": [{"series": [{"values": [[STARTS[0].isoformat(), 1.0]]}]}]}
    with pytest.raises(DataError, match="another shape"):
        influxdb.parse(answered(document))
    registry.fetch(registry.LOAD, "influxdb", settings, span, ServiceClient())
    query = device.calls[0].request.params["q"]
    assert r'mean("a\" FROM b; DROP \"x") AS v, mean("p\"q") AS v1 FROM "c\\" WHERE' in query
    assert "Authorization" not in device.calls[0].request.headers


def test_moments_inside_a_quarter_are_asked_from_its_start(device):
    device.get("http://nas:8086/query", body=json.dumps(written.influxdb(STARTS, 15, [1.5] * 96)))
    at = datetime(2026, 11, 22, 18, 35, tzinfo=UTC)
    settings = LoadSettings(url="http://nas:8086")
    registry.fetch(
        registry.LOAD,
        "influxdb",
        settings,
        Span(at - timedelta(days=1), at, BERLIN),
        ServiceClient(),
    )
    end = int(datetime(2026, 11, 22, 18, 30, tzinfo=UTC).timestamp())
    assert f"time < {end}s" in device.calls[0].request.params["q"]
