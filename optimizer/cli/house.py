"""From the configuration to what house and roof will do.

Neither services nor devices have to answer for a plan to come: what does not answer is replaced by
what it told before, then by what the house itself did before, and the owner is told.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.errors import DataError, OptimizerError
from optimizer.forecast import hindcast, roof_today
from optimizer.forecast import load as load_forecast
from optimizer.forecast import roof as roof_forecast
from optimizer.forecast.expected import Expected
from optimizer.model.roof_days import RoofDays
from optimizer.model.spread import LoadSpread
from optimizer.sources import asking, registry
from optimizer.sources.asking import Memory, Told
from optimizer.sources.http import Http
from optimizer.sources.settings import LoadSettings, Span
from optimizer.store import database

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.config.house import Pv
    from optimizer.config.sections import Config

PAST = ("load_w", "pv_w", "grid_w")


@dataclass(frozen=True, slots=True)
class Near:
    """What lies at hand: services, device, store, the moment."""

    http: Http
    zone: ZoneInfo
    settings: LoadSettings
    """Of the load source, with device and journal."""
    memory: Memory

    @property
    def now(self) -> datetime:
        """The moment that everything is asked for."""
        return self.memory.now


@contextmanager
def near(config: "Config", now: datetime, http: Http | None = None) -> Iterator[Near]:
    """Open what is there; a store that is not there or cannot be used is none."""
    from optimizer.cli.output import zone_of
    from optimizer.fems.jsonrpc import JsonRpc

    fems, store = config.fems, None
    with ExitStack() as stack:
        password = fems.password.get_secret_value()
        rpc = stack.enter_context(JsonRpc(fems.url, password, fems.jsonrpc_port))
        if (config.store.folder / database.FILE_NAME).exists():
            try:
                store = database.connect(config.store.folder)
                stack.callback(store.close)
            except DataError:
                store = None
        settings = replace(config.load.settings(), rpc=rpc, journal=store)
        yield Near(http or Http(), zone_of(config), settings, Memory(store, now))


@dataclass(frozen=True, slots=True)
class House:
    """What the planner is told of house and roof."""

    load: "pd.DataFrame"
    roof: "pd.DataFrame | None"
    history: "pd.DataFrame | None"
    """The house's past, where it is known: `load_w`, perhaps `pv_w` and `grid_w`."""
    notes: tuple[str, ...]
    spread: LoadSpread | None = None
    """How far the house strays from its forecast; None where too little is known of it."""
    roof_days: RoofDays | None = None
    """Days of less and of more roof; None where its forecast is taken at its word."""


def house(
    config: "Config", begin: datetime, end: datetime, at_hand: Near,
    planned_to: datetime | None = None,
) -> House:  # fmt: skip
    """Load and roof from `begin` (just before now) to `end`; the plan ends at `planned_to`."""
    told, notes = past(config, at_hand)
    load, history = _load(config, told, begin, end, at_hand)
    notes += load.notes
    step = timedelta(minutes=config.planning.step_minutes)
    spread = hindcast.spread_of(history, at_hand.now, at_hand.zone, step)
    if config.pv.source == "none":
        return House(load.frame, None, history, notes, spread)
    roof, days = _roof(config, history, (begin, planned_to or end, end), at_hand)
    return House(load.frame, roof.frame, history, notes + roof.notes, spread, days)


def past(config: "Config", at_hand: Near) -> tuple[Told, tuple[str, ...]]:
    """The load source's answer, or what stands in for it, and notes."""
    name, now = config.load.source, at_hand.now
    if name == "profile":
        return Told(None), ()
    span = Span(now - load_forecast.REACH, now, at_hand.zone)
    told = asking.ask(
        registry.LOAD, name, at_hand.settings, span, at_hand.http, at_hand.memory, PAST
    )
    if not told.failure:
        return told, ()
    frames = {"what it told before": told.frame, "the executor's journal": _journal(at_hand, span)}
    best = asking.instead(frames)
    if best is None:
        return told, (f"load: {told.failure}",)
    frame = frames[best]
    assert frame is not None  # noqa: S101 for the type checker
    until = frame["end"].iloc[-1].astimezone(at_hand.zone)
    text = f"load: {told.failure}; learned from {best}, known to {until:%d.%m. %H:%M}"
    return replace(told, frame=frame), (text,)


def _journal(at_hand: Near, span: Span) -> "pd.DataFrame | None":
    try:
        return registry.LOAD["journal"].fetch(at_hand.settings, span, at_hand.http)
    except OptimizerError:
        return None


def _load(
    config: "Config", told: Told, begin: datetime, end: datetime, at_hand: Near
) -> "tuple[Expected, pd.DataFrame | None]":
    """The load ahead, and the past that it was learned from."""
    history, now = told.frame, at_hand.now
    notes: tuple[str, ...] = ()
    if config.load.source == "csv" and history is not None:
        known = history["end"].iloc[-1]
        if not asking.ended(history, load_forecast.AHEAD, now):
            return Expected(history), None
        if known > now - load_forecast.REACH:
            text = f"{config.load.file} ends {known.astimezone(at_hand.zone):%d.%m. %H:%M}"
            notes = (f"load: {text}: taken as the past that the forecast is learned from",)
        else:
            return Expected(history), None  # of another time: the door says so
    made = load_forecast.expected(history, begin, end, now, at_hand.zone, config.load.annual_kwh)
    return replace(made, notes=notes + made.notes), history


def _roof(
    config: "Config", history: "pd.DataFrame | None", times: tuple[datetime, datetime, datetime],
    at_hand: Near,
) -> tuple[Expected, RoofDays | None]:  # fmt: skip
    """The roof ahead, and the kinds of days to reckon with; a file is taken at its word."""
    name, pv, now, (begin, planned_to, end) = config.pv.source, config.pv, at_hand.now, times
    span = Span(now, end, at_hand.zone)
    told = asking.ask(
        registry.ROOF, name, pv.settings(), span, at_hand.http, at_hand.memory, ("pv_w",)
    )
    if name == "csv" and told.frame is not None:
        return Expected(told.frame), None
    measured, place = measured_roof(history), place_of(config)
    notes = (f"roof: {told.failure}",) if told.failure else ()
    try:
        made = roof_forecast.expected(
            told.frame, measured, begin, end, now, place, correct=pv.learn, planned_to=planned_to
        )
    except DataError as error:
        raise DataError("; ".join([*notes, str(error).removeprefix("roof: ")])) from error
    days = _kinds(pv, told.frame, measured, at_hand, place)
    so_far = () if days is None else roof_today.notes(days)
    return replace(made, notes=notes + made.notes + so_far), days


def _kinds(
    pv: "Pv", told: "pd.DataFrame | None", measured: "pd.DataFrame | None", at_hand: Near,
    place: roof_forecast.Place,
) -> RoofDays | None:  # fmt: skip
    """What kind of day it is for the roof, so far; None where the owner does not want to know."""
    if not pv.day_states:
        return None
    if told is None or measured is None:
        return RoofDays(at_hand.zone.key)
    now, zone = at_hand.now, at_hand.zone.key
    return roof_today.kinds(told, measured, now, place, zone, correct=pv.learn)


def measured_roof(history: "pd.DataFrame | None") -> "pd.DataFrame | None":
    """The roof's own past, where the house's past tells it."""
    if history is None or "pv_w" not in history.columns:
        return None
    known = history[history["pv_w"].notna()]
    return None if known.empty else known


def place_of(config: "Config") -> roof_forecast.Place:
    """What bounds the roof."""
    pv, kwp = config.pv, sum(plane.kwp for plane in config.pv.planes)
    return roof_forecast.Place(
        pv.inverter_w, config.grid.max_sell_w, pv.latitude, pv.longitude, kwp
    )
