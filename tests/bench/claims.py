"""The claim table: what this program earns beside others, on the sample weeks or on real homes.

    python tests/bench/claims.py [FOLDER] [--homes K16,E] [--tariffs fix,neg0,14a] [--jobs 2]

Without a folder: the project's own data, four weeks. FOLDER holds measured homes and prices (CSV,
gzip; they are not part of this project). Beside each other program's figure stands by how much this
one is ahead, in 95 of 100 draws of whole weeks. `--spread 1` plans with the load's spread as it is,
`--flat-end` with one worth for all that is left at a plan's end (both with one job).
"""

import argparse
import itertools
from dataclasses import replace
from datetime import UTC
from math import isnan
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.backtest import information_set, study_table
from optimizer.backtest.comparison import OURS, PERFECT, RIVALS, Comparison, Variant
from optimizer.backtest.scenario_data import Scenario, filled, spiky, strayed
from optimizer.backtest.study_table import StudyItem, study
from optimizer.model import load_spread
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.simulation import sample_data

ZONE = ZoneInfo("Europe/Berlin")
LARGE = Battery(22_000, hybrid=True)
SMALL = Battery(11_000, hybrid=True, max_charge_w=5_000, max_discharge_w=5_000)


def _read(folder: Path, name: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"{name}.csv.gz")
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop("start"), utc=True), name="start")
    return frame.astype(float)


def _spot(folder: Path, index: pd.DatetimeIndex) -> np.ndarray:
    hours = _read(folder, "prices_DE-LU_60min_2020-2025").iloc[:, 0]
    quarters = _read(folder, "prices_DE-LU_15min_2025-2026").iloc[:, 0]
    fine = hours.resample("15min").ffill()
    both = pd.concat([fine[fine.index < quarters.index[0]], quarters])
    return both.reindex(index, method="ffill").to_numpy() / 1000


def _shifted(frame: pd.DataFrame, days: int) -> pd.DataFrame:
    local = frame.index.tz_convert(ZONE).tz_localize(None) + pd.Timedelta(days=days)
    moved = frame.set_axis(local.tz_localize(ZONE, ambiguous="NaT", nonexistent="NaT"))
    moved = moved[moved.index.notna() & ~moved.index.duplicated()]
    return moved.set_axis(moved.index.tz_convert("UTC"))


HOMES = {
    "K16": ("2023-12-08", "2023-12-22", "2024-12-21", 60, LARGE),
    "K17": ("2024-11-01", "2024-11-15", "2025-11-13", 60, LARGE),
    "E": ("2024-03-06", "2024-03-20", "2025-02-26", 30, SMALL),
    "A": ("2026-01-01", "2026-01-15", "2026-04-30", 15, replace(SMALL, hybrid=False)),
    "F": ("2022-10-31", "2022-11-05", "2022-11-17", 15, LARGE),
}
"""History from, counted from, to, minutes as metered, battery."""


def _series(folder: Path, home: str) -> pd.DataFrame:
    if home.startswith("K"):
        load = _read(folder, "load_konstanz-res4_60min_2015-2017")
        frame = load.join(_read(folder, "pv_konstanz-res4_60min_2015-2017"))
        return _shifted(frame, 2912 if home == "K16" else 2919)
    if home == "E":
        load = _read(folder, "load_emhass-home_30min_2024-2025")
        return load.join(_read(folder, "pv_emhass-home_30min_2024-2025"))
    if home == "A":
        return _read(folder, "load_salzburg-home_15min_2026").assign(pv_w=0.0)
    return _read(folder, "fems_home22kwh_15min_2022-11")


def real(folder: Path, home: str, tariff: str, tick: int) -> Scenario:
    first, counted, last, step, battery = HOMES[home]
    zone_index = pd.date_range(first, last, freq="15min", tz=ZONE, inclusive="left")
    index = zone_index.tz_convert("UTC")
    data = _series(folder, home).reindex(index)
    if step > 15:
        data = data.ffill(limit=step // 15 - 1)
    metered = data["load_w"].notna().to_numpy() & (data["load_w"] > 1).to_numpy()
    load = filled(data["load_w"].where(metered).to_numpy(), 96)
    pv = filled(data["pv_w"].to_numpy(), 96)
    group = step // 15
    means = load[: len(load) // group * group].reshape(-1, group).mean(axis=1)
    ticks = spiky(means, step, tick, seed=7)
    reported = strayed(pv, zone_index, seed=7)
    if "pv_forecast_w" in data:
        reported = data["pv_forecast_w"].fillna(0.0).to_numpy()
    spot, fees = _spot(folder, index), study_table.tariff(tariff)
    stamps = index.to_pydatetime()
    buy = [fees.buy(price, at) for price, at in zip(spot.tolist(), stamps, strict=True)]
    sell = [fees.sell(price, at) for price, at in zip(spot.tolist(), stamps, strict=True)]
    if tariff == "flat":
        buy = [0.30] * len(buy)
    begin = int(np.searchsorted(index, pd.Timestamp(counted, tz=ZONE)))
    per = 15 // tick
    return Scenario(
        f"{home} {tariff}", stamps[0].astimezone(UTC), ticks, np.repeat(pv, per),
        np.array(buy), np.array(sell), battery, Grid(), ZONE, None, reported, metered, begin,
    )  # fmt: skip


def sample_cases(tariffs: list[str], tick: int) -> list[Scenario]:
    """The four sample weeks, with the forecasts that lie beside them."""
    weeks = [sample_data.folder() / name for name in ("winter", "spring", "summer", "autumn")]
    return list(
        study_table.scenarios(weeks, [study_table.battery("22")], tariffs, tick, 1, learned=False)
    )


def line(comparison: Comparison) -> str:
    """A row of the table."""
    cells = [comparison.scenario, f"{comparison.attainable_extra_eur:.1f}"]
    leads = dict(comparison.ahead)
    for item in comparison.outcomes:
        share = "" if item.share is None else f" ({item.share:.0%})"
        lead = leads.get(item.name)
        known = lead is not None and not isnan(lead.low)
        ahead = f", ahead {lead.low:.0f} to {lead.high:.0f}" if known else ""
        cells.append(f"{item.yearly.mean:.1f}{share}{ahead}, {item.cycles:.0f} cycles")
    ours = comparison.outcomes[0].yearly
    bounds = "" if isnan(ours.low) else f"{ours.low:.0f} to {ours.high:.0f}"
    return f"| {' | '.join(cells)} | {bounds} |"


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--homes", default=",".join(HOMES))
    parser.add_argument("--tariffs", default="fix,neg0,14a")
    parser.add_argument("--tick", type=int, default=15)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--ours", action="store_true", help="leave the others' strategies out")
    parser.add_argument("--rivals", default=",".join(RIVALS), help="which others")
    parser.add_argument("--spread", type=float, default=load_spread.WIDER)
    parser.add_argument("--flat-end", action="store_true")
    chosen = parser.parse_args()
    load_spread.WIDER = chosen.spread
    if chosen.flat_end:
        information_set.OUTLOOK = 0
    tariffs = chosen.tariffs.split(",")
    names = (OURS, PERFECT, *(() if chosen.ours else chosen.rivals.split(",")))
    if chosen.folder is None:
        variant, made = Variant(kind="csv", names=names), sample_cases(tariffs, chosen.tick)
    else:
        variant, pairs = Variant(names=names), itertools.product(chosen.homes.split(","), tariffs)
        made = [real(chosen.folder, home, tariff, chosen.tick) for home, tariff in pairs]
    print(f"| case | attainable, EUR a year | {' | '.join(names)} | {OURS}: 95 % of years |")
    print(f"|---|{'--:|' * (len(names) + 2)}")
    study(
        [StudyItem(scenario, variant) for scenario in made],
        chosen.jobs,
        reported=lambda _, comparison: print(line(comparison), flush=True),
    )


if __name__ == "__main__":
    main()
