"""The whole configuration; each section lies in the file of its part of the house."""

from pydantic import Field, model_validator

from optimizer.config.device import BatterySection, Fems, GridSection
from optimizer.config.house import Load, Pv
from optimizer.config.money import Prices, TariffSection
from optimizer.config.telling import Metrics, Mqtt
from optimizer.config.types import Section
from optimizer.config.work import Control, Planning, Store


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
    metrics: Metrics = Metrics()
    mqtt: Mqtt | None = None

    @model_validator(mode="after")
    def _share(self) -> "Config":
        if self.grid.max_sell_share_of_kwp is not None and not self.pv.planes:
            raise ValueError(
                "sets grid.max_sell_share_of_kwp, which needs the roof's size: "
                "write planes = [{ kwp = ... }] into section [pv]"
            )
        return self
