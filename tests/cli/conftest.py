"""Commands as an owner runs them: real processes, files in a temporary folder."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.cli.app import app
from optimizer.errors import OptimizerError
from optimizer.fems.client import FemsClient
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import live_state
from tests import waiting
from tests.steady_house import steady_house

DATA = Path(__file__).parents[2] / "data"

TARIFF = """
[tariff]
grid_fee_eur_per_kwh = 0.10
levies_eur_per_kwh = 0.03
vat_percent = 19
[tariff.export]
eur_per_kwh = 0.0778
"""

NOBODY = "http://127.0.0.1:9"
"""An address at which nobody listens."""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fems() -> Iterator[SimulatedFems]:
    """A FEMS for one test; what it holds is plain to see."""
    with steady_house() as running:
        yield running


@pytest.fixture
def optimizer(tmp_path: Path) -> Run:
    """Run a command to its end; the configuration is `optimizer.toml` of the folder."""

    def run(*args: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "optimizer", *args],
            cwd=tmp_path, capture_output=True, text=True, timeout=timeout, check=False,
            env=os.environ | {"FEMS_PASSWORD": "owner"},
        )  # fmt: skip

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command and go on; what still runs at the end is ended."""
    with ExitStack() as stack:

        def launch(*args: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "optimizer", *args],
                cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=os.environ | {"FEMS_PASSWORD": "owner", "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
            stack.callback(process.communicate)
            stack.callback(process.send_signal, signal.SIGTERM)
            return process

        yield launch


@pytest.fixture
def write_config(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Write `optimizer.toml`; the sample winter week unless other files are named."""
    store = tmp_path / "state"

    def write(
        week: str | Path = "winter", url: str = NOBODY, more: str = "",
        tariff: str = TARIFF, prices: str | Path = "prices.csv",
    ) -> Path:  # fmt: skip
        folder = DATA / week
        path = tmp_path / "optimizer.toml"
        # else port 8084 is tried too, where somebody's `optimizer simulate` may listen
        jsonrpc = "jsonrpc_port = 9" if url == NOBODY else ""
        path.write_text(
            f"""
[fems]
url = "{url}"
password = "env:FEMS_PASSWORD"
{jsonrpc}
[battery]
capacity_wh = 22_000
hybrid = false
[grid]
max_sell_w = 9_000
[prices]
sources = ["csv"]
file = "{folder / prices}"
[load]
source = "csv"
file = "{folder / "load.csv"}"
[pv]
source = "csv"
file = "{folder / "roof.csv"}"
{tariff}
[control]
interval_s = 1
[store]
folder = "{store}"
{more}
"""
        )
        return path

    yield write
    live_state.path_for(store).unlink(missing_ok=True)


@pytest.fixture
def files_for_now(tmp_path: Path) -> Path:
    """Prices, load and roof: from the last full hour on cheap, less cheap, then dear."""
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [begin + timedelta(hours=n) for n in range(-2, 36)]
    rows = {
        "prices.csv": ("spot_eur_per_mwh", [300, 300, 10, 30, *[300] * 34]),
        "load.csv": ("load_w", [800] * 38),
        "roof.csv": ("pv_w", [0] * 38),
    }
    folder = tmp_path / "now"
    folder.mkdir()
    for name, (column, values) in rows.items():
        lines = [f"{at.isoformat()},{value}" for at, value in zip(hours, values, strict=True)]
        (folder / name).write_text("\n".join([f"start,{column}", *lines]) + "\n")
    return folder


@pytest.fixture
def simulated(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Start `optimizer simulate` and give its address."""

    def serve(*args: str, speed: float = 20) -> str:
        process = start("simulate", "--port", "0", "--speed", str(speed), *args)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "simulated FEMS at http://127.0.0.1:" in line
        return line.split()[3]

    return serve


@pytest.fixture
def connect() -> Iterator[Callable[[str], FemsClient]]:
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(FemsClient(url, "owner"))


@pytest.fixture
def wait_for() -> Callable[..., float]:
    """Wait until something is true; gives the seconds that it took."""
    return waiting.wait_for


@pytest.fixture
def in_process(tmp_path, monkeypatch):
    """Run a command as its process would, but faster: in this one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEMS_PASSWORD", "owner")
    monkeypatch.setenv("OPTIMIZER_CONFIG", "")  # noted, as `--config` of a command sets it
    monkeypatch.delenv("OPTIMIZER_CONFIG")

    def run(*args, stdin=None):
        try:
            done = CliRunner().invoke(app, args, input=stdin)
        finally:
            gc.enable()
        code, said = done.exit_code, done.stderr
        if isinstance(done.exception, OptimizerError):
            code, said = int(done.exception.exit_code), f"optimizer: {done.exception}\n"
        return subprocess.CompletedProcess(args, code, done.stdout, said)

    return run
