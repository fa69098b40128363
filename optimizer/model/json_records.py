"""Frozen dataclasses as JSON data, and strictly back: the form of a stored planning run.

Numbers come back as the very same floats, moments to the microsecond; infinity is the text "inf".
"""

import math
import sys
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optimizer.model import moments

T = TypeVar("T")

LARGEST = sys.float_info.max
"""Largest number; a whole one of JSON may be larger than any float."""


def plain(value: Any) -> Any:
    """A value as JSON data: dataclasses as objects, tuples as lists.

    Raises
    ------
    TypeError
        If JSON has no form for it.

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
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            raise TypeError("NaN has no place in a record")
        return "inf" if value > 0 else "-inf"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a record")


def read_record(kind: type[T], data: Any, place: str) -> T:
    """Dataclass from JSON data, whole or not at all.

    A missing field takes its default (the data are older than the field); an unknown one, or one of
    another type, is refused.

    Raises
    ------
    ValueError
        With the place of the first fault: also a value that breaks a constraint in its annotation
        (`ranges`), or a moment outside of `moments`.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} is no object")
    types_of = get_type_hints(kind, include_extras=True)
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
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
    """Value of a type, strictly."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _bounded(get_args(kind), data, place)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), data, place)
    if origin is tuple:
        return _tuple(get_args(kind), data, place)
    if isinstance(kind, type) and is_dataclass(kind):
        return read_record(kind, data, place)
    if kind is float:
        return _float(data, place)
    if origin is Literal:
        if data in get_args(kind):
            return data
        raise ValueError(f"{place} is none of {', '.join(map(repr, get_args(kind)))}")
    if kind not in (bool, int, str):
        return _from_text(kind, data, place)
    if type(data) is kind:
        return data
    raise ValueError(f"{place} is no {getattr(kind, '__name__', kind)}")


def _bounded(kinds: tuple[Any, ...], data: Any, place: str) -> Any:
    """Value of an annotated type that obeys its constraints."""
    kind, *constraints = kinds
    value = _value(kind, data, place)
    for constraint in constraints:
        constraint.check(value, place)
    return value


def _one_of(kinds: tuple[Any, ...], data: Any, place: str) -> Any:
    if data is None and type(None) in kinds:
        return None
    wanted = [kind for kind in kinds if kind is not type(None)]
    fitting = [kind for kind in wanted if _is_list(kind) is isinstance(data, list)]
    wanted = fitting or wanted
    for kind in wanted[:-1]:
        try:
            return _value(kind, data, place)
        except ValueError:
            continue
    return _value(wanted[-1], data, place)


def _is_list(kind: Any) -> bool:
    """True for a type that is written as a list."""
    if get_origin(kind) is Annotated:
        return _is_list(get_args(kind)[0])
    return get_origin(kind) is tuple


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
    if isinstance(data, bool) or not isinstance(data, int | float) or not abs(data) <= LARGEST:
        raise ValueError(f"{place} is no finite number")
    return data  # a whole number stays one, so that it is printed as it was


def _from_text(kind: Any, data: Any, place: str) -> Any:
    if not isinstance(data, str):
        raise ValueError(f"{place} is no text")
    try:
        value = kind.fromisoformat(data) if kind in (datetime, date, time) else kind(data)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:  # OSError: "." is a folder
        raise ValueError(f"{place} is no {kind.__name__.lower()}: '{data}'") from error
    if not isinstance(value, datetime):
        return value
    try:
        return moments.utc(value)
    except ValueError as error:
        raise ValueError(f"{place} {error}") from error
