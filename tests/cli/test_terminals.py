"""Terminals that cannot show every character: readable text, valid JSON, files in UTF-8."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.no_cover  # other tests run the same commands

AT = "2026-01-14T00:00:00+01:00"
LATER = "2026-01-14T18:00:00+01:00"
TERMINALS = {
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "locale C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
COMMANDS = (
    ("--help",), ("plan", "--help"), ("--version",),
    ("plan", "--at", AT, "--soc", "30"), ("plan", "--at", AT, "--soc", "30", "--json"),
    ("show", "--at", LATER), ("show", "--at", LATER, "--json"),
    ("explain", LATER), ("explain", LATER, "--json"), ("status",), ("check",), ("check", "--json"),
    ("report", "--at", LATER), ("export", "run", "--at", LATER), ("export", "plan", "--at", LATER),
    ("show", "--at", LATER, "--csv", "plan→.csv"), ("plan", "--at", "→"), ("fems", "get", "→"),
)  # fmt: skip


FEW = (
    ("--help",), ("plan", "--at", AT, "--soc", "30"), ("explain", LATER),
    ("explain", LATER, "--json"), ("fems", "get", "→"),
)  # fmt: skip


@pytest.fixture
def on_terminal(tmp_path, write_config):
    path = write_config()
    path.write_text('site = "Mühle → Łódź"\n' + path.read_text())

    def run(terminal, *args):
        done = subprocess.run(
            [sys.executable, "-m", "optimizer", *args], cwd=tmp_path, capture_output=True,
            timeout=120, check=False, env=os.environ | {"FEMS_PASSWORD": "owner"} | terminal,
        )  # fmt: skip
        encoding = terminal.get("PYTHONIOENCODING", "ascii")
        return done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding)

    return run


@pytest.mark.no_cover
@pytest.mark.parametrize("terminal", TERMINALS.values(), ids=TERMINALS)
def test_no_character_ends_a_command(on_terminal, terminal):
    for args in COMMANDS if terminal is TERMINALS["latin-1"] else FEW:
        code, out, err = on_terminal(terminal, *args)
        assert code in (0, 2, 4, 6, 8), (args, err)
        assert "Traceback" not in out + err
        assert "UnicodeEncodeError" not in out + err
        if "--json" in args or args[:2] == ("export", "run"):
            data = json.loads(out)
            assert data.get("site", data.get("request", {}).get("site")) in (
                "Mühle → Łódź", None,
            )  # fmt: skip


def test_what_cannot_be_shown_gets_a_readable_substitute(on_terminal):
    code, out, err = on_terminal({"PYTHONIOENCODING": "ascii"}, "plan", "--at", AT, "--soc", "30")
    assert (code, err) == (0, "")
    assert "->" in out
    assert "?" not in out
    _, whole, _ = on_terminal({"PYTHONIOENCODING": "utf-8"}, "plan", "--at", AT, "--soc", "30")
    assert whole.replace("→", "->").splitlines()[1:4] == out.splitlines()[1:4]


def test_what_is_written_to_files_is_utf_8_on_any_terminal(on_terminal, tmp_path):
    terminal = TERMINALS["ascii"]
    assert on_terminal(terminal, "plan", "--at", AT, "--soc", "30")[0] == 0
    assert on_terminal(terminal, "export", "run", "--at", LATER, "--out", "run.json")[0] == 0
    assert json.loads((tmp_path / "run.json").read_text("utf-8"))["request"]["site"] == (
        "Mühle → Łódź"
    )
    assert on_terminal(terminal, "report", "--at", LATER, "--out", "r.html")[0] == 0
    assert "Mühle → Łódź" in (tmp_path / "r.html").read_text("utf-8")


def test_the_list_of_commands_is_not_cut(in_process):
    lines = in_process("--help").stdout.split("Commands:")[1].splitlines()[1:]
    assert len(lines) >= 19
    for line in lines:
        assert len(line) <= 80
        assert "..." not in line
        assert line.endswith("."), line
