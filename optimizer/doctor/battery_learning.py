"""Battery model from the device's counters: capacity, round trip, standby; pure.

The physics is `model.battery`'s. Charging for `t` hours with the energy `C` stores
`eta_c (C - s t)`, discharging takes `(D + s t) / eta_d`. An energy counter and a percentage
determine three numbers of this:

- `s`, the standby [W], from the hours in which the percentage stands still while a little flows
  in: a full or empty battery draws just that;
- the round trip, which closes the balance of the whole record;
- the energy on the AC side for 1 % up [Wh], by least squares over windows of some hours.

The split of the round trip and the capacity in the cells cannot be separated by anything that is
metered on the AC side (twice the cells with half the efficiency into them look the same). It is
taken as even, which leaves every plan's money as it is, and gives the capacity that goes with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

WINDOW_H = 6.0
"""Length of a window [h]: long against whole percents, short against the drift of the device's
own estimate of its state of charge."""

STANDING_H = 2.0
"""Least time of a constant state of charge from which the standby is measured [h]."""

STANDING_W = 200.0
"""Largest power that counts as standby [W]."""

FOLDS = 8
"""Number of pieces for the jackknife: the result's spread without each piece is its uncertainty."""

TURNS = 8
LEAST_ROUND_TRIP, MOST_ROUND_TRIP = 0.5, 1.2
"""Range of a plausible round trip [1]; measuring errors may carry it over 1."""

LEAST_WINDOWS = 24
"""Fewest windows for a result: six days."""

LEAST_SWING = 3.0
"""Least throughput for a result, in full batteries."""


@dataclass(frozen=True, slots=True)
class CounterStep:
    """One step of the record; None is unknown."""

    start: datetime
    hours: float
    charged_wh: float | None
    """Into the battery, AC-referred [Wh]."""
    discharged_wh: float | None
    soc_percent: float | None
    """Mean state of charge of the step [%]."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its standard error."""

    value: float
    error: float

    def agrees(self, other: float, share: float = 0.0) -> bool:
        """True where another value is within two standard errors, or a share of the value."""
        return abs(self.value - other) <= max(2 * self.error, share * abs(self.value))


@dataclass(frozen=True, slots=True)
class Learned:
    """Battery model learned from a record."""

    days: float
    """Length of the usable record [days]."""
    capacity_wh: Estimate
    """Energy in the cells from 0 to 100 % [Wh]."""
    round_trip: Estimate
    """Round trip without standby [1]; its square root is the efficiency of each way."""
    standby_w: Estimate | None
    """Standby [W]; None where the battery never rested long enough, and 0 W was assumed."""
    counters_ratio: float
    """Energy out over energy in by the counters, standby included [1]."""

    @property
    def efficiency(self) -> float:
        """Each way's efficiency when the round trip is split evenly [1]."""
        return math.sqrt(min(1.0, self.round_trip.value))


@dataclass(frozen=True, slots=True)
class _Window:
    charged_wh: float
    discharged_wh: float
    charging_h: float
    hours: float
    change_percent: float


def learn(rows: Sequence[CounterStep]) -> Learned | None:
    """Learn from a record in order of time; None if it is too short or too calm.

    Parameters
    ----------
    rows
        Steps of at most an hour; gaps and unknown values end a window.
    """
    runs = _runs(rows)
    windows = [window for run in runs for window in _windows(run)]
    swing = sum(abs(window.change_percent) for window in windows) / 200
    if len(windows) < LEAST_WINDOWS or swing < LEAST_SWING:
        return None
    standing = _standing(runs)
    standby_w = _weighted(standing) if standing else 0.0
    whole = _fit(windows, standby_w)
    if whole is None:
        return None
    size = -(-len(windows) // FOLDS)
    folds = [windows[:i] + windows[i + size :] for i in range(0, len(windows), size)]
    parts = [fit for fit in (_fit(fold, standby_w) for fold in folds) if fit is not None]
    charged = sum(window.charged_wh for window in windows)
    return Learned(
        days=sum(window.hours for window in windows) / 24,
        capacity_wh=Estimate(whole[0], _jackknife([part[0] for part in parts])),
        round_trip=Estimate(whole[1], _jackknife([part[1] for part in parts])),
        standby_w=Estimate(standby_w, _spread(standing)) if standing else None,
        counters_ratio=sum(window.discharged_wh for window in windows) / charged,
    )


def _runs(rows: Sequence[CounterStep]) -> list[list[CounterStep]]:
    """Parts of the record without a gap."""
    runs: list[list[CounterStep]] = [[]]
    for row in rows:
        before = runs[-1][-1] if runs[-1] else None
        joined = before is None or math.isclose(
            (row.start - before.start).total_seconds() / 3600, before.hours, abs_tol=1e-6
        )
        if None in (row.charged_wh, row.discharged_wh, row.soc_percent) or not joined:
            runs.append([])
        if None not in (row.charged_wh, row.discharged_wh, row.soc_percent):
            runs[-1].append(row)
    return [run for run in runs if len(run) > 1]


def _windows(run: Sequence[CounterStep]) -> list[_Window]:
    """Windows from the middle of a step to the middle of a later one."""
    found: list[_Window] = []
    begin = 0
    for end in range(1, len(run)):
        hours = sum(row.hours for row in run[begin:end])
        if hours < WINDOW_H - 1e-6:
            continue
        shares = [(run[begin], 0.5), *((row, 1.0) for row in run[begin + 1 : end]), (run[end], 0.5)]
        found.append(
            _Window(
                charged_wh=sum(share * (row.charged_wh or 0.0) for row, share in shares),
                discharged_wh=sum(share * (row.discharged_wh or 0.0) for row, share in shares),
                charging_h=sum(share * _charging_h(row) for row, share in shares),
                hours=sum(share * row.hours for row, share in shares),
                change_percent=(run[end].soc_percent or 0.0) - (run[begin].soc_percent or 0.0),
            )
        )
        begin = end
    return found


def _charging_h(row: CounterStep) -> float:
    """Hours of a step in which the battery charged."""
    charged_wh, discharged_wh = row.charged_wh or 0.0, row.discharged_wh or 0.0
    whole = charged_wh + discharged_wh
    return row.hours * charged_wh / whole if whole else 0.0


def _fit(windows: Sequence[_Window], standby_w: float) -> tuple[float, float] | None:
    """Capacity in the cells [Wh] and round trip [1]; None if they cannot be determined.

    The round trip closes the balance of the whole record, in which errors of single percentages
    cancel; the energy for 1 % is fitted to the windows. Each needs the other: a few iterations
    suffice.
    """
    gained = np.array([w.charged_wh - standby_w * w.charging_h for w in windows])
    taken = np.array([w.discharged_wh + standby_w * (w.hours - w.charging_h) for w in windows])
    change = np.array([w.change_percent for w in windows])
    round_trip, percent_wh = 1.0, 0.0
    for _ in range(TURNS):
        stored = gained - taken / round_trip
        if not stored @ change > 0:
            return None
        percent_wh = float(stored @ stored / (stored @ change))
        round_trip = float(taken.sum() / (gained.sum() - percent_wh * change.sum()))
        if not LEAST_ROUND_TRIP < round_trip < MOST_ROUND_TRIP:
            return None
    # energy for 1 % on the AC side [Wh]; the share sqrt(round_trip) of it reaches the cells
    return 100 * percent_wh * math.sqrt(round_trip), round_trip


def _standing(runs: Sequence[Sequence[CounterStep]]) -> list[tuple[float, float]]:
    """Mean power into the battery [W] and length [h] of each time of constant charge."""
    found = []
    for run in runs:
        begin = 0
        for end in range(1, len(run) + 1):
            if end < len(run) and run[end].soc_percent == run[begin].soc_percent:
                continue
            inner = run[begin + 1 : end - 1]  # at its ends the percentage may have just changed
            hours = sum(row.hours for row in inner)
            if hours >= STANDING_H:
                found += _calm(inner)
            begin = end
    return found


def _calm(rows: Sequence[CounterStep]) -> list[tuple[float, float]]:
    powers = [((row.charged_wh or 0.0) - (row.discharged_wh or 0.0)) / row.hours for row in rows]
    if any(abs(power) > STANDING_W for power in powers) or any(row.discharged_wh for row in rows):
        return []
    hours = sum(row.hours for row in rows)
    return [(sum(p * r.hours for p, r in zip(powers, rows, strict=True)) / hours, hours)]


def _weighted(standing: Sequence[tuple[float, float]]) -> float:
    return sum(power * hours for power, hours in standing) / sum(hours for _, hours in standing)


def _spread(standing: Sequence[tuple[float, float]]) -> float:
    """Standard error of the weighted mean; large for a single value."""
    if len(standing) < 2:
        return abs(standing[0][0]) / 2
    mean, total = _weighted(standing), sum(hours for _, hours in standing)
    squares = sum((hours * (power - mean)) ** 2 for power, hours in standing)
    return math.sqrt(squares * len(standing) / (len(standing) - 1)) / total


def _jackknife(parts: Sequence[float]) -> float:
    """Jackknife standard error, from the estimates that each leave out a piece."""
    if len(parts) < 2:
        return math.inf
    mean, count = sum(parts) / len(parts), len(parts)
    return math.sqrt((count - 1) / count * sum((part - mean) ** 2 for part in parts))
