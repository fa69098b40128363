"""The sample site: a simulated house with a recorded week, as an owner's site."""

import atexit
import shutil
import tempfile
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.app.owner_site import Site
from optimizer.app.record_frames import Moment
from optimizer.backtest import scenario_data
from optimizer.errors import UsageError
from optimizer.simulation import minute_simulation, sample_data
from optimizer.simulation.minute_simulation import Disturbance, Trouble
from optimizer.store import database

if TYPE_CHECKING:
    from optimizer.backtest.scenario_data import HouseSeries
    from optimizer.config.sections import Config

WEEKS = ("winter", "spring", "summer", "autumn")
RECORDED_DAYS = 5
"""Days of the week that were simulated; prices and forecasts reach two days further."""
OUTAGE_BEGIN, OUTAGE_END = timedelta(days=3, hours=15), timedelta(days=3, hours=18)
"""Span in which the simulated FEMS does not answer, from the week's first moment."""

CONFIG = """
site = "sample house"
[fems]
url = "http://127.0.0.1:9"
password = "owner"
[battery]
capacity_wh = {battery.capacity_wh}
max_charge_w = {battery.max_charge_w}
max_discharge_w = {battery.max_discharge_w}
hybrid = false
[grid]
max_buy_w = {grid.max_buy_w}
max_sell_w = {grid.max_sell_w}
[prices]
sources = ["csv"]
file = "{week}/prices.csv"
[tariff]
markup_eur_per_kwh = {tariff.markup_eur_per_kwh}
levies_eur_per_kwh = {tariff.levies_eur_per_kwh}
tax_eur_per_kwh = {tariff.tax_eur_per_kwh}
concession_eur_per_kwh = {tariff.concession_eur_per_kwh}
grid_fee_eur_per_kwh = {tariff.grid_fee_eur_per_kwh}
vat_percent = {tariff.vat_percent}
[tariff.export]
eur_per_kwh = {tariff.export.eur_per_kwh}
zero_when_spot_negative = true
[load]
source = "csv"
file = "{week}/load_forecast.csv"
[pv]
source = "csv"
file = "{week}/roof_forecast.csv"
[store]
folder = "store"
"""


def sample_site(week: str = "winter") -> Site:
    """The sample house in one of four weeks of 2025 and 2026, as a `Site`.

    Its first five days are simulated once in a process (some 3 s): plans at midnight of the first
    day and at 14:00 of each, the real control law, and a FEMS that is away for three hours of the
    fourth. The site's `now` is the end of the fifth day. Nothing needs a battery or a network.

    Parameters
    ----------
    week
        `winter`, `spring`, `summer` or `autumn`.

    Examples
    --------
    >>> site = sample_site("winter")
    >>> site.now.isoformat(), site.battery.capacity_wh
    ('2026-01-16T23:00:00+00:00', 22000.0)
    """
    if week not in WEEKS:
        raise UsageError(f"there is no sample week '{week}': take one of {', '.join(WEEKS)}")
    return SampleSite(week)


class SampleSite(Site):
    """A site whose record is simulated at the first question for it."""

    def __init__(self, week: str) -> None:
        self._week = week
        super().__init__(_folder_of(week) / "optimizer.toml")

    @property
    def now(self) -> datetime:
        """End of the simulated days."""
        first, _ = sample_data.days(sample_data.folder() / self._week)
        return sample_data.midnight(first, RECORDED_DAYS)

    @property
    def _stored(self) -> "Config":
        _simulate(self._week)
        return self._config

    @property
    def _is_live(self) -> bool:
        return False

    def _measured_span(
        self, begin: Moment | None, end: Moment | None
    ) -> tuple[datetime | None, datetime | None]:
        return (
            None if begin is None else self._at(begin),
            None if end is None else self._at(end),
        )

    def _measured(self, begin: datetime | None, end: datetime | None) -> "HouseSeries":
        """The series of the whole week."""
        return scenario_data.folder(sample_data.folder() / self._week)


@cache
def _work_folder() -> Path:
    """Folder of this process, removed when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="optimizer-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _folder_of(week: str) -> Path:
    """Folder with the configuration of a sample week."""
    folder = _work_folder() / week
    folder.mkdir()
    text = CONFIG.format(
        battery=sample_data.BATTERY, grid=sample_data.GRID, tariff=sample_data.TARIFF,
        week=sample_data.folder() / week,
    )  # fmt: skip
    path = folder / "optimizer.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return folder


@cache
def _simulate(week: str) -> None:
    """Let the sample week's store get its plans and its record."""
    data = sample_data.folder() / week
    first, _ = sample_data.days(data)
    away = Trouble(Disturbance.OUTAGE, first + OUTAGE_BEGIN, first + OUTAGE_END)
    connection = database.connect(_folder_of(week) / "store")
    try:
        minute_simulation.simulate_minutes(connection, data, days=RECORDED_DAYS, troubles=[away])
    finally:
        connection.close()
