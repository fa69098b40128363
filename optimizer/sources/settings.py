"""What sources are told: the span of time that is wanted, and the owner's settings by kind.

A source refuses when its own part is missing. Secrets are kept out of `repr`.
"""

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from optimizer.fems.jsonrpc import JsonRpc


@dataclass(frozen=True, slots=True)
class Span:
    """The time that data are wanted for: half-open, aware; `zone` is for local dates."""

    start: datetime
    end: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """Settings of price sources, `[prices]`."""

    section: ClassVar[str] = "prices"

    file: Path | None = None
    zone: str = "DE-LU"
    """Bidding zone."""
    entsoe_token: str | None = field(default=None, repr=False)
    tibber_token: str | None = field(default=None, repr=False)
    tibber_home: str | None = None
    """Id of the home; needed where the account has several."""
    swiss: str | None = None
    """Name of a Swiss supplier, or the address of its tariffs."""
    swiss_tariff: str | None = None
    swiss_vat_percent: float = 8.1
    octopus_tariff: str | None = None
    """Tariff code, such as E-1R-AGILE-24-10-01-C."""
    octopus_export: str | None = None

    @property
    def place(self) -> str:
        """A text that tells zones, homes and tariffs apart, without secrets."""
        parts = (self.zone, self.tibber_home, self.swiss, self.swiss_tariff, self.octopus_tariff,
                 self.octopus_export, f"{self.swiss_vat_percent:g}")  # fmt: skip
        return "|".join(part or "" for part in parts)


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """Settings of load sources, `[load]`."""

    section: ClassVar[str] = "load"

    file: Path | None = None
    annual_kwh: float = 4_000.0
    without: tuple[str, ...] = ()
    """Parts of the house that are planned apart: components, sensors or fields by source."""
    grid_only: bool = False
    """Whether the house had neither roof nor battery, so that a meter's grid draw is its load."""
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    sensor: str | None = None
    """Home Assistant's statistic of the house's energy or power."""
    database: str = "openems"
    measurement: str = "data"
    influx_field: str = "_sum/ConsumptionActivePower"
    """InfluxDB's field of the house's power [W]."""
    rpc: JsonRpc | None = field(default=None, repr=False)
    """The FEMS."""
    journal: sqlite3.Connection | None = field(default=None, repr=False)
    """The store with the executor's journal."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A part of the roof with one direction."""

    kwp: float
    tilt_degrees: float
    compass_degrees: float
    """Where it looks: 0 north, 90 east, 180 south, 270 west."""

    @property
    def from_south_degrees(self) -> float:
        """0 south, -90 east, 90 west, 180 north: what most services call azimuth.

        >>> [Plane(1, 30, compass).from_south_degrees for compass in (180, 90, 270, 0, 360)]
        [0, -90, 90, 180, 180]
        """
        turned = (self.compass_degrees - 180) % 360
        return turned - 360 if turned > 180 else turned


@dataclass(frozen=True, slots=True)
class RoofSettings:
    """Settings of roof sources, `[pv]`."""

    section: ClassVar[str] = "pv"

    file: Path | None = None
    latitude: float | None = None
    longitude: float | None = None
    planes: tuple[Plane, ...] = ()
    key: str | None = field(default=None, repr=False)
    site: str | None = None
    """Solcast's id of the roof."""
