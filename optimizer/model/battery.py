"""The battery and its one physics, shared by the planner, the simulator and the analysis.

Powers follow the FEMS's own accounting (its sign, its AC side): `battery_w` is the inverter's AC
power minus the roof behind the same inverter, + discharges, - charges. Conversion losses therefore
belong to the battery and both efficiencies are AC-referred, so one balance serves AC-coupled and
hybrid systems alike.
"""

from dataclasses import dataclass


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

    @property
    def min_wh(self) -> float:
        """Stored energy at the lower end of the allowed band [Wh]."""
        return self.capacity_wh * self.min_soc_percent / 100

    @property
    def max_wh(self) -> float:
        """Stored energy at the upper end of the allowed band [Wh]."""
        return self.capacity_wh * self.max_soc_percent / 100

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
