"""The control law, pure: plan, reading and time go in, one decision comes out.

The set-point on the wire is the AC power of the storage unit, which on hybrids contains the roof:

    set-point = roof behind the inverter + clip(need, band)
    need      = ess + grid - roof behind the inverter

`need` is the battery power that would bring the grid to zero. While it lies inside the band
nothing is held and the FEMS balances the house every second by itself.
"""

import math
from dataclasses import replace
from datetime import datetime

from optimizer.control import band, compliance
from optimizer.control.band import Band
from optimizer.control.limits import Peak, allowed, peak_of
from optimizer.control.memory import Memory, Settings
from optimizer.control.reading import Reading, read
from optimizer.model.battery import Battery
from optimizer.model.grid import Rule
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.state import Channel, Decision, Reason, Snapshot

READY_AFTER = 3
"""Good cycles in a row before anything is held, at the start and after a doubt."""

NEARLY_FULL_PERCENT = 98.0
"""From here on a hybrid's battery may take less than it says, and the roof would be throttled."""

FULL_PERCENT = 100.0

BACK_PERCENT = 1.0
"""A limit of charge that was reached counts until the charge is so far away from it again."""

SAME_W = 1.0


def _under(plan: Plan | None, settings: Settings) -> Settings:
    """The settings under the plan's own rule, where that is the strictest one.

    A plan whose prices do not tell the bill is made under `pv_only`, whatever the owner allows.
    """
    grid = replace(settings.grid, rule=Rule.PV_ONLY)
    strict = plan is not None and plan.bounds == fingerprint(settings.battery, grid)
    return replace(settings, grid=grid) if strict else settings


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
    reading, past = read(
        snapshot,
        now,
        memory.past,
        settings.battery,
        memory.held_w,
        bound=settings.write == "bounds",
    )
    if isinstance(reading, Reason):
        return Decision(now, None, reason=reading), replace(memory.doubtful(), past=past)
    memory = _learnt(replace(memory, past=past), snapshot.at, reading, settings.battery)
    settings = _under(plan, settings)
    step = _step_of(plan, now, settings)
    if plan is None or isinstance(step, Reason):
        reason = step if isinstance(step, Reason) else Reason.NO_PLAN
        return Decision(now, None, reason), replace(memory, held_w=None, intent=None)
    if memory.good_cycles < READY_AFTER:
        decision = Decision(now, None, Reason.STARTING, step=step.start, until=step.end)
        return decision, replace(memory, held_w=None)
    chosen = _band(plan, step, reading, memory, settings)
    memory = replace(memory, intent=chosen.intent, step=step.start)
    chosen = _within_charge(chosen, reading, memory, settings.battery)
    free = Decision(
        now, None, Reason.OWN_USE, chosen.intent, step=step.start, until=step.end, note=chosen.note
    )
    limits = allowed(
        reading,
        memory.peak or Peak(snapshot.at, reading.need_w),
        settings.battery,
        settings.grid,
        step.peak_w,
    )
    decision = _carry_out(free, chosen, reading, limits, settings)
    broken = memory.quarter is not None and memory.quarter.breaks(settings.grid.rule)
    if decision.setpoint_w is not None and broken:
        decision = replace(free, reason=Reason.RULE)
    return decision, replace(memory, held_w=decision.setpoint_w)


def _learnt(memory: Memory, at: datetime, reading: Reading, battery: Battery) -> Memory:
    """Memory after a good reading."""
    soc = reading.soc_percent
    below = battery.min_soc_percent + BACK_PERCENT * memory.empty
    above = battery.max_soc_percent - BACK_PERCENT * memory.full
    held = memory.held_w is not None
    return replace(
        memory,
        good_cycles=memory.good_cycles + 1,
        peak=peak_of(memory.peak, at, reading.need_w),
        empty=soc <= battery.min_soc_percent or soc < below,
        full=soc >= battery.max_soc_percent or soc > above,
        quarter=compliance.count(
            memory.quarter,
            at,
            compliance.Seen(reading.grid_w, reading.battery_w, reading.pv_w, reading.soc.soc_wh),
            held=held,
        ),
    )


def _step_of(plan: Plan | None, now: datetime, settings: Settings) -> Step | Reason:
    """The plan's step for now, or why there is none."""
    if plan is None:
        return Reason.NO_PLAN
    if plan.bounds != fingerprint(settings.battery, settings.grid):
        return Reason.FOREIGN_PLAN
    if settings.site not in (None, plan.site):
        return Reason.FOREIGN_PLAN
    return plan.step_at(now) or Reason.NO_STEP


def _band(plan: Plan, step: Step, reading: Reading, memory: Memory, settings: Settings) -> Band:
    soc_wh, battery = reading.soc.soc_wh, settings.battery
    if settings.follow == "value":
        before = memory.intent if memory.step == step.start else None
        return band.by_value(plan, step, soc_wh, battery, settings.grid.rule, before)
    if settings.follow == "intent":
        return band.by_intent(step, soc_wh, battery)
    return band.by_power(step)


def _within_charge(chosen: Band, reading: Reading, memory: Memory, battery: Battery) -> Band:
    """Keep inside the owner's band of charge where the device itself would go on."""
    lowest, highest = chosen.lowest_w, chosen.highest_w
    if memory.empty and reading.allowed_high_w > 0:
        lowest, highest = min(lowest, 0.0), min(highest, 0.0)
    if memory.full and battery.max_soc_percent < FULL_PERCENT:
        lowest, highest = max(lowest, 0.0), max(highest, 0.0)
    if (lowest, highest) == (chosen.lowest_w, chosen.highest_w):
        return chosen
    intent = Intent.HOLD if highest < chosen.highest_w else Intent.DEFER
    return Band(intent, lowest, highest, "the configured limit of charge is reached")


def _clip(value: float, lowest: float, highest: float) -> float:
    return min(max(value, lowest), highest)


def _carry_out(
    free: Decision, chosen: Band, reading: Reading, limits: tuple[float, float], settings: Settings
) -> Decision:
    """From band to wire: nothing while the house's own need lies inside it."""
    need, (low, high) = reading.need_w, limits
    wanted = _clip(need, chosen.lowest_w, chosen.highest_w)
    battery_w = _clip(wanted, low, high)
    # Only the band is ours to enforce, and only where holding comes nearer to it than the FEMS
    # does by itself: a full battery need not be told not to charge, and where a limit with its
    # margin keeps us away from what is wanted the FEMS, which looks every second, gets closer.
    alone_w = _clip(need, reading.allowed_low_w, reading.allowed_high_w)
    nearest, furthest = min(battery_w, wanted) - SAME_W, max(battery_w, wanted) + SAME_W
    if abs(wanted - need) > SAME_W and nearest <= alone_w <= furthest:
        return free
    # A set-point of a full hybrid that the roof cannot get past throttles the roof, and a throttled
    # roof shows in no reading: a hold of the night would go on all day. Left alone, a battery gives
    # at most the percent or two that leave it room again.
    full = settings.battery.hybrid and reading.soc_percent >= NEARLY_FULL_PERCENT
    if full and chosen.highest_w <= SAME_W and abs(battery_w) <= SAME_W:
        return free if abs(wanted - need) <= SAME_W else replace(free, reason=Reason.NO_ROOM)
    if settings.write == "bounds":
        return _bound(free, chosen, reading, (low, high)) or free
    if abs(wanted - need) <= SAME_W:
        return free
    return _held(free, Channel.EQUALS, battery_w, reading)


def _held(free: Decision, channel: Channel, battery_w: float, reading: Reading) -> Decision:
    """A decision that holds a battery power; never one that throttles the roof near full."""
    nearly_full = reading.soc_percent >= NEARLY_FULL_PERCENT
    lets_roof_in = channel is Channel.GREATER_OR_EQUALS
    if nearly_full and battery_w < 0 and reading.roof_w > SAME_W and not lets_roof_in:
        return replace(free, reason=Reason.NO_ROOM)
    setpoint = round(reading.roof_w + battery_w)
    return replace(free, setpoint_w=setpoint, reason=Reason.HOLDING, channel=channel)


def _bound(
    free: Decision, chosen: Band, reading: Reading, limits: tuple[float, float]
) -> Decision | None:
    """The band itself as a bound, inside which the FEMS goes on balancing; None if it is open.

    An upper bound forces nothing but charging, a lower one nothing but discharging: only that side
    is kept within what rule and connection allow, the other within what the device does.
    """
    (low, high), (lowest, highest) = limits, (chosen.lowest_w, chosen.highest_w)
    if math.isfinite(lowest) and math.isfinite(highest):
        return _held(free, Channel.EQUALS, _clip(highest, low, high), reading)
    if math.isfinite(highest):
        bound_w = _clip(highest, low, max(low, reading.allowed_high_w))
        return _held(free, Channel.LESS_OR_EQUALS, bound_w, reading)
    if math.isfinite(lowest):
        bound_w = _clip(lowest, min(high, reading.allowed_low_w), high)
        return _held(free, Channel.GREATER_OR_EQUALS, bound_w, reading)
    return None
