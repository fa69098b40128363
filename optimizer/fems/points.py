"""The data points that a simulated FEMS offers: names, kinds, units, and where the value is."""

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
from optimizer.fems.house import SimulatedHouse
from optimizer.fems.written import REACTIVE_CHANNELS
from optimizer.model.state import ON_GRID, Channel

FEMS_VERSION = "2025.4.0"
"""First version with the answers of `answers.py`."""
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
            shown["value"] = self.read(house)
        return shown


def points_of(house: SimulatedHouse) -> tuple[Point, ...]:
    """All data points of the FEMS of `house`."""
    return (
        *_site(house.battery.hybrid),
        *_energies(),
        *_storage_unit(house),
        *_set_points(),
        *_services(),
        *(_charger() if house.battery.hybrid else ()),
    )


def _power(read: Callable[[SimulatedHouse], float]) -> Read:
    """A power channel [W]: whole numbers."""
    return lambda house: round(read(house))


def _constant(value: Content) -> Read:
    return lambda _: value


def _produced_w(house: SimulatedHouse) -> float:
    return house.shown.pv_w - house.shown.curtailed_w


def _soc_percent(house: SimulatedHouse) -> int:
    return round(100 * house.shown.soc_wh / house.battery.capacity_wh)


def _site(hybrid: bool) -> Iterator[Point]:
    unknown, produced_w = _constant(None), _power(_produced_w)
    load_w = _power(lambda house: house.shown.load_w)
    yield Point(SUM, Sum.STATE, "", _constant(0), _STATE_TEXT)
    yield Point(SUM, Sum.GRID_MODE, "", _constant(ON_GRID), _MODE_TEXT)
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
    rating_w = max(battery.max_charge_w, battery.max_discharge_w)
    if battery.hybrid:
        rating_w = battery.max_ac_w
        yield Point(ESS, Ess.BATTERY, "W", _power(lambda house: house.shown.battery_w))
    yield Point(ESS, Ess.STATE, "", _constant(0), _STATE_TEXT)
    yield Point(ESS, Ess.GRID_MODE, "", _constant(ON_GRID), _MODE_TEXT)
    yield Point(ESS, Ess.SOC, "%", _soc_percent, "State of Charge of the energy storage system")
    yield Point(ESS, Ess.CAPACITY, "Wh", _constant(round(battery.capacity_wh)))
    yield Point(ESS, "MaxApparentPower", "VA", _constant(round(rating_w)))
    yield Point(ESS, Ess.ACTIVE, "W", _power(lambda house: house.shown.ess_w))
    yield Point(ESS, Ess.ALLOWED_CHARGE, "W", lambda house: house.shown.allowed_charge_w)
    yield Point(ESS, Ess.ALLOWED_DISCHARGE, "W", lambda house: house.shown.allowed_discharge_w)
    yield Point(ESS, Ess.APPLIED, "W", lambda house: house.shown.applied_w)
    yield Point(ESS, "ApplyPowerFailed", "", _constant(0), kind="BOOLEAN")


def _set_points() -> Iterator[Point]:
    for channel in Channel:
        yield Point(ESS, channel, "W", None, "Charge (-) or discharge (+) power to be set")
    for name in REACTIVE_CHANNELS:
        yield Point(ESS, name, "var", None)


def _services() -> Iterator[Point]:
    yield Point(META, VERSION, "", _constant(FEMS_VERSION), kind="STRING")
    yield Point(POWER, "NotSolved", "", _constant(0), kind="BOOLEAN")
    yield Point(POWER, "StaticConstraintsFailed", "", _constant(0), kind="BOOLEAN")
    yield Point(API, WRITERS, "", lambda house: house.shown.log, kind="STRING")
    yield Point(API, "RunFailed", "", lambda house: int(house.shown.failed), kind="BOOLEAN")


def _charger() -> Iterator[Point]:
    yield Point("charger0", CHARGER_POWER, "W", _power(_produced_w))
