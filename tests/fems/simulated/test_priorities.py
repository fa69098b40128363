"""Who wins: controllers above and below REST, control modes, and a device in trouble."""

import pytest

from optimizer.model.snapshot import FAULT, Channel
from optimizer.simulation.fems.installation import (
    BALANCING,
    CENTRAL_ORDER,
    LIMITER,
    MODBUS,
    OFF_GRID,
    RESERVE,
    ControlMode,
    Installation,
)

API = "ctrlApiRest0"
EQUALS, LESS, GREATER = Channel.EQUALS, Channel.LESS_OR_EQUALS, Channel.GREATER_OR_EQUALS
ALL = Installation(order=CENTRAL_ORDER)
BELOW = Installation(order=(BALANCING, API))
HYBRID = {"hybrid": True, "max_ac_w": 10_000}


def held(house, **written):
    for channel, value in written.items():
        house.write(channel, value)
    house.advance(2)
    return house.shown


@pytest.mark.parametrize(
    "written", [{EQUALS: 1_000}, {EQUALS: -2_000}, {LESS: 0}, {GREATER: 5_000}]
)
def test_below_balancing_nothing_has_an_effect(make_house, written):
    shown = held(make_house(installation=BELOW), **written)
    assert shown.applied_w == 3_000
    ((channel, value),) = written.items()
    assert shown.log == f"ess0/{channel}:{value}"  # and yet it claims the value


@pytest.mark.parametrize(
    ("written", "applied_w"),
    [({}, 0), ({LESS: 1_000}, 0), ({LESS: -500}, -500), ({GREATER: 700}, 700), ({EQUALS: 9}, 9),
     ({LESS: -500, GREATER: -2_000}, -500)],
)  # fmt: skip
def test_without_balancing_the_solver_stays_near_nothing(make_house, written, applied_w):
    assert (
        held(make_house(installation=Installation(order=(API,))), **written).applied_w == applied_w
    )


def test_the_limiter_of_section_14a(make_house):
    house = make_house(installation=ALL)
    assert held(house, **{EQUALS: -6_000}).applied_w == -6_000
    house.conditions.dimmed = True
    assert held(house).applied_w == -4_200
    assert held(house, **{EQUALS: -1_000}).applied_w == -1_000
    house.conditions.dimmed = False
    assert held(house, **{EQUALS: -6_000}).applied_w == -6_000


def test_somebody_on_modbus_wins(make_house):
    house = make_house(installation=ALL)
    house.conditions.modbus_w = 700
    assert held(house, **{EQUALS: -6_000}).applied_w == 700
    house.conditions.modbus_w = None
    assert held(house).applied_w == -6_000


@pytest.mark.parametrize(
    ("soc_percent", "most_w"), [(23, 6_000), (22, 6_000), (21, 3_000), (20, 0), (19, 0)]
)
def test_the_emergency_reserve_is_kept(make_house, soc_percent, most_w):
    house = make_house(installation=ALL, soc_percent=soc_percent)
    assert held(house, **{EQUALS: 6_000}).applied_w == pytest.approx(most_w, abs=60)
    assert held(house, **{EQUALS: -6_000}).applied_w == -6_000


def test_at_the_reserve_a_hybrids_roof_goes_on(make_house):
    house = make_house(pv_w=1_500, soc_percent=20, battery=HYBRID, installation=ALL)
    shown = held(house, **{EQUALS: 6_000})
    assert (shown.applied_w, shown.battery_w, shown.ess_w) == (1_500, 0, 1_500)


@pytest.mark.parametrize("battery", [{}, HYBRID])
def test_internal_mode_ignores_set_points_and_nothing_shows_it(make_house, battery):
    house = make_house(
        load_w=2_000, battery=battery, installation=Installation(control_mode=ControlMode.INTERNAL)
    )
    shown = held(house, **{EQUALS: -5_000})
    assert shown.applied_w == -5_000
    assert shown.log == "ess0/SetActivePowerEquals:-5000"
    assert (shown.ess_w, shown.grid_w) == (2_000, 0)


@pytest.mark.parametrize(
    ("mode", "curtailed_w"), [(ControlMode.SMART, 0), (ControlMode.REMOTE, 3_300)]
)
@pytest.mark.parametrize("written", [{}, {EQUALS: 700}])
def test_remote_mode_curtails_what_smart_mode_sells(make_house, mode, curtailed_w, written):
    house = make_house(
        load_w=700, pv_w=4_000, soc_percent=100, battery=HYBRID,
        installation=Installation(control_mode=mode),
    )  # fmt: skip
    shown = held(house, **written)  # what is written is just what balances the house
    assert (shown.applied_w, shown.curtailed_w) == (700, curtailed_w)


def test_a_fault_stops_the_inverter(make_house):
    house = make_house(pv_w=500, battery=HYBRID)
    house.conditions.state = FAULT
    held(house, **{EQUALS: 2_000})
    house.advance(1)
    shown = house.shown
    assert (shown.battery_w, shown.ess_w, shown.grid_w, shown.applied_w) == (0, 0, 3_000, 0)
    assert (shown.allowed_charge_w, shown.allowed_discharge_w) == (0, 0)


def test_a_house_without_a_grid_feeds_itself(make_house):
    house = make_house(load_w=2_000, pv_w=500)
    house.conditions.grid_mode = OFF_GRID
    shown = held(house, **{EQUALS: -5_000})
    assert (shown.battery_w, shown.grid_w, shown.load_w) == (1_500, 0, 2_000)
    sunny = make_house(load_w=1_000, pv_w=9_000)
    sunny.conditions.grid_mode = OFF_GRID
    shown = held(sunny)
    assert (shown.battery_w, shown.curtailed_w, shown.grid_w) == (-6_000, 2_000, 0)
    dark = make_house(load_w=7_000)
    dark.conditions.grid_mode = OFF_GRID
    assert (held(dark).load_w, dark.shown.grid_w) == (6_000, 0)


@pytest.mark.parametrize(
    ("written", "reactive_var"),
    [
        ({"SetReactivePowerEquals": 400}, 400),
        ({"SetReactivePowerLessOrEquals": -300}, -300),
        ({"SetReactivePowerLessOrEquals": 300}, 0),
        ({"SetReactivePowerGreaterOrEquals": 200}, 200),
        ({"SetReactivePowerEquals": 99_999}, 9_539),
        ({"SetReactivePowerEquals": -99_999}, -9_539),
        ({}, 0),
    ],
)
def test_reactive_power_within_the_rating(make_house, over, ask, written, reactive_var):
    fems = over(make_house(installation=Installation(max_apparent_va=10_000)))
    assert held(fems.house, **written).applied_w == 3_000
    for channel in ("DebugSetReactivePower", "ReactivePower"):
        assert ask(fems, "GET", f"/rest/channel/ess0/{channel}").content["value"] == reactive_var


def test_homes_with_hybrids_have_no_reactive_power(make_house):
    for options in ({"battery": HYBRID}, {"installation": BELOW}):
        assert held(make_house(**options), SetReactivePowerEquals=400).reactive_var == 0


def test_what_is_installed_shows_in_channels(make_house, over, ask):
    fems = over(make_house(installation=ALL, battery=HYBRID))
    fems.house.conditions.dimmed = True

    def value(address):
        return ask(fems, "GET", f"/rest/channel/{address}").content["value"]

    assert value(f"{LIMITER}/RestrictionMode") == 1
    assert value(f"{RESERVE}/ActualReserveSoc") == 20
    assert value(f"{MODBUS}/ApiWorkerLog") == ""
    fems.house.conditions.modbus_w = -5
    assert value(f"{MODBUS}/ApiWorkerLog") == "ess0/SetActivePowerEquals:-5"
    assert value("batteryInverter0/MaxAcImport") == -10_000
    assert value("_meta/GridFeedInLimitationType") == 0
    assert value("_meta/SystemTimeUtc") == fems.house.moment.timestamp()
    assert value("_meta/IsEssChargeFromGridAllowed") == 1
    fems.house.install(Installation())
    assert ask(fems, "GET", f"/rest/channel/{LIMITER}/State").status == 404


def test_an_order_is_extended_in_its_usual_places():
    assert Installation().with_controllers(LIMITER, RESERVE) == (LIMITER, RESERVE, API, BALANCING)
