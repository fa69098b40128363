"""Standing down: the judgement after a closed day, the pause it leaves, and its end."""

import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.app import accounts
from optimizer.app.current_plan import current_state
from optimizer.app.handing_back import begin_pause, end_pause
from optimizer.app.stand_down import stand_down_if_losing
from optimizer.config import loading
from optimizer.control.clock import SystemClock
from optimizer.doctor import live_findings
from optimizer.model.plan import iso
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import Decision, Reason
from optimizer.savings import daily_accounts
from optimizer.savings.likely_part import LikelyPart
from optimizer.store import database, journal, judged_days, live_state, pause, quarter_record
from optimizer.store.pause import Pause, PauseKind, PauseWatch
from optimizer.telemetry.cycle_report import CycleReport

FIRST = datetime(2026, 1, 4, 23, tzinfo=UTC)  # a local Monday
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "owner"
[battery]
capacity_wh = 10_000
[prices]
sources = ["fixed"]
eur_per_kwh = 0.3
all_in = true
[control]
stand_down = {allowed}
[store]
folder = "{folder}"
"""


@pytest.fixture
def config_of(tmp_path):
    def make(allowed="true"):
        path = tmp_path / "optimizer.toml"
        path.write_text(CONFIG.format(folder=tmp_path / "state", allowed=allowed))
        path.chmod(0o600)
        return loading.load(path)

    return make


@pytest.fixture
def config(config_of):
    return config_of()


@pytest.fixture
def connection(config):
    with closing(database.connect(config.store.folder)) as opened:
        yield opened


def lived(connection, days, *, begin=0, sells=True):
    """Days on which 6 kWh are bought at 40 ct and, if it sells, given to the grid for 10 ct."""
    quarters = []
    for number in range(begin, begin + days):
        soc_wh = 2_000.0
        for place in range(96):
            start = FIRST + number * DAY + place * QUARTER
            charged = 500.0 * (place in range(40, 52)) * sells
            discharged = 450.0 * (place in range(72, 84)) * sells
            after_wh = soc_wh + charged * 0.95 - discharged / 0.95
            quarters.append(QuarterEnergy(
                start, start + QUARTER, seconds=900.0, drawn_wh=charged, fed_wh=discharged,
                charged_wh=charged, discharged_wh=discharged, first_soc_wh=soc_wh, soc_wh=after_wh,
            ))  # fmt: skip
            soc_wh = after_wh
    with database.transaction(connection):
        quarter_record.add(connection, quarters)
        connection.executemany(
            "INSERT INTO price VALUES (?, 900, ?, 0.4, 0.1)",
            [(iso(q.start), iso(FIRST)) for q in quarters],
        )


def after(days):
    """The second hour of the local day after so many."""
    return FIRST + days * DAY + timedelta(hours=1, minutes=5)


def test_control_that_loses_stands_down_once_and_names_the_likely_part(config, connection, caplog):
    lived(connection, 30)
    with caplog.at_level(logging.WARNING):
        order = stand_down_if_losing(connection, config, after(30))
        assert stand_down_if_losing(connection, config, after(31)) is None
    assert order.kind is PauseKind.STAND_DOWN
    assert pause.load(config.store.folder) == order
    assert "control lost 5" in order.by
    assert "in 30 days (since 2026-01-05)" in order.by
    assert order.by.endswith(f"likely {LikelyPart.PLAN}")
    assert len(caplog.records) == 1


def test_the_nightly_plan_judges_after_each_day_that_it_closes(config, connection):
    lived(connection, 30)
    accounts.close_accounts(config, after(30))
    order = pause.load(config.store.folder)
    assert order.kind is PauseKind.STAND_DOWN
    # without a plan in force nothing was promised: what was done is the execution
    assert order.by.endswith(f"likely {LikelyPart.EXECUTION}")


def test_another_writer_is_named(config, connection):
    lived(connection, 30)
    noted = journal.Journal(connection)
    for hour in range(48):
        noted.note(Decision(FIRST + hour * timedelta(hours=1), None, Reason.YIELDED), None)
    noted.flush()
    daily_accounts.close(connection, accounts.account_inputs(config), after(30))
    assert stand_down_if_losing(connection, config, after(30)).by.endswith(LikelyPart.WRITER)


def test_control_that_does_nothing_is_left_alone(config, connection):
    lived(connection, 60, sells=False)
    assert stand_down_if_losing(connection, config, after(60)) is None
    assert pause.load(config.store.folder) is None


def test_an_owner_may_forbid_it_and_a_pause_in_force_is_kept(config_of, config, connection):
    lived(connection, 30)
    assert stand_down_if_losing(connection, config_of("false"), after(30)) is None
    owners = Pause(after(29), "'optimizer pause'")
    pause.store(config.store.folder, owners)
    assert stand_down_if_losing(connection, config, after(30)) is None
    assert pause.load(config.store.folder) == owners


def test_resume_ends_it_and_the_weeks_before_count_no_longer(config, connection):
    folder = config.store.folder
    lived(connection, 30)
    assert stand_down_if_losing(connection, config, after(30)) is not None
    assert end_pause(folder, after(30)).kind is PauseKind.STAND_DOWN
    assert pause.load(folder) is None
    assert judged_days.since(folder) == after(30)
    assert stand_down_if_losing(connection, config, after(30)) is None
    lived(connection, 3, begin=30)
    assert stand_down_if_losing(connection, config, after(33)) is None
    lived(connection, 27, begin=33)
    again = stand_down_if_losing(connection, config, after(60))
    assert "(since 2026-02-04)" in again.by


def test_an_owners_pause_ends_without_touching_the_days(config):
    folder = config.store.folder
    pause.store(folder, Pause(FIRST, "'optimizer pause'"))
    end_pause(folder, after(1))
    assert judged_days.since(folder) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"since": "2026-01-01T00:00:00"}'])
def test_a_damaged_moment_lets_nothing_before_it_count(config, text):
    folder = config.store.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / judged_days.FILE_NAME).write_text(text)
    assert abs(datetime.now(UTC) - judged_days.since(folder)) < timedelta(hours=1)


def test_a_pause_for_some_hours_does_not_shorten_a_stand_down(config):
    folder = config.store.folder
    order = Pause(FIRST, "the accounts", kind=PauseKind.STAND_DOWN)
    pause.store(folder, order)
    shorter = Pause(FIRST + DAY, "'optimizer pause'", FIRST + 2 * DAY)
    said = begin_pause(folder, SystemClock(), shorter)
    assert said == "control stands down already, until 'optimizer resume'"
    assert pause.load(folder) == order


def test_it_is_shown_wherever_a_pause_is(config, connection):
    folder = config.store.folder
    lived(connection, 30)
    order = stand_down_if_losing(connection, config, after(30))
    watch = PauseWatch(folder, config.zone)
    note = watch.current(after(31))
    assert note.startswith("STOOD DOWN since 2026-02-04 01:05 by the accounts: control lost ")
    assert note.endswith("until 'optimizer resume'")
    assert watch.reason is Reason.STOOD_DOWN
    decision = Decision(after(31), None, watch.reason, note=note)
    report = CycleReport(decision, None, None, 10_000)
    assert (report.action, report.problem) == ("stood down", True)
    live_state.write(live_state.path_for(folder), decision, None, 1, 0.01)
    try:
        status = current_state(config, after(31)).status
        assert status.state == "stood_down"
        assert status.as_json()["pause"] == order.as_json()
        assert status.text(config.zone).startswith("STOOD DOWN  since 2026-02-04")
        assert "'optimizer resume' ends it" in status.why
        finding, _ = live_findings.executor(status.live, after(31), running=True)
        assert (finding.text, finding.fix) == (note, live_findings.RESUME)
    finally:
        live_state.path_for(folder).unlink(missing_ok=True)
