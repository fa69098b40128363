"""What the FEMS remembers of its battery: quarter-hours of its energy counters."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.errors import DataError
from optimizer.fems.channels import SUM, Sum
from optimizer.fems.history import _parts, _series
from optimizer.fems.jsonrpc import JsonRpc
from optimizer.model.quarter import QUARTER

CHARGED, DISCHARGED = f"{SUM}/EssDcChargeEnergy", f"{SUM}/EssDcDischargeEnergy"
"""Counters of the battery alone [Wh]."""
BATTERY = f"{SUM}/{Sum.BATTERY}"
"""Its mean power, where the device has no such counters."""
SOC = f"{SUM}/{Sum.SOC}"

LONGEST = timedelta(days=31)
"""So far back every device keeps quarter-hours; one question each for energies and means."""


@dataclass(frozen=True, slots=True)
class BatteryQuarter:
    """One quarter-hour by its start (UTC); None where the device knows nothing."""

    start: datetime
    charged_wh: float | None
    discharged_wh: float | None
    soc_percent: float | None
    """Mean over the quarter."""


def fetch(rpc: JsonRpc, first: date, end: date, zone: ZoneInfo) -> tuple[BatteryQuarter, ...]:
    """All quarter-hours of the local days from `first` up to, without, `end`.

    Raises
    ------
    DataError
        If the span is empty or longer than 31 days.
    UnreachableError, RefusedError
        As for any call.
    """
    if not timedelta(0) < end - first <= LONGEST:
        raise DataError(f"Counters from {first} to {end} cannot be asked for: 1 to 31 days can.")
    asked = {
        "fromDate": first.isoformat(),
        "toDate": (end - timedelta(days=1)).isoformat(),  # the device includes this day
        "timezone": zone.key,
        "resolution": {"value": 15, "unit": "Minutes"},
    }
    means = _table(rpc, "queryHistoricTimeseriesData", asked, BATTERY, SOC)
    energies = _table(rpc, "queryHistoricTimeseriesEnergyPerPeriod", asked, CHARGED, DISCHARGED)
    start, stop = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, end))
    quarters = []
    while start < stop:
        charged_wh, discharged_wh = (energies[name].get(start) for name in (CHARGED, DISCHARGED))
        power_w = means[BATTERY].get(start)
        if not energies[CHARGED] and power_w is not None:
            charged_wh, discharged_wh = max(0.0, -power_w) / 4, max(0.0, power_w) / 4
        quarters.append(BatteryQuarter(start, charged_wh, discharged_wh, means[SOC].get(start)))
        start += QUARTER
    return tuple(quarters)


def _table(
    rpc: JsonRpc, method: str, asked: dict[str, Any], *names: str
) -> dict[str, dict[datetime, float]]:
    """Each channel's values by their start."""
    starts, data = _parts(rpc.call(method, asked | {"channels": list(names)}))
    return {name: _series(starts, data, name) for name in names}
