"""What a house's own history says about the spread of its load."""

from itertools import pairwise
from random import Random

import pytest

from optimizer.forecast import load_ratios
from optimizer.forecast.load_ratios import ENOUGH_KWH, learn_ratios, ratios
from optimizer.model.load_spread import GENERIC_RATIOS


def test_the_ratios_have_a_mean_of_1_and_rise():
    rng = Random(5)  # noqa: S311
    for _ in range(50):
        count = rng.randint(1, 200)
        forecast = [rng.uniform(1, 900) for _ in range(count)]
        actual = [value * rng.lognormvariate(0.3, 0.8) for value in forecast]
        found = ratios(actual, forecast)
        assert len(found) == load_ratios.LOADS
        assert sum(found) / len(found) == pytest.approx(1, abs=1e-9)
        assert all(left <= right + 1e-12 for left, right in pairwise(found))


def test_equal_forecasts_give_the_means_of_the_fifths():
    """Ten steps of 100 W; two of them make each part, their mean over the mean of all."""
    actual = [40, 20, 60, 80, 100, 120, 140, 160, 180, 100]
    found = ratios(actual, [100] * 10)
    assert found == pytest.approx([0.3, 0.7, 1.0, 1.3, 1.7])


def test_a_large_ratio_of_a_tiny_forecast_counts_by_its_energy():
    """A step of 1 W that became 20 W moves nothing beside nine of 1 kW."""
    found = ratios([20, *[1_000] * 9], [1, *[1_000] * 9])
    assert found == pytest.approx([1.0] * 5, abs=0.02)


def test_the_forecasts_own_bias_is_left_to_the_forecast():
    assert ratios([300, 100], [100, 100], loads=2) == pytest.approx([0.5, 1.5])
    assert ratios([600, 200], [100, 100], loads=2) == pytest.approx([0.5, 1.5])


def history(days, load):
    """Hourly (actual, forecast, hour) of some days; forecast 1 kW."""
    hours = [hour for _ in range(days) for hour in range(24)]
    actual = [load(day, hour) for day in range(days) for hour in range(24)]
    return actual, [1_000.0] * len(hours), hours


def test_an_hour_seen_often_has_its_own_figures_and_the_zone_is_kept():
    actual, forecast, hours = history(20, lambda day, _: 500.0 if day % 2 else 1_500.0)
    found = learn_ratios(actual, forecast, hours, 1.0, "Europe/Vienna")
    assert found.time_zone == "Europe/Vienna"
    assert found.ratios[7] == pytest.approx([0.5, 0.5, 1.0, 1.5, 1.5])


def test_each_hour_has_its_own_figures():
    actual, forecast, hours = history(
        20, lambda day, hour: 1_000.0 if hour != 18 else (200.0, 1_800.0)[day % 2]
    )
    found = learn_ratios(actual, forecast, hours, 1.0, "UTC")
    assert found.ratios[17] == pytest.approx([1.0] * 5)
    assert found.ratios[18][0] == pytest.approx(0.2)


def test_a_short_history_is_mixed_with_the_generic_figures():
    actual, forecast, hours = history(2, lambda *_: 1_000.0)
    share = 2.0 / ENOUGH_KWH
    found = learn_ratios(actual, forecast, hours, 1.0, "UTC")
    for row, generic in zip(found.ratios, GENERIC_RATIOS, strict=True):
        expected = [share + (1 - share) * ratio for ratio in generic]
        assert row == pytest.approx(expected)


def test_no_history_and_unknown_steps_leave_the_generic_figures():
    assert learn_ratios([], [], [], 0.25, "UTC").ratios == GENERIC_RATIOS
    gone = float("nan")
    nothing = learn_ratios(
        [gone, 100.0, 100.0, 0.0], [100.0, gone, 0.0, 100.0], [3] * 4, 1.0, "UTC"
    )
    assert nothing.ratios == GENERIC_RATIOS
    same = learn_ratios([200.0, gone] * 40, [1_000.0, 9_000.0] * 40, [3] * 80, 1.0, "UTC")
    assert same.ratios[3] == pytest.approx([1.0] * 5)
