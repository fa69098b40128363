"""The spread of the load: 24 rows of ratios with a mean of 1, by local hour."""

from datetime import UTC, datetime

import pytest

from optimizer.errors import DataError
from optimizer.model.load_spread import GENERIC_RATIOS, LoadSpread, certain, generic


def test_the_generic_figures_are_a_spread():
    spread = generic()
    assert len(spread.ratios) == 24
    for row in spread.ratios:
        assert list(row) == sorted(row)
        assert sum(row) / len(row) == pytest.approx(1, abs=1e-9)
        assert row[0] < 0.6
        assert row[-1] > 1.6


def test_the_hour_is_the_local_one_on_both_sides_of_the_clock_change():
    spread = LoadSpread("Europe/Berlin", tuple((h / 100, 2 - h / 100) for h in range(24)))
    assert spread.at(datetime(2026, 3, 29, 0, 30, tzinfo=UTC))[0] == 0.01
    assert spread.at(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))[0] == 0.03
    assert spread.at(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))[0] == 0.02
    assert spread.at(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))[0] == 0.02


def test_certain_is_the_forecast_itself():
    assert certain("UTC").at(datetime(2026, 1, 1, tzinfo=UTC)) == (1.0,)


def test_the_spread_to_plan_with_is_wider_and_of_the_same_mean():
    wide = LoadSpread("UTC", ((0.5, 0.8, 1.7), (0.1, 0.4, 2.5)) + ((1.0,) * 3,) * 22).widened(2.0)
    assert wide.ratios[0] == pytest.approx((0.0, 0.6, 2.4))
    assert wide.ratios[1] == pytest.approx((0.0, 0.0, 3.0))
    assert wide.ratios[2] == (1.0, 1.0, 1.0)
    assert certain("UTC").widened() == certain("UTC")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (GENERIC_RATIOS[:23], "24 rows"),
        ((*GENERIC_RATIOS[:23], (1.0,)), "same number"),
        (((),) * 24, "24 rows"),
        (((0.9, 1.0),) * 24, "hour 0 have a mean of 0.9500"),
        (((-0.1, 2.1),) * 24, "least of -0.1000"),
        (((float("nan"), 1.0),) * 24, "mean of nan"),
    ],
)
def test_what_is_no_spread_is_refused(rows, words):
    with pytest.raises(DataError, match=words):
        LoadSpread("Europe/Berlin", rows)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "../x", ""])
def test_an_unknown_time_zone_is_named(zone):
    with pytest.raises(DataError, match="unknown time zone"):
        certain(zone)
