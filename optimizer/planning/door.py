"""The door between frames and the program: pandas stops here."""

import pandas as pd

from optimizer.model import frames
from optimizer.planning.task import ForecastStep


def forecast_steps(frame: pd.DataFrame) -> tuple[ForecastStep, ...]:
    """The rows of a forecast frame as plain values, as precise as a plan tells them.

    Prices are rounded to 1e-6 EUR/kWh and powers to 0.01 W here, once, so that program, plan and
    whoever recomputes the plan from its JSON use the same figures.

    Raises
    ------
    DataError
        If the frame is not a complete forecast.
    """
    frames.check(frame, frames.FORECAST, "forecast")
    columns = [frame[name].astype(float).tolist() for name in frames.FORECAST]
    moments = zip(frames.starts_of(frame), frames.ends_of(frame), strict=True)
    places = frame["price_from"].tolist() if "price_from" in frame.columns else [""] * len(frame)
    return tuple(
        ForecastStep(start, end, round(buy, 6), round(sell, 6), round(load, 2), round(pv, 2), place)
        for (start, end), buy, sell, load, pv, place in zip(moments, *columns, places, strict=True)
    )
