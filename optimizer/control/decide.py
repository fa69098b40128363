"""The control law, pure: plan, reading and time go in, one decision comes out.

The set-point on the wire is the AC power of the storage unit, which on hybrids contains the roof:

    set-point = roof behind the inverter + clip(need, band)
    need      = ess + grid - roof behind the inverter

`need` is the battery power that would bring the grid to zero. While it lies inside the band
nothing is held and the FEMS balances the house every second by itself.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from optimizer.control import band
from optimizer.control.band import Band
from optimizer.control.soc import SocEstimate, estimate
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.state import FAULT, ON_GRID, Channel, Decision, Reason, Snapshot

MAX_AGE = timedelta(seconds=15)
"""A reading older than this says nothing about now."""

READY_AFTER = 3
"""Good cycles in a row before anything is held, at the start and after a doubt."""

NEARLY_FULL_PERCENT = 98.0
"""From here on a hybrid's battery may take less than it says, and the roof would be throttled."""

FULL_PERCENT = 100.0

SAME_W = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the law goes by."""

    battery: Battery
    grid: Grid
    follow: Literal["value", "intent", "power"] = "value"
    write: Literal["equals", "bounds"] = "equals"


@dataclass(frozen=True, slots=True)
class Memory:
    """What one cycle tells the next."""

    good_cycles: int = 0
    soc: SocEstimate | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot without unknowns [W, Wh]."""

    soc: SocEstimate
    soc_percent: float
    """As estimated, not only whole percents."""
    roof_w: float
    """Roof behind the inverter; 0 where the coupling is AC."""
    need_w: float
    """Battery power that would bring the grid to zero."""
    allowed_low_w: float
    """Battery power that the FEMS allows now."""
    allowed_high_w: float


def read(
    snapshot: Snapshot, now: datetime, before: SocEstimate | None, battery: Battery
) -> Reading | Reason:
    """A reading that can be trusted, or why it cannot."""
    if abs(now - snapshot.at) > MAX_AGE:
        return Reason.STALE
    if snapshot.state == FAULT:
        return Reason.FAULT
    if snapshot.grid_mode != ON_GRID:
        return Reason.UNKNOWN if snapshot.grid_mode is None else Reason.OFF_GRID
    soc, grid, ess = snapshot.soc_percent, snapshot.grid_w, snapshot.ess_w
    charge, discharge = snapshot.allowed_charge_w, snapshot.allowed_discharge_w
    if soc is None or grid is None or ess is None or charge is None or discharge is None:
        return Reason.UNKNOWN
    roof = 0.0
    if battery.hybrid:
        if snapshot.battery_w is None:
            return Reason.UNKNOWN
        roof = max(0.0, ess - snapshot.battery_w)
    followed = estimate(before, snapshot.at, soc, snapshot.battery_w, battery)
    return Reading(
        soc=followed,
        soc_percent=100 * followed.soc_wh / battery.capacity_wh,
        roof_w=roof,
        need_w=ess + grid - roof,
        allowed_low_w=min(0.0, charge),
        allowed_high_w=max(0.0, discharge - roof),
    )


def _under(plan: Plan | None, settings: Settings) -> Settings:
    """The settings under the plan's own rule, where that is the strictest one.

    A plan whose prices do not tell the bill is made under `pv_only`, whatever the owner allows.
    """
    grid = replace(settings.grid, rule=Rule.PV_ONLY)
    strict = plan is not None and plan.bounds == fingerprint(settings.battery, grid)
    return replace(settings, grid=grid) if strict else settings


def _step_of(plan: Plan | None, now: datetime, settings: Settings) -> Step | Reason:
    """The plan's step for now, or why there is none."""
    if plan is None:
        return Reason.NO_PLAN
    if plan.bounds != fingerprint(settings.battery, settings.grid):
        return Reason.FOREIGN_PLAN
    return plan.step_at(now) or Reason.NO_STEP


def decide(
    now: datetime, plan: Plan | None, snapshot: Snapshot, memory: Memory, settings: Settings
) -> tuple[Decision, Memory]:
    """Decide what to hold from now on; on any doubt nothing.

    Parameters
    ----------
    now
        Wall-clock time (UTC); the step is chosen afresh from it each time.
    plan
        The plan in force, or None.
    snapshot
        The newest reading of the FEMS.
    memory
        What the last call returned; `Memory()` at the start.
    """
    reading = read(snapshot, now, memory.soc, settings.battery)
    if isinstance(reading, Reason):
        return Decision(now, None, reading), Memory()
    memory = Memory(memory.good_cycles + 1, reading.soc)
    settings = _under(plan, settings)
    step = _step_of(plan, now, settings)
    if plan is None or isinstance(step, Reason):
        reason = step if isinstance(step, Reason) else Reason.NO_PLAN
        return Decision(now, None, reason), memory
    if memory.good_cycles < READY_AFTER:
        return Decision(now, None, Reason.STARTING, step=step.start), memory
    chosen = _with_reserve(_band(plan, step, reading, settings), reading, settings.battery)
    return _carry_out(now, step, chosen, reading, settings), memory


def _band(plan: Plan, step: Step, reading: Reading, settings: Settings) -> Band:
    if settings.follow == "value":
        rule = settings.grid.rule
        return band.by_value(plan, step, reading.soc.soc_wh, settings.battery, rule)
    if settings.follow == "intent":
        return band.by_intent(step, reading.soc.soc_wh, settings.battery)
    return band.by_power(step)


def _with_reserve(chosen: Band, reading: Reading, battery: Battery) -> Band:
    """Keep inside the owner's band of charge where the device itself would go on."""
    lowest, highest = chosen.lowest_w, chosen.highest_w
    if reading.soc_percent <= battery.min_soc_percent and reading.allowed_high_w > 0:
        lowest, highest = min(lowest, 0.0), min(highest, 0.0)
    owners_limit = battery.max_soc_percent < FULL_PERCENT
    if owners_limit and reading.soc_percent >= battery.max_soc_percent:
        lowest, highest = max(lowest, 0.0), max(highest, 0.0)
    if (lowest, highest) == (chosen.lowest_w, chosen.highest_w):
        return chosen
    intent = Intent.HOLD if highest < chosen.highest_w else Intent.DEFER
    return Band(intent, lowest, highest, "the configured limit of charge is reached")


def _limits(reading: Reading, settings: Settings) -> tuple[float, float]:
    """Battery power that rule, grid, inverter and device allow at this moment [W]."""
    battery, grid, need = settings.battery, settings.grid, reading.need_w
    rule_low, rule_high = grid.battery_limits(need)
    low = max(-battery.max_charge_w, rule_low, need - grid.max_buy_w)
    high = min(battery.max_discharge_w, rule_high, need + grid.max_sell_w)
    if battery.hybrid:
        low = max(low, -battery.max_ac_w - reading.roof_w)
        high = min(high, battery.max_ac_w - reading.roof_w)
    return (
        max(min(low, high), reading.allowed_low_w),
        min(max(high, reading.allowed_low_w), reading.allowed_high_w),
    )


def _clip(value: float, lowest: float, highest: float) -> float:
    return min(max(value, lowest), highest)


def _carry_out(
    now: datetime, step: Step, chosen: Band, reading: Reading, settings: Settings
) -> Decision:
    """From band to wire: nothing while the house's own need lies inside it."""
    low, high = _limits(reading, settings)
    wanted = _clip(reading.need_w, chosen.lowest_w, chosen.highest_w)
    battery_w = _clip(wanted, low, high)
    # Only the band is ours to enforce, and only where it changes what the FEMS does by itself:
    # a full battery need not be told not to charge, nor an empty one not to discharge.
    alone_w = _clip(reading.need_w, reading.allowed_low_w, reading.allowed_high_w)
    binds = abs(wanted - reading.need_w) > SAME_W and abs(battery_w - alone_w) > SAME_W
    free = Decision(now, None, Reason.OWN_USE, chosen.intent, step=step.start, note=chosen.note)
    if settings.write == "bounds":
        return _bound(free, chosen, reading, (low, high)) or free
    if not binds:
        return free
    return _held(free, Channel.EQUALS, battery_w, reading)


def _held(free: Decision, channel: Channel, battery_w: float, reading: Reading) -> Decision:
    """A decision that holds a battery power; never one that throttles the roof near full."""
    nearly_full = reading.soc_percent >= NEARLY_FULL_PERCENT
    lets_roof_in = channel is Channel.GREATER_OR_EQUALS
    if nearly_full and battery_w < 0 and reading.roof_w > SAME_W and not lets_roof_in:
        return Decision(
            free.at, None, Reason.NO_ROOM, free.intent, step=free.step, note=free.note
        )  # fmt: skip
    setpoint = round(reading.roof_w + battery_w)
    return Decision(
        free.at, setpoint, Reason.HOLDING, free.intent, channel, free.step, free.note
    )  # fmt: skip


def _bound(
    free: Decision, chosen: Band, reading: Reading, limits: tuple[float, float]
) -> Decision | None:
    """The band itself as a bound, inside which the FEMS goes on balancing; None if it is open."""
    has_low, has_high = math.isfinite(chosen.lowest_w), math.isfinite(chosen.highest_w)
    if has_low and has_high:
        return _held(free, Channel.EQUALS, _clip(chosen.highest_w, *limits), reading)
    if has_high:
        return _held(free, Channel.LESS_OR_EQUALS, _clip(chosen.highest_w, *limits), reading)
    if has_low:
        return _held(free, Channel.GREATER_OR_EQUALS, _clip(chosen.lowest_w, *limits), reading)
    return None
