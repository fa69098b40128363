"""The store as readers open it: nothing is created, migrated, moved or kept from writers."""

import os
import shutil
import sqlite3
import subprocess
import sys
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


def beside(folder):
    """Files in a folder with their owners."""
    return {path.name: path.stat().st_uid for path in folder.iterdir()}


def test_a_reader_leaves_the_folder_as_it_was(stored):
    before = beside(stored)
    content = (stored / database.FILE_NAME).read_bytes()
    for open_store in (reading.reader, reading.reader_or_empty, reading.reader_at_any_rate):
        with closing(open_store(stored)) as connection:
            assert count(connection) == 1
        assert beside(stored) == before == {database.FILE_NAME: os.geteuid()}
    assert (stored / database.FILE_NAME).read_bytes() == content


def test_the_last_reader_tidies_up_after_an_executor_that_has_ended(stored):
    """An executor that closes the store while somebody reads leaves its files to the reader."""
    with closing(reading.reader(stored)) as connection:
        with closing(database.connect(stored)) as writer:
            add(writer, AT + timedelta(minutes=15))
        assert len(beside(stored)) == 3
        assert count(connection) == 2
    assert [*beside(stored)] == [database.FILE_NAME]


def test_what_a_killed_executor_has_committed_is_read(stored, tmp_path):
    crashed = tmp_path / "crashed"
    with closing(database.connect(stored)) as writer:
        add(writer, AT + timedelta(minutes=15))
        shutil.copytree(stored, crashed)
    assert len(beside(crashed)) == 3
    with closing(reading.reader(crashed)) as connection:
        assert count(connection) == 2


OTHER, OWNER = 12_345, 23_456

READ = """
import os, sys
from contextlib import closing
from pathlib import Path
from optimizer.store import reading
folder = Path(sys.argv[1])
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[3]))
with closing(reading.reader(folder)) as connection:
    print(*connection.execute("SELECT count(*) FROM quarter").fetchone())
    for path in sorted(folder.iterdir()):
        print(path.name, path.stat().st_uid)
"""


def read_as(folder, user, group):
    """What another user reads, and the files that are there meanwhile."""
    command = [sys.executable, "-c", READ, folder, str(group), str(user)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    number, *lines = done.stdout.splitlines()
    files = (line.split() for line in lines)
    return int(number), {name: int(owner) for name, owner in files}


@pytest.fixture
def of_a_service(stored):
    """A store of another user, which everybody may read and its group may write the folder of."""
    for path in (stored, *stored.iterdir()):
        os.chown(path, OWNER, OWNER)
    stored.chmod(0o775)
    (stored / database.FILE_NAME).chmod(0o644)
    for folder in stored.parents[:4]:  # of this test, of a worker if there are, of this run, of all
        folder.chmod(folder.stat().st_mode | 0o055)
    return stored


@as_root
@pytest.mark.parametrize("group", [OTHER, OWNER])
def test_another_user_makes_no_file_in_the_folder_of_a_service(of_a_service, group):
    """Nor one who could: the service could not write it."""
    found, during = read_as(of_a_service, OTHER, group)
    assert (found, during) == (1, {database.FILE_NAME: OWNER})
    assert beside(of_a_service) == during


@as_root
def test_another_user_reads_beside_a_running_service(of_a_service):
    with closing(database.connect(of_a_service)) as writer:
        add(writer, AT + timedelta(minutes=15))
        before = beside(of_a_service)
        assert set(before.values()) == {OWNER}
        assert read_as(of_a_service, OTHER, OTHER) == (2, before)
        assert beside(of_a_service) == before


@as_root
@pytest.mark.parametrize("user", [0, OWNER])
def test_files_of_root_are_the_owners_while_it_reads(of_a_service, user):
    found, during = read_as(of_a_service, user, user)
    assert found == 1
    assert set(during.values()) == {OWNER}
    assert beside(of_a_service) == {database.FILE_NAME: OWNER}


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
