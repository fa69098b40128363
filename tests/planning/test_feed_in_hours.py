"""A feed-in cap by the hour, from the configuration to program, table, control and plant."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from optimizer.config.loading import load
from optimizer.control import power_band
from optimizer.control.input_checks import CheckedReading, SocEstimate
from optimizer.model.battery import Battery
from optimizer.model.grid import FeedInLimit, Grid, Rule
from optimizer.planning import program
from optimizer.planning.step_options import StepArrays
from optimizer.simulation.plant import HeldPower, Plant
from tests.planning import scalar_step
from tests.planning.test_exact_model import TENTH_OF_A_CENT, exact_model

NOON = FeedInLimit(max_sell_w=2_000, from_=time(11), to=time(14))
CAPPED = Grid(max_sell_w=9_000, rule=Rule.MIXED, feed_in_limits=(NOON,))
PROJECT = Path(__file__).parents[2]


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "sell_w"),
    [
        ("2026-07-01T10:45+02:00", 15, 9_000),  # ends as the hours begin
        ("2026-07-01T10:50+02:00", 15, 2_000),  # they begin within the step
        ("2026-07-01T11:00+02:00", 15, 2_000),
        ("2026-07-01T13:45+02:00", 15, 2_000),
        ("2026-07-01T14:00+02:00", 15, 9_000),
        ("2026-01-15T10:30+01:00", 60, 2_000),  # winter: local hours, not UTC's
        ("2026-01-15T09:30+01:00", 60, 9_000),
    ],
)
def test_the_cap_holds_in_its_local_hours(start, minutes, sell_w):
    begin = at(start)
    limits = CAPPED.limits(begin, begin + timedelta(minutes=minutes))
    assert limits == (20_000.0, sell_w, float("inf"))


@pytest.mark.parametrize("offset", ["+02:00", "+01:00"])
def test_in_the_doubled_hour_it_holds_twice(offset):
    grid = Grid(feed_in_limits=(FeedInLimit(max_sell_w=0, from_=time(2, 30), to=time(2, 45)),))
    begin = at(f"2026-10-25T02:15{offset}")
    assert grid.limits(begin, begin + timedelta(minutes=30)).sell_w == 0
    assert grid.limits(begin, begin + timedelta(minutes=15)).sell_w == 20_000


def test_the_least_of_several_counts_and_the_connections_own_stays():
    low = FeedInLimit(max_sell_w=500, from_=time(12), to=time(13), days=("mo",))
    grid = Grid(max_sell_w=1_500, feed_in_limits=(NOON, low))
    found = [grid.limits(t, t + timedelta(minutes=15)).sell_w
             for t in (at("2026-07-06T12:00+02:00"), at("2026-07-07T12:00+02:00"))]  # fmt: skip
    assert found == [500, 1_500]


def test_many_steps_are_asked_at_once_and_none_without_its_time():
    begin = at("2026-07-01T10:00+02:00")
    spans = [(begin + timedelta(hours=n), begin + timedelta(hours=n + 1)) for n in range(6)]
    assert CAPPED.limits_of(spans).sell_w.tolist() == [9_000, 2_000, 2_000, 2_000, 9_000, 9_000]
    with pytest.raises(ValueError, match="no time was given"):
        CAPPED.untimed_limits()
    assert Grid().limits_of(spans) == Grid().untimed_limits()


@pytest.mark.parametrize("seed", range(9_100, 9_124))
def test_program_and_table_are_as_good_as_the_independent_ones(whole_task, seed):
    """The exact all-binary model, and the step's cost by plain arithmetic."""
    task = whole_task(seed, 24)
    local = task.steps[6].start.astimezone(NOON.zone).time()
    cap = FeedInLimit(max_sell_w=300.0 * (seed % 5), from_=local, to=time((local.hour + 7) % 24))
    task = replace(task, grid=replace(task.grid, feed_in_limits=(cap,)))
    assert np.ptp(task.limits.sell_w) > 0 or task.grid.max_sell_w <= cap.max_sell_w
    best, bound = exact_model(task).solve(20)
    ours = program.solve(task).objective_eur
    assert bound - TENTH_OF_A_CENT <= ours <= best + TENTH_OF_A_CENT
    steps = StepArrays.of(replace(task, forced=()))
    costs = steps.cost((steps.low + steps.high) / 2).tolist()
    for index, step in enumerate(task.steps):
        middle_w = float(steps.low[index] + steps.high[index]) / 2
        assert costs[index] == pytest.approx(scalar_step.step_cost(task, step, middle_w), abs=1e-9)


def test_room_is_kept_for_the_hours_of_the_cap(task_of, plan_task):
    """The roof is sold before, stored under the cap; unaware of it 3 kWh would be thrown away."""
    rows = [(0.30, 0.08, 500, 500), *[(0.30, 0.08, 500, 5_500)] * 6, (0.30, 0.08, 3_000, 0)]
    task = task_of(rows, soc_percent=0, capacity_wh=9_000, max_sell_w=9_000)
    hour = task.steps[4].start.astimezone(NOON.zone).time()
    cap = FeedInLimit(max_sell_w=2_000, from_=hour, to=time(hour.hour + 3))
    plan = plan_task(replace(task, grid=replace(task.grid, feed_in_limits=(cap,))))
    assert sum(step.curtailed_w for step in plan.steps) == pytest.approx(0)
    assert [round(-step.grid_w) for step in plan.steps[4:7]] == [2_000] * 3
    assert plan.steps[6].soc_wh == pytest.approx(9_000)


def test_control_sells_no_more_from_the_battery_than_the_cap_of_the_moment():
    battery = Battery(capacity_wh=22_000, max_discharge_w=20_000)
    found = []
    for moment in (at("2026-07-01T10:59:58+02:00"), at("2026-07-01T11:00+02:00")):
        soc = SocEstimate(moment, 20_000.0, 0.0)
        seen = CheckedReading(soc, 50.0, 0.0, 400.0, -20_000.0, 20_000.0, 0.0, 0.0)
        peak = power_band.peak_of(None, moment, 400.0)
        found.append(power_band.allowed(seen, peak, battery, CAPPED)[1])
    assert found == [400 + 9_000 - power_band.MARGIN_W, 400 + 2_000 - power_band.MARGIN_W]


def test_the_plant_throttles_to_the_cap_of_the_tick():
    plant = Plant(Battery(10_000), CAPPED, 9_900.0)
    sold = []
    for begin in (at("2026-07-01T10:45+02:00"), at("2026-07-01T11:00+02:00")):
        plant.enter(begin, begin + timedelta(minutes=15))
        sold.append(-plant.run(500.0, 6_000.0, HeldPower(0.0), 0.25).grid_w)
    assert sold == [5_500, 2_000]


def test_the_configuration_says_it_in_the_tariffs_zone(tmp_path):
    path = tmp_path / "optimizer.toml"
    path.write_text(
        '[fems]\nurl = "http://192.168.0.10"\npassword = "user"\n[battery]\ncapacity_wh = 10000\n'
        '[[grid.feed_in_limits]]\nfrom = "11:00"\nto = "14:00"\nmax_sell_w = 2000\n'
        '[prices]\nsources = ["energy-charts"]\n[tariff]\ntime_zone = "Europe/Helsinki"\n'
    )
    path.chmod(0o600)
    limits = load(path, {}).connection.limits
    begin = at("2026-07-01T11:00+03:00")
    assert limits(begin, begin + timedelta(hours=1)).sell_w == 2_000
    assert limits(begin - timedelta(hours=1), begin).sell_w == 20_000


KNOWN = ("model/grid.py", "config/", "doctor/", "fems/edge_config.py", "app/first_setup.py",
         "app/diagnosis.py", "app/house_forecast.py", "app/sample_site.py", "app/demo_run.py",
         "simulation/http_simulation.py")  # fmt: skip
"""Places that know the stated limits: the model, and who reads or compares what was stated."""


def test_nobody_else_looks_at_a_limit_without_its_time():
    bare = re.compile(r"\.(max_sell_w|max_buy_w|operator_limits|feed_in_limits)\b")
    found = []
    for path in sorted((PROJECT / "optimizer").rglob("*.py")):
        place = path.relative_to(PROJECT / "optimizer").as_posix()
        text = "\n".join(  # names of keys in sentences are meant
            line for line in path.read_text().splitlines() if '"grid.max_' not in line
        )
        if bare.search(text) and not place.startswith(KNOWN):
            found.append(place)
    assert found == []
