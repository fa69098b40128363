"""Value of the energy that is left in the battery when the plan ends.

The plan ends where published prices end; life goes on. A worth that is too low gives the store
away, one that is too high buys for a future that never comes, and a target state of charge does
both. Two answers for `stored_value = "auto"`:

- `beyond`: where the day after can be foreseen (like days' prices, load, roof), that day is taken
  back in time for uncertain loads like the plan's own steps. The worth falls with what is stored: a
  kWh that the morning's roof would bring anyway is worth little. Nothing is ever done at those
  prices.
- `auto_end_value`: a share of the mean price, the same for each kWh, where it cannot.

In years of real homes (`tests/bench/claims.py --ours`, the second with `--flat-end`) the first
earns 10 to 12 EUR more where nothing is paid for energy sold at negative prices, 6 with fees by the
hour and no roof, 2 less with a poor forecast of the roof.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

import numpy as np

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.load_spread import LoadSpread
from optimizer.planning import water_value
from optimizer.planning.arrays import Forecasts, limits_of_plans
from optimizer.planning.step_options import Array
from optimizer.planning.task import ForecastStep

END_VALUE_SHARE = 0.65
"""Share of the mean buying price that a kWh discharged after the horizon is credited. Simulated
years (1-minute plant): 0.6 to 0.7 earn most; 0 gives the store away, 0.85 and more buys for a
future that never comes, a fixed end state of charge loses up to 190 EUR a year."""

END_VALUE_MARGIN = 0.001
"""The end value stays this much [EUR/kWh] above the pay for fed-in energy, or no roof energy
would be stored on the last evening."""


def auto_end_value(
    steps: Sequence[ForecastStep], battery: Battery, money_size: float = 1.0
) -> float:
    """Worth of a kWh in the cells at the horizon's end [EUR/kWh], the same for each.

    A share of what it would save at the mean buying price, wear deducted; but above what selling
    the same energy from the roof would have paid, as long as that is less than what it would save:
    where selling pays as well as buying costs, storing for another day is a loss. Nothing where
    the battery can never give it back.

    Parameters
    ----------
    money_size
        Units of the prices' currency that are about one EUR.
    """
    if battery.max_discharge_w <= 0:
        return 0.0
    # fsum, since the built-in sum rounds otherwise from Python 3.12 on.
    hours = fsum(step.hours for step in steps)
    mean_buy = fsum(step.buy * step.hours for step in steps) / hours
    mean_sell = fsum(step.sell * step.hours for step in steps) / hours
    saved = mean_buy * battery.usual_discharge_efficiency - battery.wear_eur_per_kwh
    sold = mean_sell / battery.usual_charge_efficiency + END_VALUE_MARGIN * money_size
    return max(min(max(END_VALUE_SHARE * saved, sold), saved), 0.0)


def beyond(
    steps: Sequence[ForecastStep],
    battery: Battery,
    grid: Grid,
    spread: LoadSpread,
    money_size: float = 1.0,
) -> tuple[float, ...]:
    """Worth of a kWh in the cells before some steps that follow a plan [EUR/kWh].

    Parameters
    ----------
    steps
        The day after the plan's end, as far as it can be foreseen.
    money_size
        Units of the prices' currency that are about one EUR.

    Returns
    -------
    For each of the value table's equal cells, falling; never below 0, or energy would be burnt.
    """
    at_its_end = auto_end_value(steps, battery, money_size)
    limits = limits_of_plans([grid.limits_of((step.start, step.end) for step in steps)])
    forecasts = Forecasts.of([steps], spread, [(at_its_end,)])
    forecasts = replace(forecasts, limits=limits, money_size=money_size)
    (cells,) = falling(water_value.before(battery, grid, forecasts)).tolist()
    return tuple(cells)


def falling(marginal_value: Array) -> Array:
    """Worths [EUR/kWh] (plans, cells) as an end value may be: falling, and none below 0.

    Averages over loads fall but for rounding; that is taken out. Rounded to a thousandth of a cent
    per kWh, so that a sum's last bit, which Python's versions round otherwise, moves no plan.
    """
    kept: Array = np.minimum.accumulate(np.maximum(marginal_value.round(5), 0.0), axis=1) + 0.0
    return kept
