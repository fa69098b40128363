"""Settings of the sources: sections `[prices]`, `[load]` and `[pv]` of the configuration.

A source refuses settings in which its own part is missing. Secrets are kept out of `repr`.
"""

import sqlite3
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from optimizer.model import local_hours
from optimizer.model.currency import EUR, Currency, CurrencyCode, known
from optimizer.model.local_hours import DAYS, MONTHS, Days, LocalHours, Months
from optimizer.model.ranges import (
    Count,
    Derived,
    EndTimeOfDay,
    EurPerKwh,
    Pattern,
    Range,
    TimeOfDay,
    Watts,
)

if TYPE_CHECKING:  # it brings `requests`, and the configuration these settings
    from optimizer.fems.jsonrpc import JsonRpcClient

OctopusCode = Annotated[
    str, Pattern("E-[12]R-[A-Z0-9-]+-[A-P]", "should be a code such as E-1R-AGILE-24-10-01-C")
]
Address = Annotated[
    str,
    Pattern(
        r"https?://[A-Za-z0-9._\-\[\]:]+(/[A-Za-z0-9._~\-/]*)?",
        "should be an address such as http://192.168.0.30:8123, without user, password or query",
        strip="/",
    ),
]
SOURCE_CURRENCY = {
    "energy-charts": "EUR", "smard": "EUR", "entsoe": "EUR", "awattar": "EUR", "swiss": "CHF",
    "octopus": "GBP",
}  # fmt: skip
"""Currency of the sources that answer in one only."""


def currency_of(code: object, sources: object) -> Currency:
    """The currency of an owner's prices: stated, or else that of the first source that has one."""
    names = map(str, sources) if isinstance(sources, list | tuple) else ()
    first = next((SOURCE_CURRENCY[name] for name in names if name in SOURCE_CURRENCY), None)
    return known(code) or known(first) or EUR


Part = Annotated[str, Pattern(r"[^\n]{1,120}", "should have 1 to 120 characters")]


@dataclass(frozen=True, slots=True)
class Span:
    """The time that data are wanted for: half-open, aware; `zone` is for local dates."""

    start: datetime
    end: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWindow(LocalHours):
    """A price of certain hours for the source `fixed`; overlaps count as in `[[tariff.window]]`."""

    from_: TimeOfDay
    """First local time of the price."""
    to: EndTimeOfDay
    """First local time after the price, "24:00" at midnight; at or before `from` it is the next
    day's."""
    eur_per_kwh: EurPerKwh
    """Price in these hours, instead of the section's [EUR/kWh]."""
    months: Months = MONTHS
    """Months in which the price applies."""
    days: Days = DAYS
    """Days of the week on which the hours begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSettings:
    """Sources of prices.

    Raises
    ------
    ValueError
        If keys contradict each other; with a sentence.
    """

    section: ClassVar[str] = "prices"
    provenance: ClassVar[str] = "published"

    sources: Annotated[tuple[str, ...], Count(100, 1)] = ("csv",)
    """Chain of price sources; the next one fills in what the one before does not have."""
    zone: str = "DE-LU"
    """Bidding zone of the exchange's prices."""
    file: Path | None = None
    """Table of prices for the source `csv`."""
    column: Part | None = None
    """Header of the column to take, where several columns of the table fit."""
    eur_per_kwh: EurPerKwh | None = None
    """Price for the source `fixed`, where no window applies [EUR/kWh]; net in the exchange's place,
    or all-in."""
    window: Annotated[tuple[PriceWindow, ...], Count(1_000)] = ()
    all_in: bool = False
    """The `fixed` price is the whole price, with fees and VAT: nothing of `[tariff]` is added."""
    spot_sources: Annotated[tuple[str, ...], Count(100)] = ()
    """Chain of sources for the export rule alone, beside `fixed`: the exchange's prices, or those
    of a supplier that answers what it pays for energy fed in."""
    holidays: Annotated[str | None, Derived()] = None
    """Country whose public holidays count as Sundays: the tariff's."""
    entsoe_token: str | None = field(default=None, repr=False)
    """Token of the ENTSO-E Transparency Platform."""
    tibber_token: str | None = field(default=None, repr=False)
    """Token of Tibber's API."""
    tibber_home: str | None = None
    """Id of the home at Tibber; needed where the account has several."""
    swiss: str | None = None
    """Name of a Swiss supplier, or the address of its tariffs."""
    swiss_tariff: str | None = None
    """Name of the tariff, where the Swiss supplier has several."""
    swiss_vat_percent: Annotated[float, Range(0, 50)] = 8.1
    """VAT on the Swiss supplier's net prices [%]."""
    swiss_export: bool = False
    """Selling prices from the Swiss supplier too: its feed-in tariff, without VAT."""
    swiss_export_tariff: str | None = None
    """Name of the feed-in tariff, where the Swiss supplier has several."""
    octopus_tariff: OctopusCode | None = None
    """Code of Octopus's tariff for import."""
    octopus_export: OctopusCode | None = None
    """Code of Octopus's tariff for export."""
    currency: CurrencyCode | None = None
    """Currency of all prices and amounts, by default the first source's; the names of keys, columns
    and JSON say `eur` whatever it is."""
    eur_rate: Annotated[float, Range(0.1, 1_000)] | None = None
    """Units of `currency` for one EUR, at which prices of sources that answer in EUR are taken; a
    plan needs it within some percent."""
    patience_s: Annotated[float, Range(0, 7_200)] = 60.0
    """Longest time that a plan waits for busy services [s]."""

    def __post_init__(self) -> None:
        """Refuse prices of another currency, and stated ones not asked for or not known."""
        self._refuse_another_currency()
        stated = self.eur_per_kwh is not None or self.window or self.all_in or self.spot_sources
        if "fixed" not in self.sources:
            if stated:
                raise ValueError(
                    "has eur_per_kwh, window, all_in or spot_sources, which are for "
                    'sources = ["fixed"]'
                )
            return
        if len(self.sources) > 1:
            raise ValueError(
                "names other sources beside 'fixed', which knows every price: leave them out, or "
                "name them as spot_sources for the export rule"
            )
        local_hours.check(self.window, "window")
        gap = None if self.eur_per_kwh is not None else local_hours.uncovered(self.window)
        if gap is not None:
            raise ValueError(f"has no price for {gap}: write eur_per_kwh for the other hours")

    def _refuse_another_currency(self) -> None:
        if self.eur_rate is not None and self.money == EUR:
            raise ValueError("has eur_rate, which is for a currency other than EUR: name it")
        for name in self.names if self.currency else ():
            answered = SOURCE_CURRENCY.get(name, self.currency)
            if answered == self.currency or (answered == EUR.code and self.eur_rate):
                continue
            fix = (
                f"write eur_rate, the {self.currency} for one EUR, or use a source in "
                f"{self.currency}"
                if answered == EUR.code
                else "no rate of exchange is applied"
            )
            raise ValueError(
                f'has currency = "{self.currency}", but prices of {name} are in {answered}: {fix}'
            )

    @property
    def money(self) -> Currency:
        """Currency of all prices and amounts."""
        return currency_of(self.currency, self.names)

    def rate_from(self, code: str) -> float:
        """Factor from prices in a currency to those in the owner's: 1 where none is known."""
        return self.eur_rate if code == EUR.code and self.eur_rate else 1.0

    def rate_note(self, origin: str) -> str:
        """Sentence about the rate of exchange in use."""
        return (
            f"{origin}: prices are in EUR, taken at {self.eur_rate:g} {self.money.code} for one "
            "EUR ([prices] eur_rate)"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All sources, those for the export rule last."""
        return (*self.sources, *self.spot_sources)

    @property
    def identity(self) -> str:
        """Text for the cache that distinguishes zones, homes and tariffs, without secrets."""
        parts = (self.zone, self.tibber_home, self.swiss, self.swiss_tariff, self.octopus_tariff,
                 self.octopus_export, f"{self.swiss_vat_percent:g}")  # fmt: skip
        selling = ("export", self.swiss_export_tariff) if self.swiss_export else ()
        rate = (f"{self.eur_rate:g} {self.money.code}",) if self.eur_rate else ()
        return "|".join(part or "" for part in (*parts, *selling, *rate))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSection:
    """The past of the house's load, from which its forecast is learned."""

    section: ClassVar[str] = "load"
    provenance: ClassVar[str] = "reported"

    source: str = "fems"
    """Source of the past load."""
    file: Path | None = None
    """Table of the past load for the sources `csv`, `meter` and `excel`."""
    column: Part | None = None
    """Header of the column to take, where several columns of the table fit."""
    annual_kwh: Annotated[float, Range(0.001, 100_000)] = 4_000.0
    """Load of a year [kWh], a guess for the first days, while little of the past is known."""
    without: Annotated[tuple[Part, ...], Count(100)] = ()
    """Loads to leave out, such as a wallbox that is planned by hand: components of the FEMS,
    sensors of Home Assistant (also those that it writes into InfluxDB), fields of OpenEMS there."""
    grid_only: bool = False
    """Absence of PV and battery in the past, so that a meter's grid draw is the load."""
    url: Address | None = None
    """Address of Home Assistant or InfluxDB."""
    token: str | None = field(default=None, repr=False)
    """Token of Home Assistant or InfluxDB."""
    sensor: str | None = None
    """Home Assistant's sensor with the house's energy or power."""
    statistics: Literal["hour", "5minute"] = "hour"
    """Home Assistant's statistics: by the hour, never deleted; or for the last ten days those of 5
    minutes too, as quarter-hours."""
    database: str = "openems"
    """InfluxDB's database."""
    measurement: str = "data"
    """InfluxDB's measurement."""
    field_: str = "_sum/ConsumptionActivePower"
    """InfluxDB's field with the house's power [W]."""
    tags: dict[str, str] = field(default_factory=dict)
    """InfluxDB's tags that name one series, where a measurement holds several."""

    @property
    def identity(self) -> str:
        """Text for the cache that distinguishes houses and meters, without secrets."""
        fine = ("5minute",) if self.statistics == "5minute" else ()
        return _digest(self.file, self.without, self.grid_only, self.url, self.sensor,
                       self.database, self.measurement, self.field_,
                       *sorted(self.tags.items()), *fine)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings(LoadSection):
    """Settings of load sources, with the connections that some of them use."""

    rpc: "JsonRpcClient | None" = field(default=None, repr=False)
    """Connection to the FEMS."""
    journal: sqlite3.Connection | None = field(default=None, repr=False)
    """Connection to the store with the executor's journal."""

    @classmethod
    def of(
        cls, section: LoadSection, rpc: "JsonRpcClient | None", journal: sqlite3.Connection | None
    ) -> "LoadSettings":
        """Settings of a section, with connections."""
        keys = {item.name: getattr(section, item.name) for item in fields(LoadSection)}
        return cls(**keys, rpc=rpc, journal=journal)


@dataclass(frozen=True, slots=True)
class PvPlane:
    """PV modules that face one direction."""

    kwp: Annotated[float, Range(0.001, 1_000)]
    """Peak power of the modules [kW]."""
    tilt_degrees: Annotated[float, Range(0, 90)] = 30.0
    """Tilt: 0 flat, 90 upright [degrees]."""
    compass_degrees: Annotated[float, Range(0, 360)] = 180.0
    """Direction that the modules face: 0 north, 90 east, 180 south, 270 west [degrees]."""

    @property
    def from_south_degrees(self) -> float:
        """0 south, -90 east, 90 west, 180 north: most services' azimuth.

        >>> [PvPlane(1, 30, compass).from_south_degrees for compass in (180, 90, 270, 0, 360)]
        [0, -90, 90, 180, 180]
        """
        turned = (self.compass_degrees - 180) % 360
        return turned - 360 if turned > 180 else turned


@dataclass(frozen=True, slots=True, kw_only=True)
class PvSettings:
    """The PV system and the source of its forecast."""

    section: ClassVar[str] = "pv"
    provenance: ClassVar[str] = "forecast"

    source: str = "none"
    """Source of the PV forecast; `none` without PV."""
    file: Path | None = None
    """Table of PV power for the source `csv`."""
    column: Part | None = None
    """Header of the column to take, where several columns of the table fit."""
    latitude: Annotated[float, Range(-90, 90)] | None = None
    """Latitude of the house, north positive [degrees]."""
    longitude: Annotated[float, Range(-180, 180)] | None = None
    """Longitude of the house, east positive [degrees]."""
    inverter_w: Watts = 10_000.0
    """AC rating of the PV inverter, which limits the forecast [W]."""
    planes: Annotated[tuple[PvPlane, ...], Count(100)] = ()
    key: str | None = field(default=None, repr=False)
    """API key of Forecast.Solar or Solcast."""
    site: Annotated[
        str, Pattern("[A-Za-z0-9-]{1,64}", "should be an id such as 1234-abcd-5678-ef90")
    ] | None = None  # fmt: skip
    """Solcast's id of the PV system."""
    learn: bool = True
    """Correction of the forecast by the PV power measured in the last 30 days."""
    day_states: bool = True
    """Planning for days of less and of more PV power than forecast."""

    @property
    def kwp(self) -> float:
        """Peak power of all modules [kW]."""
        return sum(plane.kwp for plane in self.planes)

    @property
    def identity(self) -> str:
        """Text for the cache that distinguishes PV systems, without secrets."""
        return _digest(self.latitude, self.longitude, self.planes, self.site)


def _digest(*settings: object) -> str:
    return sha256(repr(settings).encode()).hexdigest()[:8]
