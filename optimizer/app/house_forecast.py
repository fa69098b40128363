"""Load and PV forecast of the configured house.

A plan does not depend on an answer of any service or device: earlier answers stand in for a source
that fails, then the house's own past, and a note says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.errors import ConfigError, DataError, OptimizerError
from optimizer.forecast import (
    load_faults,
    load_forecast,
    load_ratios,
    plausible_sizes,
    pv_forecast,
)
from optimizer.forecast.forecast_frame import ExpectedSeries
from optimizer.http.failures import NotPublishedError
from optimizer.http.service_client import ServiceClient
from optimizer.model.load_spread import LoadSpread
from optimizer.model.override import OverrideKind
from optimizer.model.pv_days import PvDays
from optimizer.sources import registry
from optimizer.sources.cached_source import CachedSources, SourceResult
from optimizer.sources.registry import S, Source
from optimizer.sources.source_settings import LoadSettings, PvSettings, Span
from optimizer.store import database, overrides

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.config.sections import Config
    from optimizer.fems.jsonrpc import JsonRpcClient


@dataclass(frozen=True, slots=True)
class SourceContext(CachedSources):
    """Access to the sources of one house at one moment."""

    zone: ZoneInfo
    settings: LoadSettings
    """Of the load source, with device and journal."""


@contextmanager
def source_context(
    config: "Config", now: datetime, http: ServiceClient | None = None, *, create: bool = False
) -> Iterator[SourceContext]:
    """Open device and store; a store that cannot be used is None.

    Parameters
    ----------
    create
        Create a store that does not exist.
    """
    store = None
    with ExitStack() as stack:
        rpc = stack.enter_context(_rpc(config)) if config.load.source == "fems" else None
        if create or (config.store.folder / database.FILE_NAME).exists():
            with suppress(DataError):
                store = stack.enter_context(closing(database.connect(config.store.folder)))
        settings = LoadSettings.of(config.load, rpc, store)
        yield SourceContext(http or ServiceClient(), store, now, config.zone, settings)


def _rpc(config: "Config") -> "JsonRpcClient":
    from optimizer.fems.jsonrpc import JsonRpcClient  # imports `requests`

    fems = config.fems
    return JsonRpcClient(fems.url, fems.password.get_secret_value(), fems.jsonrpc_port)


@dataclass(frozen=True, slots=True)
class HouseForecast:
    """Load and PV of a plan."""

    load: "pd.DataFrame"
    pv: "pd.DataFrame | None"
    history: "pd.DataFrame | None"
    """The measured past: `load_w`, and `pv_w` and `grid_w` where known; None if unknown."""
    notes: tuple[str, ...]
    spread: LoadSpread | None = None
    """Ratios of load to its forecast; None where too little is known of the house."""
    pv_days: PvDays | None = None
    """Days of less and of more PV energy; None where the forecast counts as certain."""


def house_forecast(
    config: "Config", begin: datetime, end: datetime, context: SourceContext,
    planned_to: datetime | None = None,
) -> HouseForecast:  # fmt: skip
    """Load and PV from `begin` (just before now) to `end`; the plan ends at `planned_to`.

    Raises
    ------
    ConfigError, DataError
        If a setting or a file has to be mended, or nothing at all is known of the PV power.
    """
    reported, notes = past(config, context)
    away = stated_absences(context)
    load, history = _load(config, reported, begin, end, context, away)
    notes += load.notes
    step = timedelta(minutes=config.planning.step_minutes)
    at_home = None if history is None else load_faults.outside(history, away)
    spread = load_ratios.spread_of(at_home, context.now, context.zone, step, most_load_w(config))
    if config.pv.source == "none":
        return HouseForecast(load.frame, None, history, notes, spread)
    pv, days = _pv(config, history, (begin, planned_to or end, end), context)
    return HouseForecast(load.frame, pv.frame, history, notes + pv.notes, spread, days)


def _asked(
    kind: Mapping[str, Source[S]], name: str, settings: S, span: Span, context: SourceContext
) -> SourceResult:
    """Ask a source; a fault that only the owner can mend is raised.

    Raises
    ------
    ConfigError
        If a setting is wrong.
    DataError
        If a file of the owner's is rejected.
    """
    found = context.ask(kind, name, settings, span)
    error = found.failure
    own_file = not kind[name].kept and not isinstance(error, NotPublishedError)
    if error is not None and (own_file or isinstance(error, ConfigError)):
        raise error
    return found


def past(config: "Config", context: SourceContext) -> tuple[SourceResult, tuple[str, ...]]:
    """The load source's answer, or its stand-in, and notes."""
    name, now = config.load.source, context.now
    if name == "profile":
        return SourceResult(None), ()
    span = Span(now - load_forecast.REACH, now, context.zone)
    reported = _asked(registry.LOAD, name, context.settings, span, context)
    if reported.failure is None:
        return reported, tuple(f"load: {text}" for text in reported.notes)
    failure = str(reported.failure).rstrip(".")
    stand_ins = {} if reported.frame is None else {"its earlier answers": reported.frame}
    with suppress(OptimizerError):
        journal = registry.LOAD["journal"].fetch(context.settings, span, context.http)
        stand_ins["the executor's journal"] = journal
    if not stand_ins:
        return reported, (f"load: {failure}",)
    best = max(stand_ins, key=lambda name: len(stand_ins[name]))
    frame = stand_ins[best]
    until = frame["end"].iloc[-1].astimezone(context.zone)
    text = f"load: {failure}; learned from {best}, known to {until:%d.%m. %H:%M}"
    return replace(reported, frame=frame), (text,)


def stated_absences(context: SourceContext) -> tuple[tuple[datetime, datetime], ...]:
    """Spans of the last weeks in which nobody was at home by the owner's override `away`."""
    if context.store is None:
        return ()
    known = overrides.between(context.store, context.now - load_forecast.REACH, context.now)
    return tuple(
        (stored.override.since, stored.end())
        for stored in known
        if stored.override.kind is OverrideKind.AWAY
    )


def _load(
    config: "Config", reported: SourceResult, begin: datetime, end: datetime,
    context: SourceContext, away: Sequence[tuple[datetime, datetime]],
) -> "tuple[ExpectedSeries, pd.DataFrame | None]":  # fmt: skip
    """The load forecast, and the past that it was learned from."""
    history, now = reported.frame, context.now
    notes: tuple[str, ...] = ()
    if config.load.source == "csv" and history is not None:
        known = history["end"].iloc[-1]
        if not now - load_forecast.REACH < known < now + load_forecast.AHEAD:
            return ExpectedSeries(history), None  # a forecast, or of another time and refused later
        text = f"{config.load.file} ends {known.astimezone(context.zone):%d.%m. %H:%M}"
        notes = (f"load: {text}: taken as the past that the forecast is learned from",)
    learned_from = None if history is None else load_faults.outside(history, away)
    made = load_forecast.load_forecast(
        learned_from, begin, end, now, context.zone, config.load.annual_kwh, most_load_w(config)
    )
    sizes = () if history is None else plausible_sizes.warnings(history[["end", "load_w"]])
    notes += tuple(f"load: {text}" for text in sizes)
    return replace(made, notes=notes + made.notes), history


def most_load_w(config: "Config") -> float:
    """Highest load that connection, battery and PV can carry together [W]."""
    pv_w = 0.0 if config.pv.source == "none" else config.pv.inverter_w
    return config.grid.max_buy_w + config.battery.max_discharge_w + pv_w


def _pv(
    config: "Config", history: "pd.DataFrame | None", times: tuple[datetime, datetime, datetime],
    context: SourceContext,
) -> tuple[ExpectedSeries, PvDays | None]:  # fmt: skip
    """The PV forecast, and the kinds of days with their likelihood; a file counts as certain."""
    name, pv, now, (begin, planned_to, end) = config.pv.source, config.pv, context.now, times
    span = Span(now, end, context.zone)
    reported = _asked(registry.PV, name, pv, span, context)
    if name == "csv" and reported.frame is not None:
        return ExpectedSeries(reported.frame), None
    measured, place = measured_pv(history), place_of(config)
    notes = (f"roof: {str(reported.failure).rstrip('.')}",) if reported.failure else ()
    try:
        made = pv_forecast.pv_forecast(
            reported.frame, measured, begin, end, now, place, correct=pv.learn,
            planned_to=planned_to,
        )  # fmt: skip
    except DataError as error:
        raise DataError("; ".join([*notes, str(error).removeprefix("roof: ")])) from error
    days = _kinds(pv, reported.frame, measured, context, place)
    so_far = () if days is None else pv_forecast.notes(days)
    return replace(made, notes=notes + made.notes + so_far), days


def _kinds(
    pv: PvSettings, reported: "pd.DataFrame | None", measured: "pd.DataFrame | None",
    context: SourceContext, place: pv_forecast.PvSite,
) -> PvDays | None:  # fmt: skip
    """Likelihood of the kinds of days, by the PV power so far; None where that is switched off."""
    if not pv.day_states:
        return None
    if reported is None or measured is None:
        return PvDays(context.zone.key)
    now, zone = context.now, context.zone.key
    return pv_forecast.kinds(reported, measured, now, place, zone, correct=pv.learn)


def measured_pv(history: "pd.DataFrame | None") -> "pd.DataFrame | None":
    """The measured PV power, where the house's past contains it."""
    if history is None or "pv_w" not in history.columns:
        return None
    known = history[history["pv_w"].notna()]
    return None if known.empty else known


def place_of(config: "Config") -> pv_forecast.PvSite:
    """Limits of the PV power."""
    pv = config.pv
    return pv_forecast.PvSite(pv.inverter_w, config.connection, pv.latitude, pv.longitude, pv.kwp)
