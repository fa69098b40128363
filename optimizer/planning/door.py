"""The door between frames and the program: pandas stops here."""

import pandas as pd

from optimizer.model import frames
from optimizer.planning.task import ForecastStep


def forecast_steps(frame: pd.DataFrame) -> tuple[ForecastStep, ...]:
    """The rows of a forecast frame as plain values.

    Raises
    ------
    DataError
        If the frame is not a complete forecast.
    """
    frames.check(frame, frames.FORECAST, "forecast")
    columns = [frame[name].astype(float).tolist() for name in frames.FORECAST]
    moments = zip(frames.starts_of(frame), frames.ends_of(frame), strict=True)
    return tuple(
        ForecastStep(start, end, buy, sell, load_w, pv_w)
        for (start, end), buy, sell, load_w, pv_w in zip(moments, *columns, strict=True)
    )
