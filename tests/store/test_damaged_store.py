"""A damaged store is moved aside once; an executor's store is opened anew when it was replaced."""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from optimizer.errors import AlreadyRunningError, NewerStoreError
from optimizer.model.snapshot import Decision, Reason
from optimizer.store import database
from optimizer.store.executor_lock import ExecutorLock, executor_running
from optimizer.store.executor_store import TRY_AGAIN_S, ExecutorStore
from optimizer.store.journal import Journal, ticks

AT = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)

DAMAGES = {
    "no database": lambda data: b"this is only some text " * 500,
    "zeros": lambda data: b"\0" * len(data),
    "only a head": lambda data: data[:100],
    "cut off": lambda data: data[:9_000],
    "the first page": lambda data: data[:100] + b"\xff" * 3_996 + data[4_096:],
}


def file_of(folder):
    connection = database.connect(folder)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return folder / database.FILE_NAME


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_store_is_moved_aside_with_one_sentence(tmp_path, name, caplog):
    path = file_of(tmp_path)
    damaged = DAMAGES[name](path.read_bytes())
    path.write_bytes(damaged)
    connection = database.connect(tmp_path)
    assert connection.execute("SELECT count(*) FROM plan").fetchone() == (0,)
    connection.close()
    (aside,) = tmp_path.glob("*.damaged-*[0-9]")
    assert aside.read_bytes() == damaged
    assert [record.message for record in caplog.records] == [
        f"the store was damaged and is now {aside}: a new one is begun, without its past"
    ]


def test_many_processes_move_a_damaged_store_aside_once(tmp_path):
    path = file_of(tmp_path)
    path.write_bytes(b"x" * 8_192)
    code = (
        "import sys; from pathlib import Path; from optimizer.store import database; "
        "database.connect(Path(sys.argv[1])).close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, errors
    assert len([*tmp_path.glob("*.damaged-*[0-9]")]) == 1


def test_a_store_that_is_only_busy_is_not_moved(tmp_path):
    path = file_of(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert database.move_aside(tmp_path)  # nothing is in the way: it is sound
    other.execute("ROLLBACK")
    other.close()
    assert not [*tmp_path.glob("*.damaged-*[0-9]")]


@pytest.fixture
def opened(tmp_path):
    folder = tmp_path / "state"
    store = ExecutorStore.open(folder, 0.0)
    journal = Journal(store.connection)
    store.give_to(journal.take)
    yield store, journal, folder
    store.close()


def noted(journal, folder, reason):
    journal.note(Decision(AT, None, reason), None)
    journal.flush()
    connection = database.connect(folder)
    rows = [tick.reason for tick in ticks(connection, AT, "change")]
    connection.close()
    return rows


@pytest.mark.parametrize("how", ["deleted", "emptied", "replaced"])
def test_a_store_that_was_deleted_or_replaced_is_opened_anew(opened, how, tmp_path, caplog):
    store, journal, folder = opened
    assert noted(journal, folder, Reason.NO_PLAN) == ["NO_PLAN"]
    assert store.poll(1.0) == ""
    if how == "deleted":
        shutil.rmtree(folder)
    elif how == "emptied":
        for path in folder.iterdir():
            path.unlink()
    else:
        file_of(tmp_path / "other")
        (tmp_path / "other" / database.FILE_NAME).replace(folder / database.FILE_NAME)
    assert store.poll(2.0) == "the store was deleted or replaced: opened anew"
    assert store.poll(3.0) == ""
    assert noted(journal, folder, Reason.UNREACHABLE) == ["UNREACHABLE"]
    assert executor_running(folder)
    with pytest.raises(AlreadyRunningError):
        ExecutorLock.acquire(folder)
    assert len(caplog.records) == 1


def test_an_executor_gives_way_to_one_that_began_on_the_new_store(opened):
    store, _, folder = opened
    shutil.rmtree(folder)
    other = ExecutorStore.open(folder, 0.0)
    with pytest.raises(AlreadyRunningError, match="another executor already uses"):
        store.poll(1.0)
    other.close()
    store.lock = ExecutorLock.acquire(folder)


def test_a_store_damaged_within_is_found_in_work_and_what_waited_is_written(tmp_path):
    path = file_of(tmp_path)
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * (path.stat().st_size - 4_096))
    store = ExecutorStore.open(tmp_path, 0.0)  # its first page is sound
    journal = Journal(store.connection)
    store.give_to(journal.take)
    with pytest.raises(sqlite3.DatabaseError):
        journal.note(Decision(AT, None, Reason.UNREACHABLE), None)
    assert journal.corrupt
    store.poll(1.0, corrupt=journal.corrupt)
    assert not journal.corrupt
    assert noted(journal, tmp_path, Reason.REFUSED) == ["UNREACHABLE", "REFUSED"]
    assert len([*tmp_path.glob("*.damaged-*[0-9]")]) == 1
    store.close()


def test_a_newer_store_is_no_case_for_control_without_a_journal(tmp_path):
    connection = database.connect(tmp_path)
    connection.execute(f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(NewerStoreError):
        ExecutorStore.open(tmp_path, 0.0)
    assert not executor_running(tmp_path)
    assert not [*tmp_path.glob("*.damaged-*[0-9]")]


def test_a_store_that_cannot_be_written_is_read_and_tried_again(tmp_path, caplog):
    """A folder in the database's place: no file can be opened there."""
    (tmp_path / database.FILE_NAME).mkdir()
    store = ExecutorStore.open(tmp_path, 0.0)
    journal = Journal(store.connection)
    store.give_to(journal.take)
    assert not store.writable
    journal.note(Decision(AT, None, Reason.NO_PLAN), None)
    journal.flush()
    (tmp_path / database.FILE_NAME).rmdir()
    assert store.poll(TRY_AGAIN_S - 1) == ""
    assert store.poll(TRY_AGAIN_S) == "the store can be written again"
    assert noted(journal, tmp_path, Reason.REFUSED) == ["NO_PLAN", "REFUSED"]
    assert [record.message[:36] for record in caplog.records] == [
        "control goes on without a journal: t", "the store can be written again",
    ]  # fmt: skip
    store.close()


def test_a_lock_is_tried_again_while_somebody_only_asks(tmp_path):
    (tmp_path / "executor.lock").touch()
    descriptor = os.open(tmp_path / "executor.lock", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    with pytest.raises(AlreadyRunningError):
        ExecutorLock.acquire(tmp_path)
    os.close(descriptor)
    assert not executor_running(tmp_path)
    lock = ExecutorLock.acquire(tmp_path)
    assert executor_running(tmp_path)
    lock.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_all_that_root_makes_in_a_services_folder_is_the_services(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    (tmp_path / database.FILE_NAME).touch()  # left by an earlier version
    store = ExecutorStore.open(tmp_path, 0.0)
    noted(Journal(store.connection), tmp_path, Reason.NO_PLAN)
    found = {path.name: path.stat().st_uid for path in tmp_path.iterdir()}
    store.close()
    assert found == dict.fromkeys(
        ("executor.lock", "optimizer.sqlite", "optimizer.sqlite-wal", "optimizer.sqlite-shm"), 65534
    )
