"""Bills of a measured house with another battery or under another tariff, for a year.

Everything is known beforehand here: the planned bill is a lower limit, of whose gain over
self-consumption real forecasts reach some 60 to 90 %. Self-consumption and the bill without a
battery need no forecast and are as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from optimizer.backtest import scenario_data
from optimizer.backtest.scenario_data import HouseSeries, HouseSettings, Scenario
from optimizer.model.battery import Battery
from optimizer.model.tariff import Tariff
from optimizer.planning import water_value_exact
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.self_consumption import no_battery, self_consumption
from optimizer.planning.task import ForecastStep, Task

YEAR_DAYS = 365.25
START_SHARE = 0.3
"""Charge at the start of the span [1]; what is left at its end is counted at the same value."""

FixedPrices = tuple[float, float]
"""Buying and selling price of every kWh [EUR/kWh]."""


@dataclass(frozen=True, slots=True)
class YearBills:
    """Bills of a year [EUR], wear included."""

    no_battery_eur: float
    self_consumption_eur: float
    planned_eur: float

    @property
    def battery_gain_eur(self) -> float:
        """Gain of a battery left to itself over no battery."""
        return self.no_battery_eur - self.self_consumption_eur

    @property
    def plan_gain_eur(self) -> float:
        """Upper limit of a plan's gain over self-consumption."""
        return self.self_consumption_eur - self.planned_eur


def year_bills(series: HouseSeries, home: HouseSettings, prices: Tariff | FixedPrices) -> YearBills:
    """Bills of the whole time of some series, extrapolated to a year.

    Parameters
    ----------
    prices
        A tariff for the series' spot prices, or the same prices for every kWh.
    """
    tariff = prices if isinstance(prices, Tariff) else home.tariff
    scenario = scenario_data.scenario_of(
        "what-if", series, replace(home, tariff=tariff), learned=False
    )
    if not isinstance(prices, Tariff):
        buy, sell = prices
        scenario = replace(scenario, buy=0 * scenario.buy + buy, sell=0 * scenario.sell + sell)
    scenario = replace(scenario, left_out=None)  # all days stand for the year, filled ones too
    factor = YEAR_DAYS / scenario.days
    return YearBills(*(factor * bill for bill in _bills(scenario)))


def _bills(scenario: Scenario) -> tuple[float, float, float]:
    """Bills of the scenario: without a battery, self-consumption, planned [EUR]."""
    battery, steps = scenario.battery, _steps(scenario)
    value = auto_end_value(steps, battery, scenario.money_size)
    start_wh = max(battery.min_wh, START_SHARE * battery.capacity_wh)
    task = Task(steps, battery, scenario.grid, start_wh, (value,), money_size=scenario.money_size)
    without_plan, start_eur = self_consumption(task), value * start_wh / 1000
    left_to_itself = without_plan.cost_eur + without_plan.wear_eur - value * (
        without_plan.end_wh / 1000
    )  # fmt: skip
    planned = water_value_exact.water_values(task).objective_eur
    return no_battery(task).cost_eur, left_to_itself + start_eur, planned + start_eur


def _steps(scenario: Scenario) -> tuple[ForecastStep, ...]:
    series = (scenario.buy, scenario.sell, scenario.means(scenario.load_w),
              scenario.means(scenario.pv_w))  # fmt: skip
    rows = zip(*(values.tolist() for values in series), strict=True)
    return tuple(
        ForecastStep(scenario.at(place), scenario.at(place + 1), *row)
        for place, row in enumerate(rows)
    )


def compared(
    series: HouseSeries, home: HouseSettings, batteries: Mapping[str, Battery],
    tariffs: Mapping[str, Tariff | FixedPrices],
) -> pd.DataFrame:  # fmt: skip
    """Bills and gains of each battery under each tariff [EUR a year], a row each.

    Returns
    -------
    pd.DataFrame
        Index `battery`, `tariff`; columns `no_battery_eur`, `self_consumption_eur`, `planned_eur`,
        `battery_gain_eur`, `plan_gain_eur`.
    """
    names = ("no_battery_eur", "self_consumption_eur", "planned_eur", "battery_gain_eur",
             "plan_gain_eur")  # fmt: skip
    rows = [
        {"battery": size, "tariff": name} | {column: getattr(bills, column) for column in names}
        for size, battery in batteries.items()
        for name, prices in tariffs.items()
        for bills in (year_bills(series, replace(home, battery=battery), prices),)
    ]
    return pd.DataFrame(rows).set_index(["battery", "tariff"])
