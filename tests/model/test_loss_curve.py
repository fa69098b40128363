"""Losses that grow with power: the battery's one formula, its inverse, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.model import json_records
from optimizer.model.battery import Battery
from optimizer.model.loss_curve import checked_charge_curve, checked_discharge_curve
from optimizer.model.site import wear_eur

CHARGE = ((2_000.0, 0.97), (5_000.0, 0.955), (10_000.0, 0.93))
DISCHARGE = ((3_000.0, 0.96), (10_000.0, 0.92))
CURVED = Battery(10_000, charge_efficiency=CHARGE, discharge_efficiency=DISCHARGE, standby_w=20)

repeatable = settings(max_examples=60, derandomize=True, deadline=None)
POWER = st.floats(-15_000, 15_000)
HOURS = st.sampled_from([0.1, 0.25, 1.0])


@pytest.mark.parametrize(("power_w", "share"), [*CHARGE, (1_000, 0.97), (0.0, 0.97)])
def test_charging_has_the_efficiency_of_its_points(power_w, share):
    assert CURVED.charge_efficiency_at(power_w) == pytest.approx(share)
    assert CURVED.into_cells_w(power_w) == pytest.approx(power_w * share)


@pytest.mark.parametrize(("power_w", "share"), [*DISCHARGE, (500, 0.96), (0.0, 0.96)])
def test_discharging_has_the_efficiency_of_its_points(power_w, share):
    assert CURVED.discharge_efficiency_at(power_w) == pytest.approx(share)
    assert CURVED.out_of_cells_w(power_w) == pytest.approx(power_w / share)


def test_between_the_points_and_beyond_them_it_is_a_straight_line():
    assert CURVED.into_cells_w(3_500.0) == pytest.approx((1_940 + 4_775) / 2)
    last_slope = (9_300 - 4_775) / 5_000
    assert CURVED.into_cells_w(12_000.0) == pytest.approx(9_300 + 2_000 * last_slope)


@repeatable
@given(power_w=POWER, hours=HOURS)
def test_the_power_for_what_a_power_reaches_is_that_power(power_w, hours):
    reached_wh = CURVED.stored_after(5_000, power_w, hours)
    assert CURVED.power_for(5_000, reached_wh, hours) == pytest.approx(power_w, abs=1e-6)


def test_arrays_and_numbers_agree():
    powers = np.linspace(-12_000, 12_000, 97)
    stored = CURVED.stored_after(0.0 * powers, powers, 0.25)
    assert stored == pytest.approx([CURVED.stored_after(0.0, w, 0.25) for w in powers.tolist()])
    worn = wear_eur(CURVED, powers, 0.25)
    assert worn == pytest.approx([wear_eur(CURVED, w, 0.25) for w in powers.tolist()])


@repeatable
@given(soc_wh=st.floats(500, 10_000), wanted_w=POWER, hours=HOURS)
def test_a_step_stays_within_band_and_power(soc_wh, wanted_w, hours):
    power_w, after_wh = CURVED.step(soc_wh, wanted_w, hours)
    assert CURVED.min_wh - 1e-6 <= after_wh <= CURVED.max_wh + 1e-6
    assert -CURVED.max_charge_w <= power_w <= CURVED.max_discharge_w


def test_energy_given_in_a_quarter_hour_was_given_at_its_mean_power():
    assert CURVED.out_of_cells_wh(750.0, 0.25) == pytest.approx(750 / 0.96)
    assert CURVED.out_of_cells_wh(2_500.0, 0.25) == pytest.approx(2_500 / 0.92)
    assert CURVED.out_of_cells_wh(0.0, 0.0) == 0.0


def test_one_point_is_a_number():
    point = Battery(10_000, charge_efficiency=((4_000, 0.9),), discharge_efficiency=((1, 0.9),))
    number = Battery(10_000, charge_efficiency=0.9, discharge_efficiency=0.9)
    for power_w in (-9_000.0, -100.0, 0.0, 300.0, 8_000.0):
        stored_wh = point.stored_after(5_000, power_w, 0.5)
        assert stored_wh == pytest.approx(number.stored_after(5_000, power_w, 0.5))


@pytest.mark.parametrize(
    ("check", "points", "sentence"),
    [
        (checked_charge_curve, (), "needs a number or at least one point"),
        (checked_charge_curve, ((0, 0.9),), "which point 1 (0 W, 0.9) does not"),
        (checked_charge_curve, ((2e3, 0.9), (2e3, 0.8)), "which point 2 (2000 W, 0.8) does not"),
        (checked_charge_curve, ((2e3, 0.9), (4e3, 0.95)), "up to point 2 than before it (4000 W"),
        (checked_charge_curve, ((2e3, 0.9), (4e3, 0.8), (8e3, 0.79)), "up to point 3 than before"),
        (checked_charge_curve, ((2e3, 0.9), (4e3, 0.4)), "no more into the cells at point 2"),
        (checked_discharge_curve, ((2e3, 0.9), (4e3, 0.95)), "up to point 2 than before it (4000"),
        (checked_discharge_curve, ((2e3, 0.97), (4e3, 0.9), (8e3, 0.91)), "up to point 3 than"),
    ],
)
def test_points_that_bend_the_wrong_way_are_refused_by_the_first_of_them(check, points, sentence):
    with pytest.raises(ValueError, match="point") as caught:
        check(points)
    assert sentence in str(caught.value)


def test_a_curve_comes_back_from_a_record_and_a_bad_one_does_not():
    data = json_records.plain(CURVED)
    assert json_records.read_record(Battery, data, "battery") == CURVED
    bad = data | {"charge_efficiency": [[2_000, 0.9], [4_000, 0.95]]}
    with pytest.raises(ValueError, match="charge_efficiency loses less of each further"):
        json_records.read_record(Battery, bad, "battery")
    with pytest.raises(ValueError, match=r"charge_efficiency is 0.2, not within 0.3 to 1"):
        json_records.read_record(Battery, data | {"charge_efficiency": 0.2}, "battery")
