"""Store and computer's clock as the loop asks them, also when they fail or are hostile."""

import gc
import json
import logging
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control import clock
from optimizer.control.active_plan import ActivePlan, StoredDevice
from optimizer.errors import DataError
from optimizer.fems.identity import Identity
from optimizer.model.plan_json import to_json
from optimizer.store import database, known_device, plan_store

AT = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
SEEN = Identity(frozenset({"ess0"}), {"ess0/Capacity": "22000"})


def test_a_device_is_known_after_it_was_met(tmp_path):
    store = database.connect(tmp_path)
    active_plan = StoredDevice(store)
    assert active_plan.known() is None
    active_plan.remember(SEEN, "http://10.0.0.1", AT)
    assert active_plan.known() == SEEN
    store.close()


def test_a_plan_for_a_moment_to_come_is_followed_from_then_on(tmp_path, make_plan, make_settings):
    """Or a clock that was set back by seconds while it was planned: the older one goes on."""
    old = make_plan(settings=make_settings(), steps=8)
    begin = old.steps[1].start + timedelta(seconds=12)
    first = replace(old.steps[1], start=begin)
    new = replace(old, made_at=begin, steps=(first, *old.steps[2:]))
    store = database.connect(tmp_path)
    active_plan = ActivePlan(store)
    plan_store.save(store, old, {})
    plan_store.save(store, new, {})
    assert active_plan.at(begin - timedelta(seconds=1)) == old
    assert active_plan.at(begin) == new
    store.close()


LONG = int("9" * 400)
HUNDREDS_OF_MB = b" " * 200_000_000


def _changed(plan, **changes):
    """The stored body of a plan with other values in its last step, or in its head."""
    data = to_json(plan)
    for name, value in changes.items():
        (data["steps"][-1] if name in data["steps"][-1] else data)[name] = value
    return zlib.compress(json.dumps(data).encode())


MAD = {
    "a number of 400 digits": lambda plan: _changed(plan, buy_eur_per_kwh=LONG),
    "a number of 5,000 digits": lambda plan: zlib.compress(
        json.dumps(to_json(plan)).replace('"load_w": ', f'"load_w": {"9" * 5_000}').encode()
    ),
    "a text of 5,000 digits": lambda plan: _changed(plan, battery_w="9" * 5_000),
    "an exponent": lambda plan: _changed(plan, highest_w=1e300),
    "a step of 400 digits": lambda plan: _changed(plan, step_s=LONG),
    "a table of 400 digits": lambda plan: _changed(plan, values_eur_per_kwh=[LONG, 1]),
    "the year 9999": lambda plan: _changed(plan, end="9999-12-31T23:59:59Z"),
    "a list for a text": lambda plan: _changed(plan, why=["because"]),
    "200 MB of blanks": lambda plan: zlib.compress(HUNDREDS_OF_MB),
    "200 MB in a text": lambda plan: zlib.compress(
        json.dumps(to_json(plan)).replace("because", "because" * 30_000_000, 1).encode()
    ),
    "200 MB as they are": lambda plan: HUNDREDS_OF_MB,
    "half of it": lambda plan: _changed(plan)[:-20],
    "depth": lambda plan: zlib.compress(b"[" * 2_000_000),
    "no bytes": lambda plan: "text",
}


@pytest.mark.parametrize("what", MAD)
def test_a_mad_plan_is_left_aside_in_little_memory(tmp_path, make_plan, make_settings, what):
    """The older plan goes on, and the mad one is not unpacked again in each cycle."""
    good = make_plan(settings=make_settings(), steps=8)
    store = database.connect(tmp_path)
    plan_store.save(store, good, {})
    number = plan_store.save(store, good, {})
    body = MAD[what](good)
    store.execute("PRAGMA ignore_check_constraints = ON")
    kind = "CAST(? AS BLOB)" if isinstance(body, str) else "?"
    store.execute(f"UPDATE plan SET body = {kind} WHERE id = ?", (body, number))  # noqa: S608 ours
    del body
    active_plan = ActivePlan(store)
    tracemalloc.start()
    try:
        followed = active_plan.at(AT + timedelta(seconds=1))
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()  # the error holds what it is about
        tracemalloc.reset_peak()
        for second in range(2, 200):
            assert active_plan.at(AT + timedelta(seconds=second)) == followed
        later = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    store.close()
    assert followed == good
    assert peak < 20_000_000
    assert later < 1_000_000


def test_texts_of_a_stored_plan_are_one_printable_line(tmp_path, make_plan, make_settings):
    good = make_plan(settings=make_settings(), steps=2)
    store = database.connect(tmp_path)
    number = plan_store.save(store, good, {})
    body = _changed(good, why="a\n\x1b[2Jb", notes=["c\rd\u202e"], solver="x" * 9_000)
    store.execute("UPDATE plan SET body = ? WHERE id = ?", (body, number))
    plan = plan_store.load(store, number)
    store.close()
    assert (plan.steps[-1].why, plan.notes, len(plan.solver)) == ("a [2Jb", ("c d",), 2_000)


def test_a_store_that_fails_is_told_and_control_goes_on(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    store = database.connect(tmp_path)
    known_device.note(store, "{", "http://10.0.0.1", AT)
    with pytest.raises(DataError, match="cannot be read"):
        StoredDevice(store).known()
    store.close()
    with pytest.raises(DataError, match="does not tell which FEMS"):
        StoredDevice(store).known()
    StoredDevice(store).remember(SEEN, "http://10.0.0.1", AT)
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
