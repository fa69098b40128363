"""The record of the quarter-hours: flows on paper, what was held, and the FEMS's own counters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.app import quarter_export
from optimizer.app.quarter_export import compared
from optimizer.control import compliance
from optimizer.control.compliance import MeterSample
from optimizer.errors import DataError
from optimizer.fems import device_history
from optimizer.fems.client import FemsClient
from optimizer.model.battery import Battery
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.savings.energy_flows import delimited, flows
from optimizer.savings.held_quarters import HeldQuarter, held_quarters
from optimizer.simulation import sample_data
from optimizer.simulation.fems.http_server import NO_LIMITS
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store.journal import Tick

AT = datetime(2026, 1, 15, 2, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 14, 23, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def metered(*samples):
    """A quarter-hour of readings a minute apart: grid, battery and PV power [W]."""
    quarter = compliance.count(None, AT, MeterSample(0, 0, 0.0, 5_000.0), held=False)
    for place, (grid_w, battery_w, pv_w) in enumerate(samples, 1):
        seen = MeterSample(grid_w, battery_w, pv_w, 5_000.0)
        quarter = compliance.count(quarter, AT + place * QUARTER / 15, seen, held=False)
    return quarter


def test_energy_goes_where_it_went_at_each_reading():
    """5 min charged from the grid, 5 min from the roof alone, 5 min into house and grid."""
    quarter = metered(
        *[(3_600.0, -2_400.0, 0.0)] * 5, *[(-1_200.0, -2_400.0, 4_800.0)] * 5,
        *[(-600.0, 2_400.0, 0.0)] * 4,
    )  # fmt: skip
    found = flows(quarter)
    assert found.grid_to_battery_wh == pytest.approx(200)
    assert found.grid_to_house_wh == pytest.approx(100)
    assert found.pv_to_battery_wh == pytest.approx(200)
    assert found.pv_to_grid_wh == pytest.approx(100)
    assert found.pv_to_house_wh == pytest.approx(100)
    assert found.battery_to_grid_wh == pytest.approx(40)
    assert found.battery_to_house_wh == pytest.approx(120)
    assert flows(replace(quarter, pv_wh=None)).pv_to_house_wh is None
    # by the quarter-hour more of what was bought counts as stored, and of what was sold as given
    assert delimited(quarter) == pytest.approx((300, 140, 0))


def tick(minutes, reason, setpoint_w=None, kind="change", note="", intent="self_consumption"):
    at = (AT + timedelta(minutes=minutes)).isoformat()
    return Tick(kind, at, 0.0, None, None, None, None, None, setpoint_w, None, reason, intent, None,
                None, None, note)  # fmt: skip


def test_the_state_that_lasted_longest_is_that_of_the_quarter_hour():
    ticks = [
        tick(-20, "SELF_CONSUMPTION"), tick(5, "HOLDING", -3_000, note="cheap", intent="charge"),
        tick(10, "HOLDING", 0, note="dear soon", intent="hold"), tick(12, "YIELDED", kind="event"),
        tick(31, "UNREACHABLE"),
    ]  # fmt: skip
    found = held_quarters(ticks, AT + 3 * QUARTER)
    assert found[AT] == HeldQuarter(600.0, "self_consumption", "self_consumption", "")  # a tie
    assert found[AT + QUARTER] == HeldQuarter(900.0, "hold", "holding", "dear soon")
    assert found[AT + 2 * QUARTER] == HeldQuarter(60.0, "self_consumption", "unreachable", "")
    assert AT + 3 * QUARTER not in found
    assert held_quarters([], AT) == {}


def test_the_comparison_counts_what_both_know():
    quarters = [
        QuarterEnergy(AT, AT + QUARTER, seconds=900.0, drawn_wh=100.0, pv_wh=None),
        QuarterEnergy(AT + QUARTER, AT + QUARTER, seconds=900.0, drawn_wh=50.0, pv_wh=10.0),
        QuarterEnergy(AT + 2 * QUARTER, AT, seconds=300.0, drawn_wh=70.0, pv_wh=10.0),
    ]
    counters = {
        "drawn_wh": {AT: 90.0, AT + QUARTER: 50.0, AT + 2 * QUARTER: 300.0},
        "pv_wh": {AT: 5.0, AT + QUARTER: 0.0},
        "fed_wh": {},
    }
    drawn, pv, fed = compared(quarters, counters)
    assert (drawn.quarters, drawn.record_wh, drawn.fems_wh) == (2, 150.0, 140.0)
    assert drawn.text() == "drawn: record 0.150 kWh, FEMS 0.140 kWh, difference +0.010 kWh (+7.1 %)"
    assert (pv.quarters, pv.record_wh, pv.fems_wh) == (1, 10.0, 0.0)
    assert pv.text().endswith("difference +0.010 kWh")
    assert (fed.quarters, fed.record_wh, fed.fems_wh) == (0, 0, 0)


@pytest.fixture
def counted():
    """A simulated FEMS three hours after a local midnight, and its quarter-hours as recorded."""
    load = Profile(MIDNIGHT, 900, (800.0, 3_000.0, 500.0, 1_500.0))
    pv = Profile(MIDNIGHT, 900, (0.0, 2_000.0, 6_000.0, 100.0))
    battery = Battery(capacity_wh=22_000, hybrid=False)
    with SimulatedFems(SimulatedHouse(battery, load, pv, MIDNIGHT, 50), limits=NO_LIMITS) as fems:
        quarter, found = None, []
        with FemsClient(fems.url, "owner", deadline_s=10) as client:
            for _ in range(3 * 120):
                fems.advance(30)
                seen = client.snapshot(fems.house.moment)
                sample = MeterSample(seen.grid_w, seen.battery_w, seen.pv_w, 1.0)
                quarter = compliance.count(quarter, fems.house.moment, sample, held=False)
                found += [quarter.previous] if quarter.previous else []
            yield client, found


def test_the_record_agrees_with_the_counters_of_a_simulated_fems(counted):
    """The device is asked over JSON-RPC; the record reads every 30 s, the counters each second."""
    client, quarters = counted
    day = AT.date()  # it began at 23:00 UTC
    counters = device_history.fetch_meters(
        client.rpc, day, day + timedelta(days=1), sample_data.ZONE
    )
    rows = {row.name: row for row in compared(quarters, counters)}
    assert set(rows) == {"drawn_wh", "fed_wh", "charged_wh", "discharged_wh", "pv_wh"}
    for row in rows.values():
        assert row.quarters >= 11
        assert row.record_wh == pytest.approx(row.fems_wh, rel=0.02, abs=20), row.text()
    assert min(row.fems_wh for row in rows.values() if row.name not in ("drawn_wh", "fed_wh")) > 200
    with pytest.raises(DataError, match="cannot be asked for"):
        device_history.fetch_meters(client.rpc, day, day, sample_data.ZONE)


def test_columns_have_units_and_occur_once():
    assert len(set(quarter_export.COLUMNS)) == len(quarter_export.COLUMNS)
    bare = {"start", "end", "seconds", "intent", "reason", "note"}
    for name in set(quarter_export.COLUMNS) - bare:
        assert name.endswith(("_wh", "_s", "_eur", "_eur_per_kwh")), name
