"""Unit mistakes against real prices: every evening of every series, right and wrong by 10^n.

    python tests/bench/units.py FOLDER_WITH_prices_*.csv.gz

Each evening today and tomorrow are fetched, the 35 days before are kept. "known hours" has today
kept from the evening before, as it is in daily use; "first contact" has nothing kept and fetches
35 days; "new hours" has kept days, but none of the same hours. "table" is an owner's file of
today and tomorrow that nothing is known beside, "all-in table" the same with fees and VAT: what
`read prices`, `init` and `check` say of it ("told"), and what the planner refuses.
"""

import csv
import gzip
import sys
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd

from optimizer.forecast import plausible_sizes
from optimizer.http.failures import RejectedError
from optimizer.model import frames
from optimizer.sources import price_checks

FACTORS = (1, 10, 100, 1000, 0.1, 0.01, 0.001)


def read(path: Path) -> list[tuple[datetime, float]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [(datetime.fromisoformat(a).astimezone(UTC), float(b) / 1000) for a, b in rows if b]


FEES_EUR_PER_KWH, VAT = 0.155, 1.19
"""What is added to the exchange's price, net, and the VAT on both."""
LIMITS = frames.COLUMNS["spot_eur_per_kwh"].limits(1.0)


def refused(fresh, known, factor: float) -> bool:
    wrong = fresh.assign(spot_eur_per_kwh=fresh["spot_eur_per_kwh"] * factor)
    if not wrong["spot_eur_per_kwh"].between(*LIMITS).all():
        return True
    try:
        price_checks.check("x", wrong, known)
    except RejectedError:
        return True
    return False


def of_table(fresh, factor: float, all_in: bool) -> tuple[bool, bool]:
    """Refused, and told or refused."""
    spot = fresh["spot_eur_per_kwh"]
    bill = (spot + FEES_EUR_PER_KWH) * VAT
    wrong = fresh[["end"]].copy()
    if all_in:
        wrong["buy_eur_per_kwh"] = bill * factor
        shown = wrong
    else:
        wrong["spot_eur_per_kwh"] = spot * factor
        shown = wrong.assign(buy_eur_per_kwh=(spot * factor + FEES_EUR_PER_KWH) * VAT)
    if not price_checks.prices_of(wrong).between(*LIMITS).all():
        return True, True
    told = bool(plausible_sizes.warnings(shown))
    try:
        price_checks.check_table("x", wrong)
    except RejectedError:
        return True, True
    return False, told


def main(folder: Path) -> None:
    tables: dict[tuple[str, float], list[int]] = {}
    total: dict[tuple[str, float], list[int]] = {}
    for path in sorted(folder.glob("prices_*.csv.gz")):
        rows = read(path)
        if path.name.startswith("prices_DE-LU_60min"):  # the hour of a failed coupling
            peak = datetime(2024, 6, 25, 6, tzinfo=UTC)
            rows = [(at, 2.10 if at == peak else price) for at, price in rows]
        step = min(after[0] - before[0] for before, after in pairwise(rows))
        starts, prices = [at for at, _ in rows], [price for _, price in rows]
        every = frames.frame_of(starts, [at + step for at in starts], spot_eur_per_kwh=prices)
        dates = [f"{at + timedelta(hours=1):%Y-%m-%d}" for at in starts]
        names = sorted(set(dates))
        first = [bisect_left(dates, name) for name in names] + [len(dates)]
        for place in range(35, len(names) - 1):
            kept, today, tomorrow = (
                every.iloc[first[a] : first[b]]
                for a, b in ((place - 35, place), (place, place + 1), (place + 1, place + 2))
            )
            for factor in FACTORS:
                for case in ("table", "all-in table") if place % 5 == 0 or factor == 1 else ():
                    both = of_table(pd.concat([today, tomorrow]), factor, case != "table")
                    count = tables.setdefault((case, factor), [0, 0, 0])
                    tables[case, factor] = [a + b for a, b in zip(count, (*both, 1), strict=True)]
                for case, fresh, known in (
                    ("known hours", pd.concat([today, tomorrow]), pd.concat([kept, today])),
                    ("new hours", pd.concat([today, tomorrow]), kept),
                    ("first contact", pd.concat([kept, today, tomorrow]), None),
                ):
                    if case != "known hours" and place % 5 and factor != 1:
                        continue
                    count = total.setdefault((case, factor), [0, 0])
                    count[0] += refused(fresh, known, factor)
                    count[1] += 1
        print(path.name, len(names), "days", flush=True)
    for (case, factor), (caught, of) in sorted(total.items()):
        print(f"{case:14} x{factor:<6g} refused {caught:6} of {of:6}  {100 * caught / of:6.2f} %")

    for (case, factor), (caught, told, of) in sorted(tables.items()):
        print(f"{case:14} x{factor:<6g} refused {caught:6} told or refused {told:6} of {of:6}  "
              f"{100 * told / of:6.2f} %")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
