"""The night's work: solve, value, derive intents, check, and write it all into one Plan."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import fsum, isinf
from statistics import fmean
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np

from optimizer.errors import ConfigError, InfeasibleError
from optimizer.model.battery import Battery
from optimizer.model.currency import CURRENCIES, EUR, Currency
from optimizer.model.grid import Grid
from optimizer.model.load_spread import LoadSpread, generic
from optimizer.model.override import Override
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.pv_days import PvDays
from optimizer.model.ranges import MoneyRange, Percent
from optimizer.model.tariff import Peak
from optimizer.planning import (
    end_value,
    plan_notes,
    program,
    verify,
    water_value,
    water_value_exact,
)
from optimizer.planning.explain import intent_of, reasons
from optimizer.planning.override_path import with_override
from optimizer.planning.plan_notes import notes_of
from optimizer.planning.self_consumption import no_battery, peak_eur, self_consumption
from optimizer.planning.step_options import Array, StepArrays, StepConditions, power_reach
from optimizer.planning.task import ForecastStep, Steps, Task, must_recover


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Everything that a plan is made from, apart from the forecast."""

    made_at: datetime
    site: str
    battery: Battery
    grid: Grid
    soc_percent: Percent
    stored_value: Annotated[float, MoneyRange(0, 5)] | None = None
    """Worth of a kWh in the cells at the end [EUR/kWh]; None is "auto"."""
    beyond: Steps = ()
    """Steps that follow the plan's, foreseen from like days: they only tell "auto" what energy is
    worth at the end."""
    notes: tuple[str, ...] = ()
    peak: Peak | None = None
    """Price of the highest power drawn."""
    last_full_charge: datetime | None = None
    """When the battery was full last; None is unknown."""
    spread: LoadSpread | None = None
    """How far the load strays from its forecast; None is an average home."""
    pv_days: PvDays | None = None
    """Days of less and of more roof to reckon with; None takes the roof as forecast."""
    time_zone: str = "Europe/Berlin"
    """What the reasons call the hours."""
    override: Override | None = None
    """What the owner wants instead for a while; the load forecast of `away` is in the steps."""
    step_s: int | None = None
    """Nominal length of a step [s]: the first one is shorter where the plan begins within it. None
    takes the first step's length."""
    calm_eur: Annotated[float, MoneyRange(0, 1)] = 0.005
    """Most that the plan may cost more than the cheapest one for changing less [EUR]."""
    currency: str = "EUR"
    """Currency of all prices, which the reasons name."""

    @property
    def money(self) -> Currency:
        """The currency, for texts."""
        return CURRENCIES.get(self.currency, EUR)


def _zero_based(number: float, digits: int) -> float:
    """Round; never a negative zero."""
    return round(number, digits) + 0.0


def _powers(task: Task, stored_wh: tuple[float, ...]) -> Array:
    """Battery power of each step from the stored energies [W]."""
    changes = zip(task.steps, pairwise((task.start_wh, *stored_wh)), strict=True)
    powers = np.array([task.battery.power_for(a, b, step.hours) for step, (a, b) in changes])
    # Over the seconds that may be left of a step, a solver's last digit of energy is watts.
    powers[0] = np.clip(powers[0], *power_reach(task))
    return powers


def _steps(
    task: Task,
    stored_wh: tuple[float, ...],
    values: water_value_exact.WaterValues,
    tables: water_value.TableRows,
) -> list[Step]:
    """The plan's steps from the path of the stored energy."""
    battery, before, steps = task.battery, task.start_wh, []
    rows = [tuple(row) for row in (np.round(np.array(tables), 6) + 0.0).tolist()]
    powers = _powers(task, stored_wh)
    curtailed_w = StepArrays(battery, task.grid, StepConditions.of(task)).curtailed(powers)
    flows = zip(powers.tolist(), curtailed_w.tolist(), strict=True)
    for index, (planned_w, throttled_w) in enumerate(flows):
        step, after = task.steps[index], stored_wh[index]
        intent, low, high = intent_of(task, step, planned_w, before, after)
        wants_room = intent in (Intent.DEFER, Intent.LIMIT, Intent.DISCHARGE)
        marginal_value = values.marginal_value(index, after, next_kwh=wants_room)
        figures = (step.load_w, step.pv_w, planned_w, throttled_w)
        load, pv, battery_w, curtailed = (_zero_based(w, 2) for w in figures)
        steps.append(
            Step(
                start=step.start,
                end=step.end,
                buy_eur_per_kwh=step.buy,
                sell_eur_per_kwh=step.sell,
                load_w=load,
                pv_w=pv,
                battery_w=battery_w,
                ess_w=_zero_based(battery_w + (pv - curtailed if battery.hybrid else 0.0), 2),
                grid_w=_zero_based(load - pv + curtailed - battery_w, 2),
                curtailed_w=curtailed,
                soc_wh=_zero_based(after, 2),
                intent=intent,
                lowest_w=_zero_based(low, 2),
                highest_w=_zero_based(high, 2),
                stored_value_eur_per_kwh=_zero_based(marginal_value, 6),
                values_eur_per_kwh=rows[index],
                why="",
                peak_w=_paid_peak_w(task, step),
                price_from=step.price_from,
            )
        )
        before = after
    return steps


def _paid_peak_w(task: Task, step: ForecastStep) -> float | None:
    """Power that makes no peak dearer in a step [W]; None where none is counted."""
    peak_w = task.decided_peak_w(step)
    return None if isinf(peak_w) else _zero_based(peak_w, 2)


def _wear(task: Task, steps: list[Step]) -> float:
    battery = task.battery
    given = [
        (max(0.0, step.battery_w + battery.standby_w) * step.hours, step.hours) for step in steps
    ]
    cells_wh = fsum(battery.out_of_cells_wh(given_wh, hours) for given_wh, hours in given)
    return cells_wh / 1000 * battery.wear_eur_per_kwh


def _peak_eur(task: Task, steps: list[Step]) -> float:
    return peak_eur(task, [step.grid_w for step in steps])


def _highest_counted_w(peak: Peak, steps: list[Step]) -> float:
    """Highest power bought in the steps that count for the peak [W]."""
    counted = (step.grid_w for step in steps if peak.counts(step.start))
    return max(0.0, max(counted, default=0.0))


def nominal_step_s(steps: tuple[ForecastStep, ...], request: PlanRequest) -> int:
    """Nominal length of a plan's steps [s], however much of the first one is left."""
    return round(steps[0].hours * 3600) if request.step_s is None else request.step_s


def task_of(steps: tuple[ForecastStep, ...], request: PlanRequest) -> Task:
    """Task of the program for a forecast and a request.

    Raises
    ------
    ConfigError
        If the end value is negative.
    """
    task = Task(
        steps=steps,
        battery=request.battery,
        grid=request.grid,
        start_wh=request.battery.capacity_wh * request.soc_percent / 100,
        end_values=_end_values(steps, request),
        peak=request.peak,
        full_by=plan_notes.due(steps, request.battery, request.last_full_charge),
        calm_eur=request.calm_eur,
        money_size=request.money.size,
    )
    if request.override is None or not request.override.in_force(steps[0].start):
        return task
    return with_override(task, request.override, request.beyond)


def _end_values(steps: tuple[ForecastStep, ...], request: PlanRequest) -> tuple[float, ...]:
    if request.stored_value is not None:
        if request.stored_value < 0:
            raise ConfigError("planning.stored_value cannot be negative: energy would be burnt")
        return (request.stored_value,)
    if not request.beyond:
        return (end_value.auto_end_value(steps, request.battery, request.money.size),)
    return end_value.beyond(
        request.beyond, request.battery, request.grid, _spread(request), request.money.size
    )


def _spread(request: PlanRequest) -> LoadSpread:
    """Spread of the load for the value table."""
    return (request.spread or generic()).widened()


def make_plan(
    steps: tuple[ForecastStep, ...],
    request: PlanRequest,
    timer: Callable[[], float],
    engine: tuple[Any, str] | None = None,
) -> Plan:
    """Make a checked plan.

    Parameters
    ----------
    steps
        The forecast, contiguous.
    request
        Battery, grid, state of charge and the rest.
    timer
        A clock in seconds, for `solve_s`.
    engine
        Another solver than the default (PuLP solver, name).

    Raises
    ------
    ConfigError
        If the end value is negative.
    InfeasibleError
        If the solver proves no optimum.
    OptimizerError
        If the plan fails its own check.
    """
    return plan_of(task_of(steps, request), request, timer, engine)


def plan_of(
    task: Task,
    request: PlanRequest,
    timer: Callable[[], float],
    engine: tuple[Any, str] | None = None,
) -> Plan:
    """The same from the program's own question."""
    battery = task.battery
    begun = timer()
    task, solution = _solved(task, engine)
    task = replace(task, decided=solution.decided)
    values = water_value_exact.water_values(task)
    # Below the band the way back counts for more than the load's spread.
    tables = (
        values.table
        if must_recover(task)
        else water_value.of_task(task, _spread(request), request.pv_days)
    )
    solve_s = timer() - begun
    planned = _steps(task, solution.stored_wh, values, tables)
    reported = reasons(task, planned, ZoneInfo(request.time_zone), request.money)
    planned = [replace(step, why=why) for step, why in zip(planned, reported, strict=True)]
    zone = ZoneInfo(request.time_zone)
    notes = notes_of(task, request.soc_percent, planned, zone, request.money)
    plan = _plan(task, request, planned, solution, values, solve_s, (*request.notes, *notes))
    overload = bool((np.array([step.grid_w for step in planned]) > task.limits.buy_w).any())
    dearest_eur = solution.objective_eur + task.calm_eur
    verify.check(plan, battery, request.grid, dearest_eur, overload, request.peak)
    return plan


def _solved(task: Task, engine: tuple[Any, str] | None) -> tuple[Task, program.Solution]:
    """Solution of a task, without the limits of an override that it could not keep.

    Every limit of one is a path that the battery can go, but in rounded numbers: the owner is never
    left without a plan for it, and control carries the override out all the same.
    """
    try:
        return task, program.solve(task, engine)
    except InfeasibleError:
        if task.override is None:
            raise
        free = replace(task, override=task.override.without_limits())
        return free, program.solve(free, engine)


def _plan(
    task: Task, request: PlanRequest, steps: list[Step], solution: program.Solution,
    values: water_value_exact.WaterValues, solve_s: float, notes: tuple[str, ...],
) -> Plan:  # fmt: skip
    """Put the plan together with its money and its baselines."""
    without_plan, bare = self_consumption(task), no_battery(task)
    _, kink_wh = water_value_exact.table_edges(task)
    return Plan(
        made_at=request.made_at,
        site=request.site,
        bounds=fingerprint(task.battery, task.grid),
        step_s=nominal_step_s(task.steps, request),
        status="optimal",
        gap_eur=None if solution.gap_eur is None else _zero_based(solution.gap_eur, 9),
        solver=solution.solver,
        start_soc_percent=request.soc_percent,
        cost_eur=_zero_based(fsum(step.cost_eur for step in steps), 6),
        self_consumption_cost_eur=_zero_based(without_plan.cost_eur, 6),
        no_battery_cost_eur=_zero_based(bare.cost_eur, 6),
        wear_eur=_zero_based(_wear(task, steps), 6),
        stored_value_eur=_zero_based(task.end_eur(steps[-1].soc_wh), 6),
        self_consumption_wear_eur=_zero_based(without_plan.wear_eur, 6),
        self_consumption_stored_value_eur=_zero_based(task.end_eur(without_plan.end_wh), 6),
        end_value_eur_per_kwh=_zero_based(fmean(task.end_values), 6),
        solve_s=round(solve_s, 4),
        value_soc_wh=tuple(_zero_based(item, 2) for item in values.soc_wh),
        steps=tuple(steps),
        notes=notes,
        peak_w=None if task.peak is None else _highest_counted_w(task.peak, steps),
        peak_eur=_zero_based(_peak_eur(task, steps), 6),
        self_consumption_peak_eur=_zero_based(without_plan.peak_eur, 6),
        override=None if task.override is None else task.override.override,
        value_kink_wh=None if kink_wh is None else _zero_based(kink_wh, 2),
        currency=request.currency,
    )
