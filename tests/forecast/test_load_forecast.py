"""What the house will use, from its own past."""

import itertools
import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.forecast import load_faults, load_forecast
from optimizer.forecast.load_forecast import standard_w
from optimizer.model import frames

ZONE = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
AT = datetime(2026, 11, 22, 13, tzinfo=UTC)  # 14:00 local
END = AT + timedelta(hours=36)


def by_clock(local):
    """A house with a habit: 1 kW in the evening, 300 W else, plus a mark for each quarter."""
    return (1_000.0 if 18 <= local.hour < 22 else 300.0) + local.hour + local.minute / 100


def past(days, what=by_clock, *, at=AT, minutes=15):
    """A history up to `at`; `what` gives W (or None) for a local moment."""
    step = timedelta(minutes=minutes)
    count = round(timedelta(days=days) / step)
    starts = [at - (count - n) * step for n in range(count)]
    known = [(start, what(start.astimezone(ZONE))) for start in starts]
    # a meter that stands still is not believed, so no two rows are quite equal
    known = [(start, watts + n % 7 * 1e-7) for n, (start, watts) in enumerate(known)
             if watts is not None]  # fmt: skip
    return frames.frame_of(
        [start for start, _ in known], [start + step for start, _ in known],
        load_w=[watts for _, watts in known],
    )  # fmt: skip


def reported(history, *, at=AT, end=None, annual_kwh=4_000.0):
    made = load_forecast.load_forecast(
        history, at, end or at + timedelta(hours=36), at, ZONE, annual_kwh
    )
    return made, made.frame["load_w"].tolist()


def locals_of(made):
    return [at.astimezone(ZONE) for at in frames.starts_of(made.frame)]


@pytest.mark.parametrize("days", [14, 20, 40])
def test_a_habit_is_continued(days):
    made, watts = reported(past(days))
    assert frames.check(made.frame, ["load_w"], "x") is made.frame
    assert watts == pytest.approx([by_clock(at) for at in locals_of(made)])
    assert made.notes == ()


@pytest.mark.parametrize("change", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_habit_is_kept_by_the_clock_on_the_wall_when_that_changes(change):
    at = datetime(change.year, change.month, change.day, 13, tzinfo=UTC) - timedelta(days=1)
    made, watts = reported(past(20, at=at), at=at)
    assert watts == pytest.approx([by_clock(moment) for moment in locals_of(made)])


def test_the_newest_fourteen_values_of_a_time_of_day_count():
    def what(local):
        return 100.0 if local.date() < date(2026, 11, 8) else 500.0

    assert reported(past(28, what))[1][-96] == pytest.approx(500)


def test_hourly_history_is_as_good():
    made, watts = reported(past(20, lambda local: 300.0 + local.hour, minutes=60))
    assert watts == pytest.approx([300.0 + at.hour for at in locals_of(made)])


@pytest.mark.parametrize(("factor", "level"), [(2.25, 1.5), (0.36, 0.6), (100.0, 2.0), (0.01, 0.5)])
def test_the_root_of_the_last_days_level_is_taken_within_bounds(factor, level):
    """The last day is in the mean of 14 too."""

    def what(local):
        return 400.0 * (factor if local >= AT - timedelta(days=1) else 1.0)

    mean = 400.0 * (13 + factor) / 14
    ratio = min(max(400.0 * factor / mean, 0.25), 4.0)
    watts = reported(past(20, what))[1]
    assert watts == pytest.approx([mean * math.sqrt(ratio)] * len(watts))
    assert (math.sqrt(ratio) - 1) * (level - 1) > 0


def test_less_than_half_a_day_is_no_level():
    def what(local):
        gone = AT - timedelta(hours=24) <= local < AT - timedelta(hours=11)
        return None if gone else (900.0 if local >= AT - timedelta(hours=11) else 300.0)

    morning = datetime(2026, 11, 23, 1, tzinfo=UTC)
    made, watts = reported(past(20, what))
    at_night = watts[frames.starts_of(made.frame).index(morning)]
    assert at_night == pytest.approx(300)  # the hole is filled from further back


def test_holes_are_filled_from_further_back_but_not_from_another_season():
    def what(local):
        return None if local.date() >= date(2026, 11, 15) else 444.0

    assert reported(past(27, what))[1][0] == pytest.approx(444)
    assert "nothing is known" in reported(past(60, what, at=AT - timedelta(days=29)))[0].notes[0]


def test_what_comes_after_now_is_not_looked_at():
    later = past(30, at=AT + timedelta(days=2))
    changed = later.assign(load_w=later["load_w"].where(later["end"] <= AT, 9_999.0))
    assert reported(changed)[1] == pytest.approx(reported(past(28))[1])


def test_dropouts_and_frozen_meters_are_left_out():
    def what(local):
        if local.date() == date(2026, 11, 18):
            return 0.4
        if local.date() == date(2026, 11, 19) and local.hour >= 6:
            return 777.0
        return by_clock(local)

    made, watts = reported(_frozen(past(20, what)))
    assert watts == pytest.approx([by_clock(at) for at in locals_of(made)])


def _frozen(frame):
    return frame.assign(load_w=frame["load_w"].where(frame["load_w"].round(3) != 777.0, 777.0))


def test_clean_keeps_what_stands_still_for_less_than_six_hours():
    values = [500.0] * 23 + [600.0] * 24 + [700.0]
    frame = past(0.5, lambda local: 1.0).assign(load_w=values)
    assert load_faults.clean(frame)["load_w"].tolist() == [500.0] * 23 + [700.0]
    empty = load_faults.clean(frame[:0])
    assert empty.empty


@pytest.mark.parametrize("history", [None, past(20)[:0], past(3, lambda local: 0.2)])
def test_nothing_known_is_the_standard_household(history):
    made, watts = reported(history)
    assert watts == pytest.approx([standard_w(at, 4_000) for at in locals_of(made)])
    assert made.notes == (
        "load: nothing is known of this house's past, so a standard household of 4 000 kWh a year "
        "(BDEW H25) was planned",
    )


def test_a_few_days_give_the_level_and_more_and_more_of_the_shape():
    """A house of three times the standard, flat; the standard's shape fades out."""
    flat = 3 * 4_000_000 / 8_760
    spread = []
    for days in (1, 4, 8, 13, 14):
        made, watts = reported(past(days, lambda local: flat + local.minute / 1e6))
        day = watts[40:136]
        assert sum(day) / 96 == pytest.approx(flat, rel=0.3)
        spread.append(max(day) - min(day))
        assert bool(made.notes) is (days < 14)
        if made.notes:
            assert f"{days:.1f} days of this house's past are known" in made.notes[0]
    assert all(after < before for before, after in itertools.pairwise(spread))
    assert spread[-1] < 1e-3


def test_the_standard_household_uses_what_it_should():
    first = datetime(2026, 1, 1, tzinfo=ZONE)
    hours = [first + timedelta(hours=n) for n in range(8_760)]
    assert sum(standard_w(at, 4_000) for at in hours) / 1000 == pytest.approx(4_000, rel=0.005)
    evening, night = (datetime(2026, 1, 14, hour, tzinfo=ZONE) for hour in (18, 3))
    assert standard_w(evening, 4_000) > 2.5 * standard_w(night, 4_000)
    sunday, saturday = (datetime(2026, 1, day, 11, tzinfo=ZONE) for day in (18, 17))
    assert standard_w(sunday, 1_000) > standard_w(saturday, 1_000) > standard_w(evening, 1_000) / 2
