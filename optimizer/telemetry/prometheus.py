"""Figures of the executor for Prometheus: a text file for node_exporter, or an HTTP page."""

import logging
import math
import os
from datetime import datetime, timedelta
from pathlib import Path

from optimizer.errors import ConfigError, MissingExtraError
from optimizer.fems.client import CallCounts
from optimizer.telemetry.cycle_report import CycleReport

try:
    from prometheus_client import (
        CollectorRegistry,
        Counter,
        Gauge,
        disable_created_metrics,
        generate_latest,
    )
    from prometheus_client.exposition import start_http_server
except ImportError as error:  # pragma: no cover - without the extra
    raise MissingExtraError("[metrics] needs the package prometheus-client", "metrics") from error

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=15)
"""Least time between two files; Prometheus does not scrape more often."""

GAUGES = {
    "holding": "1 while a set-point is held, else 0",
    "setpoint_watts": "Set-point at the inverter, + leaves it; NaN while nothing is held",
    "problem": "1 where the owner should look, else 0",
    "battery_soc_percent": "State of charge",
    "planned_soc_percent": "State of charge that the plan has for this moment",
    "battery_watts": "Battery, + discharges",
    "grid_watts": "Grid, + buys",
    "pv_watts": "Roof",
    "buy_price_eur_per_kwh": "Price of the next bought kWh",
    "stored_value_eur_per_kwh": "Value of a stored kWh by the plan",
    "plan_age_seconds": "Age of the plan",
    "fems_latency_seconds": "Length of the last reading of the FEMS",
    "decision_timestamp_seconds": "Moment of the last decision",
}


class PrometheusPage:
    """Registry of the figures: written by the executor's loop, read by others.

    Parameters
    ----------
    site, version
        The house's name and the program's version: labels.
    tally
        Counts of writes, and latency, of the FEMS client.
    """

    def __init__(self, site: str, version: str, tally: CallCounts) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._tally = tally
        self._before: CycleReport | None = None
        self._gauges = {
            name: Gauge(f"optimizer_{name}", text, registry=self.registry)
            for name, text in GAUGES.items()
        }
        self._writes = Counter(
            "optimizer_writes", "Set-points and releases sent", ["result"], registry=self.registry
        )
        self._released = Counter(
            "optimizer_released_seconds", "Time without a set-point", ["reason"],
            registry=self.registry,
        )  # fmt: skip
        about = Gauge(
            "optimizer_info", "Version and house", ["version", "site"], registry=self.registry
        )
        about.labels(version, site).set(1)
        self._counted = {"taken": 0, "failed": 0}

    def update(self, cycle: CycleReport) -> None:
        """Set the figures of one cycle."""
        decision, seen, step = cycle.decision, cycle.seen, cycle.step
        values = {
            "holding": float(decision.setpoint_w is not None),
            "setpoint_watts": decision.setpoint_w,
            "problem": float(cycle.problem),
            "battery_soc_percent": None if seen is None else seen.soc_percent,
            "planned_soc_percent": cycle.planned_soc_percent,
            "battery_watts": None if seen is None else seen.battery_w,
            "grid_watts": None if seen is None else seen.grid_w,
            "pv_watts": None if seen is None else seen.pv_w,
            "buy_price_eur_per_kwh": None if step is None else step.buy_eur_per_kwh,
            "stored_value_eur_per_kwh": None if step is None else step.stored_value_eur_per_kwh,
            "plan_age_seconds": cycle.plan_age_s,
            "fems_latency_seconds": self._tally.read_s,
            "decision_timestamp_seconds": decision.at.timestamp(),
        }
        for name, value in values.items():
            self._gauges[name].set(math.nan if value is None else value)
        self._count(cycle)

    def _count(self, cycle: CycleReport) -> None:
        for result in self._counted:
            total = getattr(self._tally, result)
            self._writes.labels(result).inc(total - self._counted[result])
            self._counted[result] = total
        before, self._before = self._before, cycle
        if before is not None and before.decision.setpoint_w is None:
            passed_s = (cycle.decision.at - before.decision.at).total_seconds()
            reason = before.decision.reason.name.lower()
            self._released.labels(reason).inc(max(0.0, passed_s))

    def page(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)

    def serve(self, host: str, port: int) -> int:
        """Serve the page on a thread of its own, and return the port.

        Raises
        ------
        ConfigError
            If the address cannot be used.
        """
        try:
            server, _ = start_http_server(port, host, self.registry)
        except OSError as error:
            raise ConfigError(
                f"[metrics] {host}:{port} cannot be served ({error.strerror}): name another port"
            ) from error
        return int(server.server_port)


class Textfile:
    """Text file of the figures, rewritten every 15 s; a full disk is logged once."""

    def __init__(self, metrics: PrometheusPage, path: Path) -> None:
        self._metrics, self._path = metrics, path
        self._written: datetime | None = None
        self._failed = False

    def update(self, cycle: CycleReport) -> None:
        """Write the file if the last one is 15 s old."""
        now = cycle.decision.at
        if self._written is not None and timedelta(0) <= now - self._written < EVERY:
            return
        self._written = now
        part = self._path.with_suffix(f".{os.getpid()}.part")
        try:
            part.write_bytes(self._metrics.page())
            part.chmod(0o644)  # node_exporter runs as another user
            part.replace(self._path)
        except OSError as error:
            if not self._failed:
                log.warning("the metrics cannot be written to %s: %s", self._path, error.strerror)
            self._failed = True
            return
        self._failed = False
