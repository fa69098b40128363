"""Grid fees by local time: months, midnight, and both nights in which the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.tariff import FeeWindow, Tariff

BERLIN = ZoneInfo("Europe/Berlin")
USUAL, LOW, HIGH = 0.07, 0.01, 0.15

SUMMER = frozenset({4, 5, 6, 7, 8, 9})


def tariff(*windows, **options):
    return Tariff(grid_fee_eur_per_kwh=USUAL, window=windows, **options)


def window(start, end, fee=LOW, **options):
    return FeeWindow(time.fromisoformat(start), time.fromisoformat(end), fee, **options)


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "fee"),
    [
        ("2026-06-15 09:59", USUAL),
        ("2026-06-15 10:00", LOW),
        ("2026-06-15 14:59:59", LOW),
        ("2026-06-15 15:00", USUAL),
        ("2026-03-31 12:00", USUAL),
        ("2026-04-01 12:00", LOW),
        ("2026-09-30 12:00", LOW),
        ("2026-10-01 12:00", USUAL),
    ],
)
def test_a_summer_noon_window(at, fee):
    fees = tariff(window("10:00", "15:00", months=SUMMER))
    assert fees.grid_fee(local(at)) == fee


@pytest.mark.parametrize(
    ("at", "fee"),
    [("21:59", USUAL), ("22:00", LOW), ("23:59", LOW), ("00:00", LOW), ("05:59", LOW),
     ("06:00", USUAL), ("12:00", USUAL)],
)  # fmt: skip
def test_a_window_over_midnight(at, fee):
    assert tariff(window("22:00", "06:00")).grid_fee(local(f"2026-06-15 {at}")) == fee


def test_a_window_over_midnight_ends_with_its_months():
    fees = tariff(window("22:00", "06:00", months=SUMMER))
    assert fees.grid_fee(local("2026-09-30 23:59")) == LOW
    assert fees.grid_fee(local("2026-10-01 00:00")) == USUAL
    assert fees.grid_fee(local("2026-04-01 00:00")) == LOW


def test_a_window_up_to_midnight_and_one_of_the_whole_day():
    assert tariff(window("18:00", "00:00")).grid_fee(local("2026-06-15 23:59")) == LOW
    assert tariff(window("18:00", "00:00")).grid_fee(local("2026-06-15 00:00")) == USUAL
    assert tariff(window("00:00", "00:00")).grid_fee(local("2026-06-15 13:00")) == LOW


def test_the_first_window_that_covers_a_moment_wins():
    fees = tariff(window("17:00", "20:00", HIGH), window("10:00", "18:00", LOW))
    assert fees.grid_fee(local("2026-06-15 17:30")) == HIGH
    assert fees.grid_fee(local("2026-06-15 16:30")) == LOW


def test_windows_are_local_and_moments_are_utc():
    fees = tariff(window("10:00", "15:00"))
    assert fees.grid_fee(datetime(2026, 6, 15, 8, 0, tzinfo=UTC)) == LOW
    assert fees.grid_fee(datetime(2026, 6, 15, 13, 0, tzinfo=UTC)) == USUAL
    assert fees.grid_fee(datetime(2026, 1, 15, 8, 0, tzinfo=UTC)) == USUAL
    assert fees.grid_fee(datetime(2026, 1, 15, 9, 0, tzinfo=UTC)) == LOW


def test_windows_follow_the_tariffs_own_zone():
    fees = tariff(window("10:00", "15:00"), time_zone=ZoneInfo("Atlantic/Azores"))
    assert fees.grid_fee(local("2026-06-15 11:00")) == USUAL
    assert fees.grid_fee(local("2026-06-15 12:00")) == LOW


def quarters_in_window(day, start, end):
    """Quarter-hours of a local day on which the window's fee holds."""
    fees, at = tariff(window(start, end)), local(f"{day} 00:00").astimezone(UTC)
    last = (local(f"{day} 00:00") + timedelta(days=1)).astimezone(UTC)
    found = []
    while at < last:
        if fees.grid_fee(at) == LOW:
            found.append(at.astimezone(BERLIN).strftime("%H:%M"))
        at += timedelta(minutes=15)
    return found


def test_the_hour_that_spring_leaves_out_is_not_in_the_window():
    found = quarters_in_window("2026-03-29", "01:30", "03:30")
    assert found == ["01:30", "01:45", "03:00", "03:15"]


def test_a_window_in_the_hour_that_spring_leaves_out_never_comes():
    assert quarters_in_window("2026-03-29", "02:00", "03:00") == []


def test_the_hour_that_autumn_repeats_is_in_the_window_twice():
    found = quarters_in_window("2026-10-25", "01:45", "02:30")
    assert found == ["01:45", "02:00", "02:15", "02:00", "02:15"]


@pytest.mark.parametrize(
    ("day", "quarters"), [("2026-03-29", 20), ("2026-10-25", 28), ("2026-06-15", 24)]
)
def test_a_night_window_has_as_many_quarters_as_the_night(day, quarters):
    assert len(quarters_in_window(day, "00:00", "06:00")) == quarters


def test_the_window_replaces_the_fee_before_vat():
    fees = tariff(window("10:00", "15:00"), vat_percent=19)
    assert fees.buy(0.10, local("2026-06-15 12:00")) == pytest.approx((0.10 + LOW) * 1.19)
    assert fees.buy(0.10, local("2026-06-15 16:00")) == pytest.approx((0.10 + USUAL) * 1.19)
