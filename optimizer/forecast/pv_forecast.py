"""PV forecast: a service's values, corrected by the PV system's own past.

A service knows neither the trees nor the chimney, and its system losses are guesses. The correction
compares forecast and measurement, as a whole and by hour of the day, shrunk to 1 while little is
known. Steps in which the PV power was limited (by the inverter or the export limit) are left out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.errors import DataError
from optimizer.forecast.forecast_frame import ExpectedSeries
from optimizer.model import frames
from optimizer.model.grid import Grid
from optimizer.model.moments import QUARTER
from optimizer.model.pv_days import PvDays, seen
from optimizer.model.sun import is_night

OWN_DAYS = 14
LEAST_OWN_DAYS = 3
"""A mean of fewer days is weather, not a forecast."""


def from_own_past(
    measured: pd.DataFrame, start: datetime, end: datetime, at: datetime
) -> pd.DataFrame | None:
    """Without any service: the mean of the last 14 days at the same time of day (UTC).

    Returns
    -------
    DataFrame or None
        Quarter-hours of `pv_w`; None if fewer than three days are known at any time of day.
    """
    seen = measured[(measured["end"] <= at) & (measured.index >= at - timedelta(OWN_DAYS))]
    if seen.empty:
        return None
    past = frames.steps(frames.starts_of(seen)[0], frames.ends_of(seen)[-1], QUARTER)
    fine = frames.on_steps(seen[["end", "pv_w"]], past)["pv_w"].dropna()
    place = _quarter(pd.DatetimeIndex(fine.index))
    count = np.bincount(place, minlength=96)
    if count.min() < LEAST_OWN_DAYS:
        return None
    mean = np.bincount(place, weights=fine, minlength=96) / count
    ahead = frames.steps(start, end, QUARTER)
    values = mean[_quarter(pd.DatetimeIndex(ahead.index))]
    return ahead.assign(pv_w=values, origin="stand-in own past")


def _quarter(stamps: pd.DatetimeIndex) -> np.ndarray:
    quarters: np.ndarray = (stamps.hour * 4 + stamps.minute // 15).to_numpy()
    return quarters


REACH = timedelta(days=30)
"""The sun's path and the leaves of a season."""
WHOLE_PRIOR_DAYS = 3.0
HOUR_PRIOR_DAYS = 10.0
"""Days of "the forecast is right" that are mixed in: for all hours together, for one hour."""
FACTOR_LIMITS = (0.25, 4.0)
AT_LIMIT = 0.97
"""Share of a limit from which on the PV power may have been limited by it."""
NEARLY = timedelta(hours=1)
"""Longest time from now to the first step of a service's answer."""
TOO_MUCH = 1.3
"""Largest plausible share of the PV system's rating."""
AT_NIGHT = 0.02
"""A larger share of a forecast at night is an error of place or time, not of the horizon."""
NOTED_DIFFERENCE = 0.02
"""A correction that changes less is not mentioned."""


FREE = Grid(max_sell_w=float("inf"))
"""A connection that takes all that the PV system gives."""


@dataclass(frozen=True, slots=True)
class PvSite:
    """Limits of the PV power."""

    inverter_w: float
    connection: Grid = FREE
    latitude: float | None = None
    longitude: float | None = None
    kwp: float = 0.0
    """All planes together; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Ratios of measured to forecast PV power."""

    factors: tuple[float, ...] = (1.0,) * 24
    """By hour of the day (UTC, so that solar time stays the same over the year)."""
    whole: float = 1.0
    days: float = 0.0
    """Days that it was learned from."""


def free(measured: pd.DataFrame, place: PvSite) -> pd.DataFrame:
    """The rows of `pv_w` without a limit in force, as far as the meters show.

    Parameters
    ----------
    measured
        `pv_w`, and perhaps `grid_w` (+ buys), NaN where it is unknown.
    """
    bound = measured["pv_w"] >= AT_LIMIT * place.inverter_w
    if "grid_w" in measured.columns:
        spans = zip(frames.starts_of(measured), frames.ends_of(measured), strict=True)
        sell_w = place.connection.limits_of(spans).sell_w
        bound |= measured["grid_w"] <= -AT_LIMIT * sell_w
    return measured[~bound]


def learn_correction(
    expected: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: PvSite
) -> Correction:
    """The correction from the last 30 days before `at`.

    Parameters
    ----------
    expected
        `pv_w` of the service, uncorrected.
    measured
        `pv_w` of the meters, and perhaps `grid_w`.
    """
    return correction_of(pair_of(expected, measured, at, place))


def pair_of(
    expected: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: PvSite
) -> pd.DataFrame:
    """Quarter-hours of the last 30 days before `at`: `forecast_w` and, where free, `measured_w`."""
    seen = _before(free(measured, place), at)
    reported = _before(expected, at)
    if seen.empty or reported.empty:
        return pd.DataFrame()
    begin = max(frames.starts_of(seen)[0], frames.starts_of(reported)[0])
    end = min(frames.ends_of(seen)[-1], frames.ends_of(reported)[-1])
    if end <= begin:
        return pd.DataFrame()
    steps = frames.steps(begin, end, QUARTER)
    return pd.DataFrame(
        {
            name: frames.on_steps(frame[["end", "pv_w"]], steps)["pv_w"]
            for name, frame in (("forecast_w", reported), ("measured_w", seen))
        }
    ).dropna()


def _before(frame: pd.DataFrame, at: datetime) -> pd.DataFrame:
    return frame[(frame["end"] <= at) & (frame.index >= at - REACH)]


def correction_of(pair: pd.DataFrame) -> Correction:
    """The correction from a frame of `pair_of`.

    Shrunk ratios of sums, so that hours count by their energy.
    """
    days = len(pair) / 96
    if days == 0 or pair["forecast_w"].sum() <= 0:
        return Correction()
    hours = pd.DatetimeIndex(pair.index).hour
    reported = np.bincount(hours, weights=pair["forecast_w"], minlength=24)
    seen = np.bincount(hours, weights=pair["measured_w"], minlength=24)
    prior = WHOLE_PRIOR_DAYS * reported.sum() / days
    whole = float(np.clip((seen.sum() + prior) / (reported.sum() + prior), *FACTOR_LIMITS))
    one_hour = HOUR_PRIOR_DAYS * reported / days
    ratios = np.divide(
        seen + one_hour * whole, reported + one_hour, out=np.full(24, whole), where=reported > 0
    )
    return Correction(tuple(np.clip(ratios, *FACTOR_LIMITS).tolist()), whole, days)


def corrected(expected: pd.DataFrame, correction: Correction, place: PvSite) -> pd.DataFrame:
    """The corrected forecast, at most the inverter's power.

    Values below 0 and at night become 0 W; the column keeps its name `pv_w`.
    """
    hours = pd.DatetimeIndex(expected.index).hour.to_numpy()
    values = expected["pv_w"].to_numpy(dtype=float) * np.array(correction.factors)[hours]
    values = np.clip(values, 0.0, place.inverter_w)
    if place.latitude is not None and place.longitude is not None:
        moments = zip(frames.starts_of(expected), frames.ends_of(expected), strict=True)
        dark = [is_night(*moment, place.latitude, place.longitude) for moment in moments]
        values = np.where(dark, 0.0, values)
    return expected.assign(pv_w=values)[["end", "pv_w", *_provenance(expected)]]


def pv_forecast(
    reported: pd.DataFrame | None, measured: pd.DataFrame | None, begin: datetime, end: datetime,
    at: datetime, place: PvSite, *, correct: bool = True, planned_to: datetime | None = None,
) -> ExpectedSeries:  # fmt: skip
    """PV power from `begin` to `end`: a service's, corrected; beyond it the mean of past days.

    Parameters
    ----------
    reported
        The service's forecast, of the past too, uncorrected; None if it never answered.
    measured
        `pv_w` (and perhaps `grid_w`) of the past; None if unknown.
    planned_to
        End of the plan; the time after it needs no note. `end` by default.

    Raises
    ------
    DataError
        If neither service nor own past is known: 0 W would be wrong.
    """
    notes = []
    ahead = None if reported is None else _ahead(reported, begin)
    parts, known = [], begin
    if reported is not None and ahead is not None:
        _refuse_too_much(ahead, place)
        correction = Correction()
        if correct and measured is not None:
            correction = learn_correction(reported, measured, at, place)
        parts, known = [corrected(ahead, correction, place)], ahead["end"].iloc[-1]
        notes += [*_reported(ahead, parts[0], correction), *_range(reported, begin)]
    if known < end:
        own = None if measured is None else from_own_past(measured, known, end, at)
        if own is not None:
            after = "" if known == begin else " beyond the service's forecast"
            if known < (planned_to or end):
                notes.append(f"roof: the mean of its own last 14 days was planned{after}")
            parts.append(own)
    if not parts:
        raise DataError(
            "roof: no service has a forecast, and fewer than 3 days of its own past are "
            "known: try again later, or give a file"
        )
    return ExpectedSeries(pd.concat(parts), tuple(notes))


def _refuse_too_much(ahead: pd.DataFrame, place: PvSite) -> None:
    """Refuse an error of unit or of the PV system's size."""
    size = max(place.inverter_w, place.kwp * 1000)
    if ahead["pv_w"].max() > TOO_MUCH * size:
        raise DataError(
            f"the roof's forecast of {ahead['pv_w'].max() / 1000:.1f} kW is more than a roof "
            f"of {size / 1000:.1f} kW can give: look at pv.planes and pv.inverter_w"
        )


def _ahead(reported: pd.DataFrame, begin: datetime) -> pd.DataFrame | None:
    """The service's forecast from `begin` on up to the first hole; None if it lacks `begin`.

    Some services begin with the next step: its value also holds for the time since `begin`.
    """
    ahead = reported.loc[reported["end"] > begin, ["end", "pv_w", *_provenance(reported)]]
    if ahead.empty or ahead.index[0] > begin + NEARLY:
        return None
    holes = ahead.index[1:] != pd.DatetimeIndex(ahead["end"].iloc[:-1])
    ahead = ahead.iloc[: int(holes.argmax()) + 1] if holes.any() else ahead
    first = ahead.index[0].to_pydatetime()
    if first > begin:
        before = ahead.iloc[:1].assign(end=ahead.index[0])
        ahead = pd.concat([before.set_axis(pd.DatetimeIndex([begin], name="start")), ahead])
    return ahead


def _provenance(frame: pd.DataFrame) -> list[str]:
    return [frames.ORIGIN] if frames.ORIGIN in frame.columns else []


def _range(reported: pd.DataFrame, begin: datetime) -> list[str]:
    """A note about the range of the next 24 h, if the service forecasts one."""
    if not {"pv_p10_w", "pv_p90_w"} <= set(reported.columns):
        return []
    day = reported[
        (reported["end"] > begin) & (reported.index < begin + timedelta(days=1))
    ].dropna()
    if day.empty:
        return []
    hours = (day["end"] - day.index.to_series()).dt.total_seconds() / 3600
    low, middle, high = (
        (day[name] * hours).sum() / 1000 for name in ("pv_p10_w", "pv_w", "pv_p90_w")
    )
    return [
        f"roof: {middle:.1f} kWh are forecast for the next 24 h: at least {low:.1f} on nine days "
        f"of ten, and at most {high:.1f}"
    ]


def _reported(ahead: pd.DataFrame, made: pd.DataFrame, correction: Correction) -> list[str]:
    """Notes about a forecast."""
    notes = []
    if abs(correction.whole - 1) > NOTED_DIFFERENCE:
        notes.append(
            f"roof: the forecast is corrected by {correction.whole:.2f} on the whole, learned "
            f"from {correction.days:.0f} days"
        )
    night = ahead["pv_w"][(made["pv_w"] == 0) & (ahead["pv_w"] > 0)].sum()
    if night > AT_NIGHT * ahead["pv_w"].sum():
        notes.append(
            "roof: the forecast has power at night and was set to 0 W there: look at latitude and "
            "longitude of section [pv]"
        )
    return notes


OBSERVED = timedelta(hours=2)
"""Time that counts for the kind of day: one cloud says little, the morning little of the
afternoon."""

LIKELY = 0.5
"""Least probability of a kind of day that is mentioned."""

LATE = timedelta(hours=1)
"""Longest time from the end of the measurements to now."""


def kinds(
    reported: pd.DataFrame, measured: pd.DataFrame, at: datetime, place: PvSite, time_zone: str,
    *, correct: bool = True,
) -> PvDays:  # fmt: skip
    """Probabilities of days with less and with more PV energy than forecast, today and later.

    Parameters
    ----------
    reported, measured, at, place, correct
        As for `pv_forecast`: the kinds are those of the corrected forecast.
    time_zone
        Time zone of the days.
    """
    pair = pair_of(reported, measured, at, place)
    last = pair[-round(OBSERVED / QUARTER) :]
    if last.empty or last.index[0] < at - LATE - OBSERVED:
        return PvDays(time_zone)
    correction = correction_of(pair) if correct else Correction()
    factors = np.array(correction.factors)[pd.DatetimeIndex(last.index).hour]
    forecast_w = np.minimum(last["forecast_w"].to_numpy() * factors, place.inverter_w)
    return seen(time_zone, float(forecast_w.mean()), float(last["measured_w"].mean()))


def notes(days: PvDays) -> tuple[str, ...]:
    """Notes about today, where it is likely another kind of day than forecast."""
    weight, ratio = max(zip(days.today, days.ratios, strict=True))
    if weight < LIKELY or ratio == 1:
        return ()
    return (
        f"roof: by the last two hours it is a day of about {100 * ratio:.0f} % of its forecast "
        f"({100 * weight:.0f} % likely): the value of a stored kWh allows for that",
    )
