"""A house with battery and roof in steps of a minute, as its FEMS would show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from optimizer.analysis import sample
from optimizer.analysis.backtest.plant import Flow, Held, Plant
from optimizer.fems.simulated.profile import Profile
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.quarter import floor
from optimizer.model.state import Snapshot

MINUTE = timedelta(minutes=1)
HOURS = 1 / 60
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class MinuteHouse:
    """The back-test's plant, with meters of its own and states of charge in whole percents."""

    battery: Battery
    load: Profile
    roof: Profile
    soc_wh: float
    grid: Grid = sample.GRID
    prices: Mapping[datetime, tuple[float, float]] = field(default_factory=dict)
    """Buying and selling price of quarter-hours [EUR/kWh]."""
    drawn_wh: float = 0.0
    fed_wh: float = 0.0
    bill_eur: float = 0.0
    seen: Snapshot = field(default_factory=lambda: Snapshot(NEVER))

    def pass_minute(self, at: datetime, setpoint_w: float | None, *, faulty: bool = False) -> None:
        """Let the minute from `at` on pass, balancing the house or holding an AC power."""
        load_w, roof_w = self.load.at(at), self.roof.at(at)
        held = None if setpoint_w is None else Held(setpoint_w)
        if faulty:
            held = Held(roof_w if self.battery.hybrid else 0.0)
        plant = Plant(self.battery, self.grid, self.soc_wh)
        flow = plant.run(load_w, roof_w, held, HOURS)
        self.soc_wh = plant.soc_wh
        self._count(at, flow)
        shown = plant.snapshot(at + MINUTE, flow, HOURS)
        percent = round(100 * self.soc_wh / self.battery.capacity_wh)
        self.seen = replace(shown, soc_percent=float(percent))

    def _count(self, at: datetime, flow: Flow) -> None:
        self.drawn_wh += max(0.0, flow.grid_w) * HOURS
        self.fed_wh += max(0.0, -flow.grid_w) * HOURS
        buy, sell = self.prices.get(floor(at), (0.0, 0.0))
        self.bill_eur += flow.grid_w * HOURS / 1000 * (buy if flow.grid_w > 0 else sell)
