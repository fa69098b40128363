"""How far a house's load strays from its forecast: learnt from what came and what was expected."""

from collections.abc import Sequence

import numpy as np

from optimizer.model.spread import GENERIC_RATIOS, HOURS, LoadSpread

LOADS = 5
"""Loads to reckon with in each step; three earn up to half a euro a year less."""

ENOUGH_KWH = 5.0
"""Forecast energy [kWh] that an hour of the day needs to have seen before its own figures count;
a fortnight of a small house. Below that the generic figures are mixed in."""


def learn(
    actual_w: Sequence[float],
    forecast_w: Sequence[float],
    local_hour: Sequence[int],
    step_hours: float,
    time_zone: str,
) -> LoadSpread:
    """The spread of a house from its own history.

    Parameters
    ----------
    actual_w, forecast_w
        What came and what the forecast in use would have said [W], step by step; steps where one
        of them is unknown (NaN) are left out.
    local_hour
        Hour of the local day in which each step begins, 0 to 23.
    step_hours
        Length of a step [h]: that of the plan's steps, since longer ones are smoother.

    Raises
    ------
    DataError
        If the time zone is unknown.
    """
    actual, forecast = np.asarray(actual_w, dtype=float), np.asarray(forecast_w, dtype=float)
    hour = np.asarray(local_hour, dtype=int)
    known = np.isfinite(actual) & np.isfinite(forecast) & (forecast > 0) & (actual >= 0)
    rows = []
    for index in range(HOURS):
        here = known & (hour == index)
        seen_kwh = float(forecast[here].sum()) * step_hours / 1000
        share = min(1.0, seen_kwh / ENOUGH_KWH)
        own = ratios(actual[here], forecast[here]) if actual[here].sum() > 0 else None
        generic = GENERIC_RATIOS[index]
        rows.append(generic if own is None else _mixed(own, generic, share))
    return LoadSpread(time_zone, tuple(rows))


def _mixed(own: tuple[float, ...], generic: tuple[float, ...], share: float) -> tuple[float, ...]:
    return tuple(
        share * mine + (1 - share) * other for mine, other in zip(own, generic, strict=True)
    )


def ratios(
    actual_w: Sequence[float] | np.ndarray, forecast_w: Sequence[float] | np.ndarray,
    loads: int = LOADS,
) -> tuple[float, ...]:  # fmt: skip
    """Equally likely ratios of actual to forecast load, rising, with a mean of exactly 1.

    The steps are sorted by their ratio and cut into parts of the same forecast energy; the ratio of
    a part is its actual over its forecast energy. So a large ratio counts by the energy that it
    moves, and no energy is lost. The forecast's own bias is taken out: that is the forecast's task.

    >>> ratios([0, 100, 200, 300], [150, 150, 150, 150], loads=2)
    (0.3333333333333333, 1.6666666666666667)
    """
    actual, forecast = np.asarray(actual_w, dtype=float), np.asarray(forecast_w, dtype=float)
    order = np.argsort(actual / forecast, kind="stable")
    expected = np.concatenate([[0.0], np.cumsum(forecast[order])])
    came = np.concatenate([[0.0], np.cumsum(actual[order])])
    edges = np.interp(np.linspace(0, expected[-1], loads + 1), expected, came)
    parts = np.diff(edges) * loads / edges[-1]
    return tuple(parts.tolist())
