"""The house with its battery and FEMS in ticks of a minute to a quarter-hour; pure.

What `simulated_house.py` does each second is done here for a whole tick: own balancing, or a held
set-point or bound, clipped to what the battery can do, in the order inverter, feed-in limit. Within
a tick load and roof are taken as their means, for every strategy alike. What a FEMS does when a
bound does not bind is own balancing, as there. Battery physics are those of `model/battery.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.site import SitePhysics
from optimizer.model.snapshot import ON_GRID, Channel, Decision, Snapshot

OK = 0
"""`State` of a system that works."""


class PowerFlow(NamedTuple):
    """Mean powers of a part of a tick [W]."""

    battery_w: float
    ess_w: float
    grid_w: float
    pv_w: float
    """What the roof gave, without what was throttled."""


class HeldPower(NamedTuple):
    """Held AC power, exactly or as a bound."""

    setpoint_w: float
    channel: Channel = Channel.EQUALS


def held_power(decision: Decision) -> HeldPower | None:
    """Power that a decision holds; None for nothing."""
    if decision.setpoint_w is None:
        return None
    return HeldPower(decision.setpoint_w, decision.channel)


@dataclass
class Plant:
    """A battery on its way through time."""

    battery: Battery
    grid: Grid
    soc_wh: float

    def __post_init__(self) -> None:
        """Join battery and connection; limits by time are in force from `enter` on."""
        if not self.grid.timed:
            limits = self.grid.untimed_limits()
            self._site = SitePhysics(self.battery, self.grid, limits)

    def enter(self, start: datetime, end: datetime) -> None:
        """Put the limits in force that hold between two moments."""
        if self.grid.timed:
            self._site = SitePhysics.at(self.battery, self.grid, start, end)

    def balanced_w(self, load_w: float, pv_w: float) -> float:
        """Battery power of the FEMS's own balancing, before the battery's limits [W]."""
        return self._site.self_consumption_w(load_w, pv_w)

    def keep(
        self, load_w: float, pv_w: float, low_w: float, high_w: float, hours: float
    ) -> PowerFlow:
        """Let time pass with the device itself keeping to a band of battery power."""
        dc_pv_w = self._site.dc_pv_w(pv_w)
        own_w = self.balanced_w(load_w, pv_w)
        wanted_w = min(max(own_w, low_w), high_w)
        if wanted_w == own_w:
            return self.run(load_w, pv_w, None, hours)
        lowest_w, _ = self.battery.power_range(self.soc_wh, hours)
        lowest_w = max(lowest_w, self._site.inverter_range(pv_w)[0])
        wanted_w = max(wanted_w, lowest_w, load_w - pv_w - self._site.limits.buy_w)
        side = Channel.GREATER_OR_EQUALS if wanted_w > own_w else Channel.LESS_OR_EQUALS
        return self.run(load_w, pv_w, HeldPower(dc_pv_w + wanted_w, side), hours)

    def run(
        self, load_w: float, pv_w: float, held: HeldPower | None, hours: float,
        clip_hours: float | None = None,
    ) -> PowerFlow:  # fmt: skip
        """Let time pass with something held, or with nothing.

        Parameters
        ----------
        clip_hours
            Time for which the battery has to be able to keep the power up [h]; the same by
            default.
        """
        battery, dc_pv_w = self.battery, self._site.dc_pv_w(pv_w)
        wanted_w, balanced = self._wanted(load_w, pv_w, dc_pv_w, held)
        lowest_w, highest_w = battery.power_range(self.soc_wh, clip_hours or hours)
        battery_w = min(max(wanted_w, lowest_w), highest_w)
        inverter_w = None
        if not balanced and held is not None:
            inverter_w = min(battery.max_ac_w, max(held.setpoint_w, 0.0))
        battery_w, throttled_w = self._site.flow(load_w, pv_w, battery_w, inverter_w)
        self.soc_wh = battery.stored_after(self.soc_wh, battery_w, hours)
        gave_w = pv_w - throttled_w
        ess_w = battery_w + gave_w if battery.hybrid else battery_w
        return PowerFlow(battery_w, ess_w, load_w - gave_w - battery_w, gave_w)

    def _wanted(
        self, load_w: float, pv_w: float, dc_pv_w: float, held: HeldPower | None
    ) -> tuple[float, bool]:
        """The battery power asked for, and whether the FEMS balances by itself."""
        own_w = self.balanced_w(load_w, pv_w)
        if held is None:
            return own_w, True
        held_w = held.setpoint_w - dc_pv_w
        if held.channel is Channel.LESS_OR_EQUALS:
            return min(own_w, held_w), own_w <= held_w
        if held.channel is Channel.GREATER_OR_EQUALS:
            # A lower bound throttles nothing: the roof may always give more.
            return max(own_w, held_w), True
        return held_w, False

    def snapshot(self, at: datetime, flow: PowerFlow, hours: float) -> Snapshot:
        """Snapshot as the FEMS would report it; the state of charge exactly, not in whole percents.

        What the battery allows is what it can keep up for `hours`: within a tick that is the mean.
        """
        lowest_w, highest_w = self.battery.power_range(self.soc_wh, hours)
        dc_pv_w = self._site.dc_pv_w(flow.pv_w)
        return Snapshot(
            at=at,
            soc_percent=min(max(100 * self.soc_wh / self.battery.capacity_wh, 0.0), 100.0),
            grid_w=flow.grid_w,
            ess_w=flow.ess_w,
            battery_w=flow.battery_w,
            pv_w=flow.pv_w,
            allowed_charge_w=min(lowest_w, 0.0),
            allowed_discharge_w=max(highest_w, 0.0) + dc_pv_w,
            grid_mode=ON_GRID,
            state=OK,
        )
