"""Houses with a record for the live page, and the page over a real socket."""

import atexit
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from optimizer.app import live_server
from optimizer.app.live import LiveDocuments
from optimizer.app.live_access import Access
from optimizer.app.sample_site import CONFIG
from optimizer.config import loading
from optimizer.config.sections import Config
from optimizer.model.plan import Intent
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.simulation import minute_simulation, sample_data
from optimizer.store import database, live_state, pause, plan_store
from tests.waiting import wait_for

AT = datetime(2026, 1, 1, tzinfo=UTC)
CYCLE = Decision(AT, -4_200, Reason.HOLDING, Intent.CHARGE, note="cheap before the peak")
READING = Snapshot(
    AT, soc_percent=61.0, grid_w=4_900.0, ess_w=-4_200.0, battery_w=-4_200.0, pv_w=0.0,
    allowed_charge_w=-10_000.0, allowed_discharge_w=10_000.0,
)  # fmt: skip


DAYS = {"winter": (0, 5), "spring": (5, 2), "summer": (3, 2), "autumn": (5, 2)}
"""First day of a sample week's record, and its number of days; few, they take a second each."""


@cache
def _scratch() -> Path:
    """A folder for what is made once in a process; it goes with the process."""
    folder = TemporaryDirectory(prefix="live-stand-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _week(week: str) -> Path:
    """The data of a sample week from the record's first day on."""
    source = sample_data.folder() / week
    first, _ = sample_data.days(source)
    begin = sample_data.midnight(first, DAYS[week][0])
    folder = _scratch() / week
    folder.mkdir()
    for path in source.glob("*.csv"):
        head, *rows = path.read_text().splitlines()
        kept = [row for row in rows if datetime.fromisoformat(row.partition(",")[0]) >= begin]
        (folder / path.name).write_text("\n".join([head, *kept]) + "\n")
    return folder


@cache
def _recorded(week: str) -> Path:
    """The store of those days, simulated once in a process."""
    folder = _scratch() / f"{week}-record"
    with closing(database.connect(folder)) as connection:
        minute_simulation.simulate_minutes(connection, _week(week), days=DAYS[week][1])
    return folder


@dataclass(frozen=True)
class LiveHouse:
    """A configuration with its store, and the moment that its page is asked for."""

    config: Config
    now: datetime

    @property
    def folder(self) -> Path:
        return self.config.store.folder

    @property
    def live_file(self) -> Path:
        return live_state.path_for(self.folder)

    def cycle(
        self, decision: Decision = CYCLE, reading: Snapshot | None = READING, *,
        read_s: float | None = 0.012, shadow: bool = False, ago_s: float = 3.0,
    ) -> None:  # fmt: skip
        """Write the live file as a running executor does."""
        at = self.now - timedelta(seconds=ago_s)
        live_state.write(
            self.live_file, replace(decision, at=at),
            None if reading is None else replace(reading, at=at), os.getpid(), read_s,
            shadow=shadow,
        )  # fmt: skip

    def paused(self) -> None:
        """Pause it as `optimizer pause` does."""
        pause.store(self.folder, pause.Pause(self.now - timedelta(hours=1), "'optimizer pause'"))

    def negative_prices(self) -> None:
        """Store a plan in which a kWh is paid for taking it, two hours from the next full hour."""
        first = self.now + timedelta(hours=1)
        with closing(database.connect(self.folder)) as connection:
            plan = plan_store.in_force(connection, self.now)
            steps = tuple(
                replace(step, buy_eur_per_kwh=-0.12, sell_eur_per_kwh=-0.02)
                if first <= step.start < first + timedelta(hours=2)
                else step
                for step in plan.steps
            )
            plan_store.save(connection, replace(plan, made_at=self.now, steps=steps), {}, self.now)

    def later(self, by: timedelta) -> "LiveHouse":
        return replace(self, now=self.now + by)


def house(
    folder: Path, week: str = "winter", day: int = 4, hour: float = 15.5, site: str = "my house",
    *, recorded: bool = True,
) -> LiveHouse:  # fmt: skip
    """A sample house on one of its days, at an hour of its local day as elapsed since midnight."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "optimizer.toml"
    path.touch(0o600)
    text = CONFIG.format(
        battery=sample_data.BATTERY, grid=sample_data.GRID, tariff=sample_data.TARIFF,
        week=sample_data.folder() / week,
    )  # fmt: skip
    path.write_text(text.replace('site = "sample house"', f"site = '{site}'"))
    config = loading.load(path)
    if recorded:
        shutil.copytree(_recorded(week), config.store.folder)
    first, _ = sample_data.days(sample_data.folder() / week)
    return LiveHouse(config, sample_data.midnight(first, day) + timedelta(hours=hour))


def documents(at: LiveHouse) -> LiveDocuments:
    return LiveDocuments(lambda: at.config)


@contextmanager
def served(at: LiveHouse, access: Access | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a house's page; gives its address."""
    app = live_server.application(documents(at), access or Access(), lambda: at.now)
    listening = live_server.listen(host, 0)
    server = live_server.server(app)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive())
        assert server.started
        yield live_server.address_of(listening).rstrip("/")
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()
        at.live_file.unlink(missing_ok=True)
