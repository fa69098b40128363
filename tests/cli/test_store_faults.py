"""Executors and planners whose store is full, read-only, damaged, deleted or root's."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optimizer.errors import ExitCode
from optimizer.model.snapshot import Channel
from optimizer.store import database, journal

HELD = -10_000
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def held(fems):
    return lambda: fems.house.written.values.get(Channel.EQUALS) == HELD


@pytest.fixture
def planned(fems, write_config, files_for_now, optimizer, tmp_path):
    """A stored plan that charges now; gives the store's folder."""
    write_config(files_for_now, url=fems.url)
    assert optimizer("plan").returncode == 0
    assert optimizer("fems", "accept").returncode == 0
    connection = database.connect(tmp_path / "state")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return tmp_path / "state"


@pytest.fixture
def small_disk(planned):
    """The store's folder on a disk of its own with 2 MB."""
    aside = planned.with_name("aside")
    planned.rename(aside)
    planned.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", planned], check=True)
    for path in aside.iterdir():
        shutil.copy(path, planned)
    yield planned
    subprocess.run(["umount", "--lazy", planned], check=True)


def ended(process):
    """End an executor; gives what it logged."""
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    return errors.splitlines()


def fill(folder):
    with (folder / "filling").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4_096):
            pass


def rows(folder):
    connection = database.connect(folder)
    found = journal.ticks(connection, datetime(2026, 1, 1, tzinfo=UTC), "change")
    connection.close()
    return [tick.reason for tick in found]


@as_root
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_that_takes_nothing_costs_the_journal_and_not_control(
    small_disk, fems, held, start, optimizer, wait_for, how
):
    if how == "full":
        fill(small_disk)
    else:
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    process = start("run", "--no-replan")
    wait_for(held)
    done = optimizer("run", "--for", "1")
    assert done.returncode == ExitCode.ALREADY_RUNNING
    plan = optimizer("plan")
    assert plan.returncode == ExitCode.BAD_DATA
    assert "Traceback" not in plan.stderr
    warnings = [line for line in ended(process) if line.startswith(("WARNING", "ERROR"))]
    assert len(warnings) == 1, warnings
    assert warnings[0].startswith("WARNING control goes on without a journal: the store ")
    assert not fems.house.written.values


@as_root
def test_a_disk_that_is_full_later_is_one_line_and_the_rows_come_later(
    small_disk, fems, held, start, wait_for
):
    process = start("run", "--no-replan")
    wait_for(held)
    fill(small_disk)
    time.sleep(3)
    (small_disk / "filling").unlink()
    ended(process)
    assert rows(small_disk)[-2:] == ["HOLDING", "STOPPED"]


@pytest.mark.parametrize("how", ["emptied", "deleted", "moved"])
def test_a_store_that_goes_away_is_noticed_and_the_lock_with_it(
    planned, fems, held, start, optimizer, wait_for, how
):
    process = start("run", "--no-replan")
    wait_for(held)
    if how == "emptied":
        for path in planned.iterdir():
            path.unlink()
    elif how == "deleted":
        shutil.rmtree(planned)
    else:
        planned.rename(planned.with_name("moved"))
    wait_for((planned / "executor.lock").exists)
    assert optimizer("run", "--for", "1").returncode == ExitCode.ALREADY_RUNNING
    assert held()  # the plan that was in force is followed to its end
    lines = ended(process)
    assert [line for line in lines if line.startswith("WARNING")] == [
        "WARNING the store was deleted or replaced: opened anew"
    ]
    assert rows(planned) == ["HOLDING", "STOPPED"]  # what waited to be written is not lost


def test_a_store_that_is_damaged_in_work_is_moved_aside_with_one_sentence(
    planned, fems, held, start, optimizer, wait_for
):
    """As by a card that fails: the pages come from the disk again after a plan was stored."""
    process = start("run", "--no-replan")
    wait_for(held)
    path = planned / database.FILE_NAME
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    for ending in database.BESIDE:
        path.with_name(path.name + ending).write_bytes(b"\xff" * 40_000)
    assert optimizer("plan").returncode == 0
    aside = "*.damaged-*[0-9]"
    wait_for(lambda: [*planned.glob(aside)])
    time.sleep(2)  # some cycles: nothing follows
    assert held()
    lines = ended(process)
    assert len(lines) < 15, lines
    assert len([*planned.glob(aside)]) == 1
    assert rows(planned)[-1] == "STOPPED"


def test_a_damaged_store_at_the_start_is_no_end(planned, fems, start, optimizer, wait_for, held):
    (planned / database.FILE_NAME).write_bytes(b"not a database" * 1_000)
    process = start("run")
    wait_for(held)  # a plan is made anew
    lines = ended(process)
    assert next(line for line in lines if line.startswith("WARNING")).startswith(
        "WARNING the store was damaged and is now "
    )


@as_root
def test_root_plans_and_runs_in_the_services_folder(
    planned, fems, held, start, optimizer, wait_for
):
    """Whatever root leaves there is the service's."""
    for path in (planned, *planned.iterdir()):
        os.chown(path, 65_534, 65_534)
    (planned / database.FILE_NAME).unlink()
    assert optimizer("status").returncode == ExitCode.NO_PLAN
    assert optimizer("plan").returncode == 0
    process = start("run", "--no-replan")
    wait_for(held)
    assert optimizer("pause").returncode == 0
    ended(process)
    owners = {path.name: path.stat().st_uid for path in Path(planned).iterdir()}
    assert set(owners.values()) == {65_534}, owners
