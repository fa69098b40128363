"""The forecast looked back on: how far a house strays from it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimizer.forecast import load_forecast, load_ratios
from optimizer.model import frames

ZONE = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 6, 21, 22, tzinfo=UTC)  # local midnight
QUARTER = timedelta(minutes=15)


def past(days, what, seed=5):
    chance = np.random.default_rng(seed)
    starts = [AT - (days * 96 - n) * QUARTER for n in range(days * 96)]
    values = [max(2.0, what(at.astimezone(ZONE), chance)) for at in starts]
    return frames.frame_of(starts, [at + QUARTER for at in starts], load_w=values)


def spread_of(history, minutes=15):
    return load_ratios.spread_of(history, AT, ZONE, timedelta(minutes=minutes))


def steady(local, chance):
    return 500.0 + 10 * local.hour + chance.normal(0, 1)


def wild(local, chance):
    return 2_000.0 * (chance.random() < 0.25) + 10.0 if local.hour == 18 else steady(local, chance)


def test_a_steady_house_strays_little_and_a_wild_hour_much():
    made = spread_of(past(28, wild))
    assert made.time_zone == "Europe/Berlin"
    assert made.ratios[12] == pytest.approx([1] * 5, abs=0.02)
    low, *_, high = made.ratios[18]
    assert low < 0.1
    assert high > 2.5
    assert np.mean(made.ratios[18]) == pytest.approx(1)


def test_longer_steps_are_smoother():
    fine, coarse = (spread_of(past(28, wild), minutes).ratios[18] for minutes in (15, 60))
    assert coarse[-1] < fine[-1]
    assert coarse[0] > fine[0]


@pytest.mark.parametrize("days", [0, 3, 13])
def test_with_less_than_a_fortnight_an_average_home_counts(days):
    assert spread_of(past(days, steady) if days else None) is None


def test_a_day_is_looked_back_on_with_the_forecast_in_use():
    """As of midnight, the method of `load` itself."""
    history = past(21, wild)
    day = AT - timedelta(days=1)
    reported = load_forecast.load_forecast(history, day, AT, day, ZONE, 4_000).frame["load_w"]
    values = history["load_w"].to_numpy().reshape(21, 96)
    hindcast = load_ratios._hindcast(values)
    assert hindcast[20] == pytest.approx(reported.to_numpy())
    assert np.isnan(hindcast[:7]).all()


def test_days_with_holes_are_not_made_up():
    history = past(28, steady)
    gone = (history.index >= AT - timedelta(days=2)) & (history.index < AT - timedelta(days=1.3))
    assert spread_of(history[~gone]).ratios[12] == pytest.approx([1] * 5, abs=0.02)
    values = past(28, steady)["load_w"].to_numpy().reshape(28, 96).copy()
    values[20, 40:] = np.nan
    hindcast = load_ratios._hindcast(values)
    assert np.isnan(hindcast[21]).all()
    assert np.isfinite(hindcast[22]).all()
