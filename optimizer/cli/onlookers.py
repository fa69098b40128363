"""Who else is told what the executor does, as configured; nothing is imported unless it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from optimizer import __version__
from optimizer.model.state import Decision, Snapshot

if TYPE_CHECKING:
    from optimizer.analysis.facts import Onlooker
    from optimizer.config.sections import Config
    from optimizer.control.book import PlanBook
    from optimizer.fems.tally import Tally

Told = Callable[[Decision, Snapshot | None], None]


@contextmanager
def onlookers(config: "Config", tally: "Tally", book: "PlanBook") -> Iterator[Told]:
    """Start all that is configured; what is given has to be called with each decision.

    Raises
    ------
    ConfigError
        If an extra package is missing, or an address cannot be used.
    """
    found: list[Onlooker] = []
    if config.metrics.textfile is not None or config.metrics.port is not None:
        found += _metrics(config, tally)
    broker = None
    if config.mqtt is not None:
        from optimizer.analysis.homeassistant import Address, Broker

        mqtt = config.mqtt
        password = None if mqtt.password is None else mqtt.password.get_secret_value()
        address = Address(mqtt.host, mqtt.port, mqtt.user, password, mqtt.tls, mqtt.prefix)
        broker = Broker(address, config.site, __version__, config.control.interval_s)
        broker.start()
        found.append(broker.told)

    def told(decision: Decision, seen: Snapshot | None) -> None:
        if not found:
            return
        from optimizer.analysis.facts import Facts

        facts = Facts(decision, seen, book.at(decision.at), config.battery.capacity_wh)
        for onlooker in found:
            onlooker(facts)

    try:
        yield told
    finally:
        if broker is not None:
            broker.stop()


def _metrics(config: "Config", tally: "Tally") -> "Iterator[Onlooker]":
    from optimizer.analysis.metrics import Metrics, Textfile

    metrics, wanted = Metrics(config.site, __version__, tally), config.metrics
    if wanted.port is not None:
        metrics.serve(wanted.host, wanted.port)
    yield metrics.told
    if wanted.textfile is not None:
        yield Textfile(metrics, wanted.textfile).told
