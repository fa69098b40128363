"""The executor's figures for Prometheus: a file for node_exporter, or a page of their own."""

import logging
import math
import os
from datetime import datetime, timedelta
from pathlib import Path

from optimizer.analysis.facts import Facts
from optimizer.errors import ConfigError
from optimizer.fems.tally import Tally

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
    raise ConfigError(
        "[metrics] needs the package prometheus-client: pip install 'optimizer[metrics]'"
    ) from error

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=15)
"""Least time between two files: Prometheus does not look more often."""

GAUGES = {
    "holding": "Whether a set-point is held, 0 or 1",
    "setpoint_watts": "Set-point at the inverter, + leaves it; NaN while nothing is held",
    "problem": "Whether somebody should look, 0 or 1",
    "battery_soc_percent": "State of charge",
    "planned_soc_percent": "State of charge that the plan has for this moment",
    "battery_watts": "Battery, + discharges",
    "grid_watts": "Grid, + buys",
    "pv_watts": "Roof",
    "buy_price_eur_per_kwh": "What the next kWh costs",
    "stored_value_eur_per_kwh": "What a stored kWh is worth by the plan",
    "plan_age_seconds": "Since the plan was made",
    "fems_latency_seconds": "Length of the last reading of the FEMS",
    "decision_timestamp_seconds": "When the last decision was taken",
}


class Metrics:
    """Keeps the figures; `told` is called by the loop, reading is for others.

    Parameters
    ----------
    site, version
        The house's name and the program's version: labels.
    tally
        Writes and latency, counted elsewhere.
    """

    def __init__(self, site: str, version: str, tally: Tally) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._tally = tally
        self._before: Facts | None = None
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

    def told(self, facts: Facts) -> None:
        """Take over the figures of one cycle."""
        decision, seen, step = facts.decision, facts.seen, facts.step
        values = {
            "holding": float(decision.setpoint_w is not None),
            "setpoint_watts": decision.setpoint_w,
            "problem": float(facts.problem),
            "battery_soc_percent": None if seen is None else seen.soc_percent,
            "planned_soc_percent": facts.planned_soc_percent,
            "battery_watts": None if seen is None else seen.battery_w,
            "grid_watts": None if seen is None else seen.grid_w,
            "pv_watts": None if seen is None else seen.pv_w,
            "buy_price_eur_per_kwh": None if step is None else step.buy_eur_per_kwh,
            "stored_value_eur_per_kwh": None if step is None else step.stored_value_eur_per_kwh,
            "plan_age_seconds": facts.plan_age_s,
            "fems_latency_seconds": self._tally.read_s,
            "decision_timestamp_seconds": decision.at.timestamp(),
        }
        for name, value in values.items():
            self._gauges[name].set(math.nan if value is None else value)
        self._count(facts)

    def _count(self, facts: Facts) -> None:
        for result in self._counted:
            total = getattr(self._tally, result)
            self._writes.labels(result).inc(total - self._counted[result])
            self._counted[result] = total
        before, self._before = self._before, facts
        if before is not None and before.decision.setpoint_w is None:
            passed_s = (facts.decision.at - before.decision.at).total_seconds()
            reason = before.decision.reason.name.lower()
            self._released.labels(reason).inc(max(0.0, passed_s))

    def page(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)

    def serve(self, host: str, port: int) -> int:
        """Answer Prometheus on a thread of its own, which only reads; gives the port.

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
    """Writes the figures into a file from time to time; a full disk is said once."""

    def __init__(self, metrics: Metrics, path: Path) -> None:
        self._metrics, self._path = metrics, path
        self._written: datetime | None = None
        self._failed = False

    def told(self, facts: Facts) -> None:
        """Write if it is time."""
        now = facts.decision.at
        if self._written is not None and timedelta(0) <= now - self._written < EVERY:
            return
        self._written = now
        part = self._path.with_suffix(f".{os.getpid()}.part")
        try:
            part.write_bytes(self._metrics.page())
            part.chmod(0o644)  # node_exporter is somebody else
            part.replace(self._path)
        except OSError as error:
            if not self._failed:
                log.warning("the metrics cannot be written to %s: %s", self._path, error.strerror)
            self._failed = True
            return
        self._failed = False
