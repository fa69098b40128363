"""The executor as an owner meets it: changed settings, planning anew, another FEMS, yielding."""

import json
import os
import signal
from datetime import UTC, datetime

import pytest

from optimizer.cli.fems_command import accept
from optimizer.cli.release_command import release
from optimizer.control.active_plan import StoredDevice
from optimizer.fems.identity import Identity
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Channel, Decision, Reason
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_house import SimulatedHouse
from optimizer.simulation.fems.simulator import SimulatedFems
from optimizer.store import database, journal, live_state

HELD = -10_000


def ticks(folder, kind):
    connection = database.connect(folder)
    try:
        return journal.ticks(connection, datetime(2026, 1, 1, tzinfo=UTC), kind)
    finally:
        connection.close()


def test_without_a_plan_the_executor_has_one_made(
    simulated, write_config, files_for_now, start, connect, wait_for, tmp_path
):
    url = simulated()
    write_config(files_for_now, url=url)
    process, client = start("run", "--for", "60"), connect(url)
    wait_for(lambda: client.applied() == HELD)
    assert process.stderr is not None
    wanted = {"INFO planned anew: no plan covers", "INFO a new plan is followed: plan"}
    while wanted:
        line = process.stderr.readline()
        assert line
        wanted = {words for words in wanted if not line.startswith(words)}
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert [tick.note[:9] for tick in ticks(tmp_path / "state", "event")] == ["plan made"]


def test_a_planner_that_fails_is_one_line_and_the_loop_goes_on(
    simulated, write_config, files_for_now, start, wait_for, tmp_path
):
    write_config(files_for_now, url=simulated())
    (files_for_now / "load.csv").write_text("start,load_w\n")
    process = start("run", "--for", "25")
    errors = process.stderr
    assert errors is not None
    line = next(line for line in errors if "the planner " in line)
    assert "with exit code 8, the plan in force stays: " in line
    assert "load.csv" in line
    assert process.poll() is None


def test_a_changed_configuration_is_taken_whole_or_not_at_all(
    simulated, write_config, files_for_now, optimizer, start, connect, wait_for
):
    url = simulated()
    path = write_config(files_for_now, url=url)
    assert optimizer("plan").returncode == 0
    process, client = start("run", "--for", "40"), connect(url)
    wait_for(lambda: client.applied() == HELD)
    good, errors = path.read_text(), process.stderr
    assert errors is not None

    def reported(words):
        return next(line for line in errors if words in line)

    path.write_text(good.replace("interval_s = 1", "intervals = 1"))
    process.send_signal(signal.SIGHUP)
    assert "control.intervals" in reported("the old configuration stays")
    assert client.applied() == HELD
    changed = good.replace(url, "http://127.0.0.1:9")
    path.write_text(changed.replace("interval_s = 1", 'interval_s = 1\nwrite = "bounds"'))
    process.send_signal(signal.SIGHUP)
    assert "[fems] was changed: that needs a restart" in reported("needs a restart")
    reported("the configuration was read anew")
    wait_for(lambda: f"/{Channel.LESS_OR_EQUALS}:{HELD}" in (client.writers() or ""))
    assert "Equals:" in (client.writers() or "")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    wait_for(lambda: client.writers() == "")  # shown in the FEMS's next cycle


@pytest.mark.parametrize("notify", [False, True])
def test_a_wrong_password_ends_a_run_by_hand_and_not_a_service(
    simulated, write_config, files_for_now, optimizer, notify, monkeypatch, tmp_path
):
    path = write_config(files_for_now, url=simulated())
    path.write_text(path.read_text().replace('"env:FEMS_PASSWORD"', '"env:WRONG"'))
    monkeypatch.setenv("WRONG", "wrong")
    if notify:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    done = optimizer("run", "--for", "3", "--no-replan")
    assert done.returncode == (0 if notify else 5)
    assert done.stderr.count("does not accept the password") == 1 + (not notify)


def test_an_owner_may_plan_elsewhere_and_sees_what_went_between_battery_and_grid(
    simulated, write_config, files_for_now, optimizer, tmp_path
):
    write_config(files_for_now, url=simulated())
    done = optimizer("run", "--for", "5", "--no-replan")
    assert done.returncode == 0
    assert "nothing is held: no plan" in done.stderr
    assert "planned anew" not in done.stderr
    connection = database.connect(tmp_path / "state")
    assert connection.execute("SELECT count(*) FROM plan").fetchone() == (0,)
    connection.close()
    day = json.loads(optimizer("status", "--json").stdout)["last_day"]
    assert 0 < day["seconds"] <= 6
    assert day["bought_into_battery_wh"] == 0
    assert day["sold_from_battery_wh"] < 1
    assert day["held_sold_from_battery_wh"] == 0


@pytest.fixture
def served(monkeypatch, write_config, tmp_path):
    """A FEMS in this process, and the configuration for it."""
    monkeypatch.setenv("FEMS_PASSWORD", "owner")
    at = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
    load, pv = Profile(at, 900, (800.0,)), Profile(at, 900, (0.0,))
    house = SimulatedHouse(Battery(capacity_wh=22_000), load, pv, at, 50)
    with SimulatedFems(house) as fems:
        yield fems, write_config(url=fems.url)


def test_another_fems_at_the_address_is_accepted_by_its_owner(served, tmp_path, capsys):
    fems, path = served
    connection = database.connect(tmp_path / "state")
    active_plan = StoredDevice(connection)
    before = Identity(frozenset({"ess0", "ess1"}), {"ess0/Capacity": "8800"})
    active_plan.remember(before, fems.url, datetime.now(UTC))
    accept(config=path)
    seen = active_plan.known()
    connection.close()
    assert seen.differs_from(before) == "its ess0/Capacity is 22000 instead of 8800"
    assert capsys.readouterr().out == f"accepted: {fems.url} with batteryInverter0, ess0\n"


@pytest.mark.parametrize(
    ("reason", "note", "released"),
    [
        (Reason.YIELDED, "", False),
        (Reason.STOPPED, "", False),
        (Reason.STOPPED, "the last release was not taken", True),
        (Reason.HOLDING, "cheap", True),
        (None, "", True),
    ],
)
def test_release_own_leaves_another_programs_value(
    served, tmp_path, capsys, reason, note, released
):
    fems, path = served
    fems.house.write(Channel.EQUALS, 1_234)
    if reason is not None:
        decision = Decision(datetime.now(UTC), None, reason, note=note)
        live_state.write(live_state.path_for(tmp_path / "state"), decision, None, os.getpid())
    release(own=True, config=path)
    assert fems.house.written.values == ({} if released else {Channel.EQUALS: 1_234})
    reported = capsys.readouterr().out
    assert reported.startswith("released" if released else "nothing to release")
