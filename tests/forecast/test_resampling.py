"""Any series on any steps: the time-weighted mean, and nothing where it is not known."""

from datetime import UTC, datetime, timedelta
from math import nan
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.model import frames
from optimizer.model.moments import floor

BERLIN = ZoneInfo("Europe/Berlin")
MINUTES = {15: timedelta(minutes=15), 30: timedelta(minutes=30), 60: timedelta(minutes=60)}


def resampled(frame, minutes, count=None, start=None):
    """Values of `load_w` on new steps, over the frame's span unless said."""
    step = MINUTES[minutes]
    first = start or frames.starts_of(frame)[0]
    if count is None:
        count = int((frames.ends_of(frame)[-1] - first) / step)
    starts = [first + index * step for index in range(count)]
    ends = [floor(moment, step) + step for moment in starts]
    result = frames.on_steps(frame, frames.frame_of(starts, ends))
    assert (frames.starts_of(result), frames.ends_of(result)) == (starts, ends)
    return result["load_w"].tolist()


@pytest.mark.parametrize(
    ("given_minutes", "values", "minutes", "expected"),
    [
        (60, [100, 200], 15, [100] * 4 + [200] * 4),
        (60, [100, 200], 30, [100, 100, 200, 200]),
        (30, [100, 200], 15, [100, 100, 200, 200]),
        (15, [100, 200, 300, 400], 60, [250]),
        (15, [100, 200, 300, 400], 30, [150, 350]),
        (30, [100, 200, 0, 50], 60, [150, 25]),
        (15, [100, 200], 15, [100, 200]),
        (60, [-100, 200], 60, [-100, 200]),
    ],
)
def test_between_15_30_and_60_minutes(series, given_minutes, values, minutes, expected):
    frame = series(given_minutes, load_w=[float(value) for value in values])
    assert resampled(frame, minutes) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("given_minutes", "after_s", "minutes", "expected"),
    [
        (15, 20 * 60, 60, (10 * 200 + 15 * 300 + 15 * 400) / 40),
        (15, 44 * 60 + 59, 60, (300 + 15 * 60 * 400) / 901),
        (15, 40 * 60, 30, (5 * 300 + 15 * 400) / 20),
        (60, 40 * 60, 30, 100),
        (60, 59 * 60 + 59, 15, 100),
        (30, 10 * 60, 60, (20 * 100 + 30 * 200) / 50),
    ],
)
def test_what_is_left_of_a_step_is_weighed_by_time(
    series, at, given_minutes, after_s, minutes, expected
):
    frame = series(given_minutes, load_w=[100.0, 200.0, 300.0, 400.0])
    assert resampled(frame, minutes, 1, at + timedelta(seconds=after_s)) == pytest.approx(
        [expected], rel=1e-9
    )


def test_a_series_off_the_grid_is_weighed_by_time(series, at):
    """Quarters that begin at 12:55."""
    frame = series(15, shift=-5, load_w=[0.0, 300.0, 600.0])
    assert resampled(frame, 15, 2, at) == pytest.approx([100, 400])


def test_every_column_is_resampled_on_its_own(series, at):
    frame = series(30, load_w=[100.0, 200.0], pv_w=[1.0, 3.0])
    result = frames.on_steps(frame, frames.steps(at, at + MINUTES[60], MINUTES[60]))
    assert result.columns.tolist() == ["end", "load_w", "pv_w"]
    assert result.iloc[0][["load_w", "pv_w"]].tolist() == [150.0, 2.0]


def test_a_step_within_a_row_takes_its_value_to_the_last_bit(series, at):
    values = [0.1, 0.2, 0.0, 0.1 + 0.2]
    assert resampled(series(60, load_w=values), 15) == [value for value in values for _ in "4444"]
    assert resampled(series(15, load_w=values), 15, 1, at + timedelta(minutes=47)) == [0.1 + 0.2]


def test_origins_of_several_rows_are_joined(series, at):
    frame = series(15, load_w=[1.0] * 8).assign(origin=["a", "a", "b", "a"] + ["c"] * 4)
    hours = frames.on_steps(frame, frames.steps(at, at + MINUTES[60] * 2, MINUTES[60]))
    assert hours["origin"].tolist() == ["a and b", "c"]
    begun = frames.steps(at + timedelta(minutes=50), at + MINUTES[60], MINUTES[60], whole=False)
    assert frames.on_steps(frame, begun)["origin"].tolist() == ["a"]


def test_an_unknown_value_is_a_hole_of_its_own_column(series):
    frame = series(15, load_w=[1.0, nan, 3.0, 4.0], pv_w=[1.0, 2.0, 3.0, 4.0])
    first = frames.starts_of(frame)[0]
    halves = frames.on_steps(frame, frames.steps(first, first + MINUTES[60], MINUTES[30]))
    assert halves["load_w"].tolist() == pytest.approx([nan, 3.5], nan_ok=True)
    assert halves["pv_w"].tolist() == pytest.approx([1.5, 3.5])


def test_a_frame_is_filled_only_where_it_has_no_row(series):
    base = series(60, load_w=[1.0, 2.0]).drop(index=series(60, load_w=[1.0]).index)
    fine = series(15, load_w=[9.0] * 12)
    assert frames.filled_from(base, fine)["load_w"].tolist() == [9.0] * 4 + [2.0] + [9.0] * 4
    assert frames.filled_from(fine, base) is fine
    assert frames.filled_from(base.iloc[:0], fine) is fine


def test_partly_covered_steps_are_unknown(series, at):
    frame = series(15, shift=15, load_w=[100.0] * 5)  # 13:15 to 14:30
    known = resampled(frame, 60, 4, at - timedelta(hours=1))
    assert known == pytest.approx([nan] * 4, nan_ok=True)
    assert resampled(frame, 30, 4, at) == pytest.approx([nan, 100, 100, nan], nan_ok=True)


def test_a_hole_makes_only_its_own_steps_unknown(series):
    frame = series(15, load_w=[float(index) for index in range(12)])
    holed = frame.iloc[[0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]]
    assert resampled(holed, 60) == pytest.approx([1.5, nan, 9.5], nan_ok=True)
    assert resampled(holed, 15)[4:7] == pytest.approx([4, nan, 6], nan_ok=True)


def test_steps_outside_the_series_are_unknown(series, at):
    frame = series(60, load_w=[100.0])
    assert resampled(frame, 60, 1, at - timedelta(days=1)) == pytest.approx([nan], nan_ok=True)
    assert resampled(frame, 60, 1, at + timedelta(days=1)) == pytest.approx([nan], nan_ok=True)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(values=st.lists(st.floats(-1_000, 100_000), min_size=4, max_size=40))
def test_there_and_back_gives_the_same_values_and_the_same_energy(series, values):
    hours = values[: len(values) // 4 * 4]
    frame = series(60, load_w=hours)
    fine = resampled(frame, 15)
    assert sum(fine) / 4 == pytest.approx(sum(hours), abs=1e-3)
    assert resampled(series(15, load_w=fine), 60) == pytest.approx(hours, abs=1e-3)


@pytest.mark.parametrize(("week", "day", "hours"), [("spring", 29, 23), ("autumn", 26, 25)])
def test_days_on_which_the_clocks_change_keep_their_energy(sample_load, week, day, hours):
    frame = sample_load(week)
    local = frame.index.tz_convert(BERLIN)
    of_day = frame[local.day == day]
    assert len(of_day) == 4 * hours
    hourly = resampled(of_day, 60)
    assert len(hourly) == hours
    assert sum(hourly) == pytest.approx(of_day["load_w"].sum() / 4)


@pytest.mark.parametrize(("week", "quarters"), [("spring", 668), ("autumn", 676)])
def test_a_week_with_a_change_of_clocks_has_no_hole_after_resampling(sample_load, week, quarters):
    frame = sample_load(week)
    assert len(frame) == quarters
    first, last = frames.starts_of(frame)[0], frames.ends_of(frame)[-1]
    hourly = frames.on_steps(frame, frames.steps(first, last, MINUTES[60]))
    assert len(hourly) == quarters // 4
    assert frames.check(hourly, ["load_w"], week) is hourly


@pytest.mark.parametrize(
    ("moment", "minutes", "expected"),
    [
        ("13:05:12", 15, "13:00"),
        ("13:14:59.999999", 15, "13:00"),
        ("13:15:00", 15, "13:15"),
        ("13:59:00", 30, "13:30"),
        ("13:59:00", 60, "13:00"),
    ],
)
def test_a_moment_lies_in_the_step_that_contains_it(moment, minutes, expected):
    at = datetime.fromisoformat(f"2026-01-14T{moment}+00:00")
    assert floor(at, MINUTES[minutes]).isoformat() == f"2026-01-14T{expected}:00+00:00"


@pytest.mark.parametrize(
    ("start", "end", "minutes", "expected"),
    [
        ("13:00", "14:00", 15, ["13:00", "13:15", "13:30", "13:45"]),
        ("13:07", "14:00", 15, ["13:00", "13:15", "13:30", "13:45"]),
        ("13:07", "13:59", 15, ["13:00", "13:15", "13:30"]),
        ("13:07", "15:30", 60, ["13:00", "14:00"]),
        ("13:40", "14:30", 30, ["13:30", "14:00"]),
        ("13:00", "13:10", 15, []),
        ("13:00", "12:00", 15, []),
    ],
)
def test_the_grid_holds_whole_steps_and_begins_with_the_present_one(start, end, minutes, expected):
    day = "2026-01-14T{}:00+00:00"
    moments = [datetime.fromisoformat(day.format(text)) for text in (start, end)]
    found = frames.starts_of(frames.steps(*moments, MINUTES[minutes]))
    assert [moment.strftime("%H:%M") for moment in found] == expected


@pytest.mark.parametrize(("day", "quarters"), [("03-29", 92), ("10-25", 100), ("06-15", 96)])
def test_a_local_day_has_92_96_or_100_quarters(day, quarters):
    midnight = datetime.fromisoformat(f"2026-{day} 00:00").replace(tzinfo=BERLIN)
    following = (midnight + timedelta(days=1)).astimezone(UTC)
    assert len(frames.steps(midnight.astimezone(UTC), following, MINUTES[15])) == quarters
