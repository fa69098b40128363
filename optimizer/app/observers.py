"""Observers of the executor, as configured; each is imported only if it is configured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from optimizer import __version__
from optimizer.model.snapshot import Decision, Snapshot

if TYPE_CHECKING:
    from optimizer.config.sections import Config
    from optimizer.control.active_plan import ActivePlan
    from optimizer.fems.client import CallCounts
    from optimizer.telemetry.cycle_report import Observer
    from optimizer.telemetry.home_assistant_mqtt import Broker

ObserverGroup = Callable[[Decision, Snapshot | None], None]


@contextmanager
def observers(
    config: "Config", tally: "CallCounts", active_plan: "ActivePlan",
    replans: SimpleQueue[str] | None = None,
) -> Iterator[ObserverGroup]:  # fmt: skip
    """Start the configured observers, and yield the function to call with each decision.

    Parameters
    ----------
    replans
        Takes the reason of a plan that a command wants at once; None where nobody would make it.

    Raises
    ------
    ConfigError
        If an extra package is missing, or an address cannot be used.
    """
    found: list[Observer] = []
    if config.metrics.textfile is not None or config.metrics.port is not None:
        found += _metrics(config, tally)
    broker = None if config.mqtt is None else _broker(config, replans)
    if broker is not None:
        broker.start()
        found.append(broker.publish)

    def observed(decision: Decision, seen: Snapshot | None) -> None:
        if not found:
            return
        from optimizer.telemetry.cycle_report import CycleReport

        plan = active_plan.at(decision.at)
        cycle = CycleReport(decision, seen, plan, config.battery.capacity_wh, config.zone)
        for observer in found:
            observer(cycle)

    try:
        yield observed
    finally:
        if broker is not None:
            broker.stop()


def _broker(config: "Config", replans: SimpleQueue[str] | None) -> "Broker":
    """The connection to Home Assistant; takes commands where that is configured."""
    from optimizer.telemetry.home_assistant_mqtt import Address, Broker

    mqtt, orders = config.mqtt, None
    assert mqtt is not None  # noqa: S101 asked before
    if mqtt.commands:
        from optimizer.app.owner_orders import OwnerOrders

        orders = OwnerOrders(config, f"MQTT at {mqtt.host}", replans)
    password = None if mqtt.password is None else mqtt.password.get_secret_value()
    address = Address(mqtt.host, mqtt.port, mqtt.user, password, mqtt.tls, mqtt.prefix)
    interval_s, money = config.control.interval_s, config.money.code
    return Broker(address, config.site, __version__, interval_s, money, orders)


def _metrics(config: "Config", tally: "CallCounts") -> "Iterator[Observer]":
    from optimizer.telemetry.prometheus import PrometheusPage, Textfile

    metrics, wanted = PrometheusPage(config.site, __version__, tally), config.metrics
    if wanted.port is not None:
        metrics.serve(wanted.host, wanted.port)
    yield metrics.update
    if wanted.textfile is not None:
        yield Textfile(metrics, wanted.textfile).update
