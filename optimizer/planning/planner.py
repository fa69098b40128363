"""The night's work: solve, value, derive intents, check, and write it all into one Plan."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import fsum
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.errors import ConfigError
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import Intent, Plan, Step, fingerprint
from optimizer.model.roof_days import RoofDays
from optimizer.model.spread import LoadSpread, generic
from optimizer.model.tariff import Peak
from optimizer.planning import (
    calibration,
    end_value,
    program,
    step_cost,
    value,
    value_table,
    verify,
)
from optimizer.planning.explain import reasons
from optimizer.planning.intents import intent_of
from optimizer.planning.notes import told_of
from optimizer.planning.own_use import no_battery, own_use, peak_eur
from optimizer.planning.task import ForecastStep, Task, must_recover


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan is made from, apart from the forecast."""

    made_at: datetime
    site: str
    battery: Battery
    grid: Grid
    soc_percent: float
    stored_value: float | None = None
    """Worth of a kWh in the cells at the end [EUR/kWh]; None is "auto"."""
    beyond: tuple[ForecastStep, ...] = ()
    """Steps that follow the plan's, foreseen from like days: they only tell "auto" what energy is
    worth at the end."""
    notes: tuple[str, ...] = ()
    peak: Peak | None = None
    """Price of the highest power drawn."""
    last_full_charge: datetime | None = None
    """When the battery was full last; None is unknown."""
    spread: LoadSpread | None = None
    """How far the load strays from its forecast; None is an average home."""
    roof_days: RoofDays | None = None
    """Days of less and of more roof to reckon with; None takes the roof as forecast."""
    time_zone: str = "Europe/Berlin"
    """What the reasons call the hours."""


def _zero_based(number: float, digits: int) -> float:
    """Round; never a negative zero."""
    return round(number, digits) + 0.0


def _steps(
    task: Task, stored_wh: tuple[float, ...], values: value.Values, tables: value_table.Rows
) -> list[Step]:
    """The plan's steps from the path of the stored energy."""
    battery, before, steps = task.battery, task.start_wh, []
    for index, (step, after) in enumerate(zip(task.steps, stored_wh, strict=True)):
        battery_w = battery.power_for(before, after, step.hours)
        _, curtailed = step_cost.grid_and_curtailment(task, step, battery_w) or (0.0, 0.0)
        intent, low, high = intent_of(task, step, battery_w, before, after)
        wants_room = intent in (Intent.DEFER, Intent.LIMIT, Intent.DISCHARGE)
        worth = values.worth(index, after, next_kwh=wants_room)
        powers = [_zero_based(w, 2) for w in (step.load_w, step.pv_w, battery_w, curtailed)]
        load, roof, battery_w, curtailed = powers
        steps.append(
            Step(
                start=step.start,
                end=step.end,
                buy_eur_per_kwh=step.buy,
                sell_eur_per_kwh=step.sell,
                load_w=load,
                pv_w=roof,
                battery_w=battery_w,
                ess_w=_zero_based(battery_w + (roof - curtailed if battery.hybrid else 0.0), 2),
                grid_w=_zero_based(load - roof + curtailed - battery_w, 2),
                curtailed_w=curtailed,
                soc_wh=_zero_based(after, 2),
                intent=intent,
                lowest_w=_zero_based(low, 2),
                highest_w=_zero_based(high, 2),
                stored_value_eur_per_kwh=_zero_based(worth, 6),
                values_eur_per_kwh=tuple(_zero_based(item, 6) for item in tables[index]),
                why="",
                peak_w=None if task.peak is None else _zero_based(task.decided_peak_w(step), 2),
                price_from=step.price_from,
            )
        )
        before = after
    return steps


def _wear(task: Task, steps: list[Step]) -> float:
    cells = fsum(
        max(0.0, step.battery_w + task.battery.standby_w) * step.hours / 1000 for step in steps
    )
    return cells / task.battery.discharge_efficiency * task.battery.wear_eur_per_kwh


def _peak_eur(task: Task, steps: list[Step]) -> float:
    return peak_eur(task, [step.grid_w for step in steps])


def task_of(steps: tuple[ForecastStep, ...], request: Request) -> Task:
    """What the program is asked.

    Raises
    ------
    ConfigError
        If the end value is negative.
    """
    return Task(
        steps=steps,
        battery=request.battery,
        grid=request.grid,
        start_wh=request.battery.capacity_wh * request.soc_percent / 100,
        end_values=_end_values(steps, request),
        peak=request.peak,
        full_by=calibration.due(steps, request.battery, request.last_full_charge),
    )


def _end_values(steps: tuple[ForecastStep, ...], request: Request) -> tuple[float, ...]:
    if request.stored_value is not None:
        if request.stored_value < 0:
            raise ConfigError("planning.stored_value cannot be negative: energy would be burnt")
        return (request.stored_value,)
    if not request.beyond:
        return (end_value.auto_end_value(steps, request.battery),)
    return end_value.beyond(request.beyond, request.battery, request.grid, _spread(request))


def _spread(request: Request) -> LoadSpread:
    """What the value table reckons with."""
    return (request.spread or generic()).widened()


def make_plan(
    steps: tuple[ForecastStep, ...],
    request: Request,
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
    request: Request,
    timer: Callable[[], float],
    engine: tuple[Any, str] | None = None,
) -> Plan:
    """The same from the program's own question."""
    battery = task.battery
    begun = timer()
    solution = program.solve(task, engine)
    task = replace(task, decided=solution.decided)
    values = value.solve(task)
    # Below the band the way back counts for more than the load's spread.
    tables = (
        values.table
        if must_recover(task)
        else value_table.of_task(task, _spread(request), request.roof_days)
    )
    solve_s = timer() - begun
    planned = _steps(task, solution.stored_wh, values, tables)
    told = reasons(task, planned, ZoneInfo(request.time_zone))
    planned = [replace(step, why=why) for step, why in zip(planned, told, strict=True)]
    owed = solution.objective_eur - values.objective_eur - _peak_eur(task, planned)
    notes = told_of(task, request.soc_percent, planned, owed)
    plan = _plan(task, request, planned, solution, values, solve_s, (*request.notes, *notes))
    overload = any(step.grid_w > request.grid.max_buy_w for step in planned)
    verify.check(plan, battery, request.grid, solution.objective_eur, overload, request.peak)
    return plan


def _plan(
    task: Task, request: Request, steps: list[Step], solution: program.Solution,
    values: value.Values, solve_s: float, notes: tuple[str, ...],
) -> Plan:  # fmt: skip
    """Put the plan together with its money and its baselines."""
    alone, bare = own_use(task), no_battery(task)
    return Plan(
        made_at=request.made_at,
        site=request.site,
        bounds=fingerprint(task.battery, task.grid),
        step_s=round(task.steps[0].hours * 3600),
        status="optimal",
        gap_eur=None if solution.gap_eur is None else _zero_based(solution.gap_eur, 9),
        solver=solution.solver,
        start_soc_percent=request.soc_percent,
        cost_eur=_zero_based(fsum(step.cost_eur for step in steps), 6),
        own_use_cost_eur=_zero_based(alone.cost_eur, 6),
        no_battery_cost_eur=_zero_based(bare.cost_eur, 6),
        wear_eur=_zero_based(_wear(task, steps), 6),
        stored_value_eur=_zero_based(task.end_eur(steps[-1].soc_wh), 6),
        own_use_wear_eur=_zero_based(alone.wear_eur, 6),
        own_use_stored_value_eur=_zero_based(task.end_eur(alone.end_wh), 6),
        end_value_eur_per_kwh=_zero_based(fmean(task.end_values), 6),
        solve_s=round(solve_s, 4),
        value_soc_wh=tuple(_zero_based(item, 2) for item in values.soc_wh),
        steps=tuple(steps),
        notes=notes,
        peak_w=None if task.peak is None else max(0.0, *(step.grid_w for step in steps)),
        peak_eur=_zero_based(_peak_eur(task, steps), 6),
        own_use_peak_eur=_zero_based(alone.peak_eur, 6),
    )
