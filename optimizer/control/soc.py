"""State of charge between whole percents: the FEMS tells whole ones, 1 % of 22 kWh is 220 Wh."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from optimizer.model.battery import Battery

HALF_PERCENT = 0.5
"""A whole percent stands for everything that rounds to it."""

LONGEST = timedelta(minutes=1)
"""Over a longer gap nothing is integrated: the power in between is not known."""


@dataclass(frozen=True, slots=True)
class SocEstimate:
    """Stored energy as followed from reading to reading."""

    at: datetime
    soc_wh: float
    battery_w: float


def estimate(
    before: SocEstimate | None,
    at: datetime,
    soc_percent: float,
    battery_w: float | None,
    battery: Battery,
) -> SocEstimate:
    """Follow the stored energy by the battery's physics, kept within what the FEMS says.

    Parameters
    ----------
    before
        The last estimate, or None at the start.
    soc_percent
        The FEMS's state of charge [%], whole.
    battery_w
        Battery power now [W]; unknown counts as standing still.
    """
    unit = battery.capacity_wh / 100
    lowest, highest = ((soc_percent + side * HALF_PERCENT) * unit for side in (-1, 1))
    soc_wh = soc_percent * unit
    if before is not None and timedelta(0) <= at - before.at <= LONGEST:
        hours = (at - before.at) / timedelta(hours=1)
        soc_wh = battery.stored_after(before.soc_wh, before.battery_w, hours)
    power_w = -battery.standby_w if battery_w is None else battery_w
    return SocEstimate(at, min(max(soc_wh, lowest), highest), power_w)
