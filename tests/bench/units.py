"""Unit mistakes against real prices: every evening of every series, right and wrong by 10^n.

    python tests/bench/units.py FOLDER_WITH_prices_*.csv.gz

Each evening today and tomorrow are fetched, the 35 days before are kept. "known hours" has today
kept from the evening before, as it is in daily use; "first contact" has nothing kept and fetches
35 days; "new hours" has kept days, but none of the same hours.
"""

import csv
import gzip
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from optimizer.model.frames import COLUMNS
from optimizer.sources import plausible
from optimizer.sources.failures import RejectedError
from optimizer.store.price_days import PriceStep

FACTORS = (1, 10, 100, 1000, 0.1, 0.01, 0.001)


def read(path: Path) -> list[tuple[datetime, float]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [(datetime.fromisoformat(a).astimezone(UTC), float(b) / 1000) for a, b in rows if b]


def refused(fresh, known, factor: float) -> bool:
    band = COLUMNS["spot_eur_per_kwh"]
    wrong = [PriceStep(s, e, {"spot_eur_per_kwh": p["x"] * factor}) for s, e, p in fresh]
    if any(not band.least <= step.prices["spot_eur_per_kwh"] <= band.most for step in wrong):
        return True
    try:
        plausible.check("x", wrong, known)
    except RejectedError:
        return True
    return False


def main(folder: Path) -> None:
    total: dict[tuple[str, float], list[int]] = {}
    for path in sorted(folder.glob("prices_*.csv.gz")):
        rows = read(path)
        if path.name.startswith("prices_DE-LU_60min"):  # the hour of a failed coupling
            peak = datetime(2024, 6, 25, 6, tzinfo=UTC)
            rows = [(at, 2.10 if at == peak else price) for at, price in rows]
        step = min(after[0] - before[0] for before, after in pairwise(rows))
        days: dict[str, list[PriceStep]] = {}
        for at, price in rows:
            key = f"{at + timedelta(hours=1):%Y-%m-%d}"
            days.setdefault(key, []).append(PriceStep(at, at + step, {"x": price}))
        names = sorted(days)
        for place in range(35, len(names) - 1):
            kept = [s for name in names[place - 35 : place] for s in days[name]]
            today, tomorrow = days[names[place]], days[names[place + 1]]
            for factor in FACTORS:
                for case, fresh, known in (
                    ("known hours", today + tomorrow, kept + today),
                    ("new hours", today + tomorrow, kept),
                    ("first contact", kept + today + tomorrow, []),
                ):
                    if case != "known hours" and place % 5 and factor != 1:
                        continue
                    count = total.setdefault((case, factor), [0, 0])
                    count[0] += refused(fresh, known, factor)
                    count[1] += 1
        print(path.name, len(names), "days", flush=True)
    for (case, factor), (caught, of) in sorted(total.items()):
        print(f"{case:14} x{factor:<6g} refused {caught:6} of {of:6}  {100 * caught / of:6.2f} %")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
