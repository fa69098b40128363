"""Kinds of days for the roof: what two hours say of them."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError
from optimizer.model.pv_days import PvDays, seen

ZONE = "Europe/Berlin"


def test_a_dull_morning_makes_a_poor_day_likely_and_never_sure():
    poor, reported, rich = seen(ZONE, 2_000.0, 1_200.0).today
    assert poor > reported > rich > 0
    assert poor + reported + rich == pytest.approx(1)
    assert poor == pytest.approx(1.001 / (1.001 + 0.4121 + 0.0296), abs=0.001)


def test_two_hours_as_told_leave_poor_and_rich_alike():
    poor, reported, rich = seen(ZONE, 2_000.0, 2_000.0).today
    assert poor == pytest.approx(rich)
    assert reported > 1.5 * poor


def test_what_no_kind_explains_rules_none_out():
    assert min(seen(ZONE, 1_000.0, 9_000.0).today) > 0.3


@pytest.mark.parametrize("forecast_w", [0.0, 199.0, float("nan")])
def test_a_dark_hour_says_nothing(forecast_w):
    assert seen(ZONE, forecast_w, 500.0) == PvDays(ZONE)


def test_a_day_ends_at_the_local_midnight():
    days, midnight = PvDays(ZONE), datetime(2026, 6, 14, 22, tzinfo=UTC)
    assert days.day(midnight - timedelta(minutes=15)) + 1 == days.day(midnight)
    assert days.day(midnight) == days.day(midnight + timedelta(hours=23))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"today": (0.5, 0.5)}, "its ratio and its two weights"),
        ({"ratios": (), "today": (), "later": ()}, "its ratio and its two weights"),
        ({"today": (0.5, 0.5, 0.5)}, "sum to 1"),
        ({"later": (1.5, -0.5, 0.0)}, "negative"),
        ({"ratios": (0.6, 1.0, float("nan"))}, "negative"),
        ({"time_zone": "Europe/Nowhere"}, "unknown time zone 'Europe/Nowhere'"),
    ],
)
def test_what_would_be_no_kinds_of_days_is_refused(fields, said):
    with pytest.raises(DataError, match=said):
        PvDays(**{"time_zone": ZONE} | fields)
