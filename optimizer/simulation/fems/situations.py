"""Named situations and faults of a simulated FEMS, as `optimizer simulate --fault` takes them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from optimizer.fems.channels import API
from optimizer.model.battery import Battery
from optimizer.model.snapshot import FAULT
from optimizer.simulation.fems import wire_faults
from optimizer.simulation.fems.installation import (
    BALANCING,
    LIMITER,
    MODBUS,
    OFF_GRID,
    RESERVE,
    ControlMode,
    Installation,
)
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.simulation.fems.wire_faults import Fault


class _Situation(NamedTuple):
    what: str
    arrange: Callable[[SimulatedFems, float], None]
    amount: float = 0.0


def _install(fems: SimulatedFems, **changes: object) -> None:
    house = fems.house
    house.install(replace(house.installation, **changes))  # type: ignore[arg-type]


def _with_controller(fems: SimulatedFems, name: str) -> None:
    _install(fems, order=fems.house.installation.with_controllers(name))


def _read_only(fems: SimulatedFems, _: float) -> None:
    _install(fems, read_only=True)


def _internal(fems: SimulatedFems, _: float) -> None:
    _install(fems, control_mode=ControlMode.INTERNAL)


def _remote(fems: SimulatedFems, _: float) -> None:
    _install(fems, control_mode=ControlMode.REMOTE)


def _wrong_order(fems: SimulatedFems, _: float) -> None:
    """REST behind everything else."""
    others = [one for one in fems.house.installation.order if one not in (API, BALANCING)]
    _install(fems, order=(*others, BALANCING, API))


def _dimmed(fems: SimulatedFems, _: float) -> None:
    _with_controller(fems, LIMITER)
    fems.house.conditions.dimmed = True


def _reserve(fems: SimulatedFems, percent: float) -> None:
    _with_controller(fems, RESERVE)
    _install(fems, reserve_soc_percent=round(percent))


def _modbus(fems: SimulatedFems, power_w: float) -> None:
    _with_controller(fems, MODBUS)
    fems.house.conditions.modbus_w = round(power_w)


def _fault_state(fems: SimulatedFems, state: float) -> None:
    fems.house.conditions.state = round(state)


def _off_grid(fems: SimulatedFems, _: float) -> None:
    fems.house.conditions.grid_mode = OFF_GRID


def _unknown(fems: SimulatedFems, _: float) -> None:
    fems.house.conditions.unknown = ".*/(Soc|EssSoc|GridActivePower|AllowedDischargePower)"


def _nginx(fems: SimulatedFems, _: float) -> None:
    fems.nginx = True


def _restart(fems: SimulatedFems, seconds: float) -> None:
    fems.restart(seconds)


def _second_inverter(fems: SimulatedFems, seconds: float) -> None:
    fems.restart(seconds, second_inverter=True)


def _writes_refused(fems: SimulatedFems, status: float) -> None:
    fems.faults.writes(Fault("refused", status))


def _api_timeout(fems: SimulatedFems, seconds: float) -> None:
    fems.house.written.timeout_s = seconds


SITUATIONS: Mapping[str, _Situation] = {
    "read-only": _Situation("the app that only reads", _read_only),
    "nginx": _Situation("nginx in front, as at port 80", _nginx),
    "restart": _Situation("the Edge is away for so many seconds", _restart, 60),
    "second-inverter": _Situation(
        "the same, and counters jump for two seconds after it", _second_inverter, 60
    ),
    "internal": _Situation("the inverter ignores set-points", _internal),
    "remote": _Situation("the inverter never balances by itself", _remote),
    "wrong-order": _Situation("REST below Balancing: 200, but no effect", _wrong_order),
    "limiter": _Situation("section 14a: at most 4200 W are drawn", _dimmed),
    "reserve": _Situation("emergency reserve of so many percent", _reserve, 20),
    "modbus": _Situation("somebody holds so many watts over Modbus", _modbus, -1_500),
    "state": _Situation("State of so much; 3 is a fault", _fault_state, FAULT),
    "off-grid": _Situation("the house hangs on no grid", _off_grid),
    "writes-refused": _Situation("each write is refused with this status", _writes_refused, 401),
    "unknown": _Situation("some values are null", _unknown),
    "api-timeout": _Situation("time-out of the REST app in seconds", _api_timeout, 0),
}
"""All situations by name."""


def names() -> dict[str, str]:
    """All names that `arrange` takes, and what they stand for."""
    of_wire = {name: kind.what for name, kind in wire_faults.KINDS.items()}
    return {name: one.what for name, one in SITUATIONS.items()} | of_wire


def arrange(fems: SimulatedFems, wanted: Iterable[str]) -> None:
    """Bring situations and faults about, each written like "delay=3/10".

    Raises
    ------
    ValueError
        If one is unknown: the text lists them all.
    """
    for text in wanted:
        fault, every = wire_faults.parse(text)
        situation = SITUATIONS.get(fault.name)
        if situation is not None:
            given = "=" in text
            situation.arrange(fems, fault.amount if given else situation.amount)
        elif fault.name in wire_faults.KINDS:
            fems.faults.always(fault, every)
        else:
            raise ValueError(f"there is no fault '{fault.name}'; there are {', '.join(names())}")


def recorded_house(at: datetime, soc_percent: float = 50) -> SimulatedHouse:
    """The device of the recorded exchanges: 6 kW, 10 kWh, a house of 3 kW, 5 s of time-out."""
    battery = Battery(10_000, min_soc_percent=0, max_charge_w=6_000, max_discharge_w=6_000)
    installation = Installation(max_apparent_va=10_000, without=frozenset({"_sum"}))
    return SimulatedHouse(
        battery,
        Profile(at, 900, (3_000.0,)),
        Profile(at, 900, (0.0,)),
        at,
        soc_percent,
        api_timeout_s=5,
        installation=installation,
    )
