"""A house with battery and roof in steps of a minute, as its FEMS would show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from optimizer.analysis import sample
from optimizer.control.compliance import start_of
from optimizer.fems.simulated.profile import Profile
from optimizer.model.battery import Battery
from optimizer.model.state import ON_GRID, Snapshot

MINUTE = timedelta(minutes=1)
HOURS = 1 / 60
HEALTHY = 1
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class MinuteHouse:
    """Battery, load and roof, in steps of a minute."""

    battery: Battery
    load: Profile
    roof: Profile
    soc_wh: float
    max_sell_w: float = sample.GRID.max_sell_w
    prices: Mapping[datetime, tuple[float, float]] = field(default_factory=dict)
    """Buying and selling price of quarter-hours [EUR/kWh]."""
    drawn_wh: float = 0.0
    fed_wh: float = 0.0
    bill_eur: float = 0.0
    seen: Snapshot = field(default_factory=lambda: Snapshot(NEVER))

    def pass_minute(self, at: datetime, setpoint_w: float | None, *, faulty: bool = False) -> None:
        """Let the minute from `at` on pass, balancing the house or holding an AC power."""
        load_w, roof_w, battery = self.load.at(at), self.roof.at(at), self.battery
        dc_w = roof_w if battery.hybrid else 0.0
        wanted_w = load_w - roof_w if setpoint_w is None else setpoint_w - dc_w
        if battery.hybrid:
            wanted_w = min(wanted_w, battery.max_ac_w - roof_w)
        if faulty:
            wanted_w = 0.0
        battery_w, self.soc_wh = battery.step(self.soc_wh, wanted_w, HOURS)
        throttled_w = max(0.0, battery_w + roof_w - battery.max_ac_w) if battery.hybrid else 0.0
        grid_w = load_w - battery_w - roof_w + throttled_w
        throttled_w += max(0.0, -self.max_sell_w - grid_w)
        grid_w = max(grid_w, -self.max_sell_w)
        self.drawn_wh += max(0.0, grid_w) * HOURS
        self.fed_wh += max(0.0, -grid_w) * HOURS
        buy, sell = self.prices.get(start_of(at), (0.0, 0.0))
        self.bill_eur += grid_w * HOURS / 1000 * (buy if grid_w > 0 else sell)
        self.seen = self._shown(at + MINUTE, battery_w, roof_w - throttled_w, grid_w)

    def _shown(self, at: datetime, battery_w: float, roof_w: float, grid_w: float) -> Snapshot:
        """What the FEMS would show: whole percents and watts are its own."""
        dc_w = roof_w if self.battery.hybrid else 0.0
        low, high = self.battery.power_range(self.soc_wh, HOURS)
        return Snapshot(
            at,
            soc_percent=float(round(100 * self.soc_wh / self.battery.capacity_wh)),
            grid_w=grid_w,
            ess_w=battery_w + dc_w,
            battery_w=battery_w,
            pv_w=roof_w,
            allowed_charge_w=min(0.0, low),
            allowed_discharge_w=max(0.0, high) + dc_w,
            grid_mode=ON_GRID,
            state=HEALTHY,
        )
