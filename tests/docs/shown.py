"""What the README shows, printed: `python -m tests.docs.shown NAME`, a name of `SHOWN`.

Everything comes from the project's own data in `data/`; `test_readme.py` compares.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from optimizer import sample_site
from optimizer.app.demo_run import house_now
from optimizer.backtest.comparison import OURS, PERFECT, RIVALS, Comparison, Variant, run
from optimizer.report import picture_inputs
from optimizer.report.html import picture_file
from optimizer.report.picture_inputs import Picture
from optimizer.simulation import minute_simulation, sample_data
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database
from tests.bench import claims

CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = false
[grid]
max_sell_w = 9_000
[prices]
sources = ["csv"]
file = "{week}/prices.csv"
[tariff]
markup_eur_per_kwh = 0.018
levies_eur_per_kwh = 0.02946
tax_eur_per_kwh = 0.0205
concession_eur_per_kwh = 0.0166
grid_fee_eur_per_kwh = 0.07
vat_percent = 19
[tariff.export]
eur_per_kwh = 0.0778
zero_when_spot_negative = true
[load]
source = "csv"
file = "{week}/load.csv"
[pv]
source = "csv"
file = "{week}/roof.csv"
[store]
folder = "state"
"""
WINTER_DAY = datetime(2026, 1, 13, 23, tzinfo=UTC)
WEEK = sample_data.folder() / "winter"
MOMENT = "2026-01-14T02:00+01:00"
TARIFFS = {
    "fix": "dynamic, feed-in 8 ct",
    "neg0": "the same, nothing paid while the exchange is below 0",
    "14a": "grid fee by the hour (module 3)",
}


def _optimizer(folder: Path, *args: str) -> list[str]:
    """What a command prints, with a house's configuration in its folder."""
    # coverage has no business in there, and makes it three times as slow
    unseen = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *args], cwd=folder, capture_output=True, text=True,
        timeout=120, check=True, env=unseen | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip
    return done.stdout.splitlines()


def explain() -> list[str]:
    """A cheap quarter-hour of the sample winter, explained."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "optimizer.toml").write_text(CONFIG.format(week=WEEK))
        _optimizer(folder, "plan", "--at", "2026-01-14T00:00+01:00", "--soc", "30")
        return _optimizer(folder, "explain", MOMENT)


def report() -> list[str]:
    """The accounts of three winter days, lived minute by minute with forecasts that were wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "optimizer.toml").write_text(CONFIG.format(week=WEEK))
        connection = database.connect(folder / "state")
        minute_simulation.simulate_minutes(connection, WEEK, days=3)
        connection.close()
        return _optimizer(folder, "report", "--at", "2026-01-15T00:00+01:00", "--days", "4")


def claims_table(tariffs: Sequence[str] = tuple(TARIFFS)) -> list[str]:
    """The four sample weeks as a year: what each strategy earns beyond self-consumption.

    Behind each sum its share of the attainable, and the battery's full discharges in a year.
    """
    names = (OURS, PERFECT, *RIVALS)
    lines = [
        f"| EUR a year beyond self-consumption | attainable | {' | '.join(names)} |",
        f"|---|{'--:|' * (len(names) + 1)}",
    ]
    for tariff in tariffs:
        scenarios = claims.sample_cases([tariff], tick=15)
        comparisons = [run(scenario, Variant(kind="csv", names=names)) for scenario in scenarios]
        lines.append(_claim(TARIFFS[tariff], comparisons))
    return lines


def _claim(said: str, comparisons: list[Comparison]) -> str:
    most = fmean(comparison.attainable_extra_eur for comparison in comparisons)
    cells = [said, f"{most:.0f}"]
    for place in range(len(comparisons[0].outcomes)):
        items = [comparison.outcomes[place] for comparison in comparisons]
        extra, cycles = fmean(i.yearly.mean for i in items), fmean(i.cycles for i in items)
        cells.append(f"{extra:.0f} ({extra / most:.0%}, {cycles:.0f} cycles)")
    return f"| {' | '.join(cells)} |"


def first_setup() -> list[str]:
    """`optimizer init` on a simulated hybrid; the exchange's price is 10 ct all day."""
    house = house_now(WEEK, hybrid=True, soc_percent=50)
    with (
        tempfile.TemporaryDirectory() as name,
        SimulatedFems(house, host="127.0.0.1", port=0, owner_password="owner") as fems,
    ):
        folder = Path(name)
        (folder / "fems.password").write_text("owner")
        (folder / "fems.password").chmod(0o600)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        rows = [f"{(today + n * timedelta(hours=1)).isoformat()},100" for n in range(48)]
        (folder / "prices.csv").write_text("\n".join(["start,spot_eur_per_mwh", *rows]))
        lines = _optimizer(
            folder, "init", "--host", fems.url, "--password-file", "fems.password",
            "--source", "csv", "--source-value", "prices.csv", "--price", "0.184",
            "--kwp", "9.9", "--place", "48.8,10.5", "--non-interactive",
        )  # fmt: skip
        return [line.replace(fems.url, "http://192.168.0.23") for line in lines]


def picture() -> list[str]:
    """The picture of the plan of a winter day, as the README has it in `data/winter-day.svg`."""
    plan = sample_site("winter").make_plan(WINTER_DAY, soc_percent=30)
    made = Picture(
        "A winter day of the sample house", WINTER_DAY, WINTER_DAY + timedelta(hours=36),
        sample_data.ZONE, **picture_inputs.of_plan(
            plan, sample_data.BATTERY.capacity_wh, sample_data.ZONE
        ),
        lowest_percent=sample_data.BATTERY.min_soc_percent,
    )  # fmt: skip
    return picture_file(made).splitlines()


SHOWN = {
    "explain": explain, "report": report, "init": first_setup, "picture": picture,
    "claims": claims_table,
}  # fmt: skip


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(SHOWN)
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))} is not shown; there are: {', '.join(SHOWN)}")
    for wanted in sys.argv[1:] or SHOWN:
        sys.stdout.write("\n".join(SHOWN[wanted]()) + "\n")
