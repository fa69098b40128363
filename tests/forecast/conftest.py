"""Small series for the tests of this room."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optimizer.model import frames
from optimizer.sources import owner_csv

AT = datetime(2026, 1, 14, 13, tzinfo=UTC)
DATA = Path(owner_csv.__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def at():
    """Start of all small series here: a full hour."""
    return AT


@pytest.fixture(scope="session")
def series():
    """A frame of columns on steps of some minutes from 13:00, or a shift of minutes later."""

    def make(minutes, *, shift=0, **columns):
        step, start = timedelta(minutes=minutes), AT + timedelta(minutes=shift)
        count = len(next(iter(columns.values())))
        starts = [start + index * step for index in range(count)]
        return frames.frame_of(starts, [moment + step for moment in starts], **columns)

    return make


@pytest.fixture(scope="session")
def sample_prices():
    """The spot prices of a sample week."""
    return lambda week: owner_csv.read_prices(DATA / week / "prices.csv")


@pytest.fixture(scope="session")
def sample_load():
    """The house load of a sample week."""
    return lambda week: owner_csv.read_power(DATA / week / "load.csv", "load_w")
