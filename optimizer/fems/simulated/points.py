"""The data points that a simulated FEMS offers: names, kinds, units, and where the value is."""

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from optimizer.fems.channels import (
    API,
    CHARGER_POWER,
    ESS,
    META,
    POWER,
    SUM,
    VERSION,
    WRITERS,
    Ess,
    Sum,
)
from optimizer.fems.simulated.answers import Era
from optimizer.fems.simulated.house import SimulatedHouse
from optimizer.fems.simulated.installation import LIMITER, MODBUS, RESERVE
from optimizer.fems.simulated.written import REACTIVE_CHANNELS
from optimizer.model.state import Channel

VERSIONS = {Era.OLD: "2023.6.1", Era.NEW: "2025.4.0"}
"""The manual's version, and the first one of the new era."""
Content = int | str | None
Read = Callable[[SimulatedHouse], Content]

_STATE_TEXT = "0:Ok, 1:Info, 2:Warning, 3:Fault"
_MODE_TEXT = "Current power grid mode; 1:On-Grid, 2:Off-Grid"


class Point(NamedTuple):
    """One channel of a component."""

    component: str
    channel: str
    unit: str
    read: Read | None
    """None for write-only channels."""
    text: str = ""
    kind: str = "INTEGER"

    @property
    def address(self) -> str:
        """Component and channel."""
        return f"{self.component}/{self.channel}"

    def value(self, house: SimulatedHouse) -> Content:
        """What the channel holds; None for write-only ones and where it is unknown."""
        unknown = house.conditions.unknown
        if self.read is None or (unknown and re.fullmatch(unknown, self.address)):
            return None
        return self.read(house)

    def described(self, house: SimulatedHouse) -> dict[str, Content]:
        """The point as a GET shows it; a write-only one has no value at all."""
        shown: dict[str, Content] = {
            "address": self.address,
            "type": self.kind,
            "accessMode": "WO" if self.read is None else "RO",
            "text": self.text,
            "unit": self.unit,
        }
        if self.read is not None:
            shown["value"] = self.value(house)
        return shown


def points_of(house: SimulatedHouse, era: Era = Era.NEW) -> tuple[Point, ...]:
    """All data points of the FEMS of `house`."""
    hybrid, installed = house.battery.hybrid, house.installation
    points = (
        *_site(hybrid, era),
        *_energies(),
        *_storage_unit(house),
        *_set_points(),
        *_services(installed.read_only, era),
        *(_charger() if hybrid else ()),
        *_inverter(house),
        *_controllers(installed.order),
    )
    return tuple(point for point in points if point.component not in installed.without)


def _power(read: Callable[[SimulatedHouse], float]) -> Read:
    """A power channel [W]: whole numbers."""
    return lambda house: round(read(house))


def _constant(value: Content) -> Read:
    return lambda _: value


def _produced_w(house: SimulatedHouse) -> float:
    return house.shown.pv_w - house.shown.curtailed_w


def _soc_percent(house: SimulatedHouse) -> int:
    return round(100 * house.shown.soc_wh / house.battery.capacity_wh)


def _state(house: SimulatedHouse) -> int:
    return house.conditions.state


def _grid_mode(house: SimulatedHouse) -> int:
    return house.conditions.grid_mode


def _rating_va(house: SimulatedHouse) -> int:
    """Apparent power that the unit can take or give [VA]."""
    battery = house.battery
    own = battery.max_ac_w if battery.hybrid else max(battery.max_charge_w, battery.max_discharge_w)
    return house.installation.max_apparent_va or round(own)


def _reactive_var(house: SimulatedHouse) -> int:
    """Reactive power [var] within what the active power leaves of the rating."""
    active_w = house.shown.ess_w
    most_var = int(math.sqrt(max(_rating_va(house) ** 2 - active_w**2, 0.0)))
    return max(-most_var, min(most_var, house.shown.reactive_var))


def _site(hybrid: bool, era: Era) -> Iterator[Point]:
    unknown, produced_w = _constant(None), _power(_produced_w)
    load_w = _power(lambda house: house.shown.load_w)
    yield Point(SUM, Sum.STATE, "", _state, _STATE_TEXT)
    yield Point(SUM, Sum.GRID_MODE, "", _grid_mode, _MODE_TEXT)
    yield Point(SUM, Sum.SOC, "%", _soc_percent)
    yield Point(SUM, "EssCapacity", "Wh", lambda house: round(house.battery.capacity_wh))
    yield Point(SUM, Sum.ESS, "W", _power(lambda house: house.shown.ess_w))
    yield Point(SUM, Sum.BATTERY, "W", _power(lambda house: house.shown.battery_w))
    yield Point(SUM, Sum.GRID, "W", _power(lambda house: house.shown.grid_w))
    yield Point(SUM, Sum.PRODUCTION, "W", produced_w)
    # without a meter, or a charger, of its kind a sum is not 0 but unknown
    yield Point(SUM, "ProductionAcActivePower", "W", unknown if hybrid else produced_w)
    yield Point(SUM, Sum.PRODUCTION_DC, "W", produced_w if hybrid else unknown)
    yield Point(SUM, "ConsumptionActivePower", "W", load_w)
    if era is Era.NEW:
        yield Point(SUM, "UnmanagedConsumptionActivePower", "W", load_w)


def _energies() -> Iterator[Point]:
    def energy(name: str, read: Callable[[SimulatedHouse], float]) -> Point:
        return Point(SUM, name, "Wh_Σ", _power(read), kind="LONG")

    yield energy("GridBuyActiveEnergy", lambda house: house.meters.bought_wh)
    yield energy("GridSellActiveEnergy", lambda house: house.meters.sold_wh)
    yield energy("ConsumptionActiveEnergy", lambda house: house.meters.load_wh)
    yield energy(
        "ProductionActiveEnergy", lambda house: house.meters.pv_wh - house.meters.curtailed_wh
    )
    yield energy("EssDcChargeEnergy", lambda house: house.meters.charged_wh)
    yield energy("EssDcDischargeEnergy", lambda house: house.meters.discharged_wh)


def _storage_unit(house: SimulatedHouse) -> Iterator[Point]:
    battery = house.battery
    if battery.hybrid:
        yield Point(ESS, Ess.BATTERY, "W", _power(lambda house: house.shown.battery_w))
    yield Point(ESS, Ess.STATE, "", _state, _STATE_TEXT)
    yield Point(ESS, Ess.GRID_MODE, "", _grid_mode, _MODE_TEXT)
    yield Point(ESS, Ess.SOC, "%", _soc_percent, "State of Charge of the energy storage system")
    yield Point(ESS, Ess.CAPACITY, "Wh", _constant(round(battery.capacity_wh)))
    yield Point(ESS, "MaxApparentPower", "VA", _rating_va)
    yield Point(ESS, Ess.ACTIVE, "W", _power(lambda house: house.shown.ess_w))
    yield Point(ESS, Ess.ALLOWED_CHARGE, "W", lambda house: house.shown.allowed_charge_w)
    yield Point(ESS, Ess.ALLOWED_DISCHARGE, "W", lambda house: house.shown.allowed_discharge_w)
    yield Point(ESS, Ess.APPLIED, "W", lambda house: house.shown.applied_w)
    yield Point(ESS, "ReactivePower", "var", _reactive_var)
    yield Point(ESS, "DebugSetReactivePower", "var", _reactive_var)
    yield Point(ESS, "ApplyPowerFailed", "", _constant(0), kind="BOOLEAN")


def _set_points() -> Iterator[Point]:
    for channel in Channel:
        yield Point(ESS, channel, "W", None, "Charge (-) or discharge (+) power to be set")
    for name in REACTIVE_CHANNELS:
        yield Point(ESS, name, "var", None)


def _services(read_only: bool, era: Era) -> Iterator[Point]:
    yield Point(META, VERSION, "", _constant(VERSIONS[era]), kind="STRING")
    if era is Era.NEW:
        yield Point(META, "Currency", "", _constant(1), "1:EUR")
        yield Point(META, "IsEssChargeFromGridAllowed", "", _charge_allowed, kind="BOOLEAN")
        yield Point(META, "GridFeedInLimitationType", "", _feed_in_limited)
        yield Point(META, "SystemTimeUtc", "sec", _time_s, kind="LONG")
    yield Point(POWER, "NotSolved", "", _constant(0), kind="BOOLEAN")
    yield Point(POWER, "StaticConstraintsFailed", "", _constant(0), kind="BOOLEAN")
    if not read_only:
        yield Point(API, WRITERS, "", lambda house: house.shown.log, kind="STRING")
    yield Point(API, "RunFailed", "", lambda house: int(house.shown.failed), kind="BOOLEAN")


def _charge_allowed(house: SimulatedHouse) -> int:
    return int(house.installation.charge_from_grid_allowed)


def _feed_in_limited(house: SimulatedHouse) -> int:
    return int(math.isfinite(house.max_sell_w))


def _time_s(house: SimulatedHouse) -> int:
    return int(house.moment.timestamp())


def _inverter(house: SimulatedHouse) -> Iterator[Point]:
    yield Point("batteryInverter0", "State", "", _state, _STATE_TEXT)
    if house.battery.hybrid:
        rating_w = round(house.battery.max_ac_w)
        yield Point("batteryInverter0", "MaxAcImport", "W", _constant(-rating_w))
        yield Point("batteryInverter0", "MaxAcExport", "W", _constant(rating_w))
    yield Point("battery0", "Soh", "%", _constant(100))


def _controllers(order: tuple[str, ...]) -> Iterator[Point]:
    for name in order:
        yield Point(name, "State", "", _constant(0), _STATE_TEXT)
    if LIMITER in order:
        yield Point(LIMITER, "RestrictionMode", "", lambda house: int(house.conditions.dimmed))
    if RESERVE in order:
        yield Point(
            RESERVE, "ActualReserveSoc", "%", lambda house: house.installation.reserve_soc_percent
        )
    if MODBUS in order:
        yield Point(MODBUS, WRITERS, "", _modbus_log, kind="STRING")


def _modbus_log(house: SimulatedHouse) -> str:
    power_w = house.conditions.modbus_w
    return "" if power_w is None else f"{ESS}/{Channel.EQUALS}:{power_w}"


def _charger() -> Iterator[Point]:
    yield Point("charger0", CHARGER_POWER, "W", _power(_produced_w))
