"""The planner on days that Europe's markets really produced: what it does at their extremes.

Run by hand with a folder of real series (gzipped CSV: `start`, then `price_eur_per_mwh`, `load_w`
or `pv_w`; see `FILES`), which are not part of the project:

    .venv/bin/python tests/bench/days.py FOLDER

Prices are those of the day; load and roof are a real house's and a real roof's of the same calendar
day of another year. Each day is planned from its midnight to the end of the next day.
"""

import argparse
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

from optimizer.forecast import forecast_frame
from optimizer.model import frames
from optimizer.model.grid import Grid, Rule
from optimizer.model.plan import Plan
from optimizer.model.tariff import Export, ExportKind
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.simulation import sample_data
from optimizer.text import plan_table

FILES = {
    "price": ("prices_DE-LU_60min_2020-2025.csv.gz", "prices_DE-LU_15min_2025-2026.csv.gz"),
    "load": ("load_konstanz-res4_60min_2015-2017.csv.gz",),
    "roof": ("pv_modelled-duesseldorf-south-10kwp_15min_2024.csv.gz",),
}
DAYS = (date(2026, 5, 1), date(2026, 4, 26), date(2026, 6, 24), date(2024, 12, 12))
LOAD_YEAR, PV_YEAR = 2016, 2024

FIXED = sample_data.TARIFF
SPOT = replace(FIXED, export=Export(ExportKind.SPOT, -0.004, zero_when_spot_negative=False))


def series(folder: Path, kind: str, column: str) -> pd.DataFrame:
    """A real series with UTC starts and ends, empty cells left out."""
    parts = [pd.read_csv(folder / name) for name in FILES[kind]]
    frame = pd.concat(parts, ignore_index=True).dropna()
    starts = pd.DatetimeIndex(pd.to_datetime(frame.pop("start"), utc=True), name="start")
    frame.index, frame.columns = starts, pd.Index([column])
    steps = frame.index.to_series().diff().shift(-1)
    frame.insert(0, "end", frame.index + steps.fillna(steps.iloc[-2]))
    return frame


def at_year(frame: pd.DataFrame, year: int, start: datetime, hours: float) -> pd.DataFrame:
    """The same calendar days of another year, moved to `start`."""
    other = start.replace(year=year)
    chosen = frame[(frame.index >= other) & (frame.index < other + timedelta(hours=hours))]
    moved = chosen.copy()
    moved["end"] = chosen["end"] + (start - other)
    moved.index = chosen.index + (start - other)
    return moved


def plan_of(folder: Path, day: date, variant: str) -> Plan:
    """The plan of a day and the next."""
    start = sample_data.midnight(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    end = sample_data.midnight(start, 2)
    hours = (end - start) / timedelta(hours=1)
    prices = series(folder, "price", "spot_eur_per_kwh")
    prices = prices[(prices.index >= start) & (prices.index < end)].copy()
    prices["spot_eur_per_kwh"] /= 1000
    tariff, rule = (SPOT, Rule.MIXED) if variant == "spot" else (FIXED, Rule.GRID_CHARGE)
    priced = forecast_frame.all_in(prices, tariff)
    load = at_year(series(folder, "load", "load_w"), LOAD_YEAR, start, hours)
    pv = at_year(series(folder, "roof", "pv_w"), PV_YEAR, start, hours)
    joined = forecast_frame.forecast(priced, load, pv, start, end - start, timedelta(minutes=15))
    frames.check(joined, frames.FORECAST, "forecast")
    battery = replace(sample_data.BATTERY, hybrid=variant == "hybrid")
    request = PlanRequest(start, "real day", battery, Grid(20_000, 9_000, rule), soc_percent=40)
    return make_plan(forecast_steps(joined), request, time.perf_counter)


def main() -> None:
    """Plan the days and print them."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    folder = arguments.parse_args().folder
    for day in DAYS:
        for variant in ("AC", "hybrid", "spot"):
            plan = plan_of(folder, day, variant)
            print(f"\n{day} {variant}: {plan.status}, {plan.solver}")
            print(
                "\n".join(
                    plan_table.phase_lines(plan, sample_data.BATTERY.capacity_wh, sample_data.ZONE)
                )
            )
            print(
                f"cost {plan.cost_eur:.2f} EUR, "
                f"left to itself {plan.self_consumption_cost_eur:.2f} EUR, "
                f"saving {plan.saving_eur:.2f} EUR"
            )
            for note in plan.notes:
                print(f"note: {note}")


if __name__ == "__main__":
    main()
