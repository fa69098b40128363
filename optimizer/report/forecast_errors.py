"""Errors of forecasts of load and PV, as figures for owners."""

from zoneinfo import ZoneInfo

import pandas as pd

from optimizer.model import frames

QUARTER_HOURS = 0.25


def by_day(comparison: pd.DataFrame, column: str, zone: ZoneInfo) -> pd.DataFrame:
    """Energy of each local day [kWh]: `forecast`, `measured` and the `difference`.

    Parameters
    ----------
    comparison
        Quarter-hours with a UTC index and the columns `forecast_<column>` and `<column>` [W].
    column
        `load_w` or `pv_w`.
    """
    days = pd.DatetimeIndex(comparison.index).tz_convert(zone).date
    powers = comparison[[f"forecast_{column}", column]].set_axis(["forecast", "measured"], axis=1)
    kwh: pd.DataFrame = powers.groupby(days).sum() * QUARTER_HOURS / 1000
    return kwh.assign(difference=kwh["measured"] - kwh["forecast"])


def summary(comparison: pd.DataFrame, column: str, zone: ZoneInfo) -> dict[str, float]:
    """Errors as shares of the measured mean [1].

    Returns
    -------
    dict[str, float]
        `bias` (+ more was measured than forecast), and the mean absolute errors of a day's energy,
        `day`, and of a quarter-hour's power, `quarter_hour`.
    """
    frames.check(comparison, (column,), "what was measured")
    frames.check(comparison.assign(**{column: comparison[f"forecast_{column}"]}), (column,),
                 "what was forecast")  # fmt: skip
    error_w = comparison[column].to_numpy() - comparison[f"forecast_{column}"].to_numpy()
    mean_w, days = float(comparison[column].mean()), by_day(comparison, column, zone)
    return {
        "bias": float(error_w.mean()) / mean_w,
        "day": float(days["difference"].abs().mean() / days["measured"].mean()),
        "quarter_hour": float(abs(error_w).mean()) / mean_w,
    }
