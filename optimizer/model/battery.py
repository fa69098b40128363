"""The battery and its one physics, shared by the planner, the simulator and the analysis.

Powers follow the FEMS's own accounting (its sign, its AC side): `battery_w` is the inverter's AC
power minus the roof behind the same inverter, + discharges, - charges. Conversion losses therefore
belong to the battery and both efficiencies are AC-referred, so one balance serves AC-coupled and
hybrid systems alike.
"""

import itertools
from dataclasses import dataclass

Line = tuple[float, float]
"""A straight line over stored energy: (power at 0 Wh [W], rise [W/Wh])."""


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery with its inverter, as configured.

    Notes
    -----
    Default efficiencies: 0.95 each way, 0.90 for the round trip; lifetime counters of a FENECON
    Home of 22 kWh showed 0.884 with its standby.
    """

    capacity_wh: float
    """Nominal energy [Wh]; percentages of the state of charge refer to it."""
    min_soc_percent: float = 5.0
    max_soc_percent: float = 100.0
    max_charge_w: float = 10_000.0
    """Largest charging power on the AC side [W], a magnitude."""
    max_discharge_w: float = 10_000.0
    charge_efficiency: float = 0.95
    """AC to cells [1]."""
    discharge_efficiency: float = 0.95
    """Cells to AC [1]."""
    wear_eur_per_kwh: float = 0.0
    """Cost of a kWh taken out of the cells [EUR/kWh]."""
    standby_w: float = 0.0
    """Own consumption of the inverter [W]: from the cells, or from the AC side where
    `battery_w = -standby_w` keeps the stored energy as it is."""
    hybrid: bool = False
    """Whether the roof hangs on the DC side of the same inverter."""
    max_ac_w: float = 10_000.0
    """Hybrids only: the inverter's AC rating [W], shared by battery and roof."""
    reserve_soc_percent: float = 0.0
    """Charge kept for bad times at a price; unlike the band's lower end it may be used."""
    reserve_eur_per_kwh_h: float = 0.05
    """Price of each kWh below the reserve, each hour [EUR/kWh/h]."""
    charge_taper: tuple[tuple[float, float], ...] = ()
    """Charging power near full: (state of charge [%], largest power [W]), up to 100 %, falling and
    concave; below its first point the power is that point's."""
    discharge_taper: tuple[tuple[float, float], ...] = ()
    """Discharging power near empty: the same from 0 % on, rising and concave."""
    full_charge_every_days: float = 0.0
    """Longest time between two full charges, which calibrate the state of charge; 0 is never."""

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
    def charge_lines(self) -> tuple[Line, ...]:
        """Straight lines of which the lowest limits charging near full; none without a taper.

        >>> Battery(10_000, charge_taper=((90, 5_000), (100, 1_000))).charge_lines
        ((5000, 0.0), (41000.0, -4.0))
        """
        return self._lines(self.charge_taper, self.charge_taper[:1])

    @property
    def discharge_lines(self) -> tuple[Line, ...]:
        """The same for discharging near empty."""
        return self._lines(self.discharge_taper, self.discharge_taper[-1:])

    def _lines(
        self, points: tuple[tuple[float, float], ...], flat: tuple[tuple[float, float], ...]
    ) -> tuple[Line, ...]:
        lines = [(w, 0.0) for _, w in flat]
        for (soc_a, w_a), (soc_b, w_b) in itertools.pairwise(points):
            rise = (w_b - w_a) / ((soc_b - soc_a) / 100 * self.capacity_wh)
            lines.append((w_a - rise * soc_a / 100 * self.capacity_wh, rise))
        return tuple(lines)

    def taper_w(self, soc_wh: float) -> tuple[float, float]:
        """Largest power into the cells and out of them by the tapers, both >= 0 [W].

        AC-referred, apart from standby: where a taper ends at 0 W standing still is left. A step
        goes by the state of charge at its start.

        >>> Battery(10_000, charge_taper=((90, 5_000), (100, 1_000))).taper_w(9_500)
        (3000.0, inf)
        """
        charge, discharge = (
            max(0.0, min((w + rise * soc_wh for w, rise in lines), default=float("inf")))
            for lines in (self.charge_lines, self.discharge_lines)
        )
        return charge, discharge

    def stored_after(self, soc_wh: float, battery_w: float, hours: float) -> float:
        """Stored energy after `hours` at a constant `battery_w` [Wh]; no limit is applied.

        >>> Battery(capacity_wh=10_000).stored_after(5_000, -1_000, 1)
        5950.0
        """
        cells_w = battery_w + self.standby_w
        if cells_w > 0:
            return soc_wh - cells_w / self.discharge_efficiency * hours
        return soc_wh - cells_w * self.charge_efficiency * hours

    def power_for(self, soc_wh: float, target_wh: float, hours: float) -> float:
        """Power that brings the stored energy to `target_wh` in `hours` [W]; no limit applied.

        The inverse of `stored_after`.

        >>> Battery(capacity_wh=10_000).power_for(5_000, 5_950, 1)
        -1000.0
        """
        change_wh = target_wh - soc_wh
        if change_wh > 0:
            return -change_wh / self.charge_efficiency / hours - self.standby_w
        return -change_wh * self.discharge_efficiency / hours - self.standby_w

    def power_range(self, soc_wh: float, hours: float) -> tuple[float, float]:
        """Lowest and highest `battery_w` that can be held for `hours` from here [W].

        Outside the allowed band there is only the way back (or standing still).
        """
        charge_w = max(0.0, self.max_wh - soc_wh) / self.charge_efficiency / hours
        discharge_w = max(0.0, soc_wh - self.min_wh) * self.discharge_efficiency / hours
        if self.charge_taper or self.discharge_taper:
            most_in_w, most_out_w = self.taper_w(soc_wh)
            charge_w, discharge_w = min(charge_w, most_in_w), min(discharge_w, most_out_w)
        return (
            max(-self.max_charge_w, -charge_w - self.standby_w),
            min(self.max_discharge_w, discharge_w - self.standby_w),
        )

    def step(self, soc_wh: float, wanted_w: float, hours: float) -> tuple[float, float]:
        """What really happens when `wanted_w` is asked for: (`battery_w`, stored energy after).

        >>> Battery(capacity_wh=10_000).step(9_905, -2_000, 1)
        (-100.0, 10000.0)
        """
        lowest_w, highest_w = self.power_range(soc_wh, hours)
        battery_w = min(max(wanted_w, lowest_w), highest_w)
        return battery_w, self.stored_after(soc_wh, battery_w, hours)
