"""Comparison of strategies on one scenario, in EUR a year with confidence intervals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.backtest import references
from optimizer.backtest.information_set import HOURLY, Kind, PlanTimes, information_set_of
from optimizer.backtest.scenario_data import QUARTERS, Array, Scenario
from optimizer.backtest.stored_plans import Plans, ProgramPlans, TablePlans
from optimizer.backtest.strategies import (
    INTERVAL_S,
    ControlledStrategy,
    SelfConsumptionStrategy,
    Strategy,
    StrategyRun,
    run_strategy,
)
from optimizer.control.law import ControlSettings
from optimizer.model.currency import CURRENCIES, Currency

if TYPE_CHECKING:
    import pandas as pd

LEAST_ATTAINABLE_EUR = 10.0
"""A share of less than this a year says nothing."""
WEEKS_FOR_A_YEAR = 365 / 7
RESAMPLES = 2_000
LEVEL = 0.95
SEED = 5
SAME_EUR = 0.005
"""A day that costs so little more than self-consumption is none that was worse."""


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """A difference over a year with the range in which 95 % of resampled years lie [EUR]."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class StrategyAccount:
    """A strategy's money by quarter-hour."""

    name: str
    cost_eur: Array
    """Bill and wear, less the change of stored energy at one fixed price; of what counts."""
    discharged_wh: float

    @property
    def total_eur(self) -> float:
        """Of the whole period."""
        return float(self.cost_eur.sum())


def fixed_value(scenario: Scenario) -> float:
    """The one price at which all stored energy is counted [EUR/kWh].

    Half-way between what it saves at the mean price, wear deducted, and what the roof's surplus
    would have earned.
    """
    part, battery = slice(scenario.begin, None), scenario.battery
    buy, sell = (prices[part][scenario.counted] for prices in (scenario.buy, scenario.sell))
    saved = float(buy.mean()) * battery.usual_discharge_efficiency - battery.wear_eur_per_kwh
    sold = float(sell.mean()) / battery.usual_charge_efficiency
    return max(0.0, (saved + sold) / 2)


def strategy_account(scenario: Scenario, name: str, strategy_run: StrategyRun) -> StrategyAccount:
    """The money of a lived case."""
    buy, sell, battery = (
        scenario.buy[scenario.begin :],
        scenario.sell[scenario.begin :],
        scenario.battery,
    )
    bill = (strategy_run.bought_wh * buy - strategy_run.sold_wh * sell) / 1000
    standby_wh = 0.25 * battery.standby_w * (strategy_run.discharged_wh > 0)
    taken = battery.out_of_cells_wh(strategy_run.discharged_wh + standby_wh, 0.25) / 1000
    change = np.diff(strategy_run.soc_wh, prepend=strategy_run.start_wh) / 1000
    cost = bill + taken * battery.wear_eur_per_kwh - change * fixed_value(scenario)
    counted = scenario.counted
    discharged_wh = float(strategy_run.discharged_wh[counted].sum())
    return StrategyAccount(name, cost[counted], discharged_wh)


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """A strategy beside self-consumption, for a year unless it says otherwise."""

    name: str
    cost_eur: float
    """Bill and wear less stored energy, of the period itself."""
    extra_eur: float
    """Earned beyond self-consumption in the period itself."""
    yearly: ConfidenceInterval
    """The same for a year."""
    share: float | None
    """Of the attainable extra; None where that is less than 10 EUR a year."""
    cycles: float
    """Full discharges a year."""
    worse_days: int
    """Days that cost more than self-consumption, stored energy counted."""
    months: Mapping[str, float]
    """Extra by month [EUR], of the period itself."""


def outcome(
    scenario: Scenario, own: StrategyAccount, other: StrategyAccount, attainable_eur: float
) -> StrategyResult:
    """Compare a strategy with self-consumption.

    Parameters
    ----------
    attainable_eur
        Cost with everything known, of the whole period.
    """
    saved = own.cost_eur - other.cost_eur
    years = scenario.days / 365
    extra, most = float(saved.sum()), own.total_eur - attainable_eur
    local = scenario.local[scenario.begin :][scenario.counted]
    places = np.arange(scenario.begin, len(scenario.buy))[scenario.counted]
    day = np.searchsorted(scenario.midnights, places, side="right")
    daily = np.bincount(day - day[0], weights=saved)
    month = local.year * 12 + local.month - 1
    first = int(month[0])
    by_month = np.bincount((month - first).to_numpy(), weights=saved).tolist()
    battery = scenario.battery
    usable_wh = (battery.max_wh - battery.min_wh) * battery.usual_discharge_efficiency
    size = CURRENCIES[scenario.currency].size
    return StrategyResult(
        name=other.name,
        cost_eur=other.total_eur,
        extra_eur=extra,
        yearly=yearly(saved),
        share=extra / most if most / years >= LEAST_ATTAINABLE_EUR * size else None,
        cycles=other.discharged_wh / usable_wh / years,
        worse_days=int((daily < -SAME_EUR * size).sum()),
        months={
            f"{(first + n) // 12}-{(first + n) % 12 + 1:02d}": money
            for n, money in enumerate(by_month)
        },
    )


def yearly(saved: Array | Sequence[float]) -> ConfidenceInterval:
    """A paired difference [EUR by quarter-hour] for a year, with its weekly block bootstrap.

    Whole weeks are drawn with replacement. Less than two weeks give no range.
    """
    values = np.asarray(saved, dtype=float)
    mean = float(values.sum()) / (len(values) / QUARTERS) * 365
    weeks = len(values) // (7 * QUARTERS)
    if weeks < 2:
        return ConfidenceInterval(mean, float("nan"), float("nan"))
    sums = values[: weeks * 7 * QUARTERS].reshape(weeks, -1).sum(axis=1)
    drawn = np.random.default_rng(SEED).integers(0, weeks, (RESAMPLES, weeks))
    years = sums[drawn].mean(axis=1) * WEEKS_FOR_A_YEAR
    low, high = np.quantile(years, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return ConfidenceInterval(mean, float(low), float(high))


Follow = Literal["value", "intent", "power"]
Write = Literal["equals", "bounds"]

OURS = "this program"
PERFECT = "perfect forecasts"
BLIND = "planned power, blindly"
OPENEMS, EMHASS, EVCC = "OpenEMS-like", "EMHASS-like", "evcc-like"
RIVALS = (OPENEMS, EMHASS, EVCC, BLIND)


@dataclass(frozen=True, slots=True)
class Variant:
    """Variant of a comparison: times of plans, forecasts, control, strategies."""

    kind: Kind = "learned"
    times: PlanTimes = HOURLY
    follow: Follow = "value"
    write: Write = "equals"
    interval_s: float = INTERVAL_S
    names: tuple[str, ...] = (OURS, PERFECT, *RIVALS)
    """Strategies beside self-consumption."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A case's results."""

    scenario: str
    days: float
    stored_eur_per_kwh: float
    """The one price at which stored energy is counted."""
    self_consumption_eur: float
    """Cost of the period with the battery left to itself, stored energy counted."""
    no_battery_eur: float
    attainable_eur: float
    """Least cost, with everything known."""
    outcomes: tuple[StrategyResult, ...]
    ahead: tuple[tuple[str, ConfidenceInterval], ...]
    """By how much this program is ahead of each other strategy, for a year."""
    left_out_days: float = 0.0
    """Length of the days that nobody's figures count, since too little of them is known [days]."""
    currency: str = "EUR"
    """Currency of all amounts."""

    @property
    def money(self) -> Currency:
        """The currency, for texts."""
        return CURRENCIES[self.currency]

    @property
    def attainable_extra_eur(self) -> float:
        """Attainable money beyond self-consumption, for a year [EUR]."""
        return (self.self_consumption_eur - self.attainable_eur) / self.days * 365

    def frame(self) -> "pd.DataFrame":
        """The strategies as a table: index `strategy`, gains over self-consumption.

        Columns `cost_eur` and `extra_eur` of the span; `yearly_eur` with its 95 % range
        `yearly_low_eur`, `yearly_high_eur` (NaN below two weeks), `share` of the attainable gain,
        `cycles` a year, `worse_days`.
        """
        import pandas as pd

        rows = [
            {
                "strategy": item.name,
                "cost_eur": item.cost_eur,
                "extra_eur": item.extra_eur,
                "yearly_eur": item.yearly.mean,
                "yearly_low_eur": item.yearly.low,
                "yearly_high_eur": item.yearly.high,
                "share": item.share,
                "cycles": item.cycles,
                "worse_days": item.worse_days,
            }
            for item in self.outcomes
        ]
        return pd.DataFrame(rows).set_index("strategy").astype({"share": float})

    def of(self, name: str) -> StrategyResult:
        """The outcome of a strategy."""
        return next(item for item in self.outcomes if item.name == name)


Each = Callable[[Callable[[str], StrategyAccount], tuple[str, ...]], Iterable[StrategyAccount]]
"""Calls a function for each name, in order; `map`, or the same on several processes."""


def run(scenario: Scenario, variant: Variant, each: Each = map) -> Comparison:
    """Try a case.

    Parameters
    ----------
    each
        How the strategies are lived; by default one after the other.
    """
    start_wh = scenario.battery.min_wh
    own = strategy_account(
        scenario,
        "self-consumption",
        run_strategy(scenario, SelfConsumptionStrategy(scenario), start_wh),
    )
    value = fixed_value(scenario)
    attainable = references.attainable_eur(scenario, start_wh, value)
    made = {item.name: item for item in each(partial(simulated, scenario, variant), variant.names)}
    ours = made.get(OURS)
    ahead = () if ours is None else tuple(
        (name, yearly(other.cost_eur - ours.cost_eur))
        for name, other in made.items() if name in RIVALS
    )  # fmt: skip
    outcomes = tuple(outcome(scenario, own, other, attainable) for other in made.values())
    bare = references.no_battery_eur(scenario)
    return Comparison(
        scenario.name, scenario.days, value, own.total_eur, bare, attainable, outcomes, ahead,
        (len(scenario.counted) - int(scenario.counted.sum())) / QUARTERS, scenario.currency,
    )  # fmt: skip


def simulated(scenario: Scenario, variant: Variant, name: str) -> StrategyAccount:
    """The money of a strategy."""
    return strategy_account(
        scenario,
        name,
        run_strategy(scenario, strategy(scenario, name, variant), scenario.battery.min_wh),
    )


def strategy(scenario: Scenario, name: str, variant: Variant) -> Strategy:
    """A strategy by its name."""
    information = information_set_of(scenario, "perfect" if name == PERFECT else variant.kind)
    follow: Follow = "power" if name == BLIND else variant.follow
    settings = ControlSettings(scenario.battery, scenario.grid, follow, variant.write)
    if name == OPENEMS:
        return references.OpenEmsLike(information)
    plans: Plans
    if name == EMHASS:
        plans = references.EmhassLike(information)
    elif name == EVCC:
        plans = references.evcc_like(information)
    elif name == BLIND:
        plans = ProgramPlans(information, PlanTimes(hourly=False))
    elif follow == "value":
        plans = TablePlans(information, variant.times)
    else:
        plans = ProgramPlans(information, variant.times)
    rivals = name in (EMHASS, EVCC)
    settings = (
        ControlSettings(scenario.battery, scenario.grid, "value", variant.write)
        if rivals
        else settings
    )
    return ControlledStrategy(scenario, plans, settings, variant.interval_s)
