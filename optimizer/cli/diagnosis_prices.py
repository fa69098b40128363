"""What the doctor has to know of the prices, unpacked for it."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from optimizer.analysis import doctor_prices
from optimizer.analysis.finding import Finding

if TYPE_CHECKING:
    from optimizer.config.sections import Config


def price_sources(config: "Config", now: datetime) -> Iterator[Finding]:
    """Ask each price source of the chain, for today and tomorrow."""
    from optimizer.cli.inputs import chain_of, span_of
    from optimizer.sources import registry

    span = span_of(config, now)
    with chain_of(config, now) as chain:
        asked = {}
        for name in config.prices.sources:
            source = registry.PRICES.get(name)
            told = [] if source is None else [source.licence, source.attribution]
            asked[name] = doctor_prices.Asked(
                partial(registry.fetch, registry.PRICES, name, chain.settings, span, chain.http),
                " - ".join(filter(None, told)),
                chain.kept_days(name, span),
            )
        tariff = config.tariff
        yield from doctor_prices.sources(
            asked, now, chain.expected_end(span), span.zone,
            stated=tariff is not None and tariff.tariff().stated,
        )  # fmt: skip
