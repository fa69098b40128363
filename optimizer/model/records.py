"""Frozen dataclasses as JSON data, and strictly back: what a stored run is written in.

Numbers come back as the very same floats, moments to the microsecond; infinity is the text "inf".
"""

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")


def plain(value: Any) -> Any:
    """A value as JSON data: dataclasses as objects, tuples as lists.

    Raises
    ------
    TypeError
        If JSON has no place for it.

    Examples
    --------
    >>> plain((1.5, None, math.inf))
    [1.5, None, 'inf']
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            raise TypeError("NaN has no place in a record")
        return "inf" if value > 0 else "-inf"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a record")


def read(kind: type[T], data: Any, place: str) -> T:
    """Read a dataclass back, whole or not at all.

    A field that is not there takes its default (the data are older than the field); one that is
    not known, or of another type, is refused.

    Raises
    ------
    ValueError
        With the place of the first thing that is wrong.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} is no object")
    types_of, known = get_type_hints(kind), {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    for name in data:
        if name not in known:
            raise ValueError(f"{place}.{name} is not known")
    values = {}
    for name, item in known.items():
        if name in data:
            values[name] = _value(types_of[name], data[name], f"{place}.{name}")
        elif _needed(item):
            raise ValueError(f"{place}.{name} is missing")
    return kind(**values)


def _needed(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _value(kind: Any, data: Any, place: str) -> Any:
    """One value of a type, strictly."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), data, place)
    if origin is tuple:
        return _tuple(get_args(kind), data, place)
    if isinstance(kind, type) and is_dataclass(kind):
        return read(kind, data, place)
    if kind is float:
        return _float(data, place)
    if origin is Literal:
        if data in get_args(kind):
            return data
        raise ValueError(f"{place} is none of {', '.join(map(repr, get_args(kind)))}")
    if kind in (datetime, date, ZoneInfo) or (isinstance(kind, type) and issubclass(kind, Enum)):
        return _from_text(kind, data, place)
    if kind in (bool, int, str) and type(data) is kind:
        return data
    raise ValueError(f"{place} is no {getattr(kind, '__name__', kind)}")


def _one_of(kinds: tuple[Any, ...], data: Any, place: str) -> Any:
    if data is None and type(None) in kinds:
        return None
    wanted = [kind for kind in kinds if kind is not type(None)]
    for kind in wanted[:-1]:
        try:
            return _value(kind, data, place)
        except ValueError:
            continue
    return _value(wanted[-1], data, place)


def _tuple(kinds: tuple[Any, ...], data: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise ValueError(f"{place} is no list")
    if len(kinds) == 2 and kinds[1] is ...:
        kinds = (kinds[0],) * len(data)
    if len(kinds) != len(data):
        raise ValueError(f"{place} has {len(data)} values, not {len(kinds)}")
    pairs = zip(kinds, data, strict=True)
    return tuple(_value(kind, item, f"{place}[{at}]") for at, (kind, item) in enumerate(pairs))


def _float(data: Any, place: str) -> float:
    if data in ("inf", "-inf"):
        return float(data)
    if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
        raise ValueError(f"{place} is no finite number")
    return data  # a whole number stays one, so that it is printed as it was


def _from_text(kind: Any, data: Any, place: str) -> Any:
    if not isinstance(data, str):
        raise ValueError(f"{place} is no text")
    try:
        value = kind.fromisoformat(data) if kind in (datetime, date) else kind(data)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"{place} is no {kind.__name__.lower()}: '{data}'") from error
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{place} has no offset from UTC")
    return value.astimezone(UTC) if isinstance(value, datetime) else value
