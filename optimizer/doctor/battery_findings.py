"""Findings about the battery: the learned model beside the configured one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from optimizer.doctor.battery_learning import CounterStep, Estimate, Learned
from optimizer.doctor.finding import Finding, Group
from optimizer.fems.device_history import BatteryQuarter
from optimizer.model.battery import Battery
from optimizer.model.currency import EUR, Currency
from optimizer.store.journal import Tick

BATTERY = Group("battery")
CAPACITY_SHARE = 0.05
ROUND_TRIP_SHARE = 0.02
STANDBY_W = 10.0
"""Largest difference without a warning [1]."""
VAGUE = 0.06
"""Largest standard error of a round trip that is reported [1]."""


def rows_of_device(quarters: Sequence[BatteryQuarter]) -> list[CounterStep]:
    """Rows of the record from the device's own counters."""
    return [
        CounterStep(q.start, 0.25, q.charged_wh, q.discharged_wh, q.soc_percent) for q in quarters
    ]


def rows_of_journal(ticks: Sequence[Tick]) -> list[CounterStep]:
    """Rows of the record from the journal's summaries, which know the net power only."""
    rows: list[CounterStep] = []
    soc_before: float | None = None
    for tick in ticks:
        hours, soc, power_w = tick.seconds / 3600, tick.soc_percent, tick.battery_w
        start = datetime.fromisoformat(tick.at) - timedelta(hours=hours)
        mean = None if soc is None or soc_before is None else (soc + soc_before) / 2
        flows = (None, None) if power_w is None else (max(0.0, -power_w), max(0.0, power_w))
        energies = [None if flow is None else flow * hours for flow in flows]
        rows.append(CounterStep(start, hours, energies[0], energies[1], mean))
        soc_before = soc
    return rows


def findings(
    learned: Learned | None,
    battery: Battery,
    saving_eur: Callable[[Battery], float] | None,
    money: Currency = EUR,
) -> Iterator[Finding]:
    """Compare the learned battery with the configured one, with the fix and its effect on money.

    Parameters
    ----------
    saving_eur
        Expected saving of a battery on the days of the plan in force [EUR a day]; None if there is
        no plan.
    money
        Currency of the saving.
    """
    if learned is None:
        yield BATTERY.ok("learned", "nothing yet: it takes a week in which the battery works")
        return
    yield from _compared(learned, battery)
    if saving_eur is not None:
        yield _effect(learned, battery, saving_eur, money)


def as_learned(learned: Learned, battery: Battery) -> Battery:
    """The configured battery with the learned figures; of a curve nothing is learned."""
    found = replace(
        battery,
        capacity_wh=learned.capacity_wh.value,
        standby_w=battery.standby_w if learned.standby_w is None else _at_least_0(learned),
    )
    if battery.has_curves:
        return found
    each = learned.efficiency
    return replace(found, charge_efficiency=each, discharge_efficiency=each)


def _at_least_0(learned: Learned) -> float:
    return 0.0 if learned.standby_w is None else max(0.0, learned.standby_w.value)


def _compared(learned: Learned, battery: Battery) -> Iterator[Finding]:
    days = f"in {learned.days:.0f} days"
    capacity = learned.capacity_wh
    text = f"{_shown(capacity, 'Wh')} {days}, configured are {battery.capacity_wh:.0f} Wh"
    if capacity.agrees(battery.capacity_wh, CAPACITY_SHARE):
        yield BATTERY.ok("usable capacity", text)
    else:
        yield BATTERY.warn(
            "usable capacity", text, f"set [battery] capacity_wh = {capacity.value:.0f}"
        )
    yield _round_trip(learned, battery, days)
    yield from _standby(learned, battery)


def _round_trip(learned: Learned, battery: Battery, days: str) -> Finding:
    found = learned.round_trip
    configured = battery.usual_round_trip
    text = (
        f"{found.value:.1%} ± {2 * found.error:.1%} {days}, configured are {configured:.1%}; "
        f"out / in as counted {learned.counters_ratio:.1%}, standby included"
    )
    if found.error > VAGUE / 2:
        return BATTERY.ok("round trip", f"{text}: too vague yet")
    if found.agrees(configured, ROUND_TRIP_SHARE):
        return BATTERY.ok("round trip", text)
    if battery.has_curves:
        factor = (found.value / configured) ** 0.5
        return BATTERY.warn(
            "round trip", text, "multiply the efficiencies in [battery] charge_efficiency and "
            f"discharge_efficiency by {factor:.3f}",
        )  # fmt: skip
    each = f"{learned.efficiency:.3f}"
    return BATTERY.warn(
        "round trip", text, f"set [battery] charge_efficiency = {each}, "
        f"discharge_efficiency = {each} (split evenly)",
    )  # fmt: skip


def _standby(learned: Learned, battery: Battery) -> Iterator[Finding]:
    found = learned.standby_w
    if found is None:
        yield BATTERY.ok("standby", "not seen yet: the battery never stood still for two hours")
        return
    text = f"{_shown(found, 'W')}, configured are {battery.standby_w:.0f} W"
    if abs(found.value - battery.standby_w) <= max(STANDBY_W, 2 * found.error):
        yield BATTERY.ok("standby", text)
    else:
        yield BATTERY.warn(
            "standby", text, f"set [battery] standby_w = {max(0.0, found.value):.0f}"
        )


def _shown(found: Estimate, unit: str) -> str:
    return f"{found.value:.0f} ± {2 * found.error:.0f} {unit}"


def _effect(
    learned: Learned, battery: Battery, saving_eur: Callable[[Battery], float], money: Currency
) -> Finding:
    """Expected saving with both batteries, as a sentence."""
    now, then = saving_eur(battery), saving_eur(as_learned(learned, battery))
    return BATTERY.ok(
        "effect", f"with what was learned the newest plan expects to save {money.amount(then)} a "
        f"day, as configured {money.amount(now)}; nothing is changed by itself",
    )  # fmt: skip
