"""The battery's one physics: inverse of itself, and only the way back outside its band."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.model.battery import Battery

STORED = st.floats(0, 50_000)
EFFICIENCY = st.floats(0.5, 1.0)
HOURS = st.sampled_from([0.25, 0.5, 1.0, 0.1])
TEN_KWH = Battery(
    capacity_wh=10_000,
    min_soc_percent=10,
    max_soc_percent=90,
    max_charge_w=3_000,
    max_discharge_w=4_000,
)

repeatable = settings(max_examples=50, derandomize=True, deadline=None)

batteries = st.builds(
    Battery,
    capacity_wh=st.floats(1_000, 50_000),
    min_soc_percent=st.floats(0, 40),
    max_soc_percent=st.floats(60, 100),
    max_charge_w=st.floats(500, 15_000),
    max_discharge_w=st.floats(500, 15_000),
    charge_efficiency=EFFICIENCY,
    discharge_efficiency=EFFICIENCY,
    standby_w=st.sampled_from([0.0, 20.0, 80.0]),
)


@repeatable
@given(battery=batteries, soc_wh=STORED, power=st.floats(-20_000, 20_000), hours=HOURS)
def test_the_power_for_what_a_power_reaches_is_that_power(battery, soc_wh, power, hours):
    reached = battery.stored_after(soc_wh, power, hours)
    assert battery.power_for(soc_wh, reached, hours) == pytest.approx(power, rel=1e-9, abs=1e-6)


@repeatable
@given(battery=batteries, soc_wh=STORED, target=STORED, hours=HOURS)
def test_a_target_is_reached_by_the_power_for_it(battery, soc_wh, target, hours):
    power = battery.power_for(soc_wh, target, hours)
    assert battery.stored_after(soc_wh, power, hours) == pytest.approx(target, rel=1e-9, abs=1e-6)


@repeatable
@given(battery=batteries, share=st.floats(0, 1), wanted=st.floats(-30_000, 30_000), hours=HOURS)
def test_a_step_inside_the_band_stays_inside(battery, share, wanted, hours):
    soc_wh = battery.min_wh + share * (battery.max_wh - battery.min_wh)
    power, after = battery.step(soc_wh, wanted, hours)
    assert battery.min_wh - 1e-6 <= after <= battery.max_wh + 1e-6
    assert -battery.max_charge_w <= power <= battery.max_discharge_w
    assert after == battery.stored_after(soc_wh, power, hours)


@repeatable
@given(battery=batteries, soc_wh=STORED, wanted=st.floats(-30_000, 30_000), hours=HOURS)
def test_outside_the_band_there_is_only_the_way_back(battery, soc_wh, wanted, hours):
    _, after = battery.step(soc_wh, wanted, hours)
    if soc_wh < battery.min_wh:
        assert soc_wh - 1e-6 <= after <= battery.max_wh + 1e-6
    elif soc_wh > battery.max_wh:
        assert battery.min_wh - 1e-6 <= after <= soc_wh + 1e-6


@pytest.mark.parametrize(
    ("soc_wh", "wanted_w", "power_w", "after_wh"),
    [
        (5_000, 1_900, 1_900, 3_000),
        (5_000, -2_000, -2_000, 6_900),
        (5_000, 9_000, 3_800, 1_000),  # down to the lower edge
        (8_000, 9_000, 4_000, 8_000 - 4_000 / 0.95),  # the largest power
        (5_000, -9_000, -3_000, 7_850),
        (8_905, -9_000, -100, 9_000),  # up to the upper edge
        (1_000, 2_000, 0, 1_000),
        (9_000, -2_000, 0, 9_000),
        (500, 2_000, 0, 500),  # below the band: no discharging,
        (500, -1_000, -1_000, 1_450),  # charging back is allowed
        (9_500, -2_000, 0, 9_500),  # above the band: no charging,
        (9_500, 950, 950, 8_500),  # discharging is allowed
        (5_000, 0, 0, 5_000),
    ],
)
def test_an_hour_of_a_ten_kwh_battery(soc_wh, wanted_w, power_w, after_wh):
    power, after = TEN_KWH.step(soc_wh, wanted_w, 1.0)
    assert (power, after) == (pytest.approx(power_w), pytest.approx(after_wh))


@pytest.mark.parametrize(
    ("soc_wh", "wanted_w", "power_w", "after_wh"),
    [
        (5_000, 0, 0, 4_900),  # idle at the meter: the cells feed the inverter
        (5_000, -50, -50, 5_000),  # standing still
        (5_000, -150, -150, 5_080),
        (5_000, 150, 150, 4_600),
        (0, 500, -50, 0),  # empty: the inverter is fed from the AC side
        (10_000, -500, -50, 10_000),
        (60, 500, -20, 0),  # what is left of a charge
    ],
)
def test_standby_comes_from_the_cells_or_from_the_grid(soc_wh, wanted_w, power_w, after_wh):
    battery = Battery(
        10_000, min_soc_percent=0, charge_efficiency=0.8, discharge_efficiency=0.5, standby_w=50
    )
    power, after = battery.step(soc_wh, wanted_w, 1.0)
    assert (power, after) == (pytest.approx(power_w), pytest.approx(after_wh))


@pytest.mark.parametrize(
    ("soc_wh", "hours", "expected"),
    [
        (5_000, 1.0, (-3_000, 3_800)),
        (5_000, 0.25, (-3_000, 4_000)),
        (8_000, 1.0, (-1_000 / 0.95, 4_000)),
        (500, 1.0, (-3_000, 0)),
        (9_500, 1.0, (0, 4_000)),
    ],
)
def test_the_range_of_powers_that_can_be_held(soc_wh, hours, expected):
    assert TEN_KWH.power_range(soc_wh, hours) == pytest.approx(expected)


def test_the_band_in_watt_hours():
    assert (TEN_KWH.min_wh, TEN_KWH.max_wh) == (1_000, 9_000)


def test_a_round_trip_loses_what_the_efficiencies_say():
    battery = Battery(10_000, charge_efficiency=0.95, discharge_efficiency=0.95)
    stored = battery.stored_after(5_000, -1_000, 1.0)
    assert battery.power_for(stored, 5_000, 1.0) == pytest.approx(1_000 * 0.95 * 0.95)
