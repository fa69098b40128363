"""What the roof will give: a service's forecast, corrected by what the roof gave before.

A forecast knows neither the trees nor the chimney, and its system losses are guesses. The
correction compares what was expected with what was measured, as a whole and by hour of the day,
shrunk to 1 while little is known. Steps in which the roof was not free (the inverter or the export
at its limit) say nothing and are left out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.errors import DataError
from optimizer.forecast import steps
from optimizer.forecast.expected import Expected
from optimizer.forecast.own_roof import from_own_past
from optimizer.model import frames
from optimizer.model.quarter import QUARTER
from optimizer.model.sun import is_night

REACH = timedelta(days=30)
"""The sun's path and the leaves of a season."""
WHOLE_PRIOR_DAYS = 3.0
HOUR_PRIOR_DAYS = 10.0
"""So many days of "the forecast is right" are mixed in: for all hours together, for one hour."""
FACTOR_LIMITS = (0.25, 4.0)
AT_LIMIT = 0.97
"""From this share of a limit on, the roof may have been held back by it."""
NEARLY = timedelta(hours=1)
TOO_MUCH = 1.3
"""No sky gives more than this share of a roof's rating."""
AT_NIGHT = 0.02
"""A larger share of a forecast at night is a mistake of place or time, not of the horizon."""
WORTH_TELLING = 0.02
"""A correction that changes less is not mentioned."""


@dataclass(frozen=True, slots=True)
class Place:
    """What bounds a roof's power."""

    inverter_w: float
    max_sell_w: float = float("inf")
    latitude: float | None = None
    longitude: float | None = None
    kwp: float = 0.0
    """All planes together; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Measured against expected."""

    factors: tuple[float, ...] = (1.0,) * 24
    """By hour of the day (UTC, so that the sun's hours stay the same over the year)."""
    whole: float = 1.0
    days: float = 0.0
    """Days of daylight that it was learned from."""


def free(measured: pd.DataFrame, place: Place) -> pd.DataFrame:
    """The rows of `pv_w` in which nothing held the roof back, as far as the meters tell.

    Parameters
    ----------
    measured
        `pv_w`, and perhaps `grid_w` (+ buys), NaN where it is unknown.
    """
    bound = measured["pv_w"] >= AT_LIMIT * place.inverter_w
    if "grid_w" in measured.columns:
        bound |= measured["grid_w"] <= -AT_LIMIT * place.max_sell_w
    return measured[~bound]


def learn(expected: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: Place) -> Correction:
    """The correction from the last 30 days before `at`.

    Parameters
    ----------
    expected
        What the service had forecast, uncorrected: `pv_w`.
    measured
        What the meters say: `pv_w`, and perhaps `grid_w`.
    """
    return correction_of(pair_of(expected, measured, at, place))


def pair_of(
    expected: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: Place
) -> pd.DataFrame:
    """Quarter-hours of the last 30 days before `at` that are `told` and, free, `seen` [W]."""
    seen = _before(free(measured, place), at)
    told = _before(expected, at)
    if seen.empty or told.empty:
        return pd.DataFrame()
    begin = max(frames.starts_of(seen)[0], frames.starts_of(told)[0])
    end = min(frames.ends_of(seen)[-1], frames.ends_of(told)[-1])
    if end <= begin:
        return pd.DataFrame()
    starts = steps.grid(begin, end, QUARTER)
    return pd.DataFrame(
        {
            name: steps.resample(frame[["end", "pv_w"]], starts, QUARTER)["pv_w"]
            for name, frame in (("told", told), ("seen", seen))
        }
    ).dropna()


def _before(frame: pd.DataFrame, at: datetime) -> pd.DataFrame:
    return frame[(frame["end"] <= at) & (frame.index >= at - REACH)]


def correction_of(pair: pd.DataFrame) -> Correction:
    """The correction from quarter-hours `told` and `seen` [W], indexed by their starts (UTC).

    Shrunk ratios of sums, so that bright hours count for what they give.
    """
    days = len(pair) / 96
    if days == 0 or pair["told"].sum() <= 0:
        return Correction()
    hours = pd.DatetimeIndex(pair.index).hour
    told = np.bincount(hours, weights=pair["told"], minlength=24)
    seen = np.bincount(hours, weights=pair["seen"], minlength=24)
    prior = WHOLE_PRIOR_DAYS * told.sum() / days
    whole = float(np.clip((seen.sum() + prior) / (told.sum() + prior), *FACTOR_LIMITS))
    one_hour = HOUR_PRIOR_DAYS * told / days
    ratios = np.divide(
        seen + one_hour * whole, told + one_hour, out=np.full(24, whole), where=told > 0
    )
    return Correction(tuple(np.clip(ratios, *FACTOR_LIMITS).tolist()), whole, days)


def corrected(expected: pd.DataFrame, correction: Correction, place: Place) -> pd.DataFrame:
    """The forecast with the correction, within what inverter and sun allow.

    Values below 0 and at night become 0 W; the column keeps its name `pv_w`.
    """
    hours = pd.DatetimeIndex(expected.index).hour.to_numpy()
    values = expected["pv_w"].to_numpy(dtype=float) * np.array(correction.factors)[hours]
    values = np.clip(values, 0.0, place.inverter_w)
    if place.latitude is not None and place.longitude is not None:
        moments = zip(frames.starts_of(expected), frames.ends_of(expected), strict=True)
        dark = [is_night(*moment, place.latitude, place.longitude) for moment in moments]
        values = np.where(dark, 0.0, values)
    return expected.assign(pv_w=values)[["end", "pv_w"]]


def expected(
    told: pd.DataFrame | None, measured: pd.DataFrame | None, begin: datetime, end: datetime,
    at: datetime, place: Place, *, correct: bool = True, planned_to: datetime | None = None,
) -> Expected:  # fmt: skip
    """The roof from `begin` to `end`: the service's word, corrected; beyond it the roof's own mean.

    Parameters
    ----------
    told
        What the service told, of the past too, uncorrected; None if it never did.
    measured
        `pv_w` (and perhaps `grid_w`) of the past; None if unknown.
    planned_to
        What comes after is not planned, only foreseen, and not worth a note; `end` by default.

    Raises
    ------
    DataError
        If neither service nor past tells what the roof will do: 0 W would be a lie.
    """
    notes = []
    ahead = None if told is None else _ahead(told, begin)
    parts, known = [], begin
    if told is not None and ahead is not None:
        _refuse_too_much(ahead, place)
        correction = Correction()
        if correct and measured is not None:
            correction = learn(told, measured, at, place)
        parts, known = [corrected(ahead, correction, place)], ahead["end"].iloc[-1]
        notes += [*_told(ahead, parts[0], correction), *_range(told, begin)]
    if known < end:
        own = None if measured is None else from_own_past(measured, known, end, at)
        if own is not None:
            after = "" if known == begin else " beyond the service's forecast"
            if known < (planned_to or end):
                notes.append(f"roof: the mean of its own last 14 days was planned{after}")
            parts.append(own)
    if not parts:
        raise DataError(
            "roof: no service tells what it will do, and fewer than 3 days of its own past are "
            "known: try again later, or give a file"
        )
    return Expected(pd.concat(parts), tuple(notes))


def _refuse_too_much(ahead: pd.DataFrame, place: Place) -> None:
    """A mistake of unit or of the roof's size."""
    size = max(place.inverter_w, place.kwp * 1000)
    if ahead["pv_w"].max() > TOO_MUCH * size:
        raise DataError(
            f"the roof's forecast of {ahead['pv_w'].max() / 1000:.1f} kW is more than a roof "
            f"of {size / 1000:.1f} kW can give: look at pv.planes and pv.inverter_w"
        )


def _ahead(told: pd.DataFrame, begin: datetime) -> pd.DataFrame | None:
    """What was told from `begin` on up to the first hole; None if that says nothing of now.

    Some services begin with the step that is to come: its value holds for the time since `begin`.
    """
    ahead = told.loc[told["end"] > begin, ["end", "pv_w"]]
    if ahead.empty or ahead.index[0] > begin + NEARLY:
        return None
    holes = ahead.index[1:] != pd.DatetimeIndex(ahead["end"].iloc[:-1])
    ahead = ahead.iloc[: int(holes.argmax()) + 1] if holes.any() else ahead
    first = ahead.index[0].to_pydatetime()
    if first > begin:
        before = frames.frame_of([begin], [first], pv_w=[float(ahead["pv_w"].iloc[0])])
        ahead = pd.concat([before, ahead])
    return ahead


def _range(told: pd.DataFrame, begin: datetime) -> list[str]:
    """Between what the service expects the next day to lie, if it says so."""
    if not {"pv_p10_w", "pv_p90_w"} <= set(told.columns):
        return []
    day = told[(told["end"] > begin) & (told.index < begin + timedelta(days=1))].dropna()
    hours = (day["end"] - day.index.to_series()).dt.total_seconds() / 3600
    low, middle, high = (
        (day[name] * hours).sum() / 1000 for name in ("pv_p10_w", "pv_w", "pv_p90_w")
    )
    return [
        f"roof: {middle:.1f} kWh are told for the next 24 h: at least {low:.1f} on nine days of "
        f"ten, and at most {high:.1f}"
    ]


def _told(ahead: pd.DataFrame, made: pd.DataFrame, correction: Correction) -> list[str]:
    """What the owner should know of a forecast."""
    notes = []
    if abs(correction.whole - 1) > WORTH_TELLING:
        notes.append(
            f"roof: the forecast is corrected by {correction.whole:.2f} on the whole, learned "
            f"from {correction.days:.0f} days"
        )
    night = ahead["pv_w"][(made["pv_w"] == 0) & (ahead["pv_w"] > 0)].sum()
    if night > AT_NIGHT * ahead["pv_w"].sum():
        notes.append(
            "roof: the forecast shines at night and was set to 0 W there: look at latitude and "
            "longitude of section [pv]"
        )
    return notes
