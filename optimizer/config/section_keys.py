"""Keys of the sections, read off the dataclasses: for faults and for the reference."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from optimizer.model.ranges import Derived

KeyPath = tuple[str, ...]
"""Keys that lead to a section."""


def keys_of(section: type) -> dict[str, Any]:
    """Keys of a section with their annotations, in the order of the dataclass.

    A field whose key is a word of Python's ends with an underscore (`from_`); a `Derived` field is
    no key.

    >>> from optimizer.model.tariff import Peak
    >>> list(keys_of(Peak))
    ['eur_per_kw', 'period', 'reached_w', 'usual_w', 'from', 'to', 'months', 'days']
    """
    hints = get_type_hints(section, include_extras=True)
    return {
        item.name.rstrip("_"): hints[item.name]
        for item in fields(section)
        if not any(isinstance(part, Derived) for part in get_args(hints[item.name]))
    }


def section_in(annotation: Any) -> type | None:
    """The section in a key's annotation: the key's own, or that of its tuple's items."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return annotation
    parts = get_args(annotation)
    inner = parts[:1] if get_origin(annotation) is Annotated else parts
    return next((found for part in inner if (found := section_in(part)) is not None), None)


def sections_of(section: type, path: KeyPath = ()) -> Iterator[tuple[KeyPath, type]]:
    """A section and all inside it, each with its path, the outer before the inner ones."""
    yield path, section
    for key, annotation in keys_of(section).items():
        inner = section_in(annotation)
        if inner is not None:
            yield from sections_of(inner, (*path, key))
