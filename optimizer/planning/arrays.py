"""Arrays of the program and of the value table, made from forecast frames."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.model import frames
from optimizer.model.grid import ConnectionLimits
from optimizer.model.load_spread import LoadSpread
from optimizer.model.pv_days import PvDays
from optimizer.planning.step_options import Array, StepConditions
from optimizer.planning.task import OVERLOAD_EUR_PER_KWH, ForecastStep


@dataclass(frozen=True, slots=True, eq=False)
class DayStates:
    """Days on which roof or load is less or more than forecast, from midnight to midnight alike."""

    pv: Array
    """(states): roof over its forecast [1]."""
    load: Array
    """(states): load over its forecast [1], beside the ratios of each step."""
    weights: Array
    """(forecasts, steps, states): how likely each state is on the step's local day; of today as far
    as it is seen, of later days in general. They sum to 1."""
    day: NDArray[np.int64]
    """(forecasts, steps): number of the step's local day."""


def day_states(kinds: Sequence[PvDays], day: NDArray[np.int64]) -> DayStates:
    """States of the days of some plans, from their kinds of days (of the same ratios) and steps.

    Parameters
    ----------
    kinds
        One for each forecast.
    day
        (forecasts, steps): number of the step's local day.
    """
    today, later = (
        np.array([getattr(item, which) for item in kinds])[:, None] for which in ("today", "later")
    )
    weights = np.where((day == day[:, :1])[:, :, None], today, later)
    ratios = np.array(kinds[0].ratios)
    return DayStates(ratios, np.ones(len(ratios)), weights, day)


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """Forecasts of the same number of steps: all arrays (forecasts, steps)."""

    hours: Array
    """Length of each step [h]; 0 fills up forecasts that end earlier."""
    buy: Array
    sell: Array
    load_w: Array
    pv_w: Array
    ratios: Array
    """(forecasts, steps, loads): loads to reckon with over the forecast one, equally likely."""
    end_values: Array
    """(forecasts, cells) or (forecasts, 1): worth of a kWh in the cells at the end [EUR/kWh]."""
    days: DayStates | None = None
    """None takes each step for itself, and the roof's forecast as certain."""
    limits: ConnectionLimits[Any] | None = None
    """Limits in force in each step; None for those of a connection without limits by time."""
    peak_w: Array | None = None
    """Power up to which the forecast load makes no peak dearer [W]. What a load is above its
    forecast comes on top: energy is not hoarded against peaks that nobody foresees."""
    peak_eur_per_kw: float = 0.0
    charge_w: Array | None = None
    """Most that may be charged from the grid under an override [W]; infinite where there is
    none."""
    discharge_w: Array | None = None
    """Most that may be discharged under an override [W]; infinite where there is none."""
    shortfall: Array | None = None
    """(forecasts, steps, cells): price of ending a step with less than the cell in store, added to
    the worth there [EUR/kWh]."""
    money_size: float = 1.0
    """Units of the prices' currency that are about one EUR."""

    @classmethod
    def of(
        cls,
        plans: Sequence[Sequence[ForecastStep]],
        spread: LoadSpread,
        end_values: Sequence[Sequence[float]],
    ) -> "Forecasts":
        """From the steps of one or more plans; shorter ones are filled up with steps of 0 h."""
        count = max(len(steps) for steps in plans)
        rows = np.zeros((5, len(plans), count))
        ratios = np.ones((len(plans), count, len(spread.ratios[0])))
        for plan, steps in enumerate(plans):
            for index, step in enumerate(steps):
                figures = (step.hours, step.buy, step.sell, step.load_w, step.pv_w)
                rows[:, plan, index] = figures
                ratios[plan, index] = spread.at(step.start)
        hours, buy, sell, load_w, pv_w = rows
        return cls(hours, buy, sell, load_w, pv_w, ratios, np.array(end_values, dtype=float))


def limits_of_plans(plans: Sequence[ConnectionLimits[Any]]) -> ConnectionLimits[Any]:
    """Limits of the steps of some plans: arrays (plans, steps); numbers where none is timed."""
    return ConnectionLimits(
        *(one[0] if np.ndim(one[0]) == 0 else np.array(one) for one in zip(*plans, strict=True))
    )


def conditions(forecasts: Forecasts, part: slice, steps: slice) -> StepConditions:
    """Some steps of some forecasts as arrays (steps, loads, states x forecasts)."""
    days = forecasts.days
    states = 1 if days is None else len(days.pv)

    def turned(array: Any) -> Any:
        if np.ndim(array) == 0:  # one number for all steps
            return array
        return np.tile(array[part, steps].T, states)[:, None, :]

    ratios = np.tile(forecasts.ratios[part, steps].transpose(1, 2, 0), states)
    expected_w, pv_w = turned(forecasts.load_w), turned(forecasts.pv_w)
    load_w = expected_w * ratios
    if days is not None:
        count = load_w.shape[2] // states
        load_w, pv_w = load_w * np.repeat(days.load, count), pv_w * np.repeat(days.pv, count)
    peak_w = None
    if forecasts.peak_w is not None:
        peak_w = turned(forecasts.peak_w) + np.maximum(0.0, load_w - expected_w)
    return StepConditions(
        hours=turned(forecasts.hours),
        buy=turned(forecasts.buy),
        sell=turned(forecasts.sell),
        load_w=load_w,
        pv_w=np.broadcast_to(pv_w, load_w.shape),
        limits=forecasts.limits and ConnectionLimits(*(turned(w) for w in forecasts.limits)),
        charge_w=None if forecasts.charge_w is None else turned(forecasts.charge_w),
        discharge_w=None if forecasts.discharge_w is None else turned(forecasts.discharge_w),
        peak_w=peak_w,
        peak_eur_per_kw=forecasts.peak_eur_per_kw,
        overload_eur_per_kwh=OVERLOAD_EUR_PER_KWH * forecasts.money_size,
    )


def forecast_steps(frame: pd.DataFrame, money_size: float = 1.0) -> tuple[ForecastStep, ...]:
    """The rows of a forecast frame as plain values, as precise as a plan tells them.

    Prices are rounded to 1e-6 EUR/kWh and powers to 0.01 W here, once, so that program, plan and
    whoever recomputes the plan from its JSON use the same figures.

    Parameters
    ----------
    money_size
        Units of the prices' currency that are about one EUR.

    Raises
    ------
    DataError
        If the frame is not a complete forecast.
    """
    frames.check(frame, frames.FORECAST, "forecast", money_size)
    columns = [frame[name].astype(float).tolist() for name in frames.FORECAST]
    moments = zip(frames.starts_of(frame), frames.ends_of(frame), strict=True)
    places = frame["price_from"].tolist() if "price_from" in frame.columns else [""] * len(frame)
    return tuple(
        ForecastStep(start, end, round(buy, 6), round(sell, 6), round(load, 2), round(pv, 2), place)
        for (start, end), buy, sell, load, pv, place in zip(moments, *columns, places, strict=True)
    )


def with_base_load(
    steps: tuple[ForecastStep, ...], base_w: Sequence[float], until: datetime, zone: tzinfo
) -> tuple[ForecastStep, ...]:
    """Steps of a house in which nobody is at home until a moment.

    Parameters
    ----------
    base_w
        Base load of each local hour, 0 to 23 [W]: the load is at most that, in a step that holds
        the moment by its share.
    """
    made = []
    for step in steps:
        share = min(max((until - step.start) / (step.end - step.start), 0.0), 1.0)
        least_w = min(step.load_w, base_w[step.start.astimezone(zone).hour])
        load_w = round(step.load_w + share * (least_w - step.load_w), 2)
        made.append(replace(step, load_w=load_w))
    return tuple(made)
