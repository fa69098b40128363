"""What the house makes and uses: `[pv]` and `[load]`."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from optimizer.config.types import Number, Section, Watts
from optimizer.sources.settings import LoadSettings, RoofSettings
from optimizer.sources.settings import Plane as RoofPlane


def _address(url: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+(/[A-Za-z0-9._~\-/]*)?", url):
        raise ValueError("write it as http://192.168.0.30:8123, without user, password or question")
    return url.rstrip("/")


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
    key: SecretStr | None = None
    site: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    learn: bool = True
    day_states: bool = True

    def settings(self) -> RoofSettings:
        """What a source is told."""
        return RoofSettings(
            file=self.file,
            latitude=self.latitude,
            longitude=self.longitude,
            planes=tuple(RoofPlane(**plane.model_dump()) for plane in self.planes),
            key=None if self.key is None else self.key.get_secret_value(),
            site=self.site,
        )

    @property
    def kwp(self) -> float:
        """Size of the whole roof [kW]."""
        return sum(plane.kwp for plane in self.planes)


class Load(Section):
    """The house's own use."""

    source: str = "fems"
    file: Path | None = None
    annual_kwh: Annotated[Number, Field(gt=0, le=100_000)] = 4_000
    without: tuple[Annotated[str, Field(min_length=1, max_length=120)], ...] = ()
    grid_only: bool = False
    url: Annotated[str, AfterValidator(_address)] | None = None
    token: SecretStr | None = None
    sensor: str | None = None
    database: str = "openems"
    measurement: str = "data"
    field: str = "_sum/ConsumptionActivePower"

    def settings(self) -> LoadSettings:
        """What a source is told, apart from device and store."""
        return LoadSettings(
            file=self.file,
            annual_kwh=self.annual_kwh,
            without=self.without,
            grid_only=self.grid_only,
            url=self.url,
            token=None if self.token is None else self.token.get_secret_value(),
            sensor=self.sensor,
            database=self.database,
            measurement=self.measurement,
            influx_field=self.field,
        )
