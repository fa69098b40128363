"""Faults of a configuration as sentences."""

from collections.abc import Mapping, Set
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from optimizer.config.section_keys import keys_of, section_in
from optimizer.config.sections import Config

LONGEST = 80
"""Most characters of a value in a sentence."""
SECRET_SECTIONS = ("fems", "mqtt")
"""Sections whose values are never shown."""
SECRET_ENDINGS = ("password", "token", "key", "url", "swiss")
"""Ends of the names of keys whose values are never shown; an address may contain a password."""
NOT_A_KEY = "unexpected_keyword_argument"
TEXTS = {
    "missing": "is missing",
    "dataclass_type": "should be a section, a table of keys",
    "zoneinfo_str": "should be a time zone such as Europe/Berlin",
}
"""Sentences instead of pydantic's own."""

Location = tuple[int | str, ...]
TakenOver = Mapping[Location, Set[str]]
"""Keys that a section has taken over from another one, whose faults are the other one's."""


def sentences(error: ValidationError, taken_over: TakenOver) -> list[str]:
    """One sentence for each key that is wrong; alternatives of a key become one sentence."""
    by_key: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        location = _location(fault["loc"])
        if any(key in taken_over.get(location[:at], ()) for at, key in enumerate(location)):
            continue
        key = ".".join(str(part) for part in location) or "the file"
        by_key.setdefault(key, []).append(_text(fault, location))
        plain = isinstance(fault["input"], str | int | float)
        secret = location[:1] in {(name,) for name in SECRET_SECTIONS}
        if plain and fault["type"] != NOT_A_KEY and not (secret or key.endswith(SECRET_ENDINGS)):
            given[key] = f" (it is {_short(fault['input'])})"
    return [f"{key} {' or '.join(texts)}{given.get(key, '')}" for key, texts in by_key.items()]


def _short(value: str | float) -> str:
    """A value in a sentence's length."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _known_keys(location: Location) -> list[str]:
    """Keys of the section at a location; none where there is no section."""
    section: type = Config
    for part in location:
        if isinstance(part, int):
            continue
        inner = section_in(keys_of(section).get(part))
        if inner is None:
            return []
        section = inner
    return list(keys_of(section))


def _location(loc: Location) -> Location:
    """Place of a fault, without the names of the branches of a union."""
    place: list[int | str] = []
    for part in loc:
        if isinstance(part, str) and place and not _known_keys(tuple(place)):
            break
        place.append(part)
    return tuple(place)


def _text(fault: Mapping[str, Any], location: Location) -> str:
    """Rest of the sentence about a key, with its fix."""
    if fault["type"] == NOT_A_KEY:
        known = _known_keys(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        return "is not a key; " + (
            f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}"
        )
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return TEXTS.get(fault["type"], message)
