"""What is counted of a quarter-hour: the meter's both directions, need, roof and charge."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.compliance import MeterSample, count

START = datetime(2026, 1, 15, 2, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


def counted(*readings):
    """The record after readings of (second, grid, battery, roof, charge)."""
    quarter = None
    for second, *seen in readings:
        quarter = count(quarter, at(second), MeterSample(*seen), held=False)
    return quarter


def test_both_directions_are_counted_apart():
    quarter = counted(
        (0, 0, 0, 0, 5_000), (30, 1_200, 600, 0, 4_990), (60, -2_400, -600, 3_600, 4_995)
    )
    assert (quarter.drawn_wh, quarter.fed_wh) == pytest.approx((10, 20))
    assert (quarter.discharged_wh, quarter.charged_wh) == pytest.approx((5, 5))
    assert (quarter.residual_load_wh, quarter.surplus_wh) == pytest.approx((15, 25))
    assert quarter.pv_wh == pytest.approx(30)
    assert (quarter.first_soc_wh, quarter.soc_wh, quarter.seconds) == (5_000, 4_995, 60)


def test_a_roof_that_was_unknown_once_is_unknown_for_the_quarter_hour():
    known = counted((0, 0, 0, 100, None), (30, 0, 0, 1_200, None))
    assert known.pv_wh == pytest.approx(10)
    unknown = counted((0, 0, 0, 100, None), (30, 0, 0, None, None), (60, 0, 0, 1_200, None))
    assert unknown.pv_wh is None
    assert unknown.soc_wh is None


def test_the_charge_at_the_boundary_lies_between_two_readings():
    quarter = counted((880, 0, 0, 0, 5_000), (890, 0, 0, 0, 5_000), (930, 3_600, 0, 0, 5_400))
    assert quarter.previous.soc_wh == pytest.approx(5_100)
    assert quarter.first_soc_wh == pytest.approx(5_100)
    assert (quarter.previous.drawn_wh, quarter.drawn_wh) == pytest.approx((10, 30))
    blind = counted((890, 0, 0, 0, None), (910, 0, 0, 0, 5_000))
    assert (blind.previous.soc_wh, blind.first_soc_wh) == (None, None)


def test_a_pause_is_not_counted_but_the_charge_after_it_is_known():
    quarter = counted((0, 0, 0, 0, 5_000), (30, 1_200, 0, 0, 5_000), (200, 1_200, 0, 0, 5_300))
    assert (quarter.seconds, quarter.drawn_wh) == pytest.approx((30, 10))
    assert quarter.soc_wh == 5_300
    fresh = counted((0, 0, 0, 0, 5_000), (1_000, 0, 0, 0, 4_000))
    assert (fresh.start, fresh.first_soc_wh, fresh.previous) == (at(900), 4_000, None)
