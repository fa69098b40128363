"""Sanity of a configuration's numbers; imports no heavy library, the executor asks it too."""

from typing import TYPE_CHECKING

from optimizer.doctor import number_findings
from optimizer.doctor.finding import Finding
from optimizer.doctor.number_findings import StatedNumbers

if TYPE_CHECKING:
    from optimizer.config.sections import Config


def unusual(config: "Config") -> list[Finding]:
    """Warnings about numbers that are hardly meant."""
    return list(number_findings.findings(StatedNumbers(
        battery=config.battery.battery(hybrid=config.battery.hybrid is True),
        grid=config.connection,
        tariff=config.tariff,
        kwp=config.pv.kwp,
        inverter_w=config.pv.inverter_w,
        annual_kwh=config.load.annual_kwh,
        money=config.money,
    )))  # fmt: skip
