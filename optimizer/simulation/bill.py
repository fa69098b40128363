"""Bill of a house by its meters, quarter-hour by quarter-hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.simulation.fems.meters import MeterReading
from optimizer.simulation.fems.simulated_house import SimulatedHouse


@dataclass(frozen=True, slots=True)
class PricedQuarter:
    """A quarter-hour as metered, with its prices [EUR/kWh]."""

    reading: MeterReading
    buy: float
    sell: float

    @property
    def cost_eur(self) -> float:
        """Bought energy at its price minus the pay for sold energy; both occur in one quarter."""
        return (self.reading.bought_wh * self.buy - self.reading.sold_wh * self.sell) / 1000


def price_list(prices: pd.DataFrame) -> Mapping[datetime, tuple[float, float]]:
    """Buying and selling price by the start of each quarter-hour."""
    buy, sell = prices["buy_eur_per_kwh"].tolist(), prices["sell_eur_per_kwh"].tolist()
    return dict(zip(frames.starts_of(prices), zip(buy, sell, strict=True), strict=True))


class Bill:
    """Follows a simulated house and keeps its quarter-hours."""

    def __init__(
        self, house: SimulatedHouse, prices: Mapping[datetime, tuple[float, float]]
    ) -> None:
        self._house, self._prices = house, prices
        self._due = house.moment + QUARTER
        self.quarters: list[PricedQuarter] = []

    def until_due(self) -> int:
        """Seconds to the next quarter-hour's end."""
        return round((self._due - self._house.moment).total_seconds())

    def poll(self) -> None:
        """Read the meters if the quarter-hour is over."""
        if self._house.moment >= self._due:
            reading = self._house.reading()
            self.quarters.append(PricedQuarter(reading, *self._prices[reading.start]))
            self._due += QUARTER


def total_eur(quarters: Sequence[PricedQuarter]) -> float:
    """The whole bill [EUR]."""
    return sum(quarter.cost_eur for quarter in quarters)
