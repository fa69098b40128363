"""Faults of a configuration in words: one sentence a key, with the nearest known key."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import ValidationError

from optimizer.config.sections import Config
from optimizer.config.types import Section

SECRET_ENDINGS = ("password", "token", "key")
"""Ends of the names of keys whose values are never told."""


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that the section at a location has."""
    section: Any = Config
    for part in location:
        if isinstance(part, int):
            continue
        field = getattr(section, "model_fields", {}).get(part)
        if field is None:
            return []
        kinds = [field.annotation, *get_args(field.annotation)]
        section = next(
            (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), None
        )
    fields = getattr(section, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def sentences(error: ValidationError) -> list[str]:
    """Pydantic's faults as sentences; the alternatives of one key become one sentence."""
    by_key: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        location = _location(fault["loc"])
        key = ".".join(str(part) for part in location) or "the file"
        by_key.setdefault(key, []).append(_text(fault, location))
        plain = isinstance(fault["input"], str | int | float)
        # sections [fems] and [mqtt] hold passwords, and an address may contain one
        secret = location[:1] in (("fems",), ("mqtt",)) or key.endswith(SECRET_ENDINGS)
        if plain and fault["type"] != "extra_forbidden" and not secret:
            given[key] = f" (it is {fault['input']!r})"
    return [f"{key} {' or '.join(texts)}{given.get(key, '')}" for key, texts in by_key.items()]


def _location(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A fault's place without the names of pydantic's union branches."""
    place: list[int | str] = []
    for part in loc:
        if isinstance(part, str) and place and not _known_keys(tuple(place)):
            break
        place.append(part)
    return tuple(place)


def _text(fault: Mapping[str, Any], location: tuple[int | str, ...]) -> str:
    """What is wrong with a key, and its cure."""
    if fault["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        return "is not a key; " + (
            f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}"
        )
    if fault["type"] == "missing":
        return "is missing"
    return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
