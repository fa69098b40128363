"""Where the campaigns run: in processes of their own, which coverage does not slow down."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def campaign() -> Start:
    """Start `python -m tests.faults.NAME`."""

    def start(name: str, *args: object) -> subprocess.Popen[str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
        return subprocess.Popen(
            [sys.executable, "-m", f"tests.faults.{name}", *map(str, args)],
            cwd=ROOT, env=plain | {"PYTHONPATH": str(ROOT)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start
