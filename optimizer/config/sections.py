"""Sections of the configuration: each key is one field, with its range and one sentence.

`[battery]`, `[grid]` and `[tariff]` are the model's own dataclasses, `[prices]`, `[load]` and
`[pv]` those of `sources`; `loading` validates the TOML into them.
"""

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import ConfigDict, SecretStr

from optimizer.http.public_address import is_public
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR, Currency
from optimizer.model.grid import Grid
from optimizer.model.ranges import Count, MoneyRange, Pattern, Port, Range
from optimizer.model.tariff import BERLIN, Tariff
from optimizer.sources.source_settings import LoadSection, PriceSettings, PvSettings
from optimizer.telemetry.owner_messages import MessageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FemsSection:
    """The battery's own controller on the home network."""

    url: Annotated[
        str,
        Pattern(
            r"https?://[A-Za-z0-9._\-\[\]:]+/?",
            "write it as http://192.168.0.23, without user, password or path",
            strip="/",
        ),
    ]
    """Address of the FEMS."""
    password: SecretStr
    """Password of the FEMS's user `owner`, or where it lies: "file:NAME" or "env:NAME"."""
    guest_password: SecretStr | None = None
    """Password of the FEMS's user `guest` for all reading, so that the owner's is only sent with
    writes."""
    ess: Annotated[
        str, Pattern("[A-Za-z_][A-Za-z0-9_]{0,63}", "should be a component's id such as ess0")
    ] = "ess0"
    """Component of the FEMS that is the battery with its inverter."""
    reactive: bool = False
    """Permission to use reactive power, which home systems do not have."""
    jsonrpc_port: Port | None = None
    """Port of the FEMS's JSON-RPC, which has its settings and its history; 80 and 8084 are tried
    where none is given."""
    allow_public: bool = False
    """Permission to use an address outside private and link-local ranges; a VPN is better."""

    def __post_init__(self) -> None:
        """Refuse a public address: passwords go there over plain HTTP."""
        if not self.allow_public and is_public(self.host):
            raise ValueError(
                "has a url outside private networks: a FEMS speaks plain HTTP with a known "
                "password; if you mean it write allow_public = true"
            )

    @property
    def host(self) -> str:
        """Name or address in `url`."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class BatterySection(Battery):
    """The battery with its inverter."""

    hybrid: bool | Literal["auto"] = "auto"  # type: ignore[assignment]  # decided by `battery`
    """Coupling of the PV system: true behind the battery's own inverter (DC), false on another
    one; "auto" asks the FEMS."""

    def battery(self, hybrid: bool) -> Battery:
        """The model's battery, with the coupling decided."""
        values = {item.name: getattr(self, item.name) for item in fields(Battery)}
        return Battery(**values | {"hybrid": hybrid})


@dataclass(frozen=True, slots=True)
class GridSection(Grid):
    """The connection to the grid."""

    max_sell_share_of_kwp: Annotated[float, Range(0, 1)] | None = None
    """Largest feed-in as a share of the PV system's peak power; needs `planes` in `[pv]`."""

    def grid(self, kwp: float) -> Grid:
        """The model's grid; `kwp` is the peak power of the PV system [kW]."""
        values = {item.name: getattr(self, item.name) for item in fields(Grid)}
        if self.max_sell_share_of_kwp is not None:
            cap_w = self.max_sell_share_of_kwp * kwp * 1000
            values["max_sell_w"] = min(self.max_sell_w, cap_w)
        return Grid(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningSection:
    """The plan."""

    horizon_h: Annotated[int, Range(2, 192)] = 48
    """Length of a plan [h], as far as prices are known."""
    step_minutes: Literal[15, 30, 60] = 15
    """Length of a step [min]."""
    stored_value: Literal["auto"] | Annotated[float, MoneyRange(0, 5)] = "auto"
    """Value of a kWh left in the cells at the plan's end [EUR/kWh]; "auto" takes it from the day
    after."""
    calm_eur: Annotated[float, MoneyRange(0, 1)] = 0.005
    """Most that a plan may cost more than the cheapest one for changing less [EUR]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSection:
    """The executor."""

    interval_s: Annotated[float, Range(1, 20)] = 10.0
    """Time between two cycles of reading and writing [s]."""
    follow: Literal["value", "intent", "power"] = "value"
    """Use of the plan: `value` compares the prices of the moment with the value of a stored kWh,
    `intent` keeps to the plan's bands, `power` writes the planned power as it stands."""
    write: Literal["equals", "bounds"] = "equals"
    """Channels for set-points: `equals` writes one power, `bounds` writes limits."""
    replan_minutes: Annotated[float, Range(0, 1_440)] = 60.0
    """Time between two plans within the day [min]; 0 leaves planning to the timer."""
    stand_down: bool = True
    """Permission to stop holding anything where the accounts of the last weeks say, beyond chance,
    that control loses against the battery left to itself; `optimizer resume` ends it."""


SYSTEM_STATE = Path("/var/lib/optimizer")
"""State folder of a service of the whole computer; systemd makes it."""


def _state_folder() -> Path:
    """Folder given by systemd, that of an installed service, or the user's."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    return SYSTEM_STATE if SYSTEM_STATE.is_dir() else platformdirs.user_state_path("optimizer")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSection:
    """The store of plans and journal."""

    folder: Path = field(default_factory=_state_folder)
    """Folder of the store: by default /var/lib/optimizer for a service, else the user's state
    folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSection:
    """Figures for Prometheus; none unless one of `textfile` and `port` is set."""

    textfile: Path | None = None
    """File for node_exporter's textfile collector; its name has to end with .prom."""
    port: Port | None = None
    """Port of a page of its own for Prometheus."""
    host: str = "127.0.0.1"
    """Address on which that page is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSection:
    """The MQTT broker of Home Assistant."""

    host: Annotated[str, Pattern("[A-Za-z0-9._:-]+", "should be a host's name or address")]
    """Name or address of the broker."""
    port: Port = 1883
    """Port of the broker."""
    user: str | None = None
    """User at the broker."""
    password: SecretStr | None = None
    """Password at the broker, or where it lies: "file:NAME" or "env:NAME"."""
    tls: bool = False
    """Encryption of the connection."""
    prefix: Annotated[str, Pattern("[A-Za-z0-9_/-]{1,64}", "should be a topic")] = "homeassistant"
    """Topic under which Home Assistant discovers devices."""
    commands: bool = False
    """Pause, resume and "charge to" are taken from everybody who may publish at the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySection:
    """Messages to the owner, sent by `optimizer notify` through the services of apprise."""

    urls: SecretStr
    """Addresses of apprise's services that get the messages, separated by blanks or lines, or where
    they lie: "file:NAME" or "env:NAME"."""
    allow: Annotated[tuple[MessageKind, ...], Count(len(MessageKind))] = tuple(MessageKind)
    """Kinds of messages that are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration.

    Raises
    ------
    ValueError
        If sections contradict each other; with the rest of a sentence about the file.
    """

    __pydantic_config__: ClassVar = ConfigDict(
        extra="forbid", allow_inf_nan=False, alias_generator=lambda name: name.rstrip("_")
    )

    site: str = "home"
    """Name of the house, which plans and metrics carry."""
    fems: FemsSection
    battery: BatterySection
    grid: GridSection = field(default_factory=GridSection)
    prices: PriceSettings = field(default_factory=PriceSettings)
    tariff: Tariff | None = None
    pv: PvSettings = field(default_factory=PvSettings)
    load: LoadSection = field(default_factory=LoadSection)
    planning: PlanningSection = field(default_factory=PlanningSection)
    control: ControlSection = field(default_factory=ControlSection)
    store: StoreSection = field(default_factory=StoreSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    mqtt: MqttSection | None = None
    notify: NotifySection | None = None

    def __post_init__(self) -> None:
        """Refuse a share of a PV system of unknown size, and fees on an all-in price."""
        parts = (self.tariff, *self.tariff.change) if self.tariff else ()
        if self.prices.all_in and any(part.window for part in parts):
            raise ValueError(
                "has prices.all_in, to which nothing is added, and grid fees by the hour "
                "([[tariff.window]] or tariff.grid_operator): remove one of them"
            )
        if self.tariff and self.tariff.grid_operator and self.money != EUR:
            raise ValueError(
                "has tariff.grid_operator, whose fees are in EUR, and amounts in "
                f"{self.money.code}: remove one of them"
            )
        if self.grid.max_sell_share_of_kwp is not None and not self.pv.planes:
            raise ValueError(
                "sets grid.max_sell_share_of_kwp, which needs the PV system's size: "
                "write planes = [{ kwp = ... }] into section [pv]"
            )

    @property
    def connection(self) -> Grid:
        """The connection as planner, control and accounts know it."""
        return self.grid.grid(self.pv.kwp).in_zone(self.zone)

    @property
    def money(self) -> Currency:
        """Currency of prices and amounts."""
        return self.prices.money

    @property
    def zone(self) -> ZoneInfo:
        """Time zone that people are shown."""
        return self.tariff.time_zone if self.tariff else BERLIN
