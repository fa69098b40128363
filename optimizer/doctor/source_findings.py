"""Findings about sources: prices, measured load, PV forecast."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.doctor.finding import Finding, Level
from optimizer.doctor.house_findings import SOURCES
from optimizer.errors import ConfigError, ExitCode, OptimizerError
from optimizer.forecast import plausible_sizes
from optimizer.model import frames

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.forecast.pv_forecast import Correction


PRICES = "prices"
NET = "net, of the exchange"
STATED = "net, your own price"


@dataclass(frozen=True, slots=True)
class AskedSource:
    """A source of the chain, with the function that asks it."""

    ask: "Callable[[], pd.DataFrame]"
    licence: str
    kept_days: int = 0
    """Days of its prices in the store."""


def sources(
    chain: Mapping[str, AskedSource],
    now: datetime,
    expected: datetime,
    zone: ZoneInfo,
    *,
    stated: bool,
) -> Iterator[Finding]:
    """One finding a source; a failure only if none of them knows the present price.

    Parameters
    ----------
    expected
        End of the prices that should be published now.
    stated
        True where the owner has stated the parts that are added to a net price.
    """
    found = [_source(name, asked, now, expected, zone) for name, asked in chain.items()]
    useful = any(covers for _, covers in found)
    for item, _ in found:
        if item.level is Level.WARN and not useful:
            code = item.exit_code or ExitCode.BAD_DATA
            yield replace(item, level=Level.FAIL, exit_code=code)
        else:
            yield replace(item, exit_code=ExitCode.OK)
    nets = [item.text for item, covers in found if covers and "; net, " in item.text]
    if not stated and nets:
        yield SOURCES.warn(
            PRICES, "[tariff] does not say what is added to net prices: nothing is "
            "charged from the grid", "state markup, levies, tax, grid fee and VAT, see README",
        )  # fmt: skip


def _source(
    name: str, asked: AskedSource, now: datetime, expected: datetime, zone: ZoneInfo
) -> tuple[Finding, bool]:
    """The finding, and True where the source knows the present price."""
    try:
        frame = asked.ask()
    except ConfigError as error:
        text = str(error).removeprefix("prices: ")
        item = SOURCES.warn(PRICES, text, "look at section [prices]")
        return replace(item, exit_code=error.exit_code), False
    except OptimizerError as error:
        kept = f" ({asked.kept_days} days of it are kept)" if asked.kept_days else ""
        item = SOURCES.error(PRICES, error, Level.WARN)
        text = f"{name}: {item.text}{kept}"
        return replace(item, text=text, exit_code=error.exit_code), False
    starts, ends = frames.starts_of(frame), frames.ends_of(frame)
    first, end = (at.astimezone(zone) for at in (starts[0], ends[-1]))
    step = (ends[0] - starts[0]) / timedelta(minutes=1)
    gaps = sum(after > before for before, after in zip(ends, starts[1:], strict=False))
    kind = "all-in" if "buy_eur_per_kwh" in frame.columns else NET
    kind = STATED if "energy_eur_per_kwh" in frame.columns else kind
    text = (
        f"{name}: {len(frame)} steps of {step:g} min, {first:%d.%m. %H:%M} to "
        f"{end:%d.%m. %H:%M}, {gaps or 'no'} gaps; {kind}; {asked.licence}"
    )
    if not first <= now < end:
        return SOURCES.warn(
            PRICES, f"{text}: the present is not in it", "bring it up to date"
        ), False
    if end < expected:
        words = "the prices up to then are not there yet"
        return SOURCES.warn(
            PRICES, f"{text}: {expected.astimezone(zone):%d.%m. %H:%M} was expected",
            f"{words}; the next source of the chain is asked for them",
        ), True  # fmt: skip
    ahead = (end - now) / timedelta(hours=1)
    return SOURCES.ok(PRICES, f"{text}; {ahead:.0f} h ahead"), True


OLD = timedelta(hours=6)
WANTED_DAYS = 14
LEAST_AHEAD = timedelta(hours=12)
HOUR = timedelta(hours=1)
SHOWN_HOURS = (9, 13, 17)
"""Local hours for which the learned correction is named."""


def standard(annual_kwh: float) -> Finding:
    """Finding for the standard profile, from which nothing is learned."""
    return SOURCES.ok(
        "load", f"profile: a standard household of {annual_kwh:.0f} kWh a year (BDEW H25)"
    )


def past(
    name: str, fetch: "Callable[[], pd.DataFrame]", clean: "Callable[[pd.DataFrame], pd.DataFrame]",
    now: datetime, zone: ZoneInfo, licence: str, *, own_file: bool,
) -> "tuple[Finding, pd.DataFrame | None]":  # fmt: skip
    """Ask a source for the measured past of the house, and return its answer too.

    Parameters
    ----------
    clean
        Removes values that no forecast is learned from: dropouts of the meter.
    own_file
        True for a file of the owner: its fault ends planning.
    """
    try:
        frame = fetch()
    except OptimizerError as error:
        ends = own_file or isinstance(error, ConfigError)
        found = SOURCES.error("load", error, Level.FAIL if ends else Level.WARN)
        if ends:
            return found, None
        fix = "; until then plans use its earlier answers, the journal or the standard household"
        return replace(found, fix=found.fix + fix), None
    begin, end = frame.index[0].to_pydatetime(), frame["end"].iloc[-1].to_pydatetime()
    known, whole = clean(frame), (end - begin) / HOUR
    hours = (known["end"] - known.index.to_series()).dt.total_seconds().sum() / 3600
    step = (frame["end"].iloc[0] - frame.index[0]) / timedelta(minutes=1)
    text = (
        f"{name}: {hours / 24:.1f} days in steps of {step:g} min, {_at(begin, zone)} to "
        f"{_at(end, zone)}, {_missing(whole - hours)}"
    )
    sizes = plausible_sizes.warnings(known[["end", "load_w"]])
    if sizes:
        return SOURCES.warn("load", f"{text}: {sizes[0]}", "look at 'optimizer read load'"), frame
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


def pv(
    name: str, fetch: "Callable[[], pd.DataFrame]",
    correct: "Callable[[pd.DataFrame], Correction] | None", now: datetime, zone: ZoneInfo,
    licence: str,
) -> Iterator[Finding]:  # fmt: skip
    """Ask the PV service, and report the correction that was learned.

    Parameters
    ----------
    correct
        Learns a correction from an answer; None where no measured PV is known.
    """
    try:
        frame = fetch()
    except OptimizerError as error:
        ends = correct is None or isinstance(error, ConfigError)
        found = SOURCES.error("roof", error, Level.FAIL if ends else Level.WARN)
        fix = "" if ends else "; until then plans use its earlier answers, or the roof's own mean"
        yield replace(found, fix=found.fix + fix)
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
        yield _learned(correct(frame), now.astimezone(zone).utcoffset())


def _learned(learned: "Correction", offset: timedelta | None) -> Finding:
    """The correction of the PV forecast, as words."""
    if learned.days < 1:
        return SOURCES.ok(
            "roof correction",
            "nothing learned yet: the service's past words or the roof's own past are missing",
        )
    ahead = round((offset or timedelta(0)) / HOUR)
    shown = ", ".join(
        f"{learned.factors[(hour - ahead) % 24]:.2f} ({hour} h)" for hour in SHOWN_HOURS
    )
    return SOURCES.ok(
        "roof correction",
        f"{learned.whole:.2f} on the whole; by hour {shown}; from {learned.days:.0f} days",
    )
