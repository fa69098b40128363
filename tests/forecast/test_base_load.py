"""Base load of a house, and a week of plans while nobody is at home."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from optimizer.forecast.base_load import STANDARD_SHARE, base_load_w
from optimizer.model.override import Override, OverrideKind
from optimizer.planning.arrays import forecast_steps, with_base_load
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.simulation import sample_data

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def history(load_w, days=28):
    """A past from a function of the local hour and the number of the quarter-hour."""
    count = 96 * days
    starts = pd.date_range(AT - count * QUARTER, periods=count, freq="15min", tz="UTC")
    local = starts.tz_convert(BERLIN)
    values = [float(load_w(hour, n)) for n, hour in enumerate(local.hour)]
    return pd.DataFrame({"end": starts + QUARTER, "load_w": values}, index=starts)


def test_the_base_load_is_what_the_house_needs_in_nine_of_ten_quarter_hours_of_an_hour():
    """Meals and washes on most days do not count, nor does a meter's dropout."""

    def load_w(hour, n):
        busy = 1_500 if 7 <= hour < 22 and n % 5 else 0
        return 0 if n % 97 == 0 else 200 + 10 * hour + busy + n % 3

    found = base_load_w(history(load_w), AT, BERLIN, 4_000)
    assert np.array(found) == pytest.approx(
        np.array([200 + 10 * hour for hour in range(24)]), abs=3
    )


def test_a_house_that_is_not_known_has_a_share_of_the_standard_one():
    standard_w = STANDARD_SHARE * 4_000_000 / 8_760
    assert base_load_w(None, AT, BERLIN, 4_000) == (round(standard_w, 2),) * 24
    short = history(lambda hour, n: 300 + n % 7, days=3)
    assert set(base_load_w(short, AT, BERLIN, 4_000)) == {round(standard_w, 2)}


def test_a_week_of_plans_away_uses_the_base_load_and_comes_back():
    """Planned each day at noon in a sample week; the owner returns on the fifth evening."""
    week = sample_data.folder() / "winter"
    first, last = sample_data.days(week)
    past = sample_data.measured(week, first, last)[["end", "load_w"]]
    base_w = base_load_w(past, last, BERLIN, 4_000)
    until = sample_data.midnight(first, 5) + timedelta(hours=18, minutes=20)
    away = Override(1, OverrideKind.AWAY, first, until, "owner")
    for day in range(6):
        at = sample_data.midnight(first, day) + timedelta(hours=12)
        usual = forecast_steps(sample_data.forecast(week, at, min(at + timedelta(days=2), last)))
        steps = with_base_load(usual, base_w, until, BERLIN)
        request = PlanRequest(at, "home", sample_data.BATTERY, sample_data.GRID, 40.0)
        override = away if at < until else None
        plan = make_plan(steps, replace(request, override=override), lambda: 0.0)
        for step, before in zip(plan.steps, usual, strict=True):
            hour = step.start.astimezone(BERLIN).hour
            if step.end <= until:
                assert step.load_w == min(before.load_w, base_w[hour])
            elif step.start >= until:
                assert step.load_w == before.load_w
            else:
                assert min(before.load_w, base_w[hour]) <= step.load_w <= before.load_w
        free = make_plan(usual, request, lambda: 0.0)
        assert (plan.no_battery_cost_eur < free.no_battery_cost_eur - 1.0) is (day < 5)
        noted = [note for note in plan.notes if note.startswith("override: away until ")]
        assert len(noted) == (override is not None)
