"""History that the FEMS keeps: quarter-hours of load and PV, and of the battery's counters."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from optimizer.errors import ConfigError, DataError, UnreachableError
from optimizer.fems.channels import SUM, SumChannels
from optimizer.model import moments
from optimizer.model.moments import QUARTER

if TYPE_CHECKING:
    from optimizer.fems.jsonrpc import JsonRpcClient

LONGEST = timedelta(days=450)
"""New devices keep 5-minute means for so long, older ones 31 days (and hourly means before)."""

LOAD = f"{SUM}/UnmanagedConsumptionActivePower"
"""Without managed chargers and the like: what a forecast can learn from."""
WHOLE_LOAD = f"{SUM}/ConsumptionActivePower"
"""Older devices only have this."""
PV = f"{SUM}/ProductionActivePower"
GRID = f"{SUM}/GridActivePower"
PARTS = ("ActivePower", "ChargePower")
"""Names of the power of a part of the house (a wallbox, a meter) in newer and older devices."""

_LARGEST_W = 1e7


@dataclass(frozen=True, slots=True)
class HistoryQuarter:
    """One quarter-hour by its start (UTC); means [W], None where the device knows nothing."""

    start: datetime
    load_w: float | None
    pv_w: float | None
    grid_w: float | None = None
    """+ buys."""


def fetch_power(
    rpc: "JsonRpcClient", first: date, end: date, zone: ZoneInfo, without: Sequence[str] = ()
) -> tuple[HistoryQuarter, ...]:
    """All quarter-hours of the local days from `first` up to, without, `end`.

    Parameters
    ----------
    rpc
        The device; it is asked once a month, one request at a time.
    zone
        Where the days begin.
    without
        Parts that are taken off the whole load, by component ("evcs0") or channel.

    Returns
    -------
    tuple of Quarter
        Without holes: a quarter that the device does not know has None in it. A day has 92, 96 or
        100 of them.

    Raises
    ------
    DataError
        If the span is empty or longer than any device remembers.
    ConfigError
        If the device knows nothing of a part.
    UnreachableError, RefusedError
        As for any call.
    """
    if not timedelta(0) < end - first <= LONGEST:
        raise DataError(
            f"A history from {first} to {end} cannot be asked for: 1 to {LONGEST.days} days can."
        )
    quarters, seen = list[HistoryQuarter](), set[str]()
    for begin, until in _months(first, end):
        quarters += _month(rpc, begin, until, zone, without, seen)
    unknown = [part for part in without if part not in seen]
    if unknown:
        raise ConfigError(f"The FEMS has no history of '{unknown[0]}': look at load.without.")
    return tuple(quarters)


def _months(first: date, end: date) -> Iterator[tuple[date, date]]:
    """Calendar months, the first and last one in part; half-open.

    >>> [str(until) for _, until in _months(date(2026, 1, 20), date(2026, 3, 1))]
    ['2026-02-01', '2026-03-01']
    """
    while first < end:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(following, end)
        first = following


def _channels(part: str) -> list[str]:
    return [part] if "/" in part else [f"{part}/{name}" for name in PARTS]


def _month(
    rpc: "JsonRpcClient",
    begin: date,
    until: date,
    zone: ZoneInfo,
    without: Sequence[str],
    seen: set[str],
) -> Iterator[HistoryQuarter]:
    parts = {part: _channels(part) for part in without}
    result = rpc.call(
        "queryHistoricTimeseriesData",
        {
            "fromDate": begin.isoformat(),
            "toDate": (until - timedelta(days=1)).isoformat(),  # the device includes this day
            "timezone": zone.key,
            "channels": [LOAD, WHOLE_LOAD, PV, GRID, *itertools.chain(*parts.values())],
            "resolution": {"value": 15, "unit": "Minutes"},
        },
    )
    starts, data = _parts(result)
    pv, grid = _series(starts, data, PV), _series(starts, data, GRID)
    load = _series(starts, data, WHOLE_LOAD)
    if not parts:
        load = _series(starts, data, LOAD) or load
    for part, names in parts.items():
        taken = next((found for name in names if (found := _series(starts, data, name))), None)
        if taken is not None:
            seen.add(part)
            load = {at: max(0.0, load[at] - taken[at]) for at in load if at in taken}
    start, stop = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (begin, until))
    while start < stop:
        yield HistoryQuarter(start, load.get(start), pv.get(start), grid.get(start))
        start += QUARTER


def _parts(result: object) -> tuple[list[datetime], Mapping[str, Any]]:
    """Time stamps (UTC) and series of an answer."""
    stamps = result.get("timestamps") if isinstance(result, dict) else None
    data = result.get("data") if isinstance(result, dict) else None
    try:
        if isinstance(stamps, list) and isinstance(data, dict):
            return [_moment(stamp) for stamp in stamps], data
    except (ValueError, TypeError):
        pass
    raise UnreachableError(
        "The FEMS's history is not in the known form: its version is not known here."
    )


def _moment(stamp: str) -> datetime:
    return moments.utc(datetime.fromisoformat(stamp))


def _series(starts: list[datetime], data: Mapping[str, Any], channel: str) -> dict[datetime, float]:
    """Known means by their start; empty if the device does not have the channel."""
    values = data.get(channel)
    if not isinstance(values, list):
        return {}
    return {
        start: float(value)
        for start, value in zip(starts, values, strict=False)
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and -_LARGEST_W < value < _LARGEST_W
    }


CHARGED, DISCHARGED = f"{SUM}/EssDcChargeEnergy", f"{SUM}/EssDcDischargeEnergy"
"""Counters of the battery alone [Wh]."""
BATTERY = f"{SUM}/{SumChannels.BATTERY}"
"""Its mean power, where the device has no such counters."""
SOC = f"{SUM}/{SumChannels.SOC}"

LONGEST_COUNTERS = timedelta(days=31)
"""So far back every device keeps quarter-hours; one question each for energies and means."""


@dataclass(frozen=True, slots=True)
class BatteryQuarter:
    """One quarter-hour by its start (UTC); None where the device knows nothing."""

    start: datetime
    charged_wh: float | None
    discharged_wh: float | None
    soc_percent: float | None
    """Mean over the quarter."""


def fetch_counters(
    rpc: "JsonRpcClient", first: date, end: date, zone: ZoneInfo
) -> tuple[BatteryQuarter, ...]:
    """All quarter-hours of the local days from `first` up to, without, `end`.

    Raises
    ------
    DataError
        If the span is empty or longer than 31 days.
    UnreachableError, RefusedError
        As for any call.
    """
    if not timedelta(0) < end - first <= LONGEST_COUNTERS:
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
    rpc: "JsonRpcClient", method: str, asked: dict[str, Any], *names: str
) -> dict[str, dict[datetime, float]]:
    """Each channel's values by their start."""
    starts, data = _parts(rpc.call(method, asked | {"channels": list(names)}))
    return {name: _series(starts, data, name) for name in names}


METERS = {
    "drawn_wh": f"{SUM}/GridBuyActiveEnergy",
    "fed_wh": f"{SUM}/GridSellActiveEnergy",
    "charged_wh": CHARGED,
    "discharged_wh": DISCHARGED,
    "pv_wh": f"{SUM}/ProductionActiveEnergy",
}
"""The device's own counters [Wh], by the names of a metered quarter-hour's energies."""


def fetch_meters(
    rpc: "JsonRpcClient", first: date, end: date, zone: ZoneInfo
) -> dict[str, dict[datetime, float]]:
    """Energies of the quarter-hours of local days [Wh], by name and start, as far as known.

    The device is asked once a month, for the days from `first` up to, without, `end`.

    Raises
    ------
    DataError
        If the span is empty or longer than any device remembers.
    UnreachableError, RefusedError
        As for any call.
    """
    if not timedelta(0) < end - first <= LONGEST:
        raise DataError(f"Counters from {first} to {end} cannot be asked for: 1 to "
                        f"{LONGEST.days} days can.")  # fmt: skip
    found: dict[str, dict[datetime, float]] = {name: {} for name in METERS}
    for begin, until in _months(first, end):
        asked = {
            "fromDate": begin.isoformat(),
            "toDate": (until - timedelta(days=1)).isoformat(),  # the device includes this day
            "timezone": zone.key,
            "resolution": {"value": 15, "unit": "Minutes"},
        }
        method = "queryHistoricTimeseriesEnergyPerPeriod"
        table = _table(rpc, method, asked, *METERS.values())
        for name, channel in METERS.items():
            found[name] |= table[channel]
    return found
