"""The data points that a simulated FEMS offers: names, kinds, units, and where the value is."""

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from optimizer.fems.channels import (
    API,
    API_TIMEOUT,
    CHARGER_POWER,
    ESS,
    META,
    POWER,
    SUM,
    VERSION,
    WRITERS,
    EssChannels,
    SumChannels,
)
from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.answers import Era
from optimizer.simulation.fems.installation import LIMITER, MODBUS, RESERVE
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.written_values import REACTIVE_CHANNELS

VERSIONS = {Era.OLD: "2023.6.1", Era.NEW: "2025.4.0"}
"""The manual's version, and the first one of the new era."""
Content = int | str | None
Read = Callable[[SimulatedHouse], Content]

_STATE_TEXT = "0:Ok, 1:Info, 2:Warning, 3:Fault"
_MODE_TEXT = "Current power grid mode; 1:On-Grid, 2:Off-Grid"


class DataPoint(NamedTuple):
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
        """Value of the channel; None for write-only ones and where it is unknown."""
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


def points_of(house: SimulatedHouse, era: Era = Era.NEW) -> tuple[DataPoint, ...]:
    """All data points of the FEMS of `house_forecast`."""
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


def _site(hybrid: bool, era: Era) -> Iterator[DataPoint]:
    unknown, produced_w = _constant(None), _power(_produced_w)
    load_w = _power(lambda house: house.shown.load_w)
    yield DataPoint(SUM, SumChannels.STATE, "", _state, _STATE_TEXT)
    yield DataPoint(SUM, SumChannels.GRID_MODE, "", _grid_mode, _MODE_TEXT)
    yield DataPoint(SUM, SumChannels.SOC, "%", _soc_percent)
    yield DataPoint(SUM, "EssCapacity", "Wh", lambda house: round(house.battery.capacity_wh))
    yield DataPoint(SUM, SumChannels.ESS, "W", _power(lambda house: house.shown.ess_w))
    yield DataPoint(SUM, SumChannels.BATTERY, "W", _power(lambda house: house.shown.battery_w))
    yield DataPoint(SUM, SumChannels.GRID, "W", _power(lambda house: house.shown.grid_w))
    yield DataPoint(SUM, SumChannels.PRODUCTION, "W", produced_w)
    # without a meter, or a charger, of its kind a sum is not 0 but unknown
    yield DataPoint(SUM, "ProductionAcActivePower", "W", unknown if hybrid else produced_w)
    yield DataPoint(SUM, SumChannels.PRODUCTION_DC, "W", produced_w if hybrid else unknown)
    yield DataPoint(SUM, "ConsumptionActivePower", "W", load_w)
    if era is Era.NEW:
        yield DataPoint(SUM, "UnmanagedConsumptionActivePower", "W", load_w)


def _energies() -> Iterator[DataPoint]:
    def energy(name: str, read: Callable[[SimulatedHouse], float]) -> DataPoint:
        def counted(house: SimulatedHouse) -> float:
            return read(house) + house.conditions.counters_ahead_wh

        return DataPoint(SUM, name, "Wh_Σ", _power(counted), kind="LONG")

    yield energy("GridBuyActiveEnergy", lambda house: house.meters.bought_wh)
    yield energy("GridSellActiveEnergy", lambda house: house.meters.sold_wh)
    yield energy("ConsumptionActiveEnergy", lambda house: house.meters.load_wh)
    yield energy(
        "ProductionActiveEnergy", lambda house: house.meters.pv_wh - house.meters.curtailed_wh
    )
    yield energy("EssDcChargeEnergy", lambda house: house.meters.charged_wh)
    yield energy("EssDcDischargeEnergy", lambda house: house.meters.discharged_wh)


def _storage_unit(house: SimulatedHouse) -> Iterator[DataPoint]:
    battery = house.battery
    if battery.hybrid:
        yield DataPoint(ESS, EssChannels.BATTERY, "W", _power(lambda house: house.shown.battery_w))
    yield DataPoint(ESS, EssChannels.STATE, "", _state, _STATE_TEXT)
    yield DataPoint(ESS, EssChannels.GRID_MODE, "", _grid_mode, _MODE_TEXT)
    yield DataPoint(
        ESS, EssChannels.SOC, "%", _soc_percent, "State of Charge of the energy storage system"
    )
    yield DataPoint(ESS, EssChannels.CAPACITY, "Wh", _constant(round(battery.capacity_wh)))
    yield DataPoint(ESS, "MaxApparentPower", "VA", _rating_va)
    yield DataPoint(ESS, EssChannels.ACTIVE, "W", _power(lambda house: house.shown.ess_w))
    yield DataPoint(
        ESS, EssChannels.ALLOWED_CHARGE, "W", lambda house: house.shown.allowed_charge_w
    )
    yield DataPoint(
        ESS, EssChannels.ALLOWED_DISCHARGE, "W", lambda house: house.shown.allowed_discharge_w
    )
    yield DataPoint(ESS, EssChannels.APPLIED, "W", lambda house: house.shown.applied_w)
    yield DataPoint(ESS, "ReactivePower", "var", _reactive_var)
    yield DataPoint(ESS, "DebugSetReactivePower", "var", _reactive_var)
    yield DataPoint(ESS, "ApplyPowerFailed", "", _constant(0), kind="BOOLEAN")


def _set_points() -> Iterator[DataPoint]:
    for channel in Channel:
        yield DataPoint(ESS, channel, "W", None, "Charge (-) or discharge (+) power to be set")
    for name in REACTIVE_CHANNELS:
        yield DataPoint(ESS, name, "var", None)


def _services(read_only: bool, era: Era) -> Iterator[DataPoint]:
    yield DataPoint(META, VERSION, "", _constant(VERSIONS[era]), kind="STRING")
    if era is Era.NEW:
        yield DataPoint(META, "Currency", "", _constant(1), "1:EUR")
        yield DataPoint(META, "IsEssChargeFromGridAllowed", "", _charge_allowed, kind="BOOLEAN")
        yield DataPoint(META, "GridFeedInLimitationType", "", _feed_in_limited)
        yield DataPoint(META, "SystemTimeUtc", "sec", _time_s, kind="LONG")
    yield DataPoint(POWER, "NotSolved", "", _constant(0), kind="BOOLEAN")
    yield DataPoint(POWER, "StaticConstraintsFailed", "", _constant(0), kind="BOOLEAN")
    if not read_only:
        yield DataPoint(API, WRITERS, "", lambda house: house.shown.log, kind="STRING")
        yield DataPoint(API, API_TIMEOUT, "", lambda house: int(house.written.timeout_s))
    yield DataPoint(API, "RunFailed", "", lambda house: int(house.shown.failed), kind="BOOLEAN")


def _charge_allowed(house: SimulatedHouse) -> int:
    return int(house.installation.charge_from_grid_allowed)


def _feed_in_limited(house: SimulatedHouse) -> int:
    return int(math.isfinite(house.site.limits.sell_w))


def _time_s(house: SimulatedHouse) -> int:
    return int(house.moment.timestamp())


def _inverter(house: SimulatedHouse) -> Iterator[DataPoint]:
    yield DataPoint("batteryInverter0", "State", "", _state, _STATE_TEXT)
    if house.battery.hybrid:
        rating_w = round(house.battery.max_ac_w)
        yield DataPoint("batteryInverter0", "MaxAcImport", "W", _constant(-rating_w))
        yield DataPoint("batteryInverter0", "MaxAcExport", "W", _constant(rating_w))
    yield DataPoint("battery0", "Soh", "%", _constant(100))


def _controllers(order: tuple[str, ...]) -> Iterator[DataPoint]:
    for name in order:
        yield DataPoint(name, "State", "", _constant(0), _STATE_TEXT)
    if LIMITER in order:
        yield DataPoint(LIMITER, "RestrictionMode", "", lambda house: int(house.conditions.dimmed))
    if RESERVE in order:
        yield DataPoint(
            RESERVE, "ActualReserveSoc", "%", lambda house: house.installation.reserve_soc_percent
        )
    if MODBUS in order:
        yield DataPoint(MODBUS, WRITERS, "", _modbus_log, kind="STRING")


def _modbus_log(house: SimulatedHouse) -> str:
    power_w = house.conditions.modbus_w
    return "" if power_w is None else f"{ESS}/{Channel.EQUALS}:{power_w}"


def _charger() -> Iterator[DataPoint]:
    yield DataPoint("charger0", CHARGER_POWER, "W", _power(_produced_w))
