"""A simulated house with a battery and its FEMS, in cycles of one second: pure, without a clock.

The order of a cycle is a FEMS's own: the channels take over what the last cycle left; the REST
app hands over what was written; the solver finds the set-point; the inverter carries it out.
So the next cycle obeys a write, and the channels show it one cycle later.
"""

import math
from datetime import UTC, datetime, timedelta

from optimizer.errors import DataError
from optimizer.fems.channels import API, ESS
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.site import SitePhysics
from optimizer.simulation.fems.installation import (
    BALANCING,
    OFF_GRID,
    ControlMode,
    DeviceConditions,
    Installation,
)
from optimizer.simulation.fems.meters import MeterCycle, MeterReading, Meters, reading
from optimizer.simulation.fems.power_solver import Solver, solved
from optimizer.simulation.fems.profile import Profile
from optimizer.simulation.fems.simulated_history import PERIOD_S, History
from optimizer.simulation.fems.written_values import WrittenValues

__all__ = ["MeterCycle", "Profile", "SimulatedHouse"]

_HOURS = 1 / 3600
"""Length of a cycle [h]."""


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
    installation
        What is installed on its FEMS.

    Attributes
    ----------
    conditions
        What may befall it: set it at any time.

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
        installation: Installation | None = None,
    ) -> None:
        if at.tzinfo is None or not 0 <= soc_percent <= 100:
            raise DataError("A simulated house starts at a time in UTC with 0 to 100 % stored.")
        self.battery = battery
        self.meters = Meters()
        self.written = WrittenValues(ESS, api_timeout_s)
        self.conditions = DeviceConditions()
        grid = Grid(max_sell_w=max_sell_w)
        self.site = SitePhysics(battery, grid, grid.untimed_limits())
        self._load, self._pv = load, pv
        self._start = at.astimezone(UTC)
        self._second = 0
        self._soc_wh = battery.capacity_wh * soc_percent / 100
        self._lowest_w, self._highest_w = battery.power_range(self._soc_wh, _HOURS)
        self.history = History(self.site, load, pv, self._start)
        self._noted_at_s = PERIOD_S - int(self._start.timestamp()) % PERIOD_S
        self.install(installation or Installation())
        self._follow_profiles()
        self._looked = (self._start, self.meters.copy())
        self._fresh = self.shown = self._balanced_before()

    def install(self, installation: Installation) -> None:
        """Change what is installed on the FEMS, from the next cycle on."""
        self.installation = installation
        self._solver = Solver(installation, self.conditions, self.written, self.battery)
        self._internal = installation.control_mode is ControlMode.INTERNAL
        self._self_consumption_if_balanced = installation.control_mode is ControlMode.SMART
        first = next((one for one in installation.order if one in (API, BALANCING)), None)
        self._reactive = first == API and not self.battery.hybrid

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

    def reading(self) -> MeterReading:
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
        requested_w = solved(round(last.ess_w + last.grid_w))
        setpoint_w = self._solver.setpoint(requested_w, last)
        if self.conditions.grid_mode == OFF_GRID:
            self._fresh = self._island(setpoint_w)
        elif self._internal:
            self._fresh = self._carried_out(requested_w, setpoint_w, balanced=True)
        else:
            without_plan = self._self_consumption_if_balanced and setpoint_w == requested_w
            self._fresh = self._carried_out(setpoint_w, setpoint_w, balanced=without_plan)
        self._count(self._fresh)
        if self._second >= self._noted_at_s:
            self._noted_at_s += PERIOD_S
            self.history.note(self.moment, self.meters, self._soc_wh)

    def _follow_profiles(self) -> None:
        """Read the profiles, and when one of them changes next."""
        moment = self.moment
        self._load_w, load_lasts_s = self._load.piece(moment)
        self._pv_w, pv_lasts_s = self._pv.piece(moment)
        self._steady_until_s = self._second + min(load_lasts_s, pv_lasts_s)

    def _carried_out(self, command_w: int, setpoint_w: int, *, balanced: bool) -> MeterCycle:
        """Flows of inverter, battery and PV under a command, which is the set-point as a rule.

        A hybrid's set-point is roof plus battery. What the battery cannot take is curtailed,
        unless the set-point is just what balances the house: then the inverter is on its own
        and sells (contract of the interface, section 2.6).
        """
        wanted_w = command_w - self._pv_w if self.battery.hybrid else command_w
        battery_w = min(max(wanted_w, self._lowest_w), self._highest_w)
        if self.conditions.faulty:
            battery_w, balanced = 0.0, False
        inverter_w = None if balanced else max(command_w, 0)
        flow = self.site.flow(self._load_w, self._pv_w, battery_w, inverter_w)
        self._store(flow.battery_w)
        return self._left(flow.battery_w, flow.curtailed_w, setpoint_w)

    def _island(self, setpoint_w: int) -> MeterCycle:
        """A house without a grid: battery and roof feed it; what they cannot give is missing."""
        dc_pv_w = self._pv_w
        battery_w = min(max(self._load_w - dc_pv_w, self._lowest_w), self._highest_w)
        spare_w = battery_w + dc_pv_w - self._load_w
        curtailed_w = min(max(spare_w, 0.0), dc_pv_w)
        self._store(battery_w)
        left = self._left(battery_w, curtailed_w, setpoint_w)
        return left._replace(load_w=self._load_w + min(spare_w, 0.0), grid_w=0.0)

    def _store(self, battery_w: float) -> None:
        self._soc_wh = self.battery.stored_after(self._soc_wh, battery_w, _HOURS)
        self._lowest_w, self._highest_w = self.battery.power_range(self._soc_wh, _HOURS)

    def _left(self, battery_w: float, curtailed_w: float, setpoint_w: int) -> MeterCycle:
        on = not self.conditions.faulty
        produced_w = self._pv_w - curtailed_w
        dc_pv_w = produced_w if self.battery.hybrid else 0.0
        return MeterCycle(
            self._load_w,
            self._pv_w,
            curtailed_w,
            battery_w,
            battery_w + dc_pv_w,
            self._load_w - battery_w - produced_w,
            self._soc_wh,
            setpoint_w,
            int(min(self._lowest_w, 0.0)) if on else 0,
            int(max(self._highest_w, 0.0) + dc_pv_w) if on else 0,
            self.written.log,
            self.written.failed,
            self.written.reactive_var if self._reactive else 0,
        )

    def _balanced_before(self) -> MeterCycle:
        """The state of a house that was balanced the moment before the first cycle."""
        battery_w = min(max(self._load_w - self._pv_w, self._lowest_w), self._highest_w)
        dc_pv_w = self._pv_w if self.battery.hybrid else 0.0
        return self._left(battery_w, 0.0, round(battery_w + dc_pv_w))

    def _count(self, done: MeterCycle) -> None:
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
