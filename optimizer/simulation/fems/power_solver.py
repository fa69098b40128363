"""The solver of a simulated FEMS: controllers narrow a band of AC power, the first one first.

Nothing is refused and nothing is said: a wish outside of what is left is clipped (contract of the
interface, section 2.2).
"""

import math
from collections.abc import Callable

from optimizer.fems.channels import API
from optimizer.model.battery import Battery
from optimizer.simulation.fems.installation import (
    BALANCING,
    DIMMED_W,
    LIMITER,
    MODBUS,
    RESERVE,
    DeviceConditions,
    Installation,
)
from optimizer.simulation.fems.meters import MeterCycle
from optimizer.simulation.fems.written_values import WrittenValues

AcBand = tuple[int, int]
"""Lowest and highest AC power that is left [W]."""
SolverRule = Callable[[AcBand, int, MeterCycle], AcBand]
"""A controller: the band before it, what would balance the house [W], the last cycle."""

_RAMP_PERCENT = 2.0
"""State of charge above the reserve at which its limit begins to fall [%]."""


def exactly(band: AcBand, power_w: int) -> AcBand:
    """Band that `SetActivePowerEquals` leaves."""
    clipped_w = min(max(power_w, band[0]), band[1])
    return clipped_w, clipped_w


def at_most(band: AcBand, power_w: int) -> AcBand:
    """Band that `SetActivePowerLessOrEquals` leaves."""
    return band[0], max(band[0], min(band[1], power_w))


def at_least(band: AcBand, power_w: int) -> AcBand:
    """Band that `SetActivePowerGreaterOrEquals` leaves."""
    return min(band[1], max(band[0], power_w)), band[1]


def solved(power_w: int) -> int:
    """A whole set-point as the solver gives it: 1 W counts as nothing (measured)."""
    return 0 if -1 <= power_w <= 1 else power_w


class Solver:
    """Finds the set-point for one installation.

    Parameters
    ----------
    installation
        Says which controllers there are, and in which order.
    conditions
        Is looked at anew in each cycle.
    written
        The REST app's values.
    battery
        Gives the ratings.
    """

    def __init__(
        self,
        installation: Installation,
        conditions: DeviceConditions,
        written: WrittenValues,
        battery: Battery,
    ) -> None:
        self._conditions = conditions
        self._written = written
        self._reserve_percent = installation.reserve_soc_percent
        self._capacity_wh = battery.capacity_wh
        self._full_w = battery.max_discharge_w
        rating = battery.max_ac_w if battery.hybrid else installation.max_apparent_va or math.inf
        self._rating_w = int(min(rating, 10**9))
        rules: dict[str, SolverRule] = {
            LIMITER: self._limiter,
            RESERVE: self._reserve,
            MODBUS: self._modbus,
            API: self._rest,
            BALANCING: _balancing,
        }
        self._rules = tuple(rules[one] for one in installation.order if one in rules)

    def setpoint(self, requested_w: int, last: MeterCycle) -> int:
        """The set-point [W, AC]; what is left open ends as near to 0 as it may be."""
        rating_w = self._rating_w
        band = max(last.allowed_charge_w, -rating_w), min(last.allowed_discharge_w, rating_w)
        for rule in self._rules:
            band = rule(band, requested_w, last)
        return solved(min(max(0, band[0]), band[1]))

    def _limiter(self, band: AcBand, requested_w: int, last: MeterCycle) -> AcBand:
        del requested_w, last
        return at_least(band, DIMMED_W) if self._conditions.dimmed else band

    def _reserve(self, band: AcBand, requested_w: int, last: MeterCycle) -> AcBand:
        """A falling limit near the reserve; at the reserve only the roof leaves the inverter."""
        del requested_w
        above_percent = 100 * last.soc_wh / self._capacity_wh - self._reserve_percent
        if above_percent >= _RAMP_PERCENT:
            return band
        dc_pv_w = last.ess_w - last.battery_w
        left_w = self._full_w * max(above_percent, 0.0) / _RAMP_PERCENT
        return at_most(band, round(dc_pv_w + left_w))

    def _modbus(self, band: AcBand, requested_w: int, last: MeterCycle) -> AcBand:
        del requested_w, last
        power_w = self._conditions.modbus_w
        return band if power_w is None else exactly(band, power_w)

    def _rest(self, band: AcBand, requested_w: int, last: MeterCycle) -> AcBand:
        """The values of the REST app, in the order that was measured."""
        del requested_w, last
        written = self._written
        if written.equals_w is not None:
            band = exactly(band, written.equals_w)
        if written.at_most_w is not None:
            band = at_most(band, written.at_most_w)
        if written.at_least_w is not None:
            band = at_least(band, written.at_least_w)
        return band


def _balancing(band: AcBand, requested_w: int, last: MeterCycle) -> AcBand:
    del last
    return exactly(band, requested_w)
