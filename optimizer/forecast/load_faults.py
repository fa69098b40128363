"""Faults in a house's past: values that no forecast is learned from, and days of absence.

Left out are dropouts, meters that stand still, values that no house of this connection can have,
and days that repeat the day before exactly (fillers of a portal). Days of absence are left out only
once the house is at home again: `tests/forecast/test_load_faults.py` has the figures by day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from optimizer.model import frames

DROPOUT_W = 1.0
"""A load below this is a meter that was disconnected."""
FROZEN_S = 6 * 3600.0
"""A mean that does not change at all for this long comes from a meter that stands still [s]."""
SURELY_POSSIBLE_W = 25_000.0
"""A wallbox of 22 kW and a house: smaller values are never impossible by the house's own past."""
OWN_TIMES = 4.0
"""Times that a value may be above all but the highest hundredth of a house's values."""
FILLER_S = 18 * 3600.0
"""Time over which a load equal to that of the day before is a filler [s]."""
FILLER_SHARE = 1 / 3
"""Share of a past beyond which repeated days are the house's own habit: simulated houses."""
DAY = timedelta(days=1)

ABSENT_DAYS = 4
"""Days in a row that make an absence; shorter ones are ordinary."""
ABSENCES = 2
"""Most absences within four weeks: more of them are a rhythm of the house."""
ABSENT_TIMES = 0.5
"""Load of an absence against the lowest usual days."""
HALF_A_DAY = 48
"""Quarter-hours of a day that have to be known."""
DAY_S = 86_400.0


def clean(history: pd.DataFrame, most_w: float = np.inf) -> pd.DataFrame:
    """A history of `load_w` without its faults.

    Parameters
    ----------
    most_w
        Highest power that fuse, battery and PV can carry together [W].
    """
    if history.empty:
        return history
    kept: pd.DataFrame = history[~np.logical_or.reduce(list(_faults(history, most_w).values()))]
    return kept


def outside(history: pd.DataFrame, spans: Sequence[tuple[datetime, datetime]]) -> pd.DataFrame:
    """A history without the rows that some spans touch: nobody was at home then, as the owner said.

    What nobody said is found by `at_home`, and only once it is over.
    """
    kept = np.ones(len(history), dtype=bool)
    for begin, end in spans:
        kept &= ~np.asarray((history.index < end) & (history["end"] > begin))
    left: pd.DataFrame = history[kept]
    return left


def notes(history: pd.DataFrame, most_w: float, zone: ZoneInfo) -> tuple[str, ...]:
    """Sentences about impossible values, fillers and a meter that stands still."""
    if history.empty:
        return ()
    found, lengths = _faults(history, most_w), _lengths_s(history)
    made = []
    impossible = found["impossible"]
    if impossible.any():
        place = int(impossible.argmax())
        at = frames.starts_of(history)[place].astimezone(zone)
        kw = float(history["load_w"].iloc[place]) / 1000
        made.append(
            f"load: {int(impossible.sum())} values that this house cannot have are left out, the "
            f"first is {kw:.0f} kW at {at:%d.%m. %H:%M}"
        )
    for name, words in (("filler", "repeat the day before"), ("frozen", "do not change at all")):
        hours = float(lengths[found[name]].sum()) / 3600
        if hours:
            made.append(f"load: {hours:.0f} h of the past {words}: they are left out")
    return tuple(made)


def _faults(history: pd.DataFrame, most_w: float) -> dict[str, np.ndarray]:
    """Mask of the rows with each fault."""
    values, lengths = history["load_w"].to_numpy(dtype=float), _lengths_s(history)
    frozen = _long_runs(np.diff(values, prepend=np.nan) == 0.0, lengths, FROZEN_S)
    own_w = max(SURELY_POSSIBLE_W, OWN_TIMES * float(np.nanpercentile(values, 99)))
    return {
        "dropout": values <= DROPOUT_W,
        "frozen": frozen,
        "impossible": values > min(most_w, own_w),
        "filler": _fillers(history["load_w"].astype(float), lengths) & ~frozen,
    }


def _lengths_s(history: pd.DataFrame) -> np.ndarray:
    lengths: np.ndarray = (history["end"] - history.index).dt.total_seconds().to_numpy(dtype=float)
    return lengths


def _long_runs(same: np.ndarray, lengths: np.ndarray, least_s: float) -> np.ndarray:
    """Mask of the runs of rows that are the same as the row before, with the first of each run."""
    runs = np.cumsum(~same) - 1
    mask: np.ndarray = np.bincount(runs, weights=lengths)[runs] >= least_s
    return mask


def _fillers(load_w: "pd.Series[float]", lengths: np.ndarray) -> np.ndarray:
    """Mask of the rows that repeat the day before, for most of a day."""
    before = load_w.reindex(pd.DatetimeIndex(load_w.index) - DAY).to_numpy()
    same = before == load_w.to_numpy()
    runs = np.cumsum(np.diff(same, prepend=False) != 0)
    long = np.bincount(runs, weights=lengths)[runs] >= FILLER_S
    fillers: np.ndarray = same & long
    return fillers if fillers.mean() < FILLER_SHARE else np.zeros(len(same), dtype=bool)


def at_home(starts: pd.DatetimeIndex, load_w: np.ndarray, at: datetime) -> np.ndarray:
    """Mask of the quarter-hours outside of absences; all while the house is still absent.

    Parameters
    ----------
    starts, load_w
        Known quarter-hours before `at`, of the last four weeks.
    at
        Now; days are counted back from it.
    """
    everything = np.ones(len(load_w), dtype=bool)
    if len(load_w) < (ABSENT_DAYS + 1) * HALF_A_DAY:
        return everything
    age = ((pd.Timestamp(at) - starts).total_seconds().to_numpy() // DAY_S).astype(int).clip(0)
    absent = _absent_days(np.bincount(age), np.bincount(age, weights=load_w))
    home: np.ndarray = ~absent[age]
    return home


def _absent_days(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Mask of the days, newest first, that belong to an absence which is over."""
    nobody = np.zeros(len(count), dtype=bool)
    known = count >= HALF_A_DAY
    mean = np.where(known, total / np.maximum(count, 1), np.nan)
    if known.sum() <= ABSENT_DAYS:
        return nobody
    low = known & (mean < ABSENT_TIMES * np.nanpercentile(mean, 85))
    edges = np.flatnonzero(np.diff(low, prepend=False, append=False))
    spans = [(a, b) for a, b in edges.reshape(-1, 2).tolist() if b - a >= ABSENT_DAYS]
    if not 1 <= len(spans) <= ABSENCES or low[0]:
        return nobody
    absent = nobody.copy()
    for first, end in spans:
        absent[first:end] = True
    usual = np.nanpercentile(mean[known & ~absent], 10)
    return absent if np.nanmax(mean[absent]) < ABSENT_TIMES * usual else nobody
