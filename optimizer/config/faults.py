"""Faults of a configuration as sentences."""

from collections.abc import Mapping, Sequence, Set
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from optimizer.config.section_keys import keys_of, section_in
from optimizer.config.sections import Config

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST = 80
"""Most characters of a value in a sentence."""
SECRET_SECTIONS = ("fems", "mqtt")
"""Sections whose values are never shown."""
SECRET_ENDINGS = ("password", "token", "key", "url", "urls", "swiss")
"""Ends of the names of keys whose values are never shown; an address may contain a password."""
NOT_A_KEY = "unexpected_keyword_argument"
NUMBER = "should be a number"
WHOLE = "should be a whole number"
TEXT = "should be a text in quotation marks"
TRUTH = "should be true or false"
LIST = "should be a list in brackets"
SECTION = "should be a section, a table of keys"
CHOICE = "should be {expected}"
DATE = "should be a date such as 2026-12-31"
TIME = 'should be a time of day such as "10:00"'
MOMENT = "should be a moment such as 2026-12-31T00:00:00+01:00"
ZONE = "should be a time zone such as Europe/Berlin"

TEXTS = {
    "missing": "is missing",
    "dataclass_type": SECTION,
    "dataclass_exact_type": SECTION,
    "dict_type": "should be a table of keys and values",
    "string_type": TEXT,
    "string_unicode": TEXT,
    "bool_type": TRUTH,
    "bool_parsing": TRUTH,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": "should be a finite number",
    "greater_than_equal": "should be at least {ge}",
    "less_than_equal": "should be at most {le}",
    "tuple_type": LIST,
    "too_short": "has too few items: at least {min_length}",
    "too_long": "has too many items: at most {max_length}",
    "literal_error": CHOICE,
    "enum": CHOICE,
    "date_type": DATE,
    "date_parsing": DATE,
    "date_from_datetime_parsing": DATE,
    "date_from_datetime_inexact": DATE,
    "time_type": TIME,
    "time_parsing": TIME,
    "datetime_type": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "zoneinfo_str": ZONE,
    "path_type": "should be the name of a file or folder in quotation marks",
}
"""Sentences instead of pydantic's own, by its types of errors; a `value_error` is our own.

`tests/config/test_config_sentences.py` finds the types that the sections can raise.
"""

Location = tuple[int | str, ...]
TakenOver = Mapping[Location, Set[str]]
"""Keys that a section has taken over from another one, whose faults are the other one's."""


def sentences(error: ValidationError, taken_over: TakenOver) -> list[str]:
    """One sentence for each key that is wrong; alternatives of a key become one sentence."""
    by_key: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    found = error.errors(include_url=False)
    for fault in _of_their_shape(found):
        location = _location(fault["loc"])
        if fault["type"] == "too_short" and _has_faulty_items(fault["loc"], found):
            continue
        if any(key in taken_over.get(location[:at], ()) for at, key in enumerate(location)):
            continue
        key = ".".join(str(part) for part in location) or "the file"
        by_key.setdefault(key, []).append(_text(fault, location))
        plain = isinstance(fault["input"], str | int | float)
        secret = location[:1] in {(name,) for name in SECRET_SECTIONS}
        if plain and fault["type"] != NOT_A_KEY and not (secret or key.endswith(SECRET_ENDINGS)):
            given[key] = f" (it is {_short(fault['input'])})"
    return [
        f"{key} {' or '.join(dict.fromkeys(texts))}{given.get(key, '')}"
        for key, texts in by_key.items()
    ]


NO_LIST, NO_NUMBER = {"tuple_type", "list_type"}, {"float_type", "int_type"}


def _of_their_shape(found: "list[ErrorDetails]") -> "list[ErrorDetails]":
    """Faults without those of an alternative that the value was not meant for.

    Where a number and a list are allowed, a list is not asked to be a number.
    """
    kept = []
    for fault in found:
        place, others = _location(fault["loc"]), []
        if fault["type"] in (NO_NUMBER if isinstance(fault["input"], list) else NO_LIST):
            others = [other for other in found if other is not fault
                      and _location(other["loc"])[: len(place)] == place]  # fmt: skip
        if not others:
            kept.append(fault)
    return kept


def _has_faulty_items(loc: Location, found: Sequence[Mapping[str, Any]]) -> bool:
    """True for a list whose items are wrong: pydantic counts those that are right."""
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in found)


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
    place, named = list[int | str](), False
    for part in loc:
        if isinstance(part, str) and place and not _known_keys(tuple(place)):
            named = True
        elif not named or isinstance(part, int):
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
    return rest_of_sentence(fault)


def rest_of_sentence(fault: Mapping[str, Any]) -> str:
    """Rest of the sentence about a value, for keys and for flags.

    >>> rest_of_sentence({"type": "less_than_equal", "ctx": {"le": 100.0}})
    'should be at most 100'
    """
    if fault["type"] in TEXTS:
        limits = {name: _plain(value) for name, value in fault.get("ctx", {}).items()}
        return TEXTS[fault["type"]].format_map(limits)
    return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")


def _plain(value: Any) -> Any:
    """A limit without the powers of ten and the trailing zeros of a float."""
    return f"{value:.12g}" if isinstance(value, float) else value
