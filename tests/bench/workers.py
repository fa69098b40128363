"""What a second process brings a study; by hand, on a machine that does nothing else.

    python tests/bench/workers.py [--minutes 5] [--dask tcp://HOST:PORT]

The same trials in one process and in two (or on a cluster's workers): target 1.7 times as fast with
two, and the same results.
"""

import argparse
import sys
import time

from optimizer.backtest import result_text, study_table
from optimizer.backtest.comparison import OURS, PERFECT, RIVALS, Comparison, Variant
from optimizer.simulation import sample_data


def parts(minutes: int) -> list[study_table.StudyItem]:
    """The sample weeks with two batteries and three tariffs, all strategies."""
    weeks = [sample_data.folder() / name for name in ("winter", "spring", "summer", "autumn")]
    batteries = [study_table.battery(text) for text in ("11/5", "22")]
    scenarios = study_table.scenarios(
        weeks, batteries, ["fix", "neg0", "14a"], minutes, 1, learned=False
    )
    variant = Variant(kind="csv", names=(OURS, PERFECT, *RIVALS))
    return [study_table.StudyItem(scenario, variant) for scenario in scenarios]


def timed(
    work: list[study_table.StudyItem], jobs: int, dask: str | None
) -> tuple[float, list[Comparison]]:
    """Seconds, and the trials in the order of the parts."""
    begun = time.perf_counter()
    trials = study_table.study(work, jobs, dask)
    return time.perf_counter() - begun, trials


def main() -> None:
    """Measure."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=int, default=5)
    arguments.add_argument("--dask")
    given = arguments.parse_args()
    work = parts(given.minutes)
    alone_s, without_plan = timed(work, 1, None)
    both_s, both = timed(work, 2, given.dask)
    same = [result_text.as_json(one) for one in without_plan] == [
        result_text.as_json(one) for one in both
    ]
    sys.stdout.write(
        f"{len(work)} trials: one process {alone_s:.1f} s, two {both_s:.1f} s: "
        f"{alone_s / both_s:.2f} (target 1.7); {'the same' if same else 'OTHER'} results\n"
    )
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
