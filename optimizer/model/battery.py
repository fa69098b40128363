"""The battery: its limits and its physics, shared by planner, simulator and savings.

Powers follow the FEMS's own accounting (its signs, its AC side): `battery_w` is the inverter's AC
power minus the PV power behind the same inverter, + discharges, - charges. Conversion losses
therefore belong to the battery and both efficiencies are AC-referred, so one balance serves
AC-coupled and hybrid systems alike.
"""

import itertools
from dataclasses import dataclass
from typing import Annotated

from optimizer.model import loss_curve
from optimizer.model.elementwise import Values, greatest, least
from optimizer.model.ranges import (
    CapacityWh,
    Check,
    Efficiency,
    EfficiencyCurve,
    MoneyRange,
    Percent,
    Range,
    Taper,
    Watts,
)

Line = tuple[float, float]
"""A straight line over stored energy: (power at 0 Wh [W], slope [W/Wh])."""

Pieces = tuple[tuple[float, float], ...]
"""Pieces of a conversion: (AC power at which it begins [W], efficiency of a further watt)."""

Points = tuple[tuple[float, float], ...]
"""Points of a taper: (state of charge [%], largest power [W])."""


def checked_charge_taper(points: Points) -> Points:
    """Points of a charge taper: falling to 100 %, concave.

    Raises
    ------
    ValueError
        With the rest of a sentence that begins with the taper's name.
    """
    if points and (points[-1][0] != 100 or any(b[1] > a[1] for a, b in itertools.pairwise(points))):
        raise ValueError("has to fall and to end at 100 percent: [[90, 10000], [100, 1500]]")
    return _concave(points)


def checked_discharge_taper(points: Points) -> Points:
    """Points of a discharge taper: rising from 0 %, concave.

    Raises
    ------
    ValueError
        With the rest of a sentence that begins with the taper's name.
    """
    if points and (points[0][0] != 0 or any(b[1] < a[1] for a, b in itertools.pairwise(points))):
        raise ValueError("has to rise and to begin at 0 percent: [[0, 1000], [10, 10000]]")
    return _concave(points)


def _concave(points: Points) -> Points:
    slopes = []
    for (soc_a, w_a), (soc_b, w_b) in itertools.pairwise(points):
        if soc_b <= soc_a:
            raise ValueError("needs rising states of charge: [[90, 10000], [100, 1500]]")
        slopes.append((w_b - w_a) / (soc_b - soc_a))
    if any(after > before + 1e-9 for before, after in itertools.pairwise(slopes)):
        raise ValueError("has to bend one way only: each part at least as steep as the one before")
    return points


USUAL_SHARE = 0.25
"""Share of the largest power at which one efficiency stands for a curve: what a house draws in the
evening, and a roof gives most of the time."""


@dataclass(frozen=True, slots=True)
class Battery:
    """The battery with its inverter.

    Raises
    ------
    ValueError
        If fields contradict each other; with a sentence.

    Notes
    -----
    Default efficiencies: 0.95 each way, 0.90 for the round trip; lifetime counters of a FENECON
    Home of 22 kWh showed 0.884 with its standby.
    """

    capacity_wh: CapacityWh
    """Nominal energy, to which states of charge refer [Wh]."""
    min_soc_percent: Percent = 5.0
    """State of charge below which the battery is never discharged [%]."""
    max_soc_percent: Percent = 100.0
    """State of charge above which the battery is never charged [%]."""
    max_charge_w: Watts = 10_000.0
    """Largest charging power on the AC side, a magnitude [W]."""
    max_discharge_w: Watts = 10_000.0
    """Largest discharging power on the AC side [W]."""
    charge_efficiency: (
        Annotated[EfficiencyCurve, Check(loss_curve.checked_charge_curve)] | Efficiency
    ) = 0.95
    """Share of the AC energy that arrives in the cells: a number, or points (AC power in W, share)
    where losses grow with power."""
    discharge_efficiency: (
        Annotated[EfficiencyCurve, Check(loss_curve.checked_discharge_curve)] | Efficiency
    ) = 0.95
    """Share of the cells' energy that arrives on the AC side: a number, or points like those."""
    wear_eur_per_kwh: Annotated[float, MoneyRange(0, 1)] = 0.01
    """Cost of wear for each kWh taken out of the cells [EUR/kWh]: a cycle that earns less than this
    beyond its losses is not made; 0 leaves wear out of account."""
    standby_w: Annotated[float, Range(0, 1_000)] = 0.0
    """Consumption of the inverter itself [W]: from the cells, or from the AC side where
    `battery_w = -standby_w` keeps the stored energy constant."""
    hybrid: bool = False
    """Coupling of the PV system: true behind the battery's own inverter (DC), false on another."""
    max_ac_w: Watts = 10_000.0
    """AC rating of a hybrid inverter, shared by battery and PV [W]; unused otherwise."""
    reserve_soc_percent: Percent = 0.0
    """State of charge to keep in reserve at a price [%]; unlike the lower limit it may be used."""
    reserve_eur_per_kwh_h: Annotated[float, MoneyRange(0, 1)] = 0.05
    """Price of each kWh below the reserve, per hour [EUR/kWh/h]."""
    charge_taper: Annotated[Taper, Check(checked_charge_taper)] = ()
    """Largest charging power near full, as points (state of charge [%], power [W]) that fall to
    100 % on a concave line; below the first point its power holds."""
    discharge_taper: Annotated[Taper, Check(checked_discharge_taper)] = ()
    """Largest discharging power near empty, as points (state of charge [%], power [W]) that rise
    from 0 % on a concave line; above the last point its power holds."""
    full_charge_every_days: Annotated[float, Range(0, 3_650)] = 0.0
    """Longest time between two full charges, which calibrate the state of charge [d]; 0: never."""

    def __post_init__(self) -> None:
        """Refuse fields that contradict each other."""
        if self.min_soc_percent >= self.max_soc_percent:
            raise ValueError("min_soc_percent has to be below max_soc_percent")
        if self.reserve_soc_percent > self.max_soc_percent:
            raise ValueError("reserve_soc_percent cannot be above max_soc_percent")
        if self.full_charge_every_days and self.max_soc_percent < 100:
            raise ValueError("full_charge_every_days needs max_soc_percent = 100")

    @property
    def min_wh(self) -> float:
        """Stored energy at the lower end of the allowed band [Wh]."""
        return self.capacity_wh * self.min_soc_percent / 100

    @property
    def max_wh(self) -> float:
        """Stored energy at the upper end of the allowed band [Wh]."""
        return self.capacity_wh * self.max_soc_percent / 100

    @property
    def reserve_wh(self) -> float:
        """Stored energy of the reserve [Wh]."""
        return self.capacity_wh * self.reserve_soc_percent / 100

    @property
    def charge_pieces(self) -> Pieces:
        """Pieces of charging: (AC power at which it begins [W], efficiency of a further watt)."""
        share = self.charge_efficiency
        if isinstance(share, tuple):
            curve = loss_curve.charging_curve(share)
            return tuple(zip(curve.starts_w, curve.slopes, strict=True))
        return ((0.0, share),)

    @property
    def discharge_pieces(self) -> Pieces:
        """Pieces of discharging: (AC power at which it begins [W], efficiency of a further watt).

        >>> Battery(10_000, discharge_efficiency=0.9).discharge_pieces
        ((0.0, 0.9),)
        """
        share = self.discharge_efficiency
        if isinstance(share, tuple):
            curve = loss_curve.discharging_curve(share)
            shares = (1 / slope for slope in curve.slopes)
            return tuple(zip(curve.starts_w, shares, strict=True))
        return ((0.0, share),)

    @property
    def has_curves(self) -> bool:
        """True where an efficiency depends on the power."""
        return isinstance(self.charge_efficiency, tuple) or isinstance(
            self.discharge_efficiency, tuple
        )

    def charge_efficiency_at(self, power_w: float) -> float:
        """Efficiency of charging with an AC power [1]."""
        share = self.charge_efficiency
        if not isinstance(share, tuple):
            return share
        curve = loss_curve.charging_curve(share)
        return curve.cells_w(power_w) / power_w if power_w > 0 else curve.slopes[0]

    def discharge_efficiency_at(self, power_w: float) -> float:
        """Efficiency of discharging with an AC power [1]."""
        share = self.discharge_efficiency
        if not isinstance(share, tuple):
            return share
        curve = loss_curve.discharging_curve(share)
        return power_w / curve.cells_w(power_w) if power_w > 0 else 1 / curve.slopes[0]

    @property
    def usual_charge_efficiency(self) -> float:
        """Efficiency of charging at `USUAL_SHARE` of the largest power [1]."""
        return self.charge_efficiency_at(USUAL_SHARE * self.max_charge_w)

    @property
    def usual_discharge_efficiency(self) -> float:
        """Efficiency of discharging at `USUAL_SHARE` of the largest power [1]."""
        return self.discharge_efficiency_at(USUAL_SHARE * self.max_discharge_w)

    @property
    def usual_round_trip(self) -> float:
        """Product of both usual efficiencies [1]."""
        return self.usual_charge_efficiency * self.usual_discharge_efficiency

    def into_cells_w(self, power_w: Values) -> Values:
        """Power into the cells at a charging AC power >= 0, standby left out [W]."""
        share = self.charge_efficiency
        if isinstance(share, tuple):
            return loss_curve.charging_curve(share).cells_w(power_w)
        return power_w * share

    def out_of_cells_w(self, power_w: Values) -> Values:
        """Power out of the cells at a discharging AC power >= 0, standby left out [W]."""
        share = self.discharge_efficiency
        if isinstance(share, tuple):
            return loss_curve.discharging_curve(share).cells_w(power_w)
        return power_w / share

    def out_of_cells_wh(self, given_wh: Values, hours: float) -> Values:
        """Energy out of the cells for an AC energy given at a steady power [Wh]."""
        share = self.discharge_efficiency
        if isinstance(share, tuple):
            if hours <= 0:
                return given_wh / share[0][1]
            return loss_curve.discharging_curve(share).cells_w(given_wh / hours) * hours
        return given_wh / share

    @property
    def charge_lines(self) -> tuple[Line, ...]:
        """Lines over stored energy, the lowest of which limits charging; none without a taper.

        >>> Battery(10_000, charge_taper=((90, 5_000), (100, 1_000))).charge_lines
        ((5000, 0.0), (41000.0, -4.0))
        """
        return self._lines(self.charge_taper, self.charge_taper[:1])

    @property
    def discharge_lines(self) -> tuple[Line, ...]:
        """Lines over stored energy, the lowest of which limits discharging."""
        return self._lines(self.discharge_taper, self.discharge_taper[-1:])

    def _lines(self, points: Points, flat: Points) -> tuple[Line, ...]:
        lines = [(w, 0.0) for _, w in flat]
        for (soc_a, w_a), (soc_b, w_b) in itertools.pairwise(points):
            slope = (w_b - w_a) / ((soc_b - soc_a) / 100 * self.capacity_wh)
            lines.append((w_a - slope * soc_a / 100 * self.capacity_wh, slope))
        return tuple(lines)

    def taper_w(self, soc_wh: float) -> tuple[float, float]:
        """Largest power into the cells and out of them by the tapers, both >= 0 [W].

        AC-referred, apart from standby: where a taper ends at 0 W the battery can still rest. The
        state of charge at a step's start counts for the whole step.

        >>> Battery(10_000, charge_taper=((90, 5_000), (100, 1_000))).taper_w(9_500)
        (3000.0, inf)
        """
        charge, discharge = (
            max(0.0, min((w + slope * soc_wh for w, slope in lines), default=float("inf")))
            for lines in (self.charge_lines, self.discharge_lines)
        )
        return charge, discharge

    def stored_after(self, soc_wh: Values, battery_w: Values, hours: "float | Values") -> Values:
        """Stored energy after `hours` at a constant `battery_w` [Wh]; no limit is applied.

        Numbers or arrays.

        >>> Battery(capacity_wh=10_000).stored_after(5_000, -1_000, 1)
        5950.0
        """
        cells_w = battery_w + self.standby_w
        out_w = self.out_of_cells_w(greatest(cells_w, 0.0))
        in_w = self.into_cells_w(-least(cells_w, 0.0))
        return soc_wh - (out_w - in_w) * hours

    def power_for(self, soc_wh: float, target_wh: float, hours: float) -> float:
        """Power that brings the stored energy to `target_wh` in `hours` [W]; no limit applied.

        The inverse of `stored_after`.

        >>> Battery(capacity_wh=10_000).power_for(5_000, 5_950, 1)
        -1000.0
        """
        change_wh = target_wh - soc_wh
        if change_wh > 0:
            return -self._charging_w(change_wh, hours) - self.standby_w
        return self._discharging_w(-change_wh, hours) - self.standby_w

    def _charging_w(self, stored_wh: float, hours: float) -> float:
        """AC power that brings an energy >= 0 into the cells in `hours` [W]."""
        share = self.charge_efficiency
        if isinstance(share, tuple):
            return loss_curve.charging_curve(share).power_w(stored_wh / hours)
        return stored_wh / share / hours

    def _discharging_w(self, taken_wh: float, hours: float) -> float:
        """AC power that takes an energy >= 0 out of the cells in `hours` [W]."""
        share = self.discharge_efficiency
        if isinstance(share, tuple):
            return loss_curve.discharging_curve(share).power_w(taken_wh / hours)
        return taken_wh * share / hours

    def power_range(self, soc_wh: float, hours: float) -> tuple[float, float]:
        """Lowest and highest `battery_w` that can be held for `hours` from here [W].

        Outside the allowed band only a power towards it is possible, or rest.
        """
        charge_w = self._charging_w(max(0.0, self.max_wh - soc_wh), hours)
        discharge_w = self._discharging_w(max(0.0, soc_wh - self.min_wh), hours)
        if self.charge_taper or self.discharge_taper:
            most_in_w, most_out_w = self.taper_w(soc_wh)
            charge_w, discharge_w = min(charge_w, most_in_w), min(discharge_w, most_out_w)
        return (
            max(-self.max_charge_w, -charge_w - self.standby_w),
            min(self.max_discharge_w, discharge_w - self.standby_w),
        )

    def step(self, soc_wh: float, wanted_w: float, hours: float) -> tuple[float, float]:
        """Power [W] and stored energy after it [Wh] when `wanted_w` is requested for `hours`.

        >>> Battery(capacity_wh=10_000).step(9_905, -2_000, 1)
        (-100.0, 10000.0)
        """
        lowest_w, highest_w = self.power_range(soc_wh, hours)
        battery_w = min(max(wanted_w, lowest_w), highest_w)
        return battery_w, self.stored_after(soc_wh, battery_w, hours)
