"""The units, judged by systemd's own tools."""

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from optimizer.control import systemd_units
from optimizer.errors import ExitCode

BERLIN = ZoneInfo("Europe/Berlin")


def service(tmp_path, **changes):
    values = {
        "python": Path(sys.executable), "config": tmp_path / "my 100 % house" / "optimizer.toml",
        "user": "root", "credentials": {"fems.password": tmp_path / "a b" / "fems.password"},
        "writable": (tmp_path / "node exporter",),
    }  # fmt: skip
    return systemd_units.ServiceSettings(**(values | changes))


def analyze(*args, **options):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *args], capture_output=True, text=True, check=False,
        **options,
    )  # fmt: skip


@pytest.fixture
def written(tmp_path):
    """Write the units; gives their paths by name."""

    def write(**changes):
        folder = tmp_path / "units"
        folder.mkdir()
        texts = systemd_units.texts(service(tmp_path, **changes))
        for name, text in texts.items():
            (folder / name).write_text(text)
        return {name: folder / name for name in texts}

    return write


def settings(path):
    """All values of a unit by key; a key may come several times."""
    found = {}
    for line in path.read_text().splitlines():
        key, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_systemd_finds_nothing_wrong(written):
    # root is there on every computer; the service's own user is made by the installation
    done = analyze("verify", "--man=no", *map(str, written(messages=True).values()))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_nothing_wrong_for_a_user(written, tmp_path):
    done = analyze(
        "verify", "--user", "--man=no", *map(str, written(user=None, messages=True).values()),
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "most"),
    [(systemd_units.EXECUTOR, 1.2), (systemd_units.PLANNER, 1.4), (systemd_units.NOTIFIER, 1.4)],
)
def test_the_services_are_hardened(written, name, most):
    """2.0 is asked for; what is reached shall stay."""
    paths = written(user=systemd_units.USER, messages=True)
    done = analyze("security", "--offline=true", "--threshold=20", str(paths[name]))
    score = float(re.search(r"exposure level for \S+ (\d+\.\d+)", done.stdout)[1])
    assert done.returncode == 0
    assert score <= most


def test_the_executor_reaches_the_house_only_and_the_planner_the_world(written):
    paths = written()
    executor, planner = (
        settings(paths[systemd_units.EXECUTOR]),
        settings(paths[systemd_units.PLANNER]),
    )
    assert executor["IPAddressDeny"] == ["any"]
    assert "192.168.0.0/16" in executor["IPAddressAllow"][0].split()
    assert "IPAddressDeny" not in planner


def test_messages_have_units_of_their_own_which_reach_the_world(written):
    paths = written(messages=True)
    unit = settings(paths[systemd_units.NOTIFIER])
    assert unit["ExecStart"][0].endswith("-m optimizer notify")
    assert "IPAddressDeny" not in unit
    assert unit["LoadCredential"] == settings(paths[systemd_units.PLANNER])["LoadCredential"]
    assert settings(paths[systemd_units.NOTIFY_TIMER])["OnCalendar"] == ["*:0/10"]


def test_without_messages_there_are_no_units_of_theirs(written):
    assert not set(systemd_units.MESSAGES) & set(written())


def test_the_executor_is_watched_and_started_again(written):
    paths = written(interval_s=20)
    unit = settings(paths[systemd_units.EXECUTOR])
    assert (unit["Type"], unit["WatchdogSec"], unit["Restart"]) == (["notify"], ["60"], ["always"])
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["ExecStopPost"][0].endswith("-m optimizer release --own")
    assert unit["ExecStopPost"][0].startswith("-+:")  # its failure is no failure of the service
    slowly = {int(code) for code in unit["RestartPreventExitStatus"][0].split()}
    assert slowly == {
        ExitCode.USAGE, ExitCode.CONFIG, ExitCode.BAD_DATA, ExitCode.ALREADY_RUNNING,
        ExitCode.UNSAFE_TIMEOUT,
    }  # fmt: skip
    assert unit["OnFailure"] == [systemd_units.AGAIN]
    timer = settings(paths[systemd_units.AGAIN])
    assert timer["OnUnitInactiveSec"] == ["10min"]
    assert timer["Unit"] == timer["PartOf"] == [systemd_units.EXECUTOR]
    assert "RestartPreventExitStatus" not in settings(paths[systemd_units.PLANNER])


def test_root_runs_no_program_of_others(written):
    unit = settings(written(root_owned=False)[systemd_units.EXECUTOR])
    assert unit["ExecStopPost"][0].startswith("-:")


def test_a_short_cycle_keeps_the_least_patience(written):
    assert settings(written()[systemd_units.EXECUTOR])["WatchdogSec"] == [
        str(systemd_units.WATCHDOG_S)
    ]


def test_paths_with_spaces_and_signs_arrive_whole(written, tmp_path):
    unit = written()[systemd_units.EXECUTOR].read_text()
    assert f'Environment="OPTIMIZER_CONFIG={tmp_path}/my 100 %% house/optimizer.toml"' in unit
    assert f"LoadCredential=fems.password:{tmp_path}/a b/fems.password\n" in unit
    assert f'ReadWritePaths="{tmp_path}/node exporter"' in unit


def test_home_folders_are_hidden_unless_something_lies_there(written, tmp_path):
    paths = written(at_home=True)
    assert settings(paths[systemd_units.EXECUTOR])["ProtectHome"] == ["read-only"]
    hidden = systemd_units.texts(service(tmp_path))[systemd_units.EXECUTOR]
    assert "ProtectHome=yes\n" in hidden


def test_the_user_is_made_only_when_it_is_our_own(tmp_path):
    assert systemd_units.USERS in systemd_units.texts(service(tmp_path, user=systemd_units.USER))
    assert systemd_units.USERS not in systemd_units.texts(service(tmp_path, user="pi"))
    own = systemd_units.texts(service(tmp_path, user=None))
    assert "User=" not in own[systemd_units.EXECUTOR]
    assert "WantedBy=default.target" in own[systemd_units.EXECUTOR]


@pytest.mark.parametrize("day", ["2027-03-27", "2026-10-24"])
def test_the_timer_elapses_twice_on_each_day_of_a_change_of_the_clock(written, day):
    """The days before, of, and after the change; a timer at 02:30 would lose one."""
    calendars = settings(written()[systemd_units.TIMER])["OnCalendar"]
    for calendar, hour in zip(calendars, ("14:10", "23:40"), strict=True):
        done = analyze(
            "calendar", f"--base-time={day} 00:00:00", "--iterations=3", calendar,
            env=os.environ | {"TZ": "UTC"},
        )  # fmt: skip
        stamps = re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", done.stdout)
        local = [datetime.fromisoformat(f"{stamp}+00:00").astimezone(BERLIN) for stamp in stamps]
        assert [f"{at:%H:%M}" for at in local] == [hour] * 3, done.stdout + done.stderr
        assert [at.day - local[0].day for at in local] == [0, 1, 2]
        assert local[0].utcoffset() != local[2].utcoffset()
