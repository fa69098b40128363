"""Many trials: the same table, whoever works on it."""

import json
import subprocess
import sys

import distributed
import pytest

from optimizer.backtest import result_text, study_table
from optimizer.backtest.comparison import OURS, Variant
from optimizer.errors import ConfigError
from optimizer.simulation import sample_data


def parts(tariffs=("fix", "14a")):
    variant = Variant(kind="csv", names=(OURS,))
    found = study_table.scenarios(
        [sample_data.folder() / "winter"],
        [study_table.battery("11/5"), study_table.battery("22")],
        tariffs,
        15,
        1,
        learned=False,
    )
    return [study_table.StudyItem(scenario, variant) for scenario in found]


# dask's own start and end are not free of warnings
@pytest.mark.filterwarnings("default")
def test_two_workers_of_a_cluster_find_what_one_process_finds():
    without_plan = study_table.study(parts())
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address=None, scheduler_port=0,
    )  # fmt: skip
    seen = []
    with cluster:
        address = cluster.scheduler_address
        together = study_table.study(
            parts(), dask=address, reported=lambda n, comparison: seen.append(n)
        )
    assert address.startswith("tcp://127.0.0.1:")
    assert [result_text.as_json(item) for item in together] == [
        result_text.as_json(item) for item in without_plan
    ]
    assert seen == [1, 2, 3, 4]


def test_a_cluster_that_is_not_there_is_told_in_a_sentence():
    with pytest.raises(ConfigError, match="no Dask scheduler answers at nowhere://x:9"):
        study_table.study(parts(("fix",)), dask="nowhere://x:9")


def test_the_command_prints_a_line_for_each_and_the_same_as_json():
    folder = str(sample_data.folder() / "winter")
    line = [sys.executable, "-m", "optimizer", "study", folder, "--battery", "11/5", "--battery",
            "22", "--tariff", "flat", "--jobs", "2", "--json"]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)["trials"]
    assert [item["case"] for item in found] == ["winter, 11 kWh, flat", "winter, 22 kWh, flat"]
    for item in found:
        assert item["outcomes"][0]["extra_eur"] == pytest.approx(0.0, abs=0.2 * 7 / 365)


def test_the_table_has_a_line_for_each_strategy_and_warns_of_short_times():
    comparisons = study_table.study(parts(("fix",))[:1])
    lines = result_text.overview(comparisons)
    assert lines[1].startswith("winter, 11 kWh, fix")
    assert OURS in lines[1]
    assert f"{comparisons[0].outcomes[0].yearly.mean:.1f}" in lines[1]
    assert "shorter than a year" in lines[-1]
