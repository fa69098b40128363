"""What the README shows, printed: `python -m tests.docs.shown explain|report|claims`.

Everything comes from the project's own data in `data/`; `test_readme.py` compares.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from optimizer.analysis import minutes, sample
from optimizer.analysis.backtest.trial import OURS, PERFECT, RIVALS, Trial, Way, run
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
WEEK = sample.folder() / "winter"
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
        minutes.live(connection, WEEK, days=3)
        connection.close()
        return _optimizer(folder, "report", "--at", "2026-01-15T00:00+01:00", "--days", "4")


def claims_table(tariffs: Sequence[str] = tuple(TARIFFS)) -> list[str]:
    """The four sample weeks as a year: what each strategy earns beyond own use."""
    names = (OURS, PERFECT, *RIVALS)
    lines = [
        f"| EUR a year beyond own use | attainable | {' | '.join(names)} |",
        f"|---|{'--:|' * (len(names) + 1)}",
    ]
    for tariff in tariffs:
        cases = claims.sample_cases([tariff], tick=15)
        trials = [run(case, Way(kind="csv", names=names)) for case in cases]
        lines.append(_claim(TARIFFS[tariff], trials))
    return lines


def _claim(said: str, trials: list[Trial]) -> str:
    most = fmean(trial.attainable_extra_eur for trial in trials)
    cells = [said, f"{most:.0f}"]
    for place in range(len(trials[0].outcomes)):
        extra = fmean(trial.outcomes[place].yearly.mean for trial in trials)
        cells.append(f"{extra:.0f} ({extra / most:.0%})")
    return f"| {' | '.join(cells)} |"


SHOWN = {"explain": explain, "report": report, "claims": claims_table}


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(SHOWN)
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))} is not shown; there are: {', '.join(SHOWN)}")
    for wanted in sys.argv[1:] or SHOWN:
        sys.stdout.write("\n".join(SHOWN[wanted]()) + "\n")
