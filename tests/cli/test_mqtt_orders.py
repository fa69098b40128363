"""An owner's commands over MQTT beside a running executor: real process, FEMS and broker."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.snapshot import Channel
from optimizer.store import database, journal
from tests.mqtt_broker import PASSWORD, USER, broker_in, listening
from tests.waiting import wait_for

HELD = -10_000
HEAVY = ("pandas", "numpy", "pulp", "highspy", "jinja2", "rich")
BASE = "optimizer/home"

SCRIPT = f"""
import atexit, sys
sys.argv = ['optimizer', 'run']
atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules]))
from optimizer.cli import main
main()
"""


@pytest.fixture
def home_assistant(tmp_path):
    """A broker, and somebody there."""
    with broker_in(tmp_path) as mosquitto, listening(mosquitto.port) as listener:
        yield mosquitto.port, listener


@pytest.fixture
def executor(fems, home_assistant, write_config, files_for_now, optimizer, tmp_path):
    """An executor that takes commands and holds the cheap hours' charge."""
    write_config(
        files_for_now, url=fems.url,
        more=f'[mqtt]\nhost = "127.0.0.1"\nport = {home_assistant[0]}\nuser = "{USER}"\n'
        f'password = "env:MQTT_PASSWORD"\ncommands = true\n',
    )  # fmt: skip
    os.environ["MQTT_PASSWORD"] = PASSWORD
    try:
        assert optimizer("plan").returncode == 0
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=os.environ | {"FEMS_PASSWORD": "owner"},
        )  # fmt: skip
        yield process
    finally:
        del os.environ["MQTT_PASSWORD"]
        process.kill()
        process.communicate()


def ended(executor):
    """End the executor, which has imported nothing heavy; give its log."""
    executor.send_signal(signal.SIGTERM)
    out, log = executor.communicate(timeout=30)
    assert (executor.returncode, out) == (0, "[]\n")
    assert PASSWORD not in log
    return log


def test_pause_resume_and_charge_as_the_commands_do(
    executor, fems, home_assistant, optimizer, tmp_path
):
    listener = home_assistant[1]

    def action():
        return json.loads(listener.heard.get(f"{BASE}/state", "{}"))

    wait_for(lambda: fems.house.written.values.get(Channel.EQUALS) == HELD)
    listener.wait_for(f"{BASE}/online", "online")
    listener.say(f"{BASE}/pause/set", "PRESS")
    wait_for(lambda: not fems.house.written.values)
    wait_for(lambda: action().get("action") == "paused")
    status = " ".join(optimizer("status").stdout.split())
    assert status.startswith("PAUSED since ")
    assert " by MQTT at 127.0.0.1, until 'optimizer resume'" in status
    listener.say(f"{BASE}/resume/set", "PRESS")
    wait_for(lambda: fems.house.written.values.get(Channel.EQUALS) == HELD)
    by = datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")) + timedelta(hours=20)
    listener.say(f"{BASE}/charge/set", f"90 by {by:%H:%M}")
    wait_for(lambda: action().get("override", "").startswith("charge to 90 % by "))
    (listed,) = json.loads(optimizer("override", "list", "--json").stdout)["overrides"]
    assert (listed["state"], listed["soc_percent"]) == ("in_force", 90.0)
    assert listed["by"] == "MQTT at 127.0.0.1"
    assert isinstance(listed["cost_eur"], float)  # the plan made at once has priced it
    shown = json.loads(optimizer("show", "--json").stdout)
    assert shown["override"]["number"] == 1
    log = ended(executor)
    said = [line.partition("MQTT: ")[2] for line in log.splitlines() if "MQTT: " in line]
    assert [text.split()[0] for text in said] == ["paused", "resumed", "override"]
    assert all("by MQTT at 127.0.0.1" in text for text in said)
    with closing(database.connect(tmp_path / "state")) as connection:
        rows = journal.ticks(connection, datetime(2026, 1, 1, tzinfo=UTC), "change")
    assert any("by MQTT at 127.0.0.1" in row.note for row in rows if row.reason == "PAUSED")
