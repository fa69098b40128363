"""From what was lived to euros: what a strategy earned beyond own use, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.analysis.backtest.case import QUARTERS, Array, Case
from optimizer.analysis.backtest.living import Lived

LEAST_ATTAINABLE_EUR = 10.0
"""A share of less than this a year says nothing."""
WEEKS_FOR_A_YEAR = 365 / 7
RESAMPLES = 2_000
LEVEL = 0.95
SEED = 5
SAME_EUR = 0.005
"""A day that costs so little more than own use is none that was worse."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference over a year with the range in which 95 % of resampled years lie [EUR]."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Account:
    """A strategy's money by quarter-hour."""

    name: str
    cost_eur: Array
    """Bill and wear, less the change of stored energy at one fixed price."""
    discharged_wh: float

    @property
    def total_eur(self) -> float:
        """Of the whole period."""
        return float(self.cost_eur.sum())


def fixed_value(case: Case) -> float:
    """The one price at which all stored energy is counted [EUR/kWh].

    Half-way between what it saves at the mean price and what the roof's surplus would have earned.
    """
    part = slice(case.begin, None)
    battery = case.battery
    saved = float(case.buy[part].mean()) * battery.discharge_efficiency
    sold = float(case.sell[part].mean()) / battery.charge_efficiency
    return max(0.0, (saved + sold) / 2)


def account(case: Case, name: str, lived: Lived) -> Account:
    """The money of a lived case."""
    buy, sell, battery = case.buy[case.begin :], case.sell[case.begin :], case.battery
    bill = (lived.bought_wh * buy - lived.sold_wh * sell) / 1000
    standby_wh = 0.25 * battery.standby_w * (lived.discharged_wh > 0)
    taken = (lived.discharged_wh + standby_wh) / battery.discharge_efficiency / 1000
    change = np.diff(lived.soc_wh, prepend=lived.start_wh) / 1000
    cost = bill + taken * battery.wear_eur_per_kwh - change * fixed_value(case)
    return Account(name, cost, float(lived.discharged_wh.sum()))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A strategy beside own use, for a year unless it says otherwise."""

    name: str
    cost_eur: float
    """Bill and wear less stored energy, of the period itself."""
    extra_eur: float
    """Earned beyond own use in the period itself."""
    yearly: Interval
    """The same for a year."""
    share: float | None
    """Of the attainable extra; None where that is less than 10 EUR a year."""
    cycles: float
    """Full discharges a year."""
    worse_days: int
    """Days that cost more than own use, stored energy counted."""
    months: Mapping[str, float]
    """Extra by month [EUR], of the period itself."""


def outcome(case: Case, own: Account, other: Account, attainable_eur: float) -> Outcome:
    """Compare a strategy with own use.

    Parameters
    ----------
    attainable_eur
        Cost with everything known, of the whole period.
    """
    saved = own.cost_eur - other.cost_eur
    years = case.days / 365
    extra, most = float(saved.sum()), own.total_eur - attainable_eur
    local = case.local[case.begin :]
    day = np.searchsorted(case.midnights, np.arange(case.begin, len(case.buy)), side="right")
    daily = np.bincount(day - day[0], weights=saved)
    month = local.year * 12 + local.month - 1
    first = int(month[0])
    by_month = np.bincount((month - first).to_numpy(), weights=saved).tolist()
    battery = case.battery
    size = (battery.max_wh - battery.min_wh) * battery.discharge_efficiency
    return Outcome(
        name=other.name,
        cost_eur=other.total_eur,
        extra_eur=extra,
        yearly=yearly(saved),
        share=extra / most if most / years >= LEAST_ATTAINABLE_EUR else None,
        cycles=other.discharged_wh / size / years,
        worse_days=int((daily < -SAME_EUR).sum()),
        months={
            f"{(first + n) // 12}-{(first + n) % 12 + 1:02d}": money
            for n, money in enumerate(by_month)
        },
    )


def yearly(saved: Array | Sequence[float]) -> Interval:
    """A paired difference [EUR by quarter-hour] for a year, with its weekly block bootstrap.

    Whole weeks are drawn with replacement. Less than two weeks give no range.
    """
    values = np.asarray(saved, dtype=float)
    mean = float(values.sum()) / (len(values) / QUARTERS) * 365
    weeks = len(values) // (7 * QUARTERS)
    if weeks < 2:
        return Interval(mean, float("nan"), float("nan"))
    sums = values[: weeks * 7 * QUARTERS].reshape(weeks, -1).sum(axis=1)
    drawn = np.random.default_rng(SEED).integers(0, weeks, (RESAMPLES, weeks))
    years = sums[drawn].mean(axis=1) * WEEKS_FOR_A_YEAR
    low, high = np.quantile(years, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high))
