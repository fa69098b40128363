"""The battery, its FEMS and the grid behind it: `[fems]`, `[battery]`, `[grid]`."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from optimizer.config.types import Efficiency, Number, Percent, Section, Watts
from optimizer.model.battery import Battery
from optimizer.model.grid import Dimming, Grid, Rule


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


Taper = tuple[tuple[Percent, Watts], ...]


def _taper(points: Taper) -> Taper:
    """Points of a taper: rising states of charge and a concave line."""
    rises = []
    for (soc_a, w_a), (soc_b, w_b) in pairwise(points):
        if soc_b <= soc_a:
            raise ValueError("wants rising states of charge: [[90, 10000], [100, 1500]]")
        rises.append((w_b - w_a) / (soc_b - soc_a))
    if any(after > before + 1e-9 for before, after in pairwise(rises)):
        raise ValueError("has to bend one way only: each part at least as steep as the one before")
    return points


def _charge_taper(points: Taper) -> Taper:
    if points and (points[-1][0] != 100 or any(b[1] > a[1] for a, b in pairwise(points))):
        raise ValueError("has to fall and to end at 100 percent: [[90, 10000], [100, 1500]]")
    return _taper(points)


def _discharge_taper(points: Taper) -> Taper:
    if points and (points[0][0] != 0 or any(b[1] < a[1] for a, b in pairwise(points))):
        raise ValueError("has to rise and to begin at 0 percent: [[0, 1000], [10, 10000]]")
    return _taper(points)


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
    reserve_soc_percent: Percent = 0
    reserve_eur_per_kwh_h: Annotated[Number, Field(ge=0, le=1)] = 0.05
    charge_taper: Annotated[Taper, AfterValidator(_charge_taper)] = ()
    discharge_taper: Annotated[Taper, AfterValidator(_discharge_taper)] = ()
    full_charge_every_days: Annotated[Number, Field(ge=0, le=3650)] = 0

    @model_validator(mode="after")
    def _band(self) -> "BatterySection":
        if self.min_soc_percent >= self.max_soc_percent:
            raise ValueError("min_soc_percent has to be below max_soc_percent")
        if self.reserve_soc_percent > self.max_soc_percent:
            raise ValueError("reserve_soc_percent cannot be above max_soc_percent")
        if self.full_charge_every_days and self.max_soc_percent < 100:
            raise ValueError("full_charge_every_days needs max_soc_percent = 100")
        return self

    def battery(self, hybrid: bool) -> Battery:
        """The model's battery, with `hybrid = "auto"` decided."""
        values = self.model_dump() | {"hybrid": hybrid}
        return Battery(**values)


class DimmingSection(Section):
    """A time in which the grid's operator dims the storage unit."""

    start: datetime
    end: datetime
    max_w: Watts = 4_200

    @model_validator(mode="after")
    def _span(self) -> "DimmingSection":
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("start and end need their offset: 2026-01-14T17:00:00+01:00")
        if self.end <= self.start:
            raise ValueError("end has to be after start")
        return self


class GridSection(Section):
    """The connection to the grid."""

    max_buy_w: Watts = 20_000
    max_sell_w: Watts = 20_000
    max_sell_share_of_kwp: Annotated[Number, Field(ge=0, le=1)] | None = None
    rule: Rule = Rule.GRID_CHARGE
    dimming: tuple[DimmingSection, ...] = ()
    rests_roof: bool = False

    def grid(self, kwp: float) -> Grid:
        """The model's grid; `kwp` is the size of the whole roof [kW]."""
        max_sell_w = self.max_sell_w
        if self.max_sell_share_of_kwp is not None:
            max_sell_w = min(max_sell_w, self.max_sell_share_of_kwp * kwp * 1000)
        dimming = tuple(
            Dimming(item.start.astimezone(UTC), item.end.astimezone(UTC), item.max_w)
            for item in self.dimming
        )
        return Grid(self.max_buy_w, max_sell_w, self.rule, dimming, self.rests_roof)
