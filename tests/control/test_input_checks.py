"""Readings that cannot be: frozen meters, jumps, wrong signs, outages."""

import math
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from optimizer.control.input_checks import BACK_ON_GRID, CheckedReading, ReadingHistory, read
from optimizer.model.battery import Battery
from optimizer.model.snapshot import Reason

BATTERY = Battery(capacity_wh=22_000)


@pytest.fixture
def follow(make_snapshot, now):
    """Read snapshots one after the other, 10 s apart; gives a reason or None for each."""

    def run(changes, held_w=None, past=None, **held):
        past, outcomes = past or ReadingHistory(), []
        for number, change in enumerate(changes):
            at = now + timedelta(seconds=10 * number)
            seen = make_snapshot(**({"at": at} | change))
            result, past = read(seen, at, past, BATTERY, held_w, **held)
            outcomes.append(None if isinstance(result, CheckedReading) else result)
        return outcomes

    return run


@pytest.mark.parametrize(
    "change",
    [
        {"allowed_charge_w": 1.0},
        {"allowed_discharge_w": -1.0},
        {"soc_percent": 100.5},
        {"soc_percent": -1.0},
        {"soc_percent": math.nan},
        {"grid_w": math.inf},
        {"ess_w": math.nan},
        {"battery_w": -math.inf},
        {"state": None},
    ],
)
def test_what_cannot_be_is_unknown(follow, change):
    assert follow([{}, change, {}]) == [None, Reason.UNKNOWN, None]


def test_a_charge_that_jumps_is_a_doubt_and_then_the_new_charge(follow):
    socs = [{"soc_percent": soc} for soc in (50, 71, 71, 51, 31.5)]
    assert follow(socs) == [None, Reason.JUMPED, None, None, None]


def test_a_charge_may_be_another_after_a_long_silence(follow, now):
    later = {"soc_percent": 90.0, "at": now + timedelta(seconds=75)}
    assert follow([{"soc_percent": 50.0}])[0] is None
    past = ReadingHistory(soc_percent=50.0, at=now)
    assert isinstance(
        read(_snapshot(follow, later), later["at"], past, BATTERY)[0], CheckedReading
    )  # fmt: skip


def _snapshot(_follow, change):
    from optimizer.model.snapshot import Snapshot

    values = {
        "grid_w": 0.0, "ess_w": 500.0, "battery_w": 500.0, "allowed_charge_w": -1e4,
        "allowed_discharge_w": 1e4, "grid_mode": 1, "state": 0,
    }  # fmt: skip
    return Snapshot(**(values | change))


def test_after_an_outage_five_minutes_on_the_grid_are_waited(follow):
    outcomes = follow([{}, {"grid_mode": 2}, {"grid_mode": None}, *[{}] * 32])
    assert outcomes[:3] == [None, Reason.OFF_GRID, Reason.UNKNOWN]
    waiting = round(BACK_ON_GRID / timedelta(seconds=10)) - 2
    assert outcomes[3 : 3 + waiting] == [Reason.BACK_ON_GRID] * waiting
    assert outcomes[3 + waiting :] == [None] * (32 - waiting)


def test_a_standing_meter_is_found_while_the_inverter_moves(follow):
    rng = random.Random(4)  # noqa: S311 a test's noise
    seen = [{"grid_w": 3_210.0, "ess_w": -3_000 + rng.uniform(-40, 40)} for _ in range(20)]
    outcomes = follow([*seen, {"grid_w": 3_300.0, "ess_w": -3_000.0}], held_w=-3_000.0)
    assert outcomes[:12] == [None] * 12
    assert outcomes[12:20] == [Reason.FROZEN] * 8
    assert outcomes[20] is None


def test_frozen_it_stays_while_nothing_is_held_until_it_moves(follow, now):
    rng = random.Random(4)  # noqa: S311 a test's noise
    seen = [{"grid_w": 3_210.0, "ess_w": -3_000 + rng.uniform(-40, 40)} for _ in range(14)]
    past = ReadingHistory()
    for number, change in enumerate(seen):
        at = now + timedelta(seconds=10 * number)
        result, past = read(_snapshot(None, change | {"at": at, "soc_percent": 50.0}), at, past,
                            BATTERY, -3_000.0)  # fmt: skip
    assert result is Reason.FROZEN
    still = [{"grid_w": 3_210.0}, {"grid_w": None}, {"grid_w": 3_210.0}, {"grid_w": 3_211.0}]
    outcomes = []
    for number, change in enumerate(still):
        at = now + timedelta(seconds=200 + 10 * number)
        shot = replace(_snapshot(None, {"at": at, "soc_percent": 50.0}), **change)
        result, past = read(shot, at, past, BATTERY)
        outcomes.append(result if isinstance(result, Reason) else None)
    assert outcomes == [Reason.FROZEN, Reason.FROZEN, Reason.FROZEN, None]


@pytest.mark.parametrize(
    ("held_w", "ess"),
    [
        (None, lambda rng: -3_000 + rng.uniform(-40, 40)),  # the FEMS balances: 0 W is its work
        (0.0, lambda rng: -3_000 + rng.uniform(-40, 40)),  # a bound that does not bind
        (-3_000.0, lambda _: -3_000.0),  # nothing moves: a quiet house, or a simulated one
    ],
)
def test_a_meter_may_stand_still_for_good_reasons(follow, held_w, ess):
    rng = random.Random(4)  # noqa: S311 a test's noise
    seen = [{"grid_w": 0.0, "ess_w": ess(rng)} for _ in range(60)]
    assert follow(seen, held_w=held_w) == [None] * 60


@pytest.mark.parametrize(("bound", "grid_w", "found"), [
    (True, 0.0, False), (True, 3_210.0, True), (False, 0.0, True),
])  # fmt: skip
def test_a_bound_beside_a_balanced_grid_proves_nothing(follow, bound, grid_w, found):
    """The FEMS balances within it, and its meter shows nothing but 0 W for hours."""
    rng = random.Random(4)  # noqa: S311 a test's noise
    seen = [{"grid_w": grid_w, "ess_w": 500 + rng.uniform(-40, 40)} for _ in range(60)]
    assert (Reason.FROZEN in follow(seen, held_w=450.0, bound=bound)) == found


DAYS = 1
"""30 days take 20 s and have 0 alarms too."""


def test_days_of_a_living_meter_raise_no_alarm(make_snapshot, now):
    """A reading every 10 s, noise of 8 W, a load that moves: 0 false alarms."""
    rng, past, alarms = random.Random(7), ReadingHistory(), 0  # noqa: S311 a test's noise
    shot = make_snapshot(soc_percent=50.0)
    for number in range(DAYS * 8_640):
        at = now + timedelta(seconds=10 * number)
        load = 300.0 if number % 90 else 2_500.0
        ess = round(-3_000 + rng.gauss(0, 15))
        grid = round(load - ess + rng.gauss(0, 8))
        seen = replace(shot, at=at, grid_w=grid, ess_w=ess, battery_w=ess)
        result, past = read(seen, at, past, BATTERY, -3_000.0)
        alarms += result is Reason.FROZEN
    assert alarms == 0
