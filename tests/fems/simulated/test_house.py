"""The simulated house: timing, solver, inverter, limits, and that no energy is lost or won."""

import math
import random
from datetime import datetime, timedelta

import pytest

from optimizer.errors import DataError
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Channel
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse

EQUALS, LESS, GREATER = Channel.EQUALS, Channel.LESS_OR_EQUALS, Channel.GREATER_OR_EQUALS
HYBRID = {"hybrid": True, "max_ac_w": 10_000}


def held(house, **written):
    """The house two cycles after a write, when its channels show the effect."""
    for channel, value in written.items():
        house.write(channel, value)
    house.advance(2)
    return house.shown


def test_a_house_left_alone_is_balanced(make_house):
    house = make_house(load_w=812.0)
    house.advance(600)
    assert (house.shown.ess_w, house.shown.grid_w) == (812, 0)
    assert (house.meters.bought_wh, house.meters.sold_wh) == (0, 0)


def test_balancing_follows_a_new_load_one_cycle_late(at):
    load = Profile(at, 60, (500.0, 2_500.0))
    house = SimulatedHouse(Battery(10_000), load, Profile(at, 60, (0.0,)), at, 50)
    house.advance(61)
    assert house.shown.grid_w == 0
    house.advance(1)
    assert house.shown.grid_w == 2_000
    house.advance(1)
    assert house.shown.grid_w == 0


def test_a_write_is_obeyed_at_once_and_seen_a_cycle_later(make_house):
    house = make_house()
    house.write(EQUALS, 1_000)
    house.advance(1)
    assert (house.shown.applied_w, house.shown.log) == (3_000, "")
    assert house.meters.bought_wh == pytest.approx(2_000 / 3_600)
    house.advance(1)
    assert house.shown.applied_w == 1_000
    assert house.shown.log == "ess0/SetActivePowerEquals:1000"


@pytest.mark.parametrize(
    ("written", "applied_w"),
    [
        ({}, 3_000),
        ({EQUALS: 1_000}, 1_000),
        ({EQUALS: 0}, 0),
        ({EQUALS: -99_999}, -6_000),
        ({EQUALS: 99_999}, 6_000),
        ({EQUALS: True}, 0),
        ({EQUALS: -1}, 0),
        ({EQUALS: 2}, 2),
        ({LESS: 0}, 0),
        ({LESS: 1_000}, 1_000),
        ({LESS: 8_000}, 3_000),
        ({LESS: -2_000}, -2_000),
        ({LESS: -9_000}, -6_000),
        ({GREATER: -1_000}, 3_000),
        ({GREATER: 5_000}, 5_000),
        ({GREATER: 9_000}, 6_000),
        ({LESS: 500, GREATER: 800}, 500),
        ({EQUALS: 500, LESS: 300}, 500),
        ({EQUALS: "abc", LESS: 300}, 3_000),
        ({"SetReactivePowerEquals": 1_000}, 3_000),
    ],
)
def test_the_solver_as_measured(make_house, written, applied_w):
    shown = held(make_house(), **written)
    assert shown.applied_w == shown.ess_w == applied_w
    assert shown.grid_w == 3_000 - applied_w


def test_all_values_end_together_after_the_time_out(make_house):
    house = make_house()
    house.write(EQUALS, 1_000)
    house.advance(30)
    house.write("SetReactivePowerEquals", None)
    house.advance(61)
    assert (house.shown.applied_w, len(house.written.values)) == (1_000, 0)
    house.advance(1)
    assert (house.shown.applied_w, house.shown.log) == (3_000, "")


def test_a_forgotten_value_lives_as_long_as_any_is_written(make_house):
    house = make_house()
    house.write(EQUALS, 1_000)
    for _ in range(10):
        house.advance(50)
        house.write("SetReactivePowerEquals", 0)
    assert house.shown.applied_w == 1_000


def test_null_gives_back_at_once(make_house):
    house = make_house()
    held(house, **{EQUALS: 1_000})
    assert held(house, **{EQUALS: None}).applied_w == 3_000


@pytest.mark.parametrize(
    ("setpoint_w", "soc_percent", "battery_w", "curtailed_w"),
    [
        (-2_000, 50, -6_000, 0),  # the roof is charged on top of the grid's part
        (0, 50, -4_000, 0),  # "idle" is not 0: all of the roof goes into the battery
        (1_000, 50, -3_000, 0),
        (4_000, 50, 0, 0),  # this is idle
        (5_000, 50, 1_000, 0),  # 5 kW leave, of which the battery gives one
        (-5_000, 50, -6_000, 0),  # the battery is at its limit: less from the grid
        (0, 100, 0, 4_000),  # a full battery: what may not leave is curtailed
        (1_500, 100, 0, 2_500),
        (-2_000, 100, 0, 4_000),
        (5_000, 5, 0, 0),  # an empty battery gives nothing
    ],
)
def test_a_hybrids_set_point_is_roof_plus_battery(
    make_house, setpoint_w, soc_percent, battery_w, curtailed_w
):
    house = make_house(load_w=700, pv_w=4_000, soc_percent=soc_percent, battery=HYBRID)
    shown = held(house, **{EQUALS: setpoint_w})
    assert (shown.battery_w, shown.curtailed_w) == pytest.approx((battery_w, curtailed_w))
    assert shown.ess_w == pytest.approx(4_000 - curtailed_w + battery_w)


def test_a_full_hybrid_left_alone_sells(make_house):
    house = make_house(load_w=700, pv_w=4_000, soc_percent=100, battery=HYBRID)
    house.advance(3_600)
    assert (house.shown.ess_w, house.shown.grid_w) == (4_000, -3_300)
    assert house.meters.curtailed_wh == 0


def test_a_bound_that_does_not_bind_curtails_nothing(make_house):
    house = make_house(load_w=700, pv_w=4_000, soc_percent=100, battery=HYBRID)
    assert held(house, **{LESS: 9_000, GREATER: -9_000}).curtailed_w == 0
    assert held(house, **{LESS: 0}).curtailed_w == 4_000


def test_a_hybrid_left_alone_keeps_its_rating(make_house):
    rating = {"hybrid": True, "max_ac_w": 5_000}
    house = make_house(load_w=700, pv_w=8_000, soc_percent=100, battery=rating)
    house.advance(2)
    assert (house.shown.ess_w, house.shown.curtailed_w) == (5_000, 3_000)
    assert held(house, **{EQUALS: 9_000}).applied_w == 5_000


@pytest.mark.parametrize("hybrid", [False, True])
def test_the_feed_in_limit_throttles_the_roof_then_the_battery(make_house, hybrid):
    house = make_house(
        load_w=1_000, pv_w=3_000, soc_percent=90, battery={"hybrid": hybrid}, max_sell_w=500
    )
    shown = held(house, **{EQUALS: 6_000})
    assert shown.grid_w == -500
    assert shown.curtailed_w == 3_000
    assert shown.battery_w == 1_500


def test_full_and_empty_show_in_the_allowed_powers(make_house):
    full, empty = make_house(soc_percent=100), make_house(soc_percent=5)
    assert (full.shown.allowed_charge_w, full.shown.allowed_discharge_w) == (0, 6_000)
    assert (empty.shown.allowed_charge_w, empty.shown.allowed_discharge_w) == (-6_000, 0)
    hybrid = make_house(pv_w=2_000, soc_percent=5, battery=HYBRID)
    assert hybrid.shown.allowed_discharge_w == 2_000


def test_an_idle_battery_still_draws_its_standby(make_house):
    house = make_house(load_w=0.0, soc_percent=50, battery={"standby_w": 95.0}, api_timeout_s=0)
    house.write(EQUALS, 0)  # without a time-out it stays for the whole hour
    house.advance(3_600)
    assert house.soc_wh == pytest.approx(5_000 - 95 / 0.95)
    assert house.shown.ess_w == 0
    empty = make_house(load_w=0.0, soc_percent=5, battery={"standby_w": 95.0})
    empty.advance(10)
    assert (empty.soc_wh, empty.shown.grid_w) == pytest.approx((500, 95))


@pytest.mark.parametrize("hybrid", [False, True])
def test_no_energy_is_lost_in_a_day_of_random_writes(at, hybrid):
    chance = random.Random(3)  # noqa: S311 - repeatable, no secret
    battery = Battery(10_000, hybrid=hybrid, max_charge_w=5_000, max_discharge_w=4_000)
    load = Profile(at, 900, tuple(chance.uniform(100, 5_000) for _ in range(96))).spiky(1)
    pv = Profile(at, 900, tuple(max(0.0, 9_000 * math.sin(i / 15)) for i in range(96)))
    house = SimulatedHouse(battery, load, pv, at, 40, max_sell_w=6_000)
    stored_wh = house.soc_wh
    for second in range(86_400):
        if second % 97 == 0:
            value = chance.choice([None, "", "x", chance.randint(-9_000, 12_000)])
            house.write(chance.choice(list(Channel)), value)
        house.cycle()
        if second == 0:
            continue  # the channels still show the moment before the first cycle
        shown = house.shown
        stored_wh = battery.stored_after(stored_wh, shown.battery_w, 1 / 3_600)
        assert stored_wh == pytest.approx(shown.soc_wh, abs=1e-6)
        assert -5_000 <= shown.battery_w <= 4_000
        assert battery.min_wh - 1e-6 <= shown.soc_wh <= battery.max_wh + 1e-6
        assert 0 <= shown.curtailed_w <= shown.pv_w
        assert shown.grid_w >= -6_000 - 1e-6
        used_w = shown.grid_w + shown.battery_w + shown.pv_w - shown.curtailed_w
        assert used_w == pytest.approx(shown.load_w, abs=1e-6)
    meters = house.meters
    given_wh = meters.bought_wh + meters.discharged_wh + meters.pv_wh - meters.curtailed_wh
    assert given_wh == pytest.approx(meters.load_wh + meters.sold_wh + meters.charged_wh, rel=1e-9)


def test_a_reading_covers_the_time_since_the_last_one(make_house, at):
    house = make_house(load_w=1_000, pv_w=400)
    house.write(EQUALS, 0)
    house.advance(60)
    first = house.reading()
    assert (first.start, first.end) == (at, at + timedelta(seconds=60))
    assert (first.load_w, first.pv_w, first.curtailed_w) == pytest.approx((1_000, 400, 0))
    assert (first.battery_w, first.grid_w) == pytest.approx((0, 600))
    assert (first.bought_wh, first.sold_wh, first.soc_wh) == pytest.approx((10, 0, 5_000))
    house.write(EQUALS, 2_000)
    house.advance(60)
    second = house.reading()
    assert (second.start, second.battery_w) == (first.end, pytest.approx(2_000))
    assert second.sold_wh == pytest.approx(1_400 / 60)
    assert house.reading().grid_w == 0


def test_time_passes_in_seconds(make_house, at):
    house = make_house()
    house.advance(86_400)
    assert house.moment == at + timedelta(days=1)


def test_an_impossible_start_is_refused(make_house, at):
    with pytest.raises(DataError, match="0 to 100 %"):
        make_house(soc_percent=101)
    flat = Profile(at, 900, (0.0,))
    with pytest.raises(DataError, match="UTC"):
        SimulatedHouse(Battery(10_000), flat, flat, datetime(2026, 1, 1), 50)  # noqa: DTZ001
