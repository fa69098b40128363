"""The check at each door: a fault names the origin, the column, its unit and the first place."""

from datetime import UTC, datetime, timedelta
from math import inf, nan
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from optimizer.errors import DataError
from optimizer.model import frames

AT = datetime(2026, 1, 14, 13, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def frame(count=4, **columns):
    starts = [AT + index * QUARTER for index in range(count)]
    ends = [start + QUARTER for start in starts]
    return frames.frame_of(starts, ends, **({"load_w": [500.0] * count} | columns))


def refused(faulty, columns=("load_w",)):
    with pytest.raises(DataError) as caught:
        frames.check(faulty, columns, "load.csv")
    return str(caught.value)


def test_a_good_frame_passes_unchanged():
    good = frame(pv_w=[0.0, 1.0, 2.0, 3.0])
    before = good.copy()
    assert frames.check(good, ["load_w", "pv_w"], "load.csv") is good
    pd.testing.assert_frame_equal(good, before)


def test_other_columns_are_not_looked_at():
    good = frame(pv_w=[nan] * 4, remark=["a"] * 4)
    assert frames.check(good, ["load_w"], "load.csv") is good


@pytest.mark.parametrize("name", ["load_w", "end"])
def test_a_missing_column_is_named(name):
    assert refused(frame().drop(columns=name)) == f"load.csv: column '{name}' is missing"


def test_an_empty_frame_is_refused():
    assert refused(frame().iloc[:0]) == "load.csv: there are no rows"


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_an_index_that_is_not_utc_is_refused(zone):
    faulty = frame()
    faulty.index = faulty.index.tz_convert(zone)
    assert refused(faulty) == "load.csv: time stamps are not UTC"


def test_an_index_without_time_is_refused():
    assert refused(frame().reset_index(drop=True)) == "load.csv: time stamps are not UTC"


@pytest.mark.parametrize(
    ("order", "place"),
    [([1, 0, 2, 3], "13:15"), ([0, 1, 1, 2], "13:15"), ([0, 2, 1, 3], "13:30")],
    ids=["backwards", "twice", "later backwards"],
)
def test_steps_out_of_order_are_refused_at_the_first(order, place):
    text = refused(frame().iloc[order])
    assert text == f"load.csv: the step at 2026-01-14T{place}:00Z overlaps the next or is empty"


@pytest.mark.parametrize("minutes", [20, 0, -15], ids=["too long", "empty", "negative"])
def test_a_step_with_a_wrong_end_is_refused(minutes):
    faulty = frame()
    faulty.loc[faulty.index[2], "end"] = faulty.index[2] + pd.Timedelta(minutes=minutes)
    assert "the step at 2026-01-14T13:30:00Z overlaps the next or is empty" in refused(faulty)


def test_steps_may_leave_a_gap_between_them():
    assert len(frames.check(frame().iloc[[0, 1, 3]], ["load_w"], "load.csv")) == 3


def test_the_first_missing_value_is_named_with_its_unit():
    faulty = frame(load_w=[1.0, nan, 3.0, nan])
    assert refused(faulty) == "load.csv: load_w [W] is missing at 2026-01-14T13:15:00Z"


@pytest.mark.parametrize(
    ("name", "bad", "text"),
    [
        ("load_w", -1.0, "load_w [W] is out of range at {}: -1 is not within 0 to 100000"),
        ("load_w", 100_001.0, "load_w [W] is out of range at {}: 100001 is not within 0 to 100000"),
        ("pv_w", inf, "pv_w [W] is out of range at {}: inf is not within 0 to 100000"),
        ("buy_eur_per_kwh", 29.21, "buy_eur_per_kwh [EUR/kWh] is out of range at {}: 29.21 is not"),
        ("sell_eur_per_kwh", 7.8, "sell_eur_per_kwh [EUR/kWh] is out of range at {}: 7.8 is not"),
        ("spot_eur_per_kwh", -1.1, "spot_eur_per_kwh [EUR/kWh] is out of range at {}: -1.1 is not"),
    ],
)
def test_the_first_value_out_of_range_is_named_with_its_unit(name, bad, text):
    faulty = frame(**{name: [0.0, 0.0, bad, bad]})
    found = refused(faulty, [name])
    assert found.startswith("load.csv: " + text.format("2026-01-14T13:30:00Z"))
    assert found.endswith("look at the unit")


def test_the_edges_of_a_range_pass():
    good = frame(load_w=[0.0, 100_000.0] * 2, buy_eur_per_kwh=[-1.0, 5.0] * 2)
    assert frames.check(good, ["load_w", "buy_eur_per_kwh"], "edges") is good


def test_missing_comes_before_out_of_range():
    assert "is missing at 2026-01-14T13:45:00Z" in refused(frame(load_w=[-1.0, 0.0, 0.0, nan]))


def test_every_word_of_the_vocabulary_has_a_unit_and_a_range():
    for name, column in frames.COLUMNS.items():
        assert column.unit == ("W" if name.endswith("_w") else "EUR/kWh")
        least, most = column.limits(1.0)
        assert least < most
        scaled = column.limits(25.0)
        assert scaled == ((least, most) if name.endswith("_w") else (25 * least, 25 * most))
        assert column.meaning
    assert set(frames.FORECAST) <= set(frames.COLUMNS)


def test_frames_are_built_in_utc_from_any_zone():
    berlin = AT.astimezone(ZoneInfo("Europe/Berlin"))
    built = frames.frame_of([berlin], [berlin + QUARTER], load_w=[1.0])
    assert str(built.index.tz) == "UTC"
    assert built.index.name == "start"
    assert frames.starts_of(built) == [AT]
    assert frames.ends_of(built) == [AT + QUARTER]


def test_the_step_of_a_frame_is_its_shortest():
    starts = [AT, AT + 4 * QUARTER]
    built = frames.frame_of(starts, [starts[1], starts[1] + QUARTER], load_w=[1.0, 2.0])
    assert frames.step_of(built) == QUARTER
