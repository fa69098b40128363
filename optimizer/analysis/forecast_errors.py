"""How far forecasts were off, in figures that an owner understands."""

import pandas as pd

from optimizer.analysis import sample
from optimizer.model import frames

QUARTER_HOURS = 0.25


def by_day(came: pd.DataFrame, expected: pd.DataFrame, column: str) -> pd.DataFrame:
    """Energy of each local day [kWh], as expected and as it came, and the difference."""
    days = came.index.tz_convert(sample.ZONE).date  # type: ignore[attr-defined]
    both = pd.DataFrame(
        {"expected": expected[column].to_numpy(), "came": came[column].to_numpy()}, index=days
    )
    kwh: pd.DataFrame = both.groupby(level=0).sum() * QUARTER_HOURS / 1000
    return kwh.assign(difference=kwh["came"] - kwh["expected"])


def summary(came: pd.DataFrame, expected: pd.DataFrame, column: str) -> dict[str, float]:
    """How far off, as shares of what came [1].

    Returns
    -------
    dict[str, float]
        `bias` (+ more came than expected), `day` and `quarter_hour`: the mean distance of a day's
        energy, and of a quarter-hour's power.
    """
    for frame, what in ((came, "came"), (expected, "was expected")):
        frames.check(frame, (column,), f"what {what}")
    off = came[column].to_numpy() - expected[column].to_numpy()
    mean = float(came[column].mean())
    days = by_day(came, expected, column)
    return {
        "bias": float(off.mean()) / mean,
        "day": float(days["difference"].abs().mean() / days["came"].mean()),
        "quarter_hour": float(abs(off).mean()) / mean,
    }
