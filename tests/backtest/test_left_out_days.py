"""Days of which too little is known count for nobody, and are told."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.backtest import comparison, references, result_text, scenario_data
from optimizer.backtest.comparison import OURS, Variant
from optimizer.backtest.scenario_data import HouseSettings
from optimizer.errors import DataError
from optimizer.simulation import sample_data

HOME = HouseSettings(
    sample_data.BATTERY, sample_data.GRID, sample_data.TARIFF, sample_data.ZONE, 15, 1
)
WEEK = scenario_data.folder(sample_data.folder() / "winter")
BEGIN = WEEK.load.index[0]


def without(frame, first_day, days, hours=24):
    """The frame without some hours of the local days that follow."""
    local = frame.index.tz_convert(sample_data.ZONE)
    day = (local.normalize() - local[0].normalize()).days
    gone = (day >= first_day) & (day < first_day + days) & (local.hour < hours)
    return frame[~gone]


def scenario(load, pv=WEEK.pv):
    series = replace(WEEK, load=load, pv=pv)
    return scenario_data.scenario_of("winter", series, HOME, learned=False)


@pytest.fixture(scope="module")
def torn():
    """Three days in the middle of the week are missing."""
    made = scenario(without(WEEK.load, 2, 3))
    variant = Variant(kind="perfect", names=(OURS,))
    return made, comparison.run(made, variant)


def test_what_is_missing_counts_on_no_side_and_is_told(torn):
    made, result = torn
    whole = scenario(WEEK.load)
    assert result.left_out_days == pytest.approx(3)
    assert made.days == pytest.approx(whole.days - 3)
    assert len(made.spans) == 2
    assert any("3 days of which more than an hour is unknown are left" in line
               for line in result_text.table(result))  # fmt: skip
    assert result_text.as_json(result)["left_out_days"] == 3.0
    part = whole.means(whole.load_w)[made.begin :][made.counted].sum() / 4000
    assert made.means(made.load_w)[made.begin :][made.counted].sum() / 4000 == pytest.approx(part)


def test_what_is_put_into_the_missing_days_changes_no_figure(torn):
    """The same week with another fill: ten times the load and other prices there."""
    made, result = torn
    inside = np.zeros(len(made.buy), dtype=bool)
    inside[made.begin :] = ~made.counted
    ticks = made.repeated(inside)
    bare = references.no_battery_eur(made)
    changed = replace(
        made, load_w=np.where(ticks, 3 * made.load_w, made.load_w),
        buy=np.where(inside, made.buy + 0.2, made.buy),
    )  # fmt: skip
    assert references.no_battery_eur(changed) == pytest.approx(bare)
    assert comparison.fixed_value(changed) == pytest.approx(comparison.fixed_value(made))
    value = comparison.fixed_value(made)
    start = made.battery.min_wh
    assert references.attainable_eur(changed, start, value) == pytest.approx(
        references.attainable_eur(made, start, value)
    )
    assert result.no_battery_eur == pytest.approx(bare)


def test_nobody_beats_what_is_attainable_between_missing_days(torn):
    _, result = torn
    assert result.attainable_eur <= result.of(OURS).cost_eur + 1e-6
    assert result.of(OURS).extra_eur > 0
    months = result.of(OURS).months
    assert sum(months.values()) == pytest.approx(result.of(OURS).extra_eur)


@pytest.mark.parametrize(("hours", "days"), [(1, 0), (2, 1)])
def test_an_hour_is_filled_and_more_leaves_the_day_out(hours, days):
    made = scenario(without(WEEK.load, 2, 1, hours))
    assert (made.left_out is not None) == bool(days)
    assert len(made.counted) - made.counted.sum() == 96 * days


def test_a_roof_that_is_silent_at_night_is_known():
    day_only = WEEK.pv[WEEK.pv["pv_w"] > 0]
    assert scenario(WEEK.load, day_only).left_out is None
    torn_roof = without(day_only, 2, 1)
    shorter = scenario(WEEK.load, torn_roof).days
    assert shorter == pytest.approx(scenario(WEEK.load, day_only).days - 1)


def test_a_whole_series_is_as_before():
    made = scenario(WEEK.load)
    assert made.left_out is None
    assert made.spans == [(0, len(made.buy))]


def test_nothing_known_of_any_day_is_one_sentence():
    local = WEEK.load.index.tz_convert(sample_data.ZONE)
    late = np.asarray(local.day % 3 * 6 + 4)
    torn = WEEK.load[(local.hour < late) | (local.hour >= late + 2)]
    with pytest.raises(DataError, match="of no day is more than a part known"):
        scenario(torn)
    with pytest.raises(DataError, match="nothing is known of this time"):
        scenario(WEEK.load.assign(load_w=500.0))  # a frozen meter
