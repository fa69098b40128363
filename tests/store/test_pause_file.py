"""The pause's file: damaged ones pause, ended ones do not, and it is the owner's alone."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.errors import DataError
from optimizer.store import pause
from optimizer.store.pause import Pause, PauseWatch

AT = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_pause_is_read_as_it_was_stored(tmp_path):
    order = Pause(AT, "'optimizer pause' by Zoë\n\x1b[2J", AT + HOUR)
    pause.store(tmp_path / "new", order)
    assert pause.load(tmp_path / "new") == order
    assert (tmp_path / "new" / pause.FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == [pause.FILE_NAME]
    assert pause.end(tmp_path / "new") == order
    assert pause.end(tmp_path / "new") is None


def test_a_pause_ends_by_itself(tmp_path):
    watch = PauseWatch(tmp_path)
    assert watch.current(AT) == ""
    pause.store(tmp_path, Pause(AT, "a test", AT + HOUR))
    assert watch.changed(AT)
    assert watch.current(AT).startswith("PAUSED since 2026-01-14 12:00 by a test, until 2026-01-14")
    assert not watch.changed(AT + HOUR - timedelta(seconds=1))
    assert watch.changed(AT + HOUR)
    assert watch.current(AT + HOUR) == ""


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '{"since": 1, "until": null, "by": "x"}', "\ufffd" * 20_000,
    '{"since": "2026-01-14T12:00:00", "until": null, "by": "x"}', "[" * 9_000,
])  # fmt: skip
def test_a_damaged_file_counts_as_a_pause(tmp_path, text):
    (tmp_path / pause.FILE_NAME).write_text(text)
    assert pause.load(tmp_path).by == f"a damaged file ({tmp_path / pause.FILE_NAME})"
    assert PauseWatch(tmp_path).current(AT)


def test_a_pause_that_is_replaced_at_the_same_length_is_seen(tmp_path):
    watch = PauseWatch(tmp_path)
    pause.store(tmp_path, Pause(AT, "one"))
    assert "by one" in watch.current(AT)
    pause.store(tmp_path, Pause(AT, "two"))
    assert "by two" in watch.current(AT)


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="the pause cannot be stored in"):
        pause.store(tmp_path / "file", Pause(AT, "x"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_a_file_that_root_makes_belongs_to_the_folders_owner(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    pause.store(tmp_path, Pause(AT, "x"))
    assert (tmp_path / pause.FILE_NAME).stat().st_uid == 65534
