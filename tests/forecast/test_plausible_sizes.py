"""Sentences about sizes that a house cannot have."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.forecast import plausible_sizes
from optimizer.model import frames

START = datetime(2026, 1, 14, tzinfo=UTC)


def frame_of(column, value, days=2):
    made = frames.steps(START, START + timedelta(days=days), timedelta(hours=1))
    return made.assign(**{column: value})


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("load_w", 21.0, "184 kWh a year: is the load in kW?"),
        ("load_w", 50_000.0, "438 300 kWh a year: is the load in W"),
        ("pv_w", 8.0, "at most 8 W from modules of 10 kWp: is the PV power in kW?"),
        ("pv_w", 80_000.0, "up to 80 000 W from modules of 10 kWp"),
        ("spot_eur_per_kwh", 3.0, "prices of 300 ct/kWh on average: are they in ct/kWh?"),
        ("buy_eur_per_kwh", 0.0003, "prices of 0.03 ct/kWh on average: are they in EUR/kWh"),
    ],
)
def test_another_unit_is_named(column, value, text):
    (found,) = plausible_sizes.warnings(frame_of(column, value), kwp=10)
    assert found.startswith(text)


@pytest.mark.parametrize(
    ("column", "value"),
    [("load_w", 450.0), ("pv_w", 8_000.0), ("spot_eur_per_kwh", 0.08), ("buy_eur_per_kwh", 0.3)],
)
def test_usual_sizes_are_not_mentioned(column, value):
    assert plausible_sizes.warnings(frame_of(column, value), kwp=10) == ()


def test_less_than_a_day_says_nothing_about_a_year():
    assert plausible_sizes.warnings(frame_of("load_w", 21.0, days=0.9)) == ()


def test_holes_do_not_count_in_the_year():
    frame = frame_of("load_w", 1_000.0)
    frame.loc[frame.index[::2], "load_w"] = float("nan")
    assert plausible_sizes.annual_kwh(frame["load_w"], frame) == pytest.approx(8_766)
