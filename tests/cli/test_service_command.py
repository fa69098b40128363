"""`optimizer service`, and the executor as systemd runs it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import Stopwatch

CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = {password}
[battery]
capacity_wh = 22_000
"""

IN_A_FILE = '"file:fems.password"'


@pytest.fixture
def house(tmp_path):
    """A configuration with its secret in a file of its own."""

    def write(password=IN_A_FILE, more=""):
        (tmp_path / "fems.password").touch(0o600)
        (tmp_path / "fems.password").write_text("owner\n")
        path = tmp_path / "optimizer.toml"
        path.write_text(CONFIG.format(password=password) + more)
        path.chmod(0o600)
        return path

    return write


def test_print_shows_what_install_would_write(house, optimizer, tmp_path):
    path = house(more='[metrics]\ntextfile = "/srv/node exporter/optimizer.prom"\n')
    shown = optimizer("service", "print", "--system").stdout
    assert "# /etc/systemd/system/optimizer.service\n" in shown
    assert "# /etc/sysusers.d/optimizer.conf\n" in shown
    assert f'Environment="OPTIMIZER_CONFIG={path}"' in shown
    assert f"LoadCredential=fems.password:{tmp_path}/fems.password" in shown
    assert f'ExecStart=:"{sys.executable}" -P -m optimizer run' in shown
    assert 'ReadWritePaths="/srv/node exporter"' in shown
    same = optimizer("service", "install", "--system", "--dry-run").stdout
    assert same == shown
    own = optimizer("service", "print", "--user").stdout
    assert "User=" not in own
    assert "LoadCredential" not in own


@pytest.mark.parametrize("password", ['"owner"', '"env:FEMS_PASSWORD"'])
def test_a_secret_that_a_service_cannot_have_is_named(house, optimizer, password):
    house(password)
    done = optimizer("service", "print", "--system")
    assert done.returncode == 3
    assert 'fems.password has to lie in a file of its own for a service, such as "file:' in (
        done.stderr
    )
    assert optimizer("service", "print", "--user").returncode == 0


def test_install_and_remove_in_an_image(house, optimizer, tmp_path):
    house()
    image = tmp_path / "image"
    done = optimizer("service", "install", "--root", str(image), "--now")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("written  ") == 6
    assert (image / "etc/systemd/system/multi-user.target.wants/optimizer.service").is_symlink()
    gone = optimizer("service", "remove", "--root", str(image))
    assert gone.stdout.count("removed  ") == 6
    assert "there is nothing in" in optimizer("service", "remove", "--root", str(image)).stdout


def test_units_of_a_user_say_what_is_less(house, optimizer, tmp_path, monkeypatch):
    house()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    done = optimizer("service", "install", "--user")
    assert done.returncode == 0
    assert (tmp_path / "config/systemd/user/optimizer.service").is_file()
    assert "start it with  systemctl --user enable --now optimizer.service" in done.stdout
    assert "loginctl enable-linger" in done.stdout
    assert "less protected" in done.stdout


# --- the executor under systemd ----------------------------------------------------------------


@pytest.fixture
def systemd(tmp_path, write_config):
    """What systemd gives a service: a socket, folders, credentials; gives ear and process."""
    path, folders = tmp_path / "notify", {}
    for name in ("state", "runtime", "credentials"):
        folders[name] = tmp_path / f"systemd-{name}"
        folders[name].mkdir(mode=0o700)
    (folders["credentials"] / "fems.password").write_text("owner\n")
    config = write_config()
    text = config.read_text().replace('"env:FEMS_PASSWORD"', '"file:/nowhere"')
    config.write_text(text.partition("[store]")[0])
    environment = os.environ | {
        "NOTIFY_SOCKET": str(path),
        "STATE_DIRECTORY": str(folders["state"]),
        "RUNTIME_DIRECTORY": str(folders["runtime"]),
        "CREDENTIALS_DIRECTORY": str(folders["credentials"]),
        "OPTIMIZER_PLAN_WANTED": str(tmp_path / "plan-wanted"),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.settimeout(30)
        process = subprocess.Popen(
            [sys.executable, "-m", "optimizer", "run"], cwd=tmp_path, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        yield ear, process, tmp_path, environment
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.communicate(timeout=60)


def heard(ear):
    return ear.recv(4096).decode().splitlines()


def until_silence(ear, seconds):
    """How many pings come until none has for so long."""
    ear.settimeout(seconds)
    count = 0
    with contextlib.suppress(TimeoutError):
        while heard(ear):
            count += 1
    return count


def test_the_executor_under_systemd(systemd):
    ear, process, folder, environment = systemd
    first = heard(ear)
    assert first[:2] == ["READY=1", "WATCHDOG=1"]
    assert first[2] == "STATUS=nothing is held: the FEMS does not answer"
    assert heard(ear)[0] == "WATCHDOG=1"
    # store and live file are where systemd wants them, and the planner's unit is asked
    assert (folder / "systemd-state" / "optimizer.sqlite").is_file()
    status = subprocess.run(
        [sys.executable, "-m", "optimizer", "status"], cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert status.stdout.startswith("RELEASED ")
    assert [path.suffix for path in (folder / "systemd-runtime").iterdir()].count(".json") == 1
    assert (folder / "plan-wanted").is_file()
    # a process that hangs is silent at once: nothing else in it speaks
    process.send_signal(signal.SIGSTOP)
    ear.settimeout(0.1)
    until_silence(ear, 0.2)
    assert until_silence(ear, 2.5) == 0
    process.send_signal(signal.SIGCONT)
    ear.settimeout(30)
    assert heard(ear)[0] == "WATCHDOG=1"
    watch = Stopwatch(process.pid)
    process.terminate()
    reported = heard(ear)
    while "STOPPING=1" not in reported:
        reported = heard(ear)
    watch.until(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert watch.seconds() < 10


def test_the_extras_do_not_make_the_executor_heavy(
    simulated, write_config, optimizer, tmp_path, start, wait_for
):
    """With metrics and MQTT (a broker that is away) it stays light, and the figures come."""
    textfile = tmp_path / "optimizer.prom"
    write_config(
        url=simulated(),
        more=f'[metrics]\ntextfile = "{textfile}"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n',
    )
    process = start("run")
    wait_for(textfile.is_file)
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    assert "/pandas/" not in maps
    assert "/numpy/" not in maps
    pages = textfile.read_text()
    assert 'optimizer_writes_total{result="taken"}' in pages
    assert "optimizer_plan_age_seconds NaN" in pages
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stdout.read()
    assert "MQTT: the broker 127.0.0.1:9 does not answer" in process.stderr.read()
