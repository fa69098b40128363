"""Standard output is ours: one JSON document and no word of a library, whenever it is written."""

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import typer.main

from optimizer.cli import terminal
from optimizer.cli.app import app
from optimizer.planning import solvers

pytestmark = pytest.mark.no_cover  # other tests run the same commands

ROOT = Path(__file__).parents[2]
WINTER = ROOT / "data" / "winter"
AT = "2026-01-14T12:00:00+01:00"
DAY = ("--from", "2026-01-14T00:00+01:00", "--to", "2026-01-15T00:00+01:00")

PLAN = ("plan", "--at", "2026-01-14T00:00:00+01:00", "--soc", "30")

COMMANDS = {
    ("check",): "check/1",
    ("read", "prices", "--file", str(WINTER / "prices.csv")): "series/1",
    PLAN: "plan/2",
    ("explain", AT): "explain/1",
    ("replay", "run.json"): "plan/2",
    ("backtest", "--data", str(WINTER), *DAY): "backtest/1",
    ("study", str(WINTER), "--tariff", "fix", "--jobs", "2"): "study/1",
    ("show", "--at", AT): "plan/2",
    ("status",): "status/1",
    ("report",): "report/1",
    ("fems", "get", "_sum/EssSoc"): "fems-get/1",
    ("override", "list"): "overrides/1",
    ("demo",): "demo/1",
}
"""A call of each command that has --json, and the schema of its answer."""

SOLVING = (("check",), PLAN, ("explain", AT), ("replay", "run.json"), tuple(COMMANDS)[5])
"""Those that solve; `study` and `demo` do too, but take longest and are run once."""

IN_A_PIPE = tuple(command for command in COMMANDS if command != ("demo",))
"""All but the demo, which a test of its own runs on a terminal."""

LOUD = "PLANTED"
LOUD_HIGHSPY = f'''
"""highspy with a library's bad manners: words for descriptor 1 at import, in the constructor by
write and by C's buffer, which is flushed when the process ends, and at exit."""

import atexit, ctypes, os, sys

sys.path.remove(os.path.dirname(__file__))
del sys.modules["highspy"]
os.write(1, b"{LOUD} at import\\n")

import highspy

libc = ctypes.CDLL(None)
atexit.register(os.write, 1, b"{LOUD} at exit\\n")

class Highs(highspy.Highs):
    def __init__(self):
        os.write(1, b"{LOUD} by write\\n")
        libc.printf(b"{LOUD} by printf\\n")
        os.system("echo {LOUD} by a child")
        super().__init__()

highspy.Highs = Highs
'''
NO_HIGHSPY = "raise ImportError('highspy is not there')\n"
SOLVERS = {"loud HiGHS": LOUD_HIGHSPY, "CBC": NO_HIGHSPY}

CONFIG = """
[fems]
url = "{url}"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 22_000
hybrid = false
[prices]
file = "{folder}/prices.csv"
[load]
source = "csv"
file = "{folder}/load.csv"
[pv]
source = "csv"
file = "{folder}/roof.csv"
[tariff]
grid_fee_eur_per_kwh = 0.10
[store]
folder = "state"
"""


def environment(house, solver):
    """Variables with which a command has the solver that a planted `highspy.py` leaves it."""
    planted = house / solver
    planted.mkdir(exist_ok=True)
    (planted / "highspy.py").write_text(SOLVERS[solver])
    return os.environ | {"FEMS_PASSWORD": "owner", "PYTHONPATH": str(planted)}


def call(house, solver, *args):
    """Run a command with that solver."""
    return subprocess.run(
        [sys.executable, "-m", "optimizer", *args],
        cwd=house, capture_output=True, text=True, timeout=600, check=False,
        env=environment(house, solver),
    )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A configuration, a simulated FEMS, a stored plan and its run."""
    folder = tmp_path_factory.mktemp("house")
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer", "simulate", "--port", "0", "--speed", "1"],
        cwd=folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        url = process.stdout.readline().split()[3]
        (folder / "optimizer.toml").write_text(CONFIG.format(url=url, folder=WINTER))
        made = call(folder, "loud HiGHS", *PLAN)
        assert (made.returncode, made.stderr) == (0, "")
        run = call(folder, "loud HiGHS", "export", "run", "--at", AT)
        assert (run.returncode, run.stderr) == (0, "")
        (folder / "run.json").write_text(run.stdout)
        yield folder
        process.terminate()


def with_json(group, words=()):
    """The commands that have the flag, however deep."""
    for name, command in getattr(group, "commands", {}).items():
        if any("--json" in option.opts for option in command.params):
            yield (*words, name)
        yield from with_json(command, (*words, name))


def test_no_command_with_the_flag_is_forgotten():
    found = sorted(with_json(typer.main.get_command(app)))
    assert len(found) == len(COMMANDS)
    assert found == sorted(call[: len(name)] for call in COMMANDS for name in found
                           if call[: len(name)] == name)  # fmt: skip


@pytest.mark.parametrize(
    ("command", "solver"),
    [(command, "loud HiGHS") for command in IN_A_PIPE] + [(command, "CBC") for command in SOLVING],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_json_is_one_document_and_nothing_else(house, command, solver):
    if solver == "CBC" and solvers.cbc_solver() is None:
        pytest.skip("neither the PATH nor this PuLP brings CBC")
    done = call(house, solver, *command, "--json")
    document = json.loads(done.stdout)
    assert document["schema"] == COMMANDS[command]
    assert document.get("solver", solver).split()[0] in solver
    assert LOUD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_is_one_document_too_and_shows_its_progress_on_a_terminal_alone(house):
    ours, theirs = pty.openpty()
    with (house / "demo.json").open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "optimizer", "demo", "--json"], cwd=house, stdout=file,
            stderr=theirs, env=environment(house, "loud HiGHS"),
        )  # fmt: skip
    os.close(theirs)
    parts = []
    with contextlib.suppress(OSError):  # the end of a terminal; unread, it would fill up
        while part := os.read(ours, 4_096):
            parts.append(part)
    os.close(ours)
    assert process.wait(600) == 0
    out, shown = (house / "demo.json").read_text(), b"".join(parts).decode()
    assert json.loads(out)["schema"] == COMMANDS["demo",]
    assert "simulating 1 of 2: A winter day" in shown
    assert "simulating 2 of 2: A summer day" in shown
    assert shown.endswith("\r\x1b[K")
    assert not any(words in out for words in (LOUD, "simulating", "\x1b"))
    assert not any(words in shown for words in (LOUD, "Traceback"))


@pytest.mark.parametrize("command", tuple(COMMANDS)[1:4], ids=lambda command: command[0])
def test_no_text_has_a_banner(house, command):
    done = call(house, "loud HiGHS", *command)
    assert done.stdout
    assert not any(word in done.stdout + done.stderr for word in (LOUD, "Copyright", "git hash"))


def test_the_planted_library_would_be_heard(house):
    """Without the command line's care: so the tests above look at something."""
    done = subprocess.run(
        [sys.executable, "-c", "import highspy; highspy.Highs()"],
        capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(house / "loud HiGHS")},
    )  # fmt: skip
    heard = sorted(line for line in done.stdout.splitlines() if line.startswith(LOUD))
    assert heard == [f"{LOUD} {how}" for how in
                     ("at exit", "at import", "by a child", "by printf", "by write")]  # fmt: skip


def script(text, tmp_path, **options):
    """Run a script that has claimed standard output."""
    return subprocess.run(
        [sys.executable, "-c", f"from optimizer.cli import terminal\nterminal.claim()\n{text}"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=True, **options,
    )  # fmt: skip


def test_our_own_words_arrive_in_their_encoding_and_order(tmp_path):
    text = "import sys\nprint('2 €', 'ä')\nsys.stdout.flush()\nprint('x' * 200_000)"
    for more in ({}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONIOENCODING": "latin-1:replace"}):
        done = script(text, tmp_path, stdout=subprocess.PIPE, env=os.environ | more,
                      encoding="latin-1" if "PYTHONIOENCODING" in more else "utf-8")  # fmt: skip
        euro = "?" if "PYTHONIOENCODING" in more else "€"
        assert done.stdout == f"2 {euro} ä\n" + "x" * 200_000 + "\n"


def test_a_closed_standard_output_is_no_place_for_files(tmp_path):
    """Its number goes to the next file that is opened: a library would write into the store."""
    text = (
        "import ctypes, os\n"
        "with open('store', 'w') as store:\n"
        "    print('nowhere')\n"
        "    os.write(1, b'a word')\n"
        "    store.write('data')\n"
    )
    done = script(text, tmp_path, preexec_fn=lambda: os.close(1))
    assert done.stderr == ""
    assert (tmp_path / "store").read_text() == "data"


def test_a_stream_of_somebody_else_is_left_alone(capsys):
    """Tests and notebooks have one of their own."""
    before = sys.stdout
    terminal.claim()
    assert sys.stdout is before
    sys.stdout.write("still here")
    assert capsys.readouterr().out == "still here"


def test_the_terminals_width_is_still_known(tmp_path):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    narrow = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    script("from optimizer.cli.app import app\napp(['show', '--help'], standalone_mode=False)",
           tmp_path, stdout=theirs, env=narrow)  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert len(shown) > 5
    assert max(len(line) for line in shown) <= 60


def test_a_full_disk_behind_the_output_is_one_sentence(tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "optimizer", "--version"], cwd=tmp_path, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 8
    assert done.stderr == "optimizer: the output cannot be written: No space left on device\n"
