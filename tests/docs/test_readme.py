"""README and map are tested: what they print, name and promise."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.config import loading
from optimizer.errors import ExitCode
from optimizer.sources import registry
from tests.docs import shown

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAP = (ROOT / "optimizer" / "README.md").read_text()
PAGES = {
    name: (ROOT / "optimizer" / name).read_text()
    for name in ("cli/COMMANDS.md", "config/SOURCES.md", "report/READING.md",
                 "control/systemd/SERVICE.md", "backtest/COMPARISON.md")
}  # fmt: skip
"""What the README leaves to pages beside the code."""
COMMANDS_PAGE, SOURCES_PAGE, READING_PAGE = list(PAGES.values())[:3]


def block(mark, text=README):
    """The fenced block behind a mark."""
    return re.search(rf"<!-- {mark} -->\n```\w*\n(.*?)```", text, re.DOTALL)[1]


def anchors(text):
    """Names by which the headings of a page are linked."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_stays_short():
    assert len(README.splitlines()) < 220


def test_the_readme_leads_to_every_page():
    assert {f"optimizer/{name}" for name in PAGES} <= set(re.findall(r"\]\(([^)#]+)\)", README))


@pytest.mark.parametrize("page", [
    path for path in sorted(ROOT.rglob("*.md"))
    if not {".venv", ".git", "node_modules"} & set(path.relative_to(ROOT).parts)
], ids=lambda path: path.relative_to(ROOT).as_posix())  # fmt: skip
def test_every_link_to_a_file_leads_somewhere(page):
    text = page.read_text()
    for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", text):
        name, _, anchor = link.partition("#")
        target = page if not name else (page.parent / name).resolve()
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_the_demo_prints_what_the_readme_shows(tmp_path):
    # two simulated days take thrice as long under the eye of coverage
    unseen = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "demo"], cwd=tmp_path, capture_output=True, text=True,
        timeout=300, check=True, env=unseen,
    )  # fmt: skip
    printed = iter(done.stdout.splitlines())
    for line in block("demo").splitlines():
        assert line in printed, line  # in this order, some lines left out
    report = (tmp_path / "demo-report.html").read_text()
    saved = re.search(r"^saved +(.*)$", block("demo"), re.MULTILINE)
    assert saved
    assert f"Saved <b>{saved[1]}</b>" in report


@pytest.mark.parametrize(
    ("mark", "page"), [("explain", READING_PAGE), ("report", READING_PAGE), ("init", README)]
)
def test_the_examples_are_printed_by_the_commands(mark, page):
    lines = block(mark, page).splitlines()
    assert shown.SHOWN[mark]()[: len(lines)] == lines


def test_the_picture_is_the_one_that_is_drawn_now():
    assert "\n".join(shown.picture()) + "\n" == (ROOT / "data" / "winter-day.svg").read_text()
    assert "(data/winter-day.svg)" in README


def test_the_claims_are_what_the_sample_weeks_give():
    """A third of the table, by another process: under the eye of coverage it takes thrice as long.

    `python -m tests.docs.shown claims` prints all of it.
    """
    unseen = {key: text for key, text in os.environ.items() if not key.startswith("COV")}
    code = "from tests.docs import shown; print(*shown.claims_table(['fix']), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=True, env=unseen,
    )  # fmt: skip
    assert f"<!-- claims -->\n{done.stdout}" in README


EXAMPLE = (ROOT / "optimizer" / "config" / "example.toml").read_text()


@pytest.mark.parametrize(
    "text", [block("config", SOURCES_PAGE), EXAMPLE], ids=["SOURCES", "example.toml"]
)
def test_the_shown_configurations_are_valid_and_keep_the_defaults(tmp_path, text):
    (tmp_path / "fems.password").touch(0o600)
    (tmp_path / "fems.password").write_text("owner\n")
    (tmp_path / "optimizer.toml").write_text(text)
    config = loading.load(tmp_path / "optimizer.toml", {})
    assert config.fems.password.get_secret_value() == "owner"
    assert config.tariff is not None
    assert config.tariff.stated
    assert set(config.prices.sources) <= set(registry.PRICES)
    assert (config.load.source in registry.LOAD, config.pv.source in registry.PV) == (True, True)
    least = {"fems": {"url": "http://x", "password": "y"}, "battery": {"capacity_wh": 22_000}}
    defaults = loading.validate(least)
    assert replace(config.prices, sources=("csv",)) == defaults.prices
    for section in ("site", "battery", "load", "planning", "control", "metrics", "mqtt"):
        assert getattr(config, section) == getattr(defaults, section), section


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("| price source |", set(registry.PRICES)),
        ("| `[load]` source |", {*registry.LOAD, "profile"}),
        ("| `[pv]` source |", set(registry.PV)),
    ],
)
def test_the_page_of_sources_names_all(table, names):
    begin = SOURCES_PAGE.index(table)
    rows = SOURCES_PAGE[begin : SOURCES_PAGE.index("\n\n", begin)]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", rows, re.MULTILINE)) == names


COMMANDS = re.findall(r"^\| `optimizer ([a-z ]+)`", COMMANDS_PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_the_flags_that_its_page_names(command):
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *command.split(), "--help"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    (row,) = re.findall(rf"^\| `optimizer {command}` \|(.*)$", COMMANDS_PAGE, re.MULTILINE)
    for flag in re.findall(r"`(--[a-z-]+)`", row):
        assert flag in done.stdout
    assert "Options:" in done.stdout


def test_the_page_of_commands_names_all():
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "--help"], capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    listed = re.findall(r"^  ([a-z]+)  ", done.stdout.split("Commands:")[1], re.MULTILINE)
    assert sorted(listed) == sorted({command.split()[0] for command in COMMANDS})


def test_the_page_of_commands_tells_every_exit_code():
    reported = COMMANDS_PAGE[COMMANDS_PAGE.index("Exit codes:") :].split("\n\n")[0]
    codes = [int(code) for code in re.findall(r"\b(\d+) [a-zF]", reported)]
    assert codes == sorted(ExitCode)


def test_the_map_shows_every_room():
    rooms = {
        path.name for path in (ROOT / "optimizer").iterdir() if (path / "__init__.py").exists()
    }
    shown = set(re.findall(r"^\| `(\w+)/`", MAP, re.MULTILINE))
    assert shown == rooms


def test_the_map_leads_to_files_that_exist():
    names = set(re.findall(r"`([a-z]+/[a-z_]+\.py)`", MAP))
    assert names
    assert all((ROOT / "optimizer" / name).is_file() for name in names)


def test_the_sample_datas_table_is_what_its_script_prints():
    done = subprocess.run(
        [sys.executable, ROOT / "data" / "make.py", "--describe"], capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    text = (ROOT / "data" / "README.md").read_text()
    assert done.stdout.strip() in text


def test_the_sample_data_come_from_their_script(tmp_path):
    subprocess.run(
        [sys.executable, ROOT / "data" / "make.py", "--out", tmp_path], timeout=120, check=True
    )
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("*/*.csv"))
    assert made == sorted(path.relative_to(ROOT / "data") for path in ROOT.glob("data/*/*.csv"))
    for name in made:
        assert (tmp_path / name).read_bytes() == (ROOT / "data" / name).read_bytes(), name
