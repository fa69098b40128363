"""A cleaned record: what stays, what goes."""

import pytest

from optimizer.fems import record
from optimizer.fems.controllers import known_by_factory, known_by_id
from optimizer.fems.simulated.listener import NO_LIMITS
from optimizer.fems.simulated.simulator import SimulatedFems

STAYS = [
    ("ess0/Soc", 50), ("ess0/SetActivePowerEquals", None), ("_meta/Version", "2025.4.0"),
    ("ctrlApiRest0/ApiWorkerLog", "ess0/SetActivePowerEquals:5"),
    ("batteryInverter0/_PropertyControlMode", "SMART"), ("ctrlX0/_PropertyMode", "GRID_CHARGE"),
    ("ctrlApiRest0/_PropertyApiTimeout", 60), ("charger0/ActualPower", 12.5),
]  # fmt: skip
GOES = [
    ("battery0/SerialNumber", 123456), ("battery0/BatterySoftwareVersion2", "FE123"),
    ("ess0/_PropertyAlias", "MUSTER"), ("modbus0/_PropertyIp", "192.168.0.5"),
    ("backend0/_PropertyUri", "wss://x"), ("backend0/_PropertyApikey", "ABC"),
    ("weather0/_PropertyLatitude", 48.1), ("meter0/_PropertyUser", "OWNER"),
    ("_host/Hostname", "FEMS"), ("ess0/_PropertyId", "ESS"), ("x0/Text", "Familie Muster"),
    ("x0/Fancy", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("address", "value"), STAYS)
def test_what_stays(address, value):
    point = {"address": address, "type": "X", "text": "of Anna", "value": value}
    assert record.cleaned(point) == {"address": address, "type": "X", "value": value}


@pytest.mark.parametrize(("address", "value"), GOES)
def test_what_goes(address, value):
    assert record.cleaned({"address": address, "value": value}) is None


def test_a_record_without_settings(make_house, connect):
    """Behind its nginx a FEMS does not forward /jsonrpc."""
    with SimulatedFems(make_house(), nginx=True, limits=NO_LIMITS) as fems:
        taken = record.take(connect(fems.url, "owner"))
    assert taken["settings"] is None
    assert {"ess0/Soc", "_sum/EssSoc", "_meta/Version"} <= {
        item["address"] for item in taken["channels"]
    }


def test_controllers_are_known_by_both_names():
    assert known_by_factory("Controller.Ess.Limiter14a") is known_by_id("ctrlEssLimiter14a0")
    assert known_by_factory("Evcs.Keba") is known_by_id("evcs0") is None
