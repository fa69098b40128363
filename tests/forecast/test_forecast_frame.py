"""Prices, load and roof in one frame, as far as all of them are known."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from optimizer.errors import DataError
from optimizer.forecast.assemble import all_in, forecast
from optimizer.model import frames
from optimizer.model.tariff import Export, ExportKind, FeeWindow, Tariff

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
def roof(series):
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
    fine = all_in(spot, Tariff(grid_fee_eur_per_kwh=0.10, windows=(HALF_PAST,)))
    assert fine["buy_eur_per_kwh"].tolist() == pytest.approx([0.20, 0.20, 0.30, 0.30] + [0.18] * 4)
    made = forecast(fine, load, None, at, 2 * HOUR, QUARTER)
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx(fine["buy_eur_per_kwh"].tolist())


@pytest.mark.parametrize(
    ("step", "expected"), [(HOUR, [0.25, 0.18]), (HALF, [0.2, 0.3, 0.18, 0.18])]
)
def test_on_longer_steps_it_is_the_mean(spot, load, at, step, expected):
    fine = all_in(spot, Tariff(grid_fee_eur_per_kwh=0.10, windows=(HALF_PAST,)))
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


def test_all_series_meet_on_the_planners_steps(prices, load, roof, at):
    made = forecast(prices, load, roof, at, 3 * HOUR, HALF)
    assert span(made) == ["13:00", "16:00"]
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2, 0.4, 0.4])
    assert made["load_w"].tolist() == pytest.approx([50, 250, 450, 650, 850, 1_050])
    assert made["pv_w"].tolist() == pytest.approx([0, 100, 200, 300, 400, 500])


def test_a_house_without_a_roof_has_a_roof_of_nothing(prices, load, at):
    assert forecast(prices, load, None, at, HOUR, QUARTER)["pv_w"].tolist() == [0.0] * 4


def test_the_horizon_ends_the_forecast(prices, load, roof, at):
    assert span(forecast(prices, load, roof, at, 2 * HOUR, HOUR)) == ["13:00", "15:00"]


@pytest.mark.parametrize("short", ["prices", "load", "roof"])
def test_the_earliest_end_of_all_series_ends_the_forecast(series, at, short):
    hours = {"prices": 3, "load": 3, "roof": 3} | {short: 2}
    free = [0.0] * hours["prices"]
    prices = series(60, buy_eur_per_kwh=free, sell_eur_per_kwh=free)
    load = series(60, load_w=[500.0] * hours["load"])
    roof = series(60, pv_w=[0.0] * hours["roof"])
    made = forecast(prices, load, roof, at, 24 * HOUR, QUARTER)
    assert span(made) == ["13:00", "15:00"]


def test_a_last_step_that_is_only_partly_known_is_left_out(prices, series, at):
    load = series(15, load_w=[500.0] * 7)
    assert span(forecast(prices, load, None, at, 3 * HOUR, HOUR)) == ["13:00", "14:00"]
    assert span(forecast(prices, load, None, at, 3 * HOUR, HALF)) == ["13:00", "14:30"]


def test_the_first_step_is_the_present_one(prices, load, at):
    made = forecast(prices, load, None, at + timedelta(minutes=22), 3 * HOUR, QUARTER)
    assert span(made) == ["13:15", "16:00"]


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
    prices = all_in(sample_prices(week), Tariff(grid_fee_eur_per_kwh=0.1, windows=(window,)))
    last = frames.ends_of(prices)[-1]
    start = last - quarters * QUARTER
    made = forecast(prices, sample_load(week), None, start, 48 * HOUR, QUARTER)
    assert len(made) == quarters
    assert made.index[0].tz_convert(BERLIN).strftime("%a %H:%M") == "Sun 00:00"
    fees = (made["buy_eur_per_kwh"] - made["spot_eur_per_kwh"]).round(6)
    assert (fees == 0.0).sum() == {"spring": 0, "autumn": 8}[week]
