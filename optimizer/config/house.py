"""What the house makes and uses: `[pv]` and `[load]`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from optimizer.config.types import Number, Section, Watts


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

    @property
    def kwp(self) -> float:
        """Size of the whole roof [kW]."""
        return sum(plane.kwp for plane in self.planes)


class Load(Section):
    """The house's own use."""

    source: str = "csv"
    file: Path | None = None
    annual_kwh: Annotated[Number, Field(gt=0, le=100_000)] = 4_000
