"""What sources are told: the span of time that is wanted, and the owner's settings by kind.

A source refuses when its own part is missing. Secrets are kept out of `repr`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo


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


@dataclass(frozen=True, slots=True)
class RoofSettings:
    """Settings of roof sources, `[pv]`."""

    section: ClassVar[str] = "pv"

    file: Path | None = None
    latitude: float | None = None
    longitude: float | None = None
