"""A tariff that changes at New Year, in windows of some weekdays, and its end."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.tariff import Export, ExportKind, FeeWindow, Tariff, TariffChange

BERLIN = ZoneInfo("Europe/Berlin")
NEXT = TariffChange(
    levies_eur_per_kwh=0.05, valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31)
)
FEES = Tariff(levies_eur_per_kwh=0.03, valid_to=date(2026, 12, 31), change=(NEXT,))


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("at", "levies"),
    [
        (local("2026-12-31 23:59"), 0.03),
        (local("2027-01-01 00:00"), 0.05),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), 0.03),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), 0.05),
        (local("2030-06-01 12:00"), 0.05),
    ],
)
def test_parts_change_at_local_midnight(at, levies):
    assert FEES.buy(0.0, at) == pytest.approx(levies)


@pytest.mark.parametrize(
    ("at", "expired"),
    [("2026-12-31 12:00", False), ("2027-06-01 12:00", False), ("2028-01-01 00:00", True)],
)
def test_it_expires_with_its_last_part(at, expired):
    assert FEES.expired(local(at)) is expired
    assert FEES.ends == date(2027, 12, 31)
    assert Tariff().ends is None


def test_a_gap_between_two_parts_is_expired_too():
    late = TariffChange(valid_from=date(2027, 2, 1))
    fees = Tariff(valid_to=date(2026, 12, 31), change=(late,))
    assert fees.expired(local("2027-01-15 12:00"))
    assert not fees.expired(local("2027-02-01 00:00"))


def test_pay_and_windows_change_too():
    window = FeeWindow(time(17), time(22), 0.11)
    new = TariffChange(
        window=(window,), export=Export(ExportKind.FIXED, 0.06), valid_from=date(2027, 1, 1)
    )
    fees = Tariff(export=Export(ExportKind.FIXED, 0.08), change=(new,))
    pay = [fees.sell(0.1, local(day)) for day in ("2026-12-31 18:00", "2027-01-01 18:00")]
    assert pay == [0.08, 0.06]
    assert fees.grid_fee(local("2026-12-31 18:00")) == 0.0
    assert fees.grid_fee(local("2027-01-01 18:00")) == 0.11


def test_a_window_of_workdays():
    night = FeeWindow(time(22), time(6), 0.02, days=("mo", "tu", "we", "th", "fr"))
    fees = Tariff(grid_fee_eur_per_kwh=0.1, window=(night,))
    assert fees.grid_fee(local("2026-11-20 23:00")) == 0.02  # Friday
    assert fees.grid_fee(local("2026-11-21 05:00")) == 0.02  # the night that began on Friday
    assert fees.grid_fee(local("2026-11-21 23:00")) == 0.1  # Saturday
    assert fees.grid_fee(local("2026-11-23 05:00")) == 0.1  # the night that began on Sunday
    noon = FeeWindow(time(10), time(15), 0.02, days=("su",))
    assert Tariff(window=(noon,)).grid_fee(local("2026-11-22 12:00")) == 0.02
    assert Tariff(window=(noon,)).grid_fee(local("2026-11-23 12:00")) == 0.0
