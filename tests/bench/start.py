"""How long the commands take to start, as ratios within one run; by hand, not in CI.

    .venv/bin/python tests/bench/start.py

Targets: `plan --json` (48 h at 15 min) at most 1.6 times importing all that it imports, `--help` at
most 1.8 times importing typer alone; beside it `status` and the live page's server against typer,
and `plan` against the five libraries that an owner sees. Medians of 21 of the processor's time,
user and system, which other processes disturb less than the clock's; a first round, not counted,
writes the byte code.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

DATA = Path(__file__).parents[2] / "data" / "winter"
CONFIG = f"""
[fems]
url = "http://127.0.0.1:9"
password = "env:PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = true
[prices]
file = "{DATA / "prices.csv"}"
[load]
source = "csv"
file = "{DATA / "load.csv"}"
[pv]
source = "csv"
file = "{DATA / "roof.csv"}"
[tariff]
grid_fee_eur_per_kwh = 0.1
[store]
folder = "state"
"""
OPTIMIZER = [str(Path(sys.executable).parent / "optimizer")]
PLAN = [*OPTIMIZER, "plan", "--at", "2026-01-14T00:00:00+01:00", "--soc", "30", "--json"]
CASES = {
    "libraries": [sys.executable, "-c", "import pandas, pulp, highspy, requests, typer"],
    "plan": PLAN,
    "typer": [sys.executable, "-c", "import typer"],
    "help": [*OPTIMIZER, "--help"],
    "status": [*OPTIMIZER, "status"],
    "serve": [sys.executable, "-c", "import optimizer.app.live_server"],
}
ROUNDS = 21
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PASSWORD"] = "x"


def seconds(command: list[str], folder: str) -> float:
    """Processor's time of a command [s]; `status` ends with 6, as no plan covers today."""
    with Path(os.devnull).open("w") as nowhere:
        process = subprocess.Popen(command, cwd=folder, stdout=nowhere, env=ENVIRONMENT)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 6):
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime


def all_imports(folder: str) -> list[str]:
    """A command that imports what a plan imports, in the same order, and does nothing else."""
    noted = subprocess.run(
        [sys.executable, "-X", "importtime", *PLAN], cwd=folder, check=True, capture_output=True,
        text=True, env=ENVIRONMENT,
    ).stderr  # fmt: skip
    names = [line.split("|")[2].strip() for line in noted.splitlines()[1:] if line.count("|") == 2]
    code = (
        "import contextlib, importlib\n"
        f"for name in {names!r}:\n"
        "    with contextlib.suppress(ImportError):\n"
        "        importlib.import_module(name)\n"
    )
    return [sys.executable, "-c", code]


def main() -> None:
    """Measure in turns, so that a busy moment hits all cases alike."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "optimizer.toml").write_text(CONFIG)
        cases = CASES | {"imports": all_imports(folder)}
        rounds = [
            {name: seconds(command, folder) for name, command in cases.items()}
            for _ in range(ROUNDS + 1)
        ]
    median = {name: statistics.median(r[name] for r in rounds[1:]) for name in cases}
    for name, value in median.items():
        sys.stdout.write(f"{name:<9} {value * 1000:6.0f} ms\n")
    sys.stdout.write(f"plan / imports {median['plan'] / median['imports']:.2f} (target 1.6)\n")
    sys.stdout.write(f"plan / five libraries {median['plan'] / median['libraries']:.2f}\n")
    sys.stdout.write(f"help / typer   {median['help'] / median['typer']:.2f} (target 1.8)\n")
    sys.stdout.write(f"status / typer {median['status'] / median['typer']:.2f}\n")
    sys.stdout.write(f"serve / typer  {median['serve'] / median['typer']:.2f}\n")


if __name__ == "__main__":
    main()
