"""What the doctor has to know of house and roof, unpacked for it."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from optimizer.analysis import doctor_house, doctor_learned
from optimizer.analysis.finding import Finding
from optimizer.errors import ConfigError
from optimizer.forecast import load as load_forecast
from optimizer.forecast import roof as roof_forecast
from optimizer.sources import registry
from optimizer.sources.settings import Span

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.cli.house import Near
    from optimizer.config.sections import Config


def house_sources(config: "Config", now: datetime) -> Iterator[Finding]:
    """Ask the sources of load and roof."""
    from optimizer.cli import house

    with house.near(config, now) as at_hand:
        finding, history = _load(config, at_hand)
        yield finding
        if config.pv.source != "none":
            yield from _roof(config, history, at_hand)


def _load(config: "Config", at_hand: "Near") -> "tuple[Finding, pd.DataFrame | None]":
    name, now = config.load.source, at_hand.now
    if name == "profile":
        return doctor_learned.standard(config.load.annual_kwh), None
    span = Span(now - load_forecast.REACH, now, at_hand.zone)
    try:
        source = registry.find(registry.LOAD, name, "load")
    except ConfigError as error:
        return doctor_house.SOURCES.error("load", error), None
    ask = partial(source.fetch, at_hand.settings, span, at_hand.http)
    if name == "csv":
        return doctor_house.source("load", name, ask, now), None
    return doctor_learned.past(
        name, ask, load_forecast.clean, now, at_hand.zone, source.licence,
        own_file=not source.kept,
    )  # fmt: skip


def _roof(config: "Config", history: "pd.DataFrame | None", at_hand: "Near") -> Iterator[Finding]:
    from optimizer.cli.house import measured_roof, place_of

    name, now = config.pv.source, at_hand.now
    try:
        source = registry.find(registry.ROOF, name, "pv")
    except ConfigError as error:
        yield doctor_house.SOURCES.error("roof", error)
        return
    span = Span(now, now + doctor_learned.HOUR * config.planning.horizon_h, at_hand.zone)
    ask = partial(source.fetch, config.pv.settings(), span, at_hand.http)
    if not source.kept:
        yield doctor_house.source("roof", name, ask, now)
        return
    seen = measured_roof(history)
    correct = None if seen is None else (
        lambda told: roof_forecast.learn(told, seen, now, place_of(config))
    )  # fmt: skip
    licence = ": ".join(filter(None, (source.licence, source.attribution)))
    yield from doctor_learned.roof(name, ask, correct, now, at_hand.zone, licence)
