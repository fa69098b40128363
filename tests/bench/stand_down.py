"""Stop rule on real homes: false stand-downs, and days until planted faults are found; by hand.

    python tests/bench/stand_down.py record FOLDER OUT [--home K16 --tariff neg0 --fault none]
    python tests/bench/stand_down.py judge OUT [--years 1000]

`record` carries this program's plans through a year of a measured home (`claims.py` says which
files FOLDER holds), counts its quarter-hours as the executor does, states of charge in whole
percents, and writes what control gained each day (`savings/daily_gains.py`) to OUT. Faults:

- price: the plan sees prices mirrored at their mean, as with a wrong sign; the accounts see the
  right ones;
- efficiency: plan and accounts know 0.95 a direction where the battery has 0.80;
- writer: another program charges 3 kW from 18:00 to 20:00 every day.

`judge` draws years of blocks of a month, four weeks each, from the days without a fault, case by
case, and counts those in which the rule (`savings/loss_test.py`) stands down once; again from the
same months less their means, a control that is worth nothing. Then it plants each fault after the
sound days before it, every four weeks, and counts the days until it is found.

Measured 2026-12-01 on K16, K17, E and A under `neg0`, `14a` and `fix`: sound control stood down in
4 of 12,000 drawn years, all of E under `14a` (0.40 % of its thousand, at most 0.91 % with 95 %),
one that is worth nothing in none (at most 0.30 % in each case). Days until found, median and nine
tenths: writer 25/49 (E 14a), 37/69 (E neg0), 67/118 (K16 14a), 79/171 (K16 neg0); price 23/42,
38/65, 59/166, and under K16 neg0 69 days at the soonest (5 of 10 not within 26 weeks: with sun it
costs nothing). With efficiencies of 0.80 control still gains in all cases but E neg0 (-0.10 EUR a
day: 79 days at the soonest, 5 of 9 not found).
"""

import argparse
import sys
from dataclasses import replace
from datetime import date, timedelta
from math import comb
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import claims

from optimizer.backtest import strategies
from optimizer.backtest.comparison import OURS, Variant, strategy
from optimizer.backtest.information_set import PlanTimes
from optimizer.backtest.strategies import FlowSpan
from optimizer.model.moments import QUARTER
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings import loss_test
from optimizer.savings.battery_path import AccountingRules
from optimizer.savings.daily_gains import DailyGain, daily_gains
from optimizer.savings.measured_day import KnownQuarters, QuarterPrice
from optimizer.simulation.plant import HeldPower

WRITER_W, WRITER_HOURS = -3_000.0, (18, 20)
REAL_EFFICIENCY = 0.80
FAULTS = ("none", "price", "efficiency", "writer")
MONTH = 28
MONDAY = date(2026, 1, 5)


class Metered:
    """A strategy whose quarter-hours are counted as the executor counts them."""

    def __init__(self, scenario, inner, *, writer):
        self.scenario, self.inner, self.writer = scenario, inner, writer
        self.quarters, self._soc_wh = {}, None

    def tick(self, plant, quarter, tick, load_w, pv_w):
        first = self._rounded(plant)
        if self.writer and WRITER_HOURS[0] <= self.scenario.local[quarter].hour < WRITER_HOURS[1]:
            hours = self.scenario.hours
            held = HeldPower((pv_w if plant.battery.hybrid else 0.0) + WRITER_W)
            parts = [FlowSpan(plant.run(load_w, pv_w, held, hours), hours)]
        else:
            parts = self.inner.tick(plant, quarter, tick, load_w, pv_w)
        sums = self.quarters.setdefault(quarter, dict.fromkeys(
            ("drawn", "fed", "charged", "discharged", "residual_load", "surplus", "pv"), 0.0
        ) | {"first": first})  # fmt: skip
        for flow, hours in parts:
            need_w = flow.grid_w + flow.battery_w
            for name, power_w in (
                ("drawn", flow.grid_w), ("fed", -flow.grid_w), ("charged", -flow.battery_w),
                ("discharged", flow.battery_w), ("residual_load", need_w), ("surplus", -need_w),
                ("pv", flow.pv_w),
            ):  # fmt: skip
                sums[name] += max(0.0, power_w) * hours
        sums["last"] = self._rounded(plant)
        return parts

    def _rounded(self, plant):
        capacity_wh = plant.battery.capacity_wh
        return round(100 * plant.soc_wh / capacity_wh) * capacity_wh / 100

    def known(self):
        quarters, prices = [], {}
        for place, sums in sorted(self.quarters.items()):
            start = self.scenario.at(place)
            energies = {
                f"{name}_wh": wh for name, wh in sums.items() if name not in ("first", "last")
            }
            quarters.append(QuarterEnergy(
                start, start + QUARTER, seconds=900.0, first_soc_wh=sums["first"],
                soc_wh=sums["last"], **energies,
            ))  # fmt: skip
            prices[start] = QuarterPrice(
                float(self.scenario.buy[place]), float(self.scenario.sell[place])
            )
        return KnownQuarters(quarters, prices, {})


def mirrored(prices):
    return 2 * prices.mean() - prices


def record(folder, out, home, tariff, fault):
    told = real = claims.real(folder, home, tariff, 15)
    if fault == "price":
        told = replace(real, buy=mirrored(real.buy), sell=mirrored(real.sell))
    if fault == "efficiency":
        battery = replace(
            real.battery, charge_efficiency=REAL_EFFICIENCY, discharge_efficiency=REAL_EFFICIENCY
        )
        real = replace(real, battery=battery)
    variant = Variant(times=PlanTimes(hourly=False))
    metered = Metered(real, strategy(told, OURS, variant), writer=fault == "writer")
    strategies.run_strategy(real, metered)
    rules = AccountingRules(told.battery, told.grid)
    gains = daily_gains(metered.known(), rules, real.zone)
    usable_wh = told.battery.max_wh - told.battery.min_wh
    bound = loss_test.bound_eur(usable_wh, float(claims.real(folder, home, tariff, 15).buy.mean()))
    np.savez(
        out / f"{home}-{tariff}-{fault}.npz", eur=[gain.eur for gain in gains], bound=bound,
        day=[gain.day.isoformat() for gain in gains],
    )  # fmt: skip
    eur = np.array([gain.eur for gain in gains])
    print(
        f"{home} {tariff} {fault}: {len(eur)} days, {eur.sum():.1f} EUR, mean {eur.mean():+.3f}, "
        f"sd {eur.std():.3f}, least {eur.min():+.2f}, most {eur.max():+.2f}", flush=True,
    )  # fmt: skip


def dated(eur, first=MONDAY):
    return [
        DailyGain(first + timedelta(days=place), float(one), 96) for place, one in enumerate(eur)
    ]


def case_of(path):
    """Gains, the bound of a day's gain, and the name of a record."""
    data = np.load(path)
    return data["eur"], float(data["bound"]), path.stem


def worth_nothing(eur, bound):
    """Days shifted until their mean within the bounds is 0."""
    for _ in range(20):
        eur = eur - np.clip(eur, -bound, bound).mean()
    return eur


def false_share(eur, bound, years, dice, *, useless=False):
    """Share of drawn years in which a control that gains these days would stand down.

    A useless one gains nothing in any month, by `worth_nothing`. The sum of all stakes of the year
    is looked at: the product forgets those older than 13 weeks.
    """
    starts = dice.integers(0, len(eur) - MONTH + 1, (years, 13))
    gone = 0
    for year in starts:
        months = [eur[at : at + MONTH] for at in year]
        days = np.concatenate([worth_nothing(one, bound) if useless else one for one in months])
        gone += max(loss_test.evidence(dated(days), bound)) >= loss_test.THRESHOLD
    return gone / years


def upper_bound(share, years):
    """Upper 95 % bound of a chance, by Clopper and Pearson."""
    low, high, seen = share, 1.0, round(share * years)
    for _ in range(50):
        middle = (low + high) / 2
        terms = [comb(years, k) * middle**k * (1 - middle) ** (years - k) for k in range(seen + 1)]
        low, high = (middle, high) if sum(terms) > 0.05 else (low, middle)
    return high


def days_until_found(sound, faulty, begin, bound):
    """Days from a fault's begin until control stands down; None if it does not within 26 weeks."""
    before = sound[max(0, begin - MONTH * 4) : begin]
    days = dated(np.concatenate([before, faulty[begin : begin + 182]]))
    for place in range(len(before), len(days)):
        if loss_test.judged(days[: place + 1], bound) is not None:
            return place + 1 - len(before)
    return None


def judge(out, years):
    dice = np.random.default_rng(11)
    records = {path.stem: case_of(path) for path in sorted(out.glob("*.npz"))}
    names = sorted({name.rsplit("-", 1)[0] for name in records if name.endswith("-none")})
    print("sound control: mean a day [EUR], of it kept by the bound, years stood down (95 % bound)")
    for name in names:
        eur, bound, _ = records[f"{name}-none"]
        kept = np.clip(eur, -bound, bound).mean() / eur.mean()
        shares = [false_share(eur, bound, years, dice, **way) for way in ({}, {"useless": True})]
        print(
            f"  {name:9} {eur.mean():+.2f} {kept:4.0%}  "
            + "  ".join(f"{one:.2%} (<= {upper_bound(one, years):.2%})" for one in shares),
            flush=True,
        )  # fmt: skip
    print(
        "planted faults: mean a day [EUR], days until found: median, nine tenths, not in 26 weeks"
    )
    for fault in FAULTS[1:]:
        for name in names:
            if f"{name}-{fault}" not in records:
                continue
            (sound, bound, _), (faulty, _, _) = records[f"{name}-none"], records[f"{name}-{fault}"]
            begins = range(0, min(len(sound), len(faulty)) - 91, MONTH)
            found = [days_until_found(sound, faulty, begin, bound) for begin in begins]
            days = np.array([np.inf if one is None else one for one in found])
            print(
                f"  {fault:10} {name:9} {faulty.mean():+.2f}  {np.median(days):5.0f} "
                f"{np.quantile(days, 0.9, method='higher'):5.0f}  {np.isinf(days).sum()} of "
                f"{len(days)}", flush=True,
            )  # fmt: skip


def main():
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=("record", "judge"))
    options.add_argument("folders", nargs="+", type=Path)
    options.add_argument("--home", default="K16")
    options.add_argument("--tariff", default="neg0")
    options.add_argument("--fault", default="none", choices=FAULTS)
    options.add_argument("--years", type=int, default=1_000)
    given = options.parse_args()
    if given.what == "record":
        record(*given.folders, given.home, given.tariff, given.fault)
    else:
        judge(given.folders[0], given.years)


if __name__ == "__main__":
    main()
