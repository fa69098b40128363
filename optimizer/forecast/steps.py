"""Bring any series onto the planner's steps: the time-weighted mean over the exact overlap."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.model import frames
from optimizer.model.quarter import QUARTER, floor


def grid(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """Starts of all whole steps from `start` up to `end`.

    The first one contains `start`; steps lie on whole multiples of their length since midnight
    UTC, so quarters and hours of every European zone are met, also on days of 23 and 25 hours.
    """
    first = floor(start, step)
    count = int((end - first) / step)
    return [first + index * step for index in range(count)]


def origin(origins: Mapping[datetime, str], start: datetime, step: timedelta) -> str:
    """Where the prices of a step came from; several places are joined by "and"."""
    if not origins:
        return ""
    quarters = grid(start, start + step, QUARTER)
    return " and ".join(dict.fromkeys(origins[at] for at in quarters if at in origins))


def resample(frame: pd.DataFrame, starts: Sequence[datetime], step: timedelta) -> pd.DataFrame:
    """Time-weighted means of every column on new steps; NaN where a step is not fully covered.

    Works both ways: hours onto quarters (the value repeats) and quarters onto hours (their mean).

    Parameters
    ----------
    frame
        A checked frame: UTC index `start`, column `end`, values.
    starts
        Starts of the new steps, rising, each `step` long.
    """
    begin = np.array([moment.timestamp() for moment in frames.starts_of(frame)])
    end = np.array([moment.timestamp() for moment in frames.ends_of(frame)])
    left = np.array([moment.timestamp() for moment in starts])
    right = left + step.total_seconds()
    knots = np.column_stack([begin, end]).ravel()
    covered = _integral(knots, end - begin, left, right)
    columns: dict[str, list[float]] = {}
    for name in frame.columns.drop("end"):
        values = frame[name].to_numpy(dtype=float)
        total = _integral(knots, values * (end - begin), left, right)
        whole = np.isclose(covered, step.total_seconds(), rtol=0, atol=1e-3)
        columns[name] = np.where(whole, total / step.total_seconds(), np.nan).tolist()
    return frames.frame_of(list(starts), [moment + step for moment in starts], **columns)


def _integral(
    knots: np.ndarray, areas: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Area between `left` and `right` of a step function given by `areas` between knot pairs."""
    sums = np.cumsum(areas)
    cumulated = np.column_stack([sums - areas, sums]).ravel()
    result: np.ndarray = np.interp(right, knots, cumulated) - np.interp(left, knots, cumulated)
    return result
