"""The doctor's questions to the configured sources of prices, load and PV."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from optimizer.app import forecast_inputs, house_forecast, price_now, series_reading
from optimizer.doctor import house_findings, source_findings
from optimizer.doctor.finding import Finding
from optimizer.errors import ConfigError, OptimizerError
from optimizer.forecast import load_faults, load_forecast, pv_forecast
from optimizer.sources import owner_table, price_chain, registry
from optimizer.sources.source_settings import Span

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.app.house_forecast import SourceContext
    from optimizer.config.sections import Config


def price_sources(config: "Config", now: datetime) -> Iterator[Finding]:
    """Ask each price source of the chain, for today and tomorrow."""
    span = forecast_inputs.span_of(config, now)
    with forecast_inputs.sources_of(config, now) as context:
        answers: list[pd.DataFrame] = []
        asked, chain = {}, forecast_inputs.chain_of(config, context)
        for name in config.prices.names:
            source = registry.PRICES.get(name)
            terms = [] if source is None else [source.licence, source.attribution]
            fetch = partial(
                registry.fetch, registry.PRICES, name, chain.settings, span, context.http
            )
            asked[name] = source_findings.AskedSource(
                partial(_remembered, fetch, answers),
                " - ".join(filter(None, terms)),
                chain.kept_days(name, span),
            )
        yield from source_findings.sources(
            asked, now, chain.expected_end(span), span.zone,
            stated=config.prices.all_in or (config.tariff is not None and config.tariff.stated),
        )  # fmt: skip
    yield from _price_now(config, answers, now)


def _remembered(
    fetch: "Callable[[], pd.DataFrame]", answers: "list[pd.DataFrame]"
) -> "pd.DataFrame":
    answers.append(fetch())
    return answers[-1]


def _price_now(config: "Config", answers: "list[pd.DataFrame]", now: datetime) -> Iterator[Finding]:
    """The price now by the first source that knows it; none where an answer was rejected."""
    stated = bool(config.prices.spot_sources)
    for answer in answers[:1] if stated else answers:
        with suppress(OptimizerError):
            exchange = answers[1:] if stated else []
            frame = price_chain.beside(answer, exchange[0]) if exchange else answer
            found = price_now.price_in(frame, config, now)
            if found is not None:
                yield found
                return


def house_sources(config: "Config", now: datetime) -> Iterator[Finding]:
    """Ask the sources of load and PV."""
    with house_forecast.source_context(config, now) as context:
        finding, history = _load(config, context)
        yield finding
        if config.pv.source != "none":
            yield from _pv(config, history, context)


def _load(config: "Config", context: "SourceContext") -> "tuple[Finding, pd.DataFrame | None]":
    name, now = config.load.source, context.now
    if name == "profile":
        return source_findings.standard(config.load.annual_kwh), None
    span = Span(now - load_forecast.REACH, now, context.zone)
    try:
        source = registry.find(registry.LOAD, name, "load")
    except ConfigError as error:
        return house_findings.SOURCES.error("load", error), None
    ask = partial(source.fetch, context.settings, span, context.http)
    words = _understood(config, "load")
    if name == "csv":
        return _with_words(house_findings.source("load", name, ask, now, context.zone), words), None
    clean = partial(load_faults.clean, most_w=house_forecast.most_load_w(config))
    finding, history = source_findings.past(
        name, ask, clean, now, context.zone, source.licence, own_file=not source.kept
    )
    return _with_words(finding, words), history


def _understood(config: "Config", kind: str) -> str:
    """Words of `optimizer read` about a table of the owner; empty for services and faults."""
    section = getattr(config, kind)
    if section.source not in series_reading.TABLES or section.file is None:
        return ""
    with suppress(OptimizerError):
        if kind == "pv":
            return owner_table.read_pv(section.file, config.zone, section.column).understood
        return owner_table.read_load(section.file, config.zone, section.column,
                                     grid_only=section.grid_only).understood  # fmt: skip
    return ""


def _with_words(finding: Finding, words: str) -> Finding:
    return replace(finding, text=f"{finding.text}; {words}") if words else finding


def _pv(
    config: "Config", history: "pd.DataFrame | None", context: "SourceContext"
) -> Iterator[Finding]:
    name, now = config.pv.source, context.now
    try:
        source = registry.find(registry.PV, name, "pv")
    except ConfigError as error:
        yield house_findings.SOURCES.error("roof", error)
        return
    span = Span(now, now + source_findings.HOUR * config.planning.horizon_h, context.zone)
    ask = partial(source.fetch, config.pv, span, context.http)
    if not source.kept:
        found = house_findings.source("roof", name, ask, now, context.zone)
        yield _with_words(found, _understood(config, "pv"))
        return
    measured, place = house_forecast.measured_pv(history), house_forecast.place_of(config)
    correct = None if measured is None else (
        lambda forecast: pv_forecast.learn_correction(forecast, measured, now, place)
    )  # fmt: skip
    licence = ": ".join(filter(None, (source.licence, source.attribution)))
    yield from source_findings.pv(name, ask, correct, now, context.zone, licence)
