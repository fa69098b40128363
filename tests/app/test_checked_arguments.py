"""Wrong arguments of the public API: one `UsageError` with a sentence each, before any work."""

import dataclasses
import math
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

import optimizer
from optimizer.errors import OptimizerError, UsageError

BEGIN, END = "2026-01-13", "2026-01-15"
NAIVE = datetime(2026, 1, 13, 12)  # noqa: DTZ001 that is the fault
TABLES = ("journal", "quarters", "savings", "prices", "planned", "compare_forecasts",
          "forecast_errors")  # fmt: skip
NO_MOMENTS = (
    NAIVE, "soon", "", "2026-13-01", "2026-01-13T12:00", date(1, 1, 1), date(9999, 12, 31), 5,
    math.nan, pd.NaT, np.datetime64("2026-01-13"), b"2026-01-13", ["2026-01-13"], True,
)  # fmt: skip


@pytest.fixture(scope="module")
def site():
    return optimizer.sample_site("winter")


def refused(call, *args, **named):
    with pytest.raises(UsageError) as caught:
        call(*args, **named)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("at", NO_MOMENTS, ids=repr)
def test_what_is_no_moment_is_refused_everywhere(site, at):
    for call in (site.plan, site.make_plan, site.forecast, site.day):
        refused(call, at)
    for name in TABLES:
        refused(getattr(site, name), at, END)
        refused(getattr(site, name), BEGIN, at)
    refused(site.backtest, at)
    refused(site.what_if, {"own": site.battery}, {"own": site.tariff}, BEGIN, at)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("begin", "end"), [(END, BEGIN), (BEGIN, BEGIN)])
def test_a_span_ends_after_its_begin(site, name, begin, end):
    text = refused(getattr(site, name), begin, end)
    assert "not after its begin 2026-01-1" in text


def test_a_back_test_ends_after_its_begin(site):
    assert "not after its begin" in refused(site.backtest, END, BEGIN)
    own = {"own": site.battery}
    assert "not after its begin" in refused(site.what_if, own, {"own": site.tariff}, END, BEGIN)


@pytest.mark.parametrize(
    ("soc_percent", "words"),
    [
        (-1, "soc_percent is -1, not within 0 to 100"), (100.1, "not within"),
        (math.nan, "not a finite number"), (math.inf, "not a finite number"),
        ("30", "'30': give a number"), (True, "give a number"), ([30], "give a number"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_state_of_charge_is_a_percentage(site, soc_percent, words):
    assert words in refused(site.make_plan, "2026-01-14T12:00+01:00", soc_percent)


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("battery", {"capacity_wh": -1}, "battery.capacity_wh is -1, not within"),
        ("battery", {"capacity_wh": math.nan}, "battery cannot be used: NaN"),
        ("battery", {"charge_efficiency": 0}, "charge_efficiency is 0"),
        ("battery", {"max_charge_w": "10"}, "max_charge_w is no finite number"),
        ("grid", {"max_buy_w": -5}, "max_buy_w is -5"),
        ("grid", {"rule": "mine"}, "rule"),
        ("tariff", {"vat_percent": 1e9}, "vat_percent"),
    ],
)
def test_parts_of_a_what_if_keep_to_their_ranges(site, part, changes, words):
    other = dataclasses.replace(getattr(site, part), **changes)
    assert words in refused(site.make_plan, "2026-01-14T12:00+01:00", **{part: other})
    if part != "grid":
        batteries = {"own": other if part == "battery" else site.battery}
        tariffs = {"own": other if part == "tariff" else site.tariff}
        refused(site.what_if, batteries, tariffs, BEGIN, END)


@pytest.mark.parametrize("part", ["battery", "grid", "tariff"])
def test_parts_of_a_what_if_are_of_their_kind(site, part):
    assert "give a " in refused(site.make_plan, "2026-01-14T12:00+01:00", **{part: 11_000})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"forecast": "zz"}, "'zz', none of 'perfect', 'learned', 'csv'"),
        ({"forecast": None}, "none of"),
        ({"tick_minutes": 7}, "7, none of 1, 3, 5, 15"),
        ({"tick_minutes": True}, "none of"),
        ({"seed": -1}, "seed is -1, not within"),
        ({"seed": 1.5}, "give a whole number"),
        ({"jobs": 0}, "does nothing"),
        ({"jobs": -2}, "jobs is -2, not within -1"),
        ({"jobs": "all"}, "give a whole number"),
    ],
)
def test_options_of_a_back_test(site, options, words):
    assert words in refused(site.backtest, BEGIN, END, **options)


@pytest.mark.parametrize("count", [-1, 0, 1.5, "2", math.nan, 10**9, True, None])
def test_a_number_of_recorded_days(site, count):
    assert "count is " in refused(site.recorded_days, count)


@pytest.mark.parametrize(
    ("batteries", "tariffs"),
    [
        ({}, {"flat": (0.3, 0.08)}), ({"own": None}, {"flat": (0.3, 0.08)}), (None, None),
        ({"own": 11_000}, {"flat": (0.3, 0.08)}), ("own", {}), ({"own": "own"}, {}),
    ],
)  # fmt: skip
def test_batteries_of_a_what_if(site, batteries, tariffs):
    refused(site.what_if, batteries, tariffs)


@pytest.mark.parametrize(
    "prices", [(0.3,), (0.3, math.nan), (0.3, 30.0), ("0.3", 0.1), 0.3, None, "flat"]
)
def test_prices_of_a_what_if(site, prices):
    refused(site.what_if, {"own": site.battery}, {"flat": prices})


@pytest.mark.parametrize("path", ["", 3, b"x", True])
def test_a_configuration_is_the_name_of_a_file(path):
    assert "give the name of a file" in refused(optimizer.Site, path)


@pytest.mark.parametrize("week", ["may", "", None, 3, ["winter"]])
def test_a_sample_week_is_one_of_four(week):
    with pytest.raises(OptimizerError, match="there is no sample week"):
        optimizer.sample_site(week)
