"""State of charge between whole percents."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.input_checks import estimate
from optimizer.model.battery import Battery

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
BATTERY = Battery(capacity_wh=22_000)


def test_it_follows_the_battery_between_whole_percents():
    """Discharging 2 kW from 50.4 %: the estimate is closer than the whole percent throughout."""
    true_wh, soc, worst = 0.504 * 22_000, None, 0.0
    for second in range(0, 1_800, 10):
        shown = round(100 * true_wh / 22_000)
        soc = estimate(soc, AT + timedelta(seconds=second), shown, 2_000, BATTERY)
        if second > 300:  # after the first change of the shown percent
            worst = max(worst, abs(soc.soc_wh - true_wh))
        true_wh = BATTERY.stored_after(true_wh, 2_000, 10 / 3600)
    assert worst < 20  # a tenth of a percent; the percent alone is up to 110 Wh off


@pytest.mark.parametrize("percent", [30, 70])
def test_it_never_leaves_what_the_fems_says(percent):
    first = estimate(None, AT, 50, -5_000, BATTERY)
    later = estimate(first, AT + timedelta(seconds=10), percent, 0, BATTERY)
    assert abs(later.soc_wh / 220 - percent) <= 0.5


def test_nothing_is_integrated_over_a_gap_or_backwards():
    first = estimate(None, AT, 50, -5_000, BATTERY)
    for gap in (timedelta(seconds=61), timedelta(seconds=-1)):
        assert estimate(first, AT + gap, 50, 0, BATTERY).soc_wh == 11_000


def test_an_unknown_power_counts_as_standing_still():
    first = estimate(None, AT, 50, None, Battery(capacity_wh=22_000, standby_w=60))
    later = estimate(first, AT + timedelta(seconds=50), 50, None, BATTERY)
    assert later.soc_wh == pytest.approx(11_000, abs=1)
