"""Control law, pure: plan, reading and time go in, one decision comes out.

The set-point on the wire is the AC power of the storage unit, which on hybrids contains the roof:

    set-point = roof behind the inverter + clip(need, band)
    need      = ess + grid - roof behind the inverter

`need` is the battery power that would bring the grid to zero. While it lies inside the band
nothing is held and the FEMS balances the house every second by itself.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Literal

from optimizer.control import compliance, peak_guard, power_band
from optimizer.control.clock import Timekeeping
from optimizer.control.input_checks import CheckedReading, ReadingHistory, read
from optimizer.control.peak_guard import MeteredPeak
from optimizer.control.power_band import BIAS_W, PowerBand, PowerPeak, allowed, peak_of
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid, Rule
from optimizer.model.override import Override
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.quarter_energy import QuarterEnergy
from optimizer.model.snapshot import Channel, Decision, Reason, Snapshot
from optimizer.model.tariff import Peak


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Settings of the control law."""

    battery: Battery
    grid: Grid
    follow: Literal["value", "intent", "power"] = "value"
    write: Literal["equals", "bounds"] = "equals"
    site: str | None = None
    """The plan's site; None takes any."""
    peak: Peak | None = None
    """The tariff's price for the highest power bought; None if there is none."""
    zone: tzinfo = UTC
    """Time zone of the notes for the owner."""


@dataclass(frozen=True, slots=True)
class ControlState:
    """State that one cycle passes to the next."""

    good_cycles: int = 0
    past: ReadingHistory = field(default_factory=ReadingHistory)
    peak: PowerPeak | None = None
    full: bool = False
    """True if the owner's upper limit of charge was reached, and 1 % below it is not yet."""
    empty: bool = False
    """The same at the lower limit."""
    intent: Intent | None = None
    """Intent that is carried out in the step that ends at `step_end`."""
    step_end: datetime | None = None
    """A new plan within the step begins it anew; its end stays."""
    held_w: float | None = None
    """The set-point that is held [W, AC]; None for none."""
    quarter: QuarterEnergy | None = None
    """The running record of what went between battery and grid."""
    clocks: Timekeeping | None = None
    metered: MeteredPeak | None = None
    """Highest quarter-hour that the meter has seen in the running month or year."""
    reached: int | None = None
    """Number of the override whose charge was there: it does not begin again."""

    def doubtful(self) -> "ControlState":
        """The memory after a cycle without a good reading: steadiness has to be proved again."""
        return replace(self, good_cycles=0, peak=None, intent=None, step_end=None, held_w=None)


READY_AFTER = 3
"""Good cycles in a row before anything is held, at the start and after a doubt."""

NEARLY_FULL_PERCENT = 98.0
"""From here on a hybrid's battery may take less than it says, and the roof would be throttled."""

FULL_PERCENT = 100.0

CHARGE_HYSTERESIS_PERCENT = 1.0
"""A limit of charge that was reached counts until the charge is so far away from it again."""

SAME_W = 1.0


def _under(plan: Plan | None, settings: ControlSettings) -> ControlSettings:
    """The settings under the plan's own rule, where that is the strictest one.

    A plan whose prices do not tell the bill is made under `pv_only`, whatever the owner allows.
    """
    grid = replace(settings.grid, rule=Rule.PV_ONLY)
    strict = plan is not None and plan.bounds == fingerprint(settings.battery, grid)
    return replace(settings, grid=grid) if strict else settings


def decide(
    now: datetime,
    plan: Plan | None,
    snapshot: Snapshot,
    memory: ControlState,
    settings: ControlSettings,
) -> tuple[Decision, ControlState]:
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
        What the last call returned; `ControlState()` at the start.
    """
    bound = settings.write == "bounds"
    reading, past = read(snapshot, now, memory.past, settings.battery, memory.held_w, bound=bound)
    if isinstance(reading, Reason):
        return Decision(now, None, reason=reading), replace(memory.doubtful(), past=past)
    memory = _learnt(replace(memory, past=past), snapshot.at, reading, settings)
    settings = _under(plan, settings)
    step = _step_of(plan, now, settings)
    if plan is None or isinstance(step, Reason):
        reason = step if isinstance(step, Reason) else Reason.NO_PLAN
        return Decision(now, None, reason), replace(memory, held_w=None, intent=None)
    if memory.good_cycles < READY_AFTER:
        decision = Decision(now, None, Reason.STARTING, step=step.start, until=step.end)
        return decision, replace(memory, held_w=None)
    override = _override(plan, now, memory)
    if override is not None and _has_reached(override, snapshot):
        memory = replace(memory, reached=override.number)
        override = None
    chosen = _band(plan, step, override, reading, memory, settings)
    memory = replace(memory, intent=chosen.intent, step_end=step.end)
    target_w = peak_guard.target_w(step, now, settings.peak, memory.metered)
    chosen = _within_peak(chosen, plan, step, reading, memory, settings, target_w)
    chosen = _within_charge(chosen, reading, memory, settings.battery)
    free = Decision(
        now, None, Reason.SELF_CONSUMPTION, chosen.intent,
        step=step.start, until=step.end, note=chosen.note,
    )  # fmt: skip
    peak = memory.peak or PowerPeak(snapshot.at, reading.need_w)
    paid_peak_w = None if step.peak_w is None else target_w
    limits = allowed(reading, peak, settings.battery, settings.grid, paid_peak_w)
    decision = _carry_out(free, chosen, reading, limits, settings)
    broken = memory.quarter is not None and memory.quarter.breaks(settings.grid.rule)
    if decision.setpoint_w is not None and broken:
        decision = replace(free, reason=Reason.RULE)
    return decision, replace(memory, held_w=decision.setpoint_w)


def _learnt(
    memory: ControlState, at: datetime, reading: CheckedReading, settings: ControlSettings
) -> ControlState:
    """Memory after a good reading."""
    soc, battery = reading.soc_percent, settings.battery
    below = battery.min_soc_percent + CHARGE_HYSTERESIS_PERCENT * memory.empty
    above = battery.max_soc_percent - CHARGE_HYSTERESIS_PERCENT * memory.full
    held = memory.held_w is not None
    sample = compliance.MeterSample(
        reading.grid_w, reading.battery_w, reading.pv_w, reading.soc.soc_wh
    )
    quarter = compliance.count(memory.quarter, at, sample, held=held)
    return replace(
        memory,
        good_cycles=memory.good_cycles + 1,
        peak=peak_of(memory.peak, at, reading.need_w),
        empty=soc <= battery.min_soc_percent or soc < below,
        full=soc >= battery.max_soc_percent or soc > above,
        quarter=quarter,
        metered=peak_guard.metered_peak(memory.metered, quarter, settings.peak),
    )


def _step_of(plan: Plan | None, now: datetime, settings: ControlSettings) -> Step | Reason:
    """The plan's step for now, or why there is none."""
    if plan is None:
        return Reason.NO_PLAN
    if plan.bounds != fingerprint(settings.battery, settings.grid):
        return Reason.FOREIGN_PLAN
    if settings.site not in (None, plan.site):
        return Reason.FOREIGN_PLAN
    return plan.step_at(now) or Reason.NO_STEP


def _override(plan: Plan, now: datetime, memory: ControlState) -> Override | None:
    """The owner's override that is in force."""
    override = plan.override_at(now)
    return None if override is None or override.number == memory.reached else override


def _has_reached(override: Override, snapshot: Snapshot) -> bool:
    """Return true if a charge that ends when it is there is there, by the FEMS's own word."""
    soc, wanted = snapshot.soc_percent, override.soc_percent
    return override.at_once and soc is not None and wanted is not None and soc >= wanted


def _band(
    plan: Plan, step: Step, override: Override | None, reading: CheckedReading,
    memory: ControlState, settings: ControlSettings,
) -> PowerBand:  # fmt: skip
    soc_wh, battery, rule = reading.soc.soc_wh, settings.battery, settings.grid.rule
    stated = power_band.by_override(override, soc_wh, battery, rule, settings.zone)
    if stated is not None:
        return stated
    if override is None:
        step = _free_again(plan, step, reading.soc.at)
    chosen = _planned_band(plan, step, override, soc_wh, memory, settings)
    if override is None:
        return chosen
    return replace(chosen, note=f"{override.text(settings.zone)}; {chosen.note}")


def _free_again(plan: Plan, step: Step, at: datetime) -> Step:
    """The step, with the next one's values where an override has ended within it."""
    override = plan.override
    if override is None or not step.start < override.until <= at:
        return step
    later = plan.step_at(step.end)
    return step if later is None else replace(step, values_eur_per_kwh=later.values_eur_per_kwh)


def _planned_band(
    plan: Plan, step: Step, override: Override | None, soc_wh: float, memory: ControlState,
    settings: ControlSettings,
) -> PowerBand:  # fmt: skip
    """The band by the plan's values, intent or power."""
    battery = settings.battery
    if settings.follow == "value":
        before = memory.intent if memory.step_end == step.end else None
        charge_w = power_band.charging_w(override, battery)
        return power_band.by_value(
            plan, step, soc_wh, battery, settings.grid.rule, before, charge_w=charge_w
        )
    if settings.follow == "intent":
        return power_band.by_intent(step, soc_wh, battery)
    return power_band.by_power(step)


def _within_peak(
    chosen: PowerBand, plan: Plan, step: Step, reading: CheckedReading, memory: ControlState,
    settings: ControlSettings, target_w: float,
) -> PowerBand:  # fmt: skip
    """Keep the running quarter-hour below the paid peak, with energy that no later step needs."""
    at, battery = reading.soc.at, settings.battery
    left_w = peak_guard.left_w(memory.quarter, at, target_w)
    stored_wh = (reading.soc.soc_wh - battery.min_wh) * battery.usual_discharge_efficiency
    unneeded_wh = stored_wh - peak_guard.needed_later_wh(plan, at, target_w)
    return peak_guard.keep_below(chosen, step, reading, left_w, settings.peak, unneeded_wh)


def _within_charge(
    chosen: PowerBand, reading: CheckedReading, memory: ControlState, battery: Battery
) -> PowerBand:
    """Keep inside the owner's band of charge where the device itself would go on."""
    lowest, highest = chosen.lowest_w, chosen.highest_w
    if memory.empty and reading.allowed_high_w > 0:
        lowest, highest = min(lowest, 0.0), min(highest, 0.0)
    if memory.full and battery.max_soc_percent < FULL_PERCENT:
        lowest, highest = max(lowest, 0.0), max(highest, 0.0)
    if (lowest, highest) == (chosen.lowest_w, chosen.highest_w):
        return chosen
    intent = Intent.HOLD if highest < chosen.highest_w else Intent.DEFER
    return PowerBand(intent, lowest, highest, "the configured limit of charge is reached")


def _clip(value: float, lowest: float, highest: float) -> float:
    return min(max(value, lowest), highest)


def _carry_out(
    free: Decision,
    chosen: PowerBand,
    reading: CheckedReading,
    limits: tuple[float, float],
    settings: ControlSettings,
) -> Decision:
    """From band to wire: nothing while the house's own need lies inside it."""
    need, (low, high) = reading.need_w, limits
    wanted = _clip(need, chosen.lowest_w, chosen.highest_w)
    battery_w = _clip(wanted, low, high)
    # Only the band is ours to enforce, and only where holding comes nearer to it than the FEMS
    # does by itself: a full battery needs no command not to charge, and where a limit with its
    # margin keeps us away from what is wanted the FEMS, which looks every second, gets closer.
    without_hold_w = _clip(need, reading.allowed_low_w, reading.allowed_high_w)
    nearest, furthest = min(battery_w, wanted) - SAME_W, max(battery_w, wanted) + SAME_W
    if abs(wanted - need) > SAME_W and nearest <= without_hold_w <= furthest:
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


def _held(free: Decision, channel: Channel, battery_w: float, reading: CheckedReading) -> Decision:
    """A decision that holds a battery power; never one that throttles PV near full.

    Never one above what the FEMS allows now: where PV of the moment and limit contradict each other
    by little the limit is written, else nothing, for it would charge beyond what is wanted.
    """
    setpoint = min(round(reading.dc_pv_w + battery_w), math.floor(reading.allowed_ac_w))
    left_w = setpoint - reading.dc_pv_w
    nearly_full = reading.soc_percent >= NEARLY_FULL_PERCENT
    lets_pv_in = channel is Channel.GREATER_OR_EQUALS
    charges = battery_w < 0 or left_w < -SAME_W
    if nearly_full and charges and reading.dc_pv_w > SAME_W and not lets_pv_in:
        return replace(free, reason=Reason.NO_ROOM)
    if left_w < max(battery_w - BIAS_W, reading.allowed_low_w - SAME_W):
        return replace(free, reason=Reason.CONTRADICTION)
    return replace(free, setpoint_w=setpoint, reason=Reason.HOLDING, channel=channel)


def _bound(
    free: Decision, chosen: PowerBand, reading: CheckedReading, limits: tuple[float, float]
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
