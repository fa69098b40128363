"""The installed service under a live systemd: whatever ends it, the FEMS is soon free again."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from web_hook import TOKEN, WebHook

from optimizer.control import systemd_units
from tests.systemd.conftest import FREE_WITHIN_S
from tests.waiting import Stopwatch

pytestmark = [pytest.mark.systemd, pytest.mark.no_cover]


def test_the_first_plan_is_made_by_the_path_unit(installed, note):
    note("from `systemctl enable --now` to the first set-point", installed.start())
    assert "a plan is asked for" in installed.said()
    assert installed.machine.property(systemd_units.PLANNER, "Result") == "success"
    assert installed.machine.property(systemd_units.TIMER, "ActiveState") == "active"
    assert "PAUSED" not in installed.optimizer("status")


def test_the_timer_makes_the_next_plan_after_the_prices_or_before_midnight(service):
    text = service.machine.property(systemd_units.TIMER, "NextElapseUSecRealtime")
    stamp = service.machine.run("date", "--date", text, "+%s").stdout
    elapses = datetime.fromtimestamp(int(stamp), ZoneInfo("Europe/Berlin"))
    assert (elapses.hour, elapses.minute // 10) in {(14, 1), (14, 2), (23, 4), (23, 5)}, text
    # from 23:40 to 14:10 of the next day, which may have 25 hours; both are subtracted in UTC
    assert elapses.astimezone(UTC) - datetime.now(UTC) < timedelta(hours=16)


def test_after_a_kill_the_fems_is_free_within_seconds(service, note):
    before = len(service.said())
    service.machine.run("kill", "-9", service.process())
    seconds = service.until_free()
    note("SIGKILL to null (ExecStopPost)", seconds)
    said = service.until_said("released: the FEMS controls the battery by itself", before)
    assert seconds < FREE_WITHIN_S, said
    assert "Traceback" not in said
    note("... to the next set-point", service.until_held())


def test_one_that_hangs_is_killed_by_the_watchdog_and_the_fems_is_free(service, note):
    before = len(service.said())
    service.machine.run("kill", "-STOP", service.process())
    seconds = service.until_free(systemd_units.WATCHDOG_S + FREE_WITHIN_S)
    note(f"SIGSTOP to null (watchdog of {systemd_units.WATCHDOG_S} s)", seconds)
    assert seconds < systemd_units.WATCHDOG_S + FREE_WITHIN_S, service.said()[before:]
    assert "Watchdog timeout" in service.said()[before:]
    note("... to the next set-point", service.until_held())


def test_a_power_cut_ends_by_the_fems_own_timeout_and_a_boot_goes_on(service, note):
    service.fems.house.written.timeout_s = 12
    service.machine.run("systemctl", "restart", systemd_units.EXECUTOR)
    service.until_held()
    time.sleep(3)
    service.cut_power()
    seconds = Stopwatch().until(lambda: not service.held)
    note("power cut to free (the FEMS's time-out of 12 s)", seconds)
    assert seconds < 15
    begun = time.monotonic()
    service.boot()
    service.until_held()
    note("power on to the next set-point", time.monotonic() - begun)
    assert service.state() == "active"
    assert service.machine.property(systemd_units.TIMER, "ActiveState") == "active"


def test_a_stop_gives_back_and_says_nothing_else(service, note):
    before = len(service.said())
    begun = time.monotonic()
    service.machine.run("systemctl", "stop", "--no-block", systemd_units.EXECUTOR)
    service.until_free()
    seconds = time.monotonic() - begun
    note("`systemctl stop` to null", seconds)
    service.until("inactive")
    note("... to the end of the service", time.monotonic() - begun)
    everything = "nothing to release: the executor had given everything back"
    said = service.until_said(everything, before)
    assert seconds < FREE_WITHIN_S
    assert "Traceback" not in said
    # The machine's control groups may refuse systemd's own last kill of an empty group.
    assert "Failed" not in said.replace("Failed to kill control group", "")


def test_root_releases_beside_the_service_and_resumes(service, note):
    """The pause that root stores is the service's to read, and to end."""
    begun = time.monotonic()
    said = service.optimizer("release")
    note("`sudo optimizer release` beside the service, to its end", time.monotonic() - begun)
    assert said.startswith("released: the FEMS controls the battery by itself; an executor stays")
    until = time.monotonic() + 8
    while time.monotonic() < until:
        assert not service.held
        time.sleep(0.05)
    assert service.optimizer("status").startswith("PAUSED ")
    service.machine.run("systemctl", "restart", systemd_units.EXECUTOR)
    time.sleep(10)
    assert not service.held
    begun = time.monotonic()
    assert service.optimizer("resume").rstrip().endswith("the executor goes on")
    service.until_held()
    note("`sudo optimizer resume` to the next set-point", time.monotonic() - begun)


def test_what_root_makes_in_the_services_folder_is_the_services(service):
    service.machine.run("systemctl", "stop", *systemd_units.STARTED)
    state = service.machine.root / "var/lib/optimizer"
    for path in state.iterdir():
        path.unlink()
    service.optimizer("plan")
    service.optimizer("run", "--for", "3")
    owners = {path.name: path.stat().st_uid for path in state.iterdir()}
    assert set(owners.values()) == {state.stat().st_uid} != {0}, owners
    before = len(service.said())
    service.start()
    assert "without a journal" not in service.said()[before:]


def test_messages_are_sent_by_a_unit_of_their_own_which_goes_with_its_section(service):
    with service.machine.network():
        hook = WebHook()
    urls = service.folder / "notify.urls"
    urls.touch(0o600)
    urls.write_text(f"{hook.url}\n")
    ended = service.good.replace("[tariff]", '[tariff]\nvalid_to = "2026-01-31"')
    service.config.write_text(f'{ended}\n[notify]\nurls = "file:notify.urls"\n')
    with hook:
        service.install()
        service.machine.run("systemctl", "enable", "--now", systemd_units.NOTIFY_TIMER)
        for _ in range(2):
            service.machine.run("systemctl", "start", systemd_units.NOTIFIER)
        assert hook.titles == ["home: the tariff's parts end"]
        said = service.machine.journal(systemd_units.NOTIFIER)
        assert "sent     home: the tariff's parts end" in said
        assert TOKEN not in said
        service.config.write_text(service.good)
        assert "removed  /etc/systemd/system/optimizer-notify" in service.optimizer(
            "service", "install"
        )
        left = service.machine.property(systemd_units.NOTIFY_TIMER, "LoadState")
        assert left == "not-found"


def test_removing_it_frees_the_fems_and_leaves_no_unit(service, note):
    begun = time.monotonic()
    said = service.optimizer("service", "remove")
    note("`service remove` to its end", time.monotonic() - begun)
    assert not service.held
    assert said.count("removed ") == len(systemd_units.NAMES) + 1
    assert service.machine.property(systemd_units.EXECUTOR, "LoadState") == "not-found"
    service.install()
