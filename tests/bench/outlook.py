"""How well like days tell the mean price of the next 24 hours, against the published part alone.

    python tests/bench/outlook.py FOLDER_WITH_prices_*.csv.gz

Each day at some local times prices are known to midnight (before early afternoon) or two hours
only (services down); the mean decides what energy left at the plan's end is worth. Printed: mean
absolute error of that mean [ct/kWh].
"""

import csv
import gzip
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

import numpy as np

from optimizer.forecast.tariff_prices import WHOLE_DAY, like_days
from optimizer.model.moments import QUARTER

CASES = {"10:35, known to midnight": (10, 13), "18:35, known to midnight": (18, 5),
         "22:00, known to midnight": (22, 2)}  # fmt: skip


def read(path: Path) -> dict[datetime, float]:
    """Prices by quarter [ct/kWh]."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in list(csv.reader(file))[1:] if row[1]]
    count = 4 if "60min" in path.name else 1
    return {
        datetime.fromisoformat(at).astimezone(UTC) + n * QUARTER: float(price) / 10
        for at, price in rows
        for n in range(count)
    }


def main(folder: Path) -> None:
    for path in sorted(folder.glob("prices_*.csv.gz")):
        prices = read(path)
        first, last = min(prices), max(prices)
        errors: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in CASES}
        day = first.replace(hour=0, minute=0) + timedelta(days=30)
        while day + 2 * WHOLE_DAY < last:
            for name, (hour, length) in CASES.items():
                start = day + timedelta(hours=hour - 1)
                end = start + timedelta(hours=length)
                quarters = [start + n * QUARTER for n in range(96)]
                if not all(at in prices for at in quarters):
                    continue
                reach = [start + n * QUARTER for n in range(-28 * 96, length * 4)]
                past = np.array([prices.get(at, np.nan) for at in reach])
                known = [prices[at] for at in quarters if at < end]
                guess = like_days(past, 96 - length * 4)
                true = fmean(prices[at] for at in quarters)
                errors[name][0].append(abs(fmean([*known, *guess]) - true))
                errors[name][1].append(abs(fmean(known) - true))
            day += timedelta(days=3)
        for name, (with_it, without) in errors.items():
            print(f"{path.name[7:-7]:26} {name}: with like days {fmean(with_it):5.2f} ct, "
                  f"published part alone {fmean(without):5.2f} ct")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
