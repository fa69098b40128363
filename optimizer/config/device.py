"""The battery, its FEMS and the grid behind it: `[fems]`, `[battery]`, `[grid]`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from optimizer.config.types import Efficiency, Number, Percent, Section, Watts
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule


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
