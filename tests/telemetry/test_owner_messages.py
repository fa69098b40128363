"""Messages to the owner: when each kind begins, when it is over, and how often it is told."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.plan import Intent, Step, iso
from optimizer.model.snapshot import CALM, Reason
from optimizer.telemetry.owner_messages import (
    FINDERS,
    OVER,
    TITLES,
    MessageKind,
    Situation,
    look,
    trial,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 1, 14, 12, tzinfo=BERLIN)
MINUTES = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EVERY = 10 * MINUTES


def steps(intent, begin=NOON - DAY, hours=96):
    """A plan that wants one thing for days."""
    return tuple(
        Step(
            begin + n * HOUR, begin + (n + 1) * HOUR, 0.3, 0.08, 1_000.0, 0.0, 0.0, 0.0, 1_000.0,
            0.0, 5_000.0, intent, -5_000.0, 5_000.0, 0.2, (0.2, 0.2), "",
        )
        for n in range(hours)
    )  # fmt: skip


def live(at, reason=Reason.HOLDING, setpoint_w=None, read_s=0.01):
    return {
        "at": iso(at.astimezone(UTC)), "reason": reason.name.lower(), "setpoint_w": setpoint_w,
        "note": "", "read_s": read_s,
    }  # fmt: skip


CHARGE, OWN = steps(Intent.CHARGE), steps(Intent.SELF_CONSUMPTION)


def calm(now, **changes):
    """A house in which all is well."""
    state = Situation(
        now.astimezone(UTC), BERLIN, plan_end=now + 2 * DAY, steps=CHARGE,
        live=live(now, setpoint_w=-3_000), running=True,
    )  # fmt: skip
    return replace(state, **changes)


class Owner:
    """Looks every few minutes and keeps what is told: (local time, over, kind)."""

    def __init__(self, allowed=tuple(MessageKind)):
        self.allowed, self.states, self.told, self.bodies = allowed, {}, [], []

    def look(self, situation):
        found = look(situation, self.states, self.allowed, "home")
        self.states = found.states
        for message in found.due:
            local = message.at.astimezone(BERLIN)
            over = message.title.startswith("home: over: ")
            self.told.append((f"{local:%d %H:%M}", over, message.kind))
            self.bodies.append(message.body)

    def watch(self, begin, end, situation_at, every=EVERY):
        at = begin
        while at < end:
            self.look(situation_at(at))
            at += every


def test_a_house_in_which_all_is_well_gets_no_message():
    owner = Owner()
    owner.watch(NOON, NOON + 2 * DAY, calm, every=30 * MINUTES)
    assert owner.told == []


def test_every_kind_has_its_words_and_its_finder():
    assert set(TITLES) == set(OVER) == set(FINDERS) == set(MessageKind)


def test_no_plan_for_tomorrow_is_told_at_22_and_once_a_day():
    """The prices are late for two evenings; a plan comes at 23:30, and on the third day in time."""
    midnight = datetime(2026, 1, 15, tzinfo=BERLIN)
    made = {14: midnight, 15: midnight + DAY, 16: midnight + 2 * DAY}

    def state(at):
        day = at.day
        late = day < 16 and (at.hour, at.minute) < (23, 30)
        return calm(at, plan_end=made[day] + (timedelta() if late else DAY))

    owner = Owner()
    owner.watch(NOON, NOON + 2 * DAY + 11 * HOUR, state)
    kind = MessageKind.NO_PLAN
    assert owner.told == [
        ("14 22:00", False, kind), ("14 23:30", True, kind),
        ("15 22:00", False, kind), ("15 23:30", True, kind),
    ]  # fmt: skip
    assert "The last one ends Thu 00:00." in owner.bodies[0]
    assert "run 'optimizer plan'" in owner.bodies[0]
    assert owner.bodies[1] == (
        "There is a plan again. Begun 22:00, over 23:30. Nothing is to be done."
    )


def test_a_plan_that_stays_away_is_told_once_until_there_is_one():
    ended = NOON + 12 * HOUR

    def state(at):
        return calm(at, plan_end=ended if at < NOON + 40 * HOUR else at + DAY, steps=())

    owner = Owner()
    owner.watch(NOON, NOON + 42 * HOUR, state)
    kind = MessageKind.NO_PLAN
    assert owner.told == [("14 22:00", False, kind), ("16 04:00", True, kind)]
    assert "Begun Wed 22:00, over 04:00." in owner.bodies[1]


@pytest.mark.parametrize("evening", [date(2026, 3, 28), date(2026, 3, 29), date(2025, 10, 25),
                                     date(2025, 10, 26)])  # fmt: skip
def test_22_is_local_on_days_on_which_the_clock_changes(evening):
    at = datetime(evening.year, evening.month, evening.day, 21, 50, tzinfo=BERLIN)
    end = (at + DAY).replace(hour=0, minute=0)
    owner = Owner()
    owner.watch(at.astimezone(UTC), at.astimezone(UTC) + HOUR, lambda now: calm(now, plan_end=end))
    assert [told[0][3:] for told in owner.told] == ["22:00"]


def test_nothing_held_for_an_hour_although_the_plan_wants_it():
    def state(at):
        if not HOUR <= at - NOON < 4 * HOUR:
            return calm(at)
        return calm(at, live=live(at, Reason.FROZEN))

    owner = Owner()
    owner.watch(NOON, NOON + 6 * HOUR, state)
    kind = MessageKind.NOTHING_HELD
    assert owner.told == [("14 14:00", False, kind), ("14 16:00", True, kind)]
    assert "the grid meter always shows the same" in owner.bodies[0]
    assert "Begun 13:00." in owner.bodies[0]


@pytest.mark.parametrize(("wanted_until", "told"), [(12.5, False), (13.0, False), (13.5, True)])
def test_it_counts_if_the_plan_wanted_anything_within_the_hour(wanted_until, told):
    """What was wanted before nothing was held any more does not count."""
    hours = int(4 * (wanted_until - 12))
    busy = [
        replace(step, start=NOON + n * 15 * MINUTES, end=NOON + (n + 1) * 15 * MINUTES)
        for n, step in enumerate(CHARGE[:hours])
    ]
    calm_steps = OWN[26:]

    def state(at):
        reason = Reason.HOLDING if at < NOON + HOUR else Reason.FROZEN
        return calm(at, steps=[*busy, *calm_steps], live=live(at, reason))

    owner = Owner()
    owner.watch(NOON, NOON + 3 * HOUR, state)
    assert [at for at, *_ in owner.told] == (["14 14:00"] if told else [])


def test_what_ends_within_the_hour_is_not_told():
    owner = Owner()
    owner.watch(NOON, NOON + 8 * HOUR, lambda at: calm(
        at, live=live(at, Reason.FROZEN if at.minute < 50 else Reason.HOLDING)
    ))  # fmt: skip
    assert owner.told == []


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": OWN},
        {"steps": ()},
        {"paused": True},
        {"paused": True, "running": False},
        *({"live": live(NOON, reason)} for reason in sorted(CALM)),
        {"live": live(NOON, Reason.PAUSED)},
    ],
)
def test_nothing_is_told_where_nothing_is_to_be_held(changes):
    """Self-consumption is the plan, no plan, a pause, a reason that needs no attention."""
    usual = {"live": live(NOON, Reason.FROZEN)}
    owner = Owner([MessageKind.NOTHING_HELD])
    owner.watch(NOON, NOON + 5 * HOUR, lambda at: calm(at, **usual | changes))
    assert owner.told == []


def test_a_pause_is_no_end_and_its_time_does_not_count():
    def state(at):
        hours = (at - NOON) / HOUR
        if hours < 0.5 or 3.5 <= hours < 5:
            return calm(at, live=live(at, Reason.FROZEN))
        return calm(at, paused=True) if hours < 3.5 or hours < 7 else calm(at)

    owner = Owner()
    owner.watch(NOON, NOON + 8 * HOUR, state)
    kind = MessageKind.NOTHING_HELD
    assert owner.told == [("14 16:30", False, kind), ("14 19:00", True, kind)]


def test_an_executor_that_does_not_run_is_told_an_hour_after_its_end():
    """Also where looking begins later; and it is not over while the plan wants nothing."""

    def state(at):
        if at >= NOON + 9 * HOUR:
            return calm(at)
        wanted = CHARGE if at < NOON + 4 * HOUR else OWN
        return calm(at, live=live(NOON), running=False, steps=wanted)

    owner = Owner()
    owner.watch(NOON + 3 * HOUR, NOON + 10 * HOUR, state)
    kind = MessageKind.NOTHING_HELD
    assert owner.told == [("14 15:00", False, kind), ("14 21:00", True, kind)]
    assert "'sudo systemctl start optimizer' starts it" in owner.bodies[0]
    assert "Begun 12:00." in owner.bodies[0]


def test_a_fems_that_does_not_answer_is_told_after_half_an_hour_and_alone():
    def state(at):
        away = NOON <= at < NOON + 3 * HOUR
        return calm(at, live=live(at, Reason.UNREACHABLE, read_s=None)) if away else calm(at)

    owner = Owner()
    owner.watch(NOON - HOUR, NOON + 4 * HOUR, state)
    kind = MessageKind.FEMS_UNREACHABLE
    assert owner.told == [("14 12:30", False, kind), ("14 15:00", True, kind)]


@pytest.mark.parametrize("after", [{"running": False}, {"live": None, "running": False}])
def test_an_executor_that_is_gone_does_not_say_that_the_fems_answers(after):
    owner = Owner([MessageKind.FEMS_UNREACHABLE])
    away = {"live": live(NOON, Reason.UNREACHABLE, read_s=None)}
    owner.watch(NOON, NOON + HOUR, lambda at: calm(at, **away))
    owner.watch(NOON + HOUR, NOON + 3 * HOUR, lambda at: calm(at, **away | after))
    assert [told[1] for told in owner.told] == [False]
    owner.look(calm(NOON + 3 * HOUR))
    assert [told[1] for told in owner.told] == [False, True]


def test_trouble_that_comes_and_goes_begins_once_a_day():
    def state(at):
        away = at.hour % 2 == 0
        return calm(at, live=live(at, Reason.UNREACHABLE, read_s=None)) if away else calm(at)

    owner = Owner([MessageKind.FEMS_UNREACHABLE])
    owner.watch(NOON, NOON + DAY, state)
    begun = [at for at, over, _ in owner.told if not over]
    assert begun == ["14 12:30", "15 00:30"]
    assert len(owner.told) == 4


def test_the_tariffs_end_is_told_two_weeks_before():
    def state(at):
        moved = at.date() >= date(2026, 1, 20)
        return calm(at, plan_end=at + 2 * DAY, steps=OWN,
                    tariff_ends=date(2026, 12, 31) if moved else date(2026, 1, 31))  # fmt: skip

    owner = Owner()
    owner.watch(NOON, NOON + 8 * DAY, state, every=6 * HOUR)
    kind = MessageKind.TARIFF_ENDS
    assert owner.told == [("17 00:00", False, kind), ("20 00:00", True, kind)]
    assert "are known until 31 January 2026" in owner.bodies[0]
    assert "[[tariff.change]]" in owner.bodies[0]
    owner = Owner()
    owner.look(calm(NOON, tariff_ends=date(2025, 12, 31)))
    assert "were known until 31 December 2025; plans use old fees" in owner.bodies[0]


def test_a_stand_down_is_told_at_once_and_is_no_other_trouble():
    def state(at):
        down = NOON <= at < NOON + 5 * HOUR
        return calm(at, paused=down, stand_down="it lost 3.10 EUR in 21 days" if down else "")

    owner = Owner()
    owner.watch(NOON - HOUR, NOON + 6 * HOUR, state)
    kind = MessageKind.STAND_DOWN
    assert owner.told == [("14 12:00", False, kind), ("14 17:00", True, kind)]
    assert "it lost 3.10 EUR in 21 days" in owner.bodies[0]


def test_a_store_that_does_not_fit_is_told_and_hides_no_other_end():
    """Without the store nobody knows whether there is a plan: neither begins nor ends."""

    def state(at):
        if at < NOON + 20 * MINUTES:
            return calm(at, plan_end=None)
        broken = at < NOON + 3 * HOUR
        fault = "written by a newer version (schema 99): update optimizer"
        return calm(at, plan_end=None, steps=(), store_fault=fault) if broken else calm(at)

    owner = Owner()
    owner.watch(NOON, NOON + 4 * HOUR, state)
    assert owner.told == [
        ("14 12:00", False, MessageKind.NO_PLAN), ("14 12:50", False, MessageKind.UPDATE_REFUSED),
        ("14 15:00", True, MessageKind.NO_PLAN), ("14 15:00", True, MessageKind.UPDATE_REFUSED),
    ]  # fmt: skip
    assert owner.bodies[1].endswith("What to do: update optimizer.")


def test_kinds_that_the_owner_does_not_want_are_not_told():
    owner = Owner([MessageKind.TARIFF_ENDS])
    owner.watch(NOON, NOON + 2 * DAY, lambda at: calm(at, plan_end=None, running=False))
    assert owner.told == []
    assert [*owner.states] == [MessageKind.TARIFF_ENDS]


def test_a_clock_that_was_set_back_ends_no_patience():
    owner = Owner([MessageKind.FEMS_UNREACHABLE])
    away = {"live": live(NOON, Reason.UNREACHABLE, read_s=None)}
    owner.look(calm(NOON + DAY, **away))
    owner.watch(NOON, NOON + 31 * MINUTES, lambda at: calm(at, **away))
    assert [at for at, *_ in owner.told] == ["14 12:30"]


def test_a_trial_says_what_it_is():
    message = trial(NOON, "home")
    assert (message.title, message.kind) == ("home: a trial message", None)
    assert "Nothing is to be done." in message.body
