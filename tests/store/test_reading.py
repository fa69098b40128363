"""The store as readers open it: nothing is created, migrated, moved or kept from writers."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError, NewerStoreError, NoPlanError, NoStoreError
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.store import database, quarter_record, reading

AT = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def quarter(start):
    return QuarterEnergy(start, start + timedelta(minutes=15), 900.0, *[1.0] * 4, 250.0)


def add(connection, start):
    with database.transaction(connection):
        quarter_record.add(connection, [quarter(start)])


def count(connection):
    (found,) = connection.execute("SELECT count(*) FROM quarter").fetchone()
    return found


@pytest.fixture
def stored(tmp_path):
    """A store with one quarter-hour, closed."""
    with closing(database.connect(tmp_path / "state")) as connection:
        add(connection, AT)
    return tmp_path / "state"


def test_a_store_that_does_not_exist_is_a_sentence_and_stays_away(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(NoStoreError, match=r"no store in .*: make one with 'optimizer plan'"):
            reading.reader(folder)
        with closing(reading.reader_or_empty(folder)) as empty:
            assert count(empty) == 0
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                empty.execute("DELETE FROM quarter")
    assert [*tmp_path.iterdir()] == []
    assert issubclass(NoStoreError, NoPlanError)  # exit code 6, as without a plan


def test_nothing_can_be_written(stored):
    with closing(reading.reader(stored)) as connection:
        assert count(connection) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM quarter")


def test_a_reader_sees_what_a_running_executor_has_committed_and_does_not_hinder_it(stored):
    with closing(database.connect(stored)) as writer:
        add(writer, AT + timedelta(minutes=15))
        writer.execute("BEGIN IMMEDIATE")
        quarter_record.add(writer, [quarter(AT + timedelta(minutes=30))])
        with closing(reading.reader(stored)) as connection:
            assert count(connection) == 2
            connection.execute("BEGIN")
            assert count(connection) == 2
            writer.execute("COMMIT")  # not kept waiting by the open reader
            assert count(connection) == 2
            connection.execute("COMMIT")
            assert count(connection) == 3


@as_root
@pytest.mark.parametrize("ended", ["cleanly", "killed"])
def test_a_folder_that_cannot_be_written_is_read(stored, tmp_path, ended):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    try:
        with closing(database.connect(stored)) as writer:
            add(writer, AT + timedelta(minutes=15))
            if ended == "killed":  # what it committed last lies beside the database
                for path in stored.iterdir():
                    shutil.copy(path, disk)
        if ended == "cleanly":
            shutil.copy(stored / database.FILE_NAME, disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with closing(reading.reader(disk)) as connection:
            assert count(connection) == 2
        with closing(reading.reader_at_any_rate(disk)) as connection:
            assert count(connection) == 2
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("version", [0, 2, len(database.MIGRATIONS) - 1])
def test_an_older_store_is_read_in_memory_and_left_as_it_is(tmp_path, version):
    path = tmp_path / database.FILE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.create_function("packed", 1, database.packed, deterministic=True)
        for number, script in enumerate(database.MIGRATIONS[:version], start=1):
            old.executescript(f"{script} PRAGMA user_version = {number};")
        if version == 2:
            old.execute("INSERT INTO price VALUES ('2026-01-15T02:00:00Z', 900, 'x', 0.3, 0.1)")
    before = path.read_bytes()
    with closing(reading.reader(tmp_path)) as connection:
        assert count(connection) == 0
        prices = connection.execute("SELECT count(*) FROM price").fetchone()
        assert prices == (int(version == 2),)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused(stored):
    with closing(sqlite3.connect(stored / database.FILE_NAME, isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
    with pytest.raises(NewerStoreError, match="update optimizer"):
        reading.reader(stored)


@pytest.mark.parametrize("data", [b"this is only some text " * 500, b"\xff" * 8_192])
def test_a_damaged_store_is_named_and_stays_where_it_is(stored, data):
    path = stored / database.FILE_NAME
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"is damaged .*the next 'optimizer plan' moves it aside"):
        reading.reader(stored)
    assert path.read_bytes() == data
    with closing(reading.reader_at_any_rate(stored)) as empty:
        assert count(empty) == 0


def test_a_folder_in_the_databases_place_is_named(tmp_path):
    (tmp_path / database.FILE_NAME).mkdir()
    with pytest.raises(DataError, match=r"optimizer\.sqlite cannot be read"):
        reading.reader(tmp_path)
