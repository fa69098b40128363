"""What the loop asks of the store and of the computer's clock, also when they fail."""

import logging
from datetime import UTC, datetime

import pytest

from optimizer.control import clock
from optimizer.control.book import DeviceBook
from optimizer.errors import DataError
from optimizer.fems.identity import Identity
from optimizer.store import database, device

AT = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
SEEN = Identity(frozenset({"ess0"}), {"ess0/Capacity": "22000"})


def test_a_device_is_known_after_it_was_met(tmp_path):
    store = database.connect(tmp_path)
    book = DeviceBook(store)
    assert book.known() is None
    book.meet(SEEN, "http://10.0.0.1", AT)
    assert book.known() == SEEN
    store.close()


def test_a_store_that_fails_is_told_and_control_goes_on(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    store = database.connect(tmp_path)
    device.note(store, "{", "http://10.0.0.1", AT)
    with pytest.raises(DataError, match="cannot be read"):
        DeviceBook(store).known()
    store.close()
    with pytest.raises(DataError, match="does not tell which FEMS"):
        DeviceBook(store).known()
    DeviceBook(store).meet(SEEN, "http://10.0.0.1", AT)
    assert "the FEMS cannot be noted in the store" in caplog.text


def test_the_clock_is_synchronised_when_systemd_or_the_kernel_says_so(tmp_path, monkeypatch):
    mark = tmp_path / "synchronized"
    monkeypatch.setattr(clock, "SYNCHRONISED", mark)
    said = iter([0, 5, -1])
    kernel = type("Libc", (), {"adjtimex": staticmethod(lambda _: next(said))})
    monkeypatch.setattr(clock.ctypes, "CDLL", lambda _: kernel)
    answers = [clock.SystemClock().synchronised() for _ in range(3)]
    assert answers == [True, False, False]
    mark.touch()
    assert clock.SystemClock().synchronised()
    mark.unlink()
    monkeypatch.setattr(clock.ctypes, "CDLL", lambda _: object())
    assert not clock.SystemClock().synchronised()
