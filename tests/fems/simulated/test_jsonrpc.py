"""The device's own knowledge: configuration and history (contract 1.6)."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.battery import Battery
from optimizer.simulation.fems import simulated_edge_config, simulated_history
from optimizer.simulation.fems.installation import CENTRAL_ORDER, ControlMode, Installation
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse

LOAD, PV = "_sum/UnmanagedConsumptionActivePower", "_sum/ProductionActivePower"
GRID, SOC = "_sum/GridActivePower", "_sum/EssSoc"
BERLIN = ZoneInfo("Europe/Berlin")
QUARTERS = {"value": 15, "unit": "Minutes"}


@pytest.fixture
def day_house(at):
    """A house whose load tells the hour (UTC), with some roof at noon."""
    start = at.replace(hour=0)
    load = Profile(start, 3_600, tuple(100.0 + 10 * hour for hour in range(24)))
    pv = Profile(start, 3_600, tuple(2_400.0 if 9 <= hour < 14 else 0.0 for hour in range(24)))
    return SimulatedHouse(Battery(10_000), load, pv, at, 50)


@pytest.fixture
def rpc(over, ask):
    """Ask a house's FEMS by method; gives status and parsed answer."""

    def ask_for(house, method, params=None, **more):
        fems = over(house)
        message = {"method": method, "params": params or {}} | more
        answered = ask(fems, "POST", "/jsonrpc", json.dumps(message))
        return answered.status, answered.content

    return ask_for


@pytest.fixture
def asked_for(rpc, day_house):
    """The result of a history query, from Berlin."""

    def ask_for(first, last, *channels, resolution=QUARTERS, method="Data", house=day_house):
        params = {"fromDate": first, "toDate": last, "timezone": "Europe/Berlin",
                  "channels": list(channels), "resolution": resolution}  # fmt: skip
        status, answer = rpc(house, f"queryHistoricTimeseries{method}", params)
        assert status == 200
        return answer["result"]

    return ask_for


def test_the_id_is_given_back(rpc, make_house):
    for number in ("3248def1-9e96-4f97-bf25-3669435e535e",):
        status, answer = rpc(make_house(), "getEdgeConfig", id=number, jsonrpc="2.0")
        assert (status, answer["id"], answer["jsonrpc"]) == (200, number, "2.0")
        _, answer = rpc(make_house(), "nope", id=number)
        assert answer["id"] == number
    assert len(rpc(make_house(), "getEdgeConfig")[1]["id"]) == 36


@pytest.mark.parametrize("more", [{"id": 7}, {"id": "7"}, {"id": None}])
def test_a_request_with_another_id_is_refused(rpc, make_house, more):
    status, answer = rpc(make_house(), "getEdgeConfig", **more)
    assert (status, answer["error"]["code"]) == (400, 1)


def test_a_request_that_leaves_params_out_is_refused(over, ask, make_house):
    answered = ask(over(make_house()), "POST", "/jsonrpc", '{"method": "getEdgeConfig"}')
    assert answered.status == 400
    assert "[params]" in answered.content["error"]["message"]


@pytest.mark.parametrize("password", ["owner", "admin", "installer"])
def test_admin_and_installer_may_do_what_the_owner_may(over, ask, make_house, password):
    fems = over(make_house())
    body = '{"method": "getEdgeConfig", "params": {}}'
    assert ask(fems, "POST", "/jsonrpc", body, password=password).status == 200
    path = "/rest/channel/ess0/SetActivePowerEquals"
    assert ask(fems, "POST", path, '{"value": 5}', password=password).status == 200
    assert fems.house.written.values == {"SetActivePowerEquals": 5}


def test_without_a_resolution_history_comes_in_steps_of_five_minutes(rpc, day_house, at):
    params = {"fromDate": str(at.date()), "toDate": str(at.date()), "timezone": "UTC",
              "channels": [LOAD, "ess7/Nope"]}  # fmt: skip
    result = rpc(day_house, "queryHistoricTimeseriesData", params)[1]["result"]
    assert len(result["timestamps"]) == 288
    assert set(result["data"]["ess7/Nope"]) == {None}


def test_the_configuration_of_a_hybrid(rpc, make_house):
    installed = Installation(
        order=CENTRAL_ORDER, control_mode=ControlMode.REMOTE, reserve_soc_percent=15,
        fuse_a=50, charge_from_grid_allowed=False,
    )  # fmt: skip
    house = make_house(
        battery={"hybrid": True}, api_timeout_s=30, max_sell_w=7_000, installation=installed
    )
    components = rpc(house, "getEdgeConfig")[1]["result"]["components"]
    factories = {name: one["factoryId"] for name, one in components.items()}
    assert factories["ctrlApiRest0"] == "Controller.Api.Rest.ReadWrite"
    assert factories["batteryInverter0"] == "GoodWe.BatteryInverter"
    assert factories["charger0"].startswith("GoodWe.Charger")
    assert {*CENTRAL_ORDER, "ess0", "scheduler0", "_meta", "_sum", "_power"} <= set(factories)

    def of(name):
        return components[name]["properties"]

    assert of("scheduler0")["controllers.ids"] == list(CENTRAL_ORDER)
    assert (of("ctrlApiRest0")["apiTimeout"], of("ctrlApiRest0")["connectionlimit"]) == (30, 5)
    assert of("batteryInverter0")["controlMode"] == "REMOTE"
    assert of("ctrlEmergencyCapacityReserve0")["reserveSoc"] == 15
    assert of("_meta") == {
        "alias": "Metadata", "enabled": True, "currency": "EUR",
        "isEssChargeFromGridAllowed": False, "gridConnectionPointFuseLimit": 50,
        "maximumGridFeedInLimit": 7_000, "gridFeedInLimitationType": "DYNAMIC_LIMITATION",
    }  # fmt: skip


def test_the_configuration_of_an_ac_coupled_system(rpc, make_house):
    house = make_house(installation=Installation(order=("ctrlApiRest0", "ctrlOwn0")))
    result = rpc(house, "getEdgeConfig")[1]["result"]
    assert "charger0" not in result["components"]
    assert "meter1" in result["components"]
    assert result["components"]["ctrlOwn0"]["factoryId"] == "Controller.ctrlOwn0"
    meta = result["components"]["_meta"]["properties"]
    assert meta["gridFeedInLimitationType"] == "NO_LIMITATION"
    assert {one["factoryId"] for one in result["components"].values()} == set(result["factories"])


def test_components_can_be_missing(rpc, make_house):
    house = make_house(installation=Installation(without=frozenset({"_sum", "battery0"})))
    components = rpc(house, "getEdgeConfig")[1]["result"]["components"]
    assert not {"_sum", "battery0"} & set(components)
    params = {"fromDate": "2026-06-13", "toDate": "2026-06-13", "timezone": "UTC",
              "channels": [LOAD], "resolution": QUARTERS}  # fmt: skip
    assert rpc(house, "queryHistoricTimeseriesData", params)[1]["result"]["data"] == {
        LOAD: [None] * 96
    }


def test_quarters_of_a_day_in_local_time(asked_for):
    result = asked_for("2026-06-10", "2026-06-11", LOAD, PV, "_sum/Nope", "x/Y")
    assert len(result["timestamps"]) == 2 * 96  # the last day is a whole one
    assert result["timestamps"][:2] == ["2026-06-10T00:00:00+02:00", "2026-06-10T00:15:00+02:00"]
    assert set(result["data"]) == {LOAD, PV, "_sum/Nope", "x/Y"}
    assert set(result["data"]["x/Y"]) == {None}
    assert result["data"][LOAD][:9] == [320] * 4 + [330] * 4 + [100]  # 22, 23, 0 o'clock UTC
    assert sum(result["data"][PV]) == 2 * 5 * 4 * 2_400


def test_before_now_after(asked_for, day_house):
    for second in range(7 * 300 + 5):
        if second == 600:
            day_house.write("SetActivePowerEquals", 1_220)
        day_house.cycle()
    shown = asked_for("2026-06-14", "2026-06-15", LOAD, GRID, SOC,
                      resolution={"value": 300, "unit": "Seconds"})["data"]  # fmt: skip
    noon = 14 * 12  # 12 o'clock UTC
    assert shown[LOAD][noon : noon + 8] == [220] * 7 + [None]
    assert shown[GRID][noon] == 0
    # 60 s of a fixed power, until the time-out: one minute of 5 that sells
    assert shown[GRID][noon + 2] == pytest.approx(-3_400 * 62 / 300, abs=30)
    assert shown[GRID][noon + 3] == 0
    assert set(shown[LOAD][noon + 8 :]) == {None}
    assert 5 <= min(shown[SOC][: noon + 7]) <= max(shown[SOC][: noon + 7]) <= 100
    quarters = asked_for("2026-06-14", "2026-06-14", LOAD)["data"][LOAD]
    assert quarters[14 * 4 : 14 * 4 + 4] == [220, 220, 220, None]


def test_gaps_and_what_is_too_old(asked_for, day_house, at):
    day_house.history.gaps.append((at - timedelta(days=1), at - timedelta(hours=23, minutes=10)))
    hours = asked_for("2026-06-13", "2026-06-13", LOAD)["data"][LOAD]
    assert hours[14 * 4 : 14 * 4 + 5] == [None, None, None, 220, 230]
    first = (at - timedelta(days=simulated_history.KEPT_DAYS)).astimezone(BERLIN).date().isoformat()
    old = asked_for(first, first, LOAD)["data"][LOAD]
    assert old[13 * 4 - 1 : 13 * 4 + 1] == [None, 220]  # winter time, then
    assert asked_for("2020-01-01", "2020-01-01", LOAD)["data"][LOAD] == [None] * 96


@pytest.mark.parametrize(("day", "quarters"), [("2025-10-26", 100), ("2026-03-29", 92)])
def test_days_of_23_and_25_hours(asked_for, day, quarters):
    stamps = asked_for(day, day, LOAD)["timestamps"]
    assert len(stamps) == len(set(stamps)) == quarters
    moments = [datetime.fromisoformat(stamp) for stamp in stamps]
    steps = {b - a for a, b in itertools.pairwise(moments)}
    assert steps == {timedelta(minutes=15)}


def test_energies(asked_for):
    day = {"value": 1, "unit": "Days"}
    names = [f"_sum/{name}" for name in ("ConsumptionActiveEnergy", "ProductionActiveEnergy",
             "GridBuyActiveEnergy", "GridSellActiveEnergy", "EssDcChargeEnergy",
             "EssDcDischargeEnergy")]  # fmt: skip
    first, last = "2026-05-01", "2026-06-02"
    shown = asked_for(first, last, *names, "x/Y", resolution=day, method="EnergyPerPeriod")
    assert shown["timestamps"][1] == "2026-05-02T00:00:00+02:00"
    assert shown["data"][names[0]] == [24 * 215] * 33
    assert shown["data"][names[1]] == [5 * 2_400] * 33
    total = asked_for(first, last, *names, resolution=None, method="Energy")["data"]
    for name in names:
        assert total[name] == pytest.approx(sum(shown["data"][name]), abs=33)
    made = total[names[1]] + total[names[2]] + total[names[5]]
    assert made == pytest.approx(total[names[0]] + total[names[3]] + total[names[4]], rel=1e-3)
    months = asked_for(first, last, names[0], resolution={"value": 1, "unit": "Months"},
                       method="EnergyPerPeriod")  # fmt: skip
    assert months["timestamps"] == ["2026-05-01T00:00:00+02:00", "2026-06-01T00:00:00+02:00"]
    assert months["data"][names[0]] == [31 * 24 * 215, 2 * 24 * 215]
    none = asked_for("2030-01-01", "2030-01-01", names[0], resolution=None, method="Energy")
    assert none["data"] == {names[0]: None}


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"timezone": "Mars/Olympus"}, "Unknown time-zone ID: Mars/Olympus"),
        ({"timezone": "../x"}, "Unknown time-zone"),
        ({"fromDate": "x"}, "[fromDate:x] is no date"),
        ({"toDate": None}, "[toDate:None] is no date"),
        ({"toDate": "2026-06-01"}, "no range of days"),
        ({"toDate": "2036-06-01"}, "no range of days"),
        ({"channels": "x"}, "[channels] expected"),
        ({"channels": [1]}, "[channels] expected"),
        ({"resolution": None}, "has no value"),
        ({"resolution": {"value": True, "unit": "Minutes"}}, "has no value"),
        ({"resolution": {"value": 7, "unit": "Minutes"}}, "no multiple of 300"),
        ({"resolution": {"value": 1, "unit": "Aeons"}}, "ChronoUnit.AEONS"),
    ],
)
def test_useless_questions(rpc, make_house, change, phrase):
    params = {"fromDate": "2026-06-10", "toDate": "2026-06-11", "timezone": "Europe/Berlin",
              "channels": [LOAD], "resolution": QUARTERS}  # fmt: skip
    status, answer = rpc(make_house(), "queryHistoricTimeseriesData", params | change)
    assert (status, answer["error"]["code"]) == (400, 1)
    assert answer["error"]["message"].startswith("Unable to get Response: ")
    assert phrase in answer["error"]["message"]


@pytest.mark.parametrize("body", ["{}", '{"method":5}', '{"method":"getEdgeConfig","params":[]}'])
def test_useless_messages(fems, ask, body):
    answered = ask(fems, "POST", "/jsonrpc", body)
    assert (answered.status, answered.content["error"]["code"]) == (400, 1)


def test_guests_and_other_places(fems, ask):
    refused = ask(fems, "POST", "/jsonrpc", "{}", "user", Accept="application/json")
    assert refused.status == 500
    assert "[HTTP POST JSON-RPC] is denied for User with Role [GUEST]" in refused.content["message"]
    elsewhere = ask(fems, "POST", "/rest/jsonrpc", "{}")
    assert elsewhere.status == 500
    assert b"Unhandled REST target [jsonrpc]" in elsewhere.body


def test_only_450_days_are_kept(make_house, monkeypatch, at):
    monkeypatch.setattr(simulated_history, "_PERIODS", 3)
    house = make_house()
    house.advance(5 * 300)
    first = simulated_history.period_of(at)
    known = [house.history.row(first + n) is not None for n in range(6)]
    assert known == [False, False, True, True, True, False]


def test_a_start_within_a_period(at):
    flat = Profile(at, 900, (600.0,)), Profile(at, 900, (0.0,))
    house = SimulatedHouse(Battery(10_000), *flat, at + timedelta(seconds=200), 50)
    house.advance(101)
    row = house.history.row(simulated_history.period_of(at))
    assert (row.load_w, row.grid_w) == pytest.approx((600, 0))
    assert (
        house.history.row(simulated_history.period_of(datetime(2026, 6, 14, 12, 5, tzinfo=UTC)))
        is None
    )


def test_the_app_that_only_reads_has_no_time_out(make_house):
    """Nobody can ask for it over this app, but over others (Modbus, websocket)."""
    config = simulated_edge_config.edge_config_of(
        make_house(installation=Installation(read_only=True))
    )
    app = config["components"]["ctrlApiRest0"]
    assert app["factoryId"] == "Controller.Api.Rest.ReadOnly"
    assert "apiTimeout" not in app["properties"]
