"""Home Assistant and InfluxDB as they are: several series, units, spikes, wrong names."""

import json
from datetime import date, timedelta

import pytest
import responses
from answers import house as written
from answers.prices import BERLIN, day_of, midnight
from responses import matchers

from optimizer.config.loading import validate
from optimizer.errors import ConfigError
from optimizer.http.failures import KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.sources import influxdb, registry
from optimizer.sources.source_settings import LoadSettings, Span

DAY = date(2026, 11, 22)
SPAN = Span(midnight(DAY), midnight(DAY + timedelta(days=5)), BERLIN)
HOURS = [at for n in range(5) for at in day_of(DAY + timedelta(days=n), 60)]
QUARTERS = day_of(DAY, 15)
HOME = {"url": "http://ha:8123", "token": "s3cret", "sensor": "sensor.house"}
STATISTICS = "http://ha:8123/api/services/recorder/get_statistics?return_response"
STATES = "http://ha:8123/api/states"


@pytest.fixture
def internet():
    with responses.RequestsMock() as mock:
        yield mock


def ask(name, **settings):
    return registry.fetch(registry.LOAD, name, LoadSettings(**settings), SPAN, ServiceClient())


# Home Assistant.


def state(name, unit, state_class="measurement", friendly=""):
    attributes = {"unit_of_measurement": unit, "state_class": state_class,
                  "friendly_name": friendly}  # fmt: skip
    return {"entity_id": name, "state": "1", "attributes": attributes}


def test_one_hour_of_12000_kwh_is_a_hole_with_a_note(internet):
    watts = [500.0 + n for n in range(len(HOURS))]
    watts[50] = 12e6
    internet.post(STATISTICS, body=json.dumps(written.home_assistant(HOURS, 60, watts)))
    made = ask("home-assistant", **HOME)
    assert frames.starts_of(made) == HOURS[:50] + HOURS[51:]
    assert frames.notes_of(made) == (
        "home-assistant: 1 impossible values are holes, the first is 12000000 W at "
        "2026-11-24T01:00:00Z",
    )


def test_a_sensor_that_was_not_converted_is_read_by_its_own_unit(internet):
    """Statistics of a sensor without a device class come in W where kW was asked for."""
    watts = [1_500.0 + n for n in range(len(HOURS))]
    body = written.home_assistant(HOURS, 60, [value * 1000 for value in watts])
    internet.post(STATISTICS, body=json.dumps(body))
    internet.get(f"{STATES}/sensor.house", body=json.dumps(state("sensor.house", "W")))
    made = ask("home-assistant", **HOME)
    assert made["load_w"].tolist() == pytest.approx(watts)


def test_a_sensor_of_something_else_is_refused_and_likely_ones_are_named(internet):
    internet.post(STATISTICS, body=json.dumps(written.home_assistant(HOURS, 60, [5e4] * 120)))
    known = [state("sensor.soc", "%"), state("sensor.pv_power", "W"),
             state("sensor.house_energy", "kWh", "total_increasing"),
             state("sensor.p7", "W", friendly="Hausverbrauch"), state("light.x", "W")]  # fmt: skip
    internet.get(f"{STATES}/sensor.house", body=json.dumps(state("sensor.house", "%")))
    internet.get(STATES, body=json.dumps(known))
    with pytest.raises(RejectedError) as caught:
        ask("home-assistant", **HOME)
    assert str(caught.value) == (
        "home-assistant: 'sensor.house' is in %, neither power nor energy: look at load.sensor; "
        "likely ones are sensor.house_energy [kWh], sensor.p7 [W], sensor.pv_power [W]"
    )


def test_a_sensor_that_is_not_there_names_likely_ones(internet):
    body = {"service_response": {"statistics": {}}}
    internet.post(STATISTICS, body=json.dumps(body))
    internet.get(STATES, body=json.dumps([state("sensor.home_power", "W")]))
    with pytest.raises(NotPublishedError, match=r"likely ones are sensor.home_power \[W\]"):
        ask("home-assistant", **HOME)


def test_a_refused_token_says_whose_is_wanted(internet):
    internet.post(STATISTICS, status=401, body="401: Unauthorized s3cret")
    with pytest.raises(KeyRefusedError, match="long-lived token of an administrator") as caught:
        ask("home-assistant", **HOME)
    assert "s3cret" not in str(caught.value)


# InfluxDB.

INFLUX = {"url": "http://nas:8086", "measurement": "W", "field_": "value"}


def answered(internet, series):
    body = {"results": [{"statement_id": 0, "series": series}]}
    internet.get("http://nas:8086/query", body=json.dumps(body))


def series_of(watts, **tags):
    rows = [[int(at.timestamp()), watts + n] for n, at in enumerate(QUARTERS)]
    return {"name": "W", "tags": tags, "columns": ["time", "v"], "values": rows}


def test_several_series_are_refused_and_the_likely_one_is_named(internet):
    answered(internet, [series_of(50, entity_id="car_power", domain="sensor"),
                        series_of(900, entity_id="house_power", domain="sensor")])  # fmt: skip
    with pytest.raises(RejectedError) as caught:
        ask("influxdb", **INFLUX)
    assert str(caught.value) == (
        "influxdb: the measurement holds 2 series of entity_id: house_power, car_power: name one: "
        'tags = { entity_id = "house_power" }'
    )


def test_a_tag_names_one_series(internet):
    begin, end = (int(at.timestamp()) for at in (SPAN.start, SPAN.end))
    question = (
        'SELECT mean("value") AS v FROM "W" '  # noqa: S608 not run
        f"WHERE time >= {begin}s AND time < {end}s AND \"entity_id\" = 'o\\'house' "
        "GROUP BY time(15m), * fill(none)"
    )
    body = {"results": [{"series": [series_of(900, entity_id="o'house")]}]}
    matching = matchers.query_param_matcher({"db": "openems", "epoch": "s", "q": question})
    internet.get("http://nas:8086/query", body=json.dumps(body), match=[matching])
    made = ask("influxdb", **INFLUX, tags={"entity_id": "o'house"})
    assert made["load_w"].tolist() == [900.0 + n for n in range(96)]


def test_other_series_are_taken_off_the_named_one(internet):
    """Home Assistant writes each sensor as a series of its own: one question for all."""
    begin, end = (int(at.timestamp()) for at in (SPAN.start, SPAN.end))
    question = (
        'SELECT mean("value") AS v FROM "W" '  # noqa: S608 not run
        f"WHERE time >= {begin}s AND time < {end}s AND (\"entity_id\" = 'house' OR "
        "\"entity_id\" = 'car' OR \"entity_id\" = 'pool') GROUP BY time(15m), * fill(none)"
    )
    car = series_of(300, entity_id="car")
    car["values"] = car["values"][1:]  # unknown there: a hole, not 0
    pool = series_of(2_000, entity_id="pool")
    pool["values"] = [[at, 0.0 if n else watts] for n, (at, watts) in enumerate(pool["values"])]
    body = {"results": [{"series": [pool, series_of(900, entity_id="house"), car]}]}
    matching = matchers.query_param_matcher({"db": "openems", "epoch": "s", "q": question})
    internet.get("http://nas:8086/query", body=json.dumps(body), match=[matching])
    made = ask("influxdb", **INFLUX, tags={"entity_id": "house"}, without=("car", "pool"))
    assert made["load_w"].tolist() == [600.0] * 95


def test_a_series_to_leave_out_that_is_not_there_is_named(internet):
    answered(internet, [series_of(900, entity_id="house")])
    with pytest.raises(NotPublishedError, match="no series of entity_id 'car' for this time"):
        ask("influxdb", **INFLUX, tags={"entity_id": "house"}, without=("car",))


def test_a_measurement_in_kw(internet):
    answered(internet, [series_of(0.5, entity_id="house")])
    made = ask("influxdb", **INFLUX | {"measurement": "kW"})
    assert made["load_w"].iloc[0] == 500.0


def test_a_measurement_of_energies_is_refused():
    with pytest.raises(ConfigError, match="holds energies, a measurement of power"):
        influxdb.fetch(LoadSettings(**INFLUX | {"measurement": "kWh"}), SPAN, ServiceClient())


def test_tags_stand_in_the_configuration_and_distinguish_the_cache(tmp_path):
    made = validate(
        {
            "fems": {"url": "http://fems", "password": "kanari3nvogel"},
            "battery": {"capacity_wh": 22_000}, "store": {"folder": tmp_path},
            "load": {"source": "influxdb", "tags": {"entity_id": "house_power"}},
        }
    ).load  # fmt: skip
    assert made.tags == {"entity_id": "house_power"}
    assert made.identity != LoadSettings(source="influxdb").identity
