"""Faults in a past: impossible values, fillers, and the days after a holiday."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from optimizer.forecast import load_faults, load_forecast
from optimizer.model import frames

ZONE = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 22, 13, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def history(days, level_w, step=HOUR, seed=3):
    """A house with evenings; `level_w` gives the mean of a day, counted back from now."""
    chance = np.random.default_rng(seed)
    count = round(days * DAY / step)
    starts = [AT - (count - n) * step for n in range(count)]
    values = [
        level_w((AT - at) // DAY) * (1 + 0.5 * math.sin(at.hour / 24 * 2 * math.pi))
        * chance.uniform(0.8, 1.2) for at in starts
    ]  # fmt: skip
    return frames.frame_of(starts, [at + step for at in starts], load_w=values)


def forecast(past, most_w=np.inf):
    made = load_forecast.load_forecast(past, AT, AT + DAY, AT, ZONE, 4_000.0, most_w)
    return made.frame["load_w"].mean(), made.notes


@pytest.mark.parametrize(
    ("home_days", "least_w", "most_w"),
    [(0, 140, 170), (1, 930, 1_070), (2, 930, 1_070), (4, 930, 1_070), (7, 930, 1_070)],
)
def test_a_holiday_is_left_within_a_day_at_home(home_days, least_w, most_w):
    """Before: 153, 428, 525, 630 and 761 W after 0, 1, 2, 4 and 7 days at home."""
    past = history(28, lambda ago: 150.0 if home_days <= ago < home_days + 14 else 1_000.0)
    mean_w, notes = forecast(past)
    assert least_w <= mean_w <= most_w
    assert any("14 days of absence" in note for note in notes) is (home_days > 0)


@pytest.mark.parametrize(
    "level_w",
    [
        lambda ago: 1_000.0 if ago % 4 == 0 else 300.0,
        lambda ago: 1_000.0 if ago % 7 in (0, 1) else 300.0,
        lambda ago: 300.0,
        lambda ago: 1_000.0 - 25 * ago,
        lambda ago: 300.0 if 3 <= ago < 6 else 1_000.0,
    ],
    ids=["a car each fourth day", "weekends only", "even", "a season", "three days away"],
)
def test_a_rhythm_of_the_house_is_no_absence(level_w):
    past = load_forecast.known_quarters(history(28, level_w), AT, ZONE)
    assert load_faults.at_home(past.starts, past.load_w, AT).all()


@pytest.mark.parametrize(("spike_w", "most_w"), [(57_000, np.inf), (99_000, np.inf),
                                                 (22_000, 20_000)])  # fmt: skip
def test_a_value_that_the_house_cannot_have_is_a_hole_with_a_note(spike_w, most_w):
    past = history(28, lambda ago: 500.0)
    usual, _ = forecast(past)
    past.iloc[-30, past.columns.get_loc("load_w")] = spike_w
    mean_w, notes = forecast(past, most_w)
    assert mean_w == pytest.approx(usual, rel=0.01)
    (note,) = (text for text in notes if "cannot have" in text)
    assert f"the first is {spike_w / 1000:.0f} kW at 21.11. 08:00" in note


def test_a_car_at_22_kw_is_possible():
    past = history(28, lambda ago: 500.0)
    past.iloc[-30:-28, past.columns.get_loc("load_w")] = 23_000.0
    assert len(load_faults.clean(past, 30_000)) == len(past)


def test_days_that_repeat_the_day_before_are_fillers():
    past = history(28, lambda ago: 500.0)
    values = past["load_w"].to_numpy().copy()
    for day in (11, 12, 13):
        values[24 * day : 24 * (day + 1)] = values[240:264]
    past = past.assign(load_w=values)
    kept = load_faults.clean(past)
    assert kept.index.tolist() == [*past.index[:264], *past.index[336:]]
    assert "load: 72 h of the past repeat the day before: they are left out" in forecast(past)[1]


def test_a_house_whose_days_are_all_the_same_is_kept():
    past = history(14, lambda ago: 500.0)
    past = past.assign(load_w=np.tile(past["load_w"].to_numpy()[:24], 14))
    assert len(load_faults.clean(past)) == len(past)


def test_a_meter_that_stands_still_is_noted():
    past = history(28, lambda ago: 500.0)
    past.iloc[100:120, past.columns.get_loc("load_w")] = 432.1
    assert "load: 20 h of the past do not change at all: they are left out" in forecast(past)[1]


def test_what_the_owner_calls_an_absence_is_left_out_at_once():
    starts = pd.date_range("2026-01-10", periods=8, freq="15min", tz="UTC")
    history = pd.DataFrame({"end": starts + starts.freq, "load_w": range(8)}, index=starts)
    begin, end = starts[2].to_pydatetime(), starts[4].to_pydatetime()
    minute = timedelta(minutes=1)
    kept = load_faults.outside(history, [(begin + minute, end + minute)])
    assert list(kept["load_w"]) == [0, 1, 5, 6, 7]  # also the steps that it only touches
    assert len(load_faults.outside(history, [(begin, end), (end, end + minute)])) == 5
    assert load_faults.outside(history, []).equals(history)
