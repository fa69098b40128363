"""Making a plan: gather the inputs, solve, store; also for past moments and for what-ifs."""

import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.app.accounts import close_accounts
from optimizer.app.device_access import battery_of, client_of
from optimizer.errors import NoPlanError, UsageError
from optimizer.model.moments import QUARTER
from optimizer.model.plan import iso

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

    from optimizer.app.forecast_inputs import ForecastInputs
    from optimizer.config.sections import Config
    from optimizer.model.override import Override
    from optimizer.model.plan import Plan
    from optimizer.model.tariff import Peak, Tariff
    from optimizer.planning.planner import PlanRequest
    from optimizer.planning.run_record import RunRecord
    from optimizer.planning.task import ForecastStep
    from optimizer.store.overrides import StoredOverride

ATTEMPTS = 3
"""Planning runs in a row whose override may change before they are stored."""

SOC_AGE_LIMIT = timedelta(minutes=30)
"""A noted state of charge older than this says nothing about a moment."""


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything that `planning.planner.make_plan` reads."""

    request: "PlanRequest"
    steps: "tuple[ForecastStep, ...]"
    storable: bool
    """False for a plan of a past moment: control would follow it where it reaches the present."""
    history: "pd.DataFrame | None" = None
    """The measured past of the load, of which `away` learns the base load; None if unknown."""
    unpriced: "PlanInputs | None" = None
    """The inputs without the override, where it was taken unpriced: this plan prices it."""


def nightly_plan(
    config: "Config", at: datetime | None, now: datetime, soc_percent: float | None = None, *,
    dry_run: bool = False,
) -> "tuple[Plan, float]":  # fmt: skip
    """Make a plan, and store it with its inputs unless it is a dry run or of a past moment.

    Parameters
    ----------
    at
        Moment of the plan (UTC); None is now.
    soc_percent
        State of charge at that moment [%]; None asks the FEMS, the journal or the plan in force.

    Returns
    -------
    tuple[Plan, float]
        The plan, and the capacity of its battery [Wh].

    Raises
    ------
    UsageError
        If the state of charge at that moment is unknown.
    OptimizerError
        If inputs are missing or rejected, or there is no feasible plan.
    """
    from optimizer.store.overrides import OverrideChangedError

    for left in reversed(range(ATTEMPTS)):
        inputs = plan_inputs(config, at, now, soc_percent)
        plan, run = solve(inputs)
        if dry_run or not inputs.storable:
            break
        try:
            store_run(config.store.folder, plan, run, now, price_eur=_price_eur(plan, inputs))
        except OverrideChangedError:
            if not left:
                raise
            continue
        close_accounts(config, now)
        break
    return plan, inputs.request.battery.capacity_wh


def _price_eur(plan: "Plan", inputs: PlanInputs) -> float | None:
    """Price of the plan's override where it has none yet [EUR]."""
    from optimizer.planning.planner import make_plan

    if inputs.unpriced is None or plan.override is None:
        return None
    free = inputs.unpriced
    return override_cost_eur(plan, make_plan(free.steps, free.request, time.perf_counter))


def override_cost_eur(plan: "Plan", without: "Plan") -> float:
    """Cost of a plan under an override above the one without it, from the same inputs [EUR].

    Bill, wear, peaks and energy left. Of `away` none: an absence is no choice of the plan.
    """
    from optimizer.model.override import OverrideKind

    if plan.override is not None and plan.override.kind is OverrideKind.AWAY:
        return 0.0
    return round(plan.objective_eur - without.objective_eur, 4)


def override_in_force(folder: Path, at: datetime) -> "StoredOverride | None":
    """The owner's override that is in force at a moment; None without one or without a store."""
    from optimizer.store import database, overrides

    if not (folder / database.FILE_NAME).exists():
        return None
    with closing(database.connect(folder)) as connection:
        return overrides.in_force(connection, at)


def under(config: "Config", inputs: PlanInputs, override: "Override") -> PlanInputs:
    """The inputs under an override; while `away` the load is at most the house's base load."""
    from optimizer.app.house_forecast import most_load_w
    from optimizer.forecast.base_load import base_load_w
    from optimizer.model.override import OverrideKind
    from optimizer.planning.arrays import with_base_load

    request = replace(inputs.request, override=override)
    if override.kind is not OverrideKind.AWAY:
        return replace(inputs, request=request)
    base_w = base_load_w(
        inputs.history, request.made_at, config.zone, config.load.annual_kwh, most_load_w(config)
    )
    beyond = with_base_load(request.beyond, base_w, override.until, config.zone)
    steps = with_base_load(inputs.steps, base_w, override.until, config.zone)
    return replace(inputs, request=replace(request, beyond=beyond), steps=steps)


def plan_inputs(
    config: "Config", at: datetime | None, now: datetime, soc_percent: float | None = None,
    tariff: "Tariff | None" = None,
) -> PlanInputs:  # fmt: skip
    """Inputs of a plan under the override that is in force at its moment.

    Parameters and errors are those of `free_inputs`.
    """
    moment = now if at is None else at
    inputs = free_inputs(config, at, now, soc_percent, tariff)
    stored = override_in_force(config.store.folder, moment.replace(microsecond=0))
    if stored is None or inputs.request.override is not None:
        return inputs
    unpriced = inputs if stored.cost_eur is None else None
    return replace(under(config, inputs, stored.override), unpriced=unpriced)


def free_inputs(
    config: "Config", at: datetime | None, now: datetime, soc_percent: float | None = None,
    tariff: "Tariff | None" = None,
) -> PlanInputs:  # fmt: skip
    """Inputs of a plan: from the store for a past moment without a state of charge, else gathered.

    Parameters
    ----------
    tariff
        Another tariff than the configured one; the spot prices then come from the sources.
    """
    # Whole seconds, as in the plan's JSON: the stored plan equals the one that was made.
    moment = (now if at is None else at).replace(microsecond=0)
    past = at is not None and moment <= now
    if past and soc_percent is None and tariff is None:
        return PlanInputs(*inputs_as_known(config.store.folder, moment), storable=False)
    if past and soc_percent is None:
        soc_percent = _noted_soc(config.store.folder, moment)
    request, steps, history = gather(config, moment, soc_percent, tariff, ahead=moment > now)
    outdated = moment < now - QUARTER and steps[-1].end > now
    if outdated:
        note = "made for a past moment, reaching into the present: the plan is not stored"
        request = replace(request, notes=(*request.notes, note))
    return PlanInputs(request, steps, storable=not outdated, history=history)


def solve(inputs: PlanInputs) -> "tuple[Plan, RunRecord]":
    """Make the plan of some inputs, and the record that repeats it."""
    from optimizer.planning.planner import make_plan

    plan = make_plan(inputs.steps, inputs.request, time.perf_counter)
    return plan, run_record_of(plan, inputs.request, inputs.steps)


def run_record_of(
    plan: "Plan", request: "PlanRequest", steps: "tuple[ForecastStep, ...]"
) -> "RunRecord":
    """The record of a planning run: inputs, duration and versions."""
    import platform
    from importlib.metadata import version

    from optimizer import __version__
    from optimizer.planning.run_record import RunRecord, Versions

    versions = Versions(__version__, platform.python_version(), version("pulp"), plan.solver)
    return RunRecord(request, steps, plan.solve_s, versions)


def store_run(
    folder: Path, plan: "Plan", run: "RunRecord", now: datetime,
    taken: "StoredOverride | None" = None, price_eur: float | None = None,
) -> None:  # fmt: skip
    """Store a plan with the record of its run, the override that it is the first of, or a price."""
    from optimizer.planning import run_record
    from optimizer.store import database, plan_store

    with closing(database.connect(folder)) as connection:
        plan_store.save(connection, plan, run_record.to_json(run), now, taken, price_eur)


def gather(
    config: "Config", at: datetime, soc_percent: float | None, tariff: "Tariff | None" = None, *,
    ahead: bool = False,
) -> "tuple[PlanRequest, tuple[ForecastStep, ...], pd.DataFrame | None]":  # fmt: skip
    """Inputs of a plan from the sources, and from the FEMS where its state of charge is needed.

    The third is the measured past of the load.

    Parameters
    ----------
    ahead
        Take the state of charge of a moment to come from the plan in force.
    """
    from optimizer.app import forecast_inputs
    from optimizer.model.grid import Rule
    from optimizer.planning.arrays import forecast_steps
    from optimizer.planning.planner import PlanRequest

    known: list[str] = []
    if soc_percent is None and ahead:
        soc_percent, note = _planned_soc(config.store.folder, at, config.battery.capacity_wh)
        known.append(note)
    inputs = forecast_inputs.forecast(config, at, tariff)
    if soc_percent is None:
        with client_of(config) as client:
            soc_percent = client.soc()
            battery, more = battery_of(config, client)
    else:
        battery, more = battery_of(config, None)
    steps, grid = forecast_steps(inputs.frame, config.money.size), config.connection
    if not inputs.prices.grid_charging and grid.rule.grid_charging:
        grid = replace(grid, rule=Rule.PV_ONLY)
    chosen = config.tariff if tariff is None else tariff
    request = PlanRequest(
        made_at=at,
        site=config.site,
        battery=battery,
        grid=grid,
        soc_percent=soc_percent,
        notes=(*inputs.notes, *more, *known),
        peak=None if chosen is None else _with_metered_peak(chosen.peak, config, at),
        last_full_charge=_last_full_charge(config),
        spread=inputs.spread,
        pv_days=inputs.pv_days,
        time_zone=config.zone.key,
        step_s=60 * config.planning.step_minutes,
        calm_eur=config.planning.calm_eur,
        currency=config.money.code,
    )
    return _with_end_value(request, config, steps, inputs), steps, inputs.history


def _with_metered_peak(peak: "Peak | None", config: "Config", at: datetime) -> "Peak | None":
    """The peak's price with the highest quarter-hour that the executor has metered so far."""
    from optimizer.store import quarter_record, reading

    if peak is None:
        return peak
    begin = peak.period_begin(at)
    with closing(reading.reader_or_empty(config.store.folder)) as connection:
        quarters = quarter_record.between(connection, begin, at)
    highest_w = max((q.drawn_wh / 0.25 for q in quarters if peak.counts(q.start)), default=0.0)
    return replace(peak, reached_w=max(peak.reached_w, highest_w))


def _with_end_value(
    request: "PlanRequest", config: "Config", steps: "tuple[ForecastStep, ...]",
    inputs: "ForecastInputs",
) -> "PlanRequest":  # fmt: skip
    """The request with the value of the energy left at the plan's end."""
    from optimizer.app import forecast_inputs
    from optimizer.planning.arrays import forecast_steps

    stored, tail = config.planning.stored_value, inputs.prices.tail
    if stored != "auto":
        return replace(request, stored_value=stored)
    notes = (*request.notes, *forecast_inputs.outlook_notes(steps[-1].end, tail, config.money))
    if inputs.beyond is not None:
        beyond = forecast_steps(inputs.beyond, config.money.size)
        return replace(request, beyond=beyond, notes=notes)
    if tail is None:
        return request
    mean_value = forecast_inputs.mean_value(steps, tail, request.battery, config.money.size)
    return replace(request, stored_value=mean_value, notes=notes)


def _last_full_charge(config: "Config") -> datetime | None:
    """Moment of the journal's last full charge, where the owner asks for full charges."""
    from optimizer.store import journal, reading

    if not config.battery.full_charge_every_days:
        return None
    with closing(reading.reader_or_empty(config.store.folder)) as connection:
        return journal.last_full(connection)


def inputs_as_known(folder: Path, at: datetime) -> "tuple[PlanRequest, tuple[ForecastStep, ...]]":
    """Inputs of a plan for a past moment: forecast, battery and charge as known then.

    The step that ran at that moment is planned from that moment on.

    Raises
    ------
    UsageError
        If the store does not know that moment.
    """
    from optimizer.planning.planner import nominal_step_s
    from optimizer.store import reading

    with closing(reading.reader_or_empty(folder)) as connection:
        run = _run_before(connection, at)
        soc_percent, known = _soc_then(connection, run, at)
    steps = _steps_from(run, at)
    notes = (
        *run.request.notes,
        f"looked back: forecast, battery and limits as known in the run of "
        f"{iso(run.request.made_at)}, {known}; the plan is not stored",
    )
    step_s = nominal_step_s(run.steps, run.request)
    request = replace(run.request, made_at=at, soc_percent=soc_percent, notes=notes, step_s=step_s)
    return request, steps


def steps_as_known(folder: Path, at: datetime) -> "tuple[ForecastStep, ...]":
    """The forecast from a past moment on, as known then.

    Raises
    ------
    UsageError
        If the store does not know that moment.
    """
    from optimizer.store import reading

    with closing(reading.reader_or_empty(folder)) as connection:
        run = _run_before(connection, at)
    return _steps_from(run, at)


def _run_before(connection: "sqlite3.Connection", at: datetime) -> "RunRecord":
    """The last run made at or before a moment."""
    from optimizer.planning import run_record
    from optimizer.store import plan_store

    number = plan_store.last_before(connection, at)
    if number is None:
        raise UsageError(f"no planning run made at or before {iso(at)} is stored")
    return run_record.from_json(plan_store.run_of(connection, number))


def _steps_from(run: "RunRecord", at: datetime) -> "tuple[ForecastStep, ...]":
    """The run's steps from a moment on, the first one cut."""
    steps = tuple(replace(step, start=max(step.start, at)) for step in run.steps if step.end > at)
    if not steps:
        made = iso(run.request.made_at)
        raise UsageError(f"the forecast known at {iso(at)}, of {made}, ends before")
    return steps


def _soc_then(
    connection: "sqlite3.Connection", run: "RunRecord", at: datetime
) -> tuple[float, str]:
    """State of charge at a past moment [%] and its origin: the journal, or the run itself."""
    noted = _journal_soc(connection, at)
    if noted is not None:
        return noted[0], f"state of charge {noted[0]:.0f} % by the journal of {iso(noted[1])}"
    if at - run.request.made_at <= SOC_AGE_LIMIT:
        return run.request.soc_percent, f"state of charge {run.request.soc_percent:.0f} % too"
    raise UsageError(f"the journal does not know the state of charge at {iso(at)}")


def _journal_soc(connection: "sqlite3.Connection", at: datetime) -> tuple[float, datetime] | None:
    """State of charge that the journal has for a moment [%], and when it was noted."""
    from optimizer.store import journal

    noted = journal.soc_before(connection, at)
    return noted if noted is not None and at - noted[1] <= SOC_AGE_LIMIT else None


def _noted_soc(folder: Path, at: datetime) -> float:
    """State of charge at a past moment by the journal [%]."""
    from optimizer.store import reading

    with closing(reading.reader_or_empty(folder)) as connection:
        noted = _journal_soc(connection, at)
    if noted is None:
        raise UsageError(f"the journal does not know the state of charge at {iso(at)}")
    return noted[0]


def _planned_soc(folder: Path, at: datetime, capacity_wh: float) -> tuple[float, str]:
    """State of charge of the plan in force at a moment to come [%], and a note."""
    from optimizer.store import plan_store, reading

    with closing(reading.reader_or_empty(folder)) as connection:
        try:
            plan = plan_store.in_force(connection, at)
        except NoPlanError as error:
            raise UsageError(f"{iso(at)} is still to come and no plan covers it") from error
    soc_wh = plan.soc_wh_at(at, capacity_wh)
    assert soc_wh is not None  # noqa: S101 a plan in force covers the moment
    soc_percent = 100 * soc_wh / capacity_wh
    note = f"state of charge {soc_percent:.0f} % as in the plan of {iso(plan.made_at)}"
    return round(soc_percent, 4), note
