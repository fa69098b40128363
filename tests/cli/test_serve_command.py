"""`optimizer serve` as a process: its address, its limits, its end."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from optimizer.errors import ExitCode
from tests.waiting import within_one_quarter

TOKEN = "0123456789abcdef-xyzzy"


@pytest.fixture
def serving(start):
    """Start it on a free port; gives the process and its address."""

    def begin(*args):
        process = start("serve", "--port", "0", *args)
        line = process.stdout.readline()
        found = re.fullmatch(r"the page is at (http://\S+/), Ctrl-C ends it\n", line)
        assert found, (line, process.poll() is not None and process.stderr.read())
        return process, found[1]

    return begin


def ended(process, number):
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:  # noqa: S310
        return answer.read().decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_what_is_stored_and_ends_cleanly(
    serving, optimizer, write_config, files_for_now, number
):
    write_config(files_for_now)
    assert optimizer("plan", "--soc", "30").returncode == 0
    process, url = serving()
    assert "Planned now:" in get(url)
    shown = json.loads(optimizer("show", "--json").stdout)
    assert json.loads(get(f"{url}plan.json")) == shown

    def status():
        return json.loads(get(f"{url}status.json"))

    def told():
        return status(), json.loads(optimizer("status", "--json").stdout), status()

    before, printed, after = within_one_quarter(told)
    moving = {"at": 0, "planned_soc_percent": 0}  # with the seconds that pass between the two
    assert before | moving == printed | moving == after | moving
    low, high = sorted(one["planned_soc_percent"] for one in (before, after))
    assert low <= printed["planned_soc_percent"] <= high
    assert ended(process, number) == (0, "", "")


def test_a_signal_right_after_the_start_is_not_lost(serving, write_config):
    write_config()
    process, _ = serving()
    assert ended(process, signal.SIGTERM) == (0, "", "")


def test_it_is_light(serving, optimizer, write_config, files_for_now):
    """Neither pandas nor a solver, and no more memory than a Pi has to spare."""
    write_config(files_for_now)
    assert optimizer("plan", "--soc", "30").returncode == 0
    process, url = serving()
    before = cpu_s(process)
    for _ in range(10):
        get(url)
    assert (cpu_s(process) - before) / 10 < 3 * work_s()
    loaded = Path(f"/proc/{process.pid}/maps").read_text()
    assert not re.search(r"/(pandas|numpy|highspy|pulp)/", loaded)
    memory = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert memory
    assert int(memory[1]) < 90_000


def work_s():
    """Processor's time of a fixed piece of work: 0.1 s where a page costs 0.1 s."""
    begun = time.process_time()
    sum(number * number for number in range(2_200_000))
    return time.process_time() - begun


def cpu_s(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_store_that_comes_later_is_found(
    serving, optimizer, write_config, files_for_now, tmp_path
):
    write_config(files_for_now)
    _, url = serving()
    assert "there is no plan yet, and no store in" in get(url)
    assert not (tmp_path / "state").exists()
    assert optimizer("plan", "--soc", "30").returncode == 0
    assert "Planned now:" in get(url)


def test_a_broken_configuration_is_a_sentence_and_the_next_one_is_taken(serving, write_config):
    path = write_config()
    _, url = serving()
    good = path.read_text()
    path.write_text(good.replace("capacity_wh", "capacity"))
    with pytest.raises(urllib.error.HTTPError, match="503") as caught:
        get(url)
    assert "capacity" in caught.value.read().decode()
    caught.value.close()
    path.write_text(good)
    assert "your battery now" in get(url)


def test_a_token_protects_another_address(serving, write_config, tmp_path):
    write_config()
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    process, url = serving("--host", "0.0.0.0", "--token-file", str(token))  # noqa: S104 is tested
    here = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        get(here)
    caught.value.close()
    assert "your battery now" in get(here, Authorization=f"Bearer {TOKEN}")
    code, out, errors = ended(process, signal.SIGTERM)
    assert (code, TOKEN in out + errors) == (0, False)


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (("--host", "0.0.0.0"), ExitCode.USAGE, "--host 0.0.0.0 can be reached from other"),  # noqa: S104
        (("--host", "nowhere.invalid", "--token-file", "token"), ExitCode.USAGE, "nowhere.invalid"),
        (("--host", "192.0.2.1", "--token-file", "token"), ExitCode.USAGE, "cannot listen on 192."),
        (("--token-file", "none"), ExitCode.CONFIG, "--token-file: none cannot be read"),
        (("--port", "65536"), ExitCode.USAGE, "should be at most 65535"),
        (("--config", "no.toml"), ExitCode.CONFIG, "no.toml"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    in_process, write_config, tmp_path, args, code, text
):
    write_config()
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text(TOKEN)
    done = in_process("serve", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(serving, in_process, write_config):
    write_config()
    _, url = serving()
    port = url.rstrip("/").rpartition(":")[2]
    done = in_process("serve", "--port", port)
    assert done.returncode == ExitCode.USAGE
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in done.stderr


def test_the_server_starts_quickly(write_config, tmp_path):
    """Its imports: nothing that a reader does not need; `tests/bench/start.py` has the seconds."""
    code = "import sys; import optimizer.app.live_server; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert not {"pandas", "numpy", "pulp", "highspy", "requests"} & loaded
