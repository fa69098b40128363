"""The whole configuration; each section lies in the file of its part of the house."""

from pydantic import Field

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
