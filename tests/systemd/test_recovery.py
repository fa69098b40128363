"""Failures of the installed service under a live systemd: none of them ends control for good."""

import time

import pytest

from optimizer.control import systemd_units
from optimizer.errors import ExitCode
from tests.systemd.conftest import FREE_WITHIN_S, SLOW_RESTART_S, TIMEOUT_S

pytestmark = [pytest.mark.systemd, pytest.mark.no_cover]


def test_a_broken_file_at_a_reload_keeps_control_and_a_kill_frees_the_fems(service, note):
    """Afterwards it cannot start: it is tried again slowly, and found mended."""
    service.config.write_text(service.good.replace("interval_s", "intervals"))
    service.machine.run("systemctl", "reload", systemd_units.EXECUTOR)
    service.until_said("the old configuration stays")
    time.sleep(5)
    assert service.held
    service.config.write_text("[fems\n")
    before = len(service.said())
    service.machine.run("kill", "-9", service.process())
    seconds = service.until_free()
    note("SIGKILL with a broken configuration to null", seconds)
    service.until("failed")
    said = service.said()[before:]
    assert seconds < FREE_WITHIN_S, said
    assert "released by the configuration that the executor ran with" in said
    assert "Traceback" not in said
    assert service.status() == str(int(ExitCode.CONFIG))
    assert service.machine.property(systemd_units.AGAIN, "ActiveState") == "active"
    time.sleep(2 * SLOW_RESTART_S)  # tried again, in vain
    assert not service.held
    service.config.write_text(service.good)
    note(f"exit 3: mended, to the next set-point (retry {SLOW_RESTART_S} s)", service.until_held())


def test_a_timeout_of_0_is_refused_and_found_mended(service, note):
    service.fems.house.written.timeout_s = 0
    begun = time.monotonic()
    service.machine.run("systemctl", "restart", "--no-block", systemd_units.EXECUTOR)
    service.until_free()
    seconds = time.monotonic() - begun
    note("restart in front of a FEMS with time-out 0, to null", seconds)
    assert seconds < FREE_WITHIN_S
    service.until("failed")
    assert service.status() == str(int(ExitCode.UNSAFE_TIMEOUT))
    time.sleep(SLOW_RESTART_S)
    assert not service.held
    service.fems.house.written.timeout_s = TIMEOUT_S
    note(f"exit 10: mended, to the next set-point (retry {SLOW_RESTART_S} s)", service.until_held())


def test_a_run_by_hand_beside_the_start_is_no_end_for_good(service, note):
    service.machine.run("systemctl", "stop", systemd_units.EXECUTOR)
    by_hand = "optimizer-by-hand.service"
    service.machine.run(
        "systemd-run", f"--unit={by_hand}", "--property=KillSignal=SIGTERM",
        service.python, "-P", "-m", "optimizer", "run",
    )  # fmt: skip
    service.until_held()
    service.machine.run("systemctl", "start", systemd_units.EXECUTOR, check=False)
    service.until("failed")
    assert service.held  # nobody has given back what the other holds
    assert service.status() == str(int(ExitCode.ALREADY_RUNNING))
    service.machine.run("systemctl", "stop", by_hand)
    note(f"exit 9: the other has ended, to the next set-point (retry {SLOW_RESTART_S} s)",
         service.until_held())  # fmt: skip
    assert service.state() == "active"


def test_what_was_stopped_by_hand_after_a_failure_stays_stopped(service):
    service.config.write_text("[fems\n")
    service.machine.run("systemctl", "restart", systemd_units.EXECUTOR, check=False)
    service.until("failed")
    service.machine.run("systemctl", "stop", systemd_units.EXECUTOR)
    service.config.write_text(service.good)
    time.sleep(2 * SLOW_RESTART_S)
    assert service.state() in {"failed", "inactive"}
    assert not service.held
    assert service.machine.property(systemd_units.AGAIN, "ActiveState") == "inactive"


def test_a_wiped_state_folder_costs_the_plan_and_not_the_service(service, note):
    """The executor opens the store anew, follows its plan on, and has another one made."""
    state = service.machine.root / "var/lib/optimizer"
    before = len(service.said())
    for path in state.iterdir():
        path.unlink()
    service.until_said("the store was deleted or replaced: opened anew", before)
    assert service.held
    assert "Traceback" not in service.said()[before:]
    service.machine.run("kill", "-9", service.process())
    seconds = service.until_free()
    note("SIGKILL after the state folder was wiped, to null", seconds)
    assert seconds < FREE_WITHIN_S
    note("... to the next set-point, with a new plan", service.until_held())


def test_credentials_that_are_not_for_us_are_one_sentence(service):
    folder = service.machine.root / "etc/optimizer/credentials"
    folder.mkdir(mode=0o700, exist_ok=True)
    done = service.machine.run(
        "setpriv", "--reuid=optimizer", "--regid=optimizer", "--clear-groups", "env",
        "CREDENTIALS_DIRECTORY=/etc/optimizer/credentials", service.python, "-P", "-m",
        "optimizer", "--config", "/etc/optimizer/optimizer.toml", "release", "--own", check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (int(ExitCode.CONFIG), "")
    assert done.stderr == (
        "optimizer: /etc/optimizer/optimizer.toml: fems.password: "
        "/etc/optimizer/credentials/fems.password cannot be read: Permission denied\n"
    )
