"""Configuration of a FEMS (`getEdgeConfig`) and its controllers that matter for control.

The controllers of a FEMS that matter for us: who decides before REST, and whom REST overrules.

The order is the FEMS's own (contract of the interface, section 2.5); the first one wins. Names are
those of the factories in a configuration, and the ids that they have by default.

What a FEMS's own configuration (`getEdgeConfig`) says, as far as it matters for control.

Everything that the answer does not say is None: unknown, never a default.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

from optimizer.errors import UnreachableError
from optimizer.fems.channels import API, META
from optimizer.fems.jsonrpc import JsonRpcClient
from optimizer.http.transport import ExchangeLimits
from optimizer.model.printable import printable


class KnownController(NamedTuple):
    """One kind of controller."""

    factory: str
    """Beginning of the factory's name."""
    id: str
    """Beginning of the default id."""
    above: bool
    """True if it decides before REST in a FEMS's order."""
    meaning: str
    """Its effect in words for the owner."""


KNOWN = (
    KnownController(
        "Controller.Ess.Limiter14a", "ctrlEssLimiter14a", True, "dimming by the grid operator"
    ),
    KnownController(
        "Controller.Ess.RippleControlReceiver",
        "ctrlEssRippleControlReceiver",
        True,
        "the ripple control receiver",
    ),
    KnownController(
        "Controller.Ess.PrepareBatteryExtension",
        "ctrlPrepareBatteryExtension",
        True,
        "preparing an extension of the battery",
    ),
    KnownController("Controller.Ess.FixActivePower", "ctrlFixActivePower", True, "a fixed power"),
    KnownController(
        "Controller.Ess.FixStateOfCharge", "ctrlFixStateOfCharge", True, "a fixed state of charge"
    ),
    KnownController(
        "Controller.Ess.SohCycle", "ctrlEssSohCycle", True, "measuring the battery's health"
    ),
    KnownController(
        "Controller.Ess.EmergencyCapacityReserve",
        "ctrlEmergencyCapacityReserve",
        True,
        "the reserve for blackouts",
    ),
    KnownController(
        "Controller.Api.ModbusTcp.ReadWrite",
        "ctrlApiModbusTcp",
        True,
        "another program over Modbus/TCP",
    ),
    KnownController(
        "Controller.Api.ModbusRtu.ReadWrite",
        "ctrlApiModbusRtu",
        True,
        "another program over Modbus/RTU",
    ),
    KnownController("Controller.Clever-PV", "ctrlCleverPv", False, "clever-PV"),
    KnownController(
        "Controller.Ess.GridOptimizedCharge",
        "ctrlGridOptimizedCharge",
        False,
        "grid-optimised charging (the feed-in limit)",
    ),
    KnownController(
        "Controller.Ess.Hybrid.Surplus-Feed-To-Grid",
        "ctrlEssSurplusFeedToGrid",
        False,
        "feeding in the surplus",
    ),
    KnownController(
        "Controller.Ess.Time-Of-Use-Tariff",
        "ctrlEssTimeOfUseTariff",
        False,
        "the FEMS's own tariff optimisation",
    ),
    KnownController("Controller.Symmetric.PeakShaving", "ctrlPeakShaving", False, "peak shaving"),
    KnownController(
        "Controller.Asymmetric.PeakShaving", "ctrlAsymmetricPeakShaving", False, "peak shaving"
    ),
    KnownController(
        "Controller.TimeslotPeakshaving", "ctrlTimeslotPeakshaving", False, "peak shaving"
    ),
    KnownController(
        "Controller.Symmetric.Balancing", "ctrlBalancing", False, "balancing the house"
    ),
    KnownController(
        "Controller.Asymmetric.Balancing", "ctrlAsymmetricBalancing", False, "balancing the house"
    ),
)

RESERVE, TARIFF = "Controller.Ess.EmergencyCapacityReserve", "Controller.Ess.Time-Of-Use-Tariff"
GRID_OPTIMIZED = "Controller.Ess.GridOptimizedCharge"
DIMMING = "Controller.Ess.Limiter14a"


def known_by_factory(factory: str) -> KnownController | None:
    """The kind of a controller by its factory, None if it does not matter."""
    return next((kind for kind in KNOWN if factory.startswith(kind.factory)), None)


def known_by_id(component: str) -> KnownController | None:
    """The kind of a controller by its id, None if it does not matter.

    >>> known_by_id("ctrlEssLimiter14a0").meaning
    'dimming by the grid operator'
    """
    return next((kind for kind in KNOWN if component.startswith(kind.id)), None)


def above_rest(components: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the components that decide before REST, with their meaning, for a sentence.

    >>> above_rest(("ctrlBalancing0", "ctrlEmergencyCapacityReserve0"))
    ('ctrlEmergencyCapacityReserve0 (the reserve for blackouts)',)
    """
    kinds = ((component, known_by_id(component)) for component in components)
    return tuple(f"{id_} ({kind.meaning})" for id_, kind in kinds if kind and kind.above)


READ_WRITE, READ_ONLY = "Controller.Api.Rest.ReadWrite", "Controller.Api.Rest.ReadOnly"
BALANCING = re.compile(r"Controller\.\w+\.Balancing.*")
PEAK_SHAVING = re.compile(r"Controller\..*Peak-?[Ss]having.*")
DC_PV = re.compile(r"GoodWe\.Charger.*|.*Dc-?Charger.*", re.IGNORECASE)
"""Factories of chargers on the DC side. An inverter's own factory decides nothing: the same one
stands in AC-coupled houses, whose PV has an inverter of its own."""

LARGEST = 1e12
"""Larger numbers say nothing."""

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """Facts of one device; None is unknown."""

    version: str | None = None
    rest_writes: bool | None = None
    """True if the app for writing is installed (the one for reading only does not count)."""
    api_timeout_s: int | None = None
    """The app's time-out [s]; 0 means that values stick for ever."""
    order: tuple[str, ...] | None = None
    """Ids of the controllers as the scheduler runs them; the first one wins."""
    above: tuple[str, ...] | None = None
    """Those before REST."""
    below: tuple[str, ...] | None = None
    """Those behind REST, which a set-point overrules."""
    rest_above_balancing: bool | None = None
    rest_above_tariff: bool | None = None
    control_mode: str | None = None
    """The inverter's: INTERNAL ignores every set-point."""
    hybrid: bool | None = None
    """True if there is a charger on the DC side: PV behind the battery's inverter."""
    max_apparent_va: float | None = None
    reserve_soc_percent: float | None = None
    """State of charge kept for blackouts [%]; 0 if that is switched off."""
    peak_shaving: tuple[str, ...] = ()
    grid_optimized_charge: str | None = None
    """Mode of that controller, None if there is none."""
    tariff_mode: str | None = None
    """Mode of the FEMS's own tariff optimisation, None if there is none."""
    operator_limits: bool = False
    """True if the grid operator can dim the battery (section 14a)."""
    fuse_a: float | None = None
    max_sell_w: float | None = None
    feed_in_type: str | None = None
    charge_from_grid: bool | None = None
    """True if the owner declared that the battery may be charged from the grid."""

    @property
    def max_buy_w(self) -> float | None:
        """Power that the fuse allows on three phases [W]."""
        return None if self.fuse_a is None else sqrt(3) * 400 * self.fuse_a


def fetch(rpc: JsonRpcClient, ess: str, limits: ExchangeLimits | None = None) -> EdgeConfig:
    """Ask the device; megabytes come over the wire, so once is enough.

    Raises
    ------
    UnreachableError, RefusedError
    """
    return parse(rpc.call("getEdgeConfig", {}, limits), ess)


@dataclass(frozen=True, slots=True)
class _Component:
    id: str
    factory: str
    properties: Properties


def parse(result: object, ess: str) -> EdgeConfig:
    """The facts in the result of `getEdgeConfig`.

    Raises
    ------
    UnreachableError
        If this is no configuration.
    """
    parts = tuple(_components(result))
    meta = next((part.properties for part in parts if part.id == META), {})
    rest = _first(parts, READ_WRITE)
    order = _order(parts)
    above, below = _around(order, rest.id if rest else API)
    unit = next((part.properties for part in parts if part.id == ess), {})
    return EdgeConfig(
        version=_text(meta, "version"),
        rest_writes=True if rest else False if _first(parts, READ_ONLY) else None,
        api_timeout_s=_whole(rest.properties, "apiTimeout") if rest else None,
        order=order,
        above=above,
        below=below,
        rest_above_balancing=_before(parts, below, above, BALANCING),
        rest_above_tariff=_before(parts, below, above, re.compile(TARIFF)),
        control_mode=_control_mode(parts),
        hybrid=any(DC_PV.fullmatch(part.factory) for part in parts) if parts else None,
        max_apparent_va=_number(unit, "maxApparentPower"),
        reserve_soc_percent=_reserve(parts),
        peak_shaving=tuple(part.id for part in parts if PEAK_SHAVING.fullmatch(part.factory)),
        grid_optimized_charge=_mode(parts, GRID_OPTIMIZED),
        tariff_mode=_mode(parts, TARIFF),
        operator_limits=_first(parts, DIMMING) is not None,
        fuse_a=_number(meta, "gridConnectionPointFuseLimit"),
        max_sell_w=_number(meta, "maximumGridFeedInLimit"),
        feed_in_type=_text(meta, "gridFeedInLimitationType"),
        charge_from_grid=_flag(meta, "isEssChargeFromGridAllowed"),
    )


def _components(result: object) -> Iterator[_Component]:
    """All components that are switched on."""
    found = result.get("components") if isinstance(result, dict) else None
    if not isinstance(found, dict):
        raise UnreachableError(
            "The FEMS's answer to getEdgeConfig is no configuration: its version is not known here."
        )
    for name, value in found.items():
        if not isinstance(value, dict):
            continue
        given = value.get("properties")
        properties = given if isinstance(given, dict) else {}
        factory = value.get("factoryId")
        if _flag(properties, "enabled") is not False:
            kind = printable(factory) if isinstance(factory, str) else ""
            yield _Component(printable(name), kind, properties)


def _first(parts: tuple[_Component, ...], factory: str) -> _Component | None:
    return next((part for part in parts if part.factory.startswith(factory)), None)


def _order(parts: tuple[_Component, ...]) -> tuple[str, ...] | None:
    """Controllers as they run: those listed, then (in one kind of scheduler) the rest by name."""
    scheduler = _first(parts, "Scheduler.")
    if scheduler is None:
        return None
    listed = scheduler.properties.get("controllers.ids")
    names = (
        [printable(name) for name in listed if isinstance(name, str)]
        if isinstance(listed, list)
        else []
    )
    there = {part.id for part in parts if part.factory.startswith("Controller.")}
    first = [name for name in names if name in there]
    if scheduler.factory == "Scheduler.AllAlphabetically":
        return (*first, *sorted(there - set(first)))
    return tuple(first) if scheduler.factory == "Scheduler.FixedOrder" else None


def _around(
    order: tuple[str, ...] | None, rest: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    if order is None or rest not in order:
        return None, None
    place = order.index(rest)
    return order[:place], order[place + 1 :]


def _before(
    parts: tuple[_Component, ...],
    below: tuple[str, ...] | None,
    above: tuple[str, ...] | None,
    factory: re.Pattern[str],
) -> bool | None:
    """Return true if REST comes before all controllers of a kind; None if there is none."""
    ids = {part.id for part in parts if factory.match(part.factory)}
    if above is None or below is None or not ids & {*above, *below}:
        return None
    return not ids & set(above)


def _control_mode(parts: tuple[_Component, ...]) -> str | None:
    modes = [_text(part.properties, "controlMode") for part in parts]
    known = [mode.upper() for mode in modes if mode]
    return "INTERNAL" if "INTERNAL" in known else next(iter(known), None)


def _reserve(parts: tuple[_Component, ...]) -> float | None:
    reserve = _first(parts, RESERVE)
    if reserve is None:
        return None
    switched_on = _flag(reserve.properties, "isReserveSocEnabled")
    return 0.0 if switched_on is False else _number(reserve.properties, "reserveSoc")


def _mode(parts: tuple[_Component, ...], factory: str) -> str | None:
    part = _first(parts, factory)
    return None if part is None else _text(part.properties, "mode") or "unknown"


def _number(properties: Properties, key: str) -> float | None:
    value = properties.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LARGEST else None


def _whole(properties: Properties, key: str) -> int | None:
    value = _number(properties, key)
    return int(value) if value is not None and value == value // 1 else None


def _text(properties: Properties, key: str) -> str | None:
    value = properties.get(key)
    return printable(value) if isinstance(value, str) and value else None


def _flag(properties: Properties, key: str) -> bool | None:
    value = properties.get(key)
    return value if isinstance(value, bool) else None
