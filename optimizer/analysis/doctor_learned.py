"""The doctor on what forecasts are learned from: the house's past, and the roof's service."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.analysis.doctor_house import SOURCES
from optimizer.analysis.finding import Finding, Level
from optimizer.errors import ConfigError, OptimizerError

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.forecast.roof import Correction

OLD = timedelta(hours=6)
WANTED_DAYS = 14
LEAST_AHEAD = timedelta(hours=12)
HOUR = timedelta(hours=1)
SHOWN_HOURS = (7, 11, 15)


def standard(annual_kwh: float) -> Finding:
    """Nothing is learned on purpose."""
    return SOURCES.ok(
        "load", f"profile: a standard household of {annual_kwh:.0f} kWh a year (BDEW H25)"
    )


def past(
    name: str, fetch: "Callable[[], pd.DataFrame]", clean: "Callable[[pd.DataFrame], pd.DataFrame]",
    now: datetime, zone: ZoneInfo, licence: str, *, own_file: bool,
) -> "tuple[Finding, pd.DataFrame | None]":  # fmt: skip
    """Ask a source for the house's past; its answer comes back too.

    Parameters
    ----------
    clean
        Leaves out what no forecast is learned from: dropouts of the meter.
    own_file
        Whether it is a file of the owner's own: a fault of it ends planning.
    """
    try:
        frame = fetch()
    except OptimizerError as error:
        ends = own_file or isinstance(error, ConfigError)
        found = SOURCES.error("load", error, Level.FAIL if ends else Level.WARN)
        if ends:
            return found, None
        cure = "; until then plans use what it told before, the journal or the standard household"
        return replace(found, cure=found.cure + cure), None
    begin, end = frame.index[0].to_pydatetime(), frame["end"].iloc[-1].to_pydatetime()
    known, whole = clean(frame), (end - begin) / HOUR
    hours = (known["end"] - known.index.to_series()).dt.total_seconds().sum() / 3600
    step = (frame["end"].iloc[0] - frame.index[0]) / timedelta(minutes=1)
    text = (
        f"{name}: {hours / 24:.1f} days in steps of {step:g} min, {_at(begin, zone)} to "
        f"{_at(end, zone)}, {_missing(whole - hours)}"
    )
    if now - end > OLD:
        text = f"{text}: the newest value is {(now - end) / HOUR:.0f} h old"
        return SOURCES.warn("load", text, "look why nothing new comes"), frame
    if hours < WANTED_DAYS * 24:
        text = f"{text}: fewer than {WANTED_DAYS} days, the standard household fills in"
        return SOURCES.warn("load", text, "set load.annual_kwh and wait"), frame
    return SOURCES.ok("load", f"{text}; {licence}"), frame


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d.%m. %H:%M}"


def _missing(hours: float) -> str:
    return "no holes" if hours < 0.01 else f"{hours:.1f} h missing"


def roof(
    name: str, fetch: "Callable[[], pd.DataFrame]",
    correct: "Callable[[pd.DataFrame], Correction] | None", now: datetime, zone: ZoneInfo,
    licence: str,
) -> Iterator[Finding]:  # fmt: skip
    """Ask the roof's service, and say what was learned of the roof.

    Parameters
    ----------
    correct
        Learns from an answer; None where nothing is known of the roof's past.
    """
    try:
        frame = fetch()
    except OptimizerError as error:
        ends = correct is None or isinstance(error, ConfigError)
        found = SOURCES.error("roof", error, Level.FAIL if ends else Level.WARN)
        cure = "" if ends else "; until then plans use what it told before, or the roof's own mean"
        yield replace(found, cure=found.cure + cure)
        return
    ahead = frame[frame["end"] > now]
    left = (frame["end"].iloc[-1].to_pydatetime() - now) / HOUR
    hours = (ahead["end"] - ahead.index.to_series()).dt.total_seconds() / 3600
    kwh = (ahead["pv_w"] * hours).sum() / 1000
    step = (frame["end"].iloc[0] - frame.index[0]) / timedelta(minutes=1)
    text = f"{name}: steps of {step:g} min, {left:.0f} h ahead with {kwh:.1f} kWh"
    if ahead.empty or left < LEAST_AHEAD / HOUR:
        yield SOURCES.warn("roof", f"{text}: too short for a plan", "try again later")
    else:
        yield SOURCES.ok("roof", f"{text}; {licence}")
    if correct is not None:
        yield _learned(correct(frame))


def _learned(learned: "Correction") -> Finding:
    """The roof's correction in words."""
    if learned.days < 1:
        return SOURCES.ok(
            "roof correction",
            "nothing learned yet: the service's past words or the roof's own past are missing",
        )
    shown = ", ".join(f"{learned.factors[hour]:.2f} ({hour} h UTC)" for hour in SHOWN_HOURS)
    return SOURCES.ok(
        "roof correction",
        f"{learned.whole:.2f} on the whole; by hour {shown}; from {learned.days:.0f} days",
    )
