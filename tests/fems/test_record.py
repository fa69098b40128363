"""A cleaned record: what stays, what goes."""

import pytest

from optimizer.fems import channel_record
from optimizer.fems.edge_config import known_by_factory, known_by_id
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.simulator import SimulatedFems

STAYS = [
    ("ess0/Soc", "%", 50), ("ess0/SetActivePowerEquals", "W", None), ("ess0/GridMode", "", 1),
    ("ctrlApiRest0/ApiWorkerLog", "", "ess0/SetActivePowerEquals:5|ess1/SetReactivePowerEquals:-7"),
    ("ctrlApiRest0/ApiWorkerLog", "", ""), ("_meta/Version", "", "2025.4.0"),
    ("batteryInverter0/_PropertyControlMode", "", "SMART"),
    ("ctrlEssTimeOfUseTariff0/_PropertyMode", "", "GRID_CHARGE"),
    ("ctrlApiRest0/_PropertyApiTimeout", "", 60), ("charger0/ActualPower", "W", 12.5),
    ("_sum/GridBuyActiveEnergy", "Wh_Σ", 5), ("battery0/Tower0Temp", "C", 20),
]  # fmt: skip
GOES = [
    ("battery0/SerialNumber", 123456), ("battery0/BatterySoftwareVersion2", "FE123"),
    ("ess0/_PropertyAlias", "MUSTER"), ("modbus0/_PropertyIp", "192.168.0.5"),
    ("backend0/_PropertyUri", "wss://x"), ("backend0/_PropertyApikey", "ABC"),
    ("weather0/_PropertyLatitude", 48.1), ("meter0/_PropertyUser", "OWNER"),
    ("_host/Hostname", "FEMS"), ("ess0/_PropertyId", "ESS"), ("x0/Text", "Familie Muster"),
    ("x0/Fancy", [1]),
    # what a list of forbidden words let through
    ("network0/_PropertyPassphrase", "GEHEIM"), ("network0/_PropertyPsk", "GEHEIM"),
    ("evcs0/_PropertyPin", 1234), ("evcs0/AccessCode", 1234), ("_meta/Position", 48.1),
    ("_meta/Street", "HAUPTSTRASSE"), ("_meta/_PropertyPlaceName", "MUSTERSTADT"),
    ("ess0/LastName", "MUSTER"), ("ess0/Bic", "ABCDEF"), ("ess0/Soc", "MUSTER"),
    ("annaWallbox0/State", 1), ("ctrlAnna0/State", 1), ("_meta/Version", "2025.4.0 of Anna"),
    ("ctrlApiRest0/ApiWorkerLog", "ess0/SetActivePowerEquals:5|anna/Text:MUSTER"),
    ("ess0/GridMode", float("nan")), ("ess0/_PropertyFancyW", 5), ("ess0", 5),
]  # fmt: skip


@pytest.mark.parametrize(("address", "unit", "value"), STAYS)
def test_what_stays(address, unit, value):
    point = {"address": address, "type": "X", "unit": unit, "text": "of Anna", "value": value}
    kept = {"address": address, "type": "X", "unit": unit, "value": value}
    assert channel_record.cleaned(point) == kept


@pytest.mark.parametrize(("address", "value"), GOES)
@pytest.mark.parametrize("unit", ["", "NONE", "°"])
def test_what_goes(address, unit, value):
    assert channel_record.cleaned({"address": address, "unit": unit, "value": value}) is None


def test_a_description_that_is_none_goes():
    point = {"address": "ess0/GridMode", "type": "anna", "accessMode": "by Anna", "unit": "Anna",
             "value": 1}  # fmt: skip
    assert channel_record.cleaned(point) == {"address": "ess0/GridMode", "value": 1}


def test_a_record_without_settings(make_house, connect):
    """Behind its nginx a FEMS does not forward /jsonrpc."""
    with SimulatedFems(make_house(), nginx=True, limits=NO_LIMITS) as fems:
        own_port = fems.address[1]  # and not 8084, where another program may answer
        taken = channel_record.take(connect(fems.url, "owner", jsonrpc_port=own_port))
    assert taken["settings"] is None
    assert {"ess0/Soc", "_sum/EssSoc", "_meta/Version"} <= {
        item["address"] for item in taken["channels"]
    }


def test_controllers_are_known_by_both_names():
    assert known_by_factory("Controller.Ess.Limiter14a") is known_by_id("ctrlEssLimiter14a0")
    assert known_by_factory("Evcs.Keba") is known_by_id("evcs0") is None
