"""The judge itself: cycles in which nothing is wrong, and one for each way to break a promise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot
from tests.faults.promises import Cycle, Judge, Post, Promise, Terms, held_too_long
from tests.faults.sequences import houses, moved

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
PLAN = moved(houses()[0][1][0], START)
ALL_BACK = tuple(Post(0.1, channel, None, taken=True) for channel in Channel)


def terms(**changes):
    return Terms(Battery(22_000), Grid(rule=Rule.GRID_CHARGE), **changes)


def seen(at_s, **changes):
    values = {
        "soc_percent": 50.0, "grid_w": 500.0, "ess_w": 0.0, "battery_w": 0.0,
        "allowed_charge_w": -9_000.0, "allowed_discharge_w": 9_000.0, "grid_mode": 1, "state": 0,
    }  # fmt: skip
    return Snapshot(START + timedelta(seconds=at_s), **(values | changes))


def cycle(place, setpoint_w=-3_000, **changes):
    """The cycle of that place: the first ones start, then the set-point is held."""
    at_s = 10.0 * place
    held = place >= 2 and setpoint_w is not None
    reason = Reason.HOLDING if held else Reason.STARTING
    decision = Decision(
        START + timedelta(seconds=at_s), setpoint_w if held else None, reason, step=START
    )
    posts = ALL_BACK if place == 0 else ()
    if held:
        posts = (Post(at_s + 0.1, Channel.EQUALS, setpoint_w, taken=True),)
    plain = Cycle(
        begun_s=at_s, utc=START + timedelta(seconds=at_s), first=place == 0, doubt="",
        snapshot=seen(at_s), plan=PLAN, decision=decision, posts=posts,
        held=frozenset({Channel.EQUALS} if place > 2 else ()),
    )  # fmt: skip
    return plain._replace(**changes)


def judged(*cycles, **changes):
    """The first promise that is broken, by the place of its cycle."""
    judge = Judge(terms(**changes))
    for place, one in enumerate(cycles):
        wrong = judge.poll(one)
        if wrong is not None:
            return place, wrong.promise
    return None


STARTED = [cycle(place) for place in range(4)]


def test_a_good_life_breaks_nothing():
    assert judged(*[cycle(place) for place in range(80)]) is None


def test_the_first_life_needs_no_release_before_it_writes():
    assert judged(*[cycle(place, None) for place in range(5)]) is None


def free(place, reason=Reason.UNKNOWN, **changes):
    """A cycle that holds nothing and gives back."""
    at = START + timedelta(seconds=10 * place)
    back = (Post(10.0 * place, Channel.EQUALS, None, taken=True),)
    return cycle(place, decision=Decision(at, None, reason), **({"posts": back} | changes))


LOST = [
    cycle(place, posts=(Post(10.0 * place, Channel.EQUALS, -3_000, taken=False),))
    for place in (4, 5, 6)
]
LAST = [
    ("held in doubt", cycle(4, doubt="fault"), Promise.RELEASE),
    ("held on nothing", cycle(4, snapshot=None), Promise.RELEASE),
    ("held on half a reading", cycle(4, snapshot=seen(40, soc_percent=None)), Promise.RELEASE),
    ("not given back", free(4, posts=()), Promise.RELEASE),
    ("held without a plan", cycle(4, plan=None), Promise.STEP),
    ("a plan that is over", cycle(4, utc=START + timedelta(hours=3)), Promise.STEP),
    ("no plan, it says", free(4, Reason.NO_PLAN), Promise.PLAN),
    ("let go by the FEMS", cycle(4, timed_out=True), Promise.REWRITE),
    ("a secret", cycle(4, texts="the password is abc"), Promise.SECRET),
    ("an escape", cycle(4, texts="lost\x1b[2J"), Promise.PLAIN),
    ("an error of ours", free(4, Reason.INTERNAL_ERROR), Promise.SOUND),
    ("unsafe for minutes", cycle(4, unsafe_s=200.0), Promise.TIMEOUT),
    ("above what is allowed", cycle(4, 3_000, snapshot=seen(40, allowed_discharge_w=498.0)),
     Promise.LIMITS),
    ("written twice", cycle(4, posts=cycle(4).posts * 2), Promise.FRESH),
    ("another value", cycle(4, posts=(Post(40, Channel.EQUALS, -1, True),)), Promise.FRESH),
    ("beyond the device", cycle(4, snapshot=seen(40, allowed_charge_w=-2_000.0)), Promise.LIMITS),
    ("beyond the fuse", cycle(4, snapshot=seen(40, grid_w=19_000.0)), Promise.LIMITS),
    (
        "a fraction",
        cycle(
            4, decision=replace(cycle(4).decision, setpoint_w=-3_000.0),
            posts=(Post(40, Channel.EQUALS, -3_000.0, True),),
        ),
        Promise.LIMITS,
    ),
    ("sold from the battery", cycle(4, 3_000), Promise.RULE),
    ("held in a pause", cycle(4, paused=True), Promise.PAUSE),
    ("a new life at once", cycle(4, first=True), Promise.RESTART),
]  # fmt: skip


@pytest.mark.parametrize(("last", "promise"), [row[1:] for row in LAST], ids=[r[0] for r in LAST])
def test_a_broken_promise_is_seen(last, promise):
    assert judged(*STARTED, last, secrets=("abc",)) == (4, promise)


def test_a_doubt_has_to_be_followed_by_three_good_cycles():
    early = cycle(5)
    assert judged(*STARTED, free(4, doubt="fault"), early) == (5, Promise.RECOVERY)


def test_three_lost_writes_may_not_let_go_and_four_may():
    kept = [*STARTED, *LOST]
    assert judged(*kept, cycle(7, timed_out=True)) == (7, Promise.REWRITE)
    fourth = cycle(7, posts=(Post(70, Channel.EQUALS, -3_000, taken=False),))
    assert judged(*kept, fourth, cycle(8, timed_out=True)) is None


def test_an_unsafe_time_out_is_seen_two_cycles_after_a_reconnect():
    """Or within minutes where the connection has not ended."""
    unsafe = [cycle(n, unsafe_s=10.0 * (n - 3), reconnected=True) for n in (4, 5, 6)]
    assert judged(*STARTED, *unsafe) == (6, Promise.TIMEOUT)
    assert judged(*STARTED, *unsafe[:2], cycle(6)) is None
    silent = [cycle(n, unsafe_s=10.0 * (n - 3)) for n in range(4, 30)]
    assert judged(*STARTED, *silent) == (23, Promise.TIMEOUT)


def test_a_clock_that_is_believed_moves_the_ends_of_a_step():
    early = cycle(4, utc=PLAN.steps[0].start - timedelta(seconds=40))
    assert judged(*STARTED, early) == (4, Promise.STEP)
    assert judged(*STARTED, early._replace(clock_error_s=30.0)) is None
    wrong = cycle(4, utc=PLAN.steps[0].start - timedelta(seconds=200), clock_error_s=200.0)
    assert judged(*STARTED, wrong) == (4, Promise.STEP)


def test_a_value_that_was_refused_is_not_held():
    refused = Decision(START + timedelta(seconds=40), None, Reason.REFUSED)
    tried = (Post(40, Channel.EQUALS, -3_000, taken=False), Post(40, Channel.EQUALS, None, True))
    assert judged(*STARTED, cycle(4, decision=refused, posts=tried)) is None
    assert judged(*STARTED, cycle(4, decision=refused, posts=tried[:1])) == (4, Promise.RELEASE)


def test_an_outage_is_waited_for():
    off = free(4, doubt="off grid", snapshot=seen(40, grid_mode=2))
    later = [free(place, Reason.BACK_ON_GRID, held=frozenset()) for place in range(5, 34)]
    assert judged(*STARTED, off, *later, cycle(34)) is None
    assert judged(*STARTED, off, *later[:-1], cycle(33)) == (33, Promise.RECOVERY)


def test_who_writes_over_ours_gets_the_battery():
    fought = [cycle(place, overwritten=True) for place in range(4, 14)]
    assert judged(*STARTED, *fought) == (11, Promise.YIELD)


def test_a_leak_by_the_meter_has_to_end():
    """2 kW from the battery into the grid at each reading: 5.6 Wh a cycle."""
    leaking = [
        cycle(place, -3_000, snapshot=seen(10 * place, grid_w=-2_000.0, ess_w=2_000.0))
        for place in range(4, 12)
    ]
    assert judged(*STARTED, *leaking) == (8, Promise.RULE)


def test_the_plans_own_band_counts_where_it_is_followed():
    step = replace(PLAN.steps[0], lowest_w=0.0, highest_w=1e4)
    plan = replace(PLAN, steps=(step,))
    cycles = [cycle(place, plan=plan) for place in range(3)]
    assert judged(*cycles, follow="intent") == (2, Promise.LIMITS)
    assert judged(*cycles) is None


@pytest.mark.parametrize(
    ("post_s", "free_s", "now_s", "broken"),
    [(None, None, 99, False), (10, 70, 99, False), (10, 72, 99, True), (10, None, 99, True)],
)
def test_a_dead_executor_holds_no_longer_than_the_time_out(post_s, free_s, now_s, broken):
    assert (held_too_long(post_s, free_s, now_s, 60) is not None) == broken
