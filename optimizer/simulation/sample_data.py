"""The sample house: its data (folder `data/` of the project) and its settings."""

import sysconfig
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.errors import DataError
from optimizer.forecast import forecast_frame
from optimizer.model import frames
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.moments import QUARTER
from optimizer.model.tariff import Export, Tariff
from optimizer.sources import owner_csv

ZONE = ZoneInfo("Europe/Berlin")

BATTERY = Battery(capacity_wh=22_000)
"""A FENECON Home of ten modules."""

GRID = Grid(max_buy_w=20_000, max_sell_w=9_000)

TARIFF = Tariff(
    markup_eur_per_kwh=0.018,
    levies_eur_per_kwh=0.02946,
    tax_eur_per_kwh=0.0205,
    concession_eur_per_kwh=0.0166,
    grid_fee_eur_per_kwh=0.07,
    vat_percent=19,
    export=Export(eur_per_kwh=0.0778, zero_when_spot_negative=True),
    time_zone=ZONE,
)
"""German parts of 2026, feed-in as for a roof commissioned in the spring of 2026."""


def folder() -> Path:
    """Folder of the sample data: beside the package in a checkout, else where pip put them.

    Raises
    ------
    DataError
        If they are nowhere.
    """
    places = [
        Path(__file__).parents[2] / "data",
        Path(sysconfig.get_path("data")) / "share" / "optimizer",
    ]
    for place in places:
        if (place / "winter" / "prices.csv").is_file():
            return place
    raise DataError(f"the sample data are not in {' nor in '.join(map(str, places))}")


def prices(week: Path) -> pd.DataFrame:
    """All-in prices of a sample week [EUR/kWh]."""
    return forecast_frame.all_in(owner_csv.read_prices(week / "prices.csv"), TARIFF)


def forecast(week: Path, start: datetime, end: datetime) -> pd.DataFrame:
    """Forecast on quarter-hours, from `start` to `end`."""
    return _joined(week, "_forecast", start, end)


def measured(week: Path, start: datetime, end: datetime) -> pd.DataFrame:
    """Measurements on quarter-hours, from `start` to `end`."""
    return _joined(week, "", start, end)


def _joined(week: Path, suffix: str, start: datetime, end: datetime) -> pd.DataFrame:
    load = owner_csv.read_power(week / f"load{suffix}.csv", "load_w")
    pv = owner_csv.read_power(week / f"roof{suffix}.csv", "pv_w")
    return forecast_frame.forecast(prices(week), load, pv, start, end - start, QUARTER)


def days(week: Path) -> tuple[datetime, datetime]:
    """First and last moment of a sample week (UTC)."""
    frame = owner_csv.read_prices(week / "prices.csv")
    return frames.starts_of(frame)[0], frames.ends_of(frame)[-1]


def midnight(moment: datetime, later_days: int = 0) -> datetime:
    """The local midnight at or before a moment, some days on (UTC, right on DST days).

    >>> midnight(datetime(2026, 3, 29, 12, tzinfo=UTC), 1).isoformat()
    '2026-03-29T22:00:00+00:00'
    """
    day = moment.astimezone(ZONE).date() + timedelta(days=later_days)
    return datetime.combine(day, time(), ZONE).astimezone(UTC)
