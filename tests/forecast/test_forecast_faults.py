"""Faults of frames and series are told as such."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from optimizer.errors import DataError
from optimizer.forecast.forecast_frame import forecast
from optimizer.model import frames


def frame_of(**columns):
    at, hour = datetime(2026, 1, 14, 13, tzinfo=UTC), timedelta(hours=1)
    count = len(next(iter(columns.values())))
    starts = [at + index * hour for index in range(count)]
    return frames.frame_of(starts, [start + hour for start in starts], **columns)


@pytest.mark.parametrize("fault", ["NaT", "naive end", "text"])
def test_frame_faults_are_data_errors(fault):
    frame = frame_of(load_w=[1.0, 2.0])
    if fault == "NaT":
        frame.loc[frame.index[0], "end"] = pd.NaT
    elif fault == "naive end":
        frame["end"] = frame["end"].dt.tz_localize(None)
    else:
        frame["load_w"] = ["a", "b"]
    with pytest.raises(DataError):
        frames.check(frame, ["load_w"], "x")


def test_the_series_that_ends_too_early_is_named():
    at = datetime(2026, 1, 14, 13, tzinfo=UTC)
    prices = frame_of(buy_eur_per_kwh=[0.3] * 3, sell_eur_per_kwh=[0.0] * 3)
    quarter = timedelta(minutes=15)
    load = frames.frame_of([at], [at + quarter], load_w=[1.0])
    with pytest.raises(DataError, match=r"^load: known"):
        forecast(prices, load, None, at, timedelta(hours=3), timedelta(hours=1))
