"""What another battery or another tariff would be worth: the sample house, season by season.

As if everything were known before: an upper limit. Real forecasts get some 60 to 90 % of what the
plan earns beyond own use; own use and no battery need no forecast and are as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path

import pandas as pd

from optimizer.analysis import sample
from optimizer.forecast import assemble
from optimizer.model.battery import Battery
from optimizer.model.quarter import QUARTER
from optimizer.model.tariff import FeeWindow, Tariff
from optimizer.planning import value
from optimizer.planning.door import forecast_steps
from optimizer.planning.end_value import auto_end_value
from optimizer.planning.own_use import no_battery, own_use
from optimizer.planning.task import ForecastStep, Task
from optimizer.sources import table

SEASONS = ("winter", "spring", "summer", "autumn")
WEEKS_A_YEAR = 365.25 / 7
START_SHARE = 0.3
"""Charge at the start of a week, given back at the end at its worth."""

MODULE_3 = replace(
    sample.TARIFF,
    grid_fee_eur_per_kwh=0.10,
    windows=(FeeWindow(time(0), time(6), 0.02), FeeWindow(time(17), time(21), 0.155)),
)
"""Time-variable grid fees (German EnWG section 14a, module 3): cheap nights, dear evenings."""


@dataclass(frozen=True, slots=True)
class Year:
    """Bills of a year [EUR], wear included."""

    no_battery_eur: float
    own_use_eur: float
    planned_eur: float

    @property
    def by_owning_eur(self) -> float:
        """What the battery earns when it is left to itself."""
        return self.no_battery_eur - self.own_use_eur

    @property
    def by_planning_eur(self) -> float:
        """What a plan adds at most."""
        return self.own_use_eur - self.planned_eur


def year(
    battery: Battery, tariff: Tariff, data: Path | None = None, *, flat: bool = False,
    seasons: Sequence[str] = SEASONS,
) -> Year:  # fmt: skip
    """A year of four weeks, each standing for its season.

    Parameters
    ----------
    flat
        Whether every kWh costs what it costs in the mean of the tariff, and every sold one earns
        the same.
    """
    weeks = [_week(battery, (data or sample.folder()) / name, tariff, flat) for name in seasons]
    factor = WEEKS_A_YEAR / len(weeks)
    return Year(*(factor * sum(bills) for bills in zip(*weeks, strict=True)))


def _week(battery: Battery, week: Path, tariff: Tariff, flat: bool) -> tuple[float, float, float]:
    steps = _steps(week, tariff, flat)
    worth = auto_end_value(steps, battery)
    start_wh = max(battery.min_wh, START_SHARE * battery.capacity_wh)
    task = Task(steps, battery, sample.GRID, start_wh, (worth,))
    alone, given = own_use(task), worth * start_wh / 1000
    left = alone.cost_eur + alone.wear_eur - worth * alone.end_wh / 1000
    return no_battery(task).cost_eur, left + given, value.solve(task).objective_eur + given


def _steps(week: Path, tariff: Tariff, flat: bool) -> tuple[ForecastStep, ...]:
    prices = assemble.all_in(table.read_prices(week / "prices.csv"), tariff)
    if flat:
        prices = prices.assign(
            buy_eur_per_kwh=prices["buy_eur_per_kwh"].mean(),
            sell_eur_per_kwh=tariff.export.eur_per_kwh,
        )
    load, roof = (
        table.read_power(week / f"{name}.csv", column)
        for name, column in (("load", "load_w"), ("roof", "pv_w"))
    )
    first, last = sample.days(week)
    frame = assemble.forecast(prices, load, roof, first, last - first, QUARTER)
    return forecast_steps(frame)


def compared(
    batteries: Mapping[str, Battery], tariffs: Mapping[str, tuple[Tariff, bool]],
    seasons: Sequence[str] = SEASONS,
) -> pd.DataFrame:  # fmt: skip
    """Each battery under each tariff [EUR a year], a row each.

    Parameters
    ----------
    tariffs
        By name; the second says whether it is flat.
    """
    rows = [
        {"battery": size, "tariff": name}
        | {
            "bill, no battery": found.no_battery_eur,
            "bill, own use": found.own_use_eur,
            "bill, planned": found.planned_eur,
            "battery earns": found.by_owning_eur,
            "plan adds": found.by_planning_eur,
        }
        for size, battery in batteries.items()
        for name, (tariff, flat) in tariffs.items()
        for found in (year(battery, tariff, flat=flat, seasons=seasons),)
    ]
    return pd.DataFrame(rows).set_index(["battery", "tariff"])
