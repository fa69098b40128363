"""What the value table earns in a year: uncertain loads against certain ones; by hand.

    python tests/bench/value_of_spread.py FOLDER [--case K16|E] [--tariff fix|neg0|14a]

FOLDER holds measured homes and prices (CSV, gzip). A house is lived through in steps of five
minutes; its measured load is given the spikes of a real house (seeded, the mean of each measured
step is kept). Between the ticks the device balances the house by itself; each tick the rule of
`control/power_band.py`, by value, is applied. Each line: EUR a year beyond self-consumption.
"""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.forecast.load_ratios import learn_ratios
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.load_spread import GENERIC_RATIOS
from optimizer.planning import water_value
from optimizer.planning.arrays import Forecasts

TICKS = 3
"""Ticks a quarter-hour."""
POINTS = 125
"""States of charge at which all tables are compared."""
TICKS_HOURS = 0.25 / TICKS
ZONE = "Europe/Berlin"


@dataclass
class House:
    """A year of one house, quarter by quarter [W, EUR/kWh]."""

    local: pd.DatetimeIndex
    load: np.ndarray
    pv: np.ndarray
    load_forecast: np.ndarray
    pv_forecast: np.ndarray
    spot: np.ndarray
    battery: Battery
    ticks: np.ndarray = field(default_factory=lambda: np.empty(0))


def series(file: Path, column: str) -> pd.Series:
    frame = pd.read_csv(file)
    index = pd.to_datetime(frame["start"], utc=True)
    return pd.Series(frame[column].to_numpy(dtype=float), index)


def quarters(values: pd.Series, index: pd.DatetimeIndex) -> np.ndarray:
    return values.reindex(index, method="ffill").to_numpy()


def mean_of_14_days(load: np.ndarray) -> np.ndarray:
    """At the same time of day, up to the day before; quarters in UTC."""
    table = pd.DataFrame(load.reshape(-1, 96)).shift(1).rolling(14, min_periods=1).mean()
    return table.bfill().to_numpy().ravel()


def spikes(load: np.ndarray, held: int, rng: np.random.Generator) -> np.ndarray:
    """Ticks of five minutes; the mean of each `held` quarters is kept."""
    noise = rng.lognormal(0.0, 0.6, len(load) * TICKS) + 3.0 * (
        rng.random(len(load) * TICKS) < 0.06
    )
    parts = noise.reshape(-1, held * TICKS)
    parts = parts / parts.mean(axis=1, keepdims=True)
    return (np.repeat(load, TICKS).reshape(parts.shape) * parts).ravel()


def prices(folder: Path) -> pd.Series:
    hourly = series(folder / "prices_DE-LU_60min_2020-2025.csv.gz", "price_eur_per_mwh")
    finer = series(folder / "prices_DE-LU_15min_2025-2026.csv.gz", "price_eur_per_mwh")
    return pd.concat([hourly, finer]) / 1000


def house(folder: Path, case: str) -> House:
    rng = np.random.default_rng(7)
    if case == "K16":
        start, end = "2023-12-22", "2024-12-19"
        shift, held = pd.Timedelta(days=2912), 4
        load = series(folder / "load_konstanz-res4_60min_2015-2017.csv.gz", "load_w")
        pv = series(folder / "pv_konstanz-res4_60min_2015-2017.csv.gz", "pv_w")
        load.index, pv.index = load.index + shift, pv.index + shift
        battery = Battery(22_000, hybrid=True)
    else:
        start, end, held = "2024-03-06", "2025-02-26", 2
        load = series(folder / "load_emhass-home_30min_2024-2025.csv.gz", "load_w")
        pv = series(folder / "pv_emhass-home_30min_2024-2025.csv.gz", "pv_w")
        battery = Battery(11_000, hybrid=True, max_charge_w=5_000, max_discharge_w=5_000)
    index = pd.date_range(start, end, freq="15min", tz="UTC", inclusive="left")
    seen = quarters(load.ffill(), index)
    pv = quarters(pv.ffill(), index)
    if case == "K16":
        days = np.exp(rng.normal(-0.0162, 0.18, len(index) // 96)).repeat(96)
        hours = np.exp(rng.normal(-0.03125, 0.25, len(index) // 4)).repeat(4)
        expected = pv * days * hours
    else:
        reported = series(folder / "pv_emhass-home_30min_2024-2025.csv.gz", "pv_forecast_w")
        expected = quarters(reported.ffill(), index)
    spot = quarters(prices(folder), index)
    local = index.tz_convert(ZONE)
    made = House(local, seen, pv, mean_of_14_days(seen), expected, spot, battery)
    made.ticks = spikes(seen, held, rng)
    return made


def tariff(house: House, name: str) -> tuple[np.ndarray, np.ndarray]:
    buy, sell = 1.19 * house.spot + 0.19, np.full(len(house.spot), 0.08)
    if name == "neg0":
        sell[house.spot < 0] = 0.0
    if name == "14a":
        hour = house.local.hour.to_numpy()
        fee = np.where(hour < 6, 0.02, np.where((hour >= 17) & (hour < 21), 0.155, 0.10))
        buy = buy + 1.19 * (fee - 0.10)
    if name == "flat":
        buy = np.full(len(buy), 0.30)
    return buy, sell


def bound(house: House, buy: np.ndarray, sell: np.ndarray) -> float:
    """Least bill of the whole period, all known at the ticks' resolution, from empty [EUR]."""
    hours = np.full((1, len(buy) * TICKS), 0.25 / TICKS)
    fine = [np.repeat(column, TICKS)[None, :] for column in (buy, sell, house.pv)]
    ratios = np.ones((*hours.shape, 1))
    forecasts = Forecasts(
        hours, fine[0], fine[1], house.ticks[None, :], fine[2], ratios, np.array([0.2])
    )
    cells = 200
    marginal_value = water_value.tables(house.battery, Grid(), forecasts, cells)[0]
    points = (np.arange(POINTS * 2) + 0.5) / (POINTS * 2)
    at = (points * cells).astype(int)
    ticks = House(house.local, house.ticks, fine[2][0], *[house.ticks] * 2, fine[0][0],
                  house.battery, house.ticks)  # fmt: skip
    bill, soc, _ = live(ticks, fine[0][0], fine[1][0], [marginal_value[:, at]], np.zeros((1, 2)), 1)
    return float(bill[0] - 0.2 * soc[0] / 1000)


@dataclass
class Variant:
    name: str
    hourly: bool = False
    ratios: tuple | None = GENERIC_RATIOS
    cells: int = 25
    delta: float = 0.002
    charge_delta: float | None = None
    smooth: bool = True
    perfect: bool = False
    end_share: float = 0.65


def plan_starts(house: House, hourly: bool) -> tuple[np.ndarray, np.ndarray]:
    """First quarter of each plan, and the first one beyond the published prices."""
    hour, minute = house.local.hour.to_numpy(), house.local.minute.to_numpy()
    wanted = (minute == 0) & ((hour == 14) | hourly)
    starts = np.flatnonzero(wanted)
    midnights = np.append(np.flatnonzero((minute == 0) & (hour == 0)), len(hour))
    following = np.searchsorted(midnights, starts, side="right")
    following += hour[starts] >= 13
    return starts, midnights[np.minimum(following, len(midnights) - 1)]


def table_of(house: House, buy, sell, variant: Variant) -> np.ndarray:
    """For each quarter the table in force, at POINTS states of charge; NaN before the first."""
    starts, ends = plan_starts(house, variant.hourly)
    ends = np.minimum(ends, starts + 192)
    good = ends > starts
    starts, ends = starts[good], ends[good]
    steps = int((ends - starts).max())
    index = starts[:, None] + np.arange(steps)
    there = index < ends[:, None]
    index = np.minimum(index, len(buy) - 1)
    rows = ((1.0,),) * 24 if variant.ratios is None else variant.ratios
    ratios = np.array(rows)[house.local.hour.to_numpy()[index]]
    hours = np.where(there, 0.25, 0.0)
    eta = house.battery.discharge_efficiency
    mean_buy = (buy[index] * hours).sum(1) / hours.sum(1)
    mean_sell = (sell[index] * hours).sum(1) / hours.sum(1)
    end = np.maximum(
        variant.end_share * mean_buy * eta, mean_sell / house.battery.charge_efficiency + 0.001
    )
    load, pv = house.load_forecast, house.pv_forecast
    if variant.perfect:
        load, pv = house.load, house.pv
    forecasts = Forecasts(
        hours, buy[index], sell[index], load[index], pv[index], ratios, np.maximum(end, 0.0)
    )
    keep = 4 if variant.hourly else 96
    found = water_value.tables(house.battery, Grid(), forecasts, variant.cells, keep=keep)
    return in_force(found, starts, keep, len(buy), variant)


def in_force(found, starts, keep: int, count: int, variant: Variant) -> np.ndarray:
    """Each plan's table until the next plan."""
    result = np.full((count, POINTS), np.nan)
    middles = (np.arange(variant.cells) + 0.5) / variant.cells
    points = (np.arange(POINTS) + 0.5) / POINTS
    for plan, first in enumerate(starts):
        last = min(first + keep, count, *starts[plan + 1 : plan + 2])
        for at in range(first, last):
            row = found[plan, at - first]
            if variant.smooth:
                result[at] = np.interp(points, middles, row)
            else:
                result[at] = row[(points * variant.cells).astype(int)]
    return result


def live(
    house: House, buy: np.ndarray, sell: np.ndarray, tables: list[np.ndarray], ties: np.ndarray,
    ticks: int = TICKS,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """All variants at once, tick by tick; the last is self-consumption: bill, end energy, kWh."""
    battery, hours, stack = house.battery, TICKS_HOURS, np.stack(tables)
    count, points = len(tables) + 1, stack.shape[2]
    soc, bill, charged = np.full(count, battery.min_wh), np.zeros(count), np.zeros(count)
    ties, lanes, marginal_value = (
        np.vstack([ties, [0, 0]]),
        np.arange(count - 1),
        np.full(count, np.nan),
    )
    for at in range(len(buy)):
        for tick in range(ticks):
            share = (soc[:-1] - battery.min_wh) / (battery.max_wh - battery.min_wh)
            cell = np.clip((share * points).astype(int), 0, points - 1)
            marginal_value[:-1] = stack[lanes, at, cell]
            need = house.ticks[at * ticks + tick] - house.pv[at]
            power = power_of(
                battery, need, house.pv[at], soc, marginal_value, buy[at], sell[at], ties
            )
            grid = need - power + np.maximum(0.0, power + house.pv[at] - battery.max_ac_w)
            bill += np.where(grid > 0, buy[at], sell[at]) * grid * hours / 1000
            change = power / battery.discharge_efficiency
            soc -= np.where(power > 0, change, power * battery.charge_efficiency) * hours
            charged += np.where((power < 0) & (grid > 0), -power, 0.0) * hours / 1000
    return bill, soc, charged


def power_of(battery, need, pv, soc, marginal_value, buy, sell, ties):
    """The rule of `control.band.by_value` within what battery, inverter and law allow [W]."""
    stored, saved = battery.charge_efficiency, battery.discharge_efficiency
    low = np.maximum(-battery.max_charge_w, -(battery.max_wh - soc) / stored / TICKS_HOURS)
    high = np.minimum(battery.max_discharge_w, (soc - battery.min_wh) * saved / TICKS_HOURS)
    wanted = np.full(len(soc), need)
    hold, defer = (
        buy * saved < marginal_value - ties[:, 0],
        sell / stored > marginal_value + ties[:, 0],
    )
    wanted[hold] = np.minimum(wanted[hold], 0.0)
    wanted[defer] = np.maximum(wanted[defer], 0.0)
    wanted[buy / stored < marginal_value - ties[:, 1]] = -np.inf
    low = np.maximum(low, -battery.max_ac_w - pv)
    high = np.minimum(high, min(max(0.0, need), max(0.0, battery.max_ac_w - pv)))
    return np.minimum(np.maximum(wanted, low), high)


def wider(factor: float) -> tuple:
    return tuple(tuple(max(0.0, 1 + (r - 1) * factor) for r in row) for row in GENERIC_RATIOS)


def more(made: House) -> list[Variant]:
    """Cells, loads, ties and end values that were tried."""
    own = learn_ratios(made.load, made.load_forecast, made.local.hour, 0.25, ZONE).ratios
    perfect = Variant("all known, hourly", ratios=None, hourly=True, cells=100, perfect=True)
    result = [
        perfect,
        Variant("uncertain, hourly, own spread", ratios=own, hourly=True),
        Variant("uncertain, hourly, half the spread", ratios=wider(0.5), hourly=True),
        Variant("uncertain, hourly, 1.3 the spread", ratios=wider(1.3), hourly=True),
        Variant("uncertain, hourly, steps not lines", smooth=False, hourly=True),
    ]
    changes = [{"cells": cells} for cells in (13, 50, 100)]
    changes += [{"delta": tie} for tie in (0.0, 0.001, 0.003, 0.005)]
    changes += [{"charge_delta": tie} for tie in (0.0, 0.001, 0.005, 0.01)]
    changes += [{"end_share": share} for share in (0.5, 0.6, 0.7, 0.8)]
    return result + [Variant(f"uncertain, hourly, {c}", hourly=True, **c) for c in changes]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--case", default="K16")
    parser.add_argument("--tariff", default="fix")
    parser.add_argument("--all", action="store_true", help="cells, loads and ties too")
    chosen = parser.parse_args()
    made = house(chosen.folder, chosen.case)
    buy, sell = tariff(made, chosen.tariff)
    variants = [
        Variant("certain, 14:00", ratios=None),
        Variant("certain, 14:00, 100 cells", ratios=None, cells=100),
        Variant("uncertain, 14:00"),
        Variant("certain, hourly", hourly=True, ratios=None),
        Variant("uncertain, hourly", hourly=True),
    ]
    if chosen.all:
        variants += more(made)
    begun = time.perf_counter()
    tables = [table_of(made, buy, sell, v).astype(np.float32) for v in variants]
    sys.stdout.write(f"tables {time.perf_counter() - begun:.1f} s\n")
    ties = [(v.delta, v.delta if v.charge_delta is None else v.charge_delta) for v in variants]
    bill, soc, charged = live(made, buy, sell, tables, np.array(ties))
    years = len(buy) / 96 / 365
    credit = (soc - soc[-1]) / 1000 * 0.2
    extra = (bill[-1] - bill + credit) / years
    sys.stdout.write(
        f"{chosen.case} {chosen.tariff}: self-consumption {bill[-1] / years:.2f} EUR/a\n"
    )
    most = (bill[-1] - 0.2 * soc[-1] / 1000 - bound(made, buy, sell)) / years
    sys.stdout.write(f"{'bound: all known at once':<36} {most:8.2f} EUR/a\n")
    for variant, gain, kwh in zip(variants, extra, charged, strict=False):
        sys.stdout.write(f"{variant.name:<36} {gain:8.2f} EUR/a, from the grid {kwh:6.0f} kWh\n")


if __name__ == "__main__":
    main()
