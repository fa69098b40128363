"""The version, and imports of a command that needs none of the heavy rooms."""

import os
import subprocess
import sys

import pytest

import optimizer as package


def test_the_version_is_one(optimizer):
    done = optimizer("--version")
    reported = done.stdout.splitlines()
    assert (done.returncode, reported[0]) == (0, f"optimizer {package.__version__}")
    assert reported[1] == "data, where you use these sources:"


@pytest.mark.parametrize(
    "command",
    [("status",), ("plan", "--at", "2026-01-14T00:00Z", "--soc", "30", "--dry-run")],
    ids=lambda words: words[0],
)
def test_who_asks_nobody_does_not_import_the_way_to_others(write_config, tmp_path, command):
    """The configuration names sources and the FEMS; only asking them needs `requests`."""
    write_config()
    script = (
        "import atexit, sys\n"
        f"sys.argv = ['optimizer', *{command!r}]\n"
        "found = lambda: [n for n in ('requests', 'urllib3') if n in sys.modules]\n"
        "atexit.register(lambda: print(found(), file=sys.stderr))\n"
        "from optimizer.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, env=os.environ | {"FEMS_PASSWORD": "owner"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) in [(0, "[]\n"), (6, "[]\n")]


def test_a_public_name_is_imported_at_its_first_use():
    script = (
        "import sys, optimizer\n"
        "before = 'pandas' in sys.modules\n"
        "optimizer.Site, optimizer.sample_site\n"
        "print(before, 'pandas' in sys.modules, 'matplotlib' in sys.modules, dir(optimizer))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"False True False {sorted(package.__all__)}\n"
    with pytest.raises(AttributeError, match="module 'optimizer' has no attribute 'load'"):
        _ = package.load
    assert [name for name in package.__all__ if getattr(package, name) is None] == []


def test_help_needs_none_of_the_heavy_rooms():
    script = (
        "import sys\n"
        "import optimizer.cli.app\n"
        "print([n for n in ('pandas', 'pulp', 'requests', 'optimizer.planning', 'rich')"
        " if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
