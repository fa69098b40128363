"""Figures of the notebooks: what another battery would earn, how far forecasts are off."""

from dataclasses import replace

import pandas as pd
import pytest

from optimizer.analysis import forecast_errors, plots, sample, what_if
from optimizer.analysis.ledger.day import Day
from optimizer.errors import DataError


@pytest.fixture(scope="module")
def winter():
    """Two batteries, dynamic and flat, in one winter week."""
    sizes = {"11": replace(sample.BATTERY, capacity_wh=11_000), "22": sample.BATTERY}
    tariffs = {"flat": (sample.TARIFF, True), "dynamic": (sample.TARIFF, False)}
    return what_if.compared(sizes, tariffs, seasons=("winter",))


def test_nothing_can_be_planned_on_a_flat_tariff(winter):
    assert winter["plan adds"].xs("flat", level="tariff").tolist() == pytest.approx(
        [0, 0], abs=0.05
    )
    assert (winter["plan adds"].xs("dynamic", level="tariff") > 50).all()


def test_bills_and_earnings_are_the_same_money(winter):
    owning = winter["bill, no battery"] - winter["bill, own use"]
    assert winter["battery earns"].tolist() == pytest.approx(owning.tolist())
    planning = winter["bill, own use"] - winter["bill, planned"]
    assert winter["plan adds"].tolist() == pytest.approx(planning.tolist())
    assert (
        winter["bill, no battery"].xs("11").tolist() == winter["bill, no battery"].xs("22").tolist()
    )
    earns = (winter["battery earns"] + winter["plan adds"]).unstack("tariff")
    assert (earns.loc["22"] > earns.loc["11"]).all()


def test_the_bill_of_the_house_alone_is_that_of_its_meter():
    """Without a battery 52.18 weeks like this one: bought and sold by the quarter-hour."""
    found = what_if.year(sample.BATTERY, sample.TARIFF, seasons=("winter",))
    week = sample.folder() / "winter"
    frame = sample.measured(week, *sample.days(week))
    need_kwh = (frame["load_w"] - frame["pv_w"]) / 4000
    price = frame["buy_eur_per_kwh"].where(need_kwh > 0, frame["sell_eur_per_kwh"])
    assert found.no_battery_eur == pytest.approx((need_kwh * price).sum() * 365.25 / 7)


def test_forecast_errors_on_paper():
    index = pd.date_range("2026-01-14T23:00Z", periods=192, freq="15min", name="start")
    ends = index + pd.Timedelta(minutes=15)
    expected = pd.DataFrame({"load_w": 1_000.0, "end": ends}, index=index)
    came = expected.assign(load_w=[1_100.0, 900.0] * 48 + [1_400.0] * 96)
    assert forecast_errors.summary(came, expected, "load_w") == pytest.approx(
        {"bias": 0.2 / 1.2, "day": 0.2 / 1.2, "quarter_hour": 0.25 / 1.2}
    )
    days = forecast_errors.by_day(came, expected, "load_w")
    assert [str(day) for day in days.index] == ["2026-01-15", "2026-01-16"]
    assert days["difference"].tolist() == pytest.approx([0, 9.6])
    with pytest.raises(DataError):
        forecast_errors.summary(came.assign(load_w=float("nan")), expected, "load_w")


def test_pictures_show_every_series(winter):
    lost = Day("2026-01-15", 96, 96, 0, 0, 0, own_use_bill_eur=2.0, bill_eur=2.5,
               planning_eur=0.5, forecast_eur=-0.4, execution_eur=-0.6)  # fmt: skip
    bills, parts = plots.savings_figure([lost]).axes
    assert [text.get_text() for text in parts.get_legend().get_texts()] == [
        "saved", "promised by the plan", "what came otherwise", "execution",
    ]  # fmt: skip
    # what took away hangs below zero, one under the other
    assert [bar.get_y() for bar in parts.patches] == pytest.approx([0, 0, -0.4])
    assert [bar.get_height() for bar in bills.patches] == [0.0, 2.0, 2.5]
    panes = plots.what_if_figure(winter).axes
    assert [axes.get_title() for axes in panes] == ["flat", "dynamic"]
    week = sample.folder() / "winter"
    came = sample.measured(week, *sample.days(week))
    figure = plots.forecast_figure(came, came, sample.ZONE)
    assert [axes.get_ylabel() for axes in figure.axes] == ["roof, kW", "house, kW"]
