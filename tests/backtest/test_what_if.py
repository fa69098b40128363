"""Figures of the notebooks: what another battery would earn, how far forecasts are off."""

from dataclasses import replace

import pandas as pd
import pytest

from optimizer.backtest import scenario_data, what_if
from optimizer.backtest.scenario_data import HouseSettings
from optimizer.errors import DataError
from optimizer.report import forecast_errors, plots
from optimizer.simulation import sample_data

ZONE = sample_data.ZONE
HOME = HouseSettings(sample_data.BATTERY, sample_data.GRID, sample_data.TARIFF, ZONE)


@pytest.fixture(scope="module")
def series():
    return scenario_data.folder(sample_data.folder() / "winter")


@pytest.fixture(scope="module")
def winter(series):
    """Two batteries, dynamic and flat, in one winter week."""
    sizes = {"11": replace(sample_data.BATTERY, capacity_wh=11_000), "22": sample_data.BATTERY}
    tariffs = {"flat": (0.30, 0.0778), "dynamic": sample_data.TARIFF}
    return what_if.compared(series, HOME, sizes, tariffs)


def test_nothing_can_be_planned_on_a_flat_tariff(winter):
    assert winter["plan_gain_eur"].xs("flat", level="tariff").tolist() == pytest.approx(
        [0, 0], abs=0.05
    )
    assert (winter["plan_gain_eur"].xs("dynamic", level="tariff") > 50).all()


def test_bills_and_earnings_are_the_same_money(winter):
    owning = winter["no_battery_eur"] - winter["self_consumption_eur"]
    assert winter["battery_gain_eur"].tolist() == pytest.approx(owning.tolist())
    planning = winter["self_consumption_eur"] - winter["planned_eur"]
    assert winter["plan_gain_eur"].tolist() == pytest.approx(planning.tolist())
    assert winter["no_battery_eur"].xs("11").tolist() == winter["no_battery_eur"].xs("22").tolist()
    earns = (winter["battery_gain_eur"] + winter["plan_gain_eur"]).unstack("tariff")
    assert (earns.loc["22"] > earns.loc["11"]).all()


def test_the_bill_of_the_house_alone_is_that_of_its_meter(series):
    """Without a battery 52.18 weeks like this one: bought and sold by the quarter-hour."""
    found = what_if.year_bills(series, HOME, sample_data.TARIFF)
    week = sample_data.folder() / "winter"
    frame = sample_data.measured(week, *sample_data.days(week))
    need_kwh = (frame["load_w"] - frame["pv_w"]) / 4000
    price = frame["buy_eur_per_kwh"].where(need_kwh > 0, frame["sell_eur_per_kwh"])
    assert found.no_battery_eur == pytest.approx((need_kwh * price).sum() * 365.25 / 7)


def test_forecast_errors_on_paper():
    index = pd.date_range("2026-01-14T23:00Z", periods=192, freq="15min", name="start")
    ends = index + pd.Timedelta(minutes=15)
    came = pd.Series([1_100.0, 900.0] * 48 + [1_400.0] * 96, index=index)
    both = pd.DataFrame({"forecast_load_w": 1_000.0, "load_w": came, "end": ends}, index=index)
    assert forecast_errors.summary(both, "load_w", ZONE) == pytest.approx(
        {"bias": 0.2 / 1.2, "day": 0.2 / 1.2, "quarter_hour": 0.25 / 1.2}
    )
    days = forecast_errors.by_day(both, "load_w", ZONE)
    assert [str(day) for day in days.index] == ["2026-01-15", "2026-01-16"]
    assert days["difference"].tolist() == pytest.approx([0, 9.6])
    with pytest.raises(DataError, match="what was measured"):
        forecast_errors.summary(both.assign(load_w=float("nan")), "load_w", ZONE)
    with pytest.raises(DataError, match="what was forecast"):
        forecast_errors.summary(both.assign(forecast_load_w=float("nan")), "load_w", ZONE)


def test_pictures_show_every_series(winter):
    lost = pd.DataFrame({
        "day": ["2026-01-15"], "no_battery_eur": 0.0, "self_consumption_bill_eur": 2.0,
        "bill_eur": 2.5, "stored_eur": 0.0, "planning_eur": 0.5, "forecast_eur": -0.4,
        "execution_eur": -0.6, "saving_eur": -0.5,
    })  # fmt: skip
    bills, parts = plots.savings_figure(lost).axes
    assert [text.get_text() for text in parts.get_legend().get_texts()] == [
        "saved", "promised by the plan", "what came otherwise", "execution",
    ]  # fmt: skip
    # what took away hangs below zero, one under the other
    assert [bar.get_y() for bar in parts.patches] == pytest.approx([0, 0, -0.4])
    assert [bar.get_height() for bar in bills.patches] == [0.0, 2.0, 2.5]
    panes = plots.what_if_figure(winter).axes
    assert [axes.get_title() for axes in panes] == ["flat", "dynamic"]
    week = sample_data.folder() / "winter"
    came = sample_data.measured(week, *sample_data.days(week))
    both = came.assign(forecast_load_w=came["load_w"], forecast_pv_w=came["pv_w"])
    figure = plots.forecast_figure(both, ZONE)
    assert [axes.get_ylabel() for axes in figure.axes] == ["roof, kW", "house, kW"]
