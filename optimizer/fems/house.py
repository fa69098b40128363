"""A simulated house with a battery and its FEMS, in cycles of one second: pure, without a clock.

The order of a cycle is a FEMS's own: the channels take over what the last cycle left; the REST
app hands over what was written; the solver finds the set-point; the inverter carries it out.
So the next cycle obeys a write, and the channels show it one cycle later.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from optimizer.errors import DataError
from optimizer.fems.channels import ESS
from optimizer.fems.meters import Meters, Reading, reading
from optimizer.fems.profile import Profile
from optimizer.fems.written import WrittenValues
from optimizer.model.battery import Battery

__all__ = ["Cycle", "Profile", "SimulatedHouse"]

_HOURS = 1 / 3600
"""Length of a cycle [h]."""


class Cycle(NamedTuple):
    """What one cycle left behind; powers are means over its second [W]."""

    load_w: float
    pv_w: float
    """What the roof could give."""
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


class SimulatedHouse:
    """A house that its FEMS balances to zero at the meter, unless something is written.

    Parameters
    ----------
    battery
        The battery; its physics is the only one used.
    load, pv
        What the house draws, and what the roof could give.
    at
        The first moment.
    soc_percent
        State of charge then [%].
    max_sell_w
        Feed-in limit at the connection [W]: roof, then battery are throttled to keep it.
    api_timeout_s
        The REST app's time-out [s of simulated time]; 0 means none.

    Raises
    ------
    DataError
        If `at` has no time zone or `soc_percent` is not in 0..100.
    """

    def __init__(
        self,
        battery: Battery,
        load: Profile,
        pv: Profile,
        at: datetime,
        soc_percent: float,
        max_sell_w: float = math.inf,
        api_timeout_s: float = 60,
    ) -> None:
        if at.tzinfo is None or not 0 <= soc_percent <= 100:
            raise DataError("A simulated house starts at a time in UTC with 0 to 100 % stored.")
        self.battery = battery
        self.meters = Meters()
        self.written = WrittenValues(ESS, api_timeout_s)
        self._max_sell_w = max_sell_w
        self._load, self._pv = load, pv
        self._start = at.astimezone(UTC)
        self._second = 0
        self._soc_wh = battery.capacity_wh * soc_percent / 100
        self._lowest_w, self._highest_w = battery.power_range(self._soc_wh, _HOURS)
        self._follow_profiles()
        self._looked = (self._start, self.meters.copy())
        self._fresh = self.shown = self._balanced_before()

    @property
    def moment(self) -> datetime:
        """The simulated time (UTC)."""
        return self._start + timedelta(seconds=self._second)

    @property
    def soc_wh(self) -> float:
        """Stored energy [Wh], exactly; the channels show whole percents."""
        return self._soc_wh

    def write(self, channel: str, value: object) -> None:
        """Take a written value as it came; the next cycle looks at it, None and "" remove it."""
        self.written.put(channel, value, self._second)

    def advance(self, seconds: int) -> None:
        """Let `seconds` pass."""
        for _ in range(seconds):
            self.cycle()

    def reading(self) -> Reading:
        """Means and energies since the last call, or since the start."""
        start, before = self._looked
        self._looked = (self.moment, self.meters.copy())
        return reading(before, self.meters, start, self.moment, self._soc_wh)

    def cycle(self) -> None:
        """Let one second pass."""
        if self._second >= self._steady_until_s:
            self._follow_profiles()
        self._second += 1
        if self._second > self.written.until_s:
            self.written.drop()
        last = self.shown = self._fresh
        wish_w = _solved(round(last.ess_w + last.grid_w))
        setpoint_w = self._setpoint(wish_w, last)
        self._fresh = self._carried_out(setpoint_w, balanced=setpoint_w == wish_w)
        self._count(self._fresh)

    def _follow_profiles(self) -> None:
        """Read the profiles, and when one of them changes next."""
        moment = self.moment
        self._load_w, load_lasts_s = self._load.piece(moment)
        self._pv_w, pv_lasts_s = self._pv.piece(moment)
        self._steady_until_s = self._second + min(load_lasts_s, pv_lasts_s)

    def _setpoint(self, wish_w: int, last: Cycle) -> int:
        """The solver's set-point [W, AC]: first come, first served, and clipped in silence.

        What was written stands above the balancing, whose `wish_w` would bring the meter to zero.
        """
        lowest_w, highest_w = last.allowed_charge_w, last.allowed_discharge_w
        if self.battery.hybrid:
            rating_w = int(self.battery.max_ac_w)
            lowest_w, highest_w = max(lowest_w, -rating_w), min(highest_w, rating_w)
        written = self.written
        if written.equals_w is not None:
            return _solved(min(max(written.equals_w, lowest_w), highest_w))
        if written.at_most_w is not None:
            highest_w = max(lowest_w, min(highest_w, written.at_most_w))
        if written.at_least_w is not None:
            lowest_w = max(lowest_w, written.at_least_w)  # yields to the upper bound below
        return _solved(min(max(wish_w, lowest_w), highest_w))

    def _carried_out(self, setpoint_w: int, *, balanced: bool) -> Cycle:
        """What inverter, battery and roof do with a set-point.

        A hybrid's set-point is roof plus battery. What the battery cannot take is curtailed,
        unless the set-point is just what balances the house: then the inverter is on its own
        and sells (contract of the interface, section 2.6).
        """
        battery, roof_w = self.battery, self._pv_w
        wanted_w = setpoint_w - roof_w if battery.hybrid else setpoint_w
        battery_w = min(max(wanted_w, self._lowest_w), self._highest_w)
        curtailed_w = 0.0
        if battery.hybrid:
            most_w = battery.max_ac_w if balanced else max(setpoint_w, 0)
            curtailed_w = max(0.0, battery_w + roof_w - most_w)
        excess_w = battery_w + roof_w - curtailed_w - self._load_w - self._max_sell_w
        if excess_w > 0:
            throttled_w = min(excess_w, roof_w - curtailed_w)
            curtailed_w += throttled_w
            battery_w -= min(excess_w - throttled_w, max(battery_w, 0.0))
        self._soc_wh = battery.stored_after(self._soc_wh, battery_w, _HOURS)
        self._lowest_w, self._highest_w = battery.power_range(self._soc_wh, _HOURS)
        return self._left(battery_w, curtailed_w, setpoint_w)

    def _left(self, battery_w: float, curtailed_w: float, setpoint_w: int) -> Cycle:
        produced_w = self._pv_w - curtailed_w
        dc_roof_w = produced_w if self.battery.hybrid else 0.0
        return Cycle(
            self._load_w,
            self._pv_w,
            curtailed_w,
            battery_w,
            battery_w + dc_roof_w,
            self._load_w - battery_w - produced_w,
            self._soc_wh,
            setpoint_w,
            int(min(self._lowest_w, 0.0)),
            int(max(self._highest_w, 0.0) + dc_roof_w),
            self.written.log,
            self.written.failed,
        )

    def _balanced_before(self) -> Cycle:
        """The state of a house that was balanced the moment before the first cycle."""
        battery_w = min(max(self._load_w - self._pv_w, self._lowest_w), self._highest_w)
        roof_w = self._pv_w if self.battery.hybrid else 0.0
        return self._left(battery_w, 0.0, round(battery_w + roof_w))

    def _count(self, done: Cycle) -> None:
        meters = self.meters
        meters.load_wh += done.load_w * _HOURS
        meters.pv_wh += done.pv_w * _HOURS
        meters.curtailed_wh += done.curtailed_w * _HOURS
        if done.grid_w > 0:
            meters.bought_wh += done.grid_w * _HOURS
        else:
            meters.sold_wh -= done.grid_w * _HOURS
        if done.battery_w > 0:
            meters.discharged_wh += done.battery_w * _HOURS
        else:
            meters.charged_wh -= done.battery_w * _HOURS


def _solved(power_w: int) -> int:
    """A whole set-point as the solver gives it: 1 W counts as nothing (measured)."""
    return 0 if -1 <= power_w <= 1 else power_w
