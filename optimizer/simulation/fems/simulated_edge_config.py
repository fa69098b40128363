"""The answer to `getEdgeConfig`: components, factories and properties of a simulated FEMS."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from optimizer.fems.channels import API, ESS, META, POWER, SUM
from optimizer.simulation.fems import installation as parts
from optimizer.simulation.fems.simulated_house import SimulatedHouse

_Properties = dict[str, object]


class _SimulatedComponent(NamedTuple):
    name: str
    factory: str
    alias: str
    properties: _Properties


def edge_config_of(house: SimulatedHouse) -> dict[str, object]:
    """Everything that is installed, as `result` of the answer."""
    without = house.installation.without
    components = [one for one in _components(house) if one.name not in without]
    return {
        "components": {
            one.name: {
                "alias": one.alias,
                "factoryId": one.factory,
                "properties": {"alias": one.alias, "enabled": True, **one.properties},
                "channels": {},
            }
            for one in components
        },
        "factories": {
            one.factory: {"name": one.alias, "description": "", "natureIds": [], "properties": []}
            for one in components
        },
    }


def _components(house: SimulatedHouse) -> Iterator[_SimulatedComponent]:
    yield from _core(house)
    yield from _storage(house)
    for name in house.installation.order:
        yield _controller(name, house)


def _core(house: SimulatedHouse) -> Iterator[_SimulatedComponent]:
    installed = house.installation
    limited = math.isfinite(house.site.limits.sell_w)
    yield _SimulatedComponent(
        META,
        "Core.Meta",
        "Metadata",
        {
            "currency": "EUR",
            "isEssChargeFromGridAllowed": installed.charge_from_grid_allowed,
            "gridConnectionPointFuseLimit": installed.fuse_a,
            "maximumGridFeedInLimit": round(house.site.limits.sell_w) if limited else 0,
            "gridFeedInLimitationType": "DYNAMIC_LIMITATION" if limited else "NO_LIMITATION",
        },
    )
    yield _SimulatedComponent(
        SUM, "Core.Sum", "Sum", {"gridMinActivePower": 0, "gridMaxActivePower": 0}
    )
    yield _SimulatedComponent(POWER, "Ess.Power", "Power", {"enablePid": False})
    order: _Properties = {"controllers.ids": list(installed.order)}
    yield _SimulatedComponent("scheduler0", "Scheduler.AllAlphabetically", "Scheduler", order)


def _storage(house: SimulatedHouse) -> Iterator[_SimulatedComponent]:
    hybrid = house.battery.hybrid
    mode = str(house.installation.control_mode)
    inside = {"startStop": "START", "batteryInverter.id": "batteryInverter0"}
    yield _SimulatedComponent(
        ESS, "Ess.Generic.ManagedSymmetric", "Storage", {**inside, "battery.id": "battery0"}
    )
    inverter: _Properties = {"controlMode": mode, "modbus.id": "modbus1", "startStop": "AUTO"}
    yield _SimulatedComponent("batteryInverter0", "GoodWe.BatteryInverter", "Inverter", inverter)
    yield _SimulatedComponent("battery0", "Battery.Fenecon.Home", "Battery", {"startStop": "AUTO"})
    yield _SimulatedComponent("meter0", "GoodWe.Grid-Meter", "Grid meter", {"modbus.id": "modbus1"})
    if hybrid:
        behind: _Properties = {"essOrBatteryInverter.id": "batteryInverter0"}
        yield _SimulatedComponent("charger0", "GoodWe.Charger-PV1", "Roof", behind)
    else:
        meter: _Properties = {"type": "PRODUCTION", "modbus.id": "modbus2"}
        yield _SimulatedComponent("meter1", "Meter.Socomec.Threephase", "Roof", meter)


def _controller(name: str, house: SimulatedHouse) -> _SimulatedComponent:
    factory, properties = _controllers(house).get(name, (f"Controller.{name}", {}))
    return _SimulatedComponent(name, factory, name, properties)


def _controllers(house: SimulatedHouse) -> dict[str, tuple[str, _Properties]]:
    installed = house.installation
    ess: _Properties = {"ess.id": ESS}
    rest: _Properties = {"port": 8084, "connectionlimit": 5, "debugMode": True}
    app = "Controller.Api.Rest.ReadOnly"
    if not installed.read_only:
        app, rest = "Controller.Api.Rest.ReadWrite", rest | {"apiTimeout": _whole(house)}
    reserve = {"reserveSoc": installed.reserve_soc_percent, "isReserveSocEnabled": True}
    shaving = {"peakShavingPower": installed.peak_shaving_w, "rechargePower": 0}
    return {
        API: (app, rest),
        parts.BALANCING: (
            "Controller.Symmetric.Balancing",
            ess | {"meter.id": "meter0", "targetGridSetpoint": 0},
        ),
        parts.LIMITER: ("Controller.Ess.Limiter14a", ess),
        parts.RESERVE: ("Controller.Ess.EmergencyCapacityReserve", ess | reserve),
        parts.MODBUS: (
            "Controller.Api.ModbusTcp.ReadWrite",
            {"port": 502, "component.ids": [SUM, ESS], "apiTimeout": 60},
        ),
        parts.PEAK_SHAVING: (
            "Controller.Symmetric.PeakShaving",
            ess | {"meter.id": "meter0"} | shaving,
        ),
        parts.GRID_OPTIMIZED: (
            "Controller.Ess.GridOptimizedCharge",
            ess | {"meter.id": "meter0", "mode": "AUTOMATIC"},
        ),
        parts.TIME_OF_USE: ("Controller.Ess.Time-Of-Use-Tariff", ess | {"mode": "AUTOMATIC"}),
    }


def _whole(house: SimulatedHouse) -> int:
    return int(house.written.timeout_s)
