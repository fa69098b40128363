"""The service, installed and at work on a booted machine, in front of a simulated FEMS."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import optimizer as package
from optimizer.control import systemd_units
from optimizer.model.battery import Battery
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from tests.systemd.booted import Machine, booted, obstacle
from tests.waiting import PATIENCE_S

CONFIG = """
[fems]
url = "{url}"
password = "file:fems.password"
[battery]
capacity_wh = 22_000
hybrid = false
[prices]
sources = ["csv"]
file = "prices.csv"
[load]
source = "csv"
file = "load.csv"
[tariff]
grid_fee_eur_per_kwh = 0.10
vat_percent = 19
[tariff.export]
eur_per_kwh = 0.0778
[control]
interval_s = 2
"""

HOLDS_WITHIN_S = 120.0
"""Start of the program, three good readings, and a plan [s]."""

FREE_WITHIN_S = 60.0
"""The null by `ExecStopPost`: start of Python, and one request [s]; the summary has the figures."""

TIMEOUT_S = 300
"""The FEMS's time-out: longer than all waits, so what frees it earlier is a release [s]."""

SLOW_RESTART_S = 4
"""The ten minutes of the slow restart in these tests [s]."""


class Service:
    """The installed service and what the FEMS holds of it."""

    def __init__(self, machine: Machine, fems: SimulatedFems) -> None:
        self.machine, self.fems = machine, fems
        self.good = CONFIG.format(url=fems.url)
        self.python = sys.executable

    @property
    def folder(self) -> Path:
        """The owner's files."""
        return self.machine.root / "etc/optimizer"

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "optimizer.toml"

    @property
    def held(self) -> bool:
        """Whether the FEMS holds anything."""
        return bool(self.fems.house.written.values)

    def optimizer(self, *args: str, check: bool = True) -> str:
        """Run a command there as root; gives all that it said."""
        done = self.machine.run(sys.executable, "-P", "-m", "optimizer", *args, check=check)
        return done.stdout + done.stderr

    def write_files(self) -> None:
        """Write the owner's files: from the last full hour on cheap, then dear."""
        self.folder.mkdir(exist_ok=True)
        begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        hours = [begin + timedelta(hours=n) for n in range(-2, 36)]
        prices = [300, 300, 10, 10, *[300] * 34]
        for name, head, values in (
            ("prices.csv", "start,spot_eur_per_mwh", prices),
            ("load.csv", "start,load_w", [800] * 38),
        ):
            rows = [f"{at.isoformat()},{value}" for at, value in zip(hours, values, strict=True)]
            (self.folder / name).write_text("\n".join([head, *rows]) + "\n")
        password = self.folder / "fems.password"
        password.touch(0o600)
        password.write_text("owner\n")
        self.config.write_text(self.good)

    def install(self) -> None:
        """Install, with a shorter slow restart."""
        self.optimizer("service", "install")
        folder = self.machine.root / f"etc/systemd/system/{systemd_units.AGAIN}.d"
        folder.mkdir(exist_ok=True)
        (folder / "soon.conf").write_text(
            f"[Timer]\nOnUnitInactiveSec=\nOnUnitInactiveSec={SLOW_RESTART_S}s\nAccuracySec=100ms\n"
        )
        hidden = Path(sys.executable).is_relative_to("/tmp")  # noqa: S108 a checkout may lie there
        for name in (
            (systemd_units.EXECUTOR, systemd_units.PLANNER, systemd_units.NOTIFIER)
            if hidden
            else ()
        ):
            folder = self.machine.root / f"etc/systemd/system/{name}.d"
            folder.mkdir(exist_ok=True)
            (folder / "checkout.conf").write_text("[Service]\nPrivateTmp=no\n")
        self.machine.run("systemctl", "daemon-reload")

    def start(self) -> float:
        """Start what the installation says; gives the seconds until something is held."""
        self.machine.run("systemctl", "enable", "--now", *systemd_units.STARTED)
        return self.until_held()

    def cut_power(self) -> None:
        """Let the computer lose its power; the FEMS has its own."""
        self.machine.cut_power()

    def boot(self) -> None:
        """Boot, with the FEMS in the same network again."""
        self.machine.boot()
        self.fems.stop()
        with self.machine.network():
            self.fems.start()

    def state(self) -> str:
        """`active`, `failed`, ..."""
        return self.machine.property(systemd_units.EXECUTOR, "ActiveState")

    def status(self) -> str:
        """Exit status of the main process that ended last."""
        return self.machine.property(systemd_units.EXECUTOR, "ExecMainStatus")

    def process(self) -> str:
        """Id of the main process."""
        return self.machine.property(systemd_units.EXECUTOR, "MainPID")

    def said(self) -> str:
        """All that executor and releases have said."""
        return self.machine.journal(systemd_units.EXECUTOR)

    def until_said(self, text: str, before: int = 0, seconds: float = PATIENCE_S) -> str:
        """Wait until a text stands in the journal; gives all that was said after `before`."""
        self.machine.wait_for(
            lambda: text in self.said()[before:], seconds, f"{text!r} is not said"
        )
        return self.said()[before:]

    def until_held(self) -> float:
        """Seconds until something is held."""
        return self.machine.wait_for(lambda: self.held, HOLDS_WITHIN_S, "nothing is held")

    def until_free(self, seconds: float = PATIENCE_S) -> float:
        """Seconds until nothing is held any more."""
        return self.machine.wait_for(lambda: not self.held, seconds, "the FEMS is not free")

    def until(self, state: str, seconds: float = PATIENCE_S) -> float:
        """Seconds until the unit is in a state."""
        return self.machine.wait_for(lambda: self.state() == state, seconds, f"it is not {state}")


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A booted systemd; without one these tests are skipped, but never in CI."""
    reason = obstacle()
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI has to boot a systemd: {reason}")
        pytest.skip(reason)
    with booted() as running:
        for path in (Path(sys.executable), Path(sys.executable).resolve(), Path(package.__file__)):
            for folder in path.parents[:-1]:
                inside = running.root / folder.relative_to("/")
                inside.chmod(inside.stat().st_mode | 0o055)
        yield running


@pytest.fixture(scope="session")
def installed(machine: Machine) -> Iterator[Service]:
    """The service, installed and not started."""
    now = datetime.now(UTC).replace(microsecond=0)
    load, pv = Profile(now, 900, (800.0,)), Profile(now, 900, (0.0,))
    house = SimulatedHouse(Battery(capacity_wh=22_000), load, pv, now, 50, api_timeout_s=TIMEOUT_S)
    fems = SimulatedFems(house, port=8084, speed=1)
    with machine.network():
        fems.start()
    try:
        service = Service(machine, fems)
        service.write_files()
        service.install()
        yield service
    finally:
        fems.stop()


@pytest.fixture
def service(installed: Service) -> Service:
    """The service at work: it holds the cheap hours' charge."""
    installed.config.write_text(installed.good)
    installed.fems.house.written.timeout_s = TIMEOUT_S
    if installed.state() != "active":
        installed.machine.run("systemctl", "reset-failed", check=False)
    installed.start()
    return installed


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Keep a figure for the summary at the end of the tests."""

    def keep(what: str, seconds: float) -> None:
        record_property("seconds", f"{seconds:6.1f} s  {what}")

    return keep
