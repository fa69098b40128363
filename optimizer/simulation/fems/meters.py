"""Energy counters of a simulated house, and their readings over a span of time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self


class MeterCycle(NamedTuple):
    """Powers and energies after one cycle; powers are means over its second [W]."""

    load_w: float
    pv_w: float
    """Power that the roof could give [W]."""
    curtailed_w: float
    battery_w: float
    ess_w: float
    grid_w: float
    soc_wh: float
    applied_w: int
    """Set-point of the solver (AC)."""
    allowed_charge_w: int
    allowed_discharge_w: int
    log: str = ""
    failed: bool = False
    reactive_var: int = 0


@dataclass(slots=True)
class Meters:
    """Energies since the start [Wh]; they only ever grow."""

    load_wh: float = 0.0
    pv_wh: float = 0.0
    """Energy that the roof could give, the curtailed part included [Wh]."""
    curtailed_wh: float = 0.0
    bought_wh: float = 0.0
    sold_wh: float = 0.0
    charged_wh: float = 0.0
    """Into the battery, in the FEMS's accounting (AC power minus DC roof)."""
    discharged_wh: float = 0.0

    def copy(self) -> Self:
        """The counters as they stand."""
        return replace(self)


@dataclass(frozen=True, slots=True)
class MeterReading:
    """Means [W] and energies [Wh] between two looks at the meters."""

    start: datetime
    end: datetime
    load_w: float
    pv_w: float
    curtailed_w: float
    battery_w: float
    grid_w: float
    bought_wh: float
    sold_wh: float
    """Both occur in one span when the power changes its sign within it."""
    discharged_wh: float
    """Energy that the battery gave, as `battery_w` counts it."""
    soc_wh: float
    """Stored energy at the end."""


def reading(
    before: Meters, now: Meters, start: datetime, end: datetime, soc_wh: float
) -> MeterReading:
    """Reading of the meters from `start` to `end`; the means are 0 for an empty span."""
    hours = (end - start) / timedelta(hours=1) or 1.0
    bought_wh = now.bought_wh - before.bought_wh
    sold_wh = now.sold_wh - before.sold_wh
    discharged_wh = now.discharged_wh - before.discharged_wh
    return MeterReading(
        start=start,
        end=end,
        load_w=(now.load_wh - before.load_wh) / hours,
        pv_w=(now.pv_wh - before.pv_wh) / hours,
        curtailed_w=(now.curtailed_wh - before.curtailed_wh) / hours,
        battery_w=(discharged_wh - now.charged_wh + before.charged_wh) / hours,
        grid_w=(bought_wh - sold_wh) / hours,
        bought_wh=bought_wh,
        sold_wh=sold_wh,
        discharged_wh=discharged_wh,
        soc_wh=soc_wh,
    )
