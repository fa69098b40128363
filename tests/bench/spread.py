"""Generic load spread and kinds of roof days (`optimizer/model/`) from measured homes; by hand.

    python tests/bench/spread.py FOLDER

FOLDER holds series of homes as CSV (gzip): column `start` (ISO 8601 with offset) and `load_w`. The
forecast is the mean of the last 14 days at the same local time of day. Each home's ratios by hour
have a mean of 1; the generic figures are the mean over the homes, weighing the same.

The kinds of days are the thirds of the days of the one home whose roof was forecast by a weather
service (`pv_w`, `pv_forecast_w`), by measured over forecast energy, the forecast corrected by the
last 30 days as a whole; each is told by the same ratio of all its days together.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.forecast.load_ratios import ratios

HOMES = (
    "load_konstanz-res4_60min_2015-2017.csv.gz",
    "load_emhass-home_30min_2024-2025.csv.gz",
    "load_salzburg-home_15min_2026.csv.gz",
    "fems_home22kwh_15min_2022-11.csv.gz",
)
FORECAST_PV = "pv_emhass-home_30min_2024-2025.csv.gz"
DAYS = 14
ENOUGH_DAYS = 5


def load_of(file: Path) -> pd.Series:
    """Measured load [W] by local time."""
    frame = pd.read_csv(file)
    frame.index = pd.to_datetime(frame["start"], utc=True).dt.tz_convert("Europe/Berlin")
    return frame["load_w"].astype(float)


def forecast_of(load: pd.Series) -> pd.Series:
    """Mean of the last 14 days at the same local time of day, known the day before [W]."""
    table = load.groupby([load.index.date, load.index.time]).mean().unstack()
    means = table.shift(1).rolling(DAYS, min_periods=ENOUGH_DAYS).mean()
    keys = pd.MultiIndex.from_arrays([load.index.date, load.index.time])
    return pd.Series(means.stack().reindex(keys).to_numpy(), load.index)


def by_hour(load: pd.Series) -> np.ndarray:
    """Ratios of a home by local hour: 24 rows of five."""
    forecast = forecast_of(load)
    known = load.notna() & forecast.notna() & (forecast > 0)
    load, forecast = load[known].clip(lower=0), forecast[known]
    hours = load.index.hour
    return np.array([ratios(load[hours == h], forecast[hours == h]) for h in range(24)])


def thirds_of_days(file: Path) -> list[float]:
    """Measured over forecast energy of the poorest, middle and richest third of the days."""
    frame = pd.read_csv(file)
    frame.index = pd.to_datetime(frame["start"], utc=True).dt.tz_convert("Europe/Berlin")
    known = frame[["pv_w", "pv_forecast_w"]].astype(float).dropna()
    daily = known.groupby(known.index.date).sum()
    before = daily.shift(1).rolling(30, min_periods=10).sum()
    corrected = daily["pv_forecast_w"] * before["pv_w"] / before["pv_forecast_w"]
    ratio = (daily["pv_w"] / corrected)[corrected > 0].sort_values()
    thirds = np.array_split(ratio.index.to_numpy(), 3)
    return [float(daily["pv_w"][part].sum() / corrected[part].sum()) for part in thirds]


def main() -> None:
    """Print the constants."""
    homes = [by_hour(load_of(Path(sys.argv[1]) / name)) for name in HOMES]
    for name, rows in zip(HOMES, homes, strict=True):
        means = ", ".join(f"{value:.2f}" for value in rows.mean(axis=0))
        sys.stdout.write(f"# {name}: {means}\n")
    mean = np.mean(homes, axis=0).round(2)
    mean[:, -1] = (mean.shape[1] - mean[:, :-1].sum(axis=1)).round(2)
    for row in mean:
        sys.stdout.write(f"    ({', '.join(f'{value:.2f}' for value in row)}),\n")
    kinds = thirds_of_days(Path(sys.argv[1]) / FORECAST_PV)
    sys.stdout.write(f"# roof days: {', '.join(f'{value:.2f}' for value in kinds)}\n")


if __name__ == "__main__":
    main()
