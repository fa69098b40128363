"""Physics of a site: battery, inverter and connection together, for numbers and arrays alike.

Signs are those of the FEMS: `battery_w` and `ess_w` are positive when they discharge, `grid_w` is
positive when it buys. With an AC-coupled battery `ess_w = battery_w`; behind a hybrid inverter PV
and battery share it, `ess_w = battery_w + pv_w - curtailed_w`. The balance of all of them is

    grid_w + battery_w + pv_w - curtailed_w = load_w

PV is curtailed where inverter or feed-in limit cannot take it, and, if the site has price
curtailment, where selling costs money. Energies and efficiencies are those of `battery.py`, the
legal rule is that of `grid.py`. Planner, value table, self-consumption, accounts, back-test and the
simulated devices use these functions; `planning/verify.py` alone has formulas of its own, as an
independent check.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from optimizer.model.battery import Battery
from optimizer.model.elementwise import Values, beyond_rounding, greatest, least
from optimizer.model.grid import ConnectionLimits, Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING_W = 1e-6
"""What the rounding of a sum of powers may leave [W]."""


class SiteFlow(NamedTuple):
    """Outcome of a battery power that was asked for [W]."""

    battery_w: float
    curtailed_w: float


@dataclass(frozen=True, slots=True)
class SitePhysics:
    """A battery behind its inverter at its connection, at one time or in many steps."""

    battery: Battery
    grid: Grid
    limits: ConnectionLimits[float]
    """Limits in force; of many steps arrays, which fit the shape of the powers by numpy's rules."""

    @classmethod
    def at(cls, battery: Battery, grid: Grid, start: datetime, end: datetime) -> "SitePhysics":
        """The site between two moments."""
        return cls(battery, grid, grid.limits(start, end))

    @property
    def max_ac_w(self) -> float:
        """AC rating of a hybrid inverter [W]; infinite where PV has an inverter of its own."""
        return self.battery.max_ac_w if self.battery.hybrid else float("inf")

    @property
    def draw_limit_w(self) -> float:
        """Most that the storage unit may draw on its AC side [W].

        The grid operator's limit (German EnWG section 14a) cannot forbid the unit's standby.
        """
        return least(greatest(self.limits.draw_w, self.battery.standby_w), self.max_ac_w)

    def buy_limit_w(self, load_w: Values, pv_w: Values) -> Values:
        """Most that may be bought [W]: the connection's limit, or what the house alone needs."""
        standby_w = self.battery.standby_w
        delivered_w = least(pv_w, self.max_ac_w + standby_w)
        return greatest(load_w + standby_w - delivered_w, self.limits.buy_w)

    def curtailed_w(self, load_w: Values, pv_w: Values, battery_w: Values) -> Values:
        """PV power that house, grid and inverter cannot take at a battery power [W]."""
        ac_w = battery_w + pv_w
        excess_w = greatest(ac_w - load_w - self.limits.sell_w, ac_w - self.max_ac_w)
        return beyond_rounding(excess_w, ROUNDING_W)

    def grid_w(self, load_w: Values, pv_w: Values, battery_w: Values) -> Values:
        """Power over the meter at a battery power, with no more curtailed than has to be [W]."""
        return load_w - pv_w - battery_w + self.curtailed_w(load_w, pv_w, battery_w)

    def curtailment_limit_w(self, load_w: Values, pv_w: Values) -> Values:
        """Most of the PV power that a plan may curtail in a step, at any battery power [W].

        With price curtailment all of it. Otherwise what grid or inverter cannot take while the
        battery stands still: one that charges takes some of it, and none discharges in its place.
        """
        if self.grid.price_curtailment:
            return pv_w
        unsold_w = pv_w - load_w - self.limits.sell_w
        blocked_w = pv_w - self.battery.standby_w - self.max_ac_w
        return beyond_rounding(least(pv_w, greatest(unsold_w, blocked_w)), ROUNDING_W)

    def battery_range(self, load_w: Values, pv_w: Values) -> tuple[Values, Values]:
        """Lowest and highest battery power by device, legal rule, operator and feed-in limit [W].

        Standing still (`-standby_w`) is always inside.
        """
        battery, grid = self.battery, self.grid
        rule_low, rule_high = grid.battery_limits(load_w - pv_w)
        low = greatest(rule_low, -battery.max_charge_w)
        if not battery.hybrid:
            low = greatest(low, -self.draw_limit_w)
        delivered_w = least(load_w + self.limits.sell_w, self.max_ac_w)
        delivered_w = delivered_w + (self.curtailment_limit_w(load_w, pv_w) - pv_w)
        high = least(rule_high, battery.max_discharge_w, delivered_w)
        return least(low, -battery.standby_w), greatest(high, -battery.standby_w)

    def dc_pv_w(self, pv_w: float) -> float:
        """PV power behind the battery's own inverter [W]: all of it on a hybrid, else none."""
        return pv_w if self.battery.hybrid else 0.0

    def inverter_range(self, pv_w: float) -> tuple[float, float]:
        """Lowest and highest battery power that the inverter passes at a PV power [W]."""
        dc_pv_w = self.dc_pv_w(pv_w)
        return -self.draw_limit_w - dc_pv_w, self.max_ac_w - dc_pv_w

    def self_consumption_w(self, load_w: Values, pv_w: Values) -> Values:
        """Battery power of the FEMS's own balancing, before the battery's limits [W].

        It brings the grid to zero as far as inverter and operator's limit allow.
        """
        wanted_w = least(load_w - pv_w, self.max_ac_w - pv_w)
        if self.battery.hybrid:
            return wanted_w
        return greatest(wanted_w, -self.draw_limit_w)

    def flow(
        self, load_w: float, pv_w: float, battery_w: float, inverter_w: float | None = None
    ) -> SiteFlow:
        """Battery power and curtailment that the device makes of a battery power.

        A hybrid inverter curtails PV beyond `inverter_w` (its rating by default; a set-point that
        is held exactly is less). What may not be fed in is curtailed next, and what is then still
        too much is taken off the battery's discharge.
        """
        curtailed_w = 0.0
        if self.battery.hybrid:
            most_w = self.battery.max_ac_w if inverter_w is None else inverter_w
            curtailed_w = min(pv_w, max(0.0, battery_w + pv_w - most_w))
        excess_w = battery_w + pv_w - curtailed_w - load_w - self.limits.sell_w
        if excess_w > 0:
            more_w = min(excess_w, pv_w - curtailed_w)
            curtailed_w += more_w
            battery_w -= min(excess_w - more_w, max(battery_w, 0.0))
        return SiteFlow(battery_w, curtailed_w)


def wear_eur(battery: Battery, battery_w: Values, hours: "float | NDArray[Any]") -> Values:
    """Cost of the wear of a battery power [EUR]: by the energy taken out of the cells."""
    cells_w = battery.out_of_cells_w(greatest(battery_w + battery.standby_w, 0.0))
    worn: Any = cells_w * hours / 1000 * battery.wear_eur_per_kwh
    result: Values = worn
    return result
