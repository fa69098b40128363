"""Updates of the program, and taking them back: nothing of the store is lost either way."""

import hashlib
import shutil
import sqlite3
import stat
from contextlib import closing

import pytest

from optimizer.errors import DataError, NewerStoreError
from optimizer.store import database, migration_copy

NEWEST = database.newest_schema()
ROW = "INSERT INTO run (made_at, stored_at, input) VALUES ('2026-01-14', '2026-01-14', x'00')"


def tables(path):
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture
def former(tmp_path, monkeypatch):
    """A store that the version before has written, with a row in it."""
    monkeypatch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:-1])
    with closing(database.connect(tmp_path)) as connection:
        connection.execute(ROW)
    monkeypatch.undo()
    return tmp_path / database.FILE_NAME


def test_a_migration_leaves_the_store_as_it_was(former, caplog):
    before = tables(former)
    database.connect(former.parent).close()
    copy = former.with_name(f"{database.FILE_NAME}.before-{NEWEST}")
    assert tables(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert {path.name for path in former.parent.iterdir()} == {former.name, copy.name}
    assert f"as it was it is kept in {copy}" in caplog.text
    with closing(sqlite3.connect(former)) as migrated:
        assert migrated.execute("SELECT count(*) FROM run").fetchone() == (1,)
        assert migrated.execute("PRAGMA user_version").fetchone() == (NEWEST,)


def test_a_new_store_and_one_of_this_version_need_no_copy(tmp_path):
    for _ in range(2):
        database.connect(tmp_path).close()
    assert [path.name for path in tmp_path.iterdir()] == [database.FILE_NAME]


def test_what_another_process_has_just_written_is_in_the_copy(former):
    """Rows that are still in the write-ahead log belong to the store."""
    with closing(sqlite3.connect(former, isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute(ROW)
        database.connect(former.parent).close()
    copy = former.with_name(f"{database.FILE_NAME}.before-{NEWEST}")
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT count(*) FROM run").fetchone() == (2,)


def test_only_the_newest_copy_is_kept(former):
    old = former.with_name(f"{database.FILE_NAME}.before-3")
    old.write_bytes(b"x")
    database.connect(former.parent).close()
    assert not old.exists()


def test_without_room_for_a_copy_nothing_is_migrated(former, monkeypatch):
    before = tables(former)

    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migration_copy, "give_to_folder_owner", no_room)
    with pytest.raises(DataError, match=r"No space left on device.*room on its disk"):
        database.connect(former.parent)
    assert tables(former) == before
    assert [path.name for path in former.parent.iterdir()] == [former.name]


def test_an_update_can_be_taken_back(former, monkeypatch):
    """The version before refuses what the newer one wrote, and says how to go back."""
    before = tables(former)
    database.connect(former.parent).close()
    digest = hashlib.sha256(former.read_bytes()).digest()
    monkeypatch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:-1])
    with pytest.raises(NewerStoreError) as caught:
        database.connect(former.parent)
    copy = former.with_name(f"{database.FILE_NAME}.before-{NEWEST}")
    assert str(caught.value) == (
        f"the store {former} was written by a newer version (schema {NEWEST}, this one knows "
        f"{NEWEST - 1}): update optimizer; or take the update back, without what was noted since: "
        f"stop the executor, then 'mv {copy} {former}'"
    )
    assert hashlib.sha256(former.read_bytes()).digest() == digest
    shutil.move(copy, former)
    database.connect(former.parent).close()
    assert tables(former) == before


def test_a_copy_that_is_too_new_or_damaged_is_no_way_back(tmp_path):
    database.connect(tmp_path).close()
    path = tmp_path / database.FILE_NAME
    path.with_name(f"{path.name}.before-98").write_bytes(b"no database at all, but long enough" * 9)
    with closing(sqlite3.connect(path.with_name(f"{path.name}.before-99"))) as connection:
        connection.execute("PRAGMA user_version = 98")
    assert migration_copy.way_back(path, NEWEST) == ""
