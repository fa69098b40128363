"""What notebooks and scripts use: the package's own few names, and the version."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

import optimizer as package
from optimizer.errors import NoPlanError


def test_the_plan_in_force_can_be_loaded(optimizer, write_config, monkeypatch):
    path = write_config()
    monkeypatch.setenv("FEMS_PASSWORD", "owner")
    assert optimizer("plan", "--at", "2026-01-14T00:00Z", "--soc", "30").returncode == 0
    plan = package.load(path, datetime(2026, 1, 14, 12, tzinfo=UTC))
    assert plan.start_soc_percent == 30
    assert package.load(str(path), plan.steps[0].start) == plan
    with pytest.raises(NoPlanError, match="no plan covers"):
        package.load(path)


def test_the_version_is_one(optimizer):
    done = optimizer("--version")
    told = done.stdout.splitlines()
    assert (done.returncode, told[0]) == (0, f"optimizer {package.__version__}")
    assert told[1] == "data, where you use these sources:"


def test_help_needs_none_of_the_heavy_rooms():
    script = (
        "import sys\n"
        "import optimizer.cli.app\n"
        "print([n for n in ('pandas', 'pulp', 'requests', 'optimizer.planning', 'rich')"
        " if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "[]\n"
