"""Prices, load and roof in one frame, as far as all of them are known."""

from datetime import time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import DataError
from optimizer.forecast.forecast_frame import all_in, forecast
from optimizer.model import frames
from optimizer.model.tariff import Export, ExportKind, FeeWindow, Tariff
from optimizer.planning.arrays import forecast_steps

QUARTER, HALF, HOUR = timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")

# 13:30 UTC is 14:30 in Berlin in January: the window begins inside the hourly price.
HALF_PAST = FeeWindow(time(14, 30), time(18), 0.20)


@pytest.fixture
def prices(series):
    """Three hours of all-in prices."""
    return series(60, buy_eur_per_kwh=[0.30, 0.20, 0.40], sell_eur_per_kwh=[0.08, 0.0, 0.08])


@pytest.fixture
def load(series):
    """Three hours of load in quarters."""
    return series(15, load_w=[float(100 * index) for index in range(12)])


@pytest.fixture
def pv(series):
    """Three hours of roof in half hours."""
    return series(30, pv_w=[0.0, 100.0, 200.0, 300.0, 400.0, 500.0])


@pytest.fixture
def spot(series):
    """Two hours of spot prices."""
    return series(60, spot_eur_per_kwh=[0.10, -0.02])


def span(frame):
    return [
        moment.strftime("%H:%M")
        for moment in (frames.starts_of(frame)[0], frames.ends_of(frame)[-1])
    ]


def test_a_fee_window_inside_an_hourly_price_is_right_on_quarters(spot, load, at):
    fine = all_in(spot, Tariff(grid_fee_eur_per_kwh=0.10, window=(HALF_PAST,)))
    assert fine["buy_eur_per_kwh"].tolist() == pytest.approx([0.20, 0.20, 0.30, 0.30] + [0.18] * 4)
    made = forecast(fine, load, None, at, 2 * HOUR, QUARTER)
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx(fine["buy_eur_per_kwh"].tolist())


@pytest.mark.parametrize(
    ("step", "expected"), [(HOUR, [0.25, 0.18]), (HALF, [0.2, 0.3, 0.18, 0.18])]
)
def test_on_longer_steps_it_is_the_mean(spot, load, at, step, expected):
    fine = all_in(spot, Tariff(grid_fee_eur_per_kwh=0.10, window=(HALF_PAST,)))
    made = forecast(fine, load, None, at, 2 * HOUR, step)
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx(expected)


def test_spot_prices_become_buying_and_selling_prices(spot):
    tariff = Tariff(
        markup_eur_per_kwh=0.02,
        vat_percent=19,
        export=Export(ExportKind.FIXED, 0.0778, zero_when_spot_negative=True),
    )
    fine = all_in(spot, tariff)
    assert len(fine) == 8
    assert fine["spot_eur_per_kwh"].tolist() == pytest.approx([0.10] * 4 + [-0.02] * 4)
    assert fine["buy_eur_per_kwh"].tolist() == pytest.approx([0.12 * 1.19] * 4 + [0.0] * 4)
    assert fine["sell_eur_per_kwh"].tolist() == pytest.approx([0.0778] * 4 + [0.0] * 4)


def test_selling_at_the_spot_price(spot):
    fine = all_in(spot, Tariff(export=Export(ExportKind.SPOT, 0.004)))
    assert fine["sell_eur_per_kwh"].tolist() == pytest.approx([0.096] * 4 + [-0.024] * 4)


def test_selling_by_a_series_of_its_own(series):
    prices = series(60, spot_eur_per_kwh=[0.10, 0.20], sell_eur_per_kwh=[0.07, 0.09])
    fine = all_in(prices, Tariff(export=Export(ExportKind.SERIES)))
    assert fine["sell_eur_per_kwh"].tolist() == pytest.approx([0.07] * 4 + [0.09] * 4)
    fixed = all_in(prices, Tariff(export=Export(ExportKind.FIXED, 0.05)))
    assert fixed["sell_eur_per_kwh"].tolist() == [0.05] * 8


def test_a_series_tariff_without_a_series_is_refused(spot):
    with pytest.raises(DataError, match="is 'series', but the price source has no column"):
        all_in(spot, Tariff(export=Export(ExportKind.SERIES)))


def test_all_in_prices_pass_as_they_are(prices):
    tariff = Tariff(grid_fee_eur_per_kwh=0.10, vat_percent=19)
    before = prices.copy()
    assert all_in(prices, tariff) is prices
    pd.testing.assert_frame_equal(prices, before)


def test_all_series_meet_on_the_planners_steps(prices, load, pv, at):
    made = forecast(prices, load, pv, at, 3 * HOUR, HALF)
    assert span(made) == ["13:00", "16:00"]
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2, 0.4, 0.4])
    assert made["load_w"].tolist() == pytest.approx([50, 250, 450, 650, 850, 1_050])
    assert made["pv_w"].tolist() == pytest.approx([0, 100, 200, 300, 400, 500])


def test_each_value_keeps_its_provenance(prices, load, pv, at):
    prices["origin"] = ["published x", "filled y", "filled y"]
    load["origin"], pv["origin"] = "forecast own past", "forecast z"
    made = forecast(prices, load, pv, at, 2 * HOUR, HOUR)
    assert made["price_from"].tolist() == ["published x", "filled y"]
    assert set(made["load_from"]) == {"forecast own past"}
    assert set(made["pv_from"]) == {"forecast z"}
    (first, second) = forecast_steps(made)
    assert (first.price_from, second.price_from) == ("published x", "filled y")


def test_a_house_without_a_roof_has_a_roof_of_nothing(prices, load, at):
    assert forecast(prices, load, None, at, HOUR, QUARTER)["pv_w"].tolist() == [0.0] * 4


def test_the_horizon_ends_the_forecast(prices, load, pv, at):
    assert span(forecast(prices, load, pv, at, 2 * HOUR, HOUR)) == ["13:00", "15:00"]


@pytest.mark.parametrize("short", ["prices", "load", "roof"])
def test_the_earliest_end_of_all_series_ends_the_forecast(series, at, short):
    hours = {"prices": 3, "load": 3, "roof": 3} | {short: 2}
    free = [0.0] * hours["prices"]
    prices = series(60, buy_eur_per_kwh=free, sell_eur_per_kwh=free)
    load = series(60, load_w=[500.0] * hours["load"])
    pv = series(60, pv_w=[0.0] * hours["roof"])
    made = forecast(prices, load, pv, at, 24 * HOUR, QUARTER)
    assert span(made) == ["13:00", "15:00"]


def test_a_last_step_that_is_only_partly_known_is_left_out(prices, series, at):
    load = series(15, load_w=[500.0] * 7)
    assert span(forecast(prices, load, None, at, 3 * HOUR, HOUR)) == ["13:00", "14:00"]
    assert span(forecast(prices, load, None, at, 3 * HOUR, HALF)) == ["13:00", "14:30"]


def test_of_the_present_step_the_rest_is_planned(prices, load, at):
    begin = at + timedelta(minutes=22)
    made = forecast(prices, load, None, begin, 3 * HOUR, QUARTER)
    assert span(made) == ["13:22", "16:00"]
    assert frames.ends_of(made)[:2] == [at + 2 * QUARTER, at + 3 * QUARTER]
    assert made["load_w"].tolist() == pytest.approx([100.0 * n for n in range(1, 11 + 1)])
    hourly = forecast(prices, load, None, begin, 3 * HOUR, HOUR)
    assert frames.ends_of(hourly) == [at + HOUR, at + 2 * HOUR, at + 3 * HOUR]
    mean_w = (8 * 100 + 15 * 200 + 15 * 300) / 38
    assert hourly["load_w"].tolist() == pytest.approx([mean_w, 550.0, 950.0])
    assert hourly["buy_eur_per_kwh"].tolist() == pytest.approx([0.30, 0.20, 0.40])


@pytest.mark.parametrize("step", [QUARTER, HALF, HOUR])
def test_series_that_begin_within_the_running_step_serve_a_plan_made_then(series, step):
    """Of 13:00 to 13:45 nothing is known, and of a plan made at 13:46 nothing is missing."""
    known = {"buy_eur_per_kwh": [0.3] * 9, "sell_eur_per_kwh": [0.1] * 9}
    prices, load = series(15, shift=45, **known), series(15, shift=45, load_w=[500.0] * 9)
    begin = frames.starts_of(prices)[0] + timedelta(minutes=1)
    made = forecast(prices, load, None, begin, 3 * HOUR, step)
    assert span(made) == ["13:46", "16:00"]
    with pytest.raises(DataError, match="prices: known from 2026-01-14T13:45:00Z"):
        forecast(prices, load, None, begin - 2 * timedelta(minutes=1), 3 * HOUR, step)


def by_the_second(frame, column, start, end):
    """Mean over a span, from the overlap with each row."""
    rows = zip(frames.starts_of(frame), frames.ends_of(frame), frame[column], strict=True)
    parts = [(max(timedelta(0), min(end, b) - max(start, a)), value) for a, b, value in rows]
    return sum(part.total_seconds() * value for part, value in parts) / (end - start).seconds


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    second=st.integers(0, 3 * 3600 - 1),
    minutes=st.sampled_from([15, 30, 60]),
    given_minutes=st.tuples(*[st.sampled_from([15, 30, 60])] * 3),
    seed=st.integers(0, 1_000),
)
def test_from_any_second_on_every_step_has_its_mean(
    series, at, second, minutes, given_minutes, seed
):
    rng, step = Random(seed), timedelta(minutes=minutes)  # noqa: S311

    def values(length):
        return [rng.uniform(0, 1) for _ in range(8 * 60 // length)]

    price, load, sun = given_minutes
    prices = series(price, buy_eur_per_kwh=values(price), sell_eur_per_kwh=values(price))
    loads, pv = series(load, load_w=values(load)), series(sun, pv_w=values(sun))
    begin = at + timedelta(seconds=second)
    made = forecast(prices, loads, pv, begin, 4 * HOUR, step)
    starts, ends = frames.starts_of(made), frames.ends_of(made)
    assert (starts[0], starts[1:]) == (begin, ends[:-1])
    assert timedelta(0) < ends[0] - begin <= step
    assert all(end.timestamp() % step.total_seconds() == 0 for end in ends)
    assert 4 * HOUR - step < ends[-1] - begin <= 4 * HOUR
    for frame in (prices, loads, pv):
        for name in frame.columns.drop("end"):
            means = [by_the_second(frame, name, *span) for span in zip(starts, ends, strict=True)]
            assert made[name].tolist() == pytest.approx(means, abs=1e-9)


@pytest.mark.parametrize("late", ["prices", "load", "roof"])
def test_a_series_that_begins_after_the_start_is_refused_with_both_spans(series, at, late):
    shift = {"prices": 0, "load": 0, "roof": 0} | {late: 30}
    with pytest.raises(DataError) as caught:
        forecast(
            series(60, shift=shift["prices"], buy_eur_per_kwh=[0.3], sell_eur_per_kwh=[0.0]),
            series(60, shift=shift["load"], load_w=[500.0]),
            series(60, shift=shift["roof"], pv_w=[0.0]),
            at, HOUR, QUARTER,
        )  # fmt: skip
    assert str(caught.value) == (
        f"{late}: known from 2026-01-14T13:30:00Z to 2026-01-14T14:30:00Z, "
        "the plan starts at 2026-01-14T13:00:00Z"
    )


def test_a_running_step_that_is_not_known_to_its_end_is_named_as_such(series, at):
    prices = series(15, buy_eur_per_kwh=[0.3] * 3, sell_eur_per_kwh=[0.0] * 3)
    load, begin = series(60, load_w=[500.0]), at + timedelta(minutes=40)
    assert span(forecast(prices, load, None, begin, 3 * HOUR, QUARTER)) == ["13:40", "13:45"]
    with pytest.raises(DataError) as caught:
        forecast(prices, load, None, begin, 3 * HOUR, HOUR)
    assert str(caught.value) == (
        "prices: known from 2026-01-14T13:00:00Z to 2026-01-14T13:45:00Z, the plan starts at "
        "2026-01-14T13:40:00Z and its first step ends at 2026-01-14T14:00:00Z"
    )


@pytest.mark.parametrize("hours", [3, 30])
def test_a_start_after_the_end_is_refused_with_both_spans(prices, load, at, hours):
    with pytest.raises(
        DataError, match=r"known from .*T13:00:00Z to .*T16:00:00Z, the plan starts"
    ):
        forecast(prices, load, None, at + hours * HOUR, HOUR, QUARTER)


def test_a_gap_within_the_horizon_is_refused_at_its_place(prices, load, at):
    holed = load.drop(index=load.index[5])
    with pytest.raises(DataError, match=r"forecast: load_w \[W\] is missing at 2026-01-14T14:15"):
        forecast(prices, holed, None, at, 3 * HOUR, QUARTER)


@pytest.mark.parametrize(("week", "quarters"), [("spring", 92), ("autumn", 100)])
def test_a_sample_day_on_which_the_clocks_change(sample_prices, sample_load, week, quarters):
    """The Sunday in full: 23 or 25 hours of fees by local time."""
    window = FeeWindow(time(2), time(3), 0.0)
    prices = all_in(sample_prices(week), Tariff(grid_fee_eur_per_kwh=0.1, window=(window,)))
    last = frames.ends_of(prices)[-1]
    start = last - quarters * QUARTER
    made = forecast(prices, sample_load(week), None, start, 48 * HOUR, QUARTER)
    assert len(made) == quarters
    assert made.index[0].tz_convert(BERLIN).strftime("%a %H:%M") == "Sun 00:00"
    fees = (made["buy_eur_per_kwh"] - made["spot_eur_per_kwh"]).round(6)
    assert (fees == 0.0).sum() == {"spring": 0, "autumn": 8}[week]
