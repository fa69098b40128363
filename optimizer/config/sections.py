"""All keys of the configuration: types, ranges, defaults; each section builds its model object."""

import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.tariff import Export, ExportKind, FeeWindow, Tariff

Follow = Literal["value", "intent", "power"]
Write = Literal["equals", "bounds"]


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _time_of_day(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError('should be a time of day such as "10:00"')
    return value


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("is local time: leave the offset out")
    return value


Number = Annotated[float, BeforeValidator(_no_bool)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), AfterValidator(_local)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Watts = Annotated[Number, Field(ge=0, le=1_000_000)]
Efficiency = Annotated[Number, Field(gt=0.3, le=1)]
EurPerKwh = Annotated[Number, Field(ge=-1, le=5)]


class Section(BaseModel):
    """Settings of one part of the house; unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _host(url: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+/?", url):
        raise ValueError("write it as http://192.168.0.23, without user, password or path")
    return url.rstrip("/")


class Fems(Section):
    """How the FEMS is reached."""

    url: Annotated[str, AfterValidator(_host)]
    password: SecretStr
    guest_password: SecretStr | None = None
    ess: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")] = "ess0"
    reactive: bool = False
    jsonrpc_port: Annotated[int, Field(ge=1, le=65_535)] | None = None


class BatterySection(Section):
    """The battery; keys as in `model.battery.Battery`."""

    capacity_wh: Annotated[Number, Field(gt=0, le=1_000_000)]
    min_soc_percent: Percent = 5
    max_soc_percent: Percent = 100
    max_charge_w: Watts = 10_000
    max_discharge_w: Watts = 10_000
    charge_efficiency: Efficiency = 0.95
    discharge_efficiency: Efficiency = 0.95
    wear_eur_per_kwh: Annotated[Number, Field(ge=0, le=1)] = 0
    standby_w: Annotated[Number, Field(ge=0, le=1000)] = 0
    hybrid: bool | Literal["auto"] = "auto"
    max_ac_w: Watts = 10_000

    @model_validator(mode="after")
    def _band(self) -> "BatterySection":
        if self.min_soc_percent >= self.max_soc_percent:
            raise ValueError("min_soc_percent has to be below max_soc_percent")
        return self

    def battery(self, hybrid: bool) -> Battery:
        """The model's battery, with `hybrid = "auto"` decided."""
        values = self.model_dump() | {"hybrid": hybrid}
        return Battery(**values)


class GridSection(Section):
    """The connection to the grid."""

    max_buy_w: Watts = 20_000
    max_sell_w: Watts = 20_000
    rule: Rule = Rule.GRID_CHARGE

    def grid(self) -> Grid:
        """The model's grid."""
        return Grid(self.max_buy_w, self.max_sell_w, self.rule)


class Prices(Section):
    """Where prices come from."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = ("csv",)
    zone: str = "DE-LU"
    file: Path | None = None


class Window(Section):
    """A time of day with its own grid fee."""

    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(min_length=1)] = tuple(
        range(1, 13)
    )
    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    grid_fee_eur_per_kwh: EurPerKwh


class ExportSection(Section):
    """How fed-in energy is paid."""

    kind: ExportKind = ExportKind.FIXED
    eur_per_kwh: EurPerKwh = 0
    zero_when_spot_negative: bool = False


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not a time zone such as Europe/Berlin") from error
    return name


class TariffSection(Section):
    """Net parts of the price, all in EUR/kWh."""

    valid_to: date | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/Berlin"
    markup_eur_per_kwh: EurPerKwh = 0
    levies_eur_per_kwh: EurPerKwh = 0
    tax_eur_per_kwh: EurPerKwh = 0
    concession_eur_per_kwh: EurPerKwh = 0
    grid_fee_eur_per_kwh: EurPerKwh = 0
    vat_percent: Annotated[Number, Field(ge=0, le=50)] = 0
    window: tuple[Window, ...] = ()
    export: ExportSection = ExportSection()

    def tariff(self) -> Tariff:
        """The model's tariff."""
        parts = self.model_dump(exclude={"time_zone", "window", "export"})
        windows = tuple(
            FeeWindow(w.from_, w.to, w.grid_fee_eur_per_kwh, frozenset(w.months))
            for w in self.window
        )
        export = Export(**self.export.model_dump())
        return Tariff(**parts, windows=windows, export=export, zone=ZoneInfo(self.time_zone))


class Plane(Section):
    """A part of the roof with one direction."""

    kwp: Annotated[Number, Field(gt=0, le=1000)]
    tilt_degrees: Annotated[Number, Field(ge=0, le=90)] = 30
    compass_degrees: Annotated[Number, Field(ge=0, le=360)] = 180


class Pv(Section):
    """The roof."""

    source: str = "none"
    file: Path | None = None
    latitude: Annotated[Number, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[Number, Field(ge=-180, le=180)] | None = None
    inverter_w: Watts = 10_000
    planes: tuple[Plane, ...] = ()


class Load(Section):
    """The house's own use."""

    source: str = "csv"
    file: Path | None = None
    annual_kwh: Annotated[Number, Field(gt=0, le=100_000)] = 4_000


class Planning(Section):
    """The night."""

    horizon_h: Annotated[int, Field(ge=2, le=192)] = 48
    step_minutes: Literal[15, 30, 60] = 15
    stored_value: Literal["auto"] | Annotated[Number, Field(ge=0, le=5)] = "auto"


class Control(Section):
    """The day."""

    interval_s: Annotated[Number, Field(ge=1, le=20)] = 10
    follow: Follow = "value"
    write: Write = "equals"


def _state_folder() -> Path:
    return platformdirs.user_state_path("optimizer")


class Store(Section):
    """Where plans and journal are kept."""

    folder: Path = Field(default_factory=_state_folder)


class Config(Section):
    """The whole file."""

    site: str = "home"
    fems: Fems
    battery: BatterySection
    grid: GridSection = GridSection()
    prices: Prices = Prices()
    tariff: TariffSection | None = None
    pv: Pv = Pv()
    load: Load = Load()
    planning: Planning = Planning()
    control: Control = Control()
    store: Store = Field(default_factory=Store)
