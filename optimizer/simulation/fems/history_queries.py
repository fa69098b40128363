"""Queries of a simulated FEMS's history: `queryHistoricTimeseries...` (contract, section 6)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.fems.channels import SUM, SumChannels
from optimizer.simulation.fems.simulated_history import PERIOD_S, HistoryRow, period_of
from optimizer.simulation.fems.simulated_house import SimulatedHouse

_Params = Mapping[str, object]
_Value = Callable[[HistoryRow], float]
_PERIOD_H = PERIOD_S / 3600
_LONGEST_DAYS = 1000
_FINEST = {"value": PERIOD_S, "unit": "Seconds"}
_SECONDS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3_600}

_POWERS: Mapping[str, _Value] = {
    f"{SUM}/UnmanagedConsumptionActivePower": lambda row: row.load_w,
    f"{SUM}/ConsumptionActivePower": lambda row: row.load_w,
    f"{SUM}/{SumChannels.PRODUCTION}": lambda row: row.produced_w,
    f"{SUM}/{SumChannels.GRID}": lambda row: row.grid_w,
    f"{SUM}/{SumChannels.BATTERY}": lambda row: row.battery_w,
    f"{SUM}/{SumChannels.ESS}": lambda row: row.ess_w,
    f"{SUM}/{SumChannels.SOC}": lambda row: row.soc_percent,
}
_ENERGIES: Mapping[str, _Value] = {
    f"{SUM}/ConsumptionActiveEnergy": lambda row: row.load_w,
    f"{SUM}/ProductionActiveEnergy": lambda row: row.produced_w,
    f"{SUM}/GridBuyActiveEnergy": lambda row: max(row.grid_w, 0.0),
    f"{SUM}/GridSellActiveEnergy": lambda row: max(-row.grid_w, 0.0),
    f"{SUM}/EssDcChargeEnergy": lambda row: max(-row.battery_w, 0.0),
    f"{SUM}/EssDcDischargeEnergy": lambda row: max(row.battery_w, 0.0),
}


class QueryError(ValueError):
    """A question that cannot be answered."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Parsed parameters of a query."""

    begin: datetime
    end: datetime
    channels: tuple[str, ...]


def data(house: SimulatedHouse, params: _Params) -> object:
    """Means per step; unknown channels are nulls, `toDate` is a whole day.

    Without a resolution steps have 5 minutes, the device's own.
    """
    asked = _question(params)
    steps = list(_steps(asked, {"resolution": _FINEST} | dict(params)))
    table = _table(house, asked, steps, _POWERS, _mean)
    nothing: list[int | None] = [None] * len(steps)
    table["data"] = {name: table["data"].get(name, nothing) for name in asked.channels}
    return table


def energy_per_period(house: SimulatedHouse, params: _Params) -> object:
    """Energies per step [Wh]."""
    asked = _question(params)
    steps = list(_steps(asked, params))
    return _table(house, asked, steps, _ENERGIES, _sum)


def energy(house: SimulatedHouse, params: _Params) -> object:
    """Energies of the whole time [Wh]."""
    asked = _question(params)
    known = _known(house, asked.channels, _ENERGIES)
    rows = list(_rows(house, asked.begin, asked.end))
    return {"data": {name: _sum(rows, value) for name, value in known.items()}}


def _table(
    house: SimulatedHouse, asked: _Question, steps: list[tuple[datetime, datetime]],
    offered: Mapping[str, _Value], condense: Callable[[list[HistoryRow], _Value], int | None],
) -> dict[str, Any]:  # fmt: skip
    known = _known(house, asked.channels, offered)
    columns: dict[str, list[int | None]] = {name: [] for name in known}
    for begin, end in steps:
        rows = list(_rows(house, begin, end))
        for name, value in known.items():
            columns[name].append(condense(rows, value))
    return {"timestamps": [begin.isoformat() for begin, _ in steps], "data": columns}


def _known(
    house: SimulatedHouse, channels: tuple[str, ...], offered: Mapping[str, _Value]
) -> dict[str, _Value]:
    if SUM in house.installation.without:
        return {}
    return {name: offered[name] for name in channels if name in offered}


def _rows(house: SimulatedHouse, begin: datetime, end: datetime) -> Iterator[HistoryRow]:
    """The recorded periods between two moments."""
    for period in range(period_of(begin), period_of(end)):
        row = house.history.row(period)
        if row is not None:
            yield row


def _mean(rows: list[HistoryRow], value: _Value) -> int | None:
    return round(sum(map(value, rows)) / len(rows)) if rows else None


def _sum(rows: list[HistoryRow], value: _Value) -> int | None:
    return round(sum(map(value, rows)) * _PERIOD_H) if rows else None


def _question(params: _Params) -> _Question:
    zone = _zone(params.get("timezone"))
    first, last = _day(params, "fromDate"), _day(params, "toDate")
    channels = params.get("channels")
    if not isinstance(channels, list) or not all(isinstance(name, str) for name in channels):
        raise QueryError("JSON-Array [channels] expected")
    if not timedelta(0) <= last - first <= timedelta(days=_LONGEST_DAYS):
        raise QueryError(f"[fromDate] {first} and [toDate] {last} are no range of days")
    begin, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    return _Question(begin, end, tuple(channels))


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise QueryError(f"Unknown time-zone ID: {name}") from None


def _day(params: _Params, name: str) -> date:
    try:
        return date.fromisoformat(str(params.get(name)))
    except ValueError:
        raise QueryError(f"JSON [{name}:{params.get(name)}] is no date") from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _steps(asked: _Question, params: _Params) -> Iterable[tuple[datetime, datetime]]:
    """Begin and end of each step; days and months follow the calendar, the rest the clock."""
    amount, unit = _resolution(params.get("resolution"))
    zone = asked.begin.tzinfo
    at = asked.begin
    while at < asked.end:
        if unit in _SECONDS:
            span = timedelta(seconds=amount * _SECONDS[unit])
            after = (at.astimezone(UTC) + span).astimezone(zone)
        elif unit == "DAYS":
            after = at + timedelta(days=amount)
        else:
            months = at.year * 12 + at.month - 1 + amount
            after = at.replace(year=months // 12, month=months % 12 + 1, day=1)
        yield at, min(after, asked.end, key=lambda moment: moment.timestamp())
        at = after


def _resolution(given: object) -> tuple[int, str]:
    """Length of a step as a number of a unit."""
    known = given if isinstance(given, dict) else {}
    amount, unit = known.get("value"), str(known.get("unit")).upper()
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise QueryError(f"JSON [resolution:{given}] has no value")
    if unit not in (*_SECONDS, "DAYS", "MONTHS"):
        raise QueryError(f"No enum constant ChronoUnit.{unit}")
    if unit in _SECONDS and amount * _SECONDS[unit] % PERIOD_S:
        raise QueryError(f"Resolution [{amount} {unit}] is no multiple of {PERIOD_S} seconds")
    return amount, unit
