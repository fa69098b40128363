"""Checks of what notebooks and scripts hand over: each fault is a `UsageError` in one sentence."""

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer.errors import UsageError
from optimizer.model import ranges
from optimizer.model.battery import Battery
from optimizer.model.json_records import plain, read_record
from optimizer.model.plan import iso
from optimizer.model.tariff import Tariff

if TYPE_CHECKING:
    from optimizer.backtest.what_if import FixedPrices

T = TypeVar("T")

LARGEST_COUNT = 100_000
"""Most of anything that is counted: days, processes, seeds fit well below."""


def path(value: object) -> Path | None:
    """A path or text as a path; None stays None."""
    if value is None or (isinstance(value, str | Path) and str(value)):
        return None if value is None else Path(value)
    raise UsageError(f"path is {value!r}: give the name of a file")


def number(value: object, name: str, within: ranges.Range) -> float:
    """A finite number within a range."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} is {value!r}: give a number")
    if not math.isfinite(value):
        raise UsageError(f"{name} is {value}, not a finite number")
    try:
        within.check(value, name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return value


def percent(value: object, name: str) -> float | None:
    """A state of charge [%]; None stays None."""
    return None if value is None else number(value, name, ranges.PERCENT)


def count(value: object, name: str, least: int, most: int = LARGEST_COUNT) -> int:
    """A whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{name} is {value!r}: give a whole number")
    if not least <= value <= most:
        raise UsageError(f"{name} is {value}, not within {least} to {most}")
    return value


def processes(value: object, name: str) -> int:
    """A number of processes; -1 is one for each core."""
    if value == 0:
        raise UsageError(f"{name} is 0, which does nothing: 1, or -1 for one for each core")
    return count(value, name, -1)


def choice(value: T, name: str, known: Collection[T]) -> T:
    """One of the known values."""
    if isinstance(value, bool) or value not in known:
        raise UsageError(f"{name} is {value!r}, none of {', '.join(map(repr, known))}")
    return value


def record(value: T | None, name: str, kind: type[T]) -> T | None:
    """A dataclass of the model whose fields keep to their ranges; None stays None."""
    if value is None:
        return None
    if not isinstance(value, kind):
        raise UsageError(f"{name} is {value!r}: give a {kind.__name__}")
    try:
        return read_record(kind, plain(value), name)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} cannot be used: {error}") from error


def span(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    """A span whose end comes after its begin."""
    if end <= begin:
        raise UsageError(f"the span ends {iso(end)}, not after its begin {iso(begin)}: swap them")
    return begin, end


def batteries(value: object) -> dict[str, Battery]:
    """Batteries by their names."""
    return {name: _needed(item, name, Battery) for name, item in _mapping(value, "batteries")}


def tariffs(value: object, money_size: float = 1.0) -> "dict[str, Tariff | FixedPrices]":
    """Tariffs, or pairs of constant prices [EUR/kWh], by their names."""
    return {name: _tariff(item, name, money_size) for name, item in _mapping(value, "tariffs")}


def _tariff(value: Any, name: str, money_size: float) -> "Tariff | FixedPrices":
    if isinstance(value, tuple | list) and len(value) == 2:
        least, most = (limit * money_size for limit in ranges.EUR_PER_KWH)
        limits = ranges.Range(least, most)
        buy, sell = (number(price, f"{name}: price", limits) for price in value)
        return buy, sell
    if not isinstance(value, Tariff):
        raise UsageError(f"{name} is {value!r}: give a Tariff, or buying and selling price")
    return _needed(value, name, Tariff)


def _needed(value: T, name: str, kind: type[T]) -> T:
    found = record(value, name, kind)
    if found is None:
        raise UsageError(f"{name} is None: give a {kind.__name__}")
    return found


def _mapping(value: object, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        raise UsageError(f"{name} is {value!r}: give a dictionary with at least one name in it")
    return [(str(key), item) for key, item in value.items()]
