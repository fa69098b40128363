"""Every command of an older program beside the store of a newer one."""

import sqlite3
from contextlib import closing

import pytest

from optimizer.store import database

COMMANDS = (
    ("plan", "--at", "2026-01-14T00:00Z", "--soc", "30"), ("show",), ("explain",), ("status",),
    ("report",), ("export", "journal"), ("export", "quarters"), ("export", "run"),
    ("run", "--for", "1"), ("run", "--shadow", "--for", "1"), ("fems", "accept"),
)  # fmt: skip


@pytest.fixture
def newer(write_config, simulated, tmp_path):
    """A store of the next version, whose table of runs has another form."""
    write_config(url=simulated(speed=1))
    folder = tmp_path / "state"
    with closing(database.connect(folder)) as connection:
        connection.execute("ALTER TABLE run RENAME TO planning_run")
        connection.execute(f"PRAGMA user_version = {database.newest_schema() + 1}")
    return folder / database.FILE_NAME


def content(path):
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_each_command_says_so_and_changes_nothing(newer, in_process, optimizer):
    before, known = content(newer), database.newest_schema()
    for command in COMMANDS:
        done = optimizer(*command) if command[0] == "run" else in_process(*command)
        assert done.returncode == 8, (command, done.stderr)
        assert done.stderr.splitlines()[-1].endswith(
            f"was written by a newer version (schema {known + 1}, this one knows {known}): update "
            "optimizer"
        ), (command, done.stderr)
    assert content(newer) == before
    assert {path.name for path in newer.parent.iterdir()} <= {newer.name, "executor.lock"}


def test_control_can_be_handed_back_all_the_same(newer, in_process):
    before = content(newer)
    for command in (("release",), ("resume",), ("pause", "--for", "1h"), ("resume",)):
        done = in_process(*command)
        assert done.returncode == 0, done.stderr
    assert content(newer) == before


def test_the_check_names_it(newer, in_process):
    done = in_process("check")
    assert done.returncode == 8
    assert "newer version" in done.stdout
