"""Installing into an image with systemd's real tools, and what the service's user may touch."""

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from optimizer.control import systemd_units
from optimizer.errors import ConfigError, OptimizerError, RefusedError

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can try as somebody else")


@pytest.fixture
def image(tmp_path):
    return systemd_units.system(tmp_path / "image")


@pytest.fixture
def texts(tmp_path):
    config = tmp_path / "optimizer.toml"
    return systemd_units.texts(
        systemd_units.ServiceSettings(Path(sys.executable), config, systemd_units.USER)
    )


def test_install_start_and_remove_in_an_image(image, texts):
    written = systemd_units.write(texts, image)
    assert {path.name for path in written} == {*systemd_units.NAMES, systemd_units.USERS}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in written)
    systemd_units.make_user(image)
    assert "optimizer:" in (image.image / "etc/passwd").read_text()
    systemd_units.start(image)
    wanted = image.units / "multi-user.target.wants" / systemd_units.EXECUTOR
    assert wanted.is_symlink()
    assert (image.units / "timers.target.wants" / systemd_units.TIMER).is_symlink()
    assert (image.units / "paths.target.wants" / systemd_units.ASKED).is_symlink()
    assert set(systemd_units.remove(image)) == set(written)
    assert not wanted.is_symlink()
    assert systemd_units.remove(image) == []


def test_units_of_messages_come_and_go_with_their_section(image, texts, tmp_path):
    service = systemd_units.ServiceSettings(
        Path(sys.executable), tmp_path / "optimizer.toml", systemd_units.USER, messages=True
    )
    timer = image.units / "timers.target.wants" / systemd_units.NOTIFY_TIMER
    systemd_units.write(systemd_units.texts(service), image)
    systemd_units.make_user(image)
    systemd_units.start(image)
    assert timer.is_symlink()
    assert systemd_units.started(image) == (*systemd_units.STARTED, systemd_units.NOTIFY_TIMER)
    removed = systemd_units.remove_messages(image)
    assert {path.name for path in removed} == {*systemd_units.MESSAGES}
    assert not timer.is_symlink()
    assert systemd_units.remove_messages(image) == []
    assert systemd_units.started(image) == systemd_units.STARTED
    assert (image.units / "multi-user.target.wants" / systemd_units.EXECUTOR).is_symlink()
    systemd_units.write(systemd_units.texts(service), image)
    systemd_units.start(image)
    gone = {path.name for path in systemd_units.remove(image)}
    assert gone == {*service.names, systemd_units.USERS}
    assert not timer.is_symlink()


def test_a_folder_that_is_not_ours_is_named(texts, tmp_path):
    (tmp_path / "image").write_text("no folder")
    with pytest.raises(RefusedError, match=r"optimizer.service cannot be written .*: use sudo"):
        systemd_units.write(texts, systemd_units.system(tmp_path / "image"))


def test_the_units_of_a_user_lie_in_his_own_folder(tmp_path):
    place = systemd_units.of_user({"XDG_CONFIG_HOME": str(tmp_path)})
    assert place.path(systemd_units.EXECUTOR) == tmp_path / "systemd/user" / systemd_units.EXECUTOR
    assert systemd_units.of_user({}).units == Path.home() / ".config/systemd/user"
    assert place.systemctl == ("systemctl", "--user")


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """A systemd that runs, as far as the one program that we call can tell; gives its calls."""
    calls, folder = tmp_path / "calls", tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(systemd_units, "RUNNING", tmp_path)
    return calls


def test_a_running_systemd_is_told(systemctl, tmp_path, texts):
    place = systemd_units.of_user({"XDG_CONFIG_HOME": str(tmp_path / "config")})
    own = {name: text for name, text in texts.items() if name != systemd_units.USERS}
    systemd_units.write(own, place)
    systemd_units.reload(place)
    systemd_units.start(place)
    systemd_units.remove(place)
    names = " ".join(systemd_units.STARTED)
    assert systemctl.read_text().splitlines() == [
        "--user daemon-reload",
        f"--user enable --now {names}",
        f"--user start --no-block {systemd_units.PLANNER}",
        f"--user disable --now {names}",
        f"--user stop {systemd_units.AGAIN} {systemd_units.PLANNER}",
        "--user daemon-reload",
    ]


def test_the_words_of_a_tool_that_fails_are_told(systemctl, tmp_path):
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    with pytest.raises(RefusedError, match=r"'systemctl daemon-reload' failed: no bus"):
        systemd_units.reload(systemd_units.system())


def test_without_systemd_nothing_can_be_started(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptimizerError, match="systemctl is not there: this needs systemd"):
        systemd_units.start(systemd_units.system(tmp_path))
    monkeypatch.setattr(systemd_units, "RUNNING", tmp_path / "no")
    systemd_units.reload(systemd_units.system())  # nobody to be told


@pytest.fixture
def open_folder():
    """A folder that others can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@as_root
def test_what_the_services_user_cannot_use_is_named_with_the_cure(open_folder):
    config, prices = open_folder / "optimizer.toml", open_folder / "prices.csv"
    for path in (config, prices):
        path.write_text("")
        path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        systemd_units.check_access(
            "nobody", {"configuration": config, "prices.file": prices},
            {"store.folder": open_folder}, config,
        )  # fmt: skip
    configuration, table, folder = str(caught.value).splitlines()
    assert configuration == (
        f"configuration: {config} cannot be read by user 'nobody': "
        f'\'sudo chgrp nogroup "{config}" && sudo chmod 640 "{config}"\''
    )
    assert f'sudo chmod a+r "{prices}"\'' in table
    assert (
        f"cannot be written by user 'nobody': 'sudo install -d -o nobody -m 700 \"{open_folder}\""
        in (folder)
    )
    config.chmod(0o644)
    systemd_units.check_access("nobody", {"configuration": config}, {}, config)


@as_root
def test_an_environment_in_a_home_folder_wants_its_owner(tmp_path):
    with pytest.raises(ConfigError, match=r"as the owner of /home/pi \('--as pi'\), or move it"):
        systemd_units.check_access("nobody", {"python": Path("/home/pi/no/python")}, {}, tmp_path)


def test_an_unknown_user(tmp_path):
    with pytest.raises(ConfigError, match="there is no user 'nobody-here': name one"):
        systemd_units.check_access("nobody-here", {}, {}, tmp_path)


def test_home_folders_are_known():
    assert systemd_units.in_home(Path("/opt/x"), Path("/home/pi/.venv/bin/python"))
    assert systemd_units.in_home(Path("/root/optimizer.toml"))
    assert not systemd_units.in_home(Path("/opt/x"), Path("/home"), Path("/var/lib/optimizer"))
